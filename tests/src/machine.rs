//! Emulated machines with devices of a test's choice.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::{Child, Namespace, within};

/// The emulator.
pub const QEMU: &str = "qemu-system-x86_64";

/// How long a machine may take for all that a test wants of it: emulated ones on a busy host are slow.
const LIMIT: Duration = Duration::from_secs(600);

/// A kind of machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Board {
    /// Virtio devices in windows of registers.
    Microvm,
    /// A PC with PCI.
    Q35,
}

/// A machine before it starts.
pub struct Machine {
    board: Board,
    command: Command,
}

impl Machine {
    /// A machine with an image and its command line, and no devices.
    pub fn new(board: Board, image: &Path, line: &str) -> Machine {
        Machine::of(board, image, line, within(LIMIT, QEMU))
    }

    /// The same, with an interface (`-netdev` of the name `net`) on a namespace's TAP.
    pub fn on_tap(board: Board, image: &Path, line: &str, namespace: &Namespace) -> Machine {
        let mut command = namespace.command("timeout");
        command.arg(LIMIT.as_secs().to_string()).arg(QEMU);
        let mut machine = Machine::of(board, image, line, command);
        machine.add(&["-netdev", "tap,id=net,ifname=rump0,script=no,downscript=no"]);
        machine
    }

    fn of(board: Board, image: &Path, line: &str, mut command: Command) -> Machine {
        command.args(["-accel", "tcg", "-cpu", "max", "-m", "256", "-nodefaults"]);
        command.args(["-display", "none", "-serial", "stdio", "-no-reboot"]);
        command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]);
        match board {
            Board::Microvm => {
                command.args(["-machine", "microvm,isa-serial=on"]);
                command.args(["-global", "virtio-mmio.force-legacy=false"])
            }
            Board::Q35 => command.args(["-machine", "q35"]),
        };
        command.arg("-kernel").arg(image).args(["-append", line]);
        Machine { board, command }
    }

    /// Adds arguments.
    pub fn add(&mut self, arguments: &[&str]) {
        self.command.args(arguments);
    }

    /// Adds a virtio device, by the bus that the machine has for it.
    pub fn virtio(&mut self, kind: &str, properties: &str) {
        let bus = match self.board {
            Board::Microvm => "device",
            Board::Q35 => "pci",
        };
        let device = format!("virtio-{kind}-{bus}{properties}");
        self.add(&["-device", &device]);
    }

    /// Starts it.
    pub fn start(mut self) -> Child {
        Child::start(&mut self.command)
    }
}
