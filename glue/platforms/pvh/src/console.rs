//! Messages to people: on Xen's console, or on the first serial port.

mod serial;

use core::fmt::{self, Write};

use hypercall::Bytes;

use crate::lock::Lock;
use crate::{Platform, xen};
use serial::Serial;

static SERIAL: Lock<Serial> = Lock::new(Serial::new());

/// How often a report looks for the console to be free before it writes regardless of whose turn it is.
const PATIENCE: u32 = 1 << 20;

/// Finds out what there is to write to. Where there is Xen, the port is Xen's own.
pub(crate) fn start() {
    if xen::get().is_none() {
        SERIAL.lock().start();
    }
}

/// Writes to whatever there is; who has the port has the right to write.
fn write(serial: &mut Serial, text: &[u8]) {
    match xen::get() {
        Some(xen) => xen.write(text),
        None => serial.write(text),
    }
}

impl hypercall::Console for Platform {
    fn write(text: Bytes<'_>) {
        write(&mut SERIAL.lock(), text.as_slice());
    }
}

/// A line or more on the console, as one piece.
pub(crate) fn print(text: fmt::Arguments<'_>) {
    let _ = Port(&mut SERIAL.lock()).write_fmt(text);
}

/// As [`print`], for the last words of a machine whose console may be held by whoever failed.
pub(crate) fn report(text: fmt::Arguments<'_>) {
    for _ in 0..PATIENCE {
        if let Some(mut serial) = SERIAL.try_lock() {
            let _ = Port(&mut serial).write_fmt(text);
            return;
        }
        core::hint::spin_loop();
    }
    let mut serial = Serial::new();
    if xen::get().is_none() {
        serial.start();
    }
    let _ = Port(&mut serial).write_fmt(text);
}

struct Port<'a>(&'a mut Serial);

impl Write for Port<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write(self.0, text.as_bytes());
        Ok(())
    }
}
