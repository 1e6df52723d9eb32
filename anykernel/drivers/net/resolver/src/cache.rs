//! What was answered lately.

use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Charge, Memory};
use core::net::IpAddr;

use crate::message::{Answer, Kind};
use crate::name::Name;

/// Answers remembered.
const MOST: usize = 128;
const SECOND: u64 = 1_000_000_000;

struct Entry {
    name: Name,
    kind: Kind,
    answer: Answer,
    /// In nanoseconds of the monotonic clock.
    expires: u64,
    _charge: Charge,
}

/// Answers, each until its end. Plain data; the lock is around it.
#[derive(Default)]
pub(crate) struct Cache(Vec<Entry>);

impl Cache {
    /// What was answered, if that still holds.
    pub(crate) fn find(&self, name: &Name, kind: Kind, now: u64) -> Option<Answer> {
        let found = self
            .0
            .iter()
            .find(|entry| entry.kind == kind && entry.name == *name);
        let entry = found.filter(|entry| entry.expires > now)?;
        Some(entry.answer.clone())
    }

    /// Remembers an answer, in place of an earlier one, and if need be of the one that would end first. Where
    /// there is no memory for it, it is asked for again.
    pub(crate) fn put(
        &mut self,
        name: &Name,
        kind: Kind,
        answer: &Answer,
        memory: &Arc<Memory>,
        now: u64,
    ) {
        self.0
            .retain(|entry| entry.expires > now && (entry.kind != kind || entry.name != *name));
        if answer.ttl == 0 {
            return;
        }
        let addresses = answer.addresses.as_ref().map_or(0, Vec::len);
        let names = name.bytes().len() + answer.name.bytes().len();
        let bytes = size_of::<Entry>() + names + addresses * size_of::<IpAddr>();
        let Ok(charge) = memory.charge_bulk(bytes) else {
            return;
        };
        if self.0.len() >= MOST {
            let ends = |(_, entry): &(usize, &Entry)| entry.expires;
            if let Some((first, _)) = self.0.iter().enumerate().min_by_key(ends) {
                self.0.swap_remove(first);
            }
        }
        self.0.push(Entry {
            name: name.clone(),
            kind,
            answer: answer.clone(),
            expires: now.saturating_add(u64::from(answer.ttl) * SECOND),
            _charge: charge,
        });
    }
}
