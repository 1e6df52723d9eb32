//! Messages to people: on Xen's console or a guest's own, or on the first serial port.

mod serial;

use core::fmt::{self, Write};

use hypercall::Bytes;

use crate::Platform;
use crate::lock::Lock;
use crate::xen::{self, Console, Xen};
use serial::Serial;

/// What there is to write to.
enum Output {
    Serial(Serial),
    /// The console of Xen itself, which is for the first guest.
    Xen(&'static Xen),
    /// The console of another guest.
    Guest(Console),
}

static OUTPUT: Lock<Output> = Lock::new(Output::Serial(Serial::new()));

/// How often a report looks for the console to be free before it writes regardless of whose turn it is.
const PATIENCE: u32 = 1 << 20;

/// Finds out what there is to write to. Where there is Xen, the port is Xen's own.
pub(crate) fn start() {
    *OUTPUT.lock() = Output::find();
}

impl Output {
    fn find() -> Output {
        match xen::get() {
            Some(xen) => Console::find(xen).map_or(Output::Xen(xen), Output::Guest),
            None => Output::Serial(Serial::start()),
        }
    }

    fn write(&mut self, text: &[u8]) {
        match self {
            Output::Serial(serial) => serial.write(text),
            Output::Xen(xen) => xen.write(text),
            Output::Guest(console) => console.write(text),
        }
    }
}

/// Calls `put` with each byte, and with a carriage return before each line feed, as long as it says so.
pub(crate) fn each_byte(text: &[u8], put: &mut dyn FnMut(u8) -> bool) {
    for byte in text {
        if (*byte == b'\n' && !put(b'\r')) || !put(*byte) {
            return;
        }
    }
}

impl hypercall::Console for Platform {
    fn write(text: Bytes<'_>) {
        OUTPUT.lock().write(text.as_slice());
    }
}

/// A line or more on the console, as one piece.
pub(crate) fn print(text: fmt::Arguments<'_>) {
    let _ = OUTPUT.lock().write_fmt(text);
}

/// As [`print`], for the last words of a machine whose console may be held by whoever failed.
pub(crate) fn report(text: fmt::Arguments<'_>) {
    for _ in 0..PATIENCE {
        if let Some(mut output) = OUTPUT.try_lock() {
            let _ = output.write_fmt(text);
            return;
        }
        core::hint::spin_loop();
    }
    let _ = Output::find().write_fmt(text);
}

impl Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes());
        Ok(())
    }
}
