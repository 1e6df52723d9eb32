//! The registers of a window (section 4.2.2 of the standard).

use super::State;
use crate::devices::Bus;

pub(super) fn read(state: &mut State, offset: u64, width: u32) -> u64 {
    let value = match offset {
        0x000 => u32::from_le_bytes(*b"virt"),
        0x004 => 2,
        0x008 => state.device.kind,
        0x00c => u32::from_le_bytes(*b"test"),
        0x010 => state.offered(state.feature_select.0),
        0x034 => state.selected().map_or(0, |queue| queue.max.into()),
        0x044 => u32::from(state.selected().is_some_and(|queue| queue.ready)),
        0x060 => state.isr,
        0x070 => state.status,
        0x0fc => state.generation(),
        0x100.. => return state.config(offset - 0x100, width),
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
        0x014 => state.feature_select.0 = word,
        0x020 => state.accept(state.feature_select.1, word),
        0x024 => state.feature_select.1 = word,
        0x030 => state.queue_select = word as usize,
        0x050 => return Some(word as usize),
        0x064 => state.take_isr(bus, word),
        0x070 => state.set_status(bus, word),
        0x100.. => state.set_config(offset - 0x100, width, value),
        _ => {
            let queue = state.selected()?;
            match offset {
                0x038 => queue.size = word as u16,
                0x044 => queue.ready = word == 1,
                0x080 | 0x084 => half(&mut queue.descriptors, offset & 4 != 0, word),
                0x090 | 0x094 => half(&mut queue.driver, offset & 4 != 0, word),
                0x0a0 | 0x0a4 => half(&mut queue.device, offset & 4 != 0, word),
                _ => {}
            }
        }
    }
    None
}

pub(super) fn half(place: &mut u64, high: bool, word: u32) {
    let shift = if high { 32 } else { 0 };
    *place = *place & !(0xffff_ffff << shift) | u64::from(word) << shift;
}
