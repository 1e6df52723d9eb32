//! Hardware on the simulated platform, with models of devices.

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Config, DeviceSpec, Errno, Failure, Kernel, Lwp, Work, enter};
use base::{ParamKind, ParamSpec, System};
use dev::Dev;
use sim::devices::{Bus, Line, Model, pci as models, plug};

use crate::pci::Function;
use crate::{Interrupt, Memory, Registers, Window};

static PARAMS: &[ParamSpec] = &[ParamSpec {
    component: "base",
    name: "log-level",
    kind: ParamKind::Choice(&["error", "warning", "info", "debug"]),
    default: "info",
    doc: "",
}];

static DEVICES: &[DeviceSpec] = &[
    DeviceSpec {
        component: "lamp",
        bus: "pci",
        ids: &[0x1234, 0x10],
    },
    DeviceSpec {
        component: "lamp",
        bus: "pci",
        ids: &[0x4321],
    },
    DeviceSpec {
        component: "lamp",
        bus: "mmio",
        ids: &[],
    },
];

static LAMP: Component = Component::new("lamp").start(start).stop(stop);

static SYSTEM: System = System {
    name: "test",
    devices: DEVICES,
    components: &[&base::COMPONENT, &dev::COMPONENT, &crate::COMPONENT, &LAMP],
    params: PARAMS,
};

/// A lamp: register 0 switches it and reads back inverted, register 4 acknowledges. It interrupts
/// when it is switched.
struct Lamp {
    on: u64,
    way: Way,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Level,
    Edge,
    Message,
}

impl Model for Lamp {
    fn read(&mut self, _: &mut Bus<'_>, _: usize, _: u64, _: u32) -> u64 {
        !self.on
    }

    fn write(&mut self, bus: &mut Bus<'_>, _: usize, offset: u64, _: u32, value: u64) {
        if offset == 4 {
            bus.level(false);
            return;
        }
        self.on = value;
        match self.way {
            Way::Level => bus.level(true),
            Way::Edge => bus.pulse(),
            Way::Message => assert!(bus.message(1)),
        }
    }
}

/// The driver of lamps.
struct Lamps {
    all: Leaf<Vec<(Registers, Arc<Slot>)>>,
    interrupts: Leaf<usize>,
}

/// Where a lamp's interrupt is, once it is attached.
type Slot = Leaf<Option<Interrupt>>;

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let lamps = Arc::new(Lamps {
        all: Leaf::new(Vec::new()),
        interrupts: Leaf::new(0),
    });
    boot.publish(lamps.clone());
    let dev = boot.get::<Dev>();
    let state = lamps.clone();
    dev.drive(boot, move |lwp, function: Function, place| {
        assert!(place.starts_with("pci 0:"), "{place}");
        let registers = function.bar(0)?;
        function.master();
        let number = add(lwp, &state, registers, |work| match function.messages(2) {
            Some(messages) => messages.attach(1, work),
            None => function.line(work),
        })?;
        Ok(Some(alloc::format!("lamp{number}")))
    });
    dev.drive(boot, move |lwp, window: Window, _| {
        let registers = window.registers()?;
        add(lwp, &lamps, registers, |work| window.interrupt(work))?;
        Ok(None)
    });
    Ok(())
}

fn add(
    lwp: &Lwp<'_>,
    lamps: &Arc<Lamps>,
    registers: Registers,
    attach: impl FnOnce(&Arc<Work>) -> Result<Interrupt, Errno>,
) -> Result<usize, Errno> {
    let slot = Arc::new(Leaf::new(None));
    let (of_work, state) = (slot.clone(), lamps.clone());
    let work = Work::new(lwp.instance(), move |_| {
        state.interrupts.with(|count| *count += 1);
        registers.write32(4, 1);
        of_work.with(|interrupt: &mut Option<Interrupt>| {
            if let Some(interrupt) = interrupt {
                interrupt.done();
            }
        });
    });
    let interrupt = attach(&work)?;
    slot.with(|place| *place = Some(interrupt));
    Ok(lamps.all.with(|all| {
        all.push((registers, slot));
        all.len() - 1
    }))
}

fn stop(lwp: &Lwp<'_>) {
    for (_, slot) in lwp.state::<Lamps>().unwrap().all.with(core::mem::take) {
        slot.with(Option::take);
    }
}

fn dev_of(lwp: &Lwp<'_>) -> Arc<Dev> {
    lwp.state().unwrap()
}

fn boot() -> Kernel {
    Kernel::boot(&SYSTEM, &Config::new()).unwrap()
}

