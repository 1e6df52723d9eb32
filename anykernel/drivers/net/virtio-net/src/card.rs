//! A card: both sides of it, the interface on it, and what happens to it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::{Arc, Weak};

use base::sync::{Leaf, Mutex};
use base::{Callout, Failure, Level, Lwp, Work, log};
use net::{Interface, Net};
use virtio::{Device, Port};

use crate::features::{CONFIG_STATUS, CSUM, Features, GUEST_TSO4, HOST_TSO4, LINK_UP, STATUS};
use crate::receiver::Receiver;
use crate::sender::Sender;

/// How long a full transmit queue may stand still, in nanoseconds.
const PATIENCE: u64 = 5_000_000_000;

/// How long to wait for memory when no buffer is left for the device, in nanoseconds.
const SHORTAGE: u64 = 10_000_000;

/// A card.
pub(crate) struct Card {
    net: Arc<Net>,
    interface: Arc<Interface>,
    /// What people call it.
    name: String,
    port: Port,
    sender: Arc<Sender>,
    /// None once it is stopped.
    receiver: Mutex<Option<Receiver>>,
    work: Arc<Work>,
    /// Looks again, after a while, whether the transmit queue has moved and memory is there.
    later: Arc<Callout>,
    state: Leaf<State>,
}

struct State {
    has_status: bool,
    /// While frames wait: how many had been sent when that was last looked at, and when that was.
    stalled: Option<(u64, u64)>,
    /// How the card is described.
    about: String,
}

impl Card {
    /// Brings a card up and attaches an interface to it.
    pub(crate) fn attach(
        lwp: &Lwp<'_>,
        net: &Arc<Net>,
        mut device: Device,
        place: &str,
    ) -> Result<Arc<Self>, Failure> {
        // Work may be asked for before there is a card for it to find.
        let found: Arc<Leaf<Weak<Card>>> = Arc::new(Leaf::new(Weak::new()));
        let action = |action: fn(&Card, &Lwp<'_>)| {
            let found = found.clone();
            move |lwp: &Lwp<'_>| {
                if let Some(card) = found.with(|card| card.upgrade()) {
                    action(&card, lwp);
                }
            }
        };
        let work = Work::new(lwp.instance(), action(Card::serve));
        let changed = Work::new(lwp.instance(), action(Card::changed));
        let later = Callout::new(action(Card::serve));
        let features = Features::negotiate(&mut device)?;
        let mut receiver = Receiver::new(&mut device, &features, net.pool())?;
        let sender = Arc::new(Sender::new(&mut device, &features, &work)?);
        let port = device.start(&work, &changed)?;
        receiver.kick();
        let interface = net.attach(lwp, "vnet", sender.clone());
        let card = Arc::new(Card {
            net: net.clone(),
            name: format!("{place}: {}", interface.name()),
            interface,
            port,
            sender,
            receiver: Mutex::new(Some(receiver)),
            work,
            later,
            state: Leaf::new(State {
                has_status: features.has(STATUS),
                stalled: None,
                about: about(&features),
            }),
        });
        found.with(|place| *place = Arc::downgrade(&card));
        card.changed(lwp);
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
        self.state.with(|state| text.push_str(&state.about));
        text
    }

    /// What is to be done after an interrupt, and as long as there is more.
    fn serve(&self, lwp: &Lwp<'_>) {
        self.port.acknowledge();
        let pool = self.net.pool();
        let waiting = match self.sender.reclaim(lwp, pool) {
            Ok(waiting) => waiting,
            Err(why) => return self.fail(lwp, &why),
        };
        let received = {
            let mut guard = self.receiver.lock(lwp);
            let Some(receiver) = &mut *guard else { return };
            receiver.take(pool)
        };
        let mut received = match received {
            Ok(received) => received,
            Err(why) => return self.fail(lwp, &why),
        };
        for (reason, count) in received.dropped {
            self.interface.count_dropped(reason, count);
        }
        self.net.receive(lwp, &self.interface, &mut received.frames);
        self.net.settle(lwp);
        if received.more {
            self.work.schedule();
        } else {
            self.rest(lwp, received.frames);
        }
        self.watch(lwp, waiting);
    }

    /// Goes back to waiting for interrupts.
    fn rest(&self, lwp: &Lwp<'_>, spare: net::Batch) {
        let mut guard = self.receiver.lock(lwp);
        let Some(receiver) = &mut *guard else { return };
        let more = receiver.rest(spare);
        let starved = receiver.refill(self.net.pool()) == 0;
        drop(guard);
        if more {
            self.work.schedule();
        } else if starved {
            self.later.set(lwp, lwp.now() + SHORTAGE);
        }
    }

    /// Gives up a card whose full transmit queue does not move.
    fn watch(&self, lwp: &Lwp<'_>, waiting: Option<u64>) {
        let now = lwp.now();
        let since = self.state.with(|state| {
            state.stalled = match (waiting, state.stalled) {
                (None, _) => None,
                (Some(sent), Some((before, since))) if sent == before => Some((sent, since)),
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

    /// Looks at the configuration.
    fn changed(&self, lwp: &Lwp<'_>) {
        if self.port.has_failed() {
            return self.fail(lwp, "it says that it cannot go on");
        }
        if !self.state.with(|state| state.has_status) {
            return;
        }
        let status = match self.port.config(CONFIG_STATUS) {
            Ok(bytes) => u16::from_le_bytes(bytes),
            Err(why) => return self.fail(lwp, &why.to_string()),
        };
        let carrier = status & LINK_UP != 0;
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
        let quiet = self.port.reset();
        self.sender.end(lwp, self.net.pool(), quiet);
        if let Some(quiet) = quiet {
            receiver.end(self.net.pool(), quiet);
        }
        true
    }
}

fn about(features: &Features) -> String {
    let mut text = format!(", mtu {}", features.mtu);
    for (feature, name) in [
        (CSUM, ", checksums"),
        (HOST_TSO4, ", long segments out"),
        (GUEST_TSO4, ", long segments in"),
    ] {
        if features.has(feature) {
            text.push_str(name);
        }
    }
    text
}
