//! A kernel that asks servers which follow scripts.

pub(crate) mod server;

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use base::{Errno, Kernel, ParamKind, System, enter};
use net::testing::param;
use syscall::consts::{AF_INET, AF_INET6, AF_UNSPEC};

use crate::{Found, Resolver};
use server::{Section, Server, answer_to, name_bytes};

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[
        &base::COMPONENT,
        &net::COMPONENT,
        &r#loop::COMPONENT,
        &virtif::COMPONENT,
        &sockets::COMPONENT,
        &inet::COMPONENT,
        &crate::COMPONENT,
    ],
    params: &[
        param("base", "memory-limit", ParamKind::Bytes, "0"),
        param("net", "ip", ParamKind::Text, ""),
        param("net", "gateway", ParamKind::Text, ""),
        param("virtif", "virtif", ParamKind::Text, ""),
        param("inet", "tcp-buffer", ParamKind::Bytes, "256KiB"),
        param("inet", "udp-buffer", ParamKind::Bytes, "208KiB"),
        param("inet", "tcp-half-open", ParamKind::Integer, "256"),
        param("resolver", "nameserver", ParamKind::Text, ""),
        param("resolver", "hosts", ParamKind::Text, ""),
    ],
};

const SECOND: u64 = 1_000_000_000;
const A: u16 = 1;
const AAAA: u16 = 28;
const V6: [u8; 16] = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];

struct Host {
    kernel: Kernel,
    resolver: Arc<Resolver>,
}

fn host(servers: &str) -> Host {
    sim::reset(1);
    let config = base::Config::new()
        .param("nameserver", servers)
        .param("hosts", "db=10.0.0.7,db=fd00::7");
    let kernel = Kernel::boot(&SYSTEM, &config).unwrap();
    let resolver = enter(kernel.process(), |lwp| lwp.state::<Resolver>()).unwrap();
    Host { kernel, resolver }
}

impl Host {
    fn lookup(&self, name: &str, family: u16) -> Result<Vec<String>, Errno> {
        self.find(name, family).map(|found| {
            let addresses = found.addresses.iter();
            addresses.map(|address| address.ip().to_string()).collect()
        })
    }

    fn find(&self, name: &str, family: u16) -> Result<Found, Errno> {
        enter(self.kernel.process(), |lwp| {
            self.resolver.lookup(lwp, name, family)
        })
    }

    fn now(&self) -> u64 {
        enter(self.kernel.process(), |lwp| Ok(lwp.now())).unwrap()
    }

    fn memory_used(&self) -> usize {
        self.kernel.instance().memory().used()
    }
}

/// The type of records a question is for.
fn kind(question: &[u8]) -> u16 {
    u16::from_be_bytes([question[question.len() - 4], question[question.len() - 3]])
}

/// Answers with an address of each kind, good for a minute.
fn both(question: &[u8], name: &str) -> Vec<u8> {
    let message = answer_to(question, 0);
    match kind(question) {
        A => message.record(Section::Answer, name, A, 60, &[10, 0, 0, 9]),
        _ => message.record(Section::Answer, name, AAAA, 60, &V6),
    }
    .bytes()
}

#[test]
fn both_kinds_are_asked_for_at_a_time_and_remembered() {
    let host = host("127.0.0.1");
    let server = Server::start(&host.kernel, "127.0.0.1", |question, _| {
        vec![both(question, "www.example.org")]
    });
    let wanted = Ok(vec!["10.0.0.9".to_string(), "fd00::9".to_string()]);
    assert_eq!(host.lookup("www.example.org", AF_UNSPEC), wanted);
    assert_eq!(server.asked(), [(AAAA, false), (A, false)]);
    assert_eq!(host.lookup("WWW.EXAMPLE.ORG.", AF_UNSPEC), wanted);
    assert_eq!(
        host.lookup("www.example.org", AF_INET6),
        Ok(vec!["fd00::9".to_string()])
    );
    assert_eq!(server.asked(), []);
    sim::advance(61 * SECOND);
    assert_eq!(
        host.lookup("www.example.org", AF_INET),
        Ok(vec!["10.0.0.9".to_string()])
    );
    assert_eq!(server.asked(), [(A, false)]);
}

