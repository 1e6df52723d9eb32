//! Where things are: what the first sector says ("FAT: General Overview of On-Disk Format", Microsoft, 1.03).

use alloc::format;

use base::{Errno, Failure, Lwp};
use bio::Volume;

use crate::bytes::{u16_at, u32_at};

/// The first data cluster.
pub(crate) const FIRST: u32 = 2;
/// Bytes of the first sector that anything is said in.
const LEN: usize = 512;
/// Clusters from which on entries of the table have 16 bits.
pub(crate) const MANY: u32 = 4085;
/// Clusters that entries of 16 and of 28 bits can name.
pub(crate) const MOST_16: u32 = 65_524;
pub(crate) const MOST_32: u32 = 0x0fff_fff5;

/// Bits of an entry of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Bits12,
    Bits16,
    Bits32,
}

/// Where the entries of the root are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// At a place of their own, so many bytes.
    Fixed { at: u64, len: u32 },
    /// In clusters, like those of any other directory.
    Cluster(u32),
}

/// A file system's geometry, all in bytes.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) width: Width,
    /// Where the first table begins, and how long each is.
    pub(crate) table: u64,
    pub(crate) table_len: u64,
    pub(crate) tables: u32,
    /// The one table that counts, if they are not all the same.
    pub(crate) only_table: Option<u32>,
    pub(crate) root: Root,
    pub(crate) data: u64,
    pub(crate) cluster_size: u32,
    pub(crate) clusters: u32,
    /// Where it stands how much is free.
    pub(crate) info: Option<u64>,
    /// The byte whose lowest bit says that something was left undone.
    pub(crate) state: u64,
}

impl Layout {
    /// What a volume's first sector says. The failure names the byte that is wrong.
    pub(crate) fn read(lwp: &Lwp<'_>, volume: &Volume) -> Result<Layout, Failure> {
        if volume.size() < LEN as u64 {
            return Err(Failure::new(Errno::EINVAL, "byte 0: too small for any FAT"));
        }
        let mut raw = [0; LEN];
        volume.read_at(lwp, 0, &mut raw)?;
        let none = |message| Failure::new(Errno::EINVAL, message);
        if u16_at(&raw, 510) != 0xaa55 {
            return Err(none("byte 510: no FAT begins here"));
        }
        let sector = u32::from(u16_at(&raw, 11));
        let per_cluster = u32::from(raw[13]);
        if !sector.is_power_of_two() || !(512..=4096).contains(&sector) {
            return Err(none("byte 11: no FAT has sectors of this size"));
        }
        if !per_cluster.is_power_of_two() {
            return Err(none("byte 13: no FAT has clusters of this size"));
        }
        let reserved = u16_at(&raw, 14);
        let tables = u32::from(raw[16]);
        if reserved == 0 || !(1..=8).contains(&tables) {
            return Err(none("byte 14: no FAT has these tables"));
        }
        Layout::of(&raw, sector, volume.size())
    }

    fn of(raw: &[u8; LEN], sector: u32, volume: u64) -> Result<Layout, Failure> {
        let unclean = |message| Failure::new(Errno::EUCLEAN, message);
        let bytes = |sectors: u32| u64::from(sectors) * u64::from(sector);
        let either = |short: u16, long: u32| match short {
            0 => long,
            short => u32::from(short),
        };
        let tables = u32::from(raw[16]);
        let table_sectors = either(u16_at(raw, 22), u32_at(raw, 36));
        let table = bytes(u32::from(u16_at(raw, 14)));
        let table_len = bytes(table_sectors);
        let root_len = (u32::from(u16_at(raw, 17)) * 32).next_multiple_of(sector);
        let root = table + table_len * u64::from(tables);
        let data = root + u64::from(root_len);
        let size = bytes(either(u16_at(raw, 19), u32_at(raw, 32)));
        if size > volume {
            let message = format!("byte 32: it has {size} bytes, and there are only {volume}");
            return Err(unclean(message));
        }
        let cluster_size = sector * u32::from(raw[13]);
        let clusters = size.saturating_sub(data) / u64::from(cluster_size);
        let clusters = u32::try_from(clusters).unwrap_or(u32::MAX);
        let long = u16_at(raw, 22) == 0;
        let (width, most) = match clusters {
            _ if long => (Width::Bits32, MOST_32),
            0..MANY => (Width::Bits12, MANY - 1),
            _ => (Width::Bits16, MOST_16),
        };
        if clusters == 0 || clusters > most {
            return Err(unclean(format!(
                "byte 13: it would have {clusters} clusters"
            )));
        }
        let layout = Layout {
            width,
            table,
            table_len,
            tables,
            only_table: (long && raw[40] & 0x80 != 0).then_some(u32::from(raw[40] & 0x0f)),
            root: match long {
                true => Root::Cluster(u32_at(raw, 44)),
                false => Root::Fixed {
                    at: root,
                    len: root_len,
                },
            },
            data,
            cluster_size,
            clusters,
            info: Some(u16_at(raw, 48))
                .filter(|info| long && *info != 0 && *info < u16_at(raw, 14))
                .map(|info| bytes(u32::from(info))),
            state: if long { 65 } else { 37 },
        };
        let (_, end) = layout.entry(layout.end() - 1);
        if end > table_len || layout.only_table.is_some_and(|only| only >= tables) {
            return Err(unclean(format!(
                "byte 22: tables of {table_len} bytes are too short"
            )));
        }
        match layout.root {
            Root::Cluster(cluster) if !layout.has(cluster) => {
                Err(unclean(format!("byte 44: the root in cluster {cluster}")))
            }
            Root::Fixed { len: 0, .. } => {
                Err(unclean(format!("byte 17: a root of {root_len} bytes")))
            }
            _ => Ok(layout),
        }
    }

    /// The first number that no cluster has.
    pub(crate) fn end(&self) -> u32 {
        FIRST + self.clusters
    }

    /// Whether there is such a cluster.
    pub(crate) fn has(&self, cluster: u32) -> bool {
        (FIRST..self.end()).contains(&cluster)
    }

    /// Where a cluster is.
    pub(crate) fn place(&self, cluster: u32) -> u64 {
        self.data + u64::from(cluster - FIRST) * u64::from(self.cluster_size)
    }

    /// Where in a table the entry of a cluster is: from which byte to which.
    pub(crate) fn entry(&self, cluster: u32) -> (u64, u64) {
        let cluster = u64::from(cluster);
        match self.width {
            Width::Bits12 => (cluster * 3 / 2, cluster * 3 / 2 + 2),
            Width::Bits16 => (cluster * 2, cluster * 2 + 2),
            Width::Bits32 => (cluster * 4, cluster * 4 + 4),
        }
    }
}
