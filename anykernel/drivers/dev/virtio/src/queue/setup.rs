//! What the crate's queue asks of a transport while it is made.

use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{Error, PhysAddr};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::wire::{Wire, read_config, write_config};

/// A device's registers, as the crate wants them.
pub(super) struct Setup<'a> {
    pub(super) wire: &'a dyn Wire,
    pub(super) kind: DeviceType,
}

impl Transport for Setup<'_> {
    fn device_type(&self) -> DeviceType {
        self.kind
    }

    fn read_device_features(&mut self) -> u64 {
        u64::from(self.wire.offered(0)) | u64::from(self.wire.offered(1)) << 32
    }

    fn write_driver_features(&mut self, features: u64) {
        self.wire.accept(0, features as u32);
        self.wire.accept(1, (features >> 32) as u32);
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.wire.queue_size(queue).into()
    }

    fn queue_used(&mut self, queue: u16) -> bool {
        self.wire.queue_ready(queue)
    }

    fn requires_legacy_layout(&self) -> bool {
        false
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        let areas = [descriptors, driver_area, device_area];
        self.wire.set_queue(queue, size as u16, areas);
    }

    /// A queue goes with the device.
    fn queue_unset(&mut self, _: u16) {}

    fn notify(&mut self, queue: u16) {
        if let Some(bell) = self.wire.bell(queue) {
            bell.ring();
        }
    }

    fn get_status(&self) -> DeviceStatus {
        DeviceStatus::from_bits_truncate(self.wire.status())
    }

    fn set_status(&mut self, status: DeviceStatus) {
        self.wire.set_status(status.bits());
    }

    /// Only devices of the draft want to know.
    fn set_guest_page_size(&mut self, _: u32) {}

    fn ack_interrupt(&mut self) -> InterruptStatus {
        InterruptStatus::from_bits_retain(self.wire.take_interrupt())
    }

    fn read_config_generation(&self) -> u32 {
        self.wire.generation()
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T, Error> {
        let mut value = T::new_zeroed();
        let read = read_config(self.wire, offset, value.as_mut_bytes());
        read.map_err(|_| Error::ConfigSpaceTooSmall)?;
        Ok(value)
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        offset: usize,
        value: T,
    ) -> Result<(), Error> {
        let written = write_config(self.wire, offset, value.as_bytes());
        written.map_err(|_| Error::ConfigSpaceTooSmall)
    }
}