#[test]
fn what_is_known_is_not_asked_for() {
    let host = host("127.0.0.1");
    let server = Server::start(&host.kernel, "127.0.0.1", |_, _| Vec::new());
    let one = |text: &str| Ok(vec![text.to_string()]);
    assert_eq!(host.lookup("10.1.2.3", AF_UNSPEC), one("10.1.2.3"));
    assert_eq!(host.lookup("fd00::1", AF_INET6), one("fd00::1"));
    assert_eq!(host.lookup("fd00::1", AF_INET), Err(Errno::ENODATA));
    assert_eq!(host.lookup("localhost", AF_INET), one("127.0.0.1"));
    assert_eq!(host.lookup("localhost", AF_INET6), one("::1"));
    assert_eq!(host.lookup("x.invalid", AF_UNSPEC), Err(Errno::ENOENT));
    assert_eq!(host.lookup("db", AF_INET), one("10.0.0.7"));
    assert_eq!(host.lookup("10.1.2", AF_UNSPEC), Err(Errno::EINVAL));
    assert_eq!(host.lookup("db", 1), Err(Errno::EAFNOSUPPORT));
    let scoped = host.find("fe80::1%lo0", AF_UNSPEC).unwrap().addresses[0];
    assert_eq!(scoped.to_string(), "[fe80::1%1]:0");
    assert_eq!(host.lookup("fe80::1%none", AF_UNSPEC), Err(Errno::EINVAL));
    assert_eq!(server.asked(), []);
}

#[test]
fn without_a_server_there_is_none_to_ask() {
    assert_eq!(
        host("").lookup("www.example.org", AF_UNSPEC),
        Err(Errno::EDESTADDRREQ)
    );
}

#[test]
fn what_does_not_fit_a_datagram_comes_over_tcp() {
    let host = host("127.0.0.1");
    let server = Server::start(&host.kernel, "127.0.0.1", |question, tcp| {
        if !tcp {
            return vec![answer_to(question, 0).truncated().bytes()];
        }
        let many = (0..100).fold(answer_to(question, 0), |message, number| {
            message.record(
                Section::Answer,
                "many.example.org",
                A,
                60,
                &[10, 0, 1, number],
            )
        });
        vec![many.bytes()]
    });
    let found = host.lookup("many.example.org", AF_INET).unwrap();
    assert_eq!(found.len(), 100);
    assert_eq!(server.asked(), [(A, false), (A, true)]);
    // Both sockets were closed: a second round finds the same memory used.
    let _ = host.lookup("many.example.com", AF_INET);
    let used = host.memory_used();
    for _ in 0..20 {
        let _ = host.lookup("many.example.com", AF_INET);
        sim::advance(120 * SECOND);
    }
    assert!(host.memory_used() <= used, "{} {used}", host.memory_used());
}

#[test]
fn a_server_that_is_silent_is_asked_again_and_then_the_next_one() {
    let host = host("127.0.0.1,127.0.0.2,127.0.0.3");
    let silent = Server::start(&host.kernel, "127.0.0.1", |_, _| Vec::new());
    // At 127.0.0.2 nobody listens; that is said at once.
    let good = Server::start(&host.kernel, "127.0.0.3", |question, _| {
        vec![both(question, "www.example.org")]
    });
    let begin = host.now();
    assert!(host.lookup("www.example.org", AF_INET).is_ok());
    let took = host.now() - begin;
    assert!((2 * SECOND..3 * SECOND).contains(&took), "{took}");
    assert_eq!((silent.asked().len(), good.asked().len()), (1, 1));
}

#[test]
fn servers_that_are_silent_are_given_up_after_ten_seconds() {
    let host = host("127.0.0.1");
    let silent = Server::start(&host.kernel, "127.0.0.1", |_, _| Vec::new());
    let begin = host.now();
    assert_eq!(
        host.lookup("www.example.org", AF_INET),
        Err(Errno::ETIMEDOUT)
    );
    let took = host.now() - begin;
    assert!((10 * SECOND..11 * SECOND).contains(&took), "{took}");
    assert_eq!(silent.asked().len(), 3);
}

