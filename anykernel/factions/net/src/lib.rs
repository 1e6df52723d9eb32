//! The faction of networks: links and IP policy, for whatever protocols stand above.
//!
//! Drivers of links attach [`Link`]s and hand over what they receive ([`Net::receive`]); protocols take
//! IP packets ([`IpReceiver`]) and send them ([`Net::output`]); between them are interfaces, addresses,
//! routes, neighbours and fragments.
//!
//! **The duty to flush.** What is sent gathers in the interfaces' queues, since it is sent under the
//! locks of connections. Whoever called [`Net::output`] calls [`Net::flush`] (or [`Net::settle`], which
//! includes it) after releasing its locks, before it returns or waits.
//!
//! This crate does not know sockets, TCP, UDP or ICMP echo, which links there are, who forwards or what is filtered.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate sim as _;

mod address;
mod arp;
mod boot;
mod capture;
mod checksum;
mod complaint;
mod config;
mod dhcp;
mod ethernet;
mod fragment;
mod frame;
#[cfg(feature = "multicast")]
mod groups;
mod hooks;
mod input;
mod interface;
mod link;
mod name_servers;
mod ndisc;
mod neighbour;
mod net;
mod offload;
mod output;
mod path;
mod protocol;
mod reassembly;
mod segmentation;
mod source;
mod statistics;
pub mod syscalls;
mod table;
#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub mod testing;

pub use address::{Cidr, InterfaceAddress, common_prefix, link_local, solicited_node};
pub use capture::{Capture, CaptureFilter, CaptureFilters, ReadCaptureFilter};
pub use checksum::Checksum;
pub use complaint::Complaint;
pub use dhcp::Lease;
pub use frame::{Batch, Frame, FramePool, HEADROOM, MAX_FRAME};
#[cfg(feature = "multicast")]
pub use groups::Groups;
pub use hooks::{Autoconf, Discovered, Filter, Forwarder, Upper};
pub use interface::Interface;
pub use link::{Link, Medium};
pub use name_servers::NameServer;
pub use ndisc::Discovery;
pub use net::Net;
pub use offload::{Offloads, SegmentKind, Segments};
pub use protocol::{IpInfo, IpReceiver};
pub use source::scope;
pub use statistics::{Reason, Statistics};
pub use table::Route;

/// The faction as a component of a kernel.
pub static COMPONENT: base::Component = base::Component::new("net")
    .start(boot::start)
    .ready(boot::ready)
    .stop(boot::stop);
