//! Segments and stacks for what interrupts: long mode's share of the descriptor tables.

use alloc::boxed::Box;

use x86_64::VirtAddr;
use x86_64::instructions::tables::load_tss;
use x86_64::registers::segmentation::{CS, Segment};
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable};
use x86_64::structures::tss::TaskStateSegment;

use crate::traps::{self, Stack};

/// A processor's descriptors and the stacks its handlers run on.
pub(super) struct Descriptors {
    gdt: GlobalDescriptorTable,
    tss: TaskStateSegment,
}

/// A new stack of this size; its upper end.
fn stack<const SIZE: usize>() -> VirtAddr {
    #[repr(align(16))]
    struct Aligned<const SIZE: usize>([u8; SIZE]);
    let stack = Box::leak(Box::<Aligned<SIZE>>::new_uninit());
    VirtAddr::from_ptr(stack.as_ptr()) + SIZE as u64
}

impl Descriptors {
    pub(super) fn new() -> Descriptors {
        let mut tss = TaskStateSegment::new();
        // Reports format text; interrupts do next to nothing.
        tss.interrupt_stack_table[Stack::Trap as usize] = stack::<8192>();
        tss.interrupt_stack_table[Stack::LastResort as usize] = stack::<8192>();
        tss.interrupt_stack_table[Stack::Interrupt as usize] = stack::<256>();
        Descriptors {
            gdt: GlobalDescriptorTable::new(),
            tss,
        }
    }

    /// Has the calling processor use them.
    pub(super) fn load(&'static mut self) {
        // The selectors are those of the entry: code is 8, data 16.
        let code = self.gdt.append(Descriptor::kernel_code_segment());
        self.gdt.append(Descriptor::kernel_data_segment());
        let task = self.gdt.append(Descriptor::tss_segment(&self.tss));
        self.gdt.load();
        // SAFETY: both are in the table that was just loaded, and stay.
        unsafe {
            CS::set_reg(code);
            load_tss(task);
        }
        traps::load();
    }
}
