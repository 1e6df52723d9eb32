//! Start infos, sound ones and others.

use super::*;

/// A loader's memory at 1 MiB.
pub(super) struct Fake(pub(super) &'static [u8]);

pub(super) const BASE: u64 = 1 << 20;

impl Memory for Fake {
    fn bytes(&self, start: u64, len: usize) -> &'static [u8] {
        let at = start.wrapping_sub(BASE) as usize;
        match at.checked_add(len) {
            Some(end) if end <= self.0.len() => &self.0[at..end],
            // As where there is nothing on a bus.
            _ => vec![0xff; len].leak(),
        }
    }
}

struct Loader {
    words: [u32; 14],
    map: Vec<[u64; 3]>,
    line: &'static [u8],
    hypervisor: &'static [u8],
}

impl Loader {
    fn new(map: &[[u64; 3]]) -> Loader {
        let mut words = [0; 14];
        (words[0], words[1]) = (MAGIC, 1);
        words[6] = BASE as u32 + 0x100;
        words[10] = BASE as u32 + 0x200;
        words[12] = map.len() as u32;
        Loader {
            words,
            map: map.to_vec(),
            line: b"log-level=debug\0",
            hypervisor: &[],
        }
    }

    fn read(&self) -> Result<StartInfo, Fault> {
        let mut bytes = vec![0; 64 << 10];
        for (to, word) in bytes.chunks_mut(4).zip(&self.words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes[0x100..0x100 + self.line.len()].copy_from_slice(self.line);
        let map = self.map.iter().flatten();
        for (to, word) in bytes[0x200..].chunks_mut(8).zip(map) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        StartInfo::read(&Fake(bytes.leak()), BASE, || (self.hypervisor, 20))
    }
}

const RAM: u64 = 1;
const RESERVED: u64 = 2;

#[test]
fn what_the_loader_says_is_read() {
    let info = Loader::new(&[[0, 0x9fc00, RAM], [0xf0000, 0x10000, RESERVED]]);
    let info = info.read().unwrap();
    assert_eq!(info.line, b"log-level=debug");
    let map: Vec<_> = info.map().collect();
    assert!(map[0].ram && !map[1].ram);
    assert_eq!(
        map[1].range,
        Range {
            start: 0xf0000,
            end: 0x100000
        }
    );
    let reserved: Vec<_> = info.reserved().collect();
    assert!(reserved.contains(&Range {
        start: BASE,
        end: BASE + 56
    }));
    assert!(reserved.contains(&Range {
        start: BASE + 0x100,
        end: BASE + 0x110
    }));
}

#[test]
fn what_cannot_be_is_refused() {
    let fault = |change: fn(&mut Loader)| {
        let mut loader = Loader::new(&[[0, 0x9fc00, RAM]]);
        change(&mut loader);
        loader.read().err()
    };
    assert_eq!(fault(|_| {}), None);
    assert!(matches!(
        fault(|l| l.words[0] = 7),
        Some(Fault::Magic { found: 7, .. })
    ));
    assert_eq!(fault(|l| l.words[1] = 0), Some(Fault::Version(0)));
    assert!(matches!(
        fault(|l| l.words[12] = u32::MAX),
        Some(Fault::Count { .. })
    ));
    assert!(matches!(
        fault(|l| l.words[3] = u32::MAX),
        Some(Fault::Count { .. })
    ));
    // At zero, and at the end of what is mapped.
    assert!(matches!(
        fault(|l| l.words[10] = 0),
        Some(Fault::Pointer { .. })
    ));
    assert!(matches!(
        fault(|l| l.words[11] = 1),
        Some(Fault::Pointer { .. })
    ));
    assert!(matches!(
        fault(|l| l.words[7] = 1),
        Some(Fault::Pointer { .. })
    ));
    // Where no memory is, there is no end of a line either.
    assert_eq!(fault(|l| l.words[6] = 0xffff_fff0), Some(Fault::Endless));
    assert_eq!(fault(|l| l.map[0][1] = u64::MAX - 4), None);
    assert!(matches!(
        fault(|l| l.map[0] = [8, u64::MAX, RAM]),
        Some(Fault::Entry(_))
    ));
    let twice = |l: &mut Loader| {
        l.map.push([0x1000, 0x1000, RAM]);
        l.words[12] = 2;
    };
    assert!(matches!(fault(twice), Some(Fault::Overlap(_))));
}

#[test]
fn a_hypervisor_s_map_stands_in() {
    let mut loader = Loader::new(&[[0, 0x9fc00, RAM]]);
    loader.words[1] = 0;
    let mut map = [0; 40];
    (map[1], map[9], map[16], map[22]) = (0x10, 0x20, 1, 0x10);
    loader.hypervisor = map.to_vec().leak();
    let info = loader.read().unwrap();
    let found: Vec<_> = info.map().collect();
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[0].range,
        Range {
            start: 0x1000,
            end: 0x3000
        }
    );
    assert!(found[0].ram && !found[1].ram);
}
