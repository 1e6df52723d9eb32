//! The groups, a file and a module each.

pub mod clock;
pub mod console;
pub mod fault;
pub mod frames;
pub mod memory;
pub mod params;
pub mod power;
pub mod random;
pub mod threads;
pub mod tls;
pub mod work;

pub use clock::Clock;
pub use console::Console;
pub use fault::Fault;
pub use frames::{Frames, LinkInfo};
pub use memory::{Allocator, Memory};
pub use params::Params;
pub use power::Power;
pub use random::Random;
pub use threads::Threads;
pub use tls::Tls;
pub use work::Work;
