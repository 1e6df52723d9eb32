//! Much data, both ways, in odd pieces.

use super::*;

/// A generator of odd sizes.
struct Sizes(u32);

impl Sizes {
    fn next(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        1 + (self.0 >> 8) as usize % most
    }
}

fn byte(position: usize) -> u8 {
    (position % 251) as u8 ^ (position >> 10) as u8
}

/// One direction of a conversation.
#[derive(Default)]
struct Flow {
    sent: usize,
    got: usize,
}

impl Flow {
    /// Sends and receives one odd piece each, and checks every byte.
    fn go_on(&mut self, from: &Sock, to: &Sock, sizes: &mut Sizes, total: usize, most: usize) {
        let len = sizes.next(most).min(total - self.sent);
        let data: Vec<u8> = (self.sent..self.sent + len).map(byte).collect();
        if let Ok(sent) = from.try_send(&data) {
            self.sent += sent;
        }
        if let Ok(data) = to.try_receive(sizes.next(most)) {
            for (index, value) in data.iter().enumerate() {
                assert_eq!(*value, byte(self.got + index));
            }
            self.got += data.len();
        }
    }
}

/// Sends `total` bytes each way, and returns the virtual time it took.
pub(super) fn exchange(one: &Sock, other: &Sock, total: usize, most: usize) -> u64 {
    let (mut there, mut back) = (Flow::default(), Flow::default());
    let mut sizes = Sizes(1);
    let start = sim::now();
    let mut idle = 0;
    while there.got < total || back.got < total {
        let before = there.got + back.got + there.sent + back.sent;
        there.go_on(one, other, &mut sizes, total, most);
        back.go_on(other, one, &mut sizes, total, most);
        if there.got + back.got + there.sent + back.sent == before {
            idle += 1;
            assert!(idle < 1_000_000, "it does not go on");
            sim::advance(100_000);
        }
    }
    sim::now() - start
}

/// Windows larger than 65535 bytes are scaled, and smoltcp alone would wait for its retransmission timer,
/// a second each time, whenever it had taken back a few bytes of one: see `window`.
#[test]
fn odd_pieces_never_wait_for_a_retransmission() {
    let host = alone();
    for buffer in [65_535, 65_536, 100_000, 262_144, 1_000_001] {
        let sized = |socket: &Sock| {
            socket.set(SOL_SOCKET, SO_RCVBUF, buffer).unwrap();
            socket.set(SOL_SOCKET, SO_SNDBUF, buffer).unwrap();
        };
        let (one, other) = connected_with(&host, &host, "127.0.0.1:0", sized);
        let took = exchange(&one, &other, 3_000_000, 150_000);
        assert!(took < 100_000_000, "{took} ns with buffers of {buffer}");
    }
}

#[test]
fn odd_pieces_over_a_cable_keep_its_pace() {
    let [client, server] = pair("a?latency=500us");
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    let took = exchange(&one, &other, 2_000_000, 70_000);
    assert!(took < 400_000_000, "{took} ns");
}

#[test]
fn a_lossy_cable_delivers_everything() {
    let [client, server] = pair("a?latency=1ms&loss=2%");
    let (one, other) = connected(&client, &server, "[fd00::2]:0");
    exchange(&one, &other, 300_000, 20_000);
}

#[test]
fn many_connections_at_once() {
    let host = alone_with(&[("tcp-buffer", "8KiB")]);
    let (listener, address) = host.listener("127.0.0.1:0", 300);
    let callers: Vec<Sock> = (0..200)
        .map(|_| {
            let caller = host.tcp();
            caller.connect(address).unwrap();
            caller
        })
        .collect();
    let served: Vec<Sock> = (0..200).map(|_| listener.accept().unwrap().0).collect();
    for (number, caller) in callers.iter().enumerate() {
        caller.send(&[number as u8; 3000]).unwrap();
    }
    for (number, end) in served.into_iter().enumerate() {
        assert_eq!(end.receive(4000).unwrap(), [number as u8; 3000]);
        end.close();
    }
    for caller in callers {
        assert_eq!(caller.receive(1).unwrap(), b"");
        caller.close();
    }
}

#[test]
fn idle_connections_ask_for_nothing() {
    let host = alone();
    let held: Vec<_> = (0..10)
        .map(|_| connected(&host, &host, "127.0.0.1:0"))
        .collect();
    // Timers that were set for segments long acknowledged may still fire, once.
    sim::advance(130_000_000_000);
    assert_eq!(host.kernel.poll(), None);
    drop(held);
}
