//! What neighbours and programs do, as the fuzzer's bytes say: a step after the other, each of a kind that the target
//! allows.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use base::{Lwp, Wait};
use hypercall::Offload;
use sockets::{Incoming, Outgoing, Socket};
use syscall::consts::*;
use syscall::{SockAddr, UserIn, UserOut};

use crate::bytes::Bytes;
use crate::kernel::{Host, station, v4, v6};
use crate::packets::{self, ARP, HEADER, IPV4, IPV6};
use crate::peer::{ACK, Connection, FIN, SYN, Segment};

/// A socket's address.
fn at(address: impl Into<IpAddr>, port: u16) -> SockAddr {
    (address.into(), port).into()
}

/// What can be done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A frame arrives as it is.
    Frame,
    /// A frame to one of the usual addresses, with its checksums put right.
    Sound,
    /// The same, with something said of it that may not be true.
    Said,
    /// The same, with a VLAN's tag, or two.
    Tagged,
    /// A packet of a neighbour's.
    Packet,
    /// A piece of one.
    Fragment,
    /// A datagram to one of the sockets.
    Datagram,
    /// A segment on one of the connections.
    Segment,
    /// An error that is told of something the kernel sent.
    Complaint,
    /// Something the kernel sent comes back, with changes.
    Echo,
    /// An answer to a question for an address.
    Lease,
    /// A program does something with a socket.
    Program,
    /// Time passes.
    Time,
}

/// Steps in a script at most: an input is to be read in milliseconds.
const MOST: usize = 200;

/// A kernel with sockets in all states, and its neighbours.
pub(crate) struct Stage {
    pub(crate) host: Host,
    connections: Vec<Connection>,
    sockets: Vec<Arc<dyn Socket>>,
    /// What was charged before there were sockets.
    memory: usize,
}

impl Stage {
    /// Without any sockets.
    pub(crate) fn bare(host: Host) -> Stage {
        let memory = host.memory();
        Stage {
            host,
            connections: Vec::new(),
            sockets: Vec::new(),
            memory,
        }
    }

    /// With sockets that receive datagrams and packets.
    pub(crate) fn with_datagrams(host: Host) -> Stage {
        let mut stage = Stage::bare(host);
        stage.listen(AF_INET, SOCK_DGRAM, 0, 7);
        stage.listen(AF_INET6, SOCK_DGRAM, 0, 9);
        stage.listen(AF_INET, SOCK_RAW, IPPROTO_ICMP, 0);
        stage.listen(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, 0);
        // One that is connected, so that errors about what it sends are its.
        stage.socket(AF_INET, SOCK_DGRAM, 0);
        let connected = stage.sockets.len() - 1;
        stage.step(connected, |lwp, it| it.connect(lwp, &at(v4(0, 2), 7)));
        stage.send(connected, 4000);
        stage
    }

    /// With connections in all the states that last, too.
    pub(crate) fn full(host: Host) -> Stage {
        let mut stage = Stage::with_datagrams(host);
        let first = stage.sockets.len();
        stage.listen(AF_INET6, SOCK_STREAM, 0, 80);
        // The kernel calls, and hears nothing yet.
        stage.socket(AF_INET, SOCK_STREAM, 0);
        let caller = stage.sockets.len() - 1;
        stage.step(caller, |lwp, it| {
            it.bind(lwp, &at(v4(0, 1), 2000)).map_err(Wait::Fail)
        });
        stage.step(caller, |lwp, it| it.connect(lwp, &at(v4(0, 2), 3000)));
        let mut called = Connection::new(0, false, [2000, 3000]);
        called.catch_up(&stage.host);
        stage.connections.push(called);
        for (number, ipv6) in [false, true, false, false, true].into_iter().enumerate() {
            let mut connection = Connection::new(0, ipv6, [80, 1000 + number as u16]);
            connection.open(&mut stage.host);
            stage.accept(first);
            let socket = stage.sockets.len() - 1;
            match number {
                // Established, with data on their way to the neighbour.
                1 => stage.send(socket, 3000),
                // The neighbour has ended its side.
                2 => connection.say(&mut stage.host, ACK | FIN, b"bye"),
                // The kernel has; the neighbour has not heard it, or has.
                3 => stage.shutdown(socket),
                4 => {
                    stage.shutdown(socket);
                    connection.catch_up(&stage.host);
                    connection.say(&mut stage.host, ACK, b"");
                }
                _ => {}
            }
            connection.catch_up(&stage.host);
            stage.connections.push(connection);
        }
        // Half open.
        let mut half = Connection::new(0, false, [80, 1009]);
        half.say(&mut stage.host, SYN, b"");
        stage.connections.push(half);
        stage
    }

