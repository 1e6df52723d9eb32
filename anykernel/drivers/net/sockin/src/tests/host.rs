//! A host whose sockets do what a test says. It is the test's thread's, as the rest of the simulated platform is.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use hypercall::{Bytes, BytesMut, Errno, HostSockets, Reception, SocketName, SocketNews, Upcall};

/// What the host remembers.
#[derive(Default)]
pub(super) struct Host {
    /// Answers to calls of this name, in turn; to all others, and from then on, the usual one.
    answers: BTreeMap<&'static str, VecDeque<i64>>,
    /// One answer to everything, and what is filled in is full of it.
    odd: Option<i64>,
    opened: u64,
    arrived: Option<Upcall>,
    news: VecDeque<(u64, u32)>,
    /// What can be received, of every socket.
    pub(super) inbox: VecDeque<u8>,
    /// How much may be sent, of every socket.
    pub(super) room: usize,
    pub(super) sent: Vec<u8>,
    pub(super) level: u32,
    pub(super) unsent: i64,
    pub(super) closed: Vec<u64>,
    pub(super) detached: u32,
    /// What was set: level, name and value.
    pub(super) options: Vec<(u32, u32, Vec<u8>)>,
    /// The calls that were made, by name.
    pub(super) calls: Vec<&'static str>,
    /// The control data that comes with what is received.
    pub(super) control: Vec<u8>,
    /// The control data that went with what was sent.
    pub(super) controlled: Vec<u8>,
    pub(super) peer: SocketName,
}

impl Host {
    /// The host as it is usually, with those who know it.
    pub(super) fn after(host: &Host) -> Host {
        Host {
            opened: host.opened,
            arrived: host.arrived,
            ..Host::default()
        }
    }
}

std::thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

/// Looks at the host, or changes it.
pub(super) fn host<R>(f: impl FnOnce(&mut Host) -> R) -> R {
    HOST.with_borrow_mut(f)
}

/// What the host answers to the next calls of this name.
pub(super) fn answer(call: &'static str, answers: impl IntoIterator<Item = i64>) {
    host(|host| host.answers.entry(call).or_default().extend(answers));
}

/// Has everything answered like this.
pub(super) fn be_odd(answer: i64) {
    host(|host| host.odd = Some(answer));
}

/// Has news of a socket, which is ready for that from now on.
pub(super) fn say(socket: u64, events: u32) {
    let arrived = host(|host| {
        host.level |= events;
        host.news.push_back((socket, events));
        host.arrived
    });
    arrived.unwrap().call();
}

/// How often a call of this name was made.
pub(super) fn count(call: &str) -> usize {
    host(|host| host.calls.iter().filter(|made| **made == call).count())
}

/// What a call of this name answers: what the test said, or the usual.
fn call(name: &'static str, usual: impl FnOnce(&mut Host) -> i64) -> i64 {
    host(|host| {
        host.calls.push(name);
        if let Some(odd) = host.odd {
            return odd;
        }
        let said = host.answers.get_mut(name).and_then(VecDeque::pop_front);
        said.unwrap_or_else(|| usual(host))
    })
}

fn odd() -> Option<i64> {
    host(|host| host.odd)
}

fn fill_name(name: &mut SocketName) {
    *name = match odd() {
        Some(odd) => SocketName {
            family: odd as u32,
            port: u32::MAX,
            address: [0xff; 16],
            flow: u32::MAX,
            scope: u32::MAX,
        },
        None => host(|host| host.peer),
    };
}

const AGAIN: i64 = Errno::EAGAIN.to_answer();

struct Platform;

impl HostSockets for Platform {
    fn attach(arrived: Upcall) -> u64 {
        host(|host| host.arrived = Some(arrived));
        7
    }

    fn detach(kernel: u64) {
        assert_eq!(kernel, 7);
        host(|host| {
            host.detached += 1;
            host.arrived = None;
        });
    }

    fn open(_kernel: u64, _family: u32, _kind: u32, _protocol: u32) -> i64 {
        call("open", |host| {
            host.opened += 1;
            host.opened as i64
        })
    }

