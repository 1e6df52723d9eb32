//! Reading rules.
//!
//! ```text
//! pass|block|reject [in|out] [on IF] [inet|inet6] [proto P] [from WHERE] [to WHERE]
//! nat on IF         [inet|inet6] [proto P] [from WHERE] [to WHERE] [-> ADDRESS]
//! rdr on IF         [inet|inet6] [proto P] [from WHERE] [to WHERE] -> ADDRESS [port N]
//! ```
//!
//! `P` is `tcp`, `udp`, `icmp`, `icmp6` or a number; `WHERE` is `any`, an address or `ADDRESS/PREFIX`, and may go on with
//! `port N` or `port N-M`, or is just that. Rules stand on lines of their own or between semicolons; `#` begins a
//! comment.

use alloc::format;
use alloc::string::{String, ToString};
use core::net::IpAddr;
use core::ops::RangeInclusive;

use net::Cidr;

use crate::rule::{Ends, Pattern, Redirection, Rules, Translation, Verdict};
use crate::state::Direction;

/// Reads rules, or says what is wrong with which.
pub(crate) fn parse(text: &str) -> Result<Rules, String> {
    let mut rules = Rules::default();
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""));
    let written = lines.flat_map(|line| line.split(';')).map(str::trim);
    for (index, rule) in written.filter(|rule| !rule.is_empty()).enumerate() {
        one(&mut rules, rule)
            .map_err(|error| format!("rule {} (\"{rule}\"): {error}", index + 1))?;
    }
    Ok(rules)
}

/// The words of a rule that are still to be read.
struct Words<'a> {
    rest: core::iter::Peekable<core::str::SplitWhitespace<'a>>,
}

impl<'a> Words<'a> {
    fn next(&mut self, wanted: &str) -> Result<&'a str, String> {
        self.rest
            .next()
            .ok_or_else(|| format!("{wanted} is missing at the end"))
    }

    /// Reads a word if it is this one.
    fn skip(&mut self, word: &str) -> bool {
        self.rest.next_if(|next| *next == word).is_some()
    }

    fn end(&mut self, expected: &str) -> Result<(), String> {
        match self.rest.next() {
            Some(word) => Err(format!(
                "\"{word}\" is not known here; write {expected}, in this order"
            )),
            None => Ok(()),
        }
    }
}

fn one(rules: &mut Rules, text: &str) -> Result<(), String> {
    const PATTERN: &str = "on IF, inet or inet6, proto P, from WHERE, to WHERE";
    let mut words = Words {
        rest: text.split_whitespace().peekable(),
    };
    let action = words.next("pass, block, reject, nat or rdr")?;
    let verdict = match action {
        "pass" => Verdict::Pass,
        "block" => Verdict::Block,
        "reject" => Verdict::Reject,
        "nat" => {
            let pattern = translated(&mut words)?;
            let address = match words.skip("->") {
                true => Some(address(words.next("an address")?, &pattern)?),
                false => None,
            };
            words.end(&format!("{PATTERN}, -> ADDRESS"))?;
            rules.translations.push(Translation { pattern, address });
            return Ok(());
        }
        "rdr" => {
            let pattern = translated(&mut words)?;
            if !words.skip("->") {
                words.end(&format!("{PATTERN}, -> ADDRESS"))?;
                return Err("-> ADDRESS is missing at the end".into());
            }
            let address = address(words.next("an address")?, &pattern)?;
            let port = match words.skip("port") {
                true if !has_ports(&pattern) => return Err(NO_PORTS.into()),
                true => Some(port(words.next("a port")?)?),
                false => None,
            };
            words.end("port N")?;
            rules.redirections.push(Redirection {
                pattern,
                address,
                port,
            });
            return Ok(());
        }
        other => {
            return Err(format!(
                "\"{other}\" is no action; begin with pass, block, reject, nat or rdr"
            ));
        }
    };
    let pattern = pattern(&mut words)?;
    words.end(&format!("in or out, {PATTERN}"))?;
    rules.verdicts.push((verdict, pattern));
    Ok(())
}

const NO_PORTS: &str = "only proto tcp and proto udp have ports";

fn has_ports(pattern: &Pattern) -> bool {
    matches!(pattern.protocol, Some(6 | 17))
}

/// The pattern of a rule that translates: it names its interface.
fn translated(words: &mut Words<'_>) -> Result<Pattern, String> {
    let pattern = pattern(words)?;
    match (&pattern.interface, pattern.direction) {
        (None, _) => Err("it needs an interface: on IF".into()),
        (_, Some(_)) => {
            Err("nat is for what leaves and rdr for what comes in; leave in or out away".into())
        }
        _ => Ok(pattern),
    }
}