    /// Does what the bytes say.
    pub(crate) fn play(&mut self, steps: &[Step], bytes: &[u8]) {
        let mut bytes = Bytes(bytes);
        for _ in 0..MOST {
            if bytes.is_empty() {
                return;
            }
            let step = steps[usize::from(bytes.byte()) % steps.len()];
            self.take(step, &mut bytes);
        }
    }

    /// Ends all and looks whether the kernel is as it was before.
    pub(crate) fn end(mut self) {
        self.host.answers = true;
        for socket in std::mem::take(&mut self.sockets) {
            let _ = self.host.enter(|lwp| {
                socket.close(lwp);
                Ok(())
            });
        }
        assert!(!self.host.kernel.is_dead(), "the kernel is dead");
        // Longer than anything is remembered.
        for _ in 0..4 {
            self.host.pass(2 * 3600 * 1_000_000_000);
        }
        self.host.ping();
        self.host.pass(3600 * 1_000_000_000);
        let left = self.host.memory();
        assert!(
            left <= self.memory,
            "{left} bytes are charged in the end, {} at the beginning",
            self.memory
        );
        assert!(!self.host.kernel.is_dead(), "the kernel is dead");
    }

    fn take(&mut self, step: Step, bytes: &mut Bytes<'_>) {
        match step {
            Step::Frame => {
                let link = self.link(bytes);
                self.host.hear(link, bytes.counted(), Offload::default());
            }
            Step::Sound => {
                let (link, frame) = self.sound(bytes);
                self.host.hear(link, &frame, Offload::default());
            }
            Step::Said => {
                let said = Offload {
                    flags: bytes.byte(),
                    segment_kind: bytes.byte(),
                    header_len: bytes.short(),
                    segment_size: bytes.short(),
                    checksum_start: bytes.short(),
                    checksum_offset: bytes.short(),
                };
                let (link, frame) = self.sound(bytes);
                self.host.hear(link, &frame, said);
            }
            Step::Tagged => {
                let (number, twice) = (bytes.byte(), bytes.byte());
                let (_, mut frame) = self.sound(bytes);
                for tag in [twice & 1 != 0, true].into_iter().zip([twice, number]) {
                    if let (true, tag) = tag {
                        frame.splice(12..12, [0x81, 0, tag & 0xe0, tag & 15]);
                    }
                }
                self.host.hear(0, &frame, Offload::default());
            }
            Step::Packet => {
                let (link, src, dst) = self.ends(bytes);
                let mut packet = packets::ip(src, dst, bytes.byte(), bytes.counted());
                packets::fix(&mut packet);
                self.host.hear_packet(link, &packet);
            }
            Step::Fragment => self.fragment(bytes),
            Step::Datagram => {
                let (link, src, dst) = self.ends(bytes);
                let (from, to) = (bytes.byte(), bytes.byte());
                let data = bytes.counted();
                let mut datagram = vec![0, from, 0, to];
                datagram.extend((8 + data.len() as u16).to_be_bytes());
                datagram.extend([0, 0]);
                datagram.extend(data);
                let mut packet = packets::ip(src, dst, 17, &datagram);
                packets::fix(&mut packet);
                self.host.hear_packet(link, &packet);
            }
            Step::Segment => self.segment(bytes),
            Step::Complaint => self.complaint(bytes),
            Step::Echo => self.echo(bytes),
            Step::Lease => self.lease(bytes),
            Step::Program => self.program(bytes),
            Step::Time => self.host.pass(1_000_000 << (bytes.byte() % 18)),
        }
    }

    fn link(&self, bytes: &mut Bytes<'_>) -> usize {
        usize::from(bytes.byte()) % self.host.links()
    }

