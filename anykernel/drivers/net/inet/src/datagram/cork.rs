//! Datagrams put together of what several calls send: `MSG_MORE`, `UDP_CORK`.

use alloc::vec::Vec;

use base::{Errno, Lwp};
use syscall::{SockAddr, UioIn, UserIn};

use super::{DatagramSocket, Kind};
use crate::address::Family;
use crate::datagram::ancillary::Chosen;
use crate::options::Opt;
use crate::udp::HEADER;

/// The most that a packet holds; of IPv4's, beside its header.
const MOST: usize = 65535;

/// The beginning of a datagram, and where the first call said that it goes. What later calls say of that does not count.
#[derive(Default)]
pub(super) struct Gathered {
    bytes: Vec<u8>,
    pub(super) to: Option<SockAddr>,
}

impl DatagramSocket {
    /// Adds to a datagram, and sends it if no more is to come. What cannot be added ends it, unsent.
    #[cold]
    pub(super) fn gather(
        &self,
        lwp: &Lwp<'_>,
        data: &mut UioIn<'_>,
        to: &Option<SockAddr>,
        chosen: &Chosen,
        more: bool,
    ) -> Result<usize, Errno> {
        let (mut gathered, corked) = self.state.with(|state| {
            let corked = state.options.is(Opt::UdpCork);
            (core::mem::take(&mut state.gathered), corked)
        });
        let holds = more || corked;
        self.gathers.set(holds.into());
        let (begin, len) = (gathered.bytes.len(), data.remaining());
        if begin == 0 {
            // An address that is no good is not kept.
            self.route(lwp, to)?;
            gathered.to = *to;
        }
        let ip = 20 * usize::from(self.family == Family::V4);
        let headers = ip + HEADER * usize::from(self.kind == Kind::Udp);
        if begin + len + headers > MOST {
            return Err(Errno::EMSGSIZE);
        }
        let bytes = &mut gathered.bytes;
        bytes.try_reserve(len).map_err(|_| Errno::ENOMEM)?;
        bytes.resize(begin + len, 0);
        data.take(&mut bytes[begin..])?;
        if holds {
            self.state.with(|state| state.gathered = gathered);
            return Ok(len);
        }
        let mut all = UserIn::from(&bytes[..]).into();
        self.send_one(lwp, &mut all, &gathered.to, chosen)?;
        Ok(len)
    }

    /// Sends what there is when there is a cork no more. As Linux has it, nobody hears if it cannot be sent.
    pub(super) fn cork(&self, lwp: &Lwp<'_>) {
        self.gathers.set(1);
        let goes = self
            .state
            .with(|state| !state.gathered.bytes.is_empty() && !state.options.is(Opt::UdpCork));
        if goes {
            let mut nothing = UserIn::from(&[][..]).into();
            let _ = self.gather(lwp, &mut nothing, &None, &Chosen::default(), false);
            self.inet.settle(lwp);
        }
    }
}
