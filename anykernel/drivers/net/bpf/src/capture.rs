//! Programs that choose what captures record.

use alloc::sync::Arc;

use base::{Boot, Charge, Errno, Failure, Level, Lwp, log};
use net::{CaptureFilter, CaptureFilters, Interface, Medium, ReadCaptureFilter};

use crate::{Packet, Program};

/// Bytes of an Ethernet header.
const HEADER: usize = 14;
/// `ARPHRD_ETHER`, `ARPHRD_LOOPBACK`, `ARPHRD_NONE`.
const ETHERNET: u16 = 1;
const LOOPBACK: u16 = 772;
const NONE: u16 = 0xfffe;

pub(crate) fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    boot.publish(Arc::new(CaptureFilters { read }));
    Ok(())
}

/// A program that a capture asks.
struct Choice {
    program: Program,
    _charge: Charge,
}

fn read(lwp: &Lwp<'_>, text: &str) -> ReadCaptureFilter {
    let program: Program = text.parse().map_err(|why| {
        log!(lwp.instance(), Level::Error, "bpf: a program {why}");
        Errno::EINVAL
    })?;
    let bytes = size_of_val(program.instructions());
    Ok(Arc::new(Choice {
        _charge: lwp.instance().memory().charge(bytes)?,
        program,
    }))
}

impl CaptureFilter for Choice {
    /// Counts from the beginning of the frame. Of frames that are sent it is not said that they are.
    fn judge(&self, interface: &Interface, frame: &[u8]) -> usize {
        let half = |at: usize| {
            let bytes = frame.get(at..)?.first_chunk()?;
            Some(u16::from_be_bytes(*bytes))
        };
        let (network, protocol, hardware) = match interface.medium() {
            Medium::Ethernet => (HEADER, half(HEADER - 2).unwrap_or(0), ETHERNET),
            Medium::Ip => {
                let protocol = match frame.first().map(|byte| byte >> 4) {
                    Some(4) => 0x0800,
                    _ => 0x86dd,
                };
                let hardware = if interface.is_loopback() {
                    LOOPBACK
                } else {
                    NONE
                };
                (0, protocol, hardware)
            }
        };
        let kept = self.program.run(&Packet {
            bytes: frame,
            start: 0,
            network: Some(network),
            link: Some(0),
            protocol,
            kind: 0,
            interface: Some((interface.index(), hardware)),
        });
        kept as usize
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use base::{File, System, enter};
    use net::testing::{PARAMS, boot_system, ethernet};
    use syscall::{UioOut, UserOut};

    use super::*;

    static SYSTEM: System = System {
        name: "test",
        devices: &[],
        components: &[&base::COMPONENT, &net::COMPONENT, &crate::COMPONENT],
        params: PARAMS,
    };

    #[test]
    fn a_capture_takes_what_its_program_wants() {
        let host = boot_system(&SYSTEM, &[]);
        let link = host.ethernet("virt", &["10.0.0.2/24"]);
        // 20 bytes of what is of this protocol, by the header and by what is known of it.
        let program =
            "6\n40 0 0 12\n21 0 3 35020\n40 0 0 4294963200\n21 0 1 35020\n6 0 0 20\n6 0 0 0";
        let capture = host.in_kernel(|lwp, net| {
            let bad = net.capture_filtered(lwp, &link.interface, "ip").err();
            assert_eq!(bad, Some(Errno::EINVAL));
            net.capture_filtered(lwp, &link.interface, program).unwrap()
        });
        let us = link.interface.hardware_address();
        for kind in [0x88cb, 0x88cc, 0x88cd] {
            host.feed(&link, &ethernet(us, [2, 0, 0, 0, 0, 9], kind, &[7; 50]));
        }
        let mut bytes = vec![0; 1000];
        let len = enter(host.kernel.process(), |lwp| {
            let mut uio = UioOut::from(UserOut::from(&mut bytes[..]));
            Ok(capture.try_read(lwp, &mut uio))
        });
        let len = len.unwrap().unwrap();
        // The file's header, and of one frame a record with 20 bytes of 64.
        assert_eq!(len, 24 + 16 + 20);
        let word = |at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().unwrap());
        assert_eq!((word(32), word(36)), (20, 64));
        assert_eq!(bytes[40 + 12..40 + 14], [0x88, 0xcc]);
    }
}
