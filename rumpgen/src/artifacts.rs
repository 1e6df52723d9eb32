//! From what cargo made to what is handed over, in `target/rump/<configuration>/`.
//!
//! Cargo's static library holds all of Rust's runtime under its own names, so that two of them
//! cannot be linked into one program. Here it becomes one object that defines the kernel's C
//! functions and nothing else anybody can see. The shared library is linked from that.

mod image;
mod report;
mod runtime;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::build::Products;
use crate::diagnostic::Diagnostic;
use crate::emit::capi::LIBRARY;
use crate::emit::{Tree, rumpuser, template};
use crate::plan::{self, Plan, Profile};
use crate::symbols;
use crate::tools::{self, AR, CC, LD, OBJCOPY};

/// The name of the shared library that programs remember; its number changes with the interface.
const SONAME: &str = "librump.so.0";
/// What the names of all exported functions begin with.
const EXPORTED: &str = "rump_";
/// Where the emitted headers stand in the tailored workspace.
const HEADERS: &str = "capi/include/";
/// What the Rust runtime needs of the host's C library, for programs linked statically.
const NATIVE_LIBRARIES: &str = "-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc";

/// A file that was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its path.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

/// Says early what would fail only after everything is compiled.
///
/// # Errors
/// A program or a file that is missing, or words that a boot loader cannot hand on.
pub fn check(plan: &Plan) -> Result<(), Diagnostic> {
    image::check(plan)
}

/// Puts everything into `folder` and says what is there.
pub fn collect(
    plan: &Plan,
    tree: &Tree,
    products: &Products,
    folder: &Path,
) -> Result<Vec<Artifact>, Diagnostic> {
    let mut place = Place {
        folder,
        debug: plan.request.profile == Profile::Dev,
        made: Vec::new(),
    };
    if let Some(library) = product(products, LIBRARY, "a") {
        match plan.platform.artifacts.contains(&plan::Artifact::Archive) {
            true => place.archive(library)?,
            false => place.libraries(library)?,
        }
    }
    if crate::emit::has_c_interface(plan) {
        place.headers(tree)?;
        let description = format!("the kernel {}", plan.name);
        let version = env!("CARGO_PKG_VERSION");
        let native = match plan.platform.is_freestanding() {
            true => "",
            false => NATIVE_LIBRARIES,
        };
        let data = json!({ "description": description, "version": version, "native": native });
        place.text("rump.pc", &template::render("rump.pc", &data))?;
    }
    if let Some(app) = &plan.request.app
        && let Some(program) = product(products, "app", "")
    {
        match plan.platform.image {
            Some(_) => image::collect(&mut place, program, plan, app)?,
            None => place.copy(program, &app.program)?,
        }
    }
    place.text("plan.json", &plan.to_json())?;
    let report = report::emit(plan, &place.made, folder);
    place.text("report.md", &report)?;
    place.prune(folder)?;
    Ok(place.made)
}

fn product<'a>(products: &'a Products, target: &str, extension: &str) -> Option<&'a Path> {
    let mut files = products.get(target)?.iter().map(PathBuf::as_path);
    files.find(|file| file.extension().unwrap_or_default() == extension)
}

struct Place<'a> {
    folder: &'a Path,
    /// Whether what debuggers read is of use to anybody.
    debug: bool,
    made: Vec<Artifact>,
}

impl Place<'_> {
    /// The static library, for a host to complete.
    fn archive(&mut self, from: &Path) -> Result<(), Diagnostic> {
        let archive = self.static_library(from)?;
        let foreign = symbols::archive_undefined(&archive)?;
        match foreign.iter().find(|name| !rumpuser::is_host_symbol(name)) {
            None => self.record(archive),
            Some(name) => Err(Diagnostic::new(format!(
                "the kernel needs `{name}`, which no host in C promises"
            ))),
        }
    }

    fn static_library(&mut self, from: &Path) -> Result<PathBuf, Diagnostic> {
        let archive = self.folder.join("librump.a");
        if !is_newer(&archive, from) {
            localise(from, &archive, self.debug)?;
        }
        Ok(archive)
    }

    fn libraries(&mut self, from: &Path) -> Result<(), Diagnostic> {
        let archive = self.static_library(from)?;
        let shared = self.folder.join(SONAME);
        if !is_newer(&shared, &archive) {
            link_shared(&archive, &shared)?;
        }
        self.record(archive)?;
        self.record(shared)?;
        // Compilers look for the name without a number, programs for the one with it.
        let link = self.folder.join("librump.so");
        if fs::read_link(&link).ok().as_deref() != Some(Path::new(SONAME)) {
            let _ = fs::remove_file(&link);
            checked(&link, make_link(SONAME, &link))?;
        }
        Ok(())
    }

    fn headers(&mut self, tree: &Tree) -> Result<(), Diagnostic> {
        let headers = tree
            .files
            .iter()
            .filter(|(path, _)| path.starts_with(HEADERS));
        for (path, text) in headers {
            self.text(&format!("include/{}", &path[HEADERS.len()..]), text)?;
        }
        Ok(())
    }

    fn copy(&mut self, from: &Path, name: &str) -> Result<(), Diagnostic> {
        let target = self.folder.join(name);
        if !is_newer(&target, from) {
            // A new file, so that a program that runs from the old one goes on.
            let _ = fs::remove_file(&target);
            create_parent(&target)?;
            checked(&target, fs::copy(from, &target))?;
        }
        self.record(target)
    }

    fn text(&mut self, name: &str, text: &str) -> Result<(), Diagnostic> {
        self.bytes(name, text.as_bytes())
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), Diagnostic> {
        let target = self.folder.join(name);
        if !fs::read(&target).is_ok_and(|old| old == bytes) {
            create_parent(&target)?;
            checked(&target, fs::write(&target, bytes))?;
        }
        self.record(target)
    }

    /// Removes what an earlier build left and this one did not make.
    fn prune(&self, folder: &Path) -> Result<(), Diagnostic> {
        for entry in checked(folder, fs::read_dir(folder))?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                self.prune(&path)?;
                // Fails where something is left in it.
                let _ = fs::remove_dir(&path);
                continue;
            }
            // The one link there is leads to what was made.
            let leads_somewhere = path.is_symlink() && path.exists();
            if !leads_somewhere && !self.made.iter().any(|made| made.path == path) {
                checked(&path, fs::remove_file(&path))?;
            }
        }
        Ok(())
    }

    fn record(&mut self, path: PathBuf) -> Result<(), Diagnostic> {
        let size = checked(&path, fs::metadata(&path))?.len();
        self.made.push(Artifact { path, size });
        Ok(())
    }
}

