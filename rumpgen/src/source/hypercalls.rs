//! Reads the hypercall groups out of their declarations, `group! { pub trait X as x { … } }`.
//!
//! The macro that compiles the declaration and this reader take the same text, so there is no
//! second list to fall behind. The types that cross the interface are read beside them, and a
//! declaration without a form in C is an error whoever implements it: every group can be a host's in C.

pub mod c;
mod structures;

use std::path::{Path, PathBuf};

use syn::parse::{Parse, ParseStream};
use syn::{Ident, Item, Token, TraitItemFn, braced};

use super::rust::{self, File};
use crate::diagnostic::Diagnostic;
use c::Function;
pub use structures::Structure;

/// What every symbol of the interface begins with; the number is the interface's version.
pub const SYMBOL_PREFIX: &str = "__rump1_";
/// What the name of every function of a host in C begins with.
pub const HOST_PREFIX: &str = "rumpuser_";

/// A group of hypercalls.
#[derive(Clone, Debug)]
pub struct Group {
    /// The module components call it by, and its name in manifests.
    pub name: String,
    /// The trait a platform implements.
    pub trait_name: String,
    /// What it is for.
    pub doc: Vec<String>,
    /// The calls, in the order of the declaration.
    pub calls: Vec<Call>,
    /// The structures its calls use, each after those it is made of.
    pub structures: Vec<Structure>,
}

/// A hypercall.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it does.
    pub doc: Vec<String>,
    /// Its declaration.
    pub signature: syn::Signature,
    /// The same in C.
    pub c: Function,
}

impl Group {
    /// The symbol one of the calls is bound by.
    pub fn symbol(&self, call: &Call) -> String {
        format!("{SYMBOL_PREFIX}{}_{}", self.name, call.signature.ident)
    }

    /// The name one of the calls has where the host is in C.
    pub fn host_symbol(&self, call: &Call) -> String {
        format!("{HOST_PREFIX}{}_{}", self.name, call.signature.ident)
    }
}

/// Where the types and the groups are declared, from the repository's root.
const CRATE: &str = "glue/hypercall/src";

/// Reads every group of the repository at `root`, in the order of their names.
pub fn read_all(root: &Path) -> Result<Vec<Group>, Diagnostic> {
    let folder = root.join(CRATE);
    let mut files = Vec::new();
    for path in rust_files(&folder) {
        files.push(File::read(&path)?);
    }
    let structures = structures::read(&files)?;
    let mut groups = Vec::new();
    for file in &files {
        groups.extend(read_groups(file, &structures)?);
    }
    if groups.is_empty() {
        let message = format!("no hypercall group is declared in {}", folder.display());
        return Err(Diagnostic::new(message));
    }
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(groups)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name();
    let paths = entries
        .into_iter()
        .filter_map(Result::ok)
        .map(|entry| entry.into_path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

fn read_groups(file: &File, structures: &[Structure]) -> Result<Vec<Group>, Diagnostic> {
    let mut groups = Vec::new();
    for item in &file.syntax.items {
        let Item::Macro(item) = item else { continue };
        let path = &item.mac.path;
        if path.segments.last().is_none_or(|s| s.ident != "group") {
            continue;
        }
        let declared = item.mac.parse_body::<Declaration>();
        let declared = declared.map_err(|error| file.syntax_error(&error))?;
        let mut used = Vec::new();
        let mut calls = Vec::new();
        for call in declared.calls {
            calls.push(Call {
                doc: rust::documentation(&call.attrs),
                c: c::function(file, &call.sig, structures, &mut used)?,
                signature: call.sig,
            });
        }
        groups.push(Group {
            name: declared.name,
            trait_name: declared.trait_name,
            doc: declared.doc,
            calls,
            structures: structures::closure(structures, &used),
        });
    }
    Ok(groups)
}

/// A group as it is written.
struct Declaration {
    doc: Vec<String>,
    trait_name: String,
    name: String,
    calls: Vec<TraitItemFn>,
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let doc = rust::documentation(&input.call(syn::Attribute::parse_outer)?);
        input.parse::<Token![pub]>()?;
        input.parse::<Token![trait]>()?;
        let trait_name = input.parse::<Ident>()?.to_string();
        input.parse::<Token![as]>()?;
        let name = input.parse::<Ident>()?.to_string();
        let body;
        braced!(body in input);
        let mut calls = Vec::new();
        while !body.is_empty() {
            calls.push(body.parse()?);
        }
        Ok(Declaration {
            doc,
            trait_name,
            name,
            calls,
        })
    }
}
