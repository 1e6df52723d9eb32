//! What is known of a file, for people and for programs.

use rump::Errno;
use rump::fs::{FileType, Metadata, Node};
use serde::Serialize;

use crate::shown::{self, shown};

/// A file for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Item {
    /// Where bytes are no UTF-8 it has replacements.
    path: String,
    /// Then the bytes in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
    inode: u64,
    /// Octal digits.
    mode: String,
    links: u32,
    user: u32,
    group: u32,
    size: u64,
    /// Bytes on the disk.
    space: u64,
    accessed: String,
    modified: String,
    changed: String,
    /// What a symbolic link says.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// Major and minor number of a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<[u32; 2]>,
}

/// A kind of file in a word.
pub(crate) fn word(kind: FileType) -> &'static str {
    match kind {
        FileType::File => "file",
        FileType::Directory => "directory",
        FileType::Symlink => "symlink",
        FileType::Fifo => "fifo",
        FileType::Socket => "socket",
        FileType::CharacterDevice => "character device",
        FileType::BlockDevice => "block device",
        FileType::Other => "unknown",
    }
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The numbers of a device.
pub(crate) fn device(metadata: &Metadata) -> Option<[u32; 2]> {
    let unit = metadata.stat().unit;
    let is_device = matches!(
        metadata.file_type(),
        FileType::CharacterDevice | FileType::BlockDevice
    );
    is_device.then(|| [rustix::fs::major(unit), rustix::fs::minor(unit)])
}

/// What a symbolic link says; nothing for others.
pub(crate) fn target(node: &Node) -> Result<Option<Vec<u8>>, Errno> {
    match node.file_type() {
        FileType::Symlink => node.read_link().map(Some),
        _ => Ok(None),
    }
}

impl Item {
    pub(crate) fn new(path: &[u8], node: &Node, metadata: &Metadata) -> Result<Item, Errno> {
        let stat = metadata.stat();
        Ok(Item {
            path: String::from_utf8_lossy(path).into_owned(),
            path_bytes: str::from_utf8(path).is_err().then(|| hex(path)),
            kind: word(metadata.file_type()),
            inode: stat.inode,
            mode: format!("{:04o}", metadata.mode()),
            links: stat.links,
            user: stat.user,
            group: stat.group,
            size: stat.size,
            space: stat.blocks.saturating_mul(512),
            accessed: shown::moment(stat.accessed),
            modified: shown::moment(stat.modified),
            changed: shown::moment(stat.changed),
            target: target(node)?.map(|target| String::from_utf8_lossy(&target).into_owned()),
            device: device(metadata),
        })
    }
}

/// A line as of `ls -l`, with the size for people or in bytes.
pub(crate) fn long(
    name: &[u8],
    node: &Node,
    metadata: &Metadata,
    human: bool,
) -> Result<String, Errno> {
    let stat = metadata.stat();
    let size = match (device(metadata), human) {
        (Some([major, minor]), _) => format!("{major}, {minor}"),
        (None, true) => shown::size(stat.size),
        (None, false) => stat.size.to_string(),
    };
    let width = if human { 6 } else { 10 };
    let mut line = format!(
        "{} {:>3} {:>5} {:>5} {size:>width$} {} {}",
        shown::mode(metadata.file_type(), metadata.mode()),
        stat.links,
        stat.user,
        stat.group,
        shown::minute(stat.modified),
        shown(name),
    );
    if let Some(target) = target(node)? {
        line += &format!(" -> {}", shown(&target));
    }
    Ok(line)
}
