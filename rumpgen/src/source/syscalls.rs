//! Reads the system calls of a component: the functions of `src/syscalls.rs`, and of the files in
//! `src/syscalls` that it passes on, that carry a marker.
//!
//! A call is described by the vocabulary alone; whatever else stands in a signature is an error at
//! its place.

use std::path::Path;

use syn::{FnArg, GenericArgument, Item, ItemFn, Pat, PathArguments, ReturnType, Type};
use walkdir::WalkDir;

use super::rust::{self, File};
use crate::diagnostic::Diagnostic;
use crate::vocabulary::{self, Argument, Return};

/// Which kind of call a function is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `#[syscall]`: `rump_sys_<name>`, -1 and `errno`.
    System,
    /// `#[public(module)]`: `rump_pub_<module>_<name>`, zero or an error number. What it yields besides
    /// goes to where a last parameter points.
    Public(String),
}

/// A system call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function's name.
    pub name: String,
    /// Which kind it is.
    pub kind: Kind,
    /// Its documentation, line by line.
    pub doc: Vec<String>,
    /// Its arguments after the calling thread.
    pub arguments: Vec<(String, &'static Argument)>,
    /// What it returns.
    pub returns: &'static Return,
}

impl Call {
    /// The type of the last parameter of a public call that yields something.
    pub fn yields(&self) -> Option<&'static Return> {
        (self.kind != Kind::System && self.returns.name != "()").then_some(self.returns)
    }

    /// The C function.
    pub fn symbol(&self) -> String {
        match &self.kind {
            Kind::System => format!("rump_sys_{}", self.name),
            Kind::Public(module) => format!("rump_pub_{module}_{}", self.name),
        }
    }
}

/// Reads the marked functions of `file` and of the folder beside it that has its name, in the order of
/// their names; none if there is no such file.
pub fn read(file: &Path) -> Result<Vec<Call>, Vec<Diagnostic>> {
    if !file.exists() {
        return Ok(Vec::new());
    }
    let parts = WalkDir::new(file.with_extension("")).sort_by_file_name();
    // Where there is no folder, its walk has nothing but an error.
    let parts = parts.into_iter().filter_map(Result::ok);
    let parts = parts.map(walkdir::DirEntry::into_path);
    let parts = parts.filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    let (mut calls, mut errors) = (Vec::new(), Vec::new());
    for file in [file.to_owned()].into_iter().chain(parts) {
        match File::read(&file) {
            Ok(source) => read_file(&source, &mut calls, &mut errors),
            Err(error) => errors.push(error),
        }
    }
    calls.sort_by_key(Call::symbol);
    if errors.is_empty() {
        Ok(calls)
    } else {
        Err(errors)
    }
}

fn read_file(source: &File, calls: &mut Vec<Call>, errors: &mut Vec<Diagnostic>) {
    for item in &source.syntax.items {
        let Item::Fn(function) = item else { continue };
        match marker(source, function) {
            Ok(None) => {}
            Ok(Some(kind)) => match call(source, function, kind) {
                Ok(call) => calls.push(call),
                Err(error) => errors.push(error),
            },
            Err(error) => errors.push(error),
        }
    }
}

/// The marker is known by the last segment of its path, so that `markers::syscall` is one too.
fn marker(source: &File, function: &ItemFn) -> Result<Option<Kind>, Diagnostic> {
    for attribute in &function.attrs {
        let Some(last) = attribute.path().segments.last() else {
            continue;
        };
        if last.ident == "syscall" {
            return Ok(Some(Kind::System));
        }
        if last.ident == "public" {
            let module = attribute.parse_args::<syn::Ident>().map_err(|_| {
                source.error(
                    attribute,
                    format!("`{}` is public in no module", function.sig.ident),
                    "name the header the function goes into: `#[public(header)]`",
                )
            })?;
            return Ok(Some(Kind::Public(module.to_string())));
        }
    }
    Ok(None)
}

