//! Interfaces: a link with a name, a state, counters, and a queue of what is to be sent.
//!
//! Frames are queued while locks are held and sent when they are not, all that have gathered in one call
//! of the link. One thread at a time sends, so their order is that of the queue.
//!
//! An interface does not know addresses or routes.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::{fmt, mem};

use base::sync::{Leaf, Parts, Word};
use base::{Errno, Lwp};

use crate::ethernet::ETHERNET_HEADER;
use crate::{Batch, Frame, Link, Medium, Net, Offloads, Reason, Statistics, Upper};

/// Frames that may wait for being sent. More is what a caller that never flushes would gather.
const QUEUE_LIMIT: usize = 4096;

/// Who is shown what an interface sends and receives. It is a trait so that where nobody ever listens, no code for it
/// stays either.
pub(crate) trait Listener: Send + Sync {
    /// Takes note of frames. Locks may be held.
    fn record(&self, frames: &[Frame]);
}

/// What `Interface::up` says: packets do not come and go, or they do, or only what stands above wants them, and
/// the interface has not even the address that every other has.
const DOWN: u32 = 0;
const UP: u32 = 1;
const UP_FOR_ANOTHER: u32 = 2;

/// A place where packets come and go.
pub struct Interface {
    index: u32,
    name: String,
    link: Arc<dyn Link>,
    medium: Medium,
    mtu: Word,
    address: [u8; 6],
    loopback: bool,
    offloads: Offloads,
    up: Word,
    /// Whether the link has somebody at its other end, as far as its driver knows.
    carrier: Word,
    state: Leaf<State>,
    /// What the kernel sent to itself: frames and bytes.
    own: Parts<Leaf<(u64, u64)>>,
    /// Whether there is a capture: looked at for each frame.
    captured: Word,
    captures: Leaf<Vec<Arc<dyn Listener>>>,
    /// Whether something stands above: looked at for each frame.
    covered: Word,
    upper: Leaf<Option<Arc<dyn Upper>>>,
    /// Whether a DHCP client wants what comes in for its port.
    pub(crate) configuring: Word,
}

struct State {
    statistics: Statistics,
    queue: Batch,
    /// The other batch, while nobody sends: its memory is used in turns with the queue's.
    spare: Batch,
    sending: bool,
}

impl Interface {
    pub(crate) fn new(index: u32, name: String, link: Arc<dyn Link>, address: [u8; 6]) -> Self {
        Interface {
            index,
            name,
            medium: link.medium(),
            mtu: Word::new(u32::try_from(link.mtu()).unwrap_or(u32::MAX)),
            loopback: link.is_loopback(),
            offloads: link.offloads(),
            link,
            address,
            up: Word::new(0),
            carrier: Word::new(1),
            state: Leaf::new(State {
                statistics: Statistics::default(),
                queue: Vec::new(),
                spare: Vec::new(),
                sending: false,
            }),
            own: Parts::new(|| Leaf::new((0, 0))),
            captured: Word::new(0),
            captures: Leaf::new(Vec::new()),
            covered: Word::new(0),
            upper: Leaf::new(None),
            configuring: Word::new(0),
        }
    }

    /// A number no other interface of the instance has, from 1.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// The name, such as `virt0`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its frames begin with.
    pub fn medium(&self) -> Medium {
        self.medium
    }

    /// Largest IP packet, in bytes.
    pub fn mtu(&self) -> usize {
        self.mtu.get() as usize
    }

    /// Has no IP packet longer than this leave, in bytes; at most what the link takes.
    pub fn limit_mtu(&self, mtu: usize) {
        let mtu = mtu.min(self.link.mtu());
        let mtu = u32::try_from(mtu).unwrap_or(u32::MAX);
        // The lock only orders those who set.
        self.state.with(|_| self.mtu.set(mtu));
    }

    /// The hardware address; zeros where the medium has none.
    pub fn hardware_address(&self) -> [u8; 6] {
        self.address
    }

    /// Whether what is sent comes back.
    #[inline]
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// What its link does for the frames it sends.
    #[inline]
    pub fn offloads(&self) -> Offloads {
        self.offloads
    }

    /// Whether packets come and go.
    #[inline]
    pub fn is_up(&self) -> bool {
        self.up.get() != 0
    }

    /// Whether it is up, and so is its link (Linux's `IFF_RUNNING`).
    pub fn is_running(&self) -> bool {
        self.is_up() && self.has_carrier()
    }

    /// Whether there is somebody at the other end of its link, as far as the link's driver knows.
    pub fn has_carrier(&self) -> bool {
        self.carrier.get() != 0
    }

