//! Reads the hypercall groups out of their declarations, `group! { pub trait X as x { … } }`.
//!
//! The macro that compiles the declaration and this reader take the same text, so there is no
//! second list to fall behind.

use std::path::Path;

use syn::parse::{Parse, ParseStream};
use syn::{Ident, Item, Token, TraitItemFn, braced};

use super::rust;
use crate::diagnostic::Diagnostic;

/// What every symbol of the interface begins with; the number is the interface's version.
pub const SYMBOL_PREFIX: &str = "__rump1_";

/// A group of hypercalls.
#[derive(Clone, Debug)]
pub struct Group {
    /// The module components call it by, and its name in manifests.
    pub name: String,
    /// The trait a platform implements.
    pub trait_name: String,
    /// The calls, in the order of the declaration.
    pub calls: Vec<syn::Signature>,
}

impl Group {
    /// The symbol one of the calls is bound by.
    pub fn symbol(&self, call: &syn::Signature) -> String {
        format!("{SYMBOL_PREFIX}{}_{}", self.name, call.ident)
    }
}

/// Where the declarations stand, from the repository's root.
const FOLDER: &str = "glue/hypercall/src/groups";

/// Reads every group of the repository at `root`.
pub fn read_all(root: &Path) -> Result<Vec<Group>, Diagnostic> {
    read(&root.join(FOLDER))
}

/// Reads every group declared in the files of `folder`, in the order of their names.
pub fn read(folder: &Path) -> Result<Vec<Group>, Diagnostic> {
    let mut groups = Vec::new();
    let files = walkdir::WalkDir::new(folder)
        .max_depth(1)
        .sort_by_file_name();
    for file in files.into_iter().filter_map(Result::ok) {
        if file
            .path()
            .extension()
            .is_some_and(|extension| extension == "rs")
        {
            groups.extend(read_file(file.path())?);
        }
    }
    if groups.is_empty() {
        let message = format!("no hypercall group is declared in {}", folder.display());
        return Err(Diagnostic::new(message));
    }
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(groups)
}

fn read_file(path: &Path) -> Result<Vec<Group>, Diagnostic> {
    let file = rust::File::read(path)?;
    let mut groups = Vec::new();
    for item in &file.syntax.items {
        let Item::Macro(item) = item else { continue };
        let is_group = item
            .mac
            .path
            .segments
            .last()
            .is_some_and(|s| s.ident == "group");
        if is_group {
            let declared = item.mac.parse_body::<Declaration>();
            groups.push(declared.map_err(|error| file.syntax_error(&error))?.0);
        }
    }
    Ok(groups)
}

struct Declaration(Group);

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.call(syn::Attribute::parse_outer)?;
        input.parse::<Token![pub]>()?;
        input.parse::<Token![trait]>()?;
        let trait_name = input.parse::<Ident>()?.to_string();
        input.parse::<Token![as]>()?;
        let name = input.parse::<Ident>()?.to_string();
        let body;
        braced!(body in input);
        let mut calls = Vec::new();
        while !body.is_empty() {
            calls.push(body.parse::<TraitItemFn>()?.sig);
        }
        Ok(Declaration(Group {
            name,
            trait_name,
            calls,
        }))
    }
}
