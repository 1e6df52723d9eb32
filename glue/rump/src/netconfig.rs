//! Interfaces, addresses and routes.
//!
//! ```no_run
//! # fn f(kernel: &rump::Kernel) -> rump::Result<()> {
//! use rump::netconfig;
//!
//! let virt0 = netconfig::interface(kernel, "virt0")?;
//! virt0.add_address("10.0.0.2/24".parse()?)?;
//! netconfig::add_gateway(kernel, [10, 0, 0, 1])?;
//! for interface in netconfig::interfaces(kernel)? {
//!     println!("{}: {}", interface.name(), interface.statistics()?);
//! }
//! # Ok(()) }
//! ```

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use base::Lwp;
use net::Net;
pub use net::{Cidr, Reason, Statistics};
use syscall::consts::O_CLOEXEC;

use crate::{Descriptor, Kernel, Result};

/// An interface of a kernel.
#[derive(Clone, Debug)]
pub struct Interface {
    kernel: Kernel,
    name: String,
}

/// Where packets to a network go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The network.
    pub destination: Cidr,
    /// Who forwards; `None` if the network is on the link.
    pub gateway: Option<IpAddr>,
    /// The interface's name.
    pub interface: String,
}

fn with_net<R>(kernel: &Kernel, f: impl FnOnce(&Lwp<'_>, &Net) -> Result<R>) -> Result<R> {
    kernel.enter(|lwp| f(lwp, &*lwp.state::<Net>()?))
}

/// The interface of this name, such as `virt0` or `lo0`; `ENXIO` if there is none.
pub fn interface(kernel: &Kernel, name: &str) -> Result<Interface> {
    with_net(kernel, |_, net| net.interface(name).map(drop))?;
    Ok(Interface {
        kernel: kernel.clone(),
        name: name.into(),
    })
}

/// All interfaces, in the order they were attached.
pub fn interfaces(kernel: &Kernel) -> Result<Vec<Interface>> {
    with_net(kernel, |_, net| {
        let all = net.interfaces().into_iter();
        Ok(all
            .map(|interface| Interface {
                kernel: kernel.clone(),
                name: interface.name().into(),
            })
            .collect())
    })
}

/// Has packets for elsewhere go to a gateway; `ENETUNREACH` if it is on no network of ours.
pub fn add_gateway(kernel: &Kernel, gateway: impl Into<IpAddr>) -> Result<()> {
    let gateway = gateway.into();
    with_net(kernel, |lwp, net| net.add_gateway(lwp, gateway))
}

/// All routes.
pub fn routes(kernel: &Kernel) -> Result<Vec<Route>> {
    with_net(kernel, |_, net| {
        let all = net.routes().into_iter();
        Ok(all
            .map(|route| Route {
                destination: route.destination,
                gateway: route.gateway,
                interface: route.interface.name().into(),
            })
            .collect())
    })
}

impl Interface {
    fn call<R>(
        &self,
        f: impl FnOnce(&Lwp<'_>, &Net, &Arc<net::Interface>) -> Result<R>,
    ) -> Result<R> {
        with_net(&self.kernel, |lwp, net| {
            f(lwp, net, &net.interface(&self.name)?)
        })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The largest IP packet it carries, in bytes.
    pub fn mtu(&self) -> Result<usize> {
        self.call(|_, _, interface| Ok(interface.mtu()))
    }

    /// The hardware address; zero for a link that has none.
    pub fn hardware_address(&self) -> Result<[u8; 6]> {
        self.call(|_, _, interface| Ok(interface.hardware_address()))
    }

    /// Whether packets come and go.
    pub fn is_up(&self) -> Result<bool> {
        self.call(|_, _, interface| Ok(interface.is_up()))
    }

    /// Whether it is up, and somebody is at the other end of its link.
    pub fn is_running(&self) -> Result<bool> {
        self.call(|_, _, interface| Ok(interface.is_running()))
    }

    /// What went over it so far.
    pub fn statistics(&self) -> Result<Statistics> {
        self.call(|_, _, interface| Ok(interface.statistics()))
    }

    /// Has packets come and go.
    pub fn up(&self) -> Result<()> {
        self.call(|lwp, net, interface| {
            net.up(lwp, interface);
            Ok(())
        })
    }

    /// Has packets neither come nor go. Addresses and routes stay.
    pub fn down(&self) -> Result<()> {
        self.call(|lwp, net, interface| {
            net.down(lwp, interface);
            Ok(())
        })
    }

    /// The addresses.
    pub fn addresses(&self) -> Result<Vec<Cidr>> {
        self.call(|_, net, interface| {
            let all = net.addresses().into_iter();
            Ok(all
                .filter(|address| Arc::ptr_eq(&address.interface, interface))
                .map(|address| address.cidr)
                .collect())
        })
    }

    /// Gives it an address, with the route to its network, and has it up. `EEXIST` if the kernel has
    /// the address, `EADDRNOTAVAIL` if it is none that one station can have.
    pub fn add_address(&self, address: Cidr) -> Result<()> {
        self.call(|lwp, net, interface| net.add_address(lwp, interface, address))
    }

    /// Takes an address away; `EADDRNOTAVAIL` if it has it not.
    pub fn remove_address(&self, address: impl Into<IpAddr>) -> Result<()> {
        let address = address.into();
        self.call(|_, net, interface| net.remove_address(interface, address))
    }

    /// Has packets to a network go over this interface, to a gateway or straight to the link.
    pub fn add_route(&self, destination: Cidr, gateway: Option<IpAddr>) -> Result<()> {
        self.call(|_, net, interface| {
            net.add_route(net::Route {
                destination,
                gateway,
                metric: 0,
                interface: interface.clone(),
            })
        })
    }

    /// Gets address and gateway from a DHCP server. `ETIMEDOUT` if none answers.
    pub fn dhcp(&self) -> Result<()> {
        self.call(|lwp, net, interface| net.dhcp(lwp, interface).map(drop))
    }

    /// Has it configured by what routers advertise, from now on, and waits for an IPv6 address. `ETIMEDOUT` if none
    /// tells of one, `EADDRINUSE` if others have those told of.
    #[cfg(feature = "autoconf")]
    pub fn autoconf(&self) -> Result<()> {
        self.call(|lwp, net, interface| {
            lwp.state::<autoconf::Autoconf>()?
                .configure(lwp, net, interface)
        })
    }

    /// Records what it sends and receives: a stream in the format of pcap, which ends when it is
    /// dropped.
    pub fn capture(&self) -> Result<Descriptor> {
        Descriptor::open(&self.kernel, |lwp| {
            let net = lwp.state::<Net>()?;
            let capture = net.capture(lwp, &net.interface(&self.name)?)?;
            lwp.process().open(lwp, capture, O_CLOEXEC)
        })
    }

    /// The same, but records only what a classic packet filter wants: `program` is what `tcpdump -ddd` writes for a
    /// link of that kind. `EINVAL` if it is no program, and the log says why; `ENOSYS` without the component `bpf`.
    pub fn capture_filtered(&self, program: &str) -> Result<Descriptor> {
        Descriptor::open(&self.kernel, |lwp| {
            let net = lwp.state::<Net>()?;
            let interface = net.interface(&self.name)?;
            let capture = net.capture_filtered(lwp, &interface, program)?;
            lwp.process().open(lwp, capture, O_CLOEXEC)
        })
    }
}
