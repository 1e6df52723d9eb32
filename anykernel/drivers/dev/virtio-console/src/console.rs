//! A console: the device, its file, and the echo of the kernel's console.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::{Arc, Weak};

use base::sync::{Leaf, Mutex};
use base::{Echo, Errno, Events, Failure, File, Level, Lwp, Readiness, Wait, Work, log};
use dev::Dev;
use hardware::comes_true;
use syscall::{UioIn, UioOut};
use virtio::{Device, Port};

use crate::state::State;

/// How long the last lines may take at the end, in nanoseconds.
const LAST_LINES: u64 = 100_000_000;

/// A console.
pub(crate) struct Console {
    port: Port,
    /// None once it is stopped.
    state: Mutex<Option<State>>,
    readiness: Readiness,
    echo: Leaf<Option<Arc<Echo>>>,
    name: Leaf<String>,
}

impl Console {
    /// Brings a console up, and returns its name too.
    pub(crate) fn attach(
        lwp: &Lwp<'_>,
        dev: &Dev,
        mut device: Device,
        place: &str,
    ) -> Result<(Arc<Self>, String), Failure> {
        let found: Arc<Leaf<Weak<Console>>> = Arc::new(Leaf::new(Weak::new()));
        let work = |action: fn(&Console, &Lwp<'_>)| {
            let found = found.clone();
            Work::new(lwp.instance(), move |lwp| {
                if let Some(console) = found.with(|console: &mut Weak<Console>| console.upgrade()) {
                    action(&console, lwp);
                }
            })
        };
        let serve = work(Console::serve);
        device.negotiate(|_| 0)?;
        let mut state = State::new(&mut device)?;
        let port = device.start(&serve, &work(Console::changed))?;
        state.offer();
        let console = Arc::new(Console {
            port,
            readiness: Readiness::new(state.level()),
            state: Mutex::new(Some(state)),
            echo: Leaf::new(None),
            name: Leaf::new(String::new()),
        });
        found.with(|place| *place = Arc::downgrade(&console));
        let name = dev.add_character("vcon", console.clone());
        console.name.with(|it| *it = format!("{place}: {name}"));
        let echo = lwp.instance().echo(&serve);
        console.echo.with(|place| *place = Some(echo));
        Ok((console, name))
    }

    /// Does something with the state and says what the console is ready for then.
    fn with<R>(&self, lwp: &Lwp<'_>, f: impl FnOnce(&mut State) -> R) -> Result<R, Errno> {
        let mut guard = self.state.lock(lwp);
        let (state, wakes) = guard.split();
        let state = state.as_mut().ok_or(Errno::EIO)?;
        let result = f(state);
        self.readiness.update(state.level(), Events::NONE, wakes);
        Ok(result)
    }

    fn serve(&self, lwp: &Lwp<'_>) {
        self.port.acknowledge();
        let echo = self.echo.with(|echo| echo.clone());
        let turned = self.with(lwp, |state| {
            if let Some(echo) = echo.filter(|_| state.room() > 0) {
                state.write(echo.take().as_bytes());
            }
            state.turn()
        });
        if let Ok(Err(broken)) = turned {
            self.fail(lwp, &broken.to_string());
        }
    }

    fn changed(&self, lwp: &Lwp<'_>) {
        if self.port.has_failed() {
            self.fail(lwp, "it says that it cannot go on");
        }
    }

    #[cold]
    fn fail(&self, lwp: &Lwp<'_>, why: &str) {
        if self.halt(lwp) {
            let name = self.name.with(|name| name.clone());
            log!(
                lwp.instance(),
                Level::Error,
                "{name}: {why}; the device is detached"
            );
        }
    }

    /// Shows the last lines and ends the device's work.
    pub(crate) fn stop(self: &Arc<Self>, lwp: &Lwp<'_>, dev: &Dev) {
        let file: Arc<dyn File> = self.clone();
        dev.remove_character(&file);
        comes_true(LAST_LINES, || {
            self.serve(lwp);
            // One that is gone is silent too.
            self.with(lwp, |state| state.is_silent()).unwrap_or(true)
        });
        self.halt(lwp);
    }

    /// Ends the device's work; who waits for it hears of that. Whether it was at work until now.
    fn halt(&self, lwp: &Lwp<'_>) -> bool {
        if let Some(echo) = self.echo.with(Option::take) {
            lwp.instance().unecho(&echo);
        }
        let taken = {
            let mut guard = self.state.lock(lwp);
            let (state, wakes) = guard.split();
            let end = Events::HUP | Events::IN | Events::OUT;
            self.readiness.update(end, end, wakes);
            state.take()
        };
        let Some(state) = taken else { return false };
        match self.port.reset() {
            Some(quiet) => state.end(quiet),
            // Its queues outlive it by themselves.
            None => drop(state),
        }
        true
    }
}

impl File for Console {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn try_read(&self, lwp: &Lwp<'_>, to: &mut UioOut<'_>) -> Result<usize, Wait> {
        let read = self.with(lwp, |state| match state.level().contains(Events::IN) {
            true => Ok(state.read(|typed| to.put(typed))?),
            false => Err(Wait::For(Events::IN)),
        });
        // At the end of the device is the end of the file.
        read.unwrap_or(Ok(0))
    }

    fn try_write(&self, lwp: &Lwp<'_>, from: &mut UioIn<'_>) -> Result<usize, Wait> {
        let written = self.with(lwp, |state| {
            let count = state.room().min(from.remaining());
            if count == 0 && from.remaining() > 0 {
                return Err(Wait::For(Events::OUT));
            }
            let mut bytes = alloc::vec![0; count];
            from.take(&mut bytes)?;
            state.write(&bytes);
            Ok((count, state.turn().is_err()))
        });
        let (count, broken) = written.map_err(Wait::Fail)??;
        if broken {
            self.serve(lwp);
        }
        Ok(count)
    }

    fn writes_all(&self) -> bool {
        true
    }
}
