//! The words of the kernel's command line: parameters, the application's arguments, and what the machine
//! itself put there.

use alloc::string::String;
use alloc::vec::Vec;

/// Words that begin like this are not people's but the machine's: QEMU's microvm says where its virtio
/// devices are.
pub(crate) const DEVICE: &str = "virtio_mmio.device=";

/// What the line says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CommandLine {
    /// `name=value`; a name alone stands for the value `true`.
    pub(crate) params: Vec<(String, String)>,
    /// What follows `--`.
    pub(crate) arguments: Vec<String>,
    /// What follows each [`DEVICE`].
    pub(crate) devices: Vec<String>,
}

impl CommandLine {
    /// Reads a line. Quotes keep spaces in a word and are not part of it. Bytes that are no UTF-8 are
    /// replaced.
    pub(crate) fn parse(line: &[u8]) -> CommandLine {
        let mut found = CommandLine::default();
        let mut arguments = false;
        for word in words(&String::from_utf8_lossy(line)) {
            if let Some(device) = word.strip_prefix(DEVICE) {
                found.devices.push(device.into());
            } else if arguments {
                found.arguments.push(word);
            } else if word == "--" {
                arguments = true;
            } else {
                found.params.push(match word.split_once('=') {
                    Some((name, value)) => (name.into(), value.into()),
                    None => (word, "true".into()),
                });
            }
        }
        found
    }
}

fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            letter if letter.is_whitespace() && !quoted => found.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    found.extend(word);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> CommandLine {
        CommandLine::parse(line.as_bytes())
    }

    #[test]
    fn words_are_told_apart() {
        let found =
            parse("ip=dhcp  boot-chart virtio_mmio.device=512@0xfeb00000:5 -- --port 80 a=b");
        let param = |name: &str, value: &str| (name.into(), value.into());
        assert_eq!(
            found.params,
            [param("ip", "dhcp"), param("boot-chart", "true")]
        );
        assert_eq!(found.arguments, ["--port", "80", "a=b"]);
        assert_eq!(found.devices, ["512@0xfeb00000:5"]);
    }

    #[test]
    fn the_machine_s_words_may_come_last() {
        let found = parse("-- x virtio_mmio.device=512@0xfeb00200:6");
        assert_eq!((found.arguments.len(), found.devices.len()), (1, 1));
    }

    #[test]
    fn quotes_keep_words_together() {
        let found = parse("text=\"two words\" -- \"\" a\"b c\"");
        assert_eq!(found.params[0].1, "two words");
        assert_eq!(found.arguments, ["", "ab c"]);
    }
}
