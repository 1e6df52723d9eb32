//! Manifests: what exists and what it needs, as its authors wrote it.
//!
//! [`load`](load::load) reads the files, each by itself; [`check`](check::check) holds them against one
//! another. What comes out is a [`Catalogue`] in which every name means something. Nothing here
//! knows what the user asked for. `docs/manifest.md` describes the files.

pub mod check;
pub mod load;
mod package;
mod parse;
pub mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component as Part, Path, PathBuf};

use crate::diagnostic::{Place, Spanned};
use crate::machine::Run;
use crate::plan::{Arity, Artifact, At, ImageFormat, Layer, Origin, ParamKind};

pub use package::Package;

/// Everything that the manifests describe, by name.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Components.
    pub components: BTreeMap<String, Component>,
    /// Platforms.
    pub platforms: BTreeMap<String, Platform>,
    /// Capabilities, wherever they are declared.
    pub capabilities: BTreeMap<String, Capability>,
    /// Kinds of bus, wherever they are declared.
    pub buses: BTreeMap<String, Bus>,
}

impl Catalogue {
    /// The components that provide a capability, in name order.
    pub fn providers(&self, capability: &str) -> impl Iterator<Item = &Component> {
        self.components
            .values()
            .filter(move |component| component.provides(capability))
    }

    /// The platforms that offer a hypercall group, in name order.
    pub fn offering(&self, group: &str) -> impl Iterator<Item = &Platform> {
        self.platforms
            .values()
            .filter(move |platform| platform.offers(group))
    }
}

/// The manifest of a component.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it stands.
    pub layer: Spanned<Layer>,
    /// The faction a driver belongs to.
    pub faction: Option<Spanned<String>>,
    /// What it is, in a line.
    pub summary: String,
    /// Its crate.
    pub code: Crate,
    /// Whether its manifest is part of the repository.
    pub origin: Origin,
    /// Capabilities it provides.
    pub provides: Vec<Spanned<String>>,
    /// Components and capabilities it cannot do without.
    pub requires: Vec<Spanned<String>>,
    /// Components that must not be in the same kernel.
    pub conflicts: Vec<Spanned<String>>,
    /// Whether it joins by itself where all it requires is selected.
    pub auto: bool,
    /// Hypercall groups it cannot do without.
    pub needs: Vec<Spanned<String>>,
    /// Hypercall groups it makes use of where they are.
    pub optional: Vec<Spanned<String>>,
    /// Features of the facade crate that come with it.
    pub facade: Vec<Spanned<String>>,
    /// Upstream crates it stands on.
    pub upstream: Vec<Upstream>,
    /// Capabilities it declares.
    pub capabilities: Vec<Capability>,
    /// Kinds of bus it declares.
    pub buses: Vec<Bus>,
    /// Devices it drives.
    pub devices: Vec<Devices>,
    /// Its parameters.
    pub params: Vec<Param>,
}

impl Component {
    /// Whether it provides a capability.
    pub fn provides(&self, capability: &str) -> bool {
        self.provides
            .iter()
            .any(|provided| provided.value == capability)
    }
}

/// A crate of this project or of a project that uses it.
#[derive(Clone, Debug)]
pub struct Crate {
    /// The folder as the manifest names it.
    pub written: Spanned<String>,
    /// The folder.
    pub folder: PathBuf,
    /// What its `Cargo.toml` says.
    pub package: Package,
}

/// An upstream crate that a component stands on.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Its package name.
    pub package: Spanned<String>,
    /// Environment variables its build reads.
    pub env: BTreeMap<String, String>,
    /// Whether it is optimised for speed.
    pub fast: bool,
}

/// A concept that several components can serve.
#[derive(Clone, Debug)]
pub struct Capability {
    /// Its name.
    pub name: Spanned<String>,
    /// How many providers it takes.
    pub arity: Arity,
    /// The component that declares it.
    pub owner: String,
    /// What it is, in a line.
    pub doc: String,
}

/// A kind of bus, on which devices are found.
#[derive(Clone, Debug)]
pub struct Bus {
    /// Its name.
    pub name: Spanned<String>,
    /// What it tells devices apart by, the most general first.
    pub ids: Vec<Spanned<String>>,
    /// The component that declares it.
    pub owner: String,
    /// What it is, in a line.
    pub doc: String,
}

/// Devices that a component drives.
#[derive(Clone, Debug)]
pub struct Devices {
    /// The kind of bus they are on.
    pub bus: Spanned<String>,
    /// The values of the bus's ids that are meant.
    pub ids: BTreeMap<String, Spanned<Vec<u32>>>,
}

/// A value that users choose.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Spanned<String>,
    /// When it is decided.
    pub at: At,
    /// What values it takes.
    pub kind: ParamKind,
    /// The value it has unless another is chosen.
    pub default: String,
    /// What it decides, in a line.
    pub doc: String,
}

/// The manifest of a platform.
#[derive(Clone, Debug)]
pub struct Platform {
    /// Its name.
    pub name: Spanned<String>,
    /// What it is, in a line.
    pub summary: String,
    /// Its crate.
    pub code: Crate,
    /// Whether its manifest is part of the repository.
    pub origin: Origin,
    /// Whether it is taken where none is asked for, and where that is written.
    pub default: Option<Place>,
    /// Hypercall groups its crate implements.
    pub offers: Vec<Spanned<String>>,
    /// Hypercall groups that a host in C implements, which whoever links the archive has.
    pub imports: Vec<Spanned<String>>,
    /// Schemes of the links of the host that its group `frames` opens.
    pub links: Vec<Spanned<String>>,
    /// What it can be built into.
    pub artifacts: BTreeSet<Artifact>,
    /// Its default providers for each capability.
    pub defaults: BTreeMap<String, Defaults>,
    /// How its images are compiled and linked, where it has any.
    pub image: Option<Image>,
    /// How its images are run, where that is said.
    pub run: Option<Run>,
}

impl Platform {
    /// The hypercall groups that kernels have on it, whoever implements them.
    pub fn groups(&self) -> impl Iterator<Item = &Spanned<String>> {
        self.offers.iter().chain(&self.imports)
    }

    /// Whether kernels have a hypercall group on it.
    pub fn offers(&self, group: &str) -> bool {
        self.groups().any(|offered| offered.value == group)
    }
}

/// How a platform's images are compiled and linked.
#[derive(Clone, Debug)]
pub struct Image {
    /// The linker script, relative to the platform's crate.
    pub script: Spanned<String>,
    /// The Rust targets it can be compiled for, the preferred one first; never empty.
    pub targets: Vec<Spanned<String>>,
    /// Compiler flags, in order.
    pub rustflags: Vec<String>,
    /// The formats they can be had in beside the program that was linked.
    pub formats: BTreeSet<ImageFormat>,
}

/// A platform's default providers for one capability.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The capability.
    pub capability: Spanned<String>,
    /// The components that provide it unless the user says otherwise.
    pub providers: Vec<Spanned<String>>,
}

/// A path without `.` and `..`, by its text alone.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Part::CurDir => {}
            Part::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