    /// Takes note whether there is a carrier, and says whether that is new.
    pub(crate) fn set_carrier(&self, carrier: bool) -> bool {
        let carrier = u32::from(carrier);
        // The lock only orders those who set.
        self.state.with(|_| {
            let is_new = self.carrier.get() != carrier;
            self.carrier.set(carrier);
            is_new
        })
    }

    /// Whether it is up for itself, with what belongs to that, and not only for what stands above.
    pub(crate) fn is_up_itself(&self) -> bool {
        self.up.get() == UP
    }

    pub(crate) fn set_up(&self, up: bool) {
        // The lock only orders those who set.
        self.state.with(|_| self.up.set(if up { UP } else { DOWN }));
    }

    /// The counters.
    pub fn statistics(&self) -> Statistics {
        let mut all = self.state.with(|state| state.statistics);
        for own in self.own.iter() {
            let (frames, bytes) = own.with(|own| *own);
            all.tx_frames += frames;
            all.tx_bytes += bytes;
            all.rx_frames += frames;
            all.rx_bytes += bytes;
        }
        all
    }

    /// Counts frames or packets that went no further.
    pub fn count_dropped(&self, reason: Reason, count: usize) {
        self.state
            .with(|state| state.statistics.drop(reason, count as u64));
    }

    pub(crate) fn count_received(&self, frames: usize, bytes: usize) {
        self.state.with(|state| {
            state.statistics.rx_frames += frames as u64;
            state.statistics.rx_bytes += bytes as u64;
        });
    }

    /// Counts a frame that the kernel sent to itself.
    pub fn count_own(&self, lwp: &Lwp<'_>, len: usize) {
        self.own.of(lwp).with(|(frames, bytes)| {
            *frames += 1;
            *bytes += len as u64;
        });
    }

    /// Whether the kernel's packets to itself come and go here, and nobody looks at them.
    #[inline]
    pub fn is_private(&self) -> bool {
        self.loopback && self.is_up() && self.captured.get() == 0
    }

    /// Queues a complete frame, or sends it at once if the link has it so. The caller owes a [flush](Net::flush).
    pub fn send(self: &Arc<Self>, lwp: &Lwp<'_>, net: &Net, frame: Frame) {
        if !self.is_up() {
            net.drop_frame(self, frame, Reason::Down);
            return;
        }
        if self.loopback {
            self.capture(core::slice::from_ref(&frame));
            self.count_own(lwp, frame.len());
            let Some(frame) = self.link.transmit_now(lwp, net, self, frame) else {
                return;
            };
            net.drop_frame(self, frame, Reason::QueueFull);
            return;
        }
        let refused = self.state.with(|state| {
            if state.queue.len() < QUEUE_LIMIT && state.queue.try_reserve(1).is_ok() {
                state.queue.push(frame);
                None
            } else {
                Some(frame)
            }
        });
        match refused {
            None => net.note_pending(),
            Some(frame) => net.drop_frame(self, frame, Reason::QueueFull),
        }
    }

    /// Sends what is queued, unless somebody is at it already, who will then see what came after.
    /// No lock is held.
    pub(crate) fn flush(self: &Arc<Self>, lwp: &Lwp<'_>, net: &Net) {
        loop {
            let batch = self.state.with(|state| {
                if state.sending || state.queue.is_empty() {
                    return None;
                }
                state.sending = true;
                let spare = mem::take(&mut state.spare);
                Some(mem::replace(&mut state.queue, spare))
            });
            let Some(mut batch) = batch else { return };
            let link_header = match self.medium {
                Medium::Ethernet => ETHERNET_HEADER,
                Medium::Ip => 0,
            };
            let lost = self.offloads.prepare(net.pool(), link_header, &mut batch);
            self.capture(&batch);
            let frames = batch.len();
            let bytes: usize = batch.iter().map(Frame::len).sum();
            self.link.transmit(lwp, net, self, &mut batch);
            let refused = batch.len();
            let refused_bytes: usize = batch.iter().map(Frame::len).sum();
            net.pool().recycle_all(&mut batch);
            self.state.with(|state| {
                state.statistics.tx_frames += (frames - refused) as u64;
                state.statistics.tx_bytes += bytes.saturating_sub(refused_bytes) as u64;
                state.statistics.drop(Reason::NoMemory, lost as u64);
                state.statistics.drop(Reason::QueueFull, refused as u64);
                state.spare = batch;
                state.sending = false;
            });
        }
    }

    /// Whether something stands above.
    #[inline]
    pub(crate) fn has_upper(&self) -> bool {
        self.covered.get() != 0
    }

