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
    /// Net, sockets and Unix-domain sockets for it.
    pub fn net_sockets_local(&self) -> Configuration {
        let name = format!("net-sockets-local-{}", self.platform);
        let components = ["--components", "net,sockets,local"];
        let what = [&components[..], &["--platform", self.platform]].concat();
        Configuration::build(&name, &what)
    }
}
