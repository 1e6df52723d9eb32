//! Tables as they are read, sound and hostile.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use base::Errno;
use dev::Geometry;

use super::images::{BLOCK, HEADER, Header, empty, name, put_gpt, put_header, put_mbr};
use crate::blocks::Blocks;
use crate::gpt::crc32;
use crate::table::Table;

fn read(disk: &[u8]) -> Table {
    read_from(disk, |_| true)
}

/// Reads a table from a disk that can read only some of its blocks.
fn read_from(disk: &[u8], readable: impl Fn(u64) -> bool) -> Table {
    let mut blocks = Blocks::new(Geometry {
        block_size: BLOCK as u32,
        blocks: (disk.len() / BLOCK) as u64,
        read_only: false,
        largest: 4 * BLOCK,
    });
    for _ in 0..1000 {
        match Table::read(&blocks) {
            Ok(table) => return table,
            Err(lacking) => {
                assert!((1..=4).contains(&lacking.count));
                let range = lacking.first..lacking.first + lacking.count;
                let start = lacking.first as usize * BLOCK;
                let bytes = &disk[start..start + lacking.count as usize * BLOCK];
                let all = range.clone().all(&readable);
                blocks.put(&lacking, if all { Ok(bytes) } else { Err(Errno::EIO) });
            }
        }
    }
    panic!("there is no end to reading");
}

fn parts(table: &Table) -> Vec<(u32, u64, u64)> {
    let parts = table.partitions.iter();
    parts
        .map(|part| (part.number, part.first, part.count))
        .collect()
}

fn said(table: &Table) -> String {
    table.complaints.join("\n")
}

#[test]
fn the_checksum_is_the_usual_one() {
    assert_eq!(crc32(&[b"1234", b"56789"]), 0xcbf4_3926);
}

#[test]
fn boot_records_have_primary_and_logical_partitions() {
    let mut disk = empty(1000);
    put_mbr(
        &mut disk,
        0,
        &[(0x83, 10, 20), (0, 0, 0), (0x0f, 100, 500), (7, 700, 300)],
    );
    put_mbr(&mut disk, 100, &[(0x83, 1, 49), (5, 150, 50)]);
    // The second link is behind the third, as when partitions were made and taken away.
    put_mbr(&mut disk, 250, &[(0x82, 2, 48), (5, 50, 100)]);
    put_mbr(&mut disk, 150, &[(0x83, 1, 99)]);
    let table = read(&disk);
    assert_eq!(table.kind, "MBR");
    let expected = [
        (1, 10, 20),
        (4, 700, 300),
        (5, 101, 49),
        (6, 252, 48),
        (7, 151, 99),
    ];
    assert_eq!(parts(&table), expected);
    assert_eq!(table.complaints, Vec::<String>::new());
}

#[test]
fn what_is_no_table_is_none() {
    assert_eq!(read(&[]), Table::default());
    assert_eq!(read(&empty(1)), Table::default());
    assert_eq!(read(&vec![0xff; 100 * BLOCK]), Table::default());
    let mut disk = empty(100);
    put_mbr(&mut disk, 0, &[]);
    assert_eq!(read(&disk), Table::default());
    // A file system whose first sector could be one.
    put_mbr(&mut disk, 0, &[(0x83, 1, 10)]);
    assert_eq!(parts(&read(&disk)), [(1, 1, 10)]);
    disk[54..62].copy_from_slice(b"FAT16   ");
    assert_eq!(read(&disk), Table::default());
    // Code where the entries would be.
    let mut disk = empty(100);
    put_mbr(&mut disk, 0, &[(0x83, 1, 10)]);
    disk[446 + 16] = 0x42;
    assert_eq!(read(&disk), Table::default());
}

#[test]
fn entries_of_hostile_boot_records_are_held_against_the_disk() {
    let mut disk = empty(1000);
    put_mbr(
        &mut disk,
        0,
        &[
            (0x83, 5, u32::MAX),
            (0x83, u32::MAX, u32::MAX),
            (0x83, 1000, 1),
            (0x83, 100, 1),
        ],
    );
    let table = read(&disk);
    assert_eq!(parts(&table), [(1, 5, 995), (4, 100, 1)]);
    let said = said(&table);
    for what in [
        "block 0: partition 1 of 4294967295 blocks ends behind the disk; it is cut to 995",
        "block 0: partition 2 begins at 4294967295, behind the disk's end at 1000; it is left out",
        "block 0: partition 3 begins at 1000",
        "block 0: partition 4 has blocks of partition 1",
    ] {
        assert!(said.contains(what), "{said}");
    }
}

#[test]
fn chains_of_logical_partitions_end() {
    // In itself, in a circle of two, behind the disk, in nothing.
    for (link, why) in [
        (
            0,
            "block 100: the chain of logical partitions goes in a circle",
        ),
        (
            50,
            "block 150: the chain of logical partitions goes in a circle",
        ),
        (u32::MAX, "block 4294967395: behind the disk's end; no more"),
        (60, "block 160: no table of a logical partition; no more"),
    ] {
        let mut disk = empty(1000);
        put_mbr(&mut disk, 0, &[(5, 100, 900)]);
        put_mbr(&mut disk, 100, &[(0x83, 1, 10), (5, link, 10)]);
        put_mbr(&mut disk, 150, &[(0x83, 1, 10), (5, 0, 10)]);
        let table = read(&disk);
        assert!(said(&table).starts_with(why), "{}", said(&table));
        assert_eq!(parts(&table)[0], (5, 101, 10));
        assert!(parts(&table).len() <= 2);
    }
    let mut disk = empty(1000);
    put_mbr(&mut disk, 0, &[(5, 100, 900), (5, 100, 900)]);
    for at in 100..900 {
        put_mbr(&mut disk, at, &[(0x83, 0, 1), (5, at as u32 - 99, 1)]);
    }
    let table = read(&disk);
    assert_eq!(table.partitions.len(), 256);
    assert!(said(&table).contains("block 228: the rest of more than 128 logical partitions"));
}