    /// Offers a frame that came in to what stands above.
    #[cold]
    pub(crate) fn offer(self: &Arc<Self>, lwp: &Lwp<'_>, net: &Net, frame: Frame) -> Option<Frame> {
        match self.upper.with(|upper| upper.clone()) {
            Some(upper) => upper.receive(lwp, net, self, frame),
            None => Some(frame),
        }
    }

    /// Tells what stands above that the carrier was lost, or is back.
    pub(crate) fn tell_upper(self: &Arc<Self>, lwp: &Lwp<'_>, net: &Net) {
        if let Some(upper) = self.upper.with(|upper| upper.clone()) {
            upper.carrier(lwp, net, self);
        }
    }

    /// Puts something above, for which frames come and go from now on, also without an address here. `EBUSY` if something is there already, `EINVAL` if the interface is none of
    /// Ethernet.
    pub fn cover(&self, upper: Arc<dyn Upper>) -> Result<(), Errno> {
        if self.medium != Medium::Ethernet {
            return Err(Errno::EINVAL);
        }
        self.upper.with(|place| {
            if place.is_some() {
                return Err(Errno::EBUSY);
            }
            *place = Some(upper);
            self.covered.set(1);
            Ok(())
        })?;
        self.state.with(|_| {
            if self.up.get() == DOWN {
                self.up.set(UP_FOR_ANOTHER);
            }
        });
        Ok(())
    }

    /// Takes away what stands above.
    pub fn uncover(&self) {
        let _before = self.upper.with(|place| {
            self.covered.set(0);
            place.take()
        });
    }

    /// Shows frames to whoever listens in.
    #[inline]
    pub(crate) fn capture(&self, frames: &[Frame]) {
        if self.captured.get() != 0 {
            self.capture_slowly(frames);
        }
    }

    #[cold]
    fn capture_slowly(&self, frames: &[Frame]) {
        let captures = self.captures.with(|captures| captures.clone());
        for capture in captures {
            capture.record(frames);
        }
    }

    pub(crate) fn add_capture(&self, capture: Arc<dyn Listener>) {
        self.captures.with(|captures| {
            captures.push(capture);
            self.captured.set(1);
        });
    }

    pub(crate) fn remove_capture(&self, capture: &dyn Listener) {
        let _removed = self.captures.with(|captures| {
            let at = captures
                .iter()
                .position(|other| core::ptr::addr_eq(Arc::as_ptr(other), capture))?;
            let removed = captures.swap_remove(at);
            self.captured.set(!captures.is_empty() as u32);
            Some(removed)
        });
    }
}

impl fmt::Debug for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interface")
            .field("name", &self.name)
            .field("up", &self.is_up())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::Reason;
    use crate::testing::{boot, packet};

    /// To all stations, so that nobody has to be asked for.
    fn broadcast() -> alloc::vec::Vec<u8> {
        packet("10.0.0.2", "10.0.0.255", 17, b"x")
    }

    #[test]
    fn what_gathered_is_sent_in_one_batch() {
        let host = boot();
        let link = host.ethernet("virt", &["10.0.0.2/24"]);
        host.in_kernel(|lwp, net| {
            for _ in 0..20 {
                let frame = net.pool().copy_of(&broadcast()).unwrap();
                net.output(lwp, frame, None).unwrap();
            }
            assert!(link.batches().is_empty());
            net.flush(lwp);
            net.flush(lwp);
        });
        assert_eq!(link.batches(), [20]);
    }

    #[test]
    fn what_the_link_refuses_is_counted_and_given_back() {
        let host = boot();
        let link = host.ethernet("virt", &["10.0.0.2/24"]);
        let before = link.interface.statistics();
        link.link.room.with(|room| *room = 3);
        host.in_kernel(|lwp, net| {
            for _ in 0..20 {
                let frame = net.pool().copy_of(&broadcast()).unwrap();
                net.output(lwp, frame, None).unwrap();
            }
            net.flush(lwp);
        });
        let after = link.interface.statistics();
        assert_eq!(after.tx_frames - before.tx_frames, 3);
        assert_eq!(after.dropped(Reason::QueueFull), 17);
    }

    #[test]
    fn who_never_flushes_does_not_gather_without_end() {
        let host = boot();
        let link = host.ethernet("virt", &["10.0.0.2/24"]);
        host.in_kernel(|lwp, net| {
            for _ in 0..super::QUEUE_LIMIT + 5 {
                let frame = net.pool().copy_of(&broadcast()).unwrap();
                net.output(lwp, frame, None).unwrap();
            }
        });
        assert_eq!(link.interface.statistics().dropped(Reason::QueueFull), 5);
    }
}
