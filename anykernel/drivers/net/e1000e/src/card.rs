//! A card: both sides of it, the interface on it, and what happens to it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::{Arc, Weak};

use ::hardware::Interrupt;
use ::hardware::pci::Function;
use base::sync::{Leaf, Mutex};
use base::{Callout, Failure, Level, Lwp, Work, log};
use net::{Interface, Net};

use crate::hardware::Hardware;
use crate::receiver::Receiver;
use crate::registers::CAUSE_LINK;
use crate::sender::Sender;

/// How long a full transmit ring may stand still, in nanoseconds.
const PATIENCE: u64 = 5_000_000_000;

/// A card.
pub(crate) struct Card {
    net: Arc<Net>,
    interface: Arc<Interface>,
    /// What people call it.
    name: String,
    hardware: Hardware,
    function: Leaf<Function>,
    sender: Arc<Sender>,
    /// None once it is stopped.
    receiver: Mutex<Option<Receiver>>,
    work: Arc<Work>,
    /// Looks again, after a while, whether the transmit ring has moved.
    later: Arc<Callout>,
    interrupt: Leaf<Option<Interrupt>>,
    /// Whether that is a line.
    line: bool,
    state: Leaf<State>,
}

struct State {
    /// While frames wait: how many had been sent when that was last looked at, and when that was.
    stalled: Option<(u64, u64)>,
}

impl Card {
    /// Brings a card up and attaches an interface to it.
    pub(crate) fn attach(
        lwp: &Lwp<'_>,
        net: &Arc<Net>,
        function: Function,
        place: &str,
    ) -> Result<Arc<Self>, Failure> {
        // Work may be asked for before there is a card for it to find.
        let found: Arc<Leaf<Weak<Card>>> = Arc::new(Leaf::new(Weak::new()));
        let serve = || {
            let found = found.clone();
            move |lwp: &Lwp<'_>| {
                if let Some(card) = found.with(|card| card.upgrade()) {
                    card.serve(lwp);
                }
            }
        };
        let work = Work::new(lwp.instance(), serve());
        let later = Callout::new(serve());
        let hardware = Hardware::new(function.bar(0)?)?;
        function.master();
        if !hardware.reset() {
            function.quiet();
            return Err(Failure::new(base::Errno::EIO, "the card does not reset"));
        }
        let receiver = Receiver::new(hardware)?;
        let sender = Arc::new(Sender::new(hardware, hardware.address(), &work)?);
        let (interrupt, line) = match function.messages(1) {
            Some(messages) => (messages.attach(0, &work)?, false),
            None => (function.line(&work)?, true),
        };
        hardware.begin();
        let interface = net.attach(lwp, "em", sender.clone());
        hardware.listen_to(interface.hardware_address());
        receiver.begin();
        let card = Arc::new(Card {
            net: net.clone(),
            name: format!("{place}: {}", interface.name()),
            interface,
            hardware,
            function: Leaf::new(function),
            sender,
            receiver: Mutex::new(Some(receiver)),
            work,
            later,
            interrupt: Leaf::new(Some(interrupt)),
            line,
            state: Leaf::new(State { stalled: None }),
        });
        found.with(|place| *place = Arc::downgrade(&card));
        card.work.schedule();
        Ok(card)
    }

    /// What it became, for people.
    pub(crate) fn describe(&self) -> String {
        let mut text = self.interface.name().to_string();
        let address = self.interface.hardware_address();
        for (separator, byte) in [", ", ":", ":", ":", ":", ":"].into_iter().zip(address) {
            text.push_str(&format!("{separator}{byte:02x}"));
        }
        text
    }

    /// What is to be done after an interrupt, and as long as there is more. Meanwhile none comes.
    fn serve(&self, lwp: &Lwp<'_>) {
        let pool = self.net.pool();
        let (received, causes) = {
            let mut guard = self.receiver.lock(lwp);
            let Some(receiver) = &mut *guard else { return };
            self.hardware.mask();
            let causes = self.hardware.causes();
            if self.line {
                self.interrupt
                    .with(|it| it.iter().for_each(Interrupt::done));
            }
            (receiver.take(pool), causes)
        };
        if causes == u32::MAX && self.hardware.is_gone() {
            return self.fail(lwp, "it does not answer");
        }
        let waiting = self.sender.turn(lwp, pool);
        let mut frames = received.frames;
        for reason in received.dropped {
            self.interface.count_dropped(reason, 1);
        }
        self.net.receive(lwp, &self.interface, &mut frames);
        self.net.settle(lwp);
        if causes & CAUSE_LINK != 0 || !self.interface.has_carrier() {
            self.look_at_link(lwp);
        }
        if received.more {
            self.work.schedule();
        } else {
            self.rest(lwp, waiting.is_some());
        }
        self.watch(lwp, waiting);
    }

    /// Goes back to waiting for interrupts.
    fn rest(&self, lwp: &Lwp<'_>, waiting: bool) {
        let guard = self.receiver.lock(lwp);
        let Some(receiver) = &*guard else { return };
        self.hardware.unmask(waiting);
        if receiver.has_any() {
            self.work.schedule();
        }
    }

    /// Gives up a card whose full transmit ring does not move.
    fn watch(&self, lwp: &Lwp<'_>, waiting: Option<u64>) {
        let now = lwp.now();
        // Without a link nothing is sent, and that is not the card's fault.
        let waiting = waiting.map(|sent| match self.hardware.is_link_up() {
            true => sent,
            false => u64::MAX,
        });
        let since = self.state.with(|state| {
            state.stalled = match (waiting, state.stalled) {
                (None, _) => None,
                (Some(sent), Some((before, since))) if sent == before && sent != u64::MAX => {
                    Some((sent, since))
                }
                (Some(sent), _) => Some((sent, now)),
            };
            state.stalled.map(|(_, since)| since)
        });
        match since {
            Some(since) if now >= since + PATIENCE => {
                self.fail(lwp, "it has stopped sending");
            }
            Some(since) => self.later.set(lwp, since + PATIENCE),
            None => {}
        }
    }

    fn look_at_link(&self, lwp: &Lwp<'_>) {
        let carrier = self.hardware.is_link_up();
        self.net.set_carrier(lwp, &self.interface, carrier);
    }

    /// Gives the card up.
    #[cold]
    fn fail(&self, lwp: &Lwp<'_>, why: &str) {
        if self.halt(lwp) {
            log!(
                lwp.instance(),
                Level::Error,
                "{}: {why}; the device is detached and the interface down",
                self.name
            );
            self.net.down(lwp, &self.interface);
        }
    }

    /// Ends the card's work. Frames that are sent from now on are dropped.
    pub(crate) fn stop(&self, lwp: &Lwp<'_>) {
        self.halt(lwp);
    }

    /// Whether it was at work until now.
    fn halt(&self, lwp: &Lwp<'_>) -> bool {
        let Some(receiver) = self.receiver.lock(lwp).take() else {
            return false;
        };
        self.later.cancel(lwp);
        let reset = self.hardware.reset();
        self.function.with(|function| function.quiet());
        let _detached_outside = self.interrupt.with(Option::take);
        self.sender.end(lwp, self.net.pool(), reset);
        if !reset {
            // The card may still write there.
            core::mem::forget(receiver);
        }
        true
    }
}