fn call(source: &File, function: &ItemFn, kind: Kind) -> Result<Call, Diagnostic> {
    let signature = &function.sig;
    let name = signature.ident.to_string();
    let special =
        signature.asyncness.is_some() || matches!(signature.safety, syn::Safety::Unsafe(_));
    let generic = signature.generics.type_params().next().is_some()
        || signature.generics.const_params().next().is_some();
    if special || generic || !matches!(function.vis, syn::Visibility::Public(_)) {
        return Err(source.error(
            &signature.ident,
            format!("the system call `{name}` is not a plain public function"),
            "a system call is a `pub fn` that is not async, unsafe or generic",
        ));
    }

    let mut inputs = signature.inputs.iter();
    let first = inputs.next();
    if !first.is_some_and(|input| matches!(input, FnArg::Typed(typed) if is_lwp(&typed.ty))) {
        return Err(source.error(
            &signature.ident,
            format!("the system call `{name}` does not take the calling thread"),
            "its first argument is `lwp: &Lwp`",
        ));
    }
    let arguments = inputs
        .map(|input| argument(source, input))
        .collect::<Result<Vec<_>, _>>()?;
    let returns = returned(source, signature)?;
    Ok(Call {
        name,
        kind,
        doc: rust::documentation(&function.attrs),
        arguments,
        returns,
    })
}

fn is_lwp(ty: &Type) -> bool {
    matches!(ty, Type::Reference(reference) if last_segment(&reference.elem).is_some_and(|s| s == "Lwp"))
}

fn last_segment(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string()),
        Type::Tuple(tuple) if tuple.elems.is_empty() => Some("()".to_owned()),
        _ => None,
    }
}

fn argument(source: &File, input: &FnArg) -> Result<(String, &'static Argument), Diagnostic> {
    let FnArg::Typed(typed) = input else {
        let help = "a system call is a free function";
        return Err(source.error(input, "`self` in a system call".to_owned(), help));
    };
    let name = match &*typed.pat {
        // An argument the kernel ignores is still one in C.
        Pat::Ident(ident) => ident.ident.to_string().trim_start_matches('_').to_owned(),
        _ => {
            let help = "give it a name; it appears in the C header";
            return Err(source.error(&typed.pat, "an argument without a name".to_owned(), help));
        }
    };
    let found = last_segment(&typed.ty).and_then(|ty| vocabulary::find_argument(&ty));
    found.map(|argument| (name, argument)).ok_or_else(|| {
        let known: Vec<_> = vocabulary::ARGUMENTS.iter().map(|a| a.name).collect();
        source.error(
            &typed.ty,
            format!(
                "`{}` is no type of the system call vocabulary",
                source.quote(&typed.ty)
            ),
            &format!("the types are {}", known.join(", ")),
        )
    })
}

fn returned(source: &File, signature: &syn::Signature) -> Result<&'static Return, Diagnostic> {
    let help = "the return types are Result<T, Errno> with T one of (), i32, u32, usize, NewFd";
    let ReturnType::Type(_, ty) = &signature.output else {
        let message = format!("the system call `{}` returns no result", signature.ident);
        return Err(source.error(&signature.ident, message, help));
    };
    let found = ok_type(ty)
        .and_then(last_segment)
        .and_then(|ok| vocabulary::find_return(&ok));
    let Some(returns) = found else {
        let message = format!("a system call cannot return `{}`", source.quote(ty));
        return Err(source.error(ty, message, help));
    };
    Ok(returns)
}

/// The `T` of `Result<T, Errno>`.
fn ok_type(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let types: Vec<&Type> = arguments
        .args
        .iter()
        .filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
        .collect();
    match (&last.ident, &types[..]) {
        (name, [ok, error])
            if name == "Result" && last_segment(error).is_some_and(|e| e == "Errno") =>
        {
            Some(ok)
        }
        _ => None,
    }
}
