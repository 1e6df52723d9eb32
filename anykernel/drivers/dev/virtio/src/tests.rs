//! The bus on the simulated platform, with devices of no use: what the driver sends comes back.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Boot, Component, Config, DeviceSpec, Failure, Kernel, Lwp, System, Work, enter};
use dev::Dev;
use sim::devices::Line;
use sim::devices::virtio::{self as models, Backend};

use crate::{Broken, Chain, Device, Port, Queue};

const KIND: u32 = 5;
const FEATURE: u64 = 1 << 3;

static DEVICES: &[DeviceSpec] = &[
    DeviceSpec {
        component: "virtio",
        bus: "pci",
        ids: &[0x1af4],
    },
    DeviceSpec {
        component: "virtio",
        bus: "mmio",
        ids: &[],
    },
    DeviceSpec {
        component: "echo",
        bus: "virtio",
        ids: &[KIND],
    },
];

static ECHO: Component = Component::new("echo").start(start).stop(stop);

static SYSTEM: System = System {
    name: "test",
    devices: DEVICES,
    components: &[
        &base::COMPONENT,
        &dev::COMPONENT,
        &hardware::COMPONENT,
        &crate::COMPONENT,
        &ECHO,
    ],
    params: &[],
};

/// A question of any length and an answer of 8 bytes.
struct Exchange {
    question: Vec<u8>,
    answer: [u8; 8],
}

impl Chain for Exchange {
    fn lend<R>(
        &mut self,
        f: impl for<'a> FnOnce(&'a [&'a [u8]], &'a mut [&'a mut [u8]]) -> R,
    ) -> R {
        f(&[&self.question], &mut [&mut self.answer])
    }
}

/// The driver of one device.
struct Echo {
    port: Port,
    queue: Leaf<Option<Box<Queue<Exchange, 8>>>>,
    answers: Leaf<Vec<Vec<u8>>>,
    broken: Leaf<Option<Broken>>,
    changes: Leaf<u32>,
}

impl Echo {
    fn used(&self) {
        self.port.acknowledge();
        loop {
            match self.queue.with(|queue| queue.as_mut().unwrap().pop()) {
                Ok(Some((exchange, len))) => {
                    let answer = exchange.answer[..len].to_vec();
                    self.answers.with(|all| all.push(answer));
                }
                Ok(None) => return,
                Err(broken) => return self.broken.with(|place| *place = Some(broken)),
            }
        }
    }
}

fn start(boot: &mut Boot<'_>) -> Result<(), Failure> {
    let place: Arc<Leaf<Option<Arc<Echo>>>> = Arc::new(Leaf::new(None));
    boot.publish(place.clone());
    let dev = boot.get::<Dev>();
    dev.drive(boot, move |lwp, mut device: Device, _| {
        let features = device.negotiate(|_| FEATURE | 1 << 40)?;
        assert_eq!(features, FEATURE | 1 << 32);
        let queue = device.queue(0)?;
        assert_eq!(device.config::<4>(0)?, *b"conf");
        let work = |action: fn(&Echo)| {
            let place = place.clone();
            Work::new(lwp.instance(), move |_| {
                let echo = place.with(|place: &mut Option<Arc<Echo>>| place.clone());
                if let Some(echo) = echo {
                    action(&echo);
                }
            })
        };
        let changed = work(|echo| echo.changes.with(|count| *count += 1));
        let port = device.start(&work(Echo::used), &changed)?;
        let echo = Echo {
            port,
            queue: Leaf::new(Some(queue)),
            answers: Leaf::new(Vec::new()),
            broken: Leaf::new(None),
            changes: Leaf::new(0),
        };
        place.with(|place| *place = Some(Arc::new(echo)));
        Ok(Some("echo0".into()))
    });
    Ok(())
}

fn stop(lwp: &Lwp<'_>) {
    let Some(echo) = echo(lwp) else { return };
    let quiet = echo.port.reset();
    let queue = echo.queue.with(Option::take).unwrap();
    if let Some(quiet) = quiet {
        queue.end(quiet);
    }
}

fn echo(lwp: &Lwp<'_>) -> Option<Arc<Echo>> {
    let place = lwp.state::<Leaf<Option<Arc<Echo>>>>().unwrap();
    place.with(|place| place.clone())
}

/// How a device answers.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Honest,
    Later,
    Silent,
    UnknownBuffer,
    Twice,
    TooLong,
    WildIndex,
}

struct Answering(Manner);

impl Backend for Answering {
    fn notified(&mut self, port: &mut models::Port<'_, '_>, queue: usize) {
        match self.0 {
            Manner::Later => port.later(1000, queue as u64),
            Manner::Silent => {}
            _ => self.elapsed(port, queue as u64),
        }
    }

