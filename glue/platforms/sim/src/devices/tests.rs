use std::cell::RefCell;
use std::rc::Rc;

use hypercall::{Dma, Irq, Message, Mmio, Pci, Window};

use super::*;
use crate::Platform;

thread_local! {
    static ARRIVED: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

extern "C-unwind" fn arrived(cookie: usize) {
    ARRIVED.with_borrow_mut(|all| all.push(cookie));
}

/// A register that keeps what is written; 1 asserts the line, 0 lets go, 2 sends a message.
struct Register(Rc<RefCell<u64>>);

impl Model for Register {
    fn read(&mut self, _: &mut Bus<'_>, _: usize, _: u64, _: u32) -> u64 {
        *self.0.borrow()
    }

    fn write(&mut self, bus: &mut Bus<'_>, _: usize, _: u64, _: u32, value: u64) {
        *self.0.borrow_mut() = value;
        match value {
            2 => drop(bus.message(0)),
            other => bus.level(other == 1),
        }
    }
}

#[test]
fn a_level_interrupts_until_it_is_let_go() {
    crate::reset(1);
    plug(0x100, Line::Level, Register(Rc::default()));
    let mut window = Window::default();
    assert!(Platform::window(0, &mut window));
    assert!(!Platform::window(1, &mut Window::default()));
    let registers = Platform::map(window.physical, 0x100);
    assert_eq!(Platform::map(window.physical, 0x101), 0);
    let handle = Platform::attach(window.line, true, Upcall::new(arrived, 7)) as u64;
    <Platform as Mmio>::write(registers, 4, 1);
    assert_eq!(<Platform as Mmio>::read(registers, 4), 1);
    crate::advance(1);
    assert_eq!(ARRIVED.take(), [7]);
    // Still asserted: it comes again.
    Platform::done(handle);
    crate::advance(1);
    assert_eq!(ARRIVED.take(), [7]);
    <Platform as Mmio>::write(registers, 4, 0);
    Platform::done(handle);
    crate::advance(1);
    assert_eq!(ARRIVED.take(), []);
    assert_eq!(<Platform as Mmio>::read(1, 4), 0xffff_ffff);
}

#[test]
fn a_function_has_bars_and_messages() {
    crate::reset(1);
    let register = Register(Rc::default());
    pci::Function::new(0x8086, 0x10d3)
        .bar(0, 0x2000)
        .messages(2)
        .plug(register);
    assert_eq!(<Platform as Pci>::read(0, 0), 0x10d3_8086);
    assert_eq!(<Platform as Pci>::read(8, 0), 0xffff_ffff);
    <Platform as Pci>::write(0, 0x10, 0xffff_ffff);
    assert_eq!(<Platform as Pci>::read(0, 0x10), 0xffff_e000);
    let place = Platform::place(0x2000);
    <Platform as Pci>::write(0, 0x10, place as u32);
    assert_eq!(Platform::map(place, 0x2000), 0);
    <Platform as Pci>::write(0, 4, 6);
    let registers = Platform::map(place, 0x2000);
    let table = Platform::place(0x1000);
    <Platform as Pci>::write(0, 0x24, table as u32);
    let table = Platform::map(table, 0x1000);
    let mut message = Message::default();
    Platform::message(Upcall::new(arrived, 9), &mut message);
    let fields = [message.address as u32, 0, message.data, 0];
    for (at, field) in fields.into_iter().enumerate() {
        <Platform as Mmio>::write(table + 4 * at, 4, field.into());
    }
    <Platform as Mmio>::write(registers, 4, 2);
    crate::advance(1);
    assert_eq!(ARRIVED.take(), []);
    let capability = <Platform as Pci>::read(0, 0x34) & 0xff;
    <Platform as Pci>::write(0, capability, 0x8000_0000);
    <Platform as Mmio>::write(registers, 4, 2);
    crate::advance(1);
    assert_eq!(ARRIVED.take(), [9]);
}

#[test]
fn devices_reach_what_they_were_given() {
    crate::reset(1);
    let mut device = 0;
    let address = Platform::allocate(8192, &mut device);
    assert_eq!(address % 4096, 0);
    world::with(|world| {
        let lent = &mut world.hardware.lent;
        let mut bytes = [1; 4];
        lent.load(device + 8188, &mut bytes);
        assert_eq!(bytes, [0; 4]);
        lent.store(device, b"here");
    });
    assert_eq!(lent(), 1);
    Platform::release(address, 8192);
    assert_eq!(lent(), 0);
    let beyond = std::panic::catch_unwind(|| {
        world::with(|world| world.hardware.lent.load(device, &mut [0]));
    });
    assert!(beyond.is_err());
}
