extern crate std;

use std::cell::RefCell;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

use base::{Config, DeviceSpec, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use dev::Dev;
use sim::devices::Line;
use sim::devices::virtio::{Backend, Device, Port};
use syscall::Fd;
use syscall::consts::O_RDWR;

static SYSTEM: System = System {
    name: "test",
    devices: &[
        DeviceSpec {
            component: "virtio",
            bus: "pci",
            ids: &[0x1af4],
        },
        DeviceSpec {
            component: "virtio",
            bus: "mmio",
            ids: &[],
        },
        DeviceSpec {
            component: "virtio-console",
            bus: "virtio",
            ids: &[3],
        },
    ],
    components: &[
        &base::COMPONENT,
        &dev::COMPONENT,
        &hardware::COMPONENT,
        &virtio::COMPONENT,
        &crate::COMPONENT,
    ],
    params: &[ParamSpec {
        component: "base",
        name: "log-level",
        kind: ParamKind::Choice(&["error", "warning", "info", "debug"]),
        default: "info",
        doc: "",
    }],
};

/// A terminal: what it shows, and what is typed into it.
#[derive(Default)]
struct Inner {
    shown: Vec<u8>,
    typed: Vec<u8>,
    /// It shows nothing for now.
    stuck: bool,
    /// It returns a buffer that it does not have.
    lies: bool,
}

struct Terminal(Rc<RefCell<Inner>>);

impl Backend for Terminal {
    fn notified(&mut self, port: &mut Port<'_, '_>, queue: usize) {
        if queue == 0 {
            port.later(1000, 0);
        } else {
            self.show(port);
            // As QEMU's does, whether it has shown anything or not.
            port.interrupt(1);
        }
    }

    fn elapsed(&mut self, port: &mut Port<'_, '_>, _: u64) {
        self.show(port);
        if self.0.borrow().typed.is_empty() {
            port.later(100_000, 0);
            return;
        }
        if let Some(chain) = port.next(0) {
            let typed = self.0.borrow().typed.clone();
            let written = chain.write(port.bus, &typed) as usize;
            self.0.borrow_mut().typed.drain(..written);
            port.used(0, chain.head, written as u32);
            port.later(1000, 0);
        }
    }
}

impl Terminal {
    fn show(&mut self, port: &mut Port<'_, '_>) {
        if self.0.borrow().stuck {
            return;
        }
        while let Some(chain) = port.next(1) {
            let bytes = chain.read(port.bus);
            self.0.borrow_mut().shown.extend(bytes);
            let lie = if self.0.borrow().lies { 99 } else { 0 };
            port.used(1, chain.head + lie, 0);
        }
    }
}

struct Host {
    kernel: Kernel,
    terminal: Rc<RefCell<Inner>>,
}

fn boot(pci: bool) -> Host {
    sim::reset(1);
    let terminal = Rc::new(RefCell::new(Inner::default()));
    let device = Device::new(3, 0, &[80, 0, 25, 0], &[64, 64]);
    let backend = Terminal(terminal.clone());
    if pci {
        device.plug_pci(2, backend);
    } else {
        device.plug(Line::Edge, backend);
    }
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    Host { kernel, terminal }
}

impl Host {
    fn shown(&self) -> String {
        sim::advance(10_000_000);
        let shown = std::mem::take(&mut self.terminal.borrow_mut().shown);
        String::from_utf8(shown).unwrap()
    }

    fn with<R>(&self, f: impl FnOnce(&Lwp<'_>, Fd) -> R) -> R {
        enter(self.kernel.process(), |lwp| {
            let file = lwp.state::<Dev>()?.character("vcon0")?;
            let fd = lwp.process().open(lwp, file, O_RDWR)?;
            let result = f(lwp, Fd(fd.0));
            base::syscalls::close(lwp, Fd(fd.0))?;
            Ok(result)
        })
        .unwrap()
    }
}

fn read(lwp: &Lwp<'_>, fd: Fd, len: usize) -> Result<Vec<u8>, Errno> {
    let mut buffer = std::vec![0; len];
    let count = base::syscalls::read(lwp, fd, buffer[..].as_mut().into())?;
    buffer.truncate(count);
    Ok(buffer)
}

#[test]
fn it_gets_what_the_console_gets() {
    for pci in [false, true] {
        let host = boot(pci);
        let shown = host.shown();
        assert!(
            shown.ends_with("virtio 3: virtio-console: vcon0\n"),
            "{shown}"
        );
        host.kernel.instance().print("hello\n");
        assert_eq!(host.shown(), "hello\n");
        // The last line gets out before the end.
        host.kernel.instance().print("bye\n");
        drop(host.kernel);
        assert_eq!(host.terminal.borrow().shown, b"bye\n");
        assert_eq!(sim::devices::lent(), 0);
    }
}

#[test]
fn what_is_typed_is_read_and_what_is_written_is_shown() {
    let host = boot(true);
    host.shown();
    host.with(|lwp, fd| {
        let text = "line\n".repeat(50_000);
        let written = base::syscalls::write(lwp, fd, text.as_bytes().into());
        assert_eq!(written, Ok(250_000));
        assert!(host.shown() == text);
        let typed: Vec<u8> = (0..5000).map(|at| (at % 251) as u8).collect();
        host.terminal.borrow_mut().typed.clone_from(&typed);
        let mut all = Vec::new();
        while all.len() < typed.len() {
            let part = read(lwp, fd, 300).unwrap();
            assert!(!part.is_empty());
            all.extend(part);
        }
        assert_eq!(all, typed);
    });
}

#[test]
fn what_the_terminal_does_not_take_waits_and_then_is_lost_line_by_line() {
    let host = boot(true);
    host.shown();
    host.terminal.borrow_mut().stuck = true;
    for _ in 0..10_000 {
        host.kernel
            .instance()
            .print("0123456789012345678901234567\n");
    }
    sim::advance(1_000_000);
    host.terminal.borrow_mut().stuck = false;
    sim::advance(1_000_000);
    host.kernel.instance().print("the end\n");
    let shown = host.shown();
    assert!(shown.ends_with("the end\n"), "{shown}");
    let lost = shown.lines().find(|line| line.ends_with("lines lost)"));
    let lost: usize = lost.unwrap()[1..]
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let kept = shown
        .lines()
        .filter(|line| line.starts_with("0123"))
        .count();
    assert_eq!(kept + lost, 10_000);
}

#[test]
fn a_terminal_that_lies_is_detached_and_its_readers_leave() {
    for pci in [false, true] {
        let host = boot(pci);
        host.shown();
        host.terminal.borrow_mut().lies = true;
        host.with(|lwp, fd| {
            base::syscalls::write(lwp, fd, b"text"[..].into()).unwrap();
            assert_eq!(read(lwp, fd, 10), Ok(Vec::new()));
            let again = base::syscalls::write(lwp, fd, b"text"[..].into());
            assert_eq!(again, Err(Errno::EIO));
        });
        let log = host.kernel.instance().log_lines().concat();
        assert!(
            log.contains("vcon0: it returned buffer 99, which it did not have"),
            "{log}"
        );
        drop(host.kernel);
        assert_eq!(sim::devices::lent(), 0);
    }
}
