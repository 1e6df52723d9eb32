//! Links, the real ones in a network namespace of the test's thread.

use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use hypercall::{Errno, Frames, LinkInfo, Offload, Segment, Upcall};

use crate::Platform;

extern "C-unwind" fn nothing(_: usize) {}

fn try_open(url: &str) -> Result<u64, Errno> {
    let mut info = LinkInfo::default();
    let answer = Platform::open(url.into(), &mut info, Upcall::new(nothing, 0));
    Errno::check(answer)
}

#[test]
fn refuses_what_is_no_link() {
    assert_eq!(try_open("tap"), Err(Errno::EINVAL));
    assert_eq!(try_open("tap:"), Err(Errno::EINVAL));
    assert_eq!(try_open("tap:a/b"), Err(Errno::EINVAL));
    assert_eq!(try_open("tap:sixteen-letters!"), Err(Errno::EINVAL));
    assert_eq!(try_open("tun:"), Err(Errno::EINVAL));
    assert_eq!(try_open("packet:"), Err(Errno::EINVAL));
    assert_eq!(try_open("xdp:a?queue=x"), Err(Errno::EINVAL));
    assert_eq!(try_open("xdp:a?"), Err(Errno::EINVAL));
    assert_eq!(try_open("pigeon:grey"), Err(Errno::EPROTONOSUPPORT));
}

extern "C-unwind" fn tell(cookie: usize) {
    // SAFETY: the address of the sender in the test below, which outlives the link.
    let sender: &Sender<()> = unsafe { &*std::ptr::with_exposed_provenance(cookie) };
    sender.send(()).unwrap();
}

/// A request about the interface of this name.
fn request(name: &str) -> libc::ifreq {
    // SAFETY: the structure is plain data for which zeros are good.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request
}

/// Has the host's end of the link up or down.
fn set_up(name: &str, up: bool) {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let mut request = request(name);
    request.ifr_ifru.ifru_flags = if up { libc::IFF_UP as i16 } else { 0 };
    // SAFETY: the request is filled in as the call reads it.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request) };
    assert_eq!(answer, 0);
}

/// Gives the host's end of the link an address, and has it up.
fn configure(name: &str, address: [u8; 4]) {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // SAFETY: the request is plain data, filled in as each of the calls reads it.
    unsafe {
        let mut request = request(name);
        let mut inet: libc::sockaddr_in = std::mem::zeroed();
        inet.sin_family = libc::AF_INET as u16;
        inet.sin_addr.s_addr = u32::from_ne_bytes(address);
        request.ifr_ifru.ifru_addr = *(&raw const inet).cast();
        assert_eq!(
            libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFADDR, &request),
            0
        );
    }
    set_up(name, true);
}

/// The next frame of this EtherType, and what was said of it.
fn next_frame(link: u64, arrived: &Receiver<()>, kind: [u8; 2]) -> (Vec<u8>, Offload) {
    next_frame_of(link, arrived, |frame| frame[12..14] == kind)
}

/// The next frame that is wanted; those before it are lost.
fn next_frame_of(
    link: u64,
    arrived: &Receiver<()>,
    wanted: impl Fn(&[u8]) -> bool,
) -> (Vec<u8>, Offload) {
    loop {
        let mut rooms = [[0u8; 1600]; 2];
        let mut buffers = rooms.each_mut().map(|room| Segment::empty(room));
        let count = Platform::receive(link, buffers.as_mut_slice().into());
        let mut frames = buffers[..count].iter();
        if let Some(frame) = frames.find(|frame| wanted(frame.as_slice())) {
            return (frame.as_slice().to_vec(), frame.offload());
        }
        // The interface is told of once for each time it was found empty.
        if count < buffers.len() {
            arrived.recv_timeout(Duration::from_secs(5)).unwrap();
        }
    }
}

