//! From a resolution to a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::*;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::graph::Graph;
use crate::manifest::{self, Catalogue};
use crate::nearest;
use crate::request::{Request, Roots, Setting};
use crate::resolve::{Resolution, Selected};
use crate::select::Selection;
use crate::value;

/// Writes down everything that the resolution decided.
///
/// # Errors
/// Parameters that are not there, and values they do not take.
pub fn assemble(
    request: &Request,
    selection: &Selection<'_>,
    resolution: &Resolution<'_>,
    catalogue: &Catalogue,
    roots: &Roots,
) -> Result<Plan, Diagnostics> {
    let mut found = Diagnostics::default();
    unknown_params(&request.params, resolution, catalogue, &mut found);
    let mut params = Vec::new();
    for selected in resolution.selected.values() {
        for declared in &selected.component.params {
            params.push(param(selected, declared, &request.params, &mut found));
        }
    }
    params.sort_by(|a, b| (&a.component, &a.name).cmp(&(&b.component, &b.name)));
    let edges = resolution.edges();
    let order = start_order(resolution, &edges);
    let components: Vec<Component> = order
        .iter()
        .map(|name| {
            let selected = &resolution.selected[name];
            component(selected, resolution, catalogue, &params, roots)
        })
        .collect();
    let asked = asked(request, selection, roots);
    let facade = components
        .iter()
        .flat_map(|component| component.facade.iter().cloned());
    let plan = Plan {
        name: name(request, selection, &asked, &params),
        request: asked,
        platform: platform(selection, roots),
        groups: groups(&components),
        capabilities: capabilities(resolution),
        facade: sorted(facade),
        lock: lock(&roots.repository),
        components,
        edges,
        params,
    };
    found.finish(plan)
}

/// `<platform>-<what was asked for>[-<app>]`: everything that tells this configuration from others of
/// the same application, apart from values that can still be changed when it boots.
fn name(request: &Request, selection: &Selection<'_>, asked: &Asked, params: &[Param]) -> String {
    if let Some(name) = &request.name {
        return name.value.clone();
    }
    let mut parts = vec![&*selection.platform.name.value];
    parts.extend(asked.components.iter().map(String::as_str));
    if !asked.without.is_empty() {
        parts.push("without");
        parts.extend(asked.without.iter().map(String::as_str));
    }
    let built = params
        .iter()
        .filter(|param| param.at == At::Build && param.value.is_some());
    for param in built {
        parts.push(feature(param));
    }
    parts.extend(selection.target);
    parts.extend(asked.app.iter().map(|app| &*app.package));
    parts.join("-")
}

fn asked(request: &Request, selection: &Selection<'_>, roots: &Roots) -> Asked {
    let app = request
        .app
        .as_ref()
        .zip(selection.app.as_ref())
        .map(|(folder, package)| App {
            package: package.name.clone(),
            program: match &request.program {
                Some(program) => program.value.clone(),
                None => package.name.clone(),
            },
            dir: dir(&folder.value, roots),
            origin: match folder.value.starts_with(&roots.repository) {
                true => Origin::InTree,
                false => Origin::OutOfTree,
            },
        });
    Asked {
        components: selection
            .asked
            .iter()
            .map(|(asked, _)| asked.name.value.clone())
            .collect(),
        without: selection
            .without
            .keys()
            .map(|name| (*name).to_owned())
            .collect(),
        app,
        profile: request.profile,
        formats: selection.formats.iter().copied().collect(),
        arguments: request.arguments.clone(),
    }
}

fn start_order<'a>(resolution: &Resolution<'a>, edges: &[Edge]) -> Vec<&'a str> {
    let graph = Graph::new(resolution.selected.keys().copied(), edges);
    let order = graph.start_order(|name| {
        let layer = resolution
            .selected
            .get(name)
            .map(|selected| selected.component.layer.value);
        (layer, name)
    });
    let names: BTreeMap<&str, &'a str> = resolution
        .selected
        .keys()
        .map(|name| (*name, *name))
        .collect();
    order.into_iter().map(|name| names[name]).collect()
}

