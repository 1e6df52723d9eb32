//! Packets on their way in: to whom they belong. Called with locks of others held: it only queues.

use net::Reason;
use smoltcp::wire::{IpProtocol, TcpControl, TcpPacket, TcpRepr};

use base::Lwp;

use crate::address::{Endpoint, Tuple};
use crate::demux::Target;
use crate::emit::{checksums, plain_segment};
use crate::extension;
use crate::inet::{Arriving, Inet, Job, Packet};

impl<I> Packet<I> {
    /// The ends of a segment or a datagram, if its header reaches that far.
    pub(crate) fn tuple(&self) -> Option<Tuple> {
        let [a, b, c, d] = *self.payload().first_chunk()?;
        Some(Tuple {
            local: Endpoint::new(self.info.dst, u16::from_be_bytes([c, d])),
            remote: Endpoint::new(self.info.src, u16::from_be_bytes([a, b])),
        })
    }
}

impl Inet {
    /// Takes a packet.
    pub(crate) fn receive_packet(&self, lwp: &Lwp<'_>, mut packet: Arriving<'_>) {
        if extension::strip(&mut packet).is_err() {
            return self.discard(packet, Reason::Malformed);
        }
        self.copy_to_raw(lwp, &packet);
        match IpProtocol::from(packet.info.protocol) {
            IpProtocol::Tcp => self.receive_segment(lwp, packet),
            IpProtocol::Udp => self.receive_datagram(lwp, packet),
            _ => self.note(lwp, Job::Stray(packet.keep())),
        }
    }

    fn receive_segment(&self, lwp: &Lwp<'_>, mut packet: Arriving<'_>) {
        let Ok(segment) = TcpPacket::new_checked(packet.payload()) else {
            return self.discard(packet, Reason::Malformed);
        };
        if packet.info.to_many {
            return self.discard(packet, Reason::NotForUs);
        }
        if !packet.frame.checksum().is_good()
            && !segment.verify_checksum(&packet.info.src.into(), &packet.info.dst.into())
        {
            return self.discard(packet, Reason::Checksum);
        }
        let opens = segment.syn() && !segment.ack() && !segment.rst() && !segment.fin();
        let answers = segment.ack();
        let Some(tuple) = packet.tuple() else {
            return self.discard(packet, Reason::Malformed);
        };
        let target = self.tables.read(lwp, |tables| tables.segment(&tuple));
        if let Target::Connection(socket) | Target::Listener(socket) = &target
            && socket.filter.is_used()
            && !packet.pass(&socket.filter, packet.info.payload_offset)
        {
            return self.discard(packet, Reason::Filtered);
        }
        match target {
            Target::Connection(socket) => self.hand_over(lwp, &socket, packet.frame),
            Target::Listener(socket) if opens => self.note(lwp, Job::Knock(socket, packet.keep())),
            Target::TimeWait => self.note(lwp, Job::Late(packet.keep())),
            // What neither begins nor answers anything is no reason to speak (RFC 9293 §3.10.7.2).
            Target::Listener(_) if !answers => self.discard(packet, Reason::Malformed),
            Target::Listener(_) | Target::Nobody => self.note(lwp, Job::Stray(packet.keep())),
        }
    }

    /// A segment for a connection of which only the ends are known (RFC 9293 §3.10.7.4).
    pub(crate) fn late_segment(&self, lwp: &Lwp<'_>, packet: Packet) {
        let tuple = packet.tuple();
        let known = tuple.and_then(|tuple| {
            let known = self
                .tables
                .read(lwp, |tables| tables.time_waits.get(&tuple))?;
            Some((tuple, known))
        });
        let (Some((tuple, known)), Some(segment)) = (known, parse(&packet)) else {
            return self.discard(packet, Reason::Malformed);
        };
        let opens = segment.control == TcpControl::Syn && segment.ack_number.is_none();
        if opens && segment.seq_number > known.theirs {
            let listener = self.tables.write(|tables| {
                tables.time_waits.remove(&tuple, &mut tables.tcp_ports);
                let listener = tables.listeners.find(tuple.local, tuple.remote);
                listener.cloned()
            });
            let job = match listener {
                Some(listener) => Job::Knock(listener, packet),
                None => Job::Stray(packet),
            };
            return self.note(lwp, job);
        }
        if segment.control == TcpControl::Rst {
            // Only one that knows the very next number ends the state early (RFC 1337, RFC 5961 §3).
            if segment.seq_number == known.theirs {
                self.tables
                    .write(|tables| tables.time_waits.remove(&tuple, &mut tables.tcp_ports));
            }
        } else if segment.segment_len() > 0 {
            let mut repr = empty_reply(&segment);
            repr.seq_number = known.ours;
            repr.ack_number = Some(known.theirs);
            self.answer_segment(lwp, &packet, &repr);
        }
        self.net.pool().recycle(packet.frame);
    }

    /// Ends the connections whose last wait is over.
    pub(crate) fn expire_time_waits(&self, lwp: &Lwp<'_>) {
        let now = lwp.now();
        let next = self
            .tables
            .write(|tables| tables.time_waits.expire(now, &mut tables.tcp_ports));
        if let Some(next) = next {
            self.time_wait_timer.set(lwp, next);
        }
    }

    /// A packet for nobody, or for the kernel itself.
    pub(crate) fn stray(&self, lwp: &Lwp<'_>, packet: Packet) {
        match IpProtocol::from(packet.info.protocol) {
            IpProtocol::Tcp => self.refuse_segment(lwp, &packet),
            IpProtocol::Icmp => self.icmpv4_input(lwp, &packet),
            IpProtocol::Icmpv6 => self.icmpv6_input(lwp, &packet),
            _ => self.complain(lwp, &packet),
        }
        self.net.pool().recycle(packet.frame);
    }

    /// Answers a segment for nobody with a reset (RFC 9293 §3.10.7.1).
    fn refuse_segment(&self, lwp: &Lwp<'_>, packet: &Packet) {
        let Some(segment) = parse(packet) else {
            return packet.interface.count_dropped(Reason::Malformed, 1);
        };
        if segment.control == TcpControl::Rst {
            return;
        }
        let mut repr = empty_reply(&segment);
        repr.control = TcpControl::Rst;
        match segment.ack_number {
            Some(number) => repr.seq_number = number,
            None => repr.ack_number = Some(segment.seq_number + segment.segment_len()),
        }
        self.answer_segment(lwp, packet, &repr);
    }
}

/// A segment whose checksum was verified.
fn parse(packet: &Packet) -> Option<TcpRepr<'_>> {
    TcpRepr::parse(
        &TcpPacket::new_checked(packet.payload()).ok()?,
        &packet.info.src.into(),
        &packet.info.dst.into(),
        &checksums(),
    )
    .ok()
}

fn empty_reply(to: &TcpRepr<'_>) -> TcpRepr<'static> {
    plain_segment(to.dst_port, to.src_port)
}
