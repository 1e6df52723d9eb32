//! What the generator emits for real configurations. (Its own tests know none.)

use std::path::Path;

use rumpgen::request::{self, Arguments};
use rumpgen::{golden, pipeline};

/// All that is emitted for a configuration, held against what it was when somebody last read it.
fn golden(name: &str, components: &str, platform: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let arguments = Arguments {
        components: Some(components.to_owned()),
        platform: Some(platform.to_owned()),
        ..Arguments::default()
    };
    let (request, roots) = request::read(&arguments, root).unwrap();
    let generated = pipeline::generate(&request, &roots).unwrap();
    assert_eq!(generated.plan.name, name);
    let text = golden::text(&generated.tree, root);
    let place = root.join("tests/golden").join(format!("{name}.golden"));
    golden::compare(&text, &place).unwrap_or_else(|difference| panic!("{difference}"));
}

#[test]
fn the_socket_library_has_its_golden_form() {
    golden("linux-net-sockets", "net,sockets", "linux");
}

#[test]
fn a_kernel_without_an_operating_system_has_its_golden_form() {
    golden("sim-net", "net", "sim");
}
