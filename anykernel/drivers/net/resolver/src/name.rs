//! Names of hosts, as messages carry them.

use alloc::vec::Vec;
use core::fmt;

use base::Errno;
use smoltcp::wire;

/// The longest name, with the lengths of its labels (RFC 1035 § 2.3.4).
const MOST: usize = 255;
const LONGEST_LABEL: usize = 63;

/// A host's name: labels with their lengths, that of the root at the end; in small letters, so that names that
/// mean the same are the same. Of letters, digits, `-` and `_` (RFC 1123 § 2.1; servers have names with the
/// last, too), so that whoever prints it prints nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(Vec<u8>);

impl Name {
    /// Reads `www.example.org`, with a dot at the end or without. `EINVAL` for what is no host's name.
    pub(crate) fn parse(text: &str) -> Result<Name, Errno> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let labels = text.split('.').map(|label| Some(label.as_bytes()));
        Name::of(labels).ok_or(Errno::EINVAL)
    }

    /// Takes a name out of a message.
    pub(crate) fn read(message: &wire::DnsPacket<&[u8]>, bytes: &[u8]) -> Option<Name> {
        Name::of(message.parse_name(bytes).map(Result::ok))
    }

    /// The name of these labels, if it is a host's: neither the root's, nor one that looks like an IPv4 address.
    fn of<'a>(labels: impl Iterator<Item = Option<&'a [u8]>>) -> Option<Name> {
        let mut name = Name(Vec::new());
        let mut is_number = true;
        for label in labels {
            let label = label?;
            name.add(label)?;
            is_number = label.iter().all(u8::is_ascii_digit);
        }
        name.0.push(0);
        (!is_number).then_some(name)
    }

    fn add(&mut self, label: &[u8]) -> Option<()> {
        let good = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
        let fits = self.0.len() + 1 + label.len() < MOST;
        if label.is_empty() || label.len() > LONGEST_LABEL || !fits || !label.iter().all(good) {
            return None;
        }
        self.0.push(label.len() as u8);
        self.0.extend(label.iter().map(u8::to_ascii_lowercase));
        Some(())
    }

    /// As a message has it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether its last label is this one.
    pub(crate) fn is_under(&self, top: &str) -> bool {
        self.labels().last() == Some(top.as_bytes())
    }

    fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.0[..];
        core::iter::from_fn(move || {
            let (len, after) = rest.split_first()?;
            let (label, after) = after.split_at_checked(usize::from(*len))?;
            rest = after;
            (!label.is_empty()).then_some(label)
        })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, label) in self.labels().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            f.write_str(core::str::from_utf8(label).unwrap_or_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_are_read_and_written() {
        let name = Name::parse("WWW.Example.org.").unwrap();
        assert_eq!(name.bytes(), b"\x03www\x07example\x03org\0");
        assert_eq!(name.to_string(), "www.example.org");
        assert_eq!(Name::parse("www.example.org"), Ok(name.clone()));
        assert!(name.is_under("org") && !name.is_under("example"));
    }

    #[test]
    fn what_is_no_name_of_a_host_is_refused() {
        let long = "a".repeat(64);
        let many = "a.".repeat(127) + "a";
        for text in [
            "", ".", "a..b", "..", ".a", "a b", "a\n", "ä.de", "10.0.0", "1", "a/b", &long, &many,
        ] {
            assert_eq!(Name::parse(text), Err(Errno::EINVAL), "{text}");
        }
        assert!(Name::parse(&"a".repeat(63)).is_ok());
        assert!(Name::parse(&"a.".repeat(127)).is_ok());
    }
}
