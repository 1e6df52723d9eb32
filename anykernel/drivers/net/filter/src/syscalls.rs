//! The filter for C programs.

use alloc::string::String;
use core::fmt::Write;

use base::{Errno, Level, Lwp, log};
use markers::public;
use net::Net;
use syscall::{Str, UioOut, UserOut};

use crate::flow::Key;
use crate::judge::PacketFilter;

/// Sets other rules, in lines or between semicolons; flows that passed before go on. EINVAL: a rule is wrong, and the log
/// says which.
#[public(filter)]
pub fn set(lwp: &Lwp<'_>, rules: Str<'_>) -> Result<(), Errno> {
    let filter = lwp.state::<PacketFilter>()?;
    let net = lwp.state::<Net>()?;
    filter.set_rules(&net, rules.get()?).map_err(|message| {
        log!(lwp.instance(), Level::Error, "filter: {message}");
        Errno::EINVAL
    })
}

/// Writes the flows that pass, a line each, as text that ends with a null byte: interface, protocol, ends inside,
/// ends outside, progress, packets. Returns how many bytes there are, of which those that fit were written.
#[public(filter)]
pub fn states(lwp: &Lwp<'_>, text: UserOut<'_>) -> Result<u32, Errno> {
    let filter = lwp.state::<PacketFilter>()?;
    let net = lwp.state::<Net>()?;
    let lines = lines(&filter, &net)?;
    let bytes = lines.as_bytes();
    let fits = bytes.len().min(text.len().saturating_sub(1));
    if !text.is_empty() {
        let mut out = UioOut::from(text);
        out.put(&bytes[..fits])?;
        out.put(&[0])?;
    }
    u32::try_from(bytes.len() + 1).map_err(|_| Errno::EOVERFLOW)
}

/// The flows, a line each.
fn lines(filter: &PacketFilter, net: &Net) -> Result<String, Errno> {
    let interfaces = net.interfaces();
    let name = |index| {
        let mut all = interfaces.iter();
        all.find(|interface| interface.index() == index)
            .map_or("?", |interface| interface.name())
    };
    filter.table.with(|table| {
        let mut lines = String::new();
        // What a line takes at most, with two IPv6 addresses four times.
        lines
            .try_reserve(table.len() * 256)
            .map_err(|_| Errno::ENOMEM)?;
        for (interface, state) in table.iter() {
            let (inside, outside) = (state.outgoing, state.incoming.reversed());
            let _ = writeln!(
                lines,
                "{} {} {} | {} {} {}",
                name(interface),
                inside.protocol,
                Ends(inside),
                Ends(outside),
                state.progress(),
                state.packets,
            );
        }
        Ok(lines)
    })
}

struct Ends(Key);

impl core::fmt::Display for Ends {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Key {
            src,
            dst,
            src_port,
            dst_port,
            ..
        } = self.0;
        write!(f, "{src} {src_port} -> {dst} {dst_port}")
    }
}
