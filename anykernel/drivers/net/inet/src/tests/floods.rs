//! More than anybody can want: memory stays within its bounds, those who talk go on, and nothing of it stays.

use super::hostile::{Random, fix_checksums};
use super::*;

const SECOND: u64 = 1_000_000_000;
const CABLE: &str = "a?latency=10us";

/// A frame from one kernel to the other, as it was on the cable, to make others from.
fn model(wire: &sim::Wire, protocol: u8) -> Vec<u8> {
    let all = core::iter::from_fn(|| wire.receive());
    let mut fitting = all.filter(|frame| frame[12..14] == [8, 0] && frame[23] == protocol);
    fitting.next().unwrap()
}

/// Beginnings of connections that lead to nothing, from everywhere: to one port and to all others.
#[test]
fn a_flood_of_beginnings_holds_up_nobody_who_talks() {
    const HALF_OPEN: usize = 32;
    const BUFFERS: usize = 2 * 8192;
    sim::reset(1);
    let [client, server] = pair(CABLE);
    drop(server);
    let server = boot(&[
        ("virtif", &alloc::format!("wire:{CABLE}")),
        ("tcp-half-open", "32"),
        ("tcp-buffer", "8KiB"),
    ]);
    server
        .enter(|lwp| {
            let interface = server.net.interface("virt0")?;
            server
                .net
                .add_address(lwp, &interface, "10.0.0.2/24".parse().unwrap())
        })
        .unwrap();
    let wire = sim::Wire::open(CABLE);
    let (listener, address) = server.listener("10.0.0.2:80", 8);
    let caller = client.tcp();
    caller.connect(address).unwrap();
    let (served, _) = listener.accept().unwrap();
    let syn = model(&wire, 6);
    let before = server.memory_used();
    let mut random = Random(9);
    for round in 0..200u32 {
        for _ in 0..100 {
            let mut forged = syn.clone();
            forged[26..30].copy_from_slice(&[192, 0, 2, random.next() as u8]);
            forged[34..36].copy_from_slice(&(random.next() as u16 | 1).to_be_bytes());
            if random.next().is_multiple_of(4) {
                forged[36..38].copy_from_slice(&(random.next() as u16 | 1).to_be_bytes());
            }
            forged[38..42].copy_from_slice(&(random.next() as u32).to_be_bytes());
            fix_checksums(&mut forged);
            wire.send(&forged);
        }
        caller.send(&round.to_be_bytes()).unwrap();
        assert_eq!(served.receive(10).unwrap(), round.to_be_bytes());
        served.send(b"yes").unwrap();
        assert_eq!(caller.receive(10).unwrap(), b"yes");
        let held = server.memory_used().saturating_sub(before);
        // Buffers, and frames: those that are pooled, and answers that wait for a neighbour.
        assert!(
            held < HALF_OPEN * BUFFERS + (2 << 20),
            "{held} bytes in round {round}"
        );
        while wire.receive().is_some() {}
    }
    let inet = server
        .enter(|lwp| lwp.state::<crate::inet::Inet>())
        .unwrap();
    let connections = || inet.tables.write(|tables| tables.connections.len());
    assert!(connections() <= HALF_OPEN + 1, "{}", connections());
    // Half a second later others get in, and a minute later nothing is left.
    sim::advance(SECOND);
    let late = client.tcp();
    late.connect(address).unwrap();
    let (found, _) = listener.accept().unwrap();
    assert_eq!(found.peer(), Ok(late.local()));
    sim::advance(200 * SECOND);
    assert_eq!(connections(), 2);
}

/// Datagrams to ports where nobody is: errors are sent in a burst and then at a rate.
#[test]
fn a_flood_of_datagrams_for_nobody_is_answered_with_moderation() {
    let [client, server] = pair(CABLE);
    let wire = sim::Wire::open(CABLE);
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    let sender = client.udp();
    sender.send_to(b"to nobody", at("10.0.0.2", 9)).unwrap();
    sim::advance(SECOND);
    let datagram = model(&wire, 17);
    let mut random = Random(4);
    let mut flood = |rounds: usize| {
        let (mut errors, began) = (0, sim::now());
        for _ in 0..rounds {
            for _ in 0..500 {
                let mut forged = datagram.clone();
                forged[36..38].copy_from_slice(&(random.next() as u16 | 1).to_be_bytes());
                fix_checksums(&mut forged);
                wire.send(&forged);
            }
            sim::advance(1_000_000);
            one.send(b"x").unwrap();
            assert_eq!(other.receive(1).unwrap(), b"x");
            while let Some(frame) = wire.receive() {
                errors += usize::from(frame[12..14] == [8, 0] && frame[23] == 1);
            }
        }
        let milliseconds = (sim::now() - began) as usize / 1_000_000;
        assert!(
            errors <= 64 + milliseconds + 1,
            "{errors} in {milliseconds} ms"
        );
        errors
    };
    assert!(flood(20) >= 64);
    let used = server.memory_used();
    assert!(flood(40) > 0);
    assert_eq!(server.memory_used(), used);
}

