//! What the generator emits for real configurations. (Its own tests know none.)

use std::path::Path;

use rumpgen::request::{self, Arguments};
use rumpgen::{golden, pipeline};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn asked(components: &str, platform: &str) -> Arguments {
    Arguments {
        components: Some(components.to_owned()),
        platform: Some(platform.to_owned()),
        ..Arguments::default()
    }
}

/// All that is emitted for a configuration, held against what it was when somebody last read it.
fn golden(name: &str, arguments: Arguments) {
    let root = root();
    let (request, roots) = request::read(&arguments, root).unwrap();
    let generated = pipeline::generate(&request, &roots).unwrap();
    assert_eq!(generated.plan.name, name);
    let text = golden::text(&generated.tree, root);
    // Of the versions of crates that kernels have nothing to do with, too.
    let text = text.replace(&generated.plan.lock, "<hash of Cargo.lock>");
    let place = root.join("tests/golden").join(format!("{name}.golden"));
    golden::compare(&text, &place).unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn the_socket_library_has_its_golden_form() {
    golden("linux-net-sockets", asked("net,sockets", "linux"));
}

#[test]
fn a_kernel_without_an_operating_system_has_its_golden_form() {
    golden("sim-net", asked("net", "sim"));
}

#[test]
fn an_image_has_its_golden_form() {
    let arguments = Arguments {
        app: Some(root().join("examples/echo")),
        manifests: vec![root().join("tests/platforms/manifests")],
        ..asked("net,sockets", "raw")
    };
    golden("raw-net-sockets-echo", arguments);
}