    fn bind(_socket: u64, name: &SocketName) -> i64 {
        call("bind", |host| {
            host.peer = *name;
            0
        })
    }

    fn listen(_socket: u64, _backlog: u32) -> i64 {
        call("listen", |_| 0)
    }

    fn accept(_socket: u64, from: &mut SocketName) -> i64 {
        fill_name(from);
        call("accept", |host| {
            host.opened += 1;
            host.opened as i64
        })
    }

    fn connect(_socket: u64, _name: &SocketName) -> i64 {
        call("connect", |_| 0)
    }

    fn send(_: u64, data: Bytes<'_>, _flags: u32, _to: &SocketName, control: Bytes<'_>) -> i64 {
        let data = data.as_slice();
        call("send", |host| {
            host.controlled = control.as_slice().to_vec();
            let count = data.len().min(host.room);
            if count == 0 && !data.is_empty() {
                return AGAIN;
            }
            host.sent.extend(&data[..count]);
            host.room -= count;
            count as i64
        })
    }

    fn receive(
        _socket: u64,
        mut data: BytesMut<'_>,
        _flags: u32,
        with: &mut Reception,
        mut control: BytesMut<'_>,
    ) -> i64 {
        fill_name(&mut with.from);
        let (data, control) = (data.as_mut_slice(), control.as_mut_slice());
        if let Some(odd) = odd() {
            (with.flags, with.control) = (u32::MAX, odd as u32);
            control.fill(0xff);
        }
        call("receive", |host| {
            if host.inbox.is_empty() {
                return AGAIN;
            }
            if let Some(place) = control.get_mut(..host.control.len()) {
                place.copy_from_slice(&host.control);
                with.control = host.control.len() as u32;
            }
            let count = data.len().min(host.inbox.len());
            for place in &mut data[..count] {
                *place = host.inbox.pop_front().unwrap();
            }
            count as i64
        })
    }

    fn shutdown(_socket: u64, _how: u32) -> i64 {
        call("shutdown", |_| 0)
    }

    fn set_option(_socket: u64, level: u32, name: u32, value: Bytes<'_>) -> i64 {
        let value = value.as_slice().to_vec();
        call("set_option", |host| {
            host.options.push((level, name, value));
            0
        })
    }

    fn option(_socket: u64, _level: u32, _name: u32, mut value: BytesMut<'_>) -> i64 {
        value.as_mut_slice().fill(1);
        call("option", |_| 4)
    }

    fn name(_socket: u64, name: &mut SocketName) -> i64 {
        fill_name(name);
        call("name", |_| 0)
    }

    fn peer(_socket: u64, name: &mut SocketName) -> i64 {
        fill_name(name);
        call("peer", |_| 0)
    }

    fn received(_socket: u64) -> i64 {
        call("received", |host| host.inbox.len() as i64)
    }

    fn unsent(_socket: u64) -> i64 {
        call("unsent", |host| host.unsent)
    }

    fn events(_socket: u64) -> u32 {
        call("events", |host| host.level.into()) as u32
    }

    fn watch(_socket: u64) -> i64 {
        call("watch", |_| 0)
    }

    fn news(kernel: u64, news: &mut SocketNews) -> usize {
        assert_eq!(kernel, 7);
        let next = host(|host| host.news.pop_front());
        let Some((socket, events)) = next else {
            return 0;
        };
        (news.sockets[0], news.events[0]) = (socket, events);
        match odd() {
            // One that is more than there is room for would be asked for again and again.
            Some(_) => news.sockets.len() - 1,
            None => 1,
        }
    }

    fn close(socket: u64) {
        host(|host| host.closed.push(socket));
    }
}

hypercall::hostsockets!(Platform);

/// What a call was and how it ended, for a message.
pub(super) fn told<T>(what: &str, how: &Result<T, Errno>) -> String {
    let how = how.as_ref().map(|_| ());
    alloc::format!("{what}: {how:?}")
}
