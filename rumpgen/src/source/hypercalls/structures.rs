//! The structures that cross the interface: each `#[repr(C)] pub struct`, with the constants that
//! `impl` blocks of the same file give it.

use std::collections::BTreeSet;

use syn::{Fields, ImplItem, Item, ItemStruct, Type, Visibility};

use super::c::{Types, Variable};
use crate::diagnostic::Diagnostic;
use crate::source::constants;
use crate::source::rust::{self, File};

/// A structure.
#[derive(Clone, Debug)]
pub struct Structure {
    /// Its name in Rust.
    pub name: String,
    /// What it is.
    pub doc: Vec<String>,
    /// Its fields, in order, with what each is.
    pub fields: Vec<(Variable, Vec<String>)>,
    /// Numbers that go with it: name, value, and what each means.
    pub constants: Vec<(String, String, Vec<String>)>,
    /// The structures its fields need.
    uses: Vec<String>,
}

/// Reads every structure of these files.
pub(super) fn read(files: &[File]) -> Result<Vec<Structure>, Diagnostic> {
    let declared = |file| structs(file).map(|item: &ItemStruct| item.ident.to_string());
    let known: BTreeSet<String> = files.iter().flat_map(declared).collect();
    let mut structures = Vec::new();
    for file in files {
        for item in structs(file) {
            structures.push(structure(file, item, &known)?);
        }
    }
    Ok(structures)
}

fn structs(file: &File) -> impl Iterator<Item = &ItemStruct> {
    file.syntax.items.iter().filter_map(|item| match item {
        Item::Struct(item) if is_c(item) => Some(item),
        _ => None,
    })
}

fn is_c(item: &ItemStruct) -> bool {
    let public = matches!(item.vis, Visibility::Public(_));
    let mut attributes = item.attrs.iter();
    public
        && matches!(item.fields, Fields::Named(_))
        && attributes.any(|attribute| {
            let argument = attribute.parse_args::<syn::Ident>();
            attribute.path().is_ident("repr") && argument.is_ok_and(|repr| repr == "C")
        })
}

fn structure(
    file: &File,
    item: &ItemStruct,
    known: &BTreeSet<String>,
) -> Result<Structure, Diagnostic> {
    let mut uses = Vec::new();
    let mut types = Types {
        file,
        known: &|name| known.contains(name),
        used: &mut uses,
    };
    let mut fields = Vec::new();
    for field in &item.fields {
        let Some(name) = field.ident.as_ref().filter(|_| !is_marker(&field.ty)) else {
            continue;
        };
        let field_of_c = Variable {
            name: name.to_string(),
            ty: types.form(&field.ty)?,
        };
        fields.push((field_of_c, rust::documentation(&field.attrs)));
    }
    Ok(Structure {
        name: item.ident.to_string(),
        doc: rust::documentation(&item.attrs),
        fields,
        constants: numbers(file, item)?,
        uses,
    })
}

/// A marker for the compiler takes no room.
fn is_marker(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == "PhantomData"))
}

fn numbers(file: &File, of: &ItemStruct) -> Result<Vec<(String, String, Vec<String>)>, Diagnostic> {
    let mut numbers = Vec::new();
    for item in &file.syntax.items {
        let Item::Impl(block) = item else { continue };
        let is_its = matches!(&*block.self_ty, Type::Path(path) if path.path.is_ident(&of.ident));
        for item in block.items.iter().filter(|_| is_its) {
            let ImplItem::Const(constant) = item else {
                continue;
            };
            if !matches!(constant.vis, Visibility::Public(_)) {
                continue;
            }
            let name = constant.ident.to_string();
            let value = constants::value(file, &name, &constant.expr)?;
            numbers.push((name, value, rust::documentation(&constant.attrs)));
        }
    }
    Ok(numbers)
}

/// The structures of these names and those they are made of, each after those.
pub(super) fn closure(structures: &[Structure], names: &[String]) -> Vec<Structure> {
    fn visit(structures: &[Structure], name: &str, found: &mut Vec<Structure>) {
        if found.iter().any(|known| known.name == name) {
            return;
        }
        let Some(structure) = structures.iter().find(|known| known.name == name) else {
            return;
        };
        for used in &structure.uses {
            visit(structures, used, found);
        }
        found.push(structure.clone());
    }
    let mut found = Vec::new();
    for name in names {
        visit(structures, name, &mut found);
    }
    found
}
