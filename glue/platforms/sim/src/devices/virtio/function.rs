//! The registers of a PCI function (section 4.1.4 of the standard).

use super::window::half;
use super::{COMMON, CONFIG, ISR, NO_VECTOR, NOTIFY, State};
use crate::devices::Bus;

pub(super) fn read(state: &mut State, bus: &mut Bus<'_>, offset: u64, width: u32) -> u64 {
    let value: u32 = match offset {
        ISR => {
            let isr = state.isr;
            state.take_isr(bus, isr);
            isr
        }
        CONFIG..NOTIFY => return state.config(offset - CONFIG, width),
        0x00 => state.feature_select.0,
        0x04 => state.offered(state.feature_select.0),
        0x10 => state.config_vector.into(),
        0x12 => state.queues.len() as u32,
        0x14 => state.status,
        0x15 => state.generation(),
        0x16 => state.queue_select as u32,
        0x18 => state.selected().map_or(0, |queue| queue.size.into()),
        0x1a => {
            let vector = state.vectors.get(state.queue_select);
            vector.copied().unwrap_or(NO_VECTOR).into()
        }
        0x1c => u32::from(state.selected().is_some_and(|queue| queue.ready)),
        0x1e => state.device.notify_offset.into(),
        _ => 0,
    };
    value.into()
}

/// Writes, and says which queue that notifies.
pub(super) fn write(
    state: &mut State,
    bus: &mut Bus<'_>,
    offset: u64,
    width: u32,
    value: u64,
) -> Option<usize> {
    let word = value as u32;
    match offset {
        NOTIFY.. => return Some(word as usize),
        CONFIG..NOTIFY => state.set_config(offset - CONFIG, width, value),
        0x00 => state.feature_select.0 = word,
        0x08 => state.feature_select.1 = word,
        0x0c => state.accept(state.feature_select.1, word),
        0x10 => state.config_vector = word as u16,
        0x14 => state.set_status(bus, word),
        0x16 => state.queue_select = word as usize,
        0x1a => {
            if let Some(vector) = state.vectors.get_mut(state.queue_select) {
                *vector = word as u16;
            }
        }
        _ => {
            let queue = state.selected()?;
            match offset - COMMON {
                0x18 => queue.size = word as u16,
                0x1c => queue.ready = word == 1,
                0x20 | 0x24 => half(&mut queue.descriptors, offset & 4 != 0, word),
                0x28 | 0x2c => half(&mut queue.driver, offset & 4 != 0, word),
                0x30 | 0x34 => half(&mut queue.device, offset & 4 != 0, word),
                _ => {}
            }
        }
    }
    None
}
