//! The host's sockets over its loopback, as a kernel has them.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use hypercall::{Errno, HostSockets, Reception, SocketName, SocketNews, Upcall};

use crate::Platform;

const IN: u32 = libc::POLLIN as u32;
const OUT: u32 = libc::POLLOUT as u32;
const STREAM: u32 = libc::SOCK_STREAM as u32;
const DATAGRAM: u32 = libc::SOCK_DGRAM as u32;

extern "C-unwind" fn tell(cookie: usize) {
    // SAFETY: the address of the sender in `Kernel`, which outlives the attachment.
    let sender: &Sender<()> = unsafe { &*std::ptr::with_exposed_provenance(cookie) };
    let _ = sender.send(());
}

/// A kernel of the test's, without company: who watches sockets is the process's.
struct Kernel {
    handle: u64,
    arrived: Receiver<()>,
    _sender: Box<Sender<()>>,
    _work: crate::work::tests::Fake,
    _alone: std::sync::MutexGuard<'static, ()>,
}

impl Kernel {
    fn new() -> Kernel {
        let alone = crate::work::tests::alone();
        let (sender, arrived) = channel();
        let sender = Box::new(sender);
        let cookie = (&raw const *sender).expose_provenance();
        Kernel {
            _work: crate::work::tests::Fake::new(|| {}),
            handle: Platform::attach(Upcall::new(tell, cookie)),
            arrived,
            _sender: sender,
            _alone: alone,
        }
    }

    fn open(&self, kind: u32) -> u64 {
        good(Platform::open(self.handle, SocketName::IPV4, kind, 0))
    }

    /// A socket of this kind, bound to the loopback, and its name.
    fn bound(&self, kind: u32) -> (u64, SocketName) {
        let socket = self.open(kind);
        good(Platform::bind(socket, &loopback(0)));
        let mut name = SocketName::default();
        good(Platform::name(socket, &mut name));
        (socket, name)
    }

    /// Two ends of a connection.
    fn pair(&self) -> [u64; 2] {
        let (listener, name) = self.bound(STREAM);
        good(Platform::listen(listener, 1));
        let one = self.open(STREAM);
        let begun = Platform::connect(one, &name);
        assert!(begun == 0 || begun == Errno::EINPROGRESS.to_answer());
        let mut from = SocketName::default();
        let other = within(|| Platform::accept(listener, &mut from));
        assert_eq!(from.address[..4], [127, 0, 0, 1]);
        Platform::close(listener);
        [one, other]
    }

    /// The news there are.
    fn news(&self) -> Vec<(u64, u32)> {
        let mut news = SocketNews::default();
        let count = Platform::news(self.handle, &mut news);
        let all = news.sockets.into_iter().zip(news.events);
        all.take(count).collect()
    }

    /// The next news there are.
    fn next_news(&self) -> Vec<(u64, u32)> {
        loop {
            let news = self.news();
            if !news.is_empty() {
                return news;
            }
            self.arrived.recv_timeout(Duration::from_secs(10)).unwrap();
        }
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        Platform::detach(self.handle);
    }
}

fn loopback(port: u32) -> SocketName {
    let mut name = SocketName {
        family: SocketName::IPV4,
        port,
        ..SocketName::default()
    };
    name.address[..4].copy_from_slice(&[127, 0, 0, 1]);
    name
}

fn good(answer: i64) -> u64 {
    Errno::check(answer).unwrap()
}

/// Asks until the answer is another than `EAGAIN`.
fn within(mut ask: impl FnMut() -> i64) -> u64 {
    loop {
        match ask() {
            again if again == Errno::EAGAIN.to_answer() => std::thread::yield_now(),
            answer => return good(answer),
        }
    }
}

fn send(socket: u64, data: &[u8]) -> i64 {
    Platform::send(
        socket,
        data.into(),
        0,
        &SocketName::default(),
        (&[][..]).into(),
    )
}

fn receive(socket: u64, room: usize) -> Result<Vec<u8>, Errno> {
    let mut data = vec![0; room];
    let mut with = Reception::default();
    let place = data.as_mut_slice().into();
    let received = Platform::receive(socket, place, 0, &mut with, (&mut [][..]).into());
    data.truncate(Errno::check(received)? as usize);
    Ok(data)
}

