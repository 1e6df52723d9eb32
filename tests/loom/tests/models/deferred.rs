//! No request for deferred work gets lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use base::Work;
use loom::thread;

use crate::{boot, check, platform};

/// Two threads have news and schedule work, one piece or one each, which the host does. If a request got lost,
/// the host would wait for ever with news unseen.
fn schedule(one: bool, preemptions: usize) {
    check(preemptions, move || {
        let kernel = boot();
        let (news, seen) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let work = || {
            let (news, seen) = (news.clone(), seen.clone());
            Work::new(kernel.instance(), move |_| {
                seen.store(news.load(SeqCst), SeqCst);
            })
        };
        let first = work();
        let second = if one { first.clone() } else { work() };
        let threads = [first, second].map(|work| {
            let news = news.clone();
            thread::spawn(move || {
                news.fetch_add(1, SeqCst);
                work.schedule();
            })
        });
        while seen.load(SeqCst) < 2 {
            platform::run_deferred();
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn two_ask_for_the_same() {
    schedule(true, 6);
}

#[test]
fn two_ask_for_two() {
    schedule(false, 4);
}
