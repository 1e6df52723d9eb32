//! The plan: what one configuration consists of, as plain data.
//!
//! Everything after the resolver reads only this. Two builds are the same exactly when their plans are equal, so
//! the types hold no map with a random order, no time and nothing of the machine; a list is in start order where
//! its documentation says so and sorted otherwise. The versions of upstream crates are `Cargo.lock`'s business:
//! the plan holds its hash.
//!
//! The serialised form is `plan.json`. It is read by people and other programs: keys are added, never renamed.

mod assemble;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use assemble::assemble;

/// One configuration, completely decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// Name of the configuration and of its folder in `generated/`.
    pub name: String,
    /// What the user asked for.
    pub request: Asked,
    /// The host this configuration is for.
    pub platform: Platform,
    /// The selected components, in start order.
    pub components: Vec<Component>,
    /// Who needs whom among the selected components, sorted.
    pub edges: Vec<Edge>,
    /// The capabilities the selected components declare, sorted by name.
    pub capabilities: Vec<Capability>,
    /// The hypercall groups the platform offers and a selected component uses, sorted by name.
    pub groups: Vec<Group>,
    /// The parameters of the selected components, sorted by component, then name.
    pub params: Vec<Param>,
    /// Cargo features of the facade crate, sorted: the union over the components.
    pub facade: Vec<String>,
    /// Hash of the `Cargo.lock` that decides the versions of upstream crates; empty where there is none.
    pub lock: String,
}

/// What the user asked for, as far as it decides the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Asked {
    /// Components named explicitly, in the order given, without repetition.
    pub components: Vec<String>,
    /// Components left out explicitly, sorted.
    pub without: Vec<String>,
    /// The application, where there is one.
    pub app: Option<App>,
    /// The cargo profile.
    pub profile: Profile,
    /// The formats that its image is to be had in beside the program that was linked, sorted.
    #[serde(default)]
    pub formats: Vec<ImageFormat>,
    /// The application's arguments in these: who starts them gives none.
    #[serde(default)]
    pub arguments: Vec<String>,
}

/// An application: a library crate with `pub fn main(kernel: &Kernel, args: &[String]) -> i32`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct App {
    /// Its package name.
    pub package: String,
    /// What its program is called.
    pub program: String,
    /// Its folder, as [`Component::dir`].
    pub dir: String,
    /// Where it is described.
    pub origin: Origin,
}

impl App {
    /// The file name of its image, where the platform has images.
    pub fn image(&self) -> String {
        format!("{}.elf", self.program)
    }

    /// The file name of the same with the names and lines of its functions.
    pub fn symbols(&self) -> String {
        format!("{}.debug", self.program)
    }
}

/// The cargo profile of a configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Optimised across all crates: what is shipped and measured.
    #[default]
    Release,
    /// Quick to build and checked at run time: what is edited.
    Dev,
}

/// The platform of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Platform {
    /// Its name.
    pub name: String,
    /// What it is, in a line.
    pub summary: String,
    /// Its crate's package name.
    pub package: String,
    /// Its folder, as [`Component::dir`].
    pub dir: String,
    /// Where it is described.
    pub origin: Origin,
    /// Every hypercall group it implements or imports, sorted.
    pub offers: Vec<String>,
    /// Those of them that a host in C implements: whoever links the archive has it, sorted.
    pub imports: Vec<String>,
    /// The kinds of artifact it can be built into, sorted.
    pub artifacts: Vec<Artifact>,
    /// Its default providers for each capability.
    pub defaults: BTreeMap<String, Vec<String>>,
    /// How its images are compiled and linked, where it has any.
    pub image: Option<Image>,
}

impl Platform {
    /// Whether what is built has no operating system and no runtime to stand on.
    pub fn is_freestanding(&self) -> bool {
        self.image.is_some() || self.artifacts.contains(&Artifact::Archive)
    }
}

/// How a bootable image is compiled and linked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Image {
    /// The linker script, relative to the platform's crate.
    pub script: String,
    /// The Rust target, by its triple.
    pub target: String,
    /// Compiler flags, in order.
    pub rustflags: Vec<String>,
}

/// A kind of artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Artifact {
    /// A static and a shared library with headers.
    Library,
    /// A static library for a host in C to complete, with headers.
    Archive,
    /// A bootable image.
    Image,
}

/// A format of an image that is ready for machines or registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageFormat {
    /// A CD that PCs boot from, by BIOS and by UEFI; also when it is written to a disk.
    Iso,
    /// A folder in the layout of the Open Container Initiative.
    Oci,
    /// A disk that PCs boot from, by BIOS and by UEFI.
    Raw,
}

