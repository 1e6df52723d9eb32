use alloc::vec;
use alloc::vec::Vec;

use base::{Wait, enter};
use syscall::{UioOut, UserOut};

use super::*;
use crate::Offloads;
use crate::testing::{Host, boot, checksum, ethernet, fold, ip, packet};

const ALL: Offloads = Offloads {
    checksum: true,
    tcp4: 65535,
    tcp6: 65535,
};

fn read(host: &Host, capture: &Arc<Capture>) -> Result<Vec<u8>, Wait> {
    let mut bytes = vec![0; 100_000];
    let result = enter(host.kernel.process(), |lwp| {
        let mut uio = UioOut::from(UserOut::from(&mut bytes[..]));
        Ok(capture.try_read(lwp, &mut uio))
    });
    result.unwrap().map(|len| bytes[..len].to_vec())
}

#[test]
fn yields_a_pcap_stream() {
    let host = boot();
    let link = host.ethernet("virt", &["10.0.0.2/24"]);
    let capture = host.in_kernel(|lwp, net| net.capture(lwp, &link.interface).unwrap());
    let header = read(&host, &capture).unwrap();
    assert_eq!(header[..8], [0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0]);
    assert_eq!(header[20..], [1, 0, 0, 0]);
    assert_eq!(read(&host, &capture), Err(Wait::For(Events::IN)));

    sim::advance(2_000_000_005);
    let us = link.interface.hardware_address();
    let frame = ethernet(us, [2, 0, 0, 0, 0, 9], 0x88cc, &[7; 50]);
    host.feed(&link, &frame);
    let record = read(&host, &capture).unwrap();
    assert_eq!(record.len(), 16 + frame.len());
    let now = hypercall::clock::wall();
    assert_eq!(record[..4], ((now / 1_000_000_000) as u32).to_le_bytes());
    assert_eq!(record[4..8], ((now % 1_000_000_000) as u32).to_le_bytes());
    assert_eq!(record[8..12], 64u32.to_le_bytes());
    assert_eq!(record[12..16], 64u32.to_le_bytes());
    assert_eq!(record[16..], frame);
}

#[test]
fn shows_checksums_that_were_left_open_as_they_will_be() {
    let host = boot();
    let link = host.ethernet_with("virt", ALL, &["10.0.0.2/24"]);
    let capture = host.in_kernel(|lwp, net| net.capture(lwp, &link.interface).unwrap());
    read(&host, &capture).unwrap();
    // Among other records, so that the place is not at a beginning.
    host.send(&packet("10.0.0.2", "10.0.0.255", 17, b"before"))
        .unwrap();
    host.in_kernel(|lwp, net| {
        let bytes = packet("10.0.0.2", "10.0.0.255", 17, &[3; 99]);
        let mut frame = net.pool().copy_of(&bytes).unwrap();
        frame.leave_checksum(20, 6, ip("10.0.0.2"), ip("10.0.0.255"), 17);
        net.output(lwp, frame, None).unwrap();
        net.flush(lwp);
    });
    let records = read(&host, &capture).unwrap();
    let shown = &records[records.len() - 14 - 20 - 99..];
    let sent = &link.sent()[1];
    assert_eq!(shown[..14 + 20 + 6], sent[..14 + 20 + 6]);
    assert_ne!(shown, sent);
    let pseudo = checksum(17 + 99, &shown[26..34]);
    assert_eq!(fold(checksum(pseudo, &shown[34..])), 0);
}

#[test]
fn is_bounded_counts_what_it_missed_and_ends_with_the_file() {
    let host = boot();
    let link = host.ethernet("virt", &["10.0.0.2/24"]);
    let before = host.memory_used();
    let capture = host.in_kernel(|lwp, net| net.capture(lwp, &link.interface).unwrap());
    let us = link.interface.hardware_address();
    let frame = ethernet(us, [2, 0, 0, 0, 0, 9], 0x88cc, &[7; 1500]);
    for _ in 0..1000 {
        host.feed(&link, &frame);
    }
    assert!(capture.dropped() > 0);
    host.in_kernel(|lwp, _| capture.close(lwp));
    let dropped = capture.dropped();
    host.feed(&link, &frame);
    assert_eq!(capture.dropped(), dropped);
    drop(capture);
    // Works hold their object weakly, so it is gone; the pool keeps one frame.
    assert!(host.memory_used() < before + 4096);
}

#[test]
fn without_somebody_who_knows_programs_it_takes_none() {
    let host = boot();
    let link = host.ethernet("virt", &["10.0.0.2/24"]);
    let refused = host.in_kernel(|lwp, net| {
        let refused = net.capture_filtered(lwp, &link.interface, "1\n6 0 0 1");
        refused.err()
    });
    assert_eq!(refused, Some(Errno::ENOSYS));
}
