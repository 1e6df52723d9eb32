//! The names of cables: `wire:NAME`, with properties as in
//! `wire:NAME?latency=1ms&loss=1%&reorder=1%&offloads=all`.

use hypercall::{Errno, LinkInfo};

/// What becomes of a frame between two ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    /// Nanoseconds a frame takes.
    pub(crate) latency: u64,
    /// Of a billion frames, so many are lost.
    pub(crate) loss: u64,
    /// Of a billion frames, so many take no time, and overtake others.
    pub(crate) reorder: u64,
    /// What a port does for the frames that are sent: `LinkInfo::offloads`. It also takes frames that were
    /// left so.
    pub(crate) offloads: u32,
    /// What frames are: `LinkInfo::medium`.
    pub(crate) medium: u32,
    /// Bytes in the longest packet; zero: as usual.
    pub(crate) mtu: u32,
}

pub(crate) const BILLION: u64 = 1_000_000_000;

/// The cable's name and properties.
pub(crate) fn parse(url: &[u8]) -> Result<(&str, Properties), Errno> {
    let url = str::from_utf8(url).map_err(|_| Errno::EINVAL)?;
    match url.split_once(':').ok_or(Errno::EINVAL)? {
        ("wire", rest) => wire(rest).ok_or(Errno::EINVAL),
        _ => Err(Errno::EPROTONOSUPPORT),
    }
}

fn wire(rest: &str) -> Option<(&str, Properties)> {
    let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut properties = Properties::default();
    for property in query.split('&').filter(|property| !property.is_empty()) {
        match property.split_once('=')? {
            ("latency", span) => properties.latency = duration(span)?,
            ("loss", share) => properties.loss = percentage(share)?,
            ("reorder", share) => properties.reorder = percentage(share)?,
            ("medium", "ip") => properties.medium = LinkInfo::IP,
            ("mtu", bytes) => properties.mtu = bytes.parse().ok()?,
            ("offloads", "checksum") => properties.offloads = LinkInfo::CHECKSUM,
            ("offloads", "all") => {
                properties.offloads = LinkInfo::CHECKSUM | LinkInfo::TCP4 | LinkInfo::TCP6;
            }
            _ => return None,
        }
    }
    (!name.is_empty()).then_some((name, properties))
}

fn duration(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => BILLION,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

fn percentage(text: &str) -> Option<u64> {
    let percent: f64 = text.strip_suffix('%')?.parse().ok()?;
    let in_range = (0.0..=100.0).contains(&percent);
    in_range.then_some((percent / 100.0 * BILLION as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_properties() {
        let expected = Properties {
            latency: 1_500_000,
            loss: 5_000_000,
            reorder: 20_000_000,
            offloads: LinkInfo::CHECKSUM,
            medium: LinkInfo::IP,
            mtu: 1280,
        };
        assert_eq!(
            parse(
                b"wire:a?latency=1500us&loss=0.5%&reorder=2%&offloads=checksum&mtu=1280&medium=ip"
            ),
            Ok(("a", expected))
        );
        assert_eq!(parse(b"wire:b"), Ok(("b", Properties::default())));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for url in [
            "wire",
            "wire:",
            "wire:a?latency=5",
            "wire:a?loss=1",
            "wire:a?loss=101%",
            "wire:a?color=red",
            "wire:a?offloads=some",
            "wire:a?mtu=all",
            "wire:a?medium=air",
        ] {
            assert_eq!(parse(url.as_bytes()), Err(Errno::EINVAL), "{url}");
        }
        assert_eq!(parse(b"tap:a"), Err(Errno::EPROTONOSUPPORT));
    }
}
