//! A member of two groups, through the facade: `groups GROUP4 OWN4 GROUP6` joins them and tells each what it hears on port
//! 7000, on port 7001. Told to `leave` it leaves, and told to `end` it ends.
#![no_std]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use rump::net::UdpSocket;
use rump::{Errno, Kernel, Result};

/// Does what the arguments say.
pub fn main(kernel: &Kernel, args: &[String]) -> i32 {
    match run(kernel, args) {
        Ok(()) => 0,
        Err(errno) => {
            kernel.print(format_args!("groups: {errno:?}"));
            1
        }
    }
}

fn run(kernel: &Kernel, args: &[String]) -> Result<()> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let [group4, own4, group6] = words[..] else {
        return Err(Errno::EINVAL);
    };
    let group4: Ipv4Addr = group4.parse().map_err(|_| Errno::EINVAL)?;
    let own4: Ipv4Addr = own4.parse().map_err(|_| Errno::EINVAL)?;
    let group6: Ipv6Addr = group6.parse().map_err(|_| Errno::EINVAL)?;

    let socket = UdpSocket::bind(kernel, (Ipv6Addr::UNSPECIFIED, 7000))?;
    socket.join_multicast_v4(&group4, &own4)?;
    socket.join_multicast_v6(&group6, 0)?;
    let again = socket.join_multicast_v4(&group4, &own4);
    // What is sent from here is not heard here.
    let four = UdpSocket::bind(kernel, (own4, 0))?;
    four.set_multicast_loop_v4(false)?;
    four.set_multicast_ttl_v4(3)?;
    let six = UdpSocket::bind(kernel, (Ipv6Addr::UNSPECIFIED, 0))?;
    six.set_multicast_loop_v6(false)?;
    kernel.print(format_args!(
        "joined, and again: {again:?}, hops {}, heard {} {}",
        four.multicast_ttl_v4()?,
        four.multicast_loop_v4()?,
        six.multicast_loop_v6()?,
    ));
    let mut buffer = [0; 100];
    loop {
        let (count, from) = socket.recv_from(&mut buffer)?;
        let text = core::str::from_utf8(&buffer[..count]).map_err(|_| Errno::EINVAL)?;
        match text {
            "end" => return Ok(()),
            "leave" => {
                socket.leave_multicast_v4(&group4, &own4)?;
                socket.leave_multicast_v6(&group6, 0)?;
                kernel.print(format_args!("left"));
            }
            _ => {
                let answer = format!("heard {text}");
                match from.ip().to_canonical().is_ipv4() {
                    true => four.send_to(answer.as_bytes(), (group4, 7001))?,
                    false => six.send_to(answer.as_bytes(), (group6, 7001))?,
                };
            }
        }
    }
}
