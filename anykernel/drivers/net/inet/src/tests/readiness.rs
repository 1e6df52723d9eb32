//! What sockets are ready for in each state, as Linux has it.

use super::*;

const IN: Events = Events::IN;
const OUT: Events = Events::OUT;
const ERR: Events = Events::ERR;
const HUP: Events = Events::HUP;
const RDHUP: Events = Events::RDHUP;

#[test]
fn a_stream_that_was_never_connected() {
    let host = alone();
    let socket = host.tcp();
    assert_eq!(socket.level(), OUT | HUP);
    socket.bind(at("127.0.0.1", 0)).unwrap();
    socket.listen(1).unwrap();
    assert_eq!(socket.level(), Events::NONE);
}

#[test]
fn a_listener_with_connections() {
    let host = alone();
    let (listener, address) = host.listener("127.0.0.1:0", 5);
    let callers = [host.tcp(), host.tcp()];
    for caller in &callers {
        caller.connect(address).unwrap();
        assert_eq!(listener.level(), IN);
    }
    listener.accept().unwrap();
    assert_eq!(listener.level(), IN);
    listener.accept().unwrap();
    assert_eq!(listener.level(), Events::NONE);
}

#[test]
fn a_refusal() {
    let host = alone();
    let (listener, nobody) = host.listener("127.0.0.1:0", 1);
    listener.close();
    let socket = host.tcp();
    assert_eq!(socket.try_connect(nobody), Err(Errno::EAGAIN));
    assert_eq!(socket.level(), IN | OUT | ERR | HUP | RDHUP);
    assert_eq!(socket.error(), Errno::ECONNREFUSED.number());
    assert_eq!(socket.level(), IN | OUT | HUP | RDHUP);
    assert_eq!(socket.error(), 0);
}

#[test]
fn a_connection_under_way() {
    let [client, server] = pair("a?latency=5ms");
    let (_listener, address) = server.listener("10.0.0.2:0", 5);
    let socket = client.tcp();
    assert_eq!(socket.try_connect(address), Err(Errno::EAGAIN));
    assert_eq!(socket.level(), Events::NONE);
    assert_eq!(socket.try_send(b"x"), Err(Errno::EAGAIN));
    assert_eq!(socket.try_receive(1), Err(Errno::EAGAIN));
    sim::advance(100_000_000);
    assert_eq!(socket.level(), OUT);
    assert_eq!(socket.try_connect(address), Ok(()));
}

#[test]
fn a_connection_with_data_and_ends() {
    let host = alone();
    let (one, other) = connected(&host, &host, "127.0.0.1:0");
    assert_eq!((one.level(), other.level()), (OUT, OUT));
    one.send(b"ab").unwrap();
    assert_eq!(other.level(), IN | OUT);
    other.receive_from(2, MSG_PEEK).unwrap();
    assert_eq!(other.level(), IN | OUT);
    other.receive(1).unwrap();
    assert_eq!(other.level(), IN | OUT);
    other.receive(1).unwrap();
    assert_eq!(other.level(), OUT);

    one.shutdown(SHUT_WR).unwrap();
    assert_eq!(one.level(), OUT);
    assert_eq!(other.level(), IN | OUT | RDHUP);
    other.shutdown(SHUT_WR).unwrap();
    assert_eq!(one.level(), IN | OUT | HUP | RDHUP);
    assert_eq!(other.level(), IN | OUT | HUP | RDHUP);
}

#[test]
fn a_direction_that_was_shut() {
    let host = alone();
    let (one, other) = connected(&host, &host, "127.0.0.1:0");
    one.shutdown(SHUT_RD).unwrap();
    assert_eq!((one.level(), other.level()), (IN | OUT | RDHUP, OUT));
    assert_eq!(one.receive(1).unwrap(), b"");
    one.shutdown(SHUT_WR).unwrap();
    assert_eq!(one.level(), IN | OUT | RDHUP | HUP);
}

#[test]
fn a_connection_that_is_full() {
    let host = alone();
    let small = |socket: &Sock| {
        socket.set(SOL_SOCKET, SO_RCVBUF, 16384).unwrap();
        socket.set(SOL_SOCKET, SO_SNDBUF, 16384).unwrap();
    };
    let (one, other) = connected_with(&host, &host, "127.0.0.1:0", small);
    let mut total = 0;
    while let Ok(len) = one.try_send(&[7; 4096]) {
        total += len;
    }
    assert_eq!(total, 32768);
    assert_eq!((one.level(), other.level()), (Events::NONE, IN | OUT));
    let mut got = 0;
    while got < total {
        got += other.receive(16384).unwrap().len();
    }
    assert_eq!((one.level(), other.level()), (OUT, OUT));
    other.reset();
    assert_eq!(one.level(), IN | OUT | ERR | HUP | RDHUP);
    assert_eq!(one.error(), Errno::ECONNRESET.number());
}

#[test]
fn datagrams() {
    let host = alone();
    let (one, other) = (host.udp(), host.udp());
    assert_eq!(one.level(), OUT);
    other.bind(at("127.0.0.1", 0)).unwrap();
    one.connect(other.local()).unwrap();
    one.send(b"a").unwrap();
    one.try_send(b"").unwrap();
    assert_eq!(other.level(), IN | OUT);
    assert_eq!(other.receive(10).unwrap(), b"a");
    assert_eq!(other.level(), IN | OUT);
    assert_eq!(other.receive(10).unwrap(), b"");
    assert_eq!(other.level(), OUT);
    one.shutdown(SHUT_RD).unwrap();
    assert_eq!(one.level(), IN | OUT | RDHUP);
    one.shutdown(SHUT_WR).unwrap();
    assert_eq!(one.level(), IN | OUT | RDHUP | HUP);
    assert_eq!(other.shutdown(SHUT_RD), Err(Errno::ENOTCONN));
}
