//! What the tests of base on real threads share: the platform, bound by hand, a kernel with nothing
//! but base in it, and a queue as a file.

use std::sync::Arc;
use std::time::Duration;

use base::sync::Mutex;
use base::{
    Blocking, COMPONENT, Config, Errno, Events, File, Kernel, Lwp, Readiness, System, Wait,
};
use hypercall::{Bytes, BytesMut, Upcall};
use linux::Platform;
use syscall::{Fd, UioIn, UioOut, consts::O_RDWR};

hypercall::clock!(Platform);
hypercall::console!(Platform);
hypercall::fault!(Platform);
hypercall::memory!(Platform);
hypercall::params!(Platform);
hypercall::threads!(Platform);
hypercall::work!(Platform);

/// How long what has to happen soon may take.
pub const SOON: Duration = Duration::from_millis(100);

/// A kernel with nothing but base in it.
pub fn kernel() -> Kernel {
    static SYSTEM: System = System {
        name: "threads",
        devices: &[],
        components: &[&COMPONENT],
        params: &[],
    };
    Kernel::boot(&SYSTEM, &Config::new()).unwrap()
}

/// Numbers, put in and taken out in order: what a socket or a pipe comes down to.
pub struct Queue {
    readiness: Readiness,
    numbers: Mutex<Vec<u64>>,
    room: usize,
}

impl Queue {
    /// A queue with room for so many.
    pub fn new(room: usize) -> Arc<Self> {
        Arc::new(Queue {
            readiness: Readiness::new(Events::OUT),
            numbers: Mutex::new(Vec::new()),
            room,
        })
    }

    /// A descriptor of the queue.
    pub fn open(self: &Arc<Self>, lwp: &Lwp<'_>) -> Result<Fd, Errno> {
        Ok(Fd(lwp.process().open(lwp, self.clone(), O_RDWR)?.0))
    }

    fn change<R>(
        &self,
        lwp: &Lwp<'_>,
        news: Events,
        f: impl FnOnce(&mut Vec<u64>) -> Result<R, Wait>,
    ) -> Result<R, Wait> {
        let mut guard = self.numbers.lock(lwp);
        let (numbers, wakes) = guard.split();
        let result = f(numbers)?;
        let level =
            Events::IN.when(!numbers.is_empty()) | Events::OUT.when(numbers.len() < self.room);
        self.readiness.update(level, news, wakes);
        Ok(result)
    }

    /// Puts a number in, if there is room.
    pub fn try_put(&self, lwp: &Lwp<'_>, number: u64) -> Result<(), Wait> {
        self.change(lwp, Events::IN, |numbers| {
            if numbers.len() == self.room {
                return Err(Wait::For(Events::OUT));
            }
            numbers.push(number);
            Ok(())
        })
    }

    /// Takes a number out, if there is one.
    pub fn try_take(&self, lwp: &Lwp<'_>) -> Result<u64, Wait> {
        self.change(lwp, Events::NONE, |numbers| {
            if numbers.is_empty() {
                return Err(Wait::For(Events::IN));
            }
            Ok(numbers.remove(0))
        })
    }

    /// Puts a number in once there is room.
    pub fn put(&self, lwp: &Lwp<'_>, number: u64) -> Result<(), Errno> {
        base::block(lwp, &self.readiness, Blocking::new(false), || {
            self.try_put(lwp, number)
        })
    }

    /// Takes a number out once there is one.
    pub fn take(&self, lwp: &Lwp<'_>) -> Result<u64, Errno> {
        base::block(lwp, &self.readiness, Blocking::new(false), || {
            self.try_take(lwp)
        })
    }
}

impl File for Queue {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn try_read(&self, lwp: &Lwp<'_>, to: &mut UioOut<'_>) -> Result<usize, Wait> {
        let number = self.try_take(lwp)?;
        Ok(to.put(&number.to_ne_bytes())?)
    }

    fn try_write(&self, lwp: &Lwp<'_>, from: &mut UioIn<'_>) -> Result<usize, Wait> {
        // What does not succeed takes nothing.
        let mut copy = *from;
        let mut number = [0; 8];
        copy.take(&mut number)?;
        self.try_put(lwp, u64::from_ne_bytes(number))?;
        *from = copy;
        Ok(number.len())
    }
}
