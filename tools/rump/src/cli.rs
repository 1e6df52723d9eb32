//! The command line: its words, its help.

use clap::{Args, Parser, Subcommand};

use crate::commands::{cat, check, cp, du, find, ls, mkdir, mkfs, mv, rm, stat, tar, tree};
use crate::image::Which;

/// Looks into disk images, copies files out of and into them, and mounts them, without the host's file systems.
///
/// The file systems are drivers of a kernel that is part of this program: they run in this process, without root, and
/// an image that means harm meets nothing else.
#[derive(Debug, Parser)]
#[command(name = "rump", bin_name = "rump", version, after_help = ABOUT)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const ABOUT: &str = "\
Places in images:
  disk.img               a file system, or a disk with one partition
  disk.img:2             the second partition
  disk.img:root          the one that its table (GPT) calls root
  disk.img:/etc/passwd   a path
  disk.img:2:/etc        a path on the second partition
More paths behind an image are paths in the same image.

Examples:
  rump fs ls -l disk.img:/home
  rump fs cat disk.img:2:/etc/os-release
  rump fs cp -r disk.img:/home backup
  rump fs cp -w notes.txt disk.img:/home/
  rump fs mkfs -t ext4 --size 1G new.img
  rump mount disk.img /mnt

Nothing is changed unless you say -w; mkfs says it by itself, and overwrites nothing unless you say --force.

Exit codes: 0 done, 1 something could not be done or is wrong with the image, 2 what was asked for makes no sense;
128 and the number of a signal that ended it.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look into images and change them
    #[command(subcommand, after_help = ABOUT)]
    Fs(Fs),
    /// Have the files of an image in a directory of the host, by FUSE
    #[command(after_help = MOUNT)]
    Mount(Mount),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Fs {
    /// List directories
    #[command(disable_help_flag = true, after_help = LS)]
    Ls(On<ls::Options>),
    /// Write what is in files to the standard output
    #[command(after_help = CAT)]
    Cat(On<cat::Options>),
    /// Copy files and trees, from an image to the host, or from the host to an image
    #[command(after_help = CP)]
    Cp(cp::Command),
    /// Draw a tree of what is in a directory and those in it
    Tree(On<tree::Options>),
    /// Find files by name, kind and size
    #[command(after_help = FIND)]
    Find(On<find::Options>),
    /// Show all that is known of files, or with -f of the file system
    Stat(On<stat::Options>),
    /// Sum up how much space trees take
    #[command(disable_help_flag = true)]
    Du(On<du::Options>),
    /// Make directories
    Mkdir(On<mkdir::Options>),
    /// Remove files and trees
    #[command(after_help = RM)]
    Rm(On<rm::Options>),
    /// Give files other names
    #[command(after_help = MV)]
    Mv(On<mv::Options>),
    /// Write a tree as a tar archive, or with -x an archive's files into the image
    #[command(after_help = TAR)]
    Tar(On<tar::Options>),
    /// Read everything there is, and say what is wrong with it
    #[command(after_help = CHECK)]
    Check(On<check::Options>),
    /// Make a new file system, with nothing in it
    #[command(after_help = MKFS)]
    Mkfs(mkfs::Options),
    /// Work in an image with commands, one after the other
    #[command(after_help = SHELL)]
    Shell(On<Nothing>),
}

/// A command on an image.
#[derive(Args, Debug)]
pub(crate) struct On<T: Args> {
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) options: T,
}

/// No options.
#[derive(Args, Clone, Debug)]
pub(crate) struct Nothing {}

/// `mount`
#[derive(Args, Debug)]
pub(crate) struct Mount {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The directory of the host
    #[arg(value_name = "DIR")]
    pub(crate) directory: std::path::PathBuf,
}

const LS: &str = "\
Examples:
  rump fs ls disk.img
  rump fs ls -l -h disk.img:2:/var /etc
  rump fs ls -R disk.img:/etc
  rump fs ls --json disk.img:/etc | jq -r '.[] | select(.size > 10000) | .path'";

const CAT: &str = "\
Examples:
  rump fs cat disk.img:/etc/fstab
  rump fs cat disk.img /etc/hostname /etc/hosts";

pub(crate) const CP: &str = "\
What has `:/` in it is a place in an image, unless the host has a file of that name.

Permissions, times, hard and symbolic links, holes and the user's extended attributes are copied, too; with -a also
owners, set-user-id, devices and all other attributes. What stands in an image never leads out of the directory that
is copied to: links are made as they are and not followed.

Examples:
  rump fs cp disk.img:/etc/fstab .
  rump fs cp -r disk.img:2:/home backup
  rump fs cp -w -r site disk.img:/var/www";

const FIND: &str = "\
Examples:
  rump fs find disk.img --name '*.conf'
  rump fs find disk.img:/var --type f --size +10M
As of old, -name, -type and -size may have one dash.";

const RM: &str = "\
Examples:
  rump fs rm -w disk.img:/var/log/syslog
  rump fs rm -w -r disk.img /tmp/a /tmp/b";

const MV: &str = "\
Examples:
  rump fs mv -w disk.img /etc/motd /etc/motd.old";

const TAR: &str = "\
Examples:
  rump fs tar disk.img:/home > home.tar
  rump fs tar disk.img:/home -f home.tar
  rump fs tar -w -x disk.img:/restored -f home.tar";

const CHECK: &str = "\
Every directory, file, link and attribute is read, and names are counted. What nothing leads to, and space that is lost,
is not found: that is what the file system's own fsck is for. The exit code is 1 if something is wrong.";

const MKFS: &str = "\
With --size the image is made, too, and takes no space of the host but for what is written. What holds a file system or a
partition table already is not overwritten unless you say --force. Which kinds are made: ext4 and fat; the latter has 12,
16 or 32 bits as its size demands.

Examples:
  rump fs mkfs -t ext4 --size 1G disk.img
  rump fs mkfs -t fat -L BOOT disk.img:1";

const SHELL: &str = "\
Commands: help, ls, cd, pwd, cat, tree, find, stat, du, get, put, mkdir, rm, mv, sync, exit.
Lines are read from the standard input if that is no terminal:
  echo 'cat /etc/passwd' | rump fs shell disk.img";

const MOUNT: &str = "\
It stays until the directory is unmounted (umount DIR), or it is interrupted (Ctrl-C). Everything is written by the end.

Examples:
  rump mount disk.img:2 /mnt
  rump mount -w disk.img /mnt";

/// Bytes of a size such as `512`, `10k` or `1.5G`, in powers of 1024.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let shift = match unit.trim_end_matches("iB").trim_end_matches('B') {
        "" => Some(0),
        "k" | "K" => Some(10),
        "M" => Some(20),
        "G" => Some(30),
        "T" => Some(40),
        _ => None,
    };
    let bytes = shift.and_then(|shift| {
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let whole: u64 = whole.parse().ok()?;
        let tenths: f64 = format!("0.{part}").parse().ok()?;
        let unit = 1_u64 << shift;
        whole
            .checked_mul(unit)?
            .checked_add((tenths * unit as f64) as u64)
    });
    bytes.ok_or_else(|| format!("`{text}` is no size such as 512, 10k or 1.5G"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("512"), Ok(512));
        assert_eq!(bytes("1.5k"), Ok(1536));
        assert_eq!(bytes("2MiB"), Ok(2 << 20));
        for odd in ["", ".", "k", "1x", "-1", "99999999999T", "1.2.3"] {
            assert!(bytes(odd).is_err(), "{odd}");
        }
    }
}
