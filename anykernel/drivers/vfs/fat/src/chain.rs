//! The clusters of a file, one after the other, found without beginning at the first each time.

use alloc::vec::Vec;

use base::{Errno, Lwp};

use crate::table::Table;

/// Clusters from one that is remembered to the next.
const STEP: u32 = 256;

/// A chain of clusters, or none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chain {
    /// Each of them as many clusters from the first as its place says.
    marks: Vec<u32>,
    /// The cluster that was looked at last, and how many are before it.
    here: Option<(u32, u32)>,
}

impl Chain {
    /// The one that begins with a cluster; zero is none. `EUCLEAN` if there is no such cluster.
    pub(crate) fn new(table: &Table, first: u32) -> Result<Chain, Errno> {
        match first {
            0 => Ok(Chain::default()),
            _ if table.layout.has(first) => Ok(Chain {
                marks: Vec::from([first]),
                here: None,
            }),
            _ => Err(Errno::EUCLEAN),
        }
    }

    /// Its first cluster, or zero.
    pub(crate) fn first(&self) -> u32 {
        self.marks.first().copied().unwrap_or(0)
    }

    /// The cluster behind `index` others, if there are so many. `EUCLEAN` where it goes nowhere, or round.
    pub(crate) fn at(
        &mut self,
        lwp: &Lwp<'_>,
        table: &Table,
        index: u32,
    ) -> Result<Option<u32>, Errno> {
        let mark = self.marks.len().min((index / STEP) as usize + 1);
        let Some(mark) = mark.checked_sub(1) else {
            return Ok(None);
        };
        let marked = (mark as u32 * STEP, self.marks[mark]);
        let here = self
            .here
            .filter(|here| here.0 <= index && here.0 > marked.0);
        let (mut count, mut cluster) = here.unwrap_or(marked);
        while count < index {
            if count >= table.layout.clusters {
                return Err(Errno::EUCLEAN);
            }
            let Some(next) = table.after(lwp, cluster)? else {
                self.here = Some((count, cluster));
                return Ok(None);
            };
            (count, cluster) = (count + 1, next);
            if count % STEP == 0 && (count / STEP) as usize == self.marks.len() {
                self.marks.push(cluster);
            }
        }
        self.here = Some((count, cluster));
        Ok(Some(cluster))
    }

    /// How many clusters there are, and the last one.
    pub(crate) fn end(
        &mut self,
        lwp: &Lwp<'_>,
        table: &Table,
    ) -> Result<Option<(u32, u32)>, Errno> {
        match self.at(lwp, table, table.layout.clusters)? {
            None if self.marks.is_empty() => Ok(None),
            None => Ok(self.here.map(|(index, last)| (index + 1, last))),
            Some(_) => Err(Errno::EUCLEAN),
        }
    }

    /// It has only so many clusters any more.
    pub(crate) fn shorten(&mut self, count: u32) {
        self.marks.truncate(count.div_ceil(STEP) as usize);
        self.here = None;
    }

    /// It had none, and now begins with this one.
    pub(crate) fn begin(&mut self, first: u32) {
        *self = Chain {
            marks: Vec::from([first]),
            here: None,
        };
    }
}
