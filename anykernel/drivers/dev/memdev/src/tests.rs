use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use base::{Config, Errno, Events, File, Kernel, Lwp, System, enter};
use dev::Dev;

static SYSTEM: System = System {
    name: "test",
    devices: &[],
    components: &[&base::COMPONENT, &dev::COMPONENT, &crate::COMPONENT],
    params: &[],
};

fn with(f: impl FnOnce(&Lwp<'_>, &Dev)) {
    sim::reset(1);
    let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
    enter(kernel.process(), |lwp| {
        f(lwp, &*lwp.state::<Dev>()?);
        Ok(())
    })
    .unwrap();
}

fn read(lwp: &Lwp<'_>, file: &Arc<dyn File>, len: usize) -> Result<Vec<u8>, Errno> {
    const O_RDWR: u32 = syscall::consts::O_RDWR;
    let fd = syscall::Fd(lwp.process().open(lwp, file.clone(), O_RDWR)?.0);
    let mut bytes = vec![7; len];
    let count = base::syscalls::read(lwp, fd, bytes[..].as_mut().into())?;
    bytes.truncate(count);
    assert_eq!(
        base::syscalls::write(lwp, fd, vec![1; len][..].into()),
        Ok(len)
    );
    Ok(bytes)
}

#[test]
fn each_reads_as_it_should_and_takes_what_is_written() {
    with(|lwp, dev| {
        assert_eq!(dev.character_names(), ["null", "zero", "random", "urandom"]);
        let unit = |name| dev.character(name).unwrap();
        assert_eq!(read(lwp, &unit("null"), 2000), Ok(Vec::new()));
        assert_eq!(read(lwp, &unit("zero"), 2000), Ok(vec![0; 2000]));
        for name in ["random", "urandom"] {
            let first = read(lwp, &unit(name), 2000).unwrap();
            assert_eq!(first.len(), 2000);
            assert_ne!(first, read(lwp, &unit(name), 2000).unwrap());
            // No piece is like another.
            assert_ne!(first[..512], first[512..1024]);
        }
        assert_eq!(unit("null").events(lwp), Events::IN | Events::OUT);
    });
}
