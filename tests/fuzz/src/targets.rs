//! The targets.

mod disks;
#[cfg(feature = "generator")]
mod generator;
mod images;
mod links;
mod names;
mod platforms;
mod texts;
mod trees;
mod tunnel;

use crate::kernel::Host;
use crate::script::Stage;
use crate::script::Step::{self, *};

/// What is done with the fuzzer's bytes.
pub(crate) type Target = fn(&[u8]);

/// Each with its name, which is also that of its folder of inputs.
pub(crate) const ALL: &[(&str, Target)] = &[
    ("input", input),
    ("neighbours", neighbours),
    ("packets", packets),
    ("fragments", fragments),
    ("icmp", icmp),
    ("tcp", tcp),
    ("offload", offload),
    ("dhcp", dhcp),
    ("advertisements", advertisements),
    ("router", router),
    ("segments", segments),
    ("names", names::run),
    ("tunnel", tunnel::run),
    ("bus", links::bus),
    ("stream", links::stream),
    ("loader", platforms::loader),
    ("firmware", platforms::firmware),
    ("clock", platforms::clock),
    ("partitions", disks::partitions),
    ("rules", texts::rules),
    ("addresses", texts::addresses),
    ("ext2", trees::ext2),
    ("ext4", images::ext4),
    ("fat", trees::fat),
    ("iso9660", trees::iso9660),
    ("squashfs", trees::squashfs),
    #[cfg(feature = "generator")]
    ("manifest", generator::manifest),
    #[cfg(feature = "generator")]
    ("configuration", generator::configuration),
];

fn play(mut stage: Stage, steps: &[Step], bytes: &[u8]) {
    stage.play(steps, bytes);
    stage.end();
}

/// Everything, on a router with sockets in all states.
fn input(bytes: &[u8]) {
    const STEPS: &[Step] = &[
        Frame, Sound, Said, Tagged, Packet, Fragment, Datagram, Segment, Complaint, Echo, Program,
        Time,
    ];
    play(Stage::full(Host::router()), STEPS, bytes);
}

/// ARP and neighbour discovery, with neighbours that say nothing by themselves.
fn neighbours(bytes: &[u8]) {
    let mut host = Host::alone("", "");
    host.answers = false;
    let mut stage = Stage::with_datagrams(host);
    stage.play(&[Sound, Packet, Program, Time], bytes);
    stage.end();
}

/// Headers of IPv4 and IPv6, with options and extensions, and what follows them.
fn packets(bytes: &[u8]) {
    let stage = Stage::with_datagrams(Host::alone("", ""));
    play(stage, &[Packet, Datagram, Sound, Program], bytes);
}

/// Datagrams in pieces.
fn fragments(bytes: &[u8]) {
    let stage = Stage::with_datagrams(Host::alone("", ""));
    play(stage, &[Fragment, Time], bytes);
}

/// Errors about what was sent, and what a path carries.
fn icmp(bytes: &[u8]) {
    let stage = Stage::full(Host::alone("", ""));
    play(stage, &[Complaint, Program, Echo, Time], bytes);
}

/// Segments on connections in all states.
fn tcp(bytes: &[u8]) {
    let stage = Stage::full(Host::alone("", ""));
    play(stage, &[Segment, Program, Segment, Time], bytes);
}

/// What a link says of the frames it hands over.
fn offload(bytes: &[u8]) {
    let stage = Stage::full(Host::alone("?offloads=all", ""));
    play(stage, &[Said, Echo, Program], bytes);
}

/// What servers of addresses answer.
fn dhcp(bytes: &[u8]) {
    let stage = Stage::bare(Host::alone("", "dhcp"));
    play(stage, &[Lease, Time, Lease, Packet], bytes);
}

/// What routers advertise.
fn advertisements(bytes: &[u8]) {
    let stage = Stage::bare(Host::alone("", "auto"));
    play(stage, &[Packet, Sound, Time], bytes);
}

/// Forwarding, with a filter and address translation.
fn router(bytes: &[u8]) {
    let stage = Stage::bare(Host::router());
    play(
        stage,
        &[Packet, Echo, Complaint, Datagram, Fragment, Time],
        bytes,
    );
}

/// Bridges and VLANs.
fn segments(bytes: &[u8]) {
    let stage = Stage::bare(Host::router());
    play(stage, &[Sound, Tagged, Frame, Echo, Time], bytes);
}