impl ImageFormat {
    /// All of them, as they are written.
    pub const NAMES: &[(&'static str, ImageFormat)] = &[
        ("iso", ImageFormat::Iso),
        ("oci", ImageFormat::Oci),
        ("raw", ImageFormat::Raw),
    ];
}

/// A selected component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Component {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub layer: Layer,
    /// The faction a driver belongs to.
    pub faction: Option<String>,
    /// What it is, in a line.
    pub summary: String,
    /// Its crate's package name; equal to `name`, and so written in Rust as [`rust_ident`] of it.
    pub package: String,
    /// Its crate's folder with `/` between the parts: relative to the repository's root where it is
    /// below it, absolute otherwise.
    pub dir: String,
    /// Where it is described.
    pub origin: Origin,
    /// Cargo features to switch on, sorted: optional groups that the platform offers and values of build-time
    /// parameters, as far as the crate declares features of these names.
    pub features: Vec<String>,
    /// Cargo features of the facade crate that come with it, sorted.
    pub facade: Vec<String>,
    /// Upstream crates it stands on, sorted by name.
    pub upstream: Vec<Upstream>,
    /// Capabilities it provides, sorted.
    pub provides: Vec<String>,
    /// Hypercall groups it cannot do without, sorted. The platform offers them all.
    pub needs: Vec<String>,
    /// Hypercall groups it makes use of where they are, and that the platform offers, sorted.
    pub uses: Vec<String>,
    /// Devices it drives, in the manifest's order.
    #[serde(default)]
    pub devices: Vec<Device>,
    /// Every reason why it was selected, sorted.
    pub why: Vec<Reason>,
}

/// A device that a component drives, or several that have something in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Device {
    /// The kind of bus it is on.
    pub bus: String,
    /// Its ids in the bus's order; those left out at the end may be anything.
    pub ids: Vec<u32>,
}

/// The layer of a component. A component stands only on its own layer and those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// What every kernel has.
    Base,
    /// What the drivers of one kind have in common.
    Faction,
    /// A driver.
    Driver,
}

/// Where something is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// In this repository's own manifests.
    InTree,
    /// In manifests that the user brought.
    OutOfTree,
}

/// An upstream crate that a component stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Upstream {
    /// Package name on the registry.
    pub package: String,
    /// Environment variables its build reads.
    pub env: BTreeMap<String, String>,
    /// Whether it is optimised for speed.
    pub fast: bool,
}

/// A reason why a component was selected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Reason {
    /// It was asked for by name.
    Asked,
    /// A selected component requires it by name.
    RequiredBy {
        /// The component that requires it.
        component: String,
    },
    /// A selected component requires a capability, and the platform names this provider as its default.
    DefaultProvider {
        /// The capability.
        capability: String,
        /// The component that requires the capability.
        component: String,
    },
    /// It joins by itself where everything it requires is selected.
    Auto {
        /// What it requires, sorted.
        because: Vec<String>,
    },
}

/// One component's need for another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Edge {
    /// The component that needs.
    pub from: String,
    /// The component that is needed.
    pub to: String,
    /// How.
    pub kind: EdgeKind,
}

/// How one component needs another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum EdgeKind {
    /// Required by name.
    Declared,
    /// Required by name, by a component that joined by itself.
    Auto,
    /// A provider of a required capability.
    Capability {
        /// The capability.
        capability: String,
    },
}

/// A capability that a selected component declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Capability {
    /// Its name.
    pub name: String,
    /// How many providers it takes.
    pub arity: Arity,
    /// The component that declares it.
    pub owner: String,
    /// What it is, in a line.
    pub doc: String,
    /// The selected providers, sorted.
    pub providers: Vec<String>,
}

/// How many providers a capability takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arity {
    /// Exactly one: a provider asked for replaces the platform's default.
    One,
    /// Any number: the platform's defaults stay unless they are left out by name.
    Many,
}

/// A hypercall group bound in this configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The components that cannot do without it, sorted.
    pub needed_by: Vec<String>,
    /// The components that make use of it where it is, sorted.
    pub used_by: Vec<String>,
}

/// A parameter of a selected component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Param {
    /// The component that declares it.
    pub component: String,
    /// Its name.
    pub name: String,
    /// When it is decided.
    pub at: At,
    /// What values it takes.
    pub kind: ParamKind,
    /// The manifest's default, as written there.
    pub default: String,
    /// The value chosen for this configuration where it is not the default.
    pub value: Option<String>,
    /// What it decides, in a line.
    pub doc: String,
}

impl Param {
    /// The value this configuration starts from.
    pub fn effective(&self) -> &str {
        self.value.as_deref().unwrap_or(&self.default)
    }
}

/// When a parameter is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// When the kernel boots; the configuration gives the value to start from.
    Boot,
    /// When the configuration is built.
    Build,
}

/// What values a parameter takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum ParamKind {
    /// A size: an integer with an optional `KiB`, `MiB` or `GiB`.
    Bytes,
    /// An unsigned integer of 64 bits.
    Integer,
    /// `true` or `false`.
    Bool,
    /// Any text.
    Text,
    /// An integer with `ns`, `us`, `ms`, `s` or `min`.
    Duration,
    /// One of a list of words.
    Choice {
        /// The words, in the manifest's order.
        choices: Vec<String>,
    },
}

impl Plan {
    /// The plan as JSON for people: two spaces, a newline at the end, the same bytes for the same plan.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("a plan is strings, lists and maps with string keys");
        text.push('\n');
        text
    }

    /// Reads a plan back.
    ///
    /// # Errors
    /// Where the text is not a plan of this version, as serde describes it.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The selected component of that name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components
            .iter()
            .find(|component| component.name == name)
    }
}

/// A package name as Rust writes the crate: `-` becomes `_`.
///
/// A name that is a keyword needs `r#` besides, which depends on where it stands and is left to the emitters.
pub fn rust_ident(package: &str) -> String {
    package.replace('-', "_")
}