/// A peer that never reads, but answers whatever it is asked: its window stays shut.
#[test]
fn a_peer_that_never_reads_is_left_in_the_end() {
    let [client, server] = pair(CABLE);
    let inet = server
        .enter(|lwp| lwp.state::<crate::inet::Inet>())
        .unwrap();
    let mut left = Vec::new();
    for _ in 0..2 {
        let (one, other) = connected_with(&client, &server, "10.0.0.2:0", |socket| {
            socket.set(SOL_SOCKET, SO_RCVBUF, 4096).unwrap();
        });
        while other.try_send(&[7; 10_000]).is_ok() {
            sim::advance(SECOND);
        }
        // As long as its program waits, so do we; then no longer than for what leads to something.
        sim::advance(2000 * SECOND);
        assert_eq!((other.error(), other.peer().is_ok()), (0, true));
        other.close();
        sim::advance(100 * SECOND);
        assert_eq!(inet.tables.write(|tables| tables.connections.len()), 1);
        sim::advance(300 * SECOND);
        assert_eq!(inet.tables.write(|tables| tables.connections.len()), 0);
        drop(one);
        left.push(server.memory_used());
    }
    assert_eq!(left[0], left[1]);
}

/// A peer that says nothing of an end, though it was told of ours, and goes on to confirm it.
#[test]
fn a_peer_that_does_not_end_is_left_in_the_end() {
    let [client, server] = pair(CABLE);
    let inet = server
        .enter(|lwp| lwp.state::<crate::inet::Inet>())
        .unwrap();
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    one.set(IPPROTO_TCP, TCP_KEEPIDLE, 5).unwrap();
    one.set(IPPROTO_TCP, TCP_KEEPINTVL, 5).unwrap();
    one.set(IPPROTO_TCP, TCP_KEEPCNT, 100).unwrap();
    one.set(SOL_SOCKET, SO_KEEPALIVE, 1).unwrap();
    other.close();
    sim::advance(50 * SECOND);
    assert_eq!(inet.tables.write(|tables| tables.connections.len()), 1);
    sim::advance(20 * SECOND);
    assert_eq!(inet.tables.write(|tables| tables.connections.len()), 0);
    assert_eq!(one.receive(1).unwrap(), b"");
}

/// Connections over a cable that loses frames, that end anywhere, in every way, or of which one end vanishes: nothing
/// of them stays.
#[test]
fn connections_that_are_torn_over_a_cable_leave_nothing_behind() {
    let [client, server] = pair_with(["a?latency=50us&loss=5%", "a?latency=50us&loss=5%"]);
    let (listener, address) = server.listener("10.0.0.2:80", 16);
    let six = server.listener("[fd00::2]:80", 16);
    for host in [&client, &server] {
        // Neighbours are known, and stay so.
        let _ = host.udp().send_to(b"x", at("10.0.0.2", 9));
    }
    let mut random = Random(3);
    let mut rounds = |count: usize| {
        for _ in 0..count {
            let draw = random.next();
            let (family, to, listener) = match draw & 1 {
                0 => (AF_INET, address, &listener),
                _ => (AF_INET6, six.1, &six.0),
            };
            let caller = client.socket(family, SOCK_STREAM, 0).unwrap();
            for socket in [&caller, listener] {
                socket.set(SOL_SOCKET, SO_RCVBUF, 4096).unwrap();
                socket.set(SOL_SOCKET, SO_SNDBUF, 8192).unwrap();
            }
            let _ = caller.try_connect(to);
            sim::advance(draw >> 1 & 0x3_ffff);
            let accepted = listener.try_accept().ok().map(|(socket, _)| socket);
            let _ = caller.try_send(&[1; 6000]);
            if draw >> 20 & 1 == 0 {
                sim::advance(draw >> 21 & 0xf_ffff);
            }
            if let Some(accepted) = &accepted {
                let _ = accepted.try_send(&[2; 9000]);
                let _ = accepted.try_receive((draw >> 40 & 0xfff) as usize);
            }
            if draw >> 52 & 1 == 0 {
                let _ = caller.shutdown((draw >> 53) as u32 % 3);
            }
            let end = |socket: Sock, how: u64| match how & 1 {
                0 => socket.close(),
                _ => socket.reset(),
            };
            let both = [Some(caller), accepted];
            let ends = if draw >> 55 & 1 == 0 {
                both
            } else {
                let [a, b] = both;
                [b, a]
            };
            for (index, socket) in ends.into_iter().flatten().enumerate() {
                end(socket, draw >> (56 + index));
                if draw >> 58 & 1 == 0 {
                    sim::advance(draw >> 3 & 0xf_ffff);
                }
            }
        }
        // Longer than any of them may last; and who got in is let out.
        for _ in 0..2 {
            sim::advance(1000 * SECOND);
            for listener in [&listener, &six.0] {
                while let Ok((forgotten, _)) = listener.try_accept() {
                    forgotten.close();
                }
            }
        }
        sim::advance(300 * SECOND);
        let tables = [&client, &server].map(|host| {
            let inet = host.enter(|lwp| lwp.state::<crate::inet::Inet>()).unwrap();
            inet.tables
                .write(|tables| (tables.connections.len(), tables.time_waits.len()))
        });
        assert_eq!(tables, [(0, 0); 2]);
        [&client, &server].map(|host| host.memory_used())
    };
    let few = rounds(300);
    let many = rounds(3000);
    // What is pooled of frames, of which there may be more.
    for (few, many) in few.iter().zip(many) {
        assert!(many <= few + 300_000, "{few} bytes, then {many}");
    }
}