fn pattern(words: &mut Words<'_>) -> Result<Pattern, String> {
    let mut pattern = Pattern::default();
    if words.skip("in") {
        pattern.direction = Some(Direction::In);
    } else if words.skip("out") {
        pattern.direction = Some(Direction::Out);
    }
    if words.skip("on") {
        pattern.interface = Some(words.next("an interface")?.to_string());
    }
    if words.skip("inet") {
        pattern.ipv4 = Some(true);
    } else if words.skip("inet6") {
        pattern.ipv4 = Some(false);
    }
    if words.skip("proto") {
        let name = words.next("a protocol")?;
        pattern.protocol = Some(match name {
            "tcp" => 6,
            "udp" => 17,
            "icmp" => 1,
            "icmp6" => 58,
            number => number.parse().map_err(|_| {
                format!("\"{number}\" is no protocol; write tcp, udp, icmp, icmp6 or a number")
            })?,
        });
    }
    if words.skip("from") {
        pattern.from = ends(words)?;
    }
    if words.skip("to") {
        pattern.to = ends(words)?;
    }
    let ports = pattern.from.ports.is_some() || pattern.to.ports.is_some();
    if ports && !has_ports(&pattern) {
        return Err(NO_PORTS.into());
    }
    Ok(pattern)
}

fn ends(words: &mut Words<'_>) -> Result<Ends, String> {
    let mut ends = Ends::default();
    let mut ports_must = false;
    if !words.skip("any") {
        match words.rest.peek() {
            Some(&"port") => ports_must = true,
            _ => ends.network = Some(network(words.next("an address")?)?),
        }
    }
    if words.skip("port") {
        ends.ports = Some(ports(words.next("a port")?)?);
    } else if ports_must {
        return Err("port N is missing".into());
    }
    Ok(ends)
}

fn network(text: &str) -> Result<Cidr, String> {
    let error = || {
        format!(
            "\"{text}\" is no address; write any, or one such as 10.0.0.0/8, fd00::/64 or 10.0.0.1"
        )
    };
    if text.contains('/') {
        return text.parse().map_err(|_| error());
    }
    let address: IpAddr = text.parse().map_err(|_| error())?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    Cidr::new(address, bits).map_err(|_| error())
}

/// An address that packets of this pattern can have.
fn address(text: &str, pattern: &Pattern) -> Result<IpAddr, String> {
    let address: IpAddr = text
        .parse()
        .map_err(|_| format!("\"{text}\" is no address; write one such as 10.0.0.1 or fd00::1"))?;
    let ends = [&pattern.from, &pattern.to];
    let families = ends.map(|ends| ends.network.map(|network| network.address().is_ipv4()));
    let families = families.into_iter().chain([pattern.ipv4]).flatten();
    if families.into_iter().any(|ipv4| ipv4 != address.is_ipv4()) {
        return Err(format!(
            "{text} is of another family than the rest of the rule"
        ));
    }
    Ok(address)
}

fn ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    if first > last {
        return Err(format!("the ports {text} end before they begin"));
    }
    Ok(first..=last)
}

fn port(text: &str) -> Result<u16, String> {
    text.parse()
        .map_err(|_| format!("\"{text}\" is no port; write a number up to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read() {
        let rules = parse(
            "# the way out\n\
             nat on virt0 inet from 10.1.0.0/24\n\
             rdr on virt0 proto tcp to port 8080 -> 10.1.0.9 port 80; pass in proto icmp\n\
             reject in on virt0 inet6 proto udp from any to fd00::/8 port 1-1023\n\
             block",
        )
        .unwrap();
        assert_eq!(rules.translations.len(), 1);
        assert_eq!(rules.translations[0].address, None);
        assert_eq!(rules.redirections[0].port, Some(80));
        let verdicts: alloc::vec::Vec<_> = rules.verdicts.iter().map(|(it, _)| *it).collect();
        assert_eq!(verdicts, [Verdict::Pass, Verdict::Reject, Verdict::Block]);
        assert_eq!(rules.verdicts[1].1.to.ports, Some(1..=1023));
        assert_eq!(rules.verdicts[2].1, Pattern::default());
        assert_eq!(parse(" ;\n# nothing\n"), Ok(Rules::default()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_rule() {
        for (text, message) in [
            (
                "let in",
                "\"let\" is no action; begin with pass, block, reject, nat or rdr",
            ),
            (
                "pass in prot tcp",
                "\"prot\" is not known here; write in or out, on IF, inet or inet6, proto P, from WHERE, to WHERE, in this order",
            ),
            ("pass proto", "a protocol is missing at the end"),
            (
                "pass proto tpc",
                "\"tpc\" is no protocol; write tcp, udp, icmp, icmp6 or a number",
            ),
            (
                "pass from 10.0.0.300",
                "\"10.0.0.300\" is no address; write any, or one such as 10.0.0.0/8, fd00::/64 or 10.0.0.1",
            ),
            ("pass to port 80", NO_PORTS),
            (
                "pass proto tcp to port 80-70",
                "the ports 80-70 end before they begin",
            ),
            (
                "pass proto tcp to port http",
                "\"http\" is no port; write a number up to 65535",
            ),
            ("nat from 10.0.0.0/8", "it needs an interface: on IF"),
            (
                "nat out on virt0",
                "nat is for what leaves and rdr for what comes in; leave in or out away",
            ),
            (
                "nat on virt0 from 10.0.0.0/8 -> fd00::1",
                "fd00::1 is of another family than the rest of the rule",
            ),
            (
                "rdr on virt0 proto tcp to port 80",
                "-> ADDRESS is missing at the end",
            ),
            ("rdr on virt0 -> 10.0.0.1 port 80", NO_PORTS),
        ] {
            assert_eq!(parse(text), Err(format!("rule 1 (\"{text}\"): {message}")));
        }
        assert!(
            parse("pass; block; pass x")
                .unwrap_err()
                .starts_with("rule 3")
        );
    }
}
