//! Cutting up packets that are too long for a link (RFC 791, RFC 8200 § 4.5).
//!
//! Only what this kernel itself sends is cut up, so "don't fragment" means the routers on the way: the
//! fragments of such a packet are sent without it.

use alloc::sync::Arc;

use base::{Errno, Lwp};
use smoltcp::wire::{IpProtocol, Ipv4Packet, Ipv6FragmentHeader, Ipv6FragmentRepr, Ipv6Packet};

use crate::input::{IPV6_HEADER, version};
use crate::output::Hop;
use crate::{Batch, Frame, Interface, Net};

/// Bytes of IPv6's fragment header, with the part that every extension header has.
pub(crate) const IPV6_FRAGMENT: usize = 8;

impl Net {
    /// Sends a packet that is longer than `mtu`.
    pub(crate) fn send_fragments(
        &self,
        lwp: &Lwp<'_>,
        interface: &Arc<Interface>,
        mut packet: Frame,
        mtu: usize,
        hop: Hop,
    ) -> Result<(), Errno> {
        // It is the whole packet's, and nobody after us sees that.
        packet.complete_checksum();
        let identification = self.identification.with(|last| {
            *last = last.wrapping_add(1);
            *last
        });
        let mut fragments = Batch::new();
        let cut = match version(&packet) {
            4 => self.cut_ipv4(&packet, mtu, identification, &mut fragments),
            _ => self.cut_ipv6(&packet, mtu, identification, &mut fragments),
        };
        self.pool().recycle(packet);
        if let Err(errno) = cut {
            self.pool().recycle_all(&mut fragments);
            return Err(errno);
        }
        for fragment in fragments {
            self.send_to(lwp, interface, fragment, hop);
        }
        Ok(())
    }

    fn cut_ipv4(
        &self,
        packet: &Frame,
        mtu: usize,
        identification: u32,
        fragments: &mut Batch,
    ) -> Result<(), Errno> {
        let whole = Ipv4Packet::new_checked(packet.payload()).map_err(|_| Errno::EINVAL)?;
        let header_len = usize::from(whole.header_len());
        let data = packet.payload().get(header_len..).ok_or(Errno::EINVAL)?;
        // What comes from a raw socket may be a fragment already.
        let (base, more_follow) = (usize::from(whole.frag_offset()), whole.more_frags());
        for (offset, piece, last) in pieces(data, mtu, header_len)? {
            let mut fragment = self.pool().get(header_len + piece.len())?;
            let bytes = fragment.payload_mut();
            bytes[..header_len].copy_from_slice(&packet.payload()[..header_len]);
            bytes[header_len..].copy_from_slice(piece);
            let len = bytes.len();
            let mut header = Ipv4Packet::new_unchecked(bytes);
            header.set_total_len(u16::try_from(len).map_err(|_| Errno::EMSGSIZE)?);
            if whole.ident() == 0 {
                header.set_ident(identification as u16);
            }
            header.clear_flags();
            header.set_frag_offset(u16::try_from(base + offset).map_err(|_| Errno::EMSGSIZE)?);
            header.set_more_frags(!last || more_follow);
            header.fill_checksum();
            fragments.push(fragment);
        }
        Ok(())
    }

    fn cut_ipv6(
        &self,
        packet: &Frame,
        mtu: usize,
        identification: u32,
        fragments: &mut Batch,
    ) -> Result<(), Errno> {
        let whole = Ipv6Packet::new_checked(packet.payload()).map_err(|_| Errno::EINVAL)?;
        let next = whole.next_header();
        // These stand before a fragment header; a packet that has them was made by hand.
        if matches!(
            next,
            IpProtocol::HopByHop | IpProtocol::Ipv6Route | IpProtocol::Ipv6Frag
        ) {
            return Err(Errno::EMSGSIZE);
        }
        let header_len = IPV6_HEADER + IPV6_FRAGMENT;
        let data = &packet.payload()[IPV6_HEADER..];
        for (offset, piece, last) in pieces(data, mtu, header_len)? {
            let mut fragment = self.pool().get(header_len + piece.len())?;
            let bytes = fragment.payload_mut();
            bytes[..IPV6_HEADER].copy_from_slice(&packet.payload()[..IPV6_HEADER]);
            let mut header = Ipv6Packet::new_unchecked(&mut bytes[..IPV6_HEADER]);
            header.set_next_header(IpProtocol::Ipv6Frag);
            header.set_payload_len((IPV6_FRAGMENT + piece.len()) as u16);
            let extension = &mut bytes[IPV6_HEADER..header_len];
            extension.fill(0);
            extension[0] = next.into();
            Ipv6FragmentRepr {
                frag_offset: (offset / 8) as u16,
                more_frags: !last,
                ident: identification,
            }
            .emit(&mut Ipv6FragmentHeader::new_unchecked(&mut extension[2..]));
            bytes[header_len..].copy_from_slice(piece);
            fragments.push(fragment);
        }
        Ok(())
    }
}

/// The pieces of `data` for packets of `mtu` bytes with headers of `header_len`: offset, bytes, and
/// whether it is the last. All but the last are multiples of eight bytes.
fn pieces(
    data: &[u8],
    mtu: usize,
    header_len: usize,
) -> Result<impl Iterator<Item = (usize, &[u8], bool)>, Errno> {
    let room = mtu.saturating_sub(header_len) & !7;
    if room == 0 {
        return Err(Errno::EMSGSIZE);
    }
    let count = data.len().div_ceil(room);
    let pieces = data.chunks(room).enumerate();
    Ok(pieces.map(move |(index, piece)| (index * room, piece, index + 1 == count)))
}