#[test]
fn data_that_arrives_is_news_and_data_that_is_there_is_none() {
    let kernel = Kernel::new();
    let [one, other] = kernel.pair();
    good(send(one, b"old"));
    while Platform::events(other) & IN == 0 {}
    good(Platform::watch(other));
    assert_eq!(Platform::events(other), IN | OUT);
    assert_eq!(kernel.news(), []);
    // It was ready before; more is news.
    good(send(one, b"new"));
    assert_eq!(kernel.next_news(), [(other, IN)]);
    assert_eq!(receive(other, 9).unwrap(), b"oldnew");
    assert_eq!(receive(other, 9), Err(Errno::EAGAIN));
    assert_eq!((Platform::events(other), kernel.news()), (OUT, vec![]));
    // What is noticed by a look is news by then, whoever was to tell.
    good(send(one, b"x"));
    while Platform::events(other) & IN == 0 {}
    assert_eq!(kernel.news(), [(other, IN)]);
    Platform::close(one);
    let end = kernel.next_news();
    assert_eq!((end.len(), end[0].0), (1, other));
    assert_ne!(end[0].1 & libc::POLLRDHUP as u32, 0);
}

#[test]
fn room_is_news_of_its_own() {
    let kernel = Kernel::new();
    let [one, other] = kernel.pair();
    good(Platform::watch(one));
    good(send(other, b"stays"));
    assert_eq!(kernel.next_news(), [(one, IN)]);
    let chunk = vec![0; 1 << 16];
    let mut sent = 0;
    let full = loop {
        match send(one, &chunk) {
            count @ 0.. => sent += count,
            errno => break errno,
        }
    };
    assert_eq!(full, Errno::EAGAIN.to_answer());
    while sent > 0 {
        if let Ok(data) = receive(other, 1 << 16) {
            sent -= data.len() as i64;
        }
    }
    // Not of the data, which is still there.
    assert_eq!(kernel.next_news(), [(one, OUT)]);
}

#[test]
fn control_data_is_records() {
    let kernel = Kernel::new();
    let (socket, name) = kernel.bound(DATAGRAM);
    let on = 1i32.to_ne_bytes();
    let (level, ttl) = (libc::IPPROTO_IP as u32, libc::IP_TTL as u32);
    for option in [libc::IP_PKTINFO, libc::IP_RECVTTL] {
        good(Platform::set_option(
            socket,
            level,
            option as u32,
            (&on[..]).into(),
        ));
    }
    // With a hop limit of its own, from its own address: three words, and the value.
    let words = [level, ttl, 4, 33].map(u32::to_ne_bytes);
    let sent = Platform::send(
        socket,
        (&b"hello"[..]).into(),
        0,
        &name,
        words.as_flattened().into(),
    );
    assert_eq!(sent, 5);
    let (mut data, mut records) = ([0; 8], [0; 256]);
    let mut with = Reception::default();
    let received = within(|| {
        let (data, records) = ((&mut data[..]).into(), (&mut records[..]).into());
        Platform::receive(socket, data, 0, &mut with, records)
    });
    assert_eq!((received, with.from, with.flags), (5, name, 0));
    let records = &records[..with.control as usize];
    let at = |part: &[u8]| records.windows(part.len()).position(|it| it == part);
    assert!(at(words.as_flattened()).is_some(), "{records:?}");
    let info = [level, libc::IP_PKTINFO as u32, 12].map(u32::to_ne_bytes);
    let info = at(info.as_flattened()).unwrap();
    assert_eq!(records[info + 20..][..4], [127, 0, 0, 1]);
    // Records that end early, and those that no message has room for.
    for (records, errno) in [
        (&[0; 11][..], Errno::EINVAL),
        (words[..3].as_flattened(), Errno::EINVAL),
        (
            &[&[0; 8][..], &4096u32.to_ne_bytes(), &[0; 4096]].concat(),
            Errno::ENOBUFS,
        ),
    ] {
        let sent = Platform::send(socket, (&[][..]).into(), 0, &name, records.into());
        assert_eq!(sent, errno.to_answer());
    }
}

#[test]
fn what_is_closed_is_gone() {
    let kernel = Kernel::new();
    let [one, other] = kernel.pair();
    good(Platform::watch(one));
    good(send(other, b"x"));
    while Platform::events(one) & IN == 0 {}
    Platform::close(one);
    Platform::close(one);
    assert_eq!(kernel.news(), []);
    let bad = Errno::EBADF.to_answer();
    assert_eq!((send(one, b"x"), Platform::watch(one)), (bad, bad));
    assert_eq!(Platform::events(one), libc::POLLERR as u32);
    assert_eq!(Platform::open(u64::MAX, SocketName::IPV4, STREAM, 0), bad);
    // With the kernel goes what it has open.
    drop(kernel);
    assert_eq!(send(other, b"x"), bad);
}
