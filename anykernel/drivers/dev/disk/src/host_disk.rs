//! One open disk.

use alloc::format;
use alloc::string::String;
use alloc::sync::{Arc, Weak};
use core::ops::RangeInclusive;

use base::sync::Leaf;
use base::{Errno, HostHandle, Lwp, UpcallGuard, Work, upcall};
use dev::{Disk, Geometry, Operation, Request};
use hypercall::{DiskInfo, DiskNews, block};

use crate::under_way::UnderWay;

/// The most bytes of a request.
const LARGEST: usize = 1 << 20;

/// Block sizes that make sense, in bytes.
const BLOCK_SIZES: RangeInclusive<u32> = 512..=65536;

/// An open disk of the host.
pub(crate) struct HostDisk {
    handle: u64,
    geometry: Geometry,
    discards: bool,
    /// Bytes behind the last whole block.
    left_over: u64,
    /// What closes it, also if the instance dies.
    open: HostHandle,
    /// None once it is closed by us.
    upcall: Leaf<Option<UpcallGuard>>,
    /// What the host has. A request is here before the host hears of it, and its memory until it has ended.
    under_way: Leaf<UnderWay>,
}

impl HostDisk {
    pub(crate) fn open(lwp: &Lwp<'_>, name: &str, read_only: bool) -> Result<Arc<Self>, Errno> {
        // The upcall comes before there is a disk for it to find.
        let found: Arc<Leaf<Weak<HostDisk>>> = Arc::new(Leaf::new(Weak::new()));
        let of_work = found.clone();
        let work = Work::new(lwp.instance(), move |lwp| {
            if let Some(disk) = of_work.with(|disk| disk.upgrade()) {
                disk.take_news(lwp);
            }
        });
        let (upcall, guard) = upcall(&work);
        let mut info = DiskInfo::default();
        let flags = if read_only { DiskInfo::READ_ONLY } else { 0 };
        let handle = Errno::check(block::open(name.into(), flags, &mut info, upcall))?;
        let open = lwp.instance().keep(handle, block::close);
        let size = info.block_size;
        if !size.is_power_of_two() || !BLOCK_SIZES.contains(&size) || info.size < size.into() {
            open.close();
            return Err(Errno::EINVAL);
        }
        let disk = Arc::new(HostDisk {
            handle,
            geometry: Geometry {
                block_size: size,
                blocks: info.size / u64::from(size),
                read_only: read_only || info.flags & DiskInfo::READ_ONLY != 0,
                largest: LARGEST,
            },
            discards: info.flags & DiskInfo::DISCARDS != 0,
            left_over: info.size % u64::from(size),
            open,
            upcall: Leaf::new(Some(guard)),
            under_way: Leaf::new(UnderWay::default()),
        });
        found.with(|place| *place = Arc::downgrade(&disk));
        Ok(disk)
    }

    /// What it is, for people.
    pub(crate) fn describe(&self) -> String {
        let Geometry {
            block_size,
            blocks,
            read_only,
            ..
        } = self.geometry;
        let read_only = if read_only { ", read-only" } else { "" };
        let rest = match self.left_over {
            0 => String::new(),
            bytes => format!("; the {bytes} bytes behind the last are left out"),
        };
        format!("{blocks} blocks of {block_size} bytes{read_only}{rest}")
    }

    /// Closes it. What the host has ends first; of requests whose end was not heard of, nobody knows how they ended.
    pub(crate) fn close(&self, lwp: &Lwp<'_>) {
        if !self.open.close() {
            return;
        }
        // The platform has forgotten the upcall before its object goes.
        drop(self.upcall.with(Option::take));
        for request in self.under_way.with(UnderWay::take_all) {
            request.complete(lwp, Err(Errno::EIO));
        }
    }

    /// Takes the ends that the host tells of.
    fn take_news(&self, lwp: &Lwp<'_>) {
        let mut news = DiskNews::default();
        while !self.open.is_closed() {
            let count = block::news(self.handle, &mut news).min(news.operations.len());
            for (number, result) in news.operations.iter().zip(news.results).take(count) {
                self.end(lwp, *number, Errno::check(result).map(drop));
            }
            if count < news.operations.len() {
                break;
            }
        }
    }

    fn end(&self, lwp: &Lwp<'_>, number: u64, result: Result<(), Errno>) {
        if let Some(request) = self.under_way.with(|all| all.take(number)) {
            request.complete(lwp, result);
        }
    }
}

impl Disk for HostDisk {
    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn most_discarded(&self) -> u64 {
        if self.discards {
            self.geometry.blocks
        } else {
            0
        }
    }

    fn submit(&self, lwp: &Lwp<'_>, mut request: Request) {
        if self.open.is_closed() {
            return request.complete(lwp, Err(Errno::ENXIO));
        }
        let size = u64::from(self.geometry.block_size);
        let (operation, offset) = (request.operation, request.first * size);
        let len = request.buffer.len();
        let address = request.buffer.as_mut_ptr().expose_provenance();
        let number = self.under_way.with(|all| all.add(request));
        let answer = match operation {
            Operation::Read => block::read(self.handle, number, offset, address, len),
            Operation::Write => block::write(self.handle, number, offset, address, len),
            Operation::Flush => block::flush(self.handle, number),
            Operation::Discard { count } => {
                block::discard(self.handle, number, offset, count * size)
            }
        };
        match Errno::check(answer) {
            Ok(0) => self.end(lwp, number, Ok(())),
            // Its end is, or will be, among the news.
            Ok(_) => {}
            Err(errno) => self.end(lwp, number, Err(errno)),
        }
    }
}
