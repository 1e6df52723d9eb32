//! The hosts in C of `examples/host-c`, as sources for [`compile`](crate::compile).

use crate::Configuration;

/// A host in C.
pub struct HostC {
    /// The platform of the kernels it can host.
    pub platform: &'static str,
    /// Its sources, relative to `tests/`.
    pub sources: &'static [&'static str],
}

/// The one with threads.
pub const HOST_WITH_THREADS: HostC = HostC {
    platform: "host-c",
    sources: &[
        "../examples/host-c/basics.c",
        "../examples/host-c/tap.c",
        "../examples/host-c/threads.c",
        "../examples/host-c/worker.c",
    ],
};

/// The one without.
pub const HOST_WITHOUT_THREADS: HostC = HostC {
    platform: "host-c-single",
    sources: &[
        "../examples/host-c/basics.c",
        "../examples/host-c/single.c",
        "../examples/host-c/tap.c",
    ],
};

impl HostC {
    /// Net and sockets for it.
    pub fn net_sockets(&self) -> Configuration {
        let name = format!("net-sockets-{}", self.platform);
        let what = ["--components", "net,sockets", "--platform", self.platform];
        Configuration::build(&name, &what)
    }
}
