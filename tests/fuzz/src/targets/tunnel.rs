//! WireGuard: two kernels with a tunnel between them, and the fuzzer in the middle. It drops, repeats, changes and makes
//! up messages; and the peer, whose messages are authentic, sends packets of the fuzzer's through the tunnel.

use std::net::IpAddr;
use std::sync::Arc;

use blake2::digest::consts::U16;
use blake2::digest::{Digest, FixedOutput, KeyInit, Mac};
use blake2::{Blake2s256, Blake2sMac};
use sockets::{Outgoing, Socket};
use syscall::consts::*;
use syscall::{SockAddr, UserIn};
use wg::syscalls;

use crate::bytes::Bytes;
use crate::kernel::{Host, v4};
use crate::packets::{self, HEADER};

/// Private and public keys of the two ends.
const KEYS: [[&str; 2]; 2] = [
    [
        "QEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEA=",
        "17XoHTNuV4sTuNcG6C0GHjA4yWvOZs3PUNVmuW3buhA=",
    ],
    [
        "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=",
        "ehpOcJvwhaxJSroEabmx7aCrH3ixaqu3n/7akGI+hSI=",
    ],
];
/// The first end's public key, of which the first code of a message to it is made.
const PUBLIC: [u8; 32] = [
    0xd7, 0xb5, 0xe8, 0x1d, 0x33, 0x6e, 0x57, 0x8b, 0x13, 0xb8, 0xd7, 0x06, 0xe8, 0x2d, 0x06, 0x1e,
    0x30, 0x38, 0xc9, 0x6b, 0xce, 0x66, 0xcd, 0xcf, 0x50, 0xd5, 0x66, 0xb9, 0x6d, 0xdb, 0xba, 0x10,
];
const PORT: u16 = 51820;

pub(crate) fn run(bytes: &[u8]) {
    let mut ends = [Host::alone("", ""), Host::peer()];
    for (end, host) in ends.iter().enumerate() {
        tunnel(host, end);
    }
    let memory = ends[0].memory();
    let sockets: Vec<Arc<dyn Socket>> = ends
        .iter()
        .map(|host| host.socket(AF_INET, SOCK_RAW, IPPROTO_RAW).unwrap())
        .collect();
    let mut bytes = Bytes(bytes);
    for _ in 0..100 {
        if bytes.is_empty() {
            break;
        }
        let form = bytes.byte();
        let from = usize::from(form >> 7);
        match form & 7 {
            // An end has something to say.
            0 | 1 => {
                let packet = inner(from, bytes.byte(), bytes.counted());
                send(&ends[from], &sockets[from], &packet);
            }
            2 => ends[from].pass(1_000_000 << (bytes.byte() % 18)),
            // Made up.
            3 => {
                let mut message = bytes.counted().to_vec();
                if form & 8 != 0 {
                    sign(&mut message);
                }
                carry(&mut ends, 1, &message);
            }
            // What was said arrives, as it is or with changes, once or twice.
            _ => {
                for message in said(&mut ends[from], form & 32 != 0) {
                    let mut message = message;
                    for _ in 0..form >> 3 & 3 {
                        let at = usize::from(bytes.byte()) % message.len().max(1);
                        if let Some(place) = message.get_mut(at) {
                            *place = bytes.byte();
                        }
                    }
                    if form & 64 != 0 && from == 1 {
                        sign(&mut message);
                    }
                    if form & 7 != 4 {
                        carry(&mut ends, from, &message);
                    }
                }
            }
        }
    }
    for (host, socket) in ends.iter().zip(sockets) {
        let _ = host.enter(|lwp| {
            socket.close(lwp);
            Ok(())
        });
    }
    let [host, _peer] = &mut ends;
    host.pass(2 * 3600 * 1_000_000_000);
    host.ping();
    host.pass(3600 * 1_000_000_000);
    assert!(host.memory() <= memory, "{} of {memory}", host.memory());
}

fn tunnel(host: &Host, end: usize) {
    let endpoint = format!("{}:{PORT}", v4(0, 2 - end as u8));
    host.enter(|lwp| {
        syscalls::create(lwp, KEYS[end][0].into(), PORT.into())?;
        let allowed = "10.9.0.0/24, fd09::/64";
        let (key, psk) = (KEYS[1 - end][1].into(), "".into());
        syscalls::peer(
            lwp,
            0,
            key,
            psk,
            endpoint.as_str().into(),
            allowed.into(),
            0,
        )?;
        let interface = host.net.interface("wg0")?;
        for address in [
            format!("10.9.0.{}/24", end + 1),
            format!("fd09::{}/64", end + 1),
        ] {
            host.net.add_address(lwp, &interface, address.parse()?)?;
        }
        Ok(())
    })
    .unwrap();
}

/// A packet for the tunnel: a sound one with these data, or whatever the bytes are.
fn inner(from: usize, form: u8, data: &[u8]) -> Vec<u8> {
    let (src, dst): (IpAddr, IpAddr) = match form & 1 {
        0 => (
            [10, 9, 0, 1 + from as u8].into(),
            [10, 9, 0, 2 - from as u8].into(),
        ),
        _ => (
            [0xfd09, 0, 0, 0, 0, 0, 0, 1 + from as u16].into(),
            [0xfd09, 0, 0, 0, 0, 0, 0, 2 - from as u16].into(),
        ),
    };
    let mut packet = match form & 2 {
        0 => packets::ip(src, dst, form >> 2, data),
        _ => data.to_vec(),
    };
    packets::fix(&mut packet);
    packet
}

fn send(host: &Host, socket: &Arc<dyn Socket>, packet: &[u8]) {
    let Some(seen) = packets::look(packet) else {
        return;
    };
    let _ = host.enter(|lwp| {
        let mut with = Outgoing {
            to: Some(SockAddr::from((seen.dst, 0))),
            ..Outgoing::default()
        };
        let mut data = UserIn::from(packet).into();
        let _ = socket.try_send(lwp, &mut data, &mut with, 0);
        Ok(())
    });
}

/// What an end said since the last look, or in all.
fn said(host: &mut Host, again: bool) -> Vec<Vec<u8>> {
    host.pass(1_000);
    let messages = host.sent.iter().filter_map(|(_, frame)| {
        let packet = &frame[HEADER..];
        let data = &packet[packets::look(packet)?.data];
        let port = PORT.to_be_bytes();
        (data.get(..2)? == port).then(|| data[8..].to_vec())
    });
    let messages = messages.collect();
    if !again {
        host.sent.clear();
    }
    messages
}

/// Has a message arrive at the other end.
fn carry(ends: &mut [Host; 2], from: usize, message: &[u8]) {
    let mut datagram = [PORT.to_be_bytes(), PORT.to_be_bytes()].concat();
    datagram.extend((8 + message.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(message);
    let (src, dst) = (v4(0, 1 + from as u8), v4(0, 2 - from as u8));
    let mut packet = packets::ip(src.into(), dst.into(), 17, &datagram);
    packets::fix(&mut packet);
    ends[1 - from].hear_packet(0, &packet);
}

/// Gives a message to the first end its first code (whitepaper § 5.4.4).
fn sign(message: &mut [u8]) {
    let Some(at) = message.len().checked_sub(32) else {
        return;
    };
    let key = Blake2s256::new()
        .chain_update(b"mac1----")
        .chain_update(PUBLIC)
        .finalize();
    let mut code = <Blake2sMac<U16> as KeyInit>::new_from_slice(&key).expect("a key of 32 bytes");
    Mac::update(&mut code, &message[..at]);
    message[at..at + 16].copy_from_slice(&code.finalize_fixed());
}
