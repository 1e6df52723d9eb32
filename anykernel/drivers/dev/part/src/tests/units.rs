//! Partitions as units of a kernel, on disks that come and go.

use alloc::string::String;
use alloc::sync::Arc;

use base::sync::Leaf;
use base::{Config, Errno, Kernel, Lwp, ParamKind, ParamSpec, System, enter};
use dev::testing::RecordingDisk;
use dev::{Block, Dev, Disk, Geometry, Request};

use super::images::{BLOCK, empty, put_gpt, put_mbr};

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &dev::COMPONENT, &crate::COMPONENT],
    params: &[ParamSpec {
        component: "base",
        name: "log-level",
        kind: ParamKind::Choice(&["error", "warning", "info", "debug"]),
        default: "info",
        doc: "",
    }],
};

fn with(f: impl FnOnce(&Lwp<'_>, &Arc<Dev>)) {
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    enter(kernel.process(), |lwp| {
        f(lwp, &lwp.state::<Dev>()?);
        Ok(())
    })
    .unwrap();
}

fn log(lwp: &Lwp<'_>) -> String {
    lwp.instance().log_lines().concat()
}

#[test]
fn partitions_are_units_of_their_own_and_go_with_their_disk() {
    with(|lwp, dev| {
        let mut bytes = empty(600);
        put_gpt(&mut bytes, &[(40, 49), (60, 69)]);
        let disk = RecordingDisk::new(BLOCK as u32, bytes);
        let whole = dev.add_disk("test", disk.clone());
        let second = dev.find_block(lwp, "test0p2").unwrap();
        assert_eq!(dev.block_names(), ["test0", "test0p1", "test0p2"]);
        assert_eq!(log(lwp), "test0: GPT: test0p1 test0p2\n");
        assert_eq!(second.size(), 10 * BLOCK as u64);
        second.write_at(lwp, 9 * BLOCK as u64, &[7; BLOCK]).unwrap();
        assert_eq!(disk.bytes()[69 * BLOCK..70 * BLOCK], [7; BLOCK]);
        let beyond = second.write_at(lwp, 10 * BLOCK as u64, &[7; BLOCK]);
        assert_eq!(beyond, Err(Errno::EINVAL));
        second.discard(lwp, 0, second.size()).unwrap();
        second.flush(lwp).unwrap();
        assert_eq!(disk.bytes()[69 * BLOCK], 0);
        dev.remove_disk(&whole);
        assert_eq!(second.flush(lwp), Err(Errno::ENXIO));
        sim::run_until_idle(0);
        assert_eq!(dev.block_names(), [""; 0]);
        // Another takes its place and its name.
        let mut bytes = empty(100);
        put_mbr(&mut bytes, 0, &[(0x83, 90, 20), (0, 0, 0), (0x83, 10, 5)]);
        dev.add_disk("test", RecordingDisk::new(BLOCK as u32, bytes));
        assert_eq!(dev.find_block(lwp, "test0p3").unwrap().size(), 5 * 512);
        assert!(log(lwp).ends_with(
            "test0: MBR: test0p1 test0p3\n\
             test0: block 0: partition 1 of 20 blocks ends behind the disk; it is cut to 10\n"
        ));
    });
}

#[test]
fn a_table_in_a_partition_is_nobody_s_business() {
    with(|lwp, dev| {
        let mut bytes = empty(600);
        put_mbr(&mut bytes, 0, &[(0x83, 100, 100)]);
        put_mbr(&mut bytes, 100, &[(0x83, 10, 10)]);
        dev.add_disk("test", RecordingDisk::new(BLOCK as u32, bytes));
        dev.find_block(lwp, "test0p1").unwrap();
        assert_eq!(dev.find_block(lwp, "test0p1p1").err(), Some(Errno::ENXIO));
        assert_eq!(dev.block_names(), ["test0", "test0p1"]);
    });
}

#[test]
fn a_disk_is_not_claimed_beside_its_parts() {
    with(|lwp, dev| {
        let mut bytes = empty(600);
        put_gpt(&mut bytes, &[(40, 49), (60, 69)]);
        let whole = dev.add_disk("test", RecordingDisk::new(BLOCK as u32, bytes));
        let [first, second] = ["test0p1", "test0p2"].map(|name| dev.find_block(lwp, name).unwrap());
        let refused = |unit: &Arc<Block>, writes| unit.claim(writes).err() == Some(Errno::EBUSY);
        // Parts are beside each other, and whoever reads beside whoever reads.
        let written = first.claim(true).unwrap();
        let read = second.claim(false).unwrap();
        let other = second.claim(false).unwrap();
        for (unit, writes) in [
            (&whole, true),
            (&whole, false),
            (&first, false),
            (&second, true),
        ] {
            assert!(refused(unit, writes), "{} {writes}", unit.name());
        }
        assert_eq!(whole.check_unclaimed(), Err(Errno::EBUSY));
        assert_eq!(first.check_unclaimed(), Ok(()));
        drop(written);
        assert!(refused(&whole, true));
        drop(whole.claim(false).unwrap());
        drop((read, other));
        // And the other way round. What was refused has left nothing.
        let written = whole.claim(true).unwrap();
        assert!(refused(&first, true) && refused(&first, false));
        assert_eq!(whole.check_unclaimed(), Ok(()));
        assert_eq!(second.check_unclaimed(), Err(Errno::EBUSY));
        drop(written);
        let read = whole.claim(false).unwrap();
        assert!(refused(&first, true));
        drop(first.claim(false).unwrap());
        drop(read);
        drop(second.claim(true).unwrap());
        assert_eq!(whole.check_unclaimed(), Ok(()));
    });
}

/// A disk that keeps its requests.
struct Slow(Arc<RecordingDisk>, Leaf<Option<Request>>);

impl Disk for Slow {
    fn geometry(&self) -> Geometry {
        self.0.geometry()
    }

    fn submit(&self, _: &Lwp<'_>, request: Request) {
        self.1.with(|place| *place = Some(request));
    }
}

#[test]
fn a_disk_that_cannot_be_read_or_goes_meanwhile_holds_up_nobody_for_ever() {
    with(|lwp, dev| {
        let disk = RecordingDisk::new(BLOCK as u32, empty(10));
        disk.fail(0);
        dev.add_disk("test", disk);
        assert_eq!(dev.find_block(lwp, "test0p1").err(), Some(Errno::ENXIO));
        assert_eq!(
            log(lwp),
            "test0: block 0: Input/output error (EIO); so no partition is known\n"
        );
        let slow = Arc::new(Slow(
            RecordingDisk::new(BLOCK as u32, empty(10)),
            Leaf::new(None),
        ));
        let unit = dev.add_disk("slow", slow.clone());
        sim::run_until_idle(0);
        let request = slow.1.with(Option::take).unwrap();
        dev.remove_disk(&unit);
        assert_eq!(dev.find_block(lwp, "slow0").err(), Some(Errno::ENXIO));
        request.complete(lwp, Err(Errno::EIO));
        assert_eq!(dev.find_block(lwp, "slow0").err(), Some(Errno::ENXIO));
    });
}