#[test]
fn a_tap_interface_carries_frames_both_ways() {
    let _alone = crate::work::tests::alone();
    // SAFETY: no memory is touched. The namespace is this thread's, which ends with the test.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        eprintln!("skipped: a network namespace needs root (CAP_SYS_ADMIN)");
        return;
    }
    let (sender, arrived) = channel();
    let cookie = (&raw const sender).expose_provenance();
    let mut info = LinkInfo::default();
    let url = "tap:rumptest";
    let answer = Platform::open(url.into(), &mut info, Upcall::new(tell, cookie));
    let link = match Errno::check(answer) {
        Ok(link) => link,
        Err(error) => {
            eprintln!("skipped: {url}: {error}");
            return;
        }
    };
    assert_eq!((info.mtu, info.address), (1500, [0; 6]));
    assert_eq!(info.medium, LinkInfo::ETHERNET);
    // It is no TUN interface, and one of that kind says so.
    assert_eq!(try_open("tun:rumptest"), Err(Errno::EINVAL));
    let mut other = LinkInfo::default();
    let answer = Platform::open("tun:other".into(), &mut other, Upcall::new(nothing, 0));
    assert_eq!((other.medium, other.mtu), (LinkInfo::IP, 1500));
    Platform::close(Errno::check(answer).unwrap());
    assert_eq!(
        info.offloads,
        LinkInfo::CHECKSUM | LinkInfo::TCP4 | LinkInfo::TCP6
    );
    configure("rumptest", [10, 7, 7, 1]);

    // The host asks who its peer is.
    let socket = UdpSocket::bind("10.7.7.1:5000").unwrap();
    socket.send_to(b"hello", "10.7.7.2:6000").unwrap();
    let (question, _) = next_frame(link, &arrived, [8, 6]);
    assert_eq!(question[38..42], [10, 7, 7, 2]);

    // It believes the answer and sends what it had to say.
    let mut answer = question.clone();
    let (me, host) = ([2, 0, 0, 0, 0, 9], &question[6..12]);
    answer[0..6].copy_from_slice(host);
    answer[6..12].copy_from_slice(&me);
    answer[20..22].copy_from_slice(&[0, 2]);
    answer[22..28].copy_from_slice(&me);
    answer[28..32].copy_from_slice(&[10, 7, 7, 2]);
    answer[32..38].copy_from_slice(host);
    answer[38..42].copy_from_slice(&[10, 7, 7, 1]);
    let frames: &[Segment<'_>] = &[Segment::full(&mut answer)];
    assert_eq!(Platform::transmit(link, frames.into()), 1);
    let (datagram, said) = next_frame(link, &arrived, [8, 0]);
    assert!(datagram.windows(5).any(|part| part == b"hello"));
    // It left the checksum to us.
    let expected = Offload {
        flags: Offload::NEEDS_CHECKSUM,
        checksum_start: 34,
        checksum_offset: 6,
        ..Offload::default()
    };
    assert_eq!(said, expected);

    // It is down and up again, and the kernel hears of both; what is sent meanwhile is refused.
    let expect_carrier = |carrier| {
        while Platform::carrier(link) != carrier {
            arrived.recv_timeout(Duration::from_secs(5)).unwrap();
        }
    };
    set_up("rumptest", false);
    expect_carrier(false);
    assert_eq!(Platform::transmit(link, frames.into()), 0);
    set_up("rumptest", true);
    expect_carrier(true);
    assert_eq!(Platform::transmit(link, frames.into()), 1);
    // Of another interface there is no news.
    set_up("lo", true);
    assert!(Platform::carrier(link));
    Platform::close(link);
    assert_eq!(Platform::transmit(link, frames.into()), 0);
    assert!(!Platform::carrier(link));
}

/// Runs `ip` in the thread's namespace.
fn ip(line: &str) {
    let done = std::process::Command::new("ip")
        .args(line.split(' '))
        .status();
    assert!(done.is_ok_and(|status| status.success()), "ip {line}");
}

#[test]
fn a_packet_socket_puts_tags_back_and_hears_nothing_of_what_leaves() {
    let _alone = crate::work::tests::alone();
    // SAFETY: no memory is touched. The namespace is this thread's, which ends with the test.
    if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
        eprintln!("skipped: a network namespace needs root (CAP_SYS_ADMIN)");
        return;
    }
    for line in [
        "link add v0 type veth peer name v1",
        "link set v0 up",
        "link set v1 up",
    ] {
        ip(line);
    }
    assert_eq!(try_open("packet:v9"), Err(Errno::ENODEV));
    let (sender, arrived) = channel();
    let cookie = (&raw const sender).expose_provenance();
    let [one, other] = ["packet:v0", "packet:v1"].map(|url| {
        let mut info = LinkInfo::default();
        let answer = Platform::open(url.into(), &mut info, Upcall::new(tell, cookie));
        assert_eq!((info.mtu, info.medium), (1500, LinkInfo::ETHERNET));
        Errno::check(answer).unwrap()
    });
    // A datagram with a tag, whose checksum is left open.
    let mut tagged = [7; 60];
    tagged[..6].fill(0xff);
    tagged[12..18].copy_from_slice(&[0x81, 0, 0x60, 5, 8, 0]);
    tagged[18..38].copy_from_slice(&[
        0x45, 0, 0, 42, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ]);
    let mut sent = Segment::full(&mut tagged);
    let open = Offload {
        flags: Offload::NEEDS_CHECKSUM,
        checksum_start: 38,
        checksum_offset: 6,
        ..Offload::default()
    };
    sent.set_offload(open);
    let frames: &[Segment<'_>] = &[sent];
    let ours = |frame: &[u8]| frame[12] == 0x81;
    for (from, to) in [(one, other), (other, one)] {
        assert_eq!(Platform::transmit(from, frames.into()), 1);
        // The system takes the tag out on the way, and cuts nothing off what it is sent.
        let (frame, said) = next_frame_of(to, &arrived, ours);
        assert_eq!((&frame[..], said), (frames[0].as_slice(), open));
        // Who sent it has nothing of it.
        let mut room = [0; 1600];
        let mut buffers = [Segment::empty(&mut room)];
        while Platform::receive(from, buffers.as_mut_slice().into()) > 0 {
            assert!(!ours(buffers[0].as_slice()));
        }
    }
    for link in [one, other] {
        Platform::close(link);
    }
}
