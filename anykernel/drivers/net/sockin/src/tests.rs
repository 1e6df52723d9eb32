//! The component under the system calls, on a host that does what a test says: what comes later comes from
//! callouts, and waiting moves the clock.

mod host;
mod linger;

use alloc::vec;
use alloc::vec::Vec;

use base::{Callout, Config, Errno, Kernel, Lwp, System, enter};
use hypercall::SocketName;
use sockets::syscalls::*;
use syscall::consts::*;
use syscall::{
    Control, Fd, IovIn, MsgIn, MsgOut, MsgResult, OptIn, OptOut, PollFd, PollFds, SockAddr,
    SockAddrIn, SockAddrOut, UioOut, UserIn, UserMem, UserOut,
};

use host::{answer, be_odd, count, host, say, told};

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &sockets::COMPONENT, &crate::COMPONENT],
    params: &[],
};

const MS: u64 = 1_000_000;
const IN: u32 = POLLIN as u32;
const OUT: u32 = POLLOUT as u32;

/// Runs a test on behalf of a process, and holds that nothing stays charged or open.
fn run(test: impl FnOnce(&Lwp<'_>)) {
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    let memory = kernel.instance().memory().clone();
    enter(kernel.process(), |lwp| {
        test(lwp);
        Ok(())
    })
    .unwrap();
    drop(kernel);
    assert_eq!(memory.used(), 0);
    assert_eq!(host(|host| host.detached), 1);
}

fn make(lwp: &Lwp<'_>, kind: u32) -> Fd {
    Fd(socket(lwp, AF_INET.into(), kind as i32, 0).unwrap().0)
}

fn address() -> SockAddr {
    SockAddr::Inet("127.0.0.1:80".parse().unwrap())
}

/// Has something happen on the host after `span` nanoseconds.
fn later(lwp: &Lwp<'_>, span: u64, action: impl Fn() + Send + Sync + 'static) {
    Callout::new(move |_| action()).set(lwp, lwp.now() + span);
}

fn put(lwp: &Lwp<'_>, fd: Fd, data: &[u8], flags: u32) -> Result<usize, Errno> {
    send(lwp, fd, UserIn::from(data), flags as i32)
}

fn get(lwp: &Lwp<'_>, fd: Fd, len: usize, flags: u32) -> Result<Vec<u8>, Errno> {
    let mut buffer = vec![0; len];
    let count = recv(lwp, fd, UserOut::from(&mut buffer[..]), flags as i32)?;
    buffer.truncate(count);
    Ok(buffer)
}

fn set(lwp: &Lwp<'_>, fd: Fd, level: u32, name: u32, words: &[i32]) -> Result<(), Errno> {
    let value: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let value = OptIn::new(Ok(UserIn::from(&value[..])));
    setsockopt(lwp, fd, level as i32, name as i32, value)
}

fn option(lwp: &Lwp<'_>, fd: Fd, level: u32, name: u32) -> Result<Vec<u8>, Errno> {
    let (mut value, mut len) = (vec![0; 64], 0);
    let place = OptOut::new(Ok(UserOut::from(&mut value[..])), &mut len);
    getsockopt(lwp, fd, level as i32, name as i32, place)?;
    value.truncate(len);
    Ok(value)
}

fn close(lwp: &Lwp<'_>, fd: Fd) {
    base::syscalls::close(lwp, fd).unwrap();
}

/// What `poll` says of a descriptor within 100 ms.
fn poll(lwp: &Lwp<'_>, fd: Fd, events: u16) -> u16 {
    let mut entries = [PollFd {
        fd: fd.0,
        events,
        revents: 0,
    }];
    base::syscalls::poll(lwp, PollFds::new(Ok(&mut entries)), 100).unwrap();
    entries[0].revents
}

#[test]
fn a_call_waits_until_the_host_has_news() {
    run(|lwp| {
        let fd = make(lwp, SOCK_STREAM);
        assert_eq!(get(lwp, fd, 8, MSG_DONTWAIT), Err(Errno::EAGAIN));
        later(lwp, 5 * MS, || {
            host(|host| host.inbox.extend(b"hello"));
            say(1, IN);
        });
        let begin = lwp.now();
        assert_eq!(get(lwp, fd, 8, 0).unwrap(), b"hello");
        assert!(lwp.now() - begin >= 5 * MS);
        later(lwp, 5 * MS, || {
            host(|host| host.room = 3);
            say(1, OUT);
        });
        later(lwp, 9 * MS, || {
            host(|host| host.room = 3);
            say(1, OUT);
        });
        assert_eq!(put(lwp, fd, b"world", 0), Ok(5));
        assert_eq!(host(|host| host.sent.clone()), b"world");
        // One watch is enough, and nobody asked without cause.
        assert_eq!((count("watch"), count("send")), (1, 4));
    });
}

#[test]
fn what_comes_before_the_watch_is_not_missed() {
    run(|lwp| {
        let fd = make(lwp, SOCK_DGRAM);
        // It arrives between the question and the watch: the host does not tell of it.
        answer("receive", [Errno::EAGAIN.to_answer()]);
        host(|host| host.inbox.extend(b"x"));
        assert_eq!(get(lwp, fd, 8, 0).unwrap(), b"x");
    });
}

#[test]
fn readiness_is_the_hosts() {
    run(|lwp| {
        let fd = make(lwp, SOCK_STREAM);
        assert_eq!(poll(lwp, fd, POLLIN | POLLOUT), 0);
        host(|host| host.level = OUT | u32::from(POLLRDHUP) | 0x8000);
        assert_eq!(poll(lwp, fd, POLLIN | POLLOUT), POLLOUT);
        assert_eq!(poll(lwp, fd, POLLRDHUP), POLLRDHUP);
        host(|host| host.level = 0);
        later(lwp, 5 * MS, || say(1, IN));
        assert_eq!(poll(lwp, fd, POLLIN), POLLIN);
    });
}

#[test]
fn a_socket_that_cannot_be_watched_keeps_nobody_waiting() {
    run(|lwp| {
        let fd = make(lwp, SOCK_STREAM);
        answer("watch", [Errno::ENOMEM.to_answer(); 3]);
        assert_eq!(get(lwp, fd, 8, 0), Err(Errno::ENOMEM));
        assert_eq!(connect(lwp, fd, address().into()), Err(Errno::ENOMEM));
        assert_eq!(poll(lwp, fd, POLLIN), POLLERR);
    });
}

#[test]
fn a_connection_under_way_is_waited_for() {
    run(|lwp| {
        let under_way = [Errno::EINPROGRESS, Errno::EALREADY].map(Errno::to_answer);
        let fd = make(lwp, SOCK_STREAM);
        answer("connect", under_way);
        later(lwp, 5 * MS, || say(1, OUT));
        later(lwp, 9 * MS, || say(1, OUT));
        assert_eq!(connect(lwp, fd, address().into()), Ok(()));
        assert_eq!(count("connect"), 3);

        let kind = (SOCK_STREAM | SOCK_NONBLOCK) as i32;
        let fd = Fd(socket(lwp, AF_INET.into(), kind, 0).unwrap().0);
        answer("connect", under_way);
        answer("connect", [Errno::ECONNREFUSED.to_answer()]);
        let connect = || connect(lwp, fd, address().into());
        assert_eq!(connect(), Err(Errno::EINPROGRESS));
        assert_eq!(connect(), Err(Errno::EALREADY));
        assert_eq!(connect(), Err(Errno::ECONNREFUSED));
    });
}

#[test]
fn a_send_call_may_connect() {
    run(|lwp| {
        let fd = make(lwp, SOCK_STREAM);
        answer("send", [Errno::EINPROGRESS.to_answer()]);
        answer("connect", [Errno::EALREADY.to_answer()]);
        host(|host| (host.room, host.level) = (100, OUT));
        for span in [5 * MS, 9 * MS] {
            later(lwp, span, || say(1, OUT));
        }
        let send = |flags| {
            let data = UserIn::from(&b"early"[..]);
            sendto(lwp, fd, data, flags as i32, address().into())
        };
        assert_eq!(send(MSG_FASTOPEN), Ok(5));
        assert_eq!((count("connect"), count("send")), (2, 2));
        // Who would not wait hears of it, and so does everybody of how it ends.
        answer("send", [Errno::EINPROGRESS.to_answer(); 2]);
        assert_eq!(send(MSG_FASTOPEN | MSG_DONTWAIT), Err(Errno::EINPROGRESS));
        answer("connect", [Errno::ECONNREFUSED.to_answer()]);
        later(lwp, 5 * MS, || say(1, OUT));
        assert_eq!(send(MSG_FASTOPEN), Err(Errno::ECONNREFUSED));
        assert_eq!(send(0), Ok(5));
    });
}

#[test]
fn much_goes_in_pieces_as_far_as_the_host_takes_it() {
    run(|lwp| {
        let fd = make(lwp, SOCK_STREAM);
        let much: Vec<u8> = (0..200_000).map(|at| (at % 251) as u8).collect();
        host(|host| (host.room, host.level) = (150_001, OUT));
        assert_eq!(put(lwp, fd, &much, MSG_DONTWAIT), Ok(150_001));
        assert_eq!(host(|host| host.sent.clone()), much[..150_001]);
        host(|host| host.inbox.extend(&much));
        assert_eq!(get(lwp, fd, 300_000, 0).unwrap(), much);
        // An error is left for the call that can report it.
        host(|host| (host.room, host.level) = (100_000, OUT | u32::from(POLLERR)));
        assert_eq!(put(lwp, fd, &much, MSG_DONTWAIT), Ok(65536));
    });
}

/// A caller's memory that is not here.
struct Elsewhere(&'static [u8]);

impl UserMem for Elsewhere {
    fn copy_in(&self, address: usize, to: &mut [u8]) -> Result<(), Errno> {
        let from = self.0.get(address..address + to.len());
        to.copy_from_slice(from.ok_or(Errno::EFAULT)?);
        Ok(())
    }

    fn copy_out(&self, _address: usize, _from: &[u8]) -> Result<(), Errno> {
        Err(Errno::EFAULT)
    }
}

#[test]
fn scattered_data_is_one_datagram() {
    run(|lwp| {
        let fd = make(lwp, SOCK_DGRAM);
        host(|host| host.room = 1 << 20);
        let memory = Elsewhere(b"--two---one-");
        let ranges = [(8, 3), (11, 1), (2, 3)];
        let data = IovIn::new(&memory, Ok(&ranges)).uio().unwrap();
        let message = MsgIn::new(Ok((SockAddrIn::new(Ok(None)), data, &[])));
        assert_eq!(sendmsg(lwp, fd, message, 0), Ok(7));
        assert_eq!(
            (host(|host| host.sent.clone()), count("send")),
            (b"one-two".to_vec(), 1)
        );
        let long = vec![0; 65537];
        assert_eq!(put(lwp, fd, &long, 0), Err(Errno::EMSGSIZE));
    });
}

#[test]
fn control_data_comes_and_goes_where_it_is_asked_for() {
    run(|lwp| {
        let fd = make(lwp, SOCK_DGRAM);
        let info = Control {
            level: IPPROTO_IP,
            kind: IP_PKTINFO,
            data: vec![3; 12],
        };
        host(|host| {
            host.control = crate::control::encode(core::slice::from_ref(&info));
            host.inbox.extend(b"ab");
            host.room = 9;
        });
        let receive = || {
            let (mut byte, mut result) = ([0], MsgResult::default());
            let data = Ok(UioOut::from(UserOut::from(&mut byte[..])));
            recvmsg(lwp, fd, MsgOut::new(data, [0; 2], &mut result), 0).unwrap();
            result.control
        };
        assert_eq!(receive(), []);
        set(lwp, fd, IPPROTO_IP, IP_PKTINFO, &[1]).unwrap();
        assert_eq!(receive(), core::slice::from_ref(&info));
        let data = UserIn::from(&b"x"[..]).into();
        let controls = [info];
        let message = MsgIn::new(Ok((address().into(), data, &controls)));
        assert_eq!(sendmsg(lwp, fd, message, 0), Ok(1));
        assert!(host(|host| host.controlled == host.control));
    });
}

#[test]
fn options_pass_where_they_are_known() {
    run(|lwp| {
        let fd = make(lwp, SOCK_STREAM);
        set(lwp, fd, IPPROTO_TCP, TCP_NODELAY, &[1]).unwrap();
        let passed = (IPPROTO_TCP, TCP_NODELAY, 1i32.to_ne_bytes().to_vec());
        assert_eq!(host(|host| host.options.pop()), Some(passed));
        assert_eq!(option(lwp, fd, IPPROTO_TCP, TCP_NODELAY).unwrap(), [1; 4]);
        // A filter's value holds a pointer (SO_ATTACH_FILTER), another's names a file of the host (SO_INCOMING_CPU).
        for (level, name) in [
            (SOL_SOCKET, 26),
            (SOL_SOCKET, 49),
            (263, 1),
            (IPPROTO_TCP, 31),
        ] {
            assert_eq!(set(lwp, fd, level, name, &[1]), Err(Errno::ENOPROTOOPT));
            assert_eq!(option(lwp, fd, level, name), Err(Errno::ENOPROTOOPT));
        }
        assert_eq!((count("set_option"), count("option")), (1, 1));
    });
}

/// Makes every call there is.
fn try_everything(lwp: &Lwp<'_>, fd: Fd) -> Vec<alloc::string::String> {
    let mut peer = None;
    let flags = [
        MSG_DONTWAIT,
        MSG_DONTWAIT | MSG_TRUNC,
        MSG_DONTWAIT | MSG_PEEK,
    ];
    let mut all = vec![
        told("bind", &bind(lwp, fd, address().into())),
        told("listen", &listen(lwp, fd, 1)),
        told(
            "accept",
            &accept(lwp, fd, SockAddrOut::new(Some(&mut peer))),
        ),
        told("connect", &connect(lwp, fd, address().into())),
        told("shutdown", &shutdown(lwp, fd, 1)),
        told(
            "name",
            &getsockname(lwp, fd, SockAddrOut::new(Some(&mut peer))),
        ),
        told(
            "peer",
            &getpeername(lwp, fd, SockAddrOut::new(Some(&mut peer))),
        ),
        told("set", &set(lwp, fd, IPPROTO_IP, IP_RECVTTL, &[1])),
        told("option", &option(lwp, fd, SOL_SOCKET, SO_ERROR)),
        told("linger", &set(lwp, fd, SOL_SOCKET, SO_LINGER, &[1, 1])),
    ];
    for len in [0, 5, 3000, 70_000] {
        let data = vec![1; len];
        all.push(told("send", &put(lwp, fd, &data, MSG_DONTWAIT)));
        all.extend(flags.map(|flags| told("receive", &get(lwp, fd, len, flags))));
    }
    poll(lwp, fd, POLLIN | POLLOUT);
    all
}

#[test]
fn no_answer_of_the_host_is_too_odd() {
    let odd = [
        i64::MIN,
        -1 << 32,
        -4097,
        -4096,
        -4095,
        -1,
        0,
        1,
        31,
        1 << 16,
        1 << 32,
        i64::MAX,
    ];
    run(|lwp| {
        for kind in [SOCK_STREAM, SOCK_DGRAM, SOCK_RAW] {
            for answer in odd {
                let fd = make(lwp, kind);
                be_odd(answer);
                // Whatever comes of it, it is an answer, and the kernel is there.
                let said = try_everything(lwp, fd);
                assert!(said.len() > 20 && lwp.instance().memory().used() > 0);
                if host(|host| host.closed.is_empty()) {
                    say(u64::MAX, u32::MAX);
                }
                close(lwp, fd);
                host(|host| *host = host::Host::after(host));
            }
        }
        assert!(!lwp.instance().is_dead());
    });
}

#[test]
fn the_hosts_errors_are_the_programs() {
    run(|lwp| {
        for errno in [Errno::EMFILE, Errno::EACCES, Errno::EPROTONOSUPPORT] {
            answer("open", [errno.to_answer()]);
            let made = socket(lwp, AF_INET6.into(), SOCK_RAW as i32, 1);
            assert_eq!(made.map(drop), Err(errno));
        }
        let fd = make(lwp, SOCK_STREAM);
        answer("bind", [Errno::EADDRINUSE.to_answer()]);
        assert_eq!(bind(lwp, fd, address().into()), Err(Errno::EADDRINUSE));
        // Addresses cross as they are, and so do those of other families.
        let v6 = SockAddr::Inet6("[::1]:443".parse().unwrap());
        bind(lwp, fd, v6.into()).unwrap();
        assert_eq!(
            host(|host| (host.peer.family, host.peer.port)),
            (SocketName::IPV6, 443)
        );
        let other = SockAddr::Other {
            family: 17,
            data: [0; 126],
            len: 12,
        };
        bind(lwp, fd, other.into()).unwrap();
        assert_eq!(host(|host| host.peer.family), 17);
        assert_eq!(
            getpeername(lwp, fd, SockAddrOut::new(None)),
            Err(Errno::ENOTCONN)
        );
    });
}