fn component(
    selected: &Selected<'_>,
    resolution: &Resolution<'_>,
    catalogue: &Catalogue,
    params: &[Param],
    roots: &Roots,
) -> Component {
    let manifest = selected.component;
    let name = &manifest.name.value;
    let offered = manifest
        .optional
        .iter()
        .filter(|group| resolution.platform.offers(&group.value));
    let uses = sorted(offered.map(|group| group.value.clone()));
    let own = params
        .iter()
        .filter(|param| param.component == *name && param.at == At::Build);
    let chosen = own
        .filter(|param| param.value.is_some())
        .map(|param| feature(param).to_owned());
    let features = uses.iter().cloned().chain(chosen);
    let features = features.filter(|feature| manifest.code.package.features.contains(feature));
    let upstream = manifest.upstream.iter().map(|upstream| {
        let package = upstream.package.value.clone();
        (
            package.clone(),
            Upstream {
                package,
                env: upstream.env.clone(),
                fast: upstream.fast,
            },
        )
    });
    let why = selected
        .reasons
        .iter()
        .map(|because| because.reason.clone());
    Component {
        name: name.clone(),
        layer: manifest.layer.value,
        faction: manifest
            .faction
            .as_ref()
            .map(|faction| faction.value.clone()),
        summary: manifest.summary.clone(),
        package: manifest.code.package.name.clone(),
        dir: dir(&manifest.code.folder, roots),
        origin: manifest.origin,
        features: sorted(features),
        facade: sorted(manifest.facade.iter().map(|feature| feature.value.clone())),
        upstream: upstream.collect::<BTreeMap<_, _>>().into_values().collect(),
        provides: sorted(
            manifest
                .provides
                .iter()
                .map(|capability| capability.value.clone()),
        ),
        needs: sorted(manifest.needs.iter().map(|group| group.value.clone())),
        uses,
        devices: manifest
            .devices
            .iter()
            .flat_map(|devices| device_ids(devices, catalogue))
            .collect(),
        why: why.collect::<BTreeSet<_>>().into_iter().collect(),
    }
}

/// Every combination of the values of a table of devices.
fn device_ids(devices: &manifest::Devices, catalogue: &Catalogue) -> Vec<Device> {
    let bus = catalogue.buses.get(&devices.bus.value);
    let names = bus.map_or(&[][..], |bus| &bus.ids);
    let given = names.iter().map_while(|id| devices.ids.get(&id.value));
    let mut all = vec![Vec::new()];
    for values in given {
        all = all
            .iter()
            .flat_map(|ids: &Vec<u32>| {
                let with = |value: &u32| ids.iter().copied().chain([*value]).collect();
                values.value.iter().map(with)
            })
            .collect();
    }
    let bus = &devices.bus.value;
    let device = |ids| Device {
        bus: bus.clone(),
        ids,
    };
    all.into_iter().map(device).collect()
}

fn platform(selection: &Selection<'_>, roots: &Roots) -> Platform {
    let manifest = selection.platform;
    let defaults = manifest.defaults.iter().map(|(capability, defaults)| {
        let providers = defaults
            .providers
            .iter()
            .map(|provider| provider.value.clone());
        (capability.clone(), sorted(providers))
    });
    Platform {
        name: manifest.name.value.clone(),
        summary: manifest.summary.clone(),
        package: manifest.code.package.name.clone(),
        dir: dir(&manifest.code.folder, roots),
        origin: manifest.origin,
        offers: sorted(manifest.groups().map(|group| group.value.clone())),
        imports: sorted(manifest.imports.iter().map(|group| group.value.clone())),
        artifacts: manifest.artifacts.iter().copied().collect(),
        defaults: defaults.collect(),
        image: manifest
            .image
            .as_ref()
            .map(|image| self::image(image, selection.target)),
    }
}

fn image(manifest: &manifest::Image, asked: Option<&str>) -> Image {
    Image {
        script: manifest.script.value.clone(),
        target: asked.unwrap_or(&manifest.targets[0].value).to_owned(),
        rustflags: manifest.rustflags.clone(),
    }
}

