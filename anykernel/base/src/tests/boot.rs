//! Boot and its failures, shutdown.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Pipe, kernel, said, system};
use crate::sync::Leaf;
use crate::*;

/// What happened, in order; the first component publishes it.
#[derive(Default)]
struct Events(Leaf<Vec<&'static str>>);

impl Default for Leaf<Vec<&'static str>> {
    fn default() -> Self {
        Leaf::new(Vec::new())
    }
}

fn note(events: &Events, what: &'static str) {
    events.0.with(|all| all.push(what));
}

static FIRST: Component = Component::new("first")
    .start(|boot| {
        let events = Arc::new(Events::default());
        note(&events, "first starts");
        boot.publish(events);
        Ok(())
    })
    .ready(|lwp| note(&lwp.state::<Events>().unwrap(), "first is ready"))
    .stop(|lwp| note(&lwp.state::<Events>().unwrap(), "first stops"));

static SECOND: Component = Component::new("second")
    .start(|boot| {
        note(&boot.get::<Events>(), "second starts");
        Ok(())
    })
    .stop(|lwp| note(&lwp.state::<Events>().unwrap(), "second stops"));

static FAILING: Component = Component::new("failing").start(|boot| {
    note(&boot.get::<Events>(), "failing starts");
    let message = "failing: there is no device 7; choose one from 0 to 3";
    Err(Failure::new(Errno::ENXIO, message))
});

fn events(kernel: &Kernel) -> Arc<Events> {
    enter(kernel.process(), |lwp| lwp.state::<Events>()).unwrap()
}

#[test]
fn components_start_in_order_and_stop_in_reverse() {
    let kernel = Kernel::boot(system(&[&FIRST, &SECOND]), &Config::new()).unwrap();
    let events = events(&kernel);
    let chart = kernel.boot_chart();
    let names = chart
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    assert_eq!(names.collect::<Vec<_>>(), ["first", "second", "total"]);
    let other = kernel.clone();
    drop(kernel);
    assert!(!other.is_dead());
    drop(other);
    let order = [
        "first starts",
        "second starts",
        "first is ready",
        "second stops",
        "first stops",
    ];
    assert_eq!(events.0.with(|all| all.clone()), order);
    assert_eq!(Arc::strong_count(&events), 1);
}

#[test]
fn what_is_not_published_is_not_found() {
    let kernel = kernel();
    let absent = enter(kernel.process(), |lwp| lwp.state::<Events>());
    assert_eq!(absent.err(), Some(Errno::ENOSYS));
}

#[test]
fn a_failed_start_stops_what_had_started_and_says_why() {
    static WATCH: Leaf<Option<Arc<Events>>> = Leaf::new(None);
    static WATCHING: Component = Component::new("watching").start(|boot| {
        WATCH.with(|watch| *watch = Some(boot.get::<Events>()));
        Ok(())
    });
    let parts: &[_] = &[&FIRST, &WATCHING, &FAILING, &SECOND];
    let error = Kernel::boot(system(parts), &Config::new()).err().unwrap();
    assert_eq!(error.errno(), Errno::ENXIO);
    let text = "failing did not start: failing: there is no device 7; choose one from 0 to 3";
    assert_eq!(error.to_string(), text);
    let events = WATCH.with(Option::take).unwrap();
    let order = ["first starts", "failing starts", "first stops"];
    assert_eq!(events.0.with(|all| all.clone()), order);
    assert_eq!(Arc::strong_count(&events), 1);
}

#[test]
fn a_panic_at_start_is_a_failed_start() {
    static BROKEN: Component = Component::new("broken").start(|_| panic!("no such thing"));
    let before = kernel();
    let error = Kernel::boot(system(&[&FIRST, &BROKEN]), &Config::new());
    assert_eq!(
        error.err().unwrap().to_string(),
        "broken did not start: it panicked"
    );
    assert_eq!(said("no such thing").len(), 1);
    assert_eq!(said("stay allocated").len(), 1);
    assert!(!before.is_dead());
}

#[test]
fn asking_for_what_nobody_published_names_both() {
    let error = Kernel::boot(system(&[&SECOND]), &Config::new());
    assert!(error.is_err());
    let asked = said("second asks for");
    assert!(asked[0].contains("Events, which no component before it published"));
}

