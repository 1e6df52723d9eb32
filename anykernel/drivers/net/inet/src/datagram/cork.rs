//! Datagrams put together of what several calls send: `MSG_MORE`, `UDP_CORK`.

use base::{Errno, Lwp};
use net::Frame;
use syscall::{SockAddr, UioIn, UserIn};

use super::{DatagramSocket, Kind};
use crate::address::Family;
use crate::datagram::ancillary::Chosen;
use crate::options::Opt;
use crate::udp::HEADER;

/// The most that a packet holds; of IPv4's, beside its header.
const MOST: usize = 65535;

/// The beginning of a datagram, and where the first call said that it goes. What later calls say of that does not count.
pub(super) struct Gathered {
    room: Frame,
    len: usize,
    pub(super) to: Option<SockAddr>,
}

impl DatagramSocket {
    /// Adds to a datagram, and sends it if no more is to come. What cannot be added ends it, unsent.
    #[cold]
    pub(super) fn gather(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        to: Option<SockAddr>,
        chosen: Chosen,
        more: bool,
    ) -> Result<usize, Errno> {
        let (begun, corked) = self.state.with(|state| {
            let corked = state.options.is(Opt::UdpCork);
            (state.gathered.take(), corked)
        });
        let holds = more || corked;
        self.gathers.set(holds.into());
        let mut gathered = match begun {
            Some(begun) => begun,
            None => {
                // An address that is no good is not kept.
                self.route(lwp, to)?;
                let room = self.inet.net.pool().get(MOST)?;
                Gathered { room, len: 0, to }
            }
        };
        let ip = 20 * usize::from(self.family == Family::V4);
        let headers = ip + HEADER * usize::from(self.kind == Kind::Udp);
        let (begin, len) = (gathered.len, data.remaining());
        let room = &mut gathered.room.payload_mut()[begin..MOST - headers];
        let added = match len <= room.len() {
            true => data.take(room),
            false => Err(Errno::EMSGSIZE),
        };
        gathered.len += len;
        if holds && added.is_ok() {
            self.state.with(|state| state.gathered = Some(gathered));
            return added;
        }
        let Gathered { room, len, to } = gathered;
        let sent = added.and_then(|_| {
            let mut all = UserIn::from(&room.payload()[..len]).into();
            self.send_one(lwp, &mut all, to, chosen)
        });
        self.inet.net.pool().recycle(room);
        sent?;
        added
    }

    /// Sends what there is when there is a cork no more. As Linux has it, nobody hears if it cannot be sent.
    pub(super) fn cork(&self, lwp: &Lwp<'_>) {
        self.gathers.set(1);
        let goes = |state: &super::DatagramState| {
            state.gathered.is_some() && !state.options.is(Opt::UdpCork)
        };
        if self.state.with(|state| goes(state)) {
            let mut nothing = UserIn::from(&[][..]).into();
            let _ = self.gather(lwp, &mut nothing, None, Chosen::default(), false);
            self.inet.settle(lwp);
        }
    }
}
