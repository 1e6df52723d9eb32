//! Echo, asked for by raw sockets.

use super::*;

/// An echo request; its checksum is right for ICMP, and left to the kernel for ICMPv6.
fn request(kind: u8) -> Vec<u8> {
    let mut message = alloc::vec![kind, 0, 0, 0, 0x12, 0x34, 0, 1];
    message.extend(b"are you there?..");
    let sum: u32 = message
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

#[test]
fn echo_requests_are_answered() {
    let [client, server] = pair("a");
    for (host, address) in [(&client, "10.0.0.2"), (&server, "127.0.0.1")] {
        let socket = host.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP).unwrap();
        socket.send_to(&request(8), at(address, 0)).unwrap();
        let reply = loop {
            let packet = socket.receive(100).unwrap();
            if packet[20] == 0 {
                break packet;
            }
        };
        assert_eq!(&reply[24..], &request(8)[4..]);
    }
    for (host, address) in [(&client, "fd00::2"), (&server, "::1")] {
        let socket = host.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6).unwrap();
        socket.send_to(&request(128), at(address, 0)).unwrap();
        let reply = loop {
            let message = socket.receive(100).unwrap();
            if message[0] == 129 {
                break message;
            }
        };
        assert_eq!(&reply[4..], &request(128)[4..]);
    }
}

#[test]
fn a_large_echo_comes_back_whole() {
    let [client, _server] = pair("a");
    let socket = client.socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6).unwrap();
    let mut message = request(128);
    message.extend(alloc::vec![0x5a; 20_000]);
    socket.send_to(&message, at("fd00::2", 0)).unwrap();
    let reply = socket.receive(30_000).unwrap();
    assert_eq!((reply[0], &reply[4..]), (129, &message[4..]));
}
