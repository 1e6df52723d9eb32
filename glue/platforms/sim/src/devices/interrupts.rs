//! Interrupts: the group `irq`.

use std::collections::BTreeMap;

use hypercall::{Message, Upcall};

use crate::Platform;
use crate::events::Event;
use crate::world::{self, World};

/// The first device's line.
pub(super) const FIRST_LINE: u32 = 16;

/// Where devices write their messages.
pub(super) const MESSAGES: u64 = 0xfee0_0000;

/// Who hears of interrupts.
#[derive(Default)]
pub(super) struct Interrupts {
    attached: BTreeMap<u64, Attached>,
    lines: BTreeMap<u32, State>,
}

struct Attached {
    /// None for messages.
    line: Option<u32>,
    upcall: Upcall,
}

/// A level-triggered line.
#[derive(Default)]
struct State {
    asserted: bool,
    /// Who has been told and has not said that it is done.
    owing: Vec<u64>,
}

impl Interrupts {
    pub(super) fn upcall(&self, handle: u64) -> Option<Upcall> {
        self.attached.get(&handle).map(|attached| attached.upcall)
    }

    fn on_line(&self, line: u32) -> Vec<u64> {
        let all = self.attached.iter();
        all.filter(|(_, attached)| attached.line == Some(line))
            .map(|(handle, _)| *handle)
            .collect()
    }
}

fn tell(world: &mut World, handles: &[u64]) {
    for handle in handles {
        world.events.add(world.now, Event::Interrupt(*handle));
    }
}

pub(super) fn pulse(world: &mut World, line: u32) {
    let handles = world.hardware.interrupts.on_line(line);
    tell(world, &handles);
}

pub(super) fn level(world: &mut World, line: u32, asserted: bool) {
    let state = world.hardware.interrupts.lines.entry(line).or_default();
    state.asserted = asserted;
    look(world, line);
}

/// Interrupts if the line is asserted and nobody is at work on that.
fn look(world: &mut World, line: u32) {
    let handles = world.hardware.interrupts.on_line(line);
    let state = world.hardware.interrupts.lines.entry(line).or_default();
    if state.asserted && state.owing.is_empty() {
        state.owing.clone_from(&handles);
        tell(world, &handles);
    }
}

fn done(world: &mut World, handle: u64) {
    let attached = world.hardware.interrupts.attached.get(&handle);
    let Some(line) = attached.and_then(|attached| attached.line) else {
        return;
    };
    let state = world.hardware.interrupts.lines.entry(line).or_default();
    let owing = state.owing.len();
    state.owing.retain(|other| *other != handle);
    if owing > 0 {
        look(world, line);
    }
}

fn attach(world: &mut World, line: Option<u32>, upcall: Upcall) -> u64 {
    let handle = world.new_handle();
    let attached = Attached { line, upcall };
    world.hardware.interrupts.attached.insert(handle, attached);
    handle
}

impl hypercall::Irq for Platform {
    fn attach(line: u32, level: bool, arrived: Upcall) -> i64 {
        world::with(|world| {
            let handle = attach(world, Some(line), arrived);
            if level {
                look(world, line);
            }
            handle as i64
        })
    }

    fn message(arrived: Upcall, message: &mut Message) -> i64 {
        world::with(|world| {
            let handle = attach(world, None, arrived);
            *message = Message {
                address: MESSAGES,
                data: handle as u32,
            };
            handle as i64
        })
    }

    fn done(handle: u64) {
        world::with(|world| done(world, handle));
    }

    fn detach(handle: u64) {
        world::with(|world| {
            done(world, handle);
            world.hardware.interrupts.attached.remove(&handle);
        });
    }
}