#[test]
fn parameters_are_the_boot_s_the_host_s_or_the_default() {
    static READ: Leaf<Option<(u64, String)>> = Leaf::new(None);
    static READER: Component = Component::new("reader").start(|boot| {
        let values = (
            boot.number("memory-limit"),
            boot.text("memory-limit").into(),
        );
        READ.with(|read| *read = Some(values));
        Ok(())
    });
    let boot = |config: &Config| {
        let kernel = Kernel::boot(system(&[&READER]), config);
        kernel.map(|_| READ.with(Option::take).unwrap())
    };
    assert_eq!(boot(&Config::new()).unwrap(), (0, "0".into()));
    sim::set_param("memory-limit", "1MiB");
    assert_eq!(boot(&Config::new()).unwrap(), (1 << 20, "1MiB".into()));
    let config = Config::new()
        .param("memory-limit", "5")
        .param("memory-limit", "2KiB");
    assert_eq!(boot(&config).unwrap(), (2048, "2KiB".into()));
    let config = Config::new().param("memorylimit", "5");
    assert_eq!(
        boot(&config).err().unwrap().to_string(),
        "unknown parameter \"memorylimit\"; did you mean \"memory-limit\"?"
    );
    sim::set_param("memory-limit", "much");
    assert_eq!(
        boot(&Config::new()).err().unwrap().to_string(),
        "parameter memory-limit of base: \"much\" is not a number of bytes such as 65536, 64KiB or 1MiB"
    );
}

#[test]
fn after_shutdown_nobody_gets_in_and_nothing_is_left() {
    let kernel = kernel();
    let instance = Arc::downgrade(kernel.instance());
    let (process, child) = (kernel.process().clone(), kernel.fork());
    let (pipe, _) = enter(&child, |lwp| Ok(Pipe::open(lwp, 1))).unwrap();
    let work = Work::new(kernel.instance(), |_| panic!("too late"));
    work.schedule();
    kernel.shutdown();
    kernel.shutdown();
    assert!(kernel.is_dead() && !kernel.instance().is_killed());
    assert_eq!(pipe.closed.get(), 1);
    assert_eq!(enter(&process, |_| Ok(())), Err(Errno::EIO));
    assert_eq!(kernel.poll(), None);
    work.schedule();
    assert!(sim::run_until_idle(u64::MAX));
    drop((kernel, process));
    assert!(instance.upgrade().is_some());
    drop(child);
    assert!(instance.upgrade().is_none());
    work.schedule();
}

#[test]
fn without_threads_none_is_made() {
    let (kernel, kept) = (kernel(), Arc::new(()));
    let seen = Arc::downgrade(&kept);
    let spawned = kernel.spawn(move |_| drop(kept));
    assert_eq!(spawned, Err(Errno::ENOSYS));
    assert!(seen.upgrade().is_none(), "what it was to take is kept");
}

#[test]
fn a_component_sees_the_devices_of_its_own_manifest() {
    static SPECS: &[DeviceSpec] = &[
        DeviceSpec {
            component: "first",
            bus: "rail",
            ids: &[1, 2],
        },
        DeviceSpec {
            component: "driver",
            bus: "rail",
            ids: &[7],
        },
    ];
    static DRIVER: Component = Component::new("driver").start(|boot| {
        let own: Vec<_> = boot.devices().collect();
        assert_eq!(own.len(), 1);
        assert!(own[0].matches("rail", &[7, 9]));
        assert!(!own[0].matches("rail", &[8, 9]));
        assert!(!own[0].matches("shelf", &[7, 9]));
        Ok(())
    });
    static SYSTEM: System = System {
        name: "test",
        devices: SPECS,
        components: &[&DRIVER],
        params: &[],
    };
    Kernel::boot(&SYSTEM, &Config::new()).unwrap();
}

#[test]
fn what_the_console_gets_is_echoed_from_the_start_on() {
    let kernel = kernel();
    let instance = kernel.instance();
    log!(instance, Level::Warning, "early");
    log!(instance, Level::Info, "not shown");
    let taken = Arc::new(Leaf::new(0));
    let count = taken.clone();
    let work = Work::new(instance, move |_| count.with(|count| *count += 1));
    let echo = instance.echo(&work);
    instance.print("late\n");
    assert_eq!(echo.take(), "early\nlate\n");
    assert_eq!(echo.take(), "");
    let long = "x".repeat(60_000) + "\n";
    for _ in 0..3 {
        instance.print(&long);
    }
    assert_eq!(echo.take(), long + "(2 lines lost)\n");
    kernel.poll();
    assert_eq!(taken.with(|count| *count), 1);
    instance.unecho(&echo);
    instance.print("unheard\n");
    assert_eq!(echo.take(), "");
}
