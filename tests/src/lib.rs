//! What whole-system tests share: building a configuration, C programs, namespaces with a TAP, and
//! programs that run for a while.
//!
//! Everything here talks to the toolchain through its command line, as a user does; of its library it takes
//! the list of the host's programs.

mod cc;
mod child;
mod configuration;
mod dom0;
mod host_c;
mod instructions;
mod linux;
mod machine;
mod namespace;
mod netem;
mod skip;
mod stream;

pub use cc::{Link, compile};
pub use child::{Child, output, within};
pub use configuration::{Configuration, repository};
pub use dom0::{Dom0, Guest, emulate_xen};
pub use host_c::{HOST_WITH_THREADS, HOST_WITHOUT_THREADS, HostC};
pub use instructions::{Instructions, VALGRIND, compiler};
pub use machine::{Board, Machine, QEMU};
pub use namespace::Namespace;
pub use netem::{Netem, Took};
pub use skip::{need, need_network, skip};
pub use stream::stream_sha256;

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

/// Tries `ready` until it is true; panics with `what` after `limit`.
pub fn wait_until(what: &str, limit: Duration, mut ready: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !ready() {
        assert!(begin.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A TCP port of the host that nobody has now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("the host has ports");
    let address = listener.local_addr().expect("it has an address");
    address.port()
}
