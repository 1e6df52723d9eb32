//! The state of the component, one an instance: the tables, and the packets and sockets that wait for
//! somebody without a lock to see to them.
//!
//! A packet that arrives may come out of a send under way, with the lock of the sending connection held.
//! So it is only put where it belongs, and the socket, or what it needs, is noted as a [`Job`]. Whoever
//! holds no lock any more settles: the sender itself, on loopback.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use core::sync::atomic::AtomicUsize;

use base::sync::{Leaf, Parts, ReadMostly, Word};
use base::{Boot, Callout, Instance, Lwp, Work};
use net::{Frame, Interface, IpInfo, IpReceiver, Net, Reason};

use crate::datagram::DatagramSocket;
use crate::demux::Tables;
use crate::options::MIN_BUFFER;
use crate::sequence::Sequences;
use crate::tcp::TcpSocket;

/// Jobs one call does before it leaves the rest to deferred work.
const BUDGET: usize = 256;

/// Packets for nobody in particular that may wait. More are dropped: none of them is owed an answer.
const LIMIT: usize = 1024;

/// A packet and what is known about it.
pub(crate) struct Packet<I = Arc<Interface>> {
    pub(crate) frame: Frame,
    pub(crate) info: IpInfo,
    pub(crate) interface: I,
}

/// One that was only just received. Most are done with before anybody has to be counted among the users of the interface.
pub(crate) type Arriving<'a> = Packet<&'a Arc<Interface>>;

impl Arriving<'_> {
    /// To be seen to later.
    pub(crate) fn keep(self) -> Packet {
        Packet {
            frame: self.frame,
            info: self.info,
            interface: self.interface.clone(),
        }
    }

    /// Another one that came the same way, of which the same is known.
    pub(crate) fn with(&self, frame: Frame) -> Self {
        Packet {
            frame,
            info: self.info,
            interface: self.interface,
        }
    }
}

impl<I> Packet<I> {
    /// What follows the IP header.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.frame.payload()[self.info.payload_offset..]
    }
}

/// Something to be done without a lock.
pub(crate) enum Job {
    /// A connection has news.
    Turn(Arc<TcpSocket>),
    /// A socket for datagrams has.
    Tell(Arc<DatagramSocket>),
    /// A SYN for a listener.
    Knock(Arc<TcpSocket>, Packet),
    /// A handshake that had its time, and makes room for another.
    End(Arc<TcpSocket>),
    /// A segment for a connection that is over.
    Late(Packet),
    /// A packet for nobody, or for the kernel itself.
    Stray(Packet),
}

/// Jobs, in the order they are to be done.
struct Jobs {
    queue: Leaf<VecDeque<Job>>,
    /// How many there are: looked at without the lock.
    waiting: Word,
}

impl Default for Jobs {
    fn default() -> Self {
        Jobs {
            queue: Leaf::new(VecDeque::new()),
            waiting: Word::new(0),
        }
    }
}

impl Jobs {
    /// Adds one, or gives it back if too many wait.
    fn push(&self, job: Job) -> Option<Job> {
        self.queue.with(|queue| {
            // A socket is noted once, however much it has; that is bounded by their number.
            let bounded = matches!(job, Job::Turn(_) | Job::Tell(_));
            if !bounded && queue.len() >= LIMIT {
                return Some(job);
            }
            queue.push_back(job);
            self.waiting.set(queue.len() as u32);
            None
        })
    }

    fn pop(&self) -> Option<Job> {
        if self.waiting.get() == 0 {
            return None;
        }
        self.queue.with(|queue| {
            let job = queue.pop_front();
            self.waiting.set(queue.len() as u32);
            job
        })
    }
}

/// What boot parameters say.
pub(crate) struct Settings {
    pub(crate) tcp_buffer: usize,
    pub(crate) udp_buffer: usize,
    pub(crate) half_open: usize,
}

