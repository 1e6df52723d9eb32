//! Tunnels for C programs. Keys are in base64, as WireGuard's own tools write them.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Write;
use core::net::SocketAddr;

use base::{Errno, Lwp};
use markers::public;
use net::{Cidr, Net};
use syscall::{Str, UioOut, UserOut};

use crate::Devices;
use crate::device::{Device, NAME};
use crate::key::Key;
use crate::tunnel::PeerConfig;

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// What stands for "none" may also be a null pointer.
fn optional<'a>(text: &Str<'a>) -> Result<Option<&'a str>, Errno> {
    match text.get() {
        Ok("") | Err(Errno::EFAULT) => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(errno) => Err(errno),
    }
}

fn device(lwp: &Lwp<'_>, number: u32) -> Result<Arc<Device>, Errno> {
    let devices = lwp.state::<Devices>()?;
    let name = format!("{NAME}{number}");
    let all = devices.all.with(|devices| devices.clone());
    let mut all = all.into_iter();
    all.find(|device| {
        let interface = device.interface();
        interface.is_some_and(|interface| interface.name() == name)
    })
    .ok_or(Errno::ENXIO)
}

/// Makes an interface `wg` with a number, which is the result, that has this private key and sends and receives over
/// the UDP port `port`; zero is any that is free. EINVAL: no key, or no port; EADDRINUSE: the port is taken.
#[public(wg)]
pub fn create(lwp: &Lwp<'_>, private_key: Str<'_>, port: i32) -> Result<u32, Errno> {
    let (net, devices) = (lwp.state::<Net>()?, lwp.state::<Devices>()?);
    let private = Key::parse(private_key.get()?)?;
    let port = u16::try_from(port).map_err(|_| Errno::EINVAL)?;
    let interface = Device::create(lwp, &devices, &net, private, port)?;
    let number = interface.name().strip_prefix(NAME);
    number.and_then(|it| it.parse().ok()).ok_or(Errno::EIO)
}

/// Adds a peer to the interface, or has other things known of it: a key shared with it beforehand, or NULL; the address
/// and port where it is, such as `192.0.2.1:51820`, or NULL, if it speaks first; its networks inside, such as
/// `10.0.0.2/32,fd00::/64`; and after how many seconds without a message it gets one, zero being never. EINVAL: one of
/// these is none; ENXIO: no such interface.
#[public(wg)]
pub fn peer(
    lwp: &Lwp<'_>,
    interface: u32,
    public_key: Str<'_>,
    psk: Str<'_>,
    endpoint: Str<'_>,
    allowed: Str<'_>,
    keepalive: i32,
) -> Result<(), Errno> {
    let device = device(lwp, interface)?;
    let psk = optional(&psk)?.map_or(Ok(Key::NONE), Key::parse)?;
    let endpoint = optional(&endpoint)?
        .map(str::parse::<SocketAddr>)
        .transpose()
        .map_err(|_| Errno::EINVAL)?;
    let networks = optional(&allowed)?.unwrap_or("").split(',').map(str::trim);
    let networks: Result<Vec<Cidr>, Errno> = networks
        .filter(|network| !network.is_empty())
        .map(str::parse)
        .collect();
    let config = PeerConfig {
        key: Key::parse(public_key.get()?)?,
        psk,
        endpoint,
        allowed: networks?,
        keepalive: u64::from(u16::try_from(keepalive).map_err(|_| Errno::EINVAL)?) * SECOND,
    };
    device.with(lwp, |tunnel, out| tunnel.set_peer(config, out))
}

/// Forgets a peer of the interface. ENOENT: it is none.
#[public(wg)]
pub fn remove_peer(lwp: &Lwp<'_>, interface: u32, public_key: Str<'_>) -> Result<(), Errno> {
    let device = device(lwp, interface)?;
    let key = Key::parse(public_key.get()?)?;
    device.with(lwp, |tunnel, out| tunnel.remove_peer(&key, out))
}

/// The UDP port of the interface.
#[public(wg)]
pub fn port(lwp: &Lwp<'_>, interface: u32) -> Result<u32, Errno> {
    Ok(device(lwp, interface)?.port(lwp).into())
}

/// Writes the peers of the interface, a line each, as text that ends with a null byte: public key, where it is,
/// its networks, when there was the last handshake (seconds since 1970, zero for none), bytes received and sent. Returns how many
/// bytes there are, of which those that fit were written.
#[public(wg)]
pub fn peers(lwp: &Lwp<'_>, interface: u32, text: UserOut<'_>) -> Result<u32, Errno> {
    let device = device(lwp, interface)?;
    let lines = device.with(lwp, |tunnel, _| {
        let mut lines: Vec<String> = tunnel
            .peers()
            .map(|(peer, networks)| {
                let mut line = format!("{} ", peer.key);
                let _ = match peer.endpoint {
                    Some(endpoint) => write!(line, "{endpoint} "),
                    None => write!(line, "- "),
                };
                let mut networks: Vec<String> = networks
                    .iter()
                    .map(|(network, prefix)| format!("{network}/{prefix}"))
                    .collect();
                networks.sort();
                let (met, traffic) = (peer.met.unwrap_or(0) / SECOND, peer.traffic);
                let networks = networks.join(",");
                let _ = write!(
                    line,
                    "{networks} {met} {} {}",
                    traffic.received, traffic.sent
                );
                line
            })
            .collect();
        lines.sort();
        lines
    });
    let text_of = lines.iter().flat_map(|line| [line.as_str(), "\n"]);
    let text_of: String = text_of.collect();
    let bytes = text_of.as_bytes();
    let fits = bytes.len().min(text.len().saturating_sub(1));
    if !text.is_empty() {
        let mut place = UioOut::from(text);
        place.put(&bytes[..fits])?;
        place.put(&[0])?;
    }
    u32::try_from(bytes.len() + 1).map_err(|_| Errno::EOVERFLOW)
}
