//! Ways with a link that carries less than those at their ends.

use super::*;

static ROUTER: System = System {
    name: "router",
    devices: &[],
    components: &[
        &base::COMPONENT,
        &net::COMPONENT,
        &virtif::COMPONENT,
        &forward::COMPONENT,
    ],
    params: SYSTEM.params,
};

/// A client at 10.1.0.1, fd01::1 and a server at 10.2.0.1, fd02::1, with two routers in between and between these a link
/// of 1300 bytes, which nobody else knows of.
fn narrow(offloads: &str) -> (Host, Host, [Kernel; 2]) {
    sim::reset(1);
    let wire = |name: &str| alloc::format!("wire:{name}?latency=100us{offloads}");
    let configure =
        |process: &Arc<Process>, name: &str, addresses: [&str; 2], gateways: [&str; 2]| {
            enter(process, |lwp| {
                let net = lwp.state::<Net>()?;
                let interface = net.interface(name)?;
                for address in addresses {
                    net.add_address(lwp, &interface, address.parse().unwrap())?;
                }
                for gateway in gateways.into_iter().filter(|gateway| !gateway.is_empty()) {
                    net.add_gateway(lwp, gateway.parse().unwrap())?;
                }
                Ok(())
            })
            .unwrap();
        };
    let host = |name: &str, addresses, gateways| {
        let host = boot(&[("virtif", &wire(name))]);
        configure(host.kernel.process(), "virt0", addresses, gateways);
        host
    };
    let client = host(
        "1",
        ["10.1.0.1/24", "fd01::1/64"],
        ["10.1.0.254", "fd01::254"],
    );
    let server = host(
        "2",
        ["10.2.0.1/24", "fd02::1/64"],
        ["10.2.0.254", "fd02::254"],
    );
    let routers = [1, 2].map(|number| {
        let outer = wire(&alloc::format!("{number}"));
        let links = alloc::format!("{outer},{}&mtu=1300", wire("narrow"));
        let router = Kernel::boot(&ROUTER, &Config::new().param("virtif", &links)).unwrap();
        let [outer, inner, other] = match number {
            1 => [
                ["10.1.0.254/24", "fd01::254/64"],
                ["10.0.0.1/24", "fd00::1/64"],
                ["10.0.0.2", "fd00::2"],
            ],
            _ => [
                ["10.2.0.254/24", "fd02::254/64"],
                ["10.0.0.2/24", "fd00::2/64"],
                ["10.0.0.1", "fd00::1"],
            ],
        };
        configure(router.process(), "virt0", outer, ["", ""]);
        configure(router.process(), "virt1", inner, other);
        router
    });
    sim::advance(3_000_000_000);
    (client, server, routers)
}

#[test]
fn streams_find_the_longest_segment_that_gets_through() {
    for offloads in ["", "&offloads=all"] {
        let (client, server, _routers) = narrow(offloads);
        for address in ["10.2.0.1:0", "[fd02::1]:0"] {
            let (one, other) = connected(&client, &server, address);
            let took = super::bulk::exchange(&one, &other, 200_000, 20_000);
            // What was too long is repeated once, when its timer says so.
            assert!(took < 3_000_000_000, "{took} ns to {address} {offloads}");
        }
        // Who comes later knows.
        let (one, other) = connected(&client, &server, "10.2.0.1:0");
        let took = super::bulk::exchange(&one, &other, 200_000, 20_000);
        assert!(took < 1_000_000_000, "{took} ns {offloads}");
    }
}

#[test]
fn datagrams_are_cut_up_for_the_way() {
    let (client, server, _routers) = narrow("");
    for (family, address) in [(AF_INET, "10.2.0.1"), (AF_INET6, "fd02::1")] {
        let there = server.socket(family, SOCK_DGRAM, 0).unwrap();
        there.bind(at(address, 5000)).unwrap();
        let here = client.socket(family, SOCK_DGRAM, 0).unwrap();
        let long = alloc::vec![7; 1400];
        // The first makes the way known.
        here.send_to(&long, at(address, 5000)).unwrap();
        sim::advance(100_000_000);
        assert_eq!(there.try_receive(2000), Err(Errno::EAGAIN));
        here.send_to(&long, at(address, 5000)).unwrap();
        assert_eq!(there.receive(2000).unwrap(), long);
    }
}

#[test]
fn a_stranger_cannot_shorten_segments() {
    let [client, server] = pair("a?latency=100us");
    let (one, other) = connected(&client, &server, "10.0.0.2:0");
    one.send(b"x").unwrap();
    other.receive(1).unwrap();
    let forger = server.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP).unwrap();
    // A quote with the right ends, and a number that is not in flight.
    let mut error = alloc::vec![
        3, 4, 0, 0, 0, 0, 2, 88, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0
    ];
    error.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    error.extend(port(one.local()).to_be_bytes());
    error.extend(port(other.local()).to_be_bytes());
    error.extend([1, 2, 3, 4]);
    let sum: u32 = error
        .chunks(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    error[2..4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    forger.send_to(&error, at("10.0.0.1", 0)).unwrap();
    sim::advance(10_000_000);
    client
        .enter(|lwp| {
            let interface = client.net.interface("virt0")?;
            let to = "10.0.0.2".parse().unwrap();
            assert_eq!(client.net.path_mtu(lwp, &interface, to), 1500);
            Ok(())
        })
        .unwrap();
}
