//! The groups, a file and a module each.

pub mod block;
pub mod clock;
pub mod console;
pub mod dma;
pub mod fault;
pub mod frames;
pub mod hostfs;
pub mod hostsockets;
pub mod irq;
pub mod memory;
pub mod mmio;
pub mod params;
pub mod pci;
pub mod power;
pub mod random;
pub mod threads;
pub mod tls;
pub mod work;

pub use block::{Block, DiskInfo, DiskNews};
pub use clock::Clock;
pub use console::Console;
pub use dma::Dma;
pub use fault::Fault;
pub use frames::{Frames, LinkInfo, Offload};
pub use hostfs::{HostChanges, HostFile, HostFs, HostTime, HostUsage};
pub use hostsockets::{HostSockets, Reception, SocketName, SocketNews};
pub use irq::{Irq, Message};
pub use memory::{Allocator, Memory};
pub use mmio::{Mmio, Window};
pub use params::Params;
pub use pci::Pci;
pub use power::Power;
pub use random::Random;
pub use threads::Threads;
pub use tls::Tls;
pub use work::Work;
