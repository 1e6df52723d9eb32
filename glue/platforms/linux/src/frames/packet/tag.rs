//! VLAN tags. The system takes them out of frames that arrive, and says so in control data; a frame gets its own
//! back.

use std::mem;

use hypercall::Offload;

/// Bytes of an Ethernet header up to the tag, if there is one; and of a tag.
const ADDRESSES: usize = 12;
pub(super) const TAG: usize = 4;

/// `struct tpacket_auxdata`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Auxiliary {
    status: u32,
    len: u32,
    snaplen: u32,
    mac: u16,
    net: u16,
    vlan_tci: u16,
    vlan_tpid: u16,
}

/// Room for control data: one [`Auxiliary`], with the alignment that it has to have.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub(super) struct Control(pub(super) [u8; CONTROL]);

impl Control {
    pub(super) const EMPTY: Control = Control([0; CONTROL]);
}

// SAFETY: a computation without memory.
pub(super) const CONTROL: usize =
    unsafe { libc::CMSG_SPACE(mem::size_of::<Auxiliary>() as u32) } as usize;

/// The VLAN tag that the system took out of a frame: protocol and content.
///
/// # Safety
///
/// The system filled in the message, whose control data is there.
pub(super) unsafe fn of(message: &libc::msghdr) -> Option<[u8; TAG]> {
    // SAFETY: this function's contract.
    let auxiliary: Auxiliary = unsafe {
        let header = libc::CMSG_FIRSTHDR(message).as_ref()?;
        if (header.cmsg_level, header.cmsg_type) != (libc::SOL_PACKET, libc::PACKET_AUXDATA) {
            return None;
        }
        libc::CMSG_DATA(header).cast::<Auxiliary>().read_unaligned()
    };
    if auxiliary.status & libc::TP_STATUS_VLAN_VALID == 0 {
        return None;
    }
    let protocol = match auxiliary.status & libc::TP_STATUS_VLAN_TPID_VALID {
        0 => libc::ETH_P_8021Q as u16,
        _ => auxiliary.vlan_tpid,
    };
    let [a, b] = protocol.to_be_bytes();
    let [c, d] = auxiliary.vlan_tci.to_be_bytes();
    Some([a, b, c, d])
}

/// Puts a tag into a frame of `len` bytes, behind which there is room for it, and returns the frame's length.
pub(super) fn put(room: &mut [u8], len: usize, tag: [u8; TAG], offload: &mut Offload) -> usize {
    if len < ADDRESSES {
        return len;
    }
    room.copy_within(ADDRESSES..len, ADDRESSES + TAG);
    room[ADDRESSES..ADDRESSES + TAG].copy_from_slice(&tag);
    if offload.flags & Offload::NEEDS_CHECKSUM != 0 {
        offload.checksum_start += TAG as u16;
    }
    if offload.segment_kind != 0 {
        offload.header_len += TAG as u16;
    }
    len + TAG
}