fn groups(components: &[Component]) -> Vec<Group> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for component in components {
        for name in component.needs.iter().chain(&component.uses) {
            let fresh = Group {
                name: name.clone(),
                needed_by: Vec::new(),
                used_by: Vec::new(),
            };
            let group = groups.entry(name).or_insert(fresh);
            let users = match component.needs.contains(name) {
                true => &mut group.needed_by,
                false => &mut group.used_by,
            };
            users.push(component.name.clone());
            users.sort();
        }
    }
    groups.into_values().collect()
}

fn capabilities(resolution: &Resolution<'_>) -> Vec<Capability> {
    let declared = resolution
        .selected
        .values()
        .flat_map(|it| &it.component.capabilities);
    let mut capabilities: Vec<Capability> = declared
        .map(|capability| Capability {
            name: capability.name.value.clone(),
            arity: capability.arity,
            owner: capability.owner.clone(),
            doc: capability.doc.clone(),
            providers: resolution
                .providers(&capability.name.value)
                .map(|provider| provider.name.value.clone())
                .collect(),
        })
        .collect();
    capabilities.sort_by(|a, b| a.name.cmp(&b.name));
    capabilities
}

/// The cargo feature that a value chosen at build time switches on.
fn feature(param: &Param) -> &str {
    match param.kind {
        ParamKind::Bool => &param.name,
        _ => param.effective(),
    }
}

fn param(
    selected: &Selected<'_>,
    declared: &manifest::Param,
    settings: &[Setting],
    found: &mut Diagnostics,
) -> Param {
    let name = &declared.name.value;
    let setting = settings.iter().find(|setting| setting.name.value == *name);
    if let Some(setting) = setting
        && let Err(wanted) = value::check(&declared.kind, &setting.value.value)
    {
        let message = format!("`{}` is no value of `{name}`", setting.value.value);
        let diagnostic = Diagnostic::new(message)
            .primary(&setting.value.place, "")
            .also(&declared.name.place, "declared here")
            .help(format!("it takes {wanted}"));
        found.push(diagnostic);
    }
    let value = setting.map(|setting| setting.value.value.clone());
    Param {
        component: selected.component.name.value.clone(),
        name: name.clone(),
        at: declared.at,
        kind: declared.kind.clone(),
        default: declared.default.clone(),
        value: value.filter(|value| *value != declared.default),
        doc: declared.doc.clone(),
    }
}

fn unknown_params(
    settings: &[Setting],
    resolution: &Resolution<'_>,
    catalogue: &Catalogue,
    found: &mut Diagnostics,
) {
    let selected = resolution
        .selected
        .values()
        .flat_map(|selected| &selected.component.params);
    let known: BTreeSet<&str> = selected.map(|param| &*param.name.value).collect();
    for setting in settings
        .iter()
        .filter(|setting| !known.contains(&*setting.name.value))
    {
        let name = &setting.name.value;
        let owner = catalogue.components.values().find_map(|component| {
            let param = component
                .params
                .iter()
                .find(|param| param.name.value == *name)?;
            Some((&component.name.value, &param.name.place))
        });
        found.push(match owner {
            Some((owner, place)) => {
                let message =
                    format!("`{name}` is a parameter of `{owner}`, which is not selected");
                let diagnostic = Diagnostic::new(message).primary(&setting.name.place, "");
                diagnostic
                    .also(place, "declared here")
                    .help(format!("select `{owner}`, or leave it out"))
            }
            None => {
                let help = nearest::advice(name, "parameters", known.iter().copied());
                let message = format!("there is no parameter `{name}`");
                Diagnostic::new(message)
                    .primary(&setting.name.place, "")
                    .help(help)
            }
        });
    }
}

fn sorted(names: impl IntoIterator<Item = String>) -> Vec<String> {
    names
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// A folder as the plan names it.
fn dir(folder: &Path, roots: &Roots) -> String {
    let folder = folder.strip_prefix(&roots.repository).unwrap_or(folder);
    let parts = folder.iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("/").replacen("//", "/", 1)
}

/// FNV-1a of the lock file: it only has to differ when the file does.
fn lock(repository: &Path) -> String {
    let Ok(bytes) = fs::read(repository.join("Cargo.lock")) else {
        return String::new();
    };
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}