#[test]
fn who_says_no_is_not_asked_again() {
    let host = host("127.0.0.1,127.0.0.2");
    let failing = Server::start(&host.kernel, "127.0.0.1", |question, _| {
        vec![answer_to(question, 2).bytes()]
    });
    let refusing = Server::start(&host.kernel, "127.0.0.2", |question, _| {
        vec![answer_to(question, 5).bytes()]
    });
    let begin = host.now();
    assert_eq!(host.lookup("www.example.org", AF_INET), Err(Errno::EPROTO));
    assert!(host.now() - begin < SECOND);
    assert_eq!((failing.asked().len(), refusing.asked().len()), (1, 1));
}

#[test]
fn what_is_not_there_is_remembered_as_long_as_the_zone_says() {
    let host = host("127.0.0.1");
    let server = Server::start(&host.kernel, "127.0.0.1", |question, _| {
        let mut zone = vec![0; 18];
        zone.extend(30u32.to_be_bytes());
        let none = answer_to(question, 3).record(Section::Authority, "org", 6, 900, &zone);
        vec![none.bytes()]
    });
    for _ in 0..3 {
        assert_eq!(host.lookup("none.org", AF_UNSPEC), Err(Errno::ENOENT));
    }
    assert_eq!(server.asked().len(), 2);
    sim::advance(31 * SECOND);
    assert_eq!(host.lookup("none.org", AF_UNSPEC), Err(Errno::ENOENT));
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn one_kind_is_enough() {
    let host = host("127.0.0.1");
    let _server = Server::start(&host.kernel, "127.0.0.1", |question, _| {
        match kind(question) {
            A => vec![both(question, "www.example.org")],
            _ => vec![answer_to(question, 2).bytes()],
        }
    });
    assert_eq!(
        host.lookup("www.example.org", AF_UNSPEC),
        Ok(vec!["10.0.0.9".to_string()])
    );
    assert_eq!(host.lookup("www.example.org", AF_INET6), Err(Errno::EAGAIN));
}

#[test]
fn an_alias_is_told() {
    let host = host("127.0.0.1");
    let _server = Server::start(&host.kernel, "127.0.0.1", |question, _| {
        let alias = name_bytes("host.example.org");
        let message = answer_to(question, 0)
            .record(Section::Answer, "www.example.org", 5, 60, &alias)
            .record(Section::Answer, "host.example.org", A, 60, &[10, 0, 0, 9]);
        vec![message.bytes()]
    });
    let found = host.find("www.example.org", AF_INET).unwrap();
    assert_eq!(found.name, "host.example.org");
}

/// Forged answers do not end the wait for the true one, wherever they are wrong.
#[test]
fn forged_answers_are_passed_over() {
    let host = host("127.0.0.1");
    let _server = Server::start(&host.kernel, "127.0.0.1", |question, _| {
        let good = both(question, "www.example.org");
        let mut forged: Vec<Vec<u8>> = [0, 1, 2, 5, 13, 30]
            .map(|at| {
                let mut bytes = good.clone();
                bytes[at] ^= 0x81;
                bytes
            })
            .into();
        forged.push(Vec::new());
        forged.push(question.to_vec());
        forged.push(good[..good.len() - 1].to_vec());
        forged.push(good);
        forged
    });
    assert_eq!(
        host.lookup("www.example.org", AF_INET),
        Ok(vec!["10.0.0.9".to_string()])
    );
}

#[test]
fn what_is_remembered_is_bounded() {
    let host = host("127.0.0.1");
    let _server = Server::start(&host.kernel, "127.0.0.1", |question, _| {
        let end = question.len() - 5;
        let name: Vec<u8> = question[13..end]
            .iter()
            .map(|b| if *b < 32 { b'.' } else { *b })
            .collect();
        vec![both(question, core::str::from_utf8(&name).unwrap())]
    });
    let mut used = 0;
    for number in 0..400 {
        host.lookup(&alloc::format!("host{number:03}.example.org"), AF_INET)
            .unwrap();
        if number == 150 {
            used = host.memory_used();
        }
    }
    assert!(host.memory_used() <= used, "{} {used}", host.memory_used());
}