    /// A frame to the kernel, to all, or to a group, with an IP packet, an ARP message or something else.
    fn sound(&self, bytes: &mut Bytes<'_>) -> (usize, Vec<u8>) {
        let link = self.link(bytes);
        let us = self.host.us(link);
        let form = bytes.byte();
        let kind = match form & 3 {
            0 => IPV4,
            1 => IPV6,
            2 => ARP,
            _ => bytes.short(),
        };
        let to = match form >> 2 & 7 {
            0 => [0xff; 6],
            1 => [0x33, 0x33, 0, 0, 0, 1],
            2 => [0x33, 0x33, 0xff, 0, 0, 1],
            3 => station(7),
            4 => [1, 0x80, 0xc2, 0, 0, bytes.byte()],
            _ => us,
        };
        let mut from = station(link);
        from[5] ^= form >> 5;
        let mut packet = bytes.counted().to_vec();
        packets::fix(&mut packet);
        (link, packets::frame(to, from, kind, &packet))
    }

    /// A link, who sends, and who is to receive.
    fn ends(&self, bytes: &mut Bytes<'_>) -> (usize, IpAddr, IpAddr) {
        let link = self.link(bytes);
        let (form, hosts) = (bytes.byte(), bytes.byte());
        let to = usize::from(form >> 4) % 8;
        let near = |host| Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, host);
        if form & 1 == 0 {
            let src = match form >> 1 & 3 {
                0 | 1 => v4(link, 2),
                2 => v4(link, hosts >> 4),
                _ => [hosts, 255, 0, 1].into(),
            };
            let dst = match to {
                0..=3 => v4(link, 1),
                4 => v4(usize::from(hosts) % 3, 2),
                5 => [255; 4].into(),
                6 => [224, 0, 0, hosts].into(),
                _ => v4(0, 1),
            };
            return (link, src.into(), dst.into());
        }
        let src = match form >> 1 & 3 {
            0 => v6(link, 2),
            1 => near(2),
            2 => near(u16::from(hosts >> 4)),
            _ => Ipv6Addr::UNSPECIFIED,
        };
        let dst = match to {
            0..=3 => v6(link, 1),
            4 => v6(usize::from(hosts) % 3, 2),
            5 => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1),
            6 => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 1),
            _ => net::link_local(self.host.us(link)),
        };
        (link, src.into(), dst.into())
    }

    fn fragment(&mut self, bytes: &mut Bytes<'_>) {
        let form = bytes.byte();
        let link = usize::from(form >> 1) % self.host.links();
        let protocol = [17, 1, 6, 58][usize::from(form >> 3 & 3)];
        let (more, dont) = (u16::from(form >> 5 & 1), u16::from(form >> 6 & 1));
        let (number, at) = (bytes.byte() % 8, u16::from(bytes.byte()));
        // Far behind, too: a byte says how far in a small datagram, or in the largest.
        let at = if form >> 7 == 0 { at } else { at * 32 };
        let data = bytes.counted();
        let mut packet = if form & 1 == 0 {
            let field = dont << 14 | more << 13 | at & 0x1fff;
            let ends = [v4(link, 2), v4(link, 1)];
            packets::ipv4(ends, protocol, number.into(), field, data)
        } else {
            let field = (at << 3 | more).to_be_bytes();
            let header = [protocol, 0, field[0], field[1], 0, 0, 0, number];
            packets::ipv6(
                [v6(link, 2), v6(link, 1)],
                44,
                64,
                &[&header, data].concat(),
            )
        };
        packets::fix(&mut packet);
        self.host.hear_packet(link, &packet);
    }

    fn segment(&mut self, bytes: &mut Bytes<'_>) {
        if self.connections.is_empty() {
            return;
        }
        let which = usize::from(bytes.byte());
        let (form, flags) = (bytes.byte(), bytes.byte());
        let mut far = |bit: u8| match form >> bit & 3 {
            0 | 1 => 0,
            2 => i32::from(bytes.byte() as i8),
            _ => i32::from(bytes.short().cast_signed()) << (form >> 4),
        };
        let (ahead, acked) = (far(0), far(2));
        let window = match form >> 7 {
            0 => 8192,
            _ => bytes.short(),
        };
        let options = match form >> 6 & 1 {
            0 => &[],
            _ => bytes.counted(),
        };
        let segment = Segment {
            flags,
            ahead,
            acked,
            window,
            options,
            data: bytes.counted(),
        };
        let which = which % self.connections.len();
        self.connections[which].send(&mut self.host, &segment);
    }

    /// The one that was sent so many before the last.
    fn sent(&self, back: u8) -> Option<(usize, Vec<u8>)> {
        let sent = &self.host.sent;
        let at = sent
            .len()
            .checked_sub(1 + usize::from(back) % sent.len().max(1))?;
        sent.get(at).cloned()
    }

    fn complaint(&mut self, bytes: &mut Bytes<'_>) {
        let (back, kind, code) = (bytes.byte(), bytes.byte(), bytes.byte());
        let (high, low, cut) = (bytes.short(), bytes.short(), bytes.byte());
        let Some((link, frame)) = self.sent(back) else {
            return;
        };
        let mut quoted = frame[HEADER..].to_vec();
        quoted.truncate(8 + usize::from(cut));
        for _ in 0..bytes.byte() % 4 {
            let (at, value) = (usize::from(bytes.byte()), bytes.byte());
            if let Some(place) = quoted.get_mut(at) {
                *place = value;
            }
        }
        let v6_too = frame.get(HEADER).is_some_and(|byte| byte >> 4 == 6);
        let mut message = vec![kind, code, 0, 0];
        message.extend(high.to_be_bytes());
        message.extend(low.to_be_bytes());
        message.extend(quoted);
        let mut packet = match v6_too {
            false => packets::ip(v4(link, 9).into(), v4(link, 1).into(), 1, &message),
            true => packets::ip(v6(link, 9).into(), v6(link, 1).into(), 58, &message),
        };
        packets::fix(&mut packet);
        self.host.hear_packet(link, &packet);
    }

    fn echo(&mut self, bytes: &mut Bytes<'_>) {
        let (back, form, link) = (bytes.byte(), bytes.byte(), self.link(bytes));
        let Some((_, mut frame)) = self.sent(back) else {
            return;
        };
        for _ in 0..form % 8 {
            let at = usize::from(bytes.short()) % frame.len();
            frame[at] = bytes.byte();
        }
        if form & 8 != 0 {
            frame.truncate(usize::from(bytes.short()) % frame.len());
        }
        // From whom it was to.
        if form & 16 != 0 && frame.len() >= HEADER + 20 {
            let places = if frame[HEADER] >> 4 == 6 {
                (8, 24, 16)
            } else {
                (12, 16, 4)
            };
            let (src, dst, len) = (HEADER + places.0, HEADER + places.1, places.2);
            if frame.len() >= dst + len {
                for byte in 0..len {
                    frame.swap(src + byte, dst + byte);
                }
            }
        }
        if form & 32 != 0 && frame.len() > HEADER {
            frame[..6].copy_from_slice(&self.host.us(link));
            frame[6..12].copy_from_slice(&station(link));
            packets::fix(&mut frame[HEADER..]);
        }
        self.host.hear(link, &frame, Offload::default());
    }

    /// A DHCP server's message with the number of the last question, and the options that the bytes are.
    fn lease(&mut self, bytes: &mut Bytes<'_>) {
        let asked = self.host.sent.iter().rev().find_map(|(link, frame)| {
            let packet = &frame[HEADER..];
            let seen = packets::look(packet)?;
            let data = &packet[seen.data];
            let question = data.get(8..)?;
            (data[..4] == [0, 68, 0, 67] && question.len() > 44).then(|| (*link, question.to_vec()))
        });
        let Some((link, question)) = asked else {
            return;
        };
        let form = bytes.byte();
        let (ours, server) = (bytes.byte(), bytes.byte());
        let mut message = question[..44].to_vec();
        message[0] = 2;
        message[16..20].copy_from_slice(&v4(link, ours).octets());
        message[20..24].copy_from_slice(&v4(link, server).octets());
        message.resize(236, 0);
        if form & 1 == 0 {
            message.extend([0x63, 0x82, 0x53, 0x63]);
        }
        if form & 2 == 0 {
            message.extend([53, 1, [2, 5, 6, 2][usize::from(form >> 2 & 3)]]);
        }
        if form & 16 == 0 {
            message.extend([54, 4]);
            message.extend(v4(link, server).octets());
            message.extend([1, 4, 255, 255, 255, 0, 51, 4, 0, 0, bytes.byte(), 60]);
        }
        message.extend(bytes.counted());
        let mut datagram = vec![0, 67, 0, 68];
        datagram.extend((8 + message.len() as u16).to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(message);
        let to = [[255; 4], v4(link, ours).octets()][usize::from(form >> 5 & 1)];
        let ends = [v4(link, server), to.into()];
        let mut packet = packets::ipv4(ends, 17, 0, 0, &datagram);
        packets::fix(&mut packet);
        self.host.hear_packet(link, &packet);
    }

    // ---- what programs do ----

    /// A new socket, if there can be one.
    fn socket(&mut self, family: u16, kind: u32, protocol: u32) {
        if let Ok(socket) = self.host.socket(family, kind, protocol) {
            self.sockets.push(socket);
        }
    }

    /// One that is bound to a port, and listens if it can.
    fn listen(&mut self, family: u16, kind: u32, protocol: u32, port: u16) {
        self.socket(family, kind, protocol);
        let any: IpAddr = match family {
            AF_INET => [0; 4].into(),
            _ => [0; 16].into(),
        };
        let at = self.sockets.len() - 1;
        self.step(at, |lwp, socket| {
            socket.bind(lwp, &(any, port).into())?;
            if kind == SOCK_STREAM {
                socket.listen(lwp, 8)?;
            }
            Ok(())
        });
    }

    /// Takes a step with a socket, and lets what it has to say be heard.
    fn step<R>(
        &mut self,
        at: usize,
        f: impl FnOnce(&Lwp<'_>, &Arc<dyn Socket>) -> Result<R, Wait>,
    ) -> Option<R> {
        let socket = self.sockets[at].clone();
        let done = self.host.enter(|lwp| Ok(f(lwp, &socket).ok()));
        self.host.pass(1_000);
        done.ok().flatten()
    }

    fn accept(&mut self, at: usize) {
        if let Some((socket, _)) = self.step(at, |lwp, it| it.try_accept(lwp)) {
            self.sockets.push(socket);
        }
    }

    fn send(&mut self, at: usize, len: usize) {
        self.send_to(at, len, None);
    }

    fn send_to(&mut self, at: usize, len: usize, to: Option<SockAddr>) {
        let data = vec![b'.'; len];
        self.step(at, |lwp, socket| {
            let mut with = Outgoing {
                to,
                ..Outgoing::default()
            };
            socket.try_send(lwp, &mut UserIn::from(&data[..]).into(), &mut with, 0)
        });
    }

    fn shutdown(&mut self, at: usize) {
        self.step(at, |lwp, it| it.shutdown(lwp, SHUT_WR).map_err(Wait::Fail));
    }

    fn program(&mut self, bytes: &mut Bytes<'_>) {
        let (action, which, len) = (bytes.byte(), bytes.byte(), usize::from(bytes.byte()));
        // A program has a bounded number of them.
        if action % 12 == 0 && self.sockets.len() < 64 {
            let family = [AF_INET, AF_INET6][len & 1];
            let kind = [SOCK_STREAM, SOCK_DGRAM, SOCK_RAW][len / 2 % 3];
            self.socket(family, kind, u32::from(bytes.byte()));
        }
        if self.sockets.is_empty() {
            return;
        }
        let socket = usize::from(which) % self.sockets.len();
        let (port, host) = (1 + u16::from(which), (len % 3) as u8);
        let near = match len & 1 {
            0 => at(v4(0, host), port),
            _ => at(v6(0, host), port),
        };
        match action % 12 {
            1 | 2 => self.send(socket, len * 16),
            3 => self.send_to(socket, len * 16, Some(near)),
            4 | 5 => {
                let mut room = vec![0; len * 64];
                let flags = u32::from(bytes.byte());
                self.step(socket, |lwp, it| {
                    let mut place = UserOut::from(&mut room[..]).into();
                    it.try_receive(lwp, &mut place, &mut Incoming::default(), flags)
                });
            }
            6 if self.sockets.len() < 64 => self.accept(socket),
            7 => {
                let how = (len % 3) as u32;
                self.step(socket, |lwp, it| it.shutdown(lwp, how).map_err(Wait::Fail));
            }
            8 => {
                let socket = self.sockets.swap_remove(socket);
                let _ = self.host.enter(|lwp| {
                    socket.close(lwp);
                    Ok(())
                });
                self.host.pass(1_000);
            }
            9 => {
                self.step(socket, |lwp, it| it.connect(lwp, &near));
            }
            10 => {
                let level = [SOL_SOCKET, IPPROTO_IP, IPPROTO_TCP, IPPROTO_IPV6][len & 3];
                let (name, value) = (u32::from(bytes.byte()), bytes.counted());
                self.step(socket, |lwp, it| {
                    it.set_option(lwp, level, name, value).map_err(Wait::Fail)
                });
            }
            11 => {
                self.step(socket, |lwp, it| it.bind(lwp, &near).map_err(Wait::Fail));
            }
            _ => {}
        }
    }
}
