//! Programs as a caller of the system calls hands them over. What they then do is compared with the host's kernel
//! elsewhere.

use base::{Config, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use sockets::syscalls::*;
use syscall::consts::*;
use syscall::{Fd, FdPair, NewFd, UserIn, UserOut};

use super::*;

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[
        &base::COMPONENT,
        &sockets::COMPONENT,
        &local::COMPONENT,
        &crate::COMPONENT,
    ],
    params: &[ParamSpec {
        component: "base",
        name: "memory-limit",
        kind: ParamKind::Bytes,
        default: "1MiB",
        doc: "",
    }],
};

fn pair(lwp: &Lwp<'_>) -> [Fd; 2] {
    let mut place = [NewFd(-1); 2];
    let pair = FdPair::new(Some(&mut place));
    socketpair(lwp, AF_UNIX.into(), SOCK_DGRAM as i32, 0, pair).unwrap();
    place.map(|fd| Fd(fd.0))
}

/// Attaches a program of so many instructions, of which the last keeps two bytes.
fn attach(lwp: &Lwp<'_>, fd: Fd, count: usize) -> Result<(), Errno> {
    let mut program = alloc::vec![0u8; (count - 1) * Instruction::LEN];
    program.extend(6u16.to_ne_bytes());
    program.extend([0, 0]);
    program.extend(2u32.to_ne_bytes());
    let value = OptIn::new(Ok(UserIn::from(&program[..])));
    setsockopt(lwp, fd, SOL_SOCKET as i32, SO_ATTACH_FILTER as i32, value)
}

#[test]
fn programs_are_charged_to_the_kernel_and_go_with_their_socket() {
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    let memory = kernel.instance().memory().clone();
    enter(kernel.process(), |lwp| {
        let [one, other] = pair(lwp);
        let before = memory.used();
        attach(lwp, other, 4096)?;
        assert_eq!(memory.used() - before, 4096 * Instruction::LEN);
        attach(lwp, other, 1)?;
        assert_eq!(memory.used() - before, Instruction::LEN);
        assert_eq!(attach(lwp, other, 4097), Err(Errno::EINVAL));
        // The one before stays.
        send(lwp, one, UserIn::from(&b"hello"[..]), 0)?;
        let mut buffer = [0; 8];
        assert_eq!(recv(lwp, other, UserOut::from(&mut buffer[..]), 0)?, 2);
        for fd in [one, other] {
            base::syscalls::close(lwp, fd)?;
        }
        // Descriptors count, too.
        assert!(memory.used() < before);
        // As many as there is memory for.
        let mut pairs = 0;
        let refused = loop {
            match attach(lwp, pair(lwp)[0], 4096) {
                Ok(()) => pairs += 1,
                Err(errno) => break errno,
            }
        };
        assert_eq!(refused, Errno::ENOMEM);
        assert!((16..32).contains(&pairs), "{pairs}");
        Ok(())
    })
    .unwrap();
    drop(kernel);
    assert_eq!(memory.used(), 0);
}

/// A TCP segment of 20 + 6 bytes, or what is there instead, in a packet of IPv4 or IPv6.
fn packet(version: u8) -> Vec<u8> {
    let mut packet = match version {
        4 => [&[0x45, 0, 0, 46, 0, 0, 0, 0, 64, 6, 0, 0][..], &[10; 8]].concat(),
        _ => [&[0x60, 0, 0, 0, 0, 26, 6, 64][..], &[0xfd; 32]].concat(),
    };
    let start = packet.len();
    packet.resize(start + 26, 7);
    packet[start + 12] = 5 << 4;
    packet
}

fn arrival(bytes: &mut [u8], start: usize, protocol: u32) -> Arrival<'_> {
    let origin = sockets::Origin {
        protocol: protocol as u8,
        to_many: false,
        interface: 3,
        loopback: false,
        ethernet: true,
    };
    let origin = Some(origin);
    Arrival {
        bytes,
        start,
        origin,
    }
}

#[test]
fn headers_are_never_cut_off_and_lengths_are_true() {
    for (version, start, at, before) in [(4, 20, 2, 20), (6, 40, 4, 0)] {
        for (keeps, kept) in [(1, 20), (23, 23), (26, 26), (99, 99)] {
            let mut bytes = packet(version);
            let cut = packet::cut(&mut arrival(&mut bytes, start, IPPROTO_TCP), keeps);
            assert_eq!(cut, kept);
            let length = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
            assert_eq!(usize::from(length), before + kept.min(26));
        }
        let mut bytes = packet(version);
        let mut udp = arrival(&mut bytes, start, IPPROTO_UDP);
        assert_eq!(packet::cut(&mut udp, 1), 8);
        assert_eq!(packet::cut(&mut udp, 9), 9);
        assert_eq!(bytes, packet(version));
    }
    // A raw socket gets what the program says, whatever it is.
    let mut bytes = packet(4);
    assert_eq!(packet::cut(&mut arrival(&mut bytes, 0, IPPROTO_TCP), 1), 1);
    assert_eq!(bytes, packet(4));
}

#[test]
fn what_is_known_of_a_packet() {
    let known = |version, to: &[u8], many| {
        let mut bytes = packet(version);
        let at = if version == 4 { 16 } else { 24 };
        bytes[at..at + to.len()].copy_from_slice(to);
        let mut arrival = arrival(&mut bytes, 20, IPPROTO_UDP);
        arrival.origin.as_mut().unwrap().to_many = many;
        let packet = packet::of(&arrival);
        assert_eq!(packet.interface, Some((3, 1)));
        (packet.protocol, packet.kind)
    };
    assert_eq!(known(4, &[10, 0, 0, 1], false), (0x0800, 0));
    assert_eq!(known(4, &[10, 0, 0, 255], true), (0x0800, 1));
    assert_eq!(known(4, &[255; 4], true), (0x0800, 1));
    assert_eq!(known(4, &[224, 0, 0, 1], true), (0x0800, 2));
    assert_eq!(known(6, &[0xfd], false), (0x86dd, 0));
    assert_eq!(known(6, &[0xff, 2], true), (0x86dd, 2));
}
