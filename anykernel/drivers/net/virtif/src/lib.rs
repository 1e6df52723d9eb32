//! The driver of links of the host: Ethernet frames or IP packets in and out of whatever the platform opens for a
//! URL, such as a TAP.
//!
//! Frames come and go in batches, each way with one hypercall. The platform says once that frames have
//! arrived; deferred work takes them, and goes on until it finds none, giving way to others after each
//! batch.
//!
//! The driver does not know what kinds of links there are, but for advice when one cannot be opened.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod port;
mod rooms;
pub mod syscalls;

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Errno, Failure, Lwp};
use net::Net;

use port::Port;

/// The driver as a component of a kernel.
pub static COMPONENT: Component = Component::new("virtif").start(start).stop(stop);

/// What interfaces of links are named, unless they come with another name.
const NAME: &str = "virt";

/// The ports of an instance.
struct Ports(Leaf<Vec<Arc<Port>>>);

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let (lwp, net) = (boot.lwp(), boot.get::<Net>());
    let ports = Ports(Leaf::new(Vec::new()));
    let urls = boot.text("virtif").split(',').map(str::trim);
    for url in urls.filter(|url| !url.is_empty()) {
        match Port::open(lwp, &net, NAME, url) {
            Ok(port) => ports.0.with(|ports| ports.push(port)),
            Err(errno) => {
                // Of a component that did not start, nobody stops what did.
                ports.close();
                return Err(refusal(url, errno));
            }
        }
    }
    boot.publish(Arc::new(ports));
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    if let Ok(ports) = lwp.state::<Ports>() {
        ports.close();
    }
}

impl Ports {
    fn close(&self) {
        for port in self.0.with(core::mem::take) {
            port.close();
        }
    }
}

/// Why a link was not opened, and what to do about it.
fn refusal(url: &str, errno: Errno) -> Failure {
    let (scheme, name) = url.split_once(':').unwrap_or((url, url));
    let way_out = match errno {
        Errno::EPERM | Errno::EACCES | Errno::ENODEV | Errno::ENXIO | Errno::ENOENT
            if matches!(scheme, "tap" | "tun") =>
        {
            format!(
                "create the link with: ip tuntap add dev {name} mode {scheme} user $(id -un) && \
                 ip link set {name} up; or run as root"
            )
        }
        Errno::EINVAL if matches!(scheme, "tap" | "tun") => {
            format!("{name} is no name of an interface, or of one of another kind; name another")
        }
        _ if hypercall::HOST_INTERFACES && matches!(scheme, "packet" | "xdp") => {
            interface_refusal(name, errno)
        }
        Errno::EPROTONOSUPPORT if matches!(scheme, "packet" | "xdp") => {
            "build the kernel with: --param host-interfaces=true".into()
        }
        Errno::ENOENT if scheme == "bus" => format!("make the folder of {name} first"),
        Errno::EINVAL if scheme == "bus" && name.contains('/') => {
            format!("{name} is something else than a segment; name another file")
        }
        Errno::ENOSPC => "no place on it is left, or no memory for it".into(),
        Errno::ENOENT | Errno::ECONNREFUSED | Errno::EAGAIN => {
            format!("start the program first that has the other end and listens at {name}")
        }
        Errno::EPERM | Errno::EACCES => format!("see who may read and write {name}"),
        Errno::EBUSY => format!("another program has {name} open; close it, or use another link"),
        Errno::EPROTONOSUPPORT | Errno::EINVAL => {
            "the parameter virtif is a list of URLs that this platform knows, such as tap:rump0"
                .into()
        }
        Errno::ENOSYS => "this platform has no links; boot without the parameter virtif".into(),
        _ => "see whether the host still has the link".into(),
    };
    Failure::new(errno, format!("virtif: {url}: {errno}; {way_out}"))
}

/// The same of a link that is an interface of the host's.
fn interface_refusal(name: &str, errno: Errno) -> String {
    let (name, _) = name.split_once('?').unwrap_or((name, ""));
    match errno {
        Errno::EPERM | Errno::EACCES => "run as root".into(),
        Errno::ENODEV => format!("there is no interface {name}; see ip link"),
        Errno::ENXIO => format!("{name} has no such queue; see /sys/class/net/{name}/queues"),
        Errno::EBUSY => {
            format!(
                "another program has {name} or its queue; see ip link show {name}, or use packet:{name}"
            )
        }
        Errno::EMSGSIZE => format!("its packets are too long; ip link set {name} mtu 1500"),
        _ => format!("{name} is no name of an interface of Ethernet; name another"),
    }
}

#[cfg(test)]
mod tests;