fn in_kernel(f: impl FnOnce(&Lwp<'_>)) {
    sim::reset(1);
    let kernel = boot();
    enter(kernel.process(), |lwp| {
        f(lwp);
        Ok(())
    })
    .unwrap();
}

fn lamp(way: Way) -> Lamp {
    Lamp { on: 0, way }
}

/// Switches all lamps, and says how often they interrupted.
fn switch(kernel: &Kernel) -> usize {
    let lamps = enter(kernel.process(), |lwp| lwp.state::<Lamps>()).unwrap();
    let registers: Vec<Registers> = lamps
        .all
        .with(|all| all.iter().map(|(registers, _)| *registers).collect());
    for registers in registers {
        registers.write32(0, 5);
        assert_eq!(registers.read32(0), !5);
        assert_eq!(registers.read(0, 1), 0xfa);
    }
    sim::advance(1000);
    lamps.interrupts.with(core::mem::take)
}

#[test]
fn devices_get_to_the_driver_whose_manifest_names_them() {
    sim::reset(1);
    models::Function::new(0x1234, 0x10)
        .bar(0, 0x1000)
        .plug(lamp(Way::Level));
    models::Function::new(0x1234, 0x11)
        .bar(0, 0x1000)
        .plug(lamp(Way::Level));
    models::Function::new(0x4321, 0x77)
        .bar(0, 0x1000)
        .messages(3)
        .plug(lamp(Way::Message));
    plug(0x100, Line::Edge, lamp(Way::Edge));
    let kernel = boot();
    let lines = kernel.instance().log_lines();
    assert_eq!(
        lines,
        [
            "pci 0:0.0 1234:0010: lamp: lamp0\n",
            "pci 0:2.0 4321:0077: lamp: lamp1\n",
            "pci 0:1.0 1234:0011: no driver\n",
        ]
    );
    assert_eq!(switch(&kernel), 3);
    assert_eq!(switch(&kernel), 3);
}

#[test]
fn a_device_that_makes_no_sense_is_named_and_the_boot_goes_on() {
    sim::reset(1);
    // No BAR at all; capabilities in a circle; an MSI-X table beyond its BAR.
    models::Function::new(0x1234, 0x10).plug(lamp(Way::Level));
    models::Function::new(0x1234, 0x10)
        .bar(0, 0x1000)
        .byte(0x06, 0x10)
        .byte(0x34, 0x40)
        .byte(0x41, 0x40)
        .plug(lamp(Way::Level));
    models::Function::new(0x1234, 0x10)
        .bar(0, 0x1000)
        .capability(0x11, &[0xff, 7, 0, 0x0f, 0, 0])
        .plug(lamp(Way::Level));
    let kernel = boot();
    let lines = kernel.instance().log_lines();
    assert_eq!(
        lines[0],
        "pci 0:0.0 1234:0010: lamp: BAR 0 is not memory of a sensible size\n"
    );
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(switch(&kernel), 2);
}

#[test]
fn a_device_that_comes_later_finds_its_driver() {
    struct Hot;
    impl dev::Handle for Hot {
        const BUS: &'static str = "pci";
    }
    in_kernel(|lwp| {
        // Of another type than the bus's own: the driver must not get it.
        dev_of(lwp).offer(lwp, &[0x4321, 1], "pci 9:9.0".to_string(), Hot);
        let lines = lwp.instance().log_lines();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("pci 9:9.0: lamp: "), "{lines:?}");
    });
}

#[test]
fn registers_end_where_the_window_does() {
    sim::reset(1);
    plug(0x100, Line::Edge, lamp(Way::Edge));
    let kernel = boot();
    let lamps = enter(kernel.process(), |lwp| lwp.state::<Lamps>()).unwrap();
    let registers = lamps.all.with(|all| all[0].0);
    assert_eq!(registers.read(0xfe, 4), 0xffff_ffff);
    assert_eq!(registers.read(usize::MAX, 2), 0xffff);
    registers.write(0xfe, 4, 1);
    assert!(registers.part(0x80, 0x81).is_none());
    assert_eq!(registers.part(0x80, 0x80).unwrap().size(), 0x80);
}

#[test]
fn memory_for_devices_is_given_back() {
    sim::reset(1);
    let memory = Memory::new(8192).unwrap();
    assert_eq!(sim::devices::lent(), 1);
    memory.write32(4096, 0x0403_0201);
    let mut bytes = [0; 4];
    memory.copy_to(4096, &mut bytes);
    assert_eq!(bytes, [1, 2, 3, 4]);
    memory.copy_from(0, &[9, 0, 1, 0]);
    assert_eq!((memory.read16(0), memory.read16(2)), (9, 1));
    drop(memory);
    assert_eq!(sim::devices::lent(), 0);
}

#[test]
fn waiting_for_a_device_ends() {
    sim::reset(1);
    let mut looks = 0;
    assert!(crate::comes_true(1_000_000, || {
        looks += 1;
        looks == 10
    }));
    assert!(!crate::comes_true(1_000_000, || false));
}
