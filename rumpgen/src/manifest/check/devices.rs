//! The devices a component drives: on a bus that exists, told apart by what that bus has.

use super::super::{Bus, Catalogue, Component, Devices};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::nearest;

pub(super) fn check(component: &Component, catalogue: &Catalogue, found: &mut Diagnostics) {
    for devices in &component.devices {
        match catalogue.buses.get(&devices.bus.value) {
            Some(bus) => {
                reachable(component, devices, bus, found);
                known_ids(devices, bus, found);
            }
            None => found.push(no_bus(devices, catalogue)),
        }
    }
}

/// Devices are handed over by the owner of the bus, whose crate the driver therefore uses.
fn reachable(component: &Component, devices: &Devices, bus: &Bus, found: &mut Diagnostics) {
    let name = &component.name.value;
    let required = component.requires.iter().any(|it| it.value == bus.owner);
    if required || *name == bus.owner {
        return;
    }
    let message = format!("`{name}` does not require `{}`", bus.owner);
    let diagnostic = Diagnostic::new(message)
        .primary(&devices.bus.place, "its devices are on this bus")
        .also(&bus.name.place, format!("which `{}` declares", bus.owner))
        .help(format!("add `{}` to `requires`", bus.owner));
    found.push(diagnostic);
}

fn known_ids(devices: &Devices, bus: &Bus, found: &mut Diagnostics) {
    let known = || bus.ids.iter().map(|id| id.value.as_str());
    for (name, values) in &devices.ids {
        if !known().any(|id| id == name) {
            let message = format!("devices on `{}` have no `{name}`", bus.name.value);
            let help = nearest::advice(name, "ids", known());
            let diagnostic = Diagnostic::new(message).primary(&values.place, "");
            found.push(diagnostic.also(&bus.name.place, "declared here").help(help));
        }
    }
    // Only at the end may something be left open.
    let missing = bus
        .ids
        .iter()
        .find(|id| !devices.ids.contains_key(&id.value));
    if let Some(missing) = missing {
        let later = bus.ids.iter().skip_while(|id| id.value != missing.value);
        if let Some(values) = later.filter_map(|id| devices.ids.get(&id.value)).next() {
            let message = format!("these devices have no `{}`", missing.value);
            let diagnostic = Diagnostic::new(message)
                .primary(&values.place, "this says nothing alone")
                .also(&missing.place, "declared here as the more general id");
            found.push(diagnostic.help(format!("add `{} = …`", missing.value)));
        }
    }
}

fn no_bus(devices: &Devices, catalogue: &Catalogue) -> Diagnostic {
    let name = &devices.bus.value;
    let known = catalogue.buses.keys().map(String::as_str);
    let help = nearest::advice(name, "buses", known);
    Diagnostic::new(format!("there is no bus `{name}`"))
        .primary(&devices.bus.place, "")
        .help(help)
}
