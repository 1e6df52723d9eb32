//! Files in memory, as far as that goes without virtual memory: a copy, which is written back if it is shared.
//!
//! A private mapping is read once. A shared one is read once, too, and `msync` and `munmap` write it to its file; what
//! others write meanwhile is not seen in it. Memory of a mapping is the kernel's until it is unmapped or its process ends,
//! and looked at only as any memory of a caller is.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Charge, Errno, Lwp};
use syscall::consts::*;
use syscall::{Address, Fd, UioIn, UioOut, UserIn, UserOut};

use crate::failures::Known;
use crate::openfile::VnodeFile;
use crate::page::PAGE;
use crate::{Kind, Person, Vnode};

/// What a mapping shows of a file.
struct View {
    vnode: Arc<Vnode>,
    offset: u64,
    /// Changes go back to the file.
    goes_back: bool,
    /// What `msync` was told of writing back.
    known: Leaf<Known>,
}

/// A mapping of a process.
struct Mapping {
    address: usize,
    len: usize,
    view: Option<Arc<View>>,
    /// Nobody looks at it here: it is the caller's until it is dropped.
    _memory: Vec<u8>,
    _charge: Charge,
}

/// The mappings of a process.
pub(crate) struct Mappings(Leaf<Vec<Mapping>>);

impl Mappings {
    pub(crate) fn new() -> Self {
        Mappings(Leaf::new(Vec::new()))
    }

    /// The view in which a range lies, and how far from its begin; nothing for one of no file. `ENOMEM` if the range is
    /// in no mapping.
    fn find(&self, address: usize, len: usize) -> Result<Option<(Arc<View>, usize)>, Errno> {
        self.0.with(|mappings| {
            let holds = |mapping: &&Mapping| {
                let before = address.checked_sub(mapping.address);
                before.is_some_and(|before| before.saturating_add(len) <= mapping.len)
            };
            let mapping = mappings.iter().find(holds).ok_or(Errno::ENOMEM)?;
            let before = address - mapping.address;
            Ok(mapping.view.clone().map(|view| (view, before)))
        })
    }
}

/// Bytes that so many take in whole pages. `ENOMEM` for what no memory holds.
fn whole(len: usize) -> Result<usize, Errno> {
    len.checked_next_multiple_of(PAGE).ok_or(Errno::ENOMEM)
}

/// Checks what is to be mapped.
fn view(
    lwp: &Lwp<'_>,
    protection: u32,
    flags: u32,
    fd: Fd,
    offset: u64,
) -> Result<Arc<View>, Errno> {
    lwp.process().with_file(lwp, fd, |open| {
        let file: &VnodeFile = open.downcast().ok_or(Errno::ENODEV)?;
        let goes_back = flags & MAP_SHARED != 0 && protection & PROT_WRITE != 0;
        if !open.readable() || (goes_back && !open.writable()) {
            return Err(Errno::EACCES);
        }
        if file.contents().kind() != Kind::File {
            return Err(Errno::ENODEV);
        }
        Ok(Arc::new(View {
            known: file.contents().known_failures(),
            vnode: file.contents().clone(),
            offset,
            goes_back,
        }))
    })
}

/// Makes a mapping: its address.
pub(crate) fn map(
    lwp: &Lwp<'_>,
    len: usize,
    protection: u32,
    flags: u32,
    fd: Fd,
    offset: i64,
) -> Result<Address, Errno> {
    const KNOWN: u32 = MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS;
    let how = flags & (MAP_SHARED | MAP_PRIVATE);
    let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
    if len == 0 || !offset.is_multiple_of(PAGE as u64) || how == 0 || how == KNOWN & 3 {
        return Err(Errno::EINVAL);
    }
    if flags & !KNOWN != 0 || protection & PROT_EXEC != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let view = match flags & MAP_ANONYMOUS {
        0 => Some(view(lwp, protection, flags, fd, offset)?),
        _ => None,
    };
    let len = whole(len)?;
    // A page more, to begin at one.
    let room = len.checked_add(PAGE).ok_or(Errno::ENOMEM)?;
    let charge = lwp.instance().memory().charge_bulk(room)?;
    let mut memory = Vec::new();
    memory.try_reserve_exact(room).map_err(|_| Errno::ENOMEM)?;
    memory.resize(room, 0);
    let begin = memory.as_ptr().align_offset(PAGE);
    let place = &mut memory[begin..begin + len];
    if let Some(view) = &view {
        let mut to = UioOut::from(UserOut::from(&mut *place));
        view.vnode.read(lwp, view.offset, &mut to)?;
    }
    let address = place.as_mut_ptr().expose_provenance();
    let mapping = Mapping {
        address,
        len,
        view,
        _memory: memory,
        _charge: charge,
    };
    let person = Person::of(lwp)?;
    person.mappings().0.with(|mappings| mappings.push(mapping));
    Ok(Address(address))
}

/// Writes a range of a shared mapping to its file, as far as that goes: a mapping makes no file longer.
fn write_back(lwp: &Lwp<'_>, view: &View, before: usize, range: UserIn<'_>) -> Result<(), Errno> {
    if !view.goes_back {
        return Ok(());
    }
    let offset = view.offset + before as u64;
    let left = view.vnode.attributes(lwp)?.size.saturating_sub(offset);
    let len = range.len().min(usize::try_from(left).unwrap_or(usize::MAX));
    let mut from = UioIn::from(range.first(len));
    let mut at = offset;
    while from.remaining() > 0 {
        let (count, end) = view.vnode.write(lwp, Some(at), &mut from)?;
        if count == 0 {
            return Err(Errno::EIO);
        }
        at = end;
    }
    view.vnode.happened(lwp, IN_MODIFY);
    Ok(())
}

/// Writes a range of a mapping to its file, and with `MS_SYNC` has it survive a loss of power.
pub(crate) fn synchronise(lwp: &Lwp<'_>, range: UserIn<'_>, flags: u32) -> Result<(), Errno> {
    let both = MS_SYNC | MS_ASYNC;
    if flags & !(both | MS_INVALIDATE) != 0 || flags & both == both {
        return Err(Errno::EINVAL);
    }
    if !range.address().is_multiple_of(PAGE) {
        return Err(Errno::EINVAL);
    }
    let mappings = Person::of(lwp)?;
    match mappings.mappings().find(range.address(), range.len())? {
        Some((view, before)) => {
            write_back(lwp, &view, before, range)?;
            match flags & MS_SYNC {
                0 => Ok(()),
                _ => view.vnode.sync(lwp, &view.known, true),
            }
        }
        None => Ok(()),
    }
}

/// Ends a mapping, which is named as a whole (`EINVAL`); a shared one is written to its file.
pub(crate) fn unmap(lwp: &Lwp<'_>, range: UserIn<'_>) -> Result<(), Errno> {
    let person = Person::of(lwp)?;
    let len = whole(range.len())?;
    let is_it = |mapping: &Mapping| mapping.address == range.address() && mapping.len == len;
    let mapping = person.mappings().0.with(|mappings| {
        let at = mappings.iter().position(is_it).ok_or(Errno::EINVAL)?;
        Ok::<_, Errno>(mappings.swap_remove(at))
    })?;
    match &mapping.view {
        Some(view) => write_back(lwp, view, 0, range),
        None => Ok(()),
    }
}
