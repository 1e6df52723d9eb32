//! Start and stop of the faction, and the addresses a boot may give.

use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use base::{Boot, Errno, Failure, Level, Lwp, log};

use crate::{Cidr, Interface, Net};

/// Addresses for the first interface that is not a loopback one.
pub(crate) struct BootAddresses {
    dhcp: bool,
    auto: bool,
    addresses: Vec<Cidr>,
    gateways: Vec<IpAddr>,
}

/// What is in a list, but for what is empty.
fn items(list: &str) -> Vec<&str> {
    let mut items = Vec::new();
    for item in list.split(',') {
        if !item.trim().is_empty() {
            items.push(item.trim());
        }
    }
    items
}

impl BootAddresses {
    /// Reads the parameters: a list of addresses, `dhcp` in place of an IPv4 one, `auto` of an IPv6 one; a list of
    /// gateways.
    fn parse(ip: &str, gateway: &str) -> Result<Self, Failure> {
        let mut parsed = BootAddresses {
            dhcp: false,
            auto: false,
            addresses: Vec::new(),
            gateways: Vec::new(),
        };
        for item in items(ip) {
            match item {
                "dhcp" => parsed.dhcp = true,
                "auto" => parsed.auto = true,
                _ => parsed.addresses.push(address(item)?),
            }
        }
        for item in items(gateway) {
            let address = item.parse().map_err(|_| {
                Failure::new(
                    Errno::EINVAL,
                    format!(
                        "parameter gateway: \"{item}\" is not an address; \
                         write one such as 10.0.0.1 or fd00::1"
                    ),
                )
            })?;
            parsed.gateways.push(address);
        }
        Ok(parsed)
    }

    /// Gives them to an interface. What does not fit is said in the log: the kernel is of use without.
    pub(crate) fn apply(self, net: &Net, lwp: &Lwp<'_>, interface: &Arc<Interface>) {
        let name = interface.name();
        for cidr in self.addresses {
            if let Err(errno) = net.add_address(lwp, interface, cidr) {
                log!(
                    lwp.instance(),
                    Level::Error,
                    "{name}: address {cidr}: {errno}"
                );
            }
        }
        for gateway in self.gateways {
            if let Err(errno) = net.add_gateway(lwp, gateway) {
                log!(
                    lwp.instance(),
                    Level::Error,
                    "{name}: gateway {gateway}: {errno}; it must be in the network of an address"
                );
            }
        }
        if self.auto {
            net.auto_interface.set(interface.index());
            if let Some(autoconf) = net.autoconf() {
                // What is wrong with it, it says itself.
                let _ = autoconf.start(lwp, net, interface);
            }
        }
        if self.dhcp
            && let Err(errno) = net.dhcp_start(lwp, interface)
        {
            log!(lwp.instance(), Level::Error, "{name}: dhcp: {errno}");
        }
    }
}

/// An address of the parameter `ip`.
fn address(item: &str) -> Result<Cidr, Failure> {
    item.parse().map_err(|_| {
        Failure::new(
            Errno::EINVAL,
            format!(
                "parameter ip: \"{item}\" is not an address with a prefix; \
                 write dhcp, auto, or a list such as 10.0.0.2/24,fd00::2/64"
            ),
        )
    })
}

pub(crate) fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let addresses = BootAddresses::parse(boot.text("ip"), boot.text("gateway"))?;
    boot.publish(Net::new(boot.instance(), addresses));
    Ok(())
}

/// Says so when there is nobody to give the addresses to.
pub(crate) fn ready(lwp: &Lwp<'_>) {
    let Ok(net) = lwp.state::<Net>() else {
        return;
    };
    if net.auto_interface.get() != 0 && net.autoconf().is_none() {
        log!(
            lwp.instance(),
            Level::Error,
            "net: parameter ip: nothing here configures addresses by what routers say; \
             select the component autoconf for auto"
        );
    }
    let asked = net.boot_addresses.with(|addresses| {
        let addresses = addresses.as_ref();
        addresses.is_some_and(|it| it.dhcp || it.auto || !it.addresses.is_empty())
    });
    if asked {
        log!(
            lwp.instance(),
            Level::Warning,
            "net: the parameter ip found no interface: no link was opened and no network card found; \
             addresses go to the first interface that appears"
        );
    }
}

pub(crate) fn stop(lwp: &Lwp<'_>) {
    if let Ok(net) = lwp.state::<Net>() {
        net.stop(lwp);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{boot_with, ip};

    #[test]
    fn the_first_real_interface_gets_the_addresses() {
        let host = boot_with(&[("ip", "10.0.0.2/24, fd00::2/64"), ("gateway", "10.0.0.1")]);
        let first = host.ethernet("virt", &[]);
        let second = host.ethernet("virt", &[]);
        assert_eq!(first.interface.name(), "virt0");
        assert_eq!(second.interface.name(), "virt1");
        assert!(first.interface.is_up());
        assert!(!second.interface.is_up());
        host.in_kernel(|lwp, net| {
            assert!(net.is_local(lwp, ip("10.0.0.2")));
            assert!(net.is_local(lwp, ip("fd00::2")));
            assert_eq!(net.source_for(lwp, ip("8.8.8.8")), Ok(ip("10.0.0.2")));
        });
    }

    #[test]
    fn addresses_without_an_interface_are_warned_of() {
        let warned = |params: &[(&str, &str)]| {
            let lines = boot_with(params).kernel.instance().log_lines();
            lines.iter().any(|line| line.contains("found no interface"))
        };
        assert!(warned(&[("ip", "10.0.0.2/24")]));
        assert!(warned(&[("ip", "dhcp")]));
        assert!(!warned(&[]));
    }

    #[test]
    fn auto_without_a_driver_for_it_is_told() {
        let host = boot_with(&[("ip", "auto")]);
        // No link was there when the boot looked; there is one now, and still nobody to configure it.
        let link = host.ethernet("virt", &[]);
        host.in_kernel(|lwp, _| super::ready(lwp));
        let log = host.kernel.instance().log_lines();
        let told = log
            .iter()
            .any(|line| line.contains("select the component autoconf"));
        assert!(told, "{log:?}");
        assert!(!link.interface.is_up());
    }

    #[test]
    fn a_wrong_parameter_says_what_to_write() {
        let message = crate::testing::boot_error(&[("ip", "10.0.0.300/24")]);
        assert_eq!(
            message,
            "net did not start: parameter ip: \"10.0.0.300/24\" is not an address with a prefix; \
             write dhcp, auto, or a list such as 10.0.0.2/24,fd00::2/64"
        );
    }
}
