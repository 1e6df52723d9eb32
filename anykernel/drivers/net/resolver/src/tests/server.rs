//! A name server that follows a script, at an address of the kernel's own.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Callout, Lwp, enter};
use sockets::{Families, Incoming, Outgoing, Socket};
use syscall::consts::{AF_INET, SOCK_DGRAM, SOCK_STREAM};
use syscall::{SockAddr, UioIn, UioOut, UserIn, UserOut};

/// How often it looks whether somebody asks.
const PERIOD: u64 = 5_000_000;

/// What it does with a message: the answers, none to say nothing. The flag is for what came over TCP.
type Script = Box<dyn Fn(&[u8], bool) -> Vec<Vec<u8>> + Send + Sync>;

pub(crate) struct Server {
    udp: Arc<dyn Socket>,
    listener: Arc<dyn Socket>,
    connections: Leaf<Vec<Arc<dyn Socket>>>,
    script: Script,
    /// What was asked, and whether over TCP.
    asked: Leaf<Vec<(Vec<u8>, bool)>>,
    timer: Arc<Callout>,
}

impl Server {
    pub(crate) fn start(
        kernel: &base::Kernel,
        address: &str,
        script: impl Fn(&[u8], bool) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Arc<Server> {
        enter(kernel.process(), |lwp| {
            let inet = lwp.state::<Families>()?.get(AF_INET).unwrap();
            let at: SockAddr = (net::testing::ip(address), 53).into();
            let udp = inet.socket(lwp, SOCK_DGRAM, 0)?;
            udp.bind(lwp, &at)?;
            let listener = inet.socket(lwp, SOCK_STREAM, 0)?;
            listener.bind(lwp, &at)?;
            listener.listen(lwp, 16)?;
            let server = Arc::new_cyclic(|this: &Weak<Server>| {
                let this = this.clone();
                Server {
                    udp,
                    listener,
                    connections: Leaf::new(Vec::new()),
                    script: Box::new(script),
                    asked: Leaf::new(Vec::new()),
                    timer: Callout::new(move |lwp| {
                        if let Some(server) = this.upgrade() {
                            server.look(lwp);
                        }
                    }),
                }
            });
            server.look(lwp);
            Ok(server)
        })
        .unwrap()
    }

    /// What was asked since the last look: the type of records, and whether over TCP.
    pub(crate) fn asked(&self) -> Vec<(u16, bool)> {
        let asked = self.asked.with(core::mem::take);
        let kind =
            |bytes: &[u8]| u16::from_be_bytes([bytes[bytes.len() - 4], bytes[bytes.len() - 3]]);
        asked
            .iter()
            .map(|(bytes, tcp)| (kind(bytes), *tcp))
            .collect()
    }

    fn answers(&self, question: &[u8], tcp: bool) -> Vec<Vec<u8>> {
        self.asked
            .with(|asked| asked.push((question.to_vec(), tcp)));
        (self.script)(question, tcp)
    }

    fn look(&self, lwp: &Lwp<'_>) {
        let mut buffer = [0; 2048];
        loop {
            let mut place = UioOut::from(UserOut::from(&mut buffer[..]));
            let mut with = Incoming::default();
            let Ok(len) = self.udp.try_receive(lwp, &mut place, &mut with, 0) else {
                break;
            };
            for answer in self.answers(&buffer[..len], false) {
                let mut data = UioIn::from(UserIn::from(&answer[..]));
                let mut to = Outgoing {
                    to: with.from,
                    ..Outgoing::default()
                };
                self.udp.try_send(lwp, &mut data, &mut to, 0).unwrap();
            }
        }
        while let Ok((connection, _)) = self.listener.try_accept(lwp) {
            self.connections.with(|all| all.push(connection));
        }
        for connection in self.connections.with(|all| all.clone()) {
            let mut place = UioOut::from(UserOut::from(&mut buffer[..]));
            let mut with = Incoming::default();
            let Ok(len) = connection.try_receive(lwp, &mut place, &mut with, 0) else {
                continue;
            };
            if len < 2 {
                self.connections
                    .with(|all| all.retain(|other| !Arc::ptr_eq(other, &connection)));
                connection.close(lwp);
                continue;
            }
            for answer in self.answers(&buffer[2..len], true) {
                let mut bytes = (answer.len() as u16).to_be_bytes().to_vec();
                bytes.extend(answer);
                let mut data = UioIn::from(UserIn::from(&bytes[..]));
                connection
                    .try_send(lwp, &mut data, &mut Outgoing::default(), 0)
                    .unwrap();
            }
        }
        self.timer.set(lwp, lwp.now() + PERIOD);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Answer,
    Authority,
}

/// An answer that grows.
pub(crate) struct Message(Vec<u8>);

/// A name as a message has it.
pub(crate) fn name_bytes(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes
}

/// An answer to a question, with this code and no records yet.
pub(crate) fn answer_to(question: &[u8], code: u8) -> Message {
    let mut bytes = question.to_vec();
    bytes[2] = 0x81;
    bytes[3] = 0x80 | code;
    Message(bytes)
}

impl Message {
    pub(crate) fn record(
        mut self,
        section: Section,
        name: &str,
        kind: u16,
        ttl: u32,
        data: &[u8],
    ) -> Self {
        let bytes = &mut self.0;
        bytes[if section == Section::Answer { 7 } else { 9 }] += 1;
        bytes.extend(name_bytes(name));
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1]);
        bytes.extend(ttl.to_be_bytes());
        bytes.extend((data.len() as u16).to_be_bytes());
        bytes.extend(data);
        self
    }

    pub(crate) fn truncated(mut self) -> Self {
        self.0[2] |= 2;
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.0
    }
}
