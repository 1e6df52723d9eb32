//! What loaders say, sound and otherwise.

use super::super::tests::{BASE, Fake};
use super::*;

/// A tag with its body, up to where the next one begins.
fn tag(kind: u32, body: &[u8]) -> Vec<u8> {
    let size = (TAG + body.len()) as u32;
    let mut tag = [kind, size].map(u32::to_le_bytes).concat();
    tag.extend(body);
    tag.resize(tag.len().next_multiple_of(ALIGN), 0);
    tag
}

fn map(entry: u32, entries: &[[u64; 3]]) -> Vec<u8> {
    let mut body = [entry, 0].map(u32::to_le_bytes).concat();
    for fields in entries {
        let fields: Vec<u8> = fields.iter().flat_map(|it| it.to_le_bytes()).collect();
        body.extend(&fields[..entry.min(24) as usize]);
        body.resize(body.len() + entry.saturating_sub(24) as usize, 0xee);
    }
    tag(MAP, &body)
}

fn information(tags: &[Vec<u8>]) -> Vec<u8> {
    let tags = tags.concat();
    let size = (HEAD + tags.len()) as u32;
    [&size.to_le_bytes()[..], &[0; 4], &tags].concat()
}

fn read_tags(tags: &[Vec<u8>]) -> Result<StartInfo, Fault> {
    read(&Fake(information(tags).leak()), BASE)
}

const RAM: [u64; 3] = [0x10_0000, 0x10_0000, 1];
const RESERVED: [u64; 3] = [0xf_0000, 0x1_0000, 2];

#[test]
fn what_the_loader_says_is_read() {
    let module = [0x30_0000u32, 0x30_1234].map(u32::to_le_bytes).concat();
    let unknown = tag(1000, &[1, 2, 3]);
    let tags = [
        tag(LINE, b"ip=dhcp -- a\0"),
        unknown,
        tag(MODULE, &module),
        map(24, &[RESERVED, RAM]),
        tag(RSDP_1, &[0; 20]),
        tag(RSDP_2, &[0; 36]),
        tag(END, &[]),
    ];
    let info = read_tags(&tags).unwrap();
    assert_eq!(info.line, b"ip=dhcp -- a");
    let before: usize = tags[..5].iter().map(Vec::len).sum();
    assert_eq!(info.rsdp, BASE + (HEAD + before + TAG) as u64);
    let found: Vec<_> = info.map().map(|it| (it.range.start, it.ram)).collect();
    assert_eq!(found, [(0xf_0000, false), (0x10_0000, true)]);
    let reserved: Vec<_> = info.reserved().collect();
    assert!(reserved.contains(&Range {
        start: 0x30_0000,
        end: 0x30_1234
    }));
    let whole: usize = HEAD + tags.iter().map(Vec::len).sum::<usize>();
    assert!(reserved.contains(&Range {
        start: BASE,
        end: BASE + whole as u64
    }));
}

#[test]
fn entries_may_be_longer_and_much_may_be_left_out() {
    let info = read_tags(&[map(40, &[RAM, RESERVED]), tag(END, &[])]).unwrap();
    assert_eq!((info.line, info.rsdp), (&b""[..], 0));
    assert!(info.map().map(|it| it.ram).eq([true, false]));
}

#[test]
fn what_cannot_be_is_refused() {
    let (good, end) = (map(24, &[RAM]), tag(END, &[]));
    let fault = |tags: &[Vec<u8>]| read_tags(tags).err();
    let says = |tags: &[Vec<u8>], what: &str| match fault(tags) {
        Some(Fault::Multiboot2(found)) => assert!(found.contains(what), "{found}"),
        other => panic!("{what}: {other:?}"),
    };
    assert_eq!(fault(&[good.clone(), end.clone()]), None);
    says(std::slice::from_ref(&good), "a tag");
    says(&[], "a tag");
    for size in [0, 7, 17, u32::MAX] {
        let mut wrong = tag(LINE, b"a\0");
        wrong[4..8].copy_from_slice(&size.to_le_bytes());
        says(&[good.clone(), wrong], "a tag");
    }
    says(std::slice::from_ref(&end), "no memory map");
    says(&[tag(MAP, &[0; 4]), end.clone()], "without a beginning");
    for entry in [0, 19] {
        says(&[map(entry, &[RAM]), end.clone()], "no entry");
    }
    says(&[map(24, &[]), end.clone()], "no entry");
    says(&[map(u32::MAX, &[]), end.clone()], "no entry");
    let endless = tag(LINE, b"no end");
    assert_eq!(
        fault(&[endless, good.clone(), end.clone()]),
        Some(Fault::Endless)
    );
    let twice = map(24, &[RAM, RAM]);
    assert!(matches!(fault(&[twice, end]), Some(Fault::Overlap(_))));
}

#[test]
fn a_length_that_cannot_be_is_refused() {
    for size in [0u32, 7, LONGEST + 1, u32::MAX] {
        let mut bytes = information(&[map(24, &[RAM]), tag(END, &[])]);
        bytes[..4].copy_from_slice(&size.to_le_bytes());
        let fault = read(&Fake(bytes.leak()), BASE).err();
        assert!(matches!(fault, Some(Fault::Multiboot2(_))), "{size}");
    }
    assert!(matches!(
        read(&Fake(&[]), 0).err(),
        Some(Fault::Pointer { .. })
    ));
}

#[test]
fn a_module_cut_short_is_none() {
    let info = read_tags(&[tag(MODULE, &[0; 7]), map(24, &[RAM]), tag(END, &[])]).unwrap();
    assert_eq!(info.tags.modules().count(), 0);
}