/// Links an archive into one object in which only the exported functions are global, and packs it.
fn localise(from: &Path, target: &Path, debug: bool) -> Result<(), Diagnostic> {
    let (ld, objcopy, ar) = (LD.require()?, OBJCOPY.require()?, AR.require()?);
    create_parent(target)?;
    let exports: Vec<_> = symbols::archive_index(from)?
        .into_iter()
        .filter(|name| name.starts_with(EXPORTED))
        .collect();
    let scratch = target.with_extension("scratch");
    checked(&scratch, fs::create_dir_all(&scratch))?;
    let (object, list) = (scratch.join("rump.o"), scratch.join("exports"));
    checked(&list, fs::write(&list, exports.join("\n") + "\n"))?;

    let wanted = || exports.iter().flat_map(|name| ["-u", name]);
    let whole = scratch.join("whole.o");
    let mut link = Command::new(&ld);
    link.arg("-r")
        .args(wanted())
        .arg("-o")
        .arg(&whole)
        .arg(from);
    if !debug {
        link.arg("--strip-debug");
    }
    tools::run(&mut link)?;
    if !debug {
        runtime::silence(&whole)?;
    }
    let mut link = Command::new(&ld);
    link.args(["-r", "--gc-sections"]).args(wanted());
    tools::run(link.arg("-o").arg(&object).arg(&whole))?;
    let unbound = symbols::undefined(&object)?
        .into_iter()
        .find(|name| name.starts_with("__rump"));
    if let Some(name) = unbound {
        return Err(
            Diagnostic::new(format!("the hypercall `{name}` is bound to no platform")).help(
                "name its group under `hypercalls` in the manifest of the component that calls it",
            ),
        );
    }
    let mut keep = std::ffi::OsString::from("--keep-global-symbols=");
    keep.push(&list);
    // Bitcode that came with the runtime is of no use, and confuses tools that know another version.
    let bitcode = ["--remove-section=.llvmbc", "--remove-section=.llvmcmd"];
    tools::run(Command::new(objcopy).arg(keep).args(bitcode).arg(&object))?;
    let archive = scratch.join("librump.a");
    tools::run(Command::new(ar).arg("crD").arg(&archive).arg(&object))?;
    checked(target, fs::rename(&archive, target))?;
    checked(&scratch, fs::remove_dir_all(&scratch))
}

/// Links the shared library from the static one, which costs nothing beside compiling it all again.
fn link_shared(archive: &Path, target: &Path) -> Result<(), Diagnostic> {
    // Put in place by renaming, so that programs that have the old one open keep it.
    let new = target.with_extension("new");
    let mut link = Command::new(CC.require()?);
    link.args(["-shared", "-o"]).arg(&new);
    link.args(["-Wl,--whole-archive"]).arg(archive);
    link.args([
        "-Wl,--no-whole-archive",
        "-Wl,--gc-sections",
        "-Wl,--as-needed",
    ]);
    // Undefined symbols are errors now and not when a program loads it.
    link.args(["-Wl,-z,defs", "-Wl,-z,relro", "-Wl,-z,now"]);
    link.arg(format!("-Wl,-soname,{SONAME}"));
    tools::run(link.args(NATIVE_LIBRARIES.split(' ')))?;
    let foreign = symbols::exported(&new)?;
    let foreign: Vec<_> = foreign
        .iter()
        .filter(|name| !name.starts_with(EXPORTED))
        .collect();
    if !foreign.is_empty() {
        return Err(Diagnostic::new(format!(
            "the shared library exports {foreign:?}"
        )));
    }
    checked(target, fs::rename(&new, target))
}

/// Whether `target` was made from the present `source`.
fn is_newer(target: &Path, source: &Path) -> bool {
    let time = |path: &Path| {
        fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    matches!((time(target), time(source)), (Some(target), Some(source)) if target >= source)
}

fn create_parent(path: &Path) -> Result<(), Diagnostic> {
    let parent = path.parent().unwrap_or(path);
    checked(parent, fs::create_dir_all(parent))
}

fn checked<T>(path: &Path, result: std::io::Result<T>) -> Result<T, Diagnostic> {
    result.map_err(|error| Diagnostic::new(format!("cannot write {}: {error}", path.display())))
}

#[cfg(unix)]
fn make_link(target: &str, place: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

#[cfg(not(unix))]
fn make_link(target: &str, place: &Path) -> std::io::Result<()> {
    fs::copy(place.with_file_name(target), place).map(drop)
}