#[test]
fn a_gpt_is_read_from_where_it_is_sound() {
    let mut disk = empty(2000);
    put_gpt(&mut disk, &[(40, 139), (0, 0), (140, 140)]);
    // A partition of the second entry begins and ends at zero: it is there, if odd.
    let expected = [(1, 40, 100), (2, 0, 1), (3, 140, 1)];
    let table = read(&disk);
    assert_eq!((table.kind, &parts(&table)[..]), ("GPT", &expected[..]));
    assert_eq!(said(&table), "");
    let names = table.partitions.iter().map(|part| part.name.clone());
    assert_eq!(names.collect::<Vec<_>>(), [0, 1, 2].map(name));
    for (at, why) in [
        (BLOCK, "here should be the header"),
        (BLOCK + 56, "the checksum of the GPT's header is wrong"),
        (2 * BLOCK + 33, "the checksum of its entries at 2 is wrong"),
    ] {
        let mut damaged = disk.clone();
        damaged[at] ^= 1;
        let table = read(&damaged);
        assert_eq!(parts(&table), expected);
        assert!(said(&table).starts_with("block 1: "), "{}", said(&table));
        assert!(said(&table).contains(why), "{}", said(&table));
        assert!(said(&table).ends_with("the copy of the GPT at 1999 is used"));
    }
    let table = read_from(&disk, |block| !(1..4).contains(&block));
    assert_eq!(parts(&table), expected);
    // Both are damaged.
    let mut damaged = disk.clone();
    damaged[BLOCK] ^= 1;
    damaged[1999 * BLOCK] ^= 1;
    let table = read(&damaged);
    assert_eq!(parts(&table), []);
    assert!(said(&table).ends_with("so no partition is known"));
    // The copy of a shorter disk lies in the middle: who is asked is the table at the beginning.
    disk.resize(3000 * BLOCK, 0);
    assert_eq!(parts(&read(&disk)), expected);
}

#[test]
fn headers_of_hostile_gpts_are_refused_and_entries_held_against_the_disk() {
    for (header, why) in [
        (Header { size: 91, ..HEADER }, "a GPT's header of 91 bytes"),
        (
            Header {
                size: u32::MAX,
                ..HEADER
            },
            "a GPT's header of 4294967295 bytes",
        ),
        (
            Header {
                entry_size: 0,
                ..HEADER
            },
            "a GPT with entries of 0 bytes",
        ),
        (
            Header {
                entry_size: 192,
                ..HEADER
            },
            "a GPT with entries of 192 bytes",
        ),
        (
            Header {
                count: u32::MAX,
                ..HEADER
            },
            "a GPT with 4294967295 entries of 128 bytes",
        ),
        (
            Header {
                entries: u64::MAX,
                ..HEADER
            },
            "its entries at 18446744073709551615: behind",
        ),
        (
            Header {
                entries: 1990,
                ..HEADER
            },
            "its entries at 1990: behind the disk's end",
        ),
    ] {
        let mut disk = empty(2000);
        put_mbr(&mut disk, 0, &[(0xee, 1, 1999)]);
        put_header(&mut disk, 1, &header, &[]);
        let table = read(&disk);
        assert!(said(&table).contains(why), "{why}: {}", said(&table));
        assert_eq!(table.partitions, []);
    }
    let mut disk = empty(2000);
    put_gpt(
        &mut disk,
        &[
            (0, u64::MAX),
            (50, 49),
            (60, u64::MAX),
            (2000, 2001),
            (u64::MAX, u64::MAX),
        ],
    );
    let table = read(&disk);
    assert_eq!(parts(&table), [(3, 60, 1940)]);
    assert_eq!(table.complaints.len(), 5, "{}", said(&table));
    // Entries of another size, and more of them than anybody needs.
    let header = Header {
        count: 1000,
        entry_size: 256,
        ..HEADER
    };
    let many = vec![(60, 60); 1000];
    put_header(&mut disk, 1, &header, &many);
    let table = read(&disk);
    assert_eq!(table.partitions.len(), 256);
    assert_eq!(table.partitions[255].number, 256);
}

#[test]
fn no_bytes_make_it_panic_or_run_away() {
    let mut good = [empty(600), empty(600)];
    put_gpt(&mut good[0], &[(40, 50), (60, 70)]);
    put_mbr(&mut good[1], 0, &[(0x83, 10, 20), (5, 100, 400)]);
    put_mbr(&mut good[1], 100, &[(0x83, 1, 20), (5, 50, 50)]);
    put_mbr(&mut good[1], 150, &[(0x83, 1, 20)]);
    let mut state = 1u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 33) as usize % below
    };
    for _ in 0..300 {
        let mut disk = good[random(2)].clone();
        for _ in 0..=random(8) {
            let block = [0, 1, 2, 100, 150, 599][random(6)];
            disk[block * BLOCK + random(BLOCK)] = [0, 1, 5, 0xee, 0xff, 0x80][random(6)];
        }
        for part in read(&disk).partitions {
            assert!(part.count > 0 && part.first + part.count <= 600);
        }
    }
}
