//! The programs and files that are used, each with its Debian package: the one list of them.

use super::Tool;

/// Builds Rust.
pub const CARGO: Tool = tool("cargo", "cargo");
/// Drives the linker.
pub const CC: Tool = tool("cc", "gcc");
/// Links objects into one.
pub const LD: Tool = tool("ld", "binutils");
/// Makes symbols local.
pub const OBJCOPY: Tool = tool("objcopy", "binutils");
/// Packs objects.
pub const AR: Tool = tool("ar", "binutils");
/// Links images where the compiler brought no linker of its own.
pub const LLD: Tool = tool("ld.lld", "lld");
/// Runs a program of this host for a debugger.
pub const GDBSERVER: Tool = tool("gdbserver", "gdbserver");
/// Adds targets to the compiler in use.
pub const RUSTUP: Tool = tool("rustup", "rustup");
/// Makes namespaces and devices.
pub const IP: Tool = tool("ip", "iproute2");

/// Puts GRUB together from modules.
pub const GRUB_MKIMAGE: Tool = tool("grub-mkimage", "grub-common");
/// The list of GRUB's modules for BIOS.
pub const GRUB_BIOS: Tool = tool("/usr/lib/grub/i386-pc/moddep.lst", "grub-pc-bin");
/// What BIOS starts of a disk, to start GRUB from the sectors after it.
pub const GRUB_BIOS_BOOT: Tool = tool("/usr/lib/grub/i386-pc/boot.img", "grub-pc-bin");
/// What BIOS starts of a CD that was written to a disk.
pub const GRUB_BIOS_HYBRID: Tool = tool("/usr/lib/grub/i386-pc/boot_hybrid.img", "grub-pc-bin");
/// The list of GRUB's modules for UEFI.
pub const GRUB_UEFI: Tool = tool("/usr/lib/grub/x86_64-efi/moddep.lst", "grub-efi-amd64-bin");
/// Makes FAT volumes.
pub const MFORMAT: Tool = tool("mformat", "mtools");
/// Makes folders on FAT volumes.
pub const MMD: Tool = tool("mmd", "mtools");
/// Copies files to FAT volumes.
pub const MCOPY: Tool = tool("mcopy", "mtools");
/// Makes ext2, ext3 and ext4.
pub const MKE2FS: Tool = tool("mke2fs", "e2fsprogs");
/// Checks them.
pub const E2FSCK: Tool = tool("e2fsck", "e2fsprogs");
/// Reads them.
pub const DEBUGFS: Tool = tool("debugfs", "e2fsprogs");
/// Makes CDs.
pub const XORRISO: Tool = tool("xorriso", "xorriso");
/// The firmware of PCs with UEFI, for QEMU.
pub const OVMF: Tool = tool("/usr/share/OVMF/OVMF_CODE_4M.fd", "ovmf");

/// What whole-system tests use, beside what runs them. A test that misses one skips itself.
pub const TESTED_WITH: &[Tool] = &[
    AR,
    CC,
    DEBUGFS,
    E2FSCK,
    GDBSERVER,
    GRUB_BIOS,
    GRUB_BIOS_BOOT,
    GRUB_BIOS_HYBRID,
    GRUB_MKIMAGE,
    GRUB_UEFI,
    IP,
    LD,
    MCOPY,
    MFORMAT,
    MKE2FS,
    MMD,
    OBJCOPY,
    OVMF,
    XORRISO,
    // No program of this host's, but found and installed like one.
    tool("/boot/xen-4.17-amd64.gz", "xen-hypervisor-4.17-amd64"),
    tool("addr2line", "binutils"),
    tool("apt-get", "apt"),
    tool("bash", "bash"),
    tool("bridge", "iproute2"),
    tool("c++", "g++"),
    tool("curl", "curl"),
    tool("dd", "coreutils"),
    tool("diff", "diffutils"),
    tool("dnsmasq", "dnsmasq-base"),
    tool("dpkg-deb", "dpkg"),
    tool("fsck.fat", "dosfstools"),
    tool("gdb", "gdb"),
    tool("genisoimage", "genisoimage"),
    tool("git", "git"),
    tool("gzip", "gzip"),
    tool("losetup", "mount"),
    tool("mdir", "mtools"),
    tool("mkfs.fat", "dosfstools"),
    tool("mksquashfs", "squashfs-tools"),
    tool("mount", "mount"),
    tool("nc", "netcat-openbsd"),
    tool("nm", "binutils"),
    tool("nmap", "nmap"),
    tool("objdump", "binutils"),
    tool("ping", "iputils-ping"),
    tool("pkg-config", "pkg-config"),
    tool("python3", "python3"),
    tool("qemu-system-x86_64", "qemu-system-x86"),
    tool("readelf", "binutils"),
    tool("setpriv", "util-linux"),
    tool("sfdisk", "fdisk"),
    tool("sgdisk", "gdisk"),
    tool("sha256sum", "coreutils"),
    tool("skopeo", "skopeo"),
    tool("sysctl", "procps"),
    tool("tar", "tar"),
    tool("tcpdump", "tcpdump"),
    tool("timeout", "coreutils"),
    tool("umount", "mount"),
    tool("unshare", "util-linux"),
    tool("valgrind", "valgrind"),
    tool("wg", "wireguard-tools"),
    tool("wireguard-go", "wireguard-go"),
];

const fn tool(name: &'static str, package: &'static str) -> Tool {
    Tool { name, package }
}