/// The state of the component.
pub(crate) struct Inet {
    pub(crate) net: Arc<Net>,
    pub(crate) settings: Settings,
    pub(crate) tables: ReadMostly<Tables>,
    pub(crate) sequences: Sequences,
    /// Whoever noted a job settles, and finds at least its own.
    jobs: Parts<Jobs>,
    /// How many raw sockets there are: written under the lock of what it counts, and looked at without, to save it.
    pub(crate) raw_sockets: AtomicUsize,
    /// Does what was too much for one call.
    relief: Arc<Work>,
    /// Ends connections in TIME-WAIT.
    pub(crate) time_wait_timer: Arc<Callout>,
}

impl Inet {
    pub(crate) fn new(boot: &Boot<'_>) -> Arc<Self> {
        let size = |name| usize::try_from(boot.number(name)).unwrap_or(usize::MAX);
        let settings = Settings {
            tcp_buffer: size("tcp-buffer").clamp(MIN_BUFFER, 1 << 30),
            udp_buffer: size("udp-buffer"),
            half_open: size("tcp-half-open").max(1),
        };
        Inet::with(boot.instance(), boot.get::<Net>(), settings)
    }

    fn with(instance: &Arc<Instance>, net: Arc<Net>, settings: Settings) -> Arc<Self> {
        Arc::new_cyclic(|this: &Weak<Inet>| Inet {
            net,
            settings,
            tables: ReadMostly::new(Tables::default()),
            sequences: Sequences::new(),
            jobs: Parts::new(Jobs::default),
            raw_sockets: AtomicUsize::new(0),
            relief: {
                let this = this.clone();
                Work::new(instance, move |lwp| {
                    if let Some(inet) = this.upgrade() {
                        inet.jobs.iter().for_each(|jobs| inet.work_off(lwp, jobs));
                    }
                })
            },
            time_wait_timer: {
                let this = this.clone();
                Callout::new(move |lwp| {
                    if let Some(inet) = this.upgrade() {
                        inet.expire_time_waits(lwp);
                    }
                })
            },
        })
    }

    /// Notes something to be done.
    pub(crate) fn note(&self, lwp: &Lwp<'_>, job: Job) {
        let refused = self.jobs.of(lwp).push(job);
        if let Some(Job::Knock(_, packet) | Job::Late(packet) | Job::Stray(packet)) = refused {
            self.discard(packet, Reason::QueueFull);
        }
    }

    /// Does what was noted, and sends what came of it. No lock is held.
    pub(crate) fn settle(&self, lwp: &Lwp<'_>) {
        self.work_off(lwp, self.jobs.of(lwp));
    }

    fn work_off(&self, lwp: &Lwp<'_>, jobs: &Jobs) {
        for _ in 0..BUDGET {
            let Some(job) = jobs.pop() else {
                self.net.flush(lwp);
                return;
            };
            match job {
                Job::Turn(socket) => socket.run(lwp),
                Job::Tell(socket) => socket.tell(lwp),
                Job::Knock(listener, packet) => listener.admit(lwp, packet),
                Job::End(socket) => socket.kill(lwp),
                Job::Late(packet) => self.late_segment(lwp, packet),
                Job::Stray(packet) => self.stray(lwp, packet),
            }
        }
        self.relief.schedule();
        self.net.flush(lwp);
    }

    /// Drops a packet and counts why.
    pub(crate) fn discard<I: AsRef<Interface>>(&self, packet: Packet<I>, reason: Reason) {
        packet.interface.as_ref().count_dropped(reason, 1);
        self.net.pool().recycle(packet.frame);
    }

    /// Gives up all sockets, so that nothing keeps itself alive.
    pub(crate) fn stop(&self, lwp: &Lwp<'_>) {
        self.time_wait_timer.cancel(lwp);
        for jobs in self.jobs.iter() {
            while let Some(job) = jobs.pop() {
                drop(job);
            }
        }
        let _dropped_outside = self.tables.write(core::mem::take);
    }
}

impl IpReceiver for Inet {
    fn receive(&self, lwp: &Lwp<'_>, interface: &Arc<Interface>, frame: Frame, info: IpInfo) {
        let packet = Packet {
            frame,
            info,
            interface,
        };
        self.receive_packet(lwp, packet);
    }

    fn settle(&self, lwp: &Lwp<'_>) {
        Inet::settle(self, lwp);
    }

    fn unreachable(&self, lwp: &Lwp<'_>, packet: Frame) {
        self.returned(lwp, packet);
    }
}