    fn elapsed(&mut self, port: &mut models::Port<'_, '_>, queue: u64) {
        let queue = queue as usize;
        while let Some(chain) = port.next(queue) {
            let question = chain.read(port.bus);
            let len = chain.write(port.bus, &question);
            match self.0 {
                Manner::UnknownBuffer => port.used(queue, chain.head + 5, len),
                Manner::TooLong => port.used(queue, chain.head, 9),
                Manner::Twice => {
                    port.used(queue, chain.head, len);
                    port.used(queue, chain.head, len);
                }
                Manner::WildIndex => {
                    let (queue, bus) = port.queue(queue);
                    queue.set_used_index(bus, 3000);
                    port.interrupt(0);
                }
                _ => port.used(queue, chain.head, len),
            }
        }
    }
}

/// All ways to a device.
const WAYS: [Way; 4] = [Way::Edge, Way::Level, Way::Line, Way::Messages];

#[derive(Clone, Copy, Debug)]
enum Way {
    Edge,
    Level,
    Line,
    Messages,
}

fn device() -> models::Device {
    models::Device::new(KIND, FEATURE | 1 << 7, b"config", &[8, 8])
}

fn boot(device: models::Device, way: Way, manner: Manner) -> Kernel {
    sim::reset(1);
    let backend = Answering(manner);
    match way {
        Way::Edge => device.plug(Line::Edge, backend),
        Way::Level => device.plug(Line::Level, backend),
        Way::Line => device.plug_pci(0, backend),
        Way::Messages => device.plug_pci(2, backend),
    }
    Kernel::boot(&SYSTEM, &Config::new()).unwrap()
}

/// Sends questions, lets time pass, and says what came back.
fn ask(kernel: &Kernel, questions: &[&[u8]]) -> Vec<Vec<u8>> {
    let echo = enter(kernel.process(), |lwp| Ok(echo(lwp)))
        .unwrap()
        .unwrap();
    echo.queue.with(|queue| {
        let queue = queue.as_mut().unwrap();
        for question in questions {
            let exchange = Exchange {
                question: question.to_vec(),
                answer: [0; 8],
            };
            assert!(queue.add(exchange).is_ok());
        }
        queue.kick();
    });
    sim::advance(10_000);
    echo.answers.with(core::mem::take)
}

fn log(kernel: &Kernel) -> String {
    kernel.instance().log_lines().concat()
}

#[test]
fn what_is_lent_comes_back_by_every_way() {
    for way in WAYS {
        for manner in [Manner::Honest, Manner::Later] {
            let kernel = boot(device(), way, manner);
            let place = if matches!(way, Way::Edge | Way::Level) {
                "mmio 0xfeb00000 virtio 5: echo: echo0\n"
            } else {
                "pci 0:0.0 1af4:1045 virtio 5: echo: echo0\n"
            };
            assert_eq!(log(&kernel), place);
            for _ in 0..40 {
                let answers = ask(&kernel, &[b"one", b"a long one", b"three"]);
                assert_eq!(answers, [&b"one"[..], b"a long o", b"three"], "{way:?}");
            }
            drop(kernel);
            assert_eq!(sim::devices::lent(), 0, "{way:?}");
        }
    }
}

#[test]
fn a_full_queue_gives_back_what_has_no_room() {
    let kernel = boot(device(), Way::Messages, Manner::Silent);
    assert_eq!(ask(&kernel, &[&b"x"[..]; 4]), [[]; 0]);
    let echo = enter(kernel.process(), |lwp| Ok(echo(lwp)))
        .unwrap()
        .unwrap();
    echo.queue.with(|queue| {
        let queue = queue.as_mut().unwrap();
        assert_eq!(queue.under_way(), 4);
        let exchange = Exchange {
            question: b"fifth".to_vec(),
            answer: [0; 8],
        };
        let back = queue.add(exchange);
        assert_eq!(back.err().unwrap().question, b"fifth");
    });
    drop(kernel);
    assert_eq!(sim::devices::lent(), 0);
}

#[test]
fn a_lie_in_the_used_ring_is_found() {
    for way in WAYS {
        for (manner, expected) in [
            (Manner::UnknownBuffer, Broken::Unknown(5)),
            (Manner::Twice, Broken::Unknown(0)),
            (Manner::TooLong, Broken::TooLong(9)),
            // The ring says 0 where nothing was written yet: that buffer it has, once.
            (Manner::WildIndex, Broken::Unknown(0)),
        ] {
            let kernel = boot(device(), way, manner);
            ask(&kernel, &[b"one"]);
            let echo = enter(kernel.process(), |lwp| Ok(echo(lwp)))
                .unwrap()
                .unwrap();
            assert_eq!(echo.broken.with(Option::take), Some(expected), "{way:?}");
            drop(kernel);
            assert_eq!(sim::devices::lent(), 0, "{way:?}");
        }
    }
}

#[test]
fn changes_of_the_configuration_are_heard_of() {
    struct Changing;
    impl Backend for Changing {
        fn notified(&mut self, port: &mut models::Port<'_, '_>, _: usize) {
            port.configure(b"other!");
        }
    }
    for way in [Way::Edge, Way::Level, Way::Line, Way::Messages] {
        sim::reset(1);
        match way {
            Way::Edge => device().plug(Line::Edge, Changing),
            Way::Level => device().plug(Line::Level, Changing),
            Way::Line => device().plug_pci(0, Changing),
            Way::Messages => device().plug_pci(2, Changing),
        }
        let kernel = Kernel::boot(&SYSTEM, &Config::new()).unwrap();
        ask(&kernel, &[b"x"]);
        let echo = enter(kernel.process(), |lwp| Ok(echo(lwp)))
            .unwrap()
            .unwrap();
        assert_eq!(echo.changes.with(|count| *count), 1, "{way:?}");
        assert_eq!(echo.port.config::<6>(0).unwrap(), *b"other!");
    }
}

/// What the log says of a device that cannot be driven.
fn refused(change: impl Fn(&mut models::Device), way: Way) -> String {
    let mut device = device();
    change(&mut device);
    log(&boot(device, way, Manner::Honest))
}

#[test]
fn a_device_that_makes_no_sense_is_said_to_be_so() {
    for way in WAYS {
        let says = |change: &dyn Fn(&mut models::Device), what: &str| {
            let log = refused(change, way);
            assert!(log.contains(what), "{way:?}: {what}: {log}");
            assert_eq!(log.lines().count(), 1, "{log}");
        };
        says(
            &|device| device.features &= !(1 << 32),
            "draft of the standard",
        );
        says(&|device| device.resets_left = 0, "does not reset");
        says(
            &|device| device.queues = Vec::new(),
            "queue 0 is missing or too short",
        );
        says(
            &|device| device.queues = Vec::from([4]),
            "queue 0 is missing or too short",
        );
        says(&|device| device.generation = (0, 1), "never comes to rest");
    }
    for way in [Way::Line, Way::Messages] {
        let log = refused(|device| device.notify_offset = 0xffff, way);
        assert!(log.contains("notified outside"), "{log}");
        let log = refused(|device| device.config = Vec::new(), way);
        assert!(log.contains("no 4 bytes at 0"), "{log}");
    }
}
