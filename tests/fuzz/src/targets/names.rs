//! Answers of name servers. The server is at an address of the kernel's own, as in the resolver's unit tests: while a
//! lookup waits, only the kernel itself can speak.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use base::sync::Leaf;
use base::{Callout, Lwp};
use resolver::Resolver;
use sockets::{Families, Incoming, Outgoing, Socket};
use syscall::consts::{AF_INET, AF_UNSPEC, SOCK_DGRAM, SOCK_STREAM};
use syscall::{SockAddr, UserIn, UserOut};

use crate::bytes::Bytes;
use crate::kernel::Host;
use crate::script::Stage;

/// How often the server looks whether somebody asks, in nanoseconds.
const PERIOD: u64 = 5_000_000;

pub(crate) fn run(bytes: &[u8]) {
    let host = Host::alone("", "");
    let stage = Stage::bare(host);
    let mut bytes = Bytes(bytes);
    let mut answers = VecDeque::new();
    while !bytes.is_empty() && answers.len() < 16 {
        answers.push_back((bytes.byte(), bytes.byte(), bytes.counted().to_vec()));
    }
    let server = Server::start(&stage.host, answers);
    for name in ["www.example.org", "example.org"] {
        let found = stage.host.enter(|lwp| {
            let resolver = lwp.state::<Resolver>()?;
            resolver.lookup(lwp, name, AF_UNSPEC)
        });
        if let Ok(found) = found {
            assert!(!found.addresses.is_empty());
        }
    }
    server.stop(&stage.host);
    stage.end();
}

struct Server {
    udp: Arc<dyn Socket>,
    listener: Arc<dyn Socket>,
    connections: Leaf<Vec<Arc<dyn Socket>>>,
    /// How each answer differs from a good one, the code in it, and its records.
    answers: Leaf<VecDeque<(u8, u8, Vec<u8>)>>,
    timer: Arc<Callout>,
}

impl Server {
    fn start(host: &Host, answers: VecDeque<(u8, u8, Vec<u8>)>) -> Arc<Server> {
        host.enter(|lwp| {
            let inet = lwp.state::<Families>()?.get(AF_INET).unwrap();
            let at: SockAddr = (std::net::IpAddr::from([127, 0, 0, 1]), 53).into();
            let udp = inet.socket(lwp, SOCK_DGRAM, 0)?;
            udp.bind(lwp, &at)?;
            let listener = inet.socket(lwp, SOCK_STREAM, 0)?;
            listener.bind(lwp, &at)?;
            listener.listen(lwp, 4)?;
            let server = Arc::new_cyclic(|this: &Weak<Server>| {
                let this = this.clone();
                Server {
                    udp,
                    listener,
                    connections: Leaf::new(Vec::new()),
                    answers: Leaf::new(answers),
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

    fn stop(&self, host: &Host) {
        let _ = host.enter(|lwp| {
            self.timer.cancel(lwp);
            let connections = self.connections.with(std::mem::take);
            for socket in connections.iter().chain([&self.udp, &self.listener]) {
                socket.close(lwp);
            }
            Ok(())
        });
    }

    fn look(&self, lwp: &Lwp<'_>) {
        let mut room = [0; 1024];
        let mut with = Incoming::default();
        while let Ok(len) = receive(&self.udp, lwp, &mut room, &mut with) {
            if let Some(answer) = self.answer(&room[..len]) {
                send(&self.udp, lwp, &answer, with.from);
            }
        }
        while let Ok((connection, _)) = self.listener.try_accept(lwp) {
            self.connections.with(|all| all.push(connection));
        }
        for connection in self.connections.with(|all| all.clone()) {
            let Ok(len) = receive(&connection, lwp, &mut room, &mut with) else {
                continue;
            };
            if let Some(answer) = room[..len].get(2..).and_then(|asked| self.answer(asked)) {
                let len = (answer.len() as u16).to_be_bytes();
                send(&connection, lwp, &[&len[..], &answer].concat(), None);
            }
        }
        self.timer.set(lwp, lwp.now() + PERIOD);
    }

    /// The next answer, as one to this question. `None` to say nothing.
    fn answer(&self, question: &[u8]) -> Option<Vec<u8>> {
        let (form, code, records) = self.answers.with(VecDeque::pop_front)?;
        if question.len() < 12 || form & 1 != 0 {
            // Without anything of the question.
            return (form & 2 == 0).then_some(records);
        }
        let mut answer = question.to_vec();
        // An answer, cut off or not.
        answer[2] = 0x81 | form & 2;
        answer[3] = 0x80 | code & 15;
        for (at, shift) in [(7, 4), (9, 6)] {
            answer[at] = form >> shift & 3;
        }
        if form & 4 != 0 {
            answer[0] ^= 1;
        }
        if form & 8 != 0 {
            answer.truncate(12);
            answer[5] = code >> 4;
        }
        answer.extend(records);
        Some(answer)
    }
}

fn receive(
    socket: &Arc<dyn Socket>,
    lwp: &Lwp<'_>,
    room: &mut [u8],
    with: &mut Incoming,
) -> Result<usize, base::Wait> {
    socket.try_receive(lwp, &mut UserOut::from(room).into(), with, 0)
}

fn send(socket: &Arc<dyn Socket>, lwp: &Lwp<'_>, bytes: &[u8], to: Option<SockAddr>) {
    let mut with = Outgoing {
        to,
        ..Outgoing::default()
    };
    let _ = socket.try_send(lwp, &mut UserIn::from(bytes).into(), &mut with, 0);
}
