//! The form that declarations of the interface have in C.
//!
//! A type is a text with `@` where the name of what has it goes, as C's declarations are built. `usize`
//! is `size_t` throughout, also where it is an address: both are as wide as a pointer.

use syn::spanned::Spanned;
use syn::{Expr, FnArg, Lit, Pat, PointerMutability, ReturnType, Signature, Type, TypeFnPtr};

use super::Structure;
use crate::diagnostic::Diagnostic;
use crate::source::rust::File;

/// Something of a name and a type: a parameter, or a field of a structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type, with `@` for the name.
    pub ty: String,
}

impl Variable {
    /// Its declaration.
    pub fn declaration(&self) -> String {
        self.ty.replace('@', &self.name)
    }
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// What it takes.
    pub parameters: Vec<Variable>,
    /// What it returns, with `@` for the name and the parameters; nothing if it does not return at all.
    pub returns: Option<String>,
}

/// The types that are the same on both sides.
const SCALARS: [(&str, &str); 11] = [
    ("bool", "bool @"),
    ("i8", "int8_t @"),
    ("i16", "int16_t @"),
    ("i32", "int32_t @"),
    ("i64", "int64_t @"),
    ("u8", "uint8_t @"),
    ("u16", "uint16_t @"),
    ("u32", "uint32_t @"),
    ("u64", "uint64_t @"),
    ("isize", "ptrdiff_t @"),
    ("usize", "size_t @"),
];

const NOTHING: &str = "void @";

/// A declared function in C. The names of structures it needs are added to `used`.
pub(super) fn function(
    file: &File,
    signature: &Signature,
    structures: &[Structure],
    used: &mut Vec<String>,
) -> Result<Function, Diagnostic> {
    let mut types = Types {
        file,
        known: &|name| structures.iter().any(|known| known.name == name),
        used,
    };
    let mut parameters = Vec::new();
    for input in &signature.inputs {
        let FnArg::Typed(typed) = input else {
            let help = "a hypercall is a free function";
            return Err(file.error(input, "`self` in a hypercall".to_owned(), help));
        };
        let Pat::Ident(name) = &*typed.pat else {
            let help = "give it a name; it appears in the C header";
            return Err(file.error(&typed.pat, "an argument without a name".to_owned(), help));
        };
        parameters.push(Variable {
            name: name.ident.to_string(),
            ty: types.form(&typed.ty)?,
        });
    }
    let returns = match &signature.output {
        ReturnType::Default => Some(NOTHING.to_owned()),
        ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)) => None,
        ReturnType::Type(_, ty) => Some(types.form(ty)?),
    };
    Ok(Function {
        parameters,
        returns,
    })
}

/// The types of one file.
pub(super) struct Types<'a> {
    pub(super) file: &'a File,
    /// Whether there is a structure of this name.
    pub(super) known: &'a dyn Fn(&str) -> bool,
    /// The structures met.
    pub(super) used: &'a mut Vec<String>,
}

impl Types<'_> {
    /// A type in C.
    pub(super) fn form(&mut self, ty: &Type) -> Result<String, Diagnostic> {
        match ty {
            Type::Path(path) if path.qself.is_none() => {
                let Some(name) = path.path.segments.last().map(|last| last.ident.to_string())
                else {
                    return Err(self.foreign(ty));
                };
                if let Some((_, c)) = SCALARS.iter().find(|(rust, _)| *rust == name) {
                    return Ok((*c).to_owned());
                }
                if !(self.known)(&name) {
                    return Err(self.foreign(ty));
                }
                let c = format!("struct {} @", structure_name(&name));
                self.used.push(name);
                Ok(c)
            }
            Type::Reference(to) => self.pointer(&to.elem, to.mutability.is_some()),
            Type::Ptr(to) => {
                let writable = matches!(to.mutability, PointerMutability::Mut(_));
                self.pointer(&to.elem, writable)
            }
            Type::Array(array) => {
                let element = self.form(&array.elem)?;
                let Some(len) = integer(&array.len) else {
                    return Err(self.foreign(ty));
                };
                Ok(element.replace('@', &format!("@[{len}]")))
            }
            Type::FnPtr(function) if is_c(function) => {
                let mut parameters = Vec::new();
                for (index, input) in function.inputs.iter().enumerate() {
                    let name = input.name.as_ref().map(|(name, _)| name.to_string());
                    parameters.push(Variable {
                        name: name.unwrap_or_else(|| format!("argument{index}")),
                        ty: self.form(&input.ty)?,
                    });
                }
                let returns = match &function.output {
                    ReturnType::Default => NOTHING.to_owned(),
                    ReturnType::Type(_, ty) => self.form(ty)?,
                };
                Ok(returns.replace('@', &format!("(*@){}", list(&parameters))))
            }
            _ => Err(self.foreign(ty)),
        }
    }

    fn pointer(&mut self, to: &Type, writable: bool) -> Result<String, Diagnostic> {
        // C reads declarators inside out: a pointer to one of these would need parentheses.
        if matches!(to, Type::Array(_) | Type::FnPtr(_)) {
            return Err(self.foreign(to));
        }
        let qualifier = if writable { "" } else { "const " };
        let to = self.form(to)?;
        Ok(format!("{qualifier}{}", to.replace('@', "*@")))
    }

    fn foreign(&self, ty: &impl Spanned) -> Diagnostic {
        let message = format!("`{}` has no form in C", self.file.quote(ty));
        let help = "what crosses the interface is an integer, `bool`, a pointer or reference, an array in a \
                    structure, an `extern \"C-unwind\" fn`, or a `#[repr(C)] pub struct` of glue/hypercall";
        self.file.error(ty, message, help)
    }
}

/// The parameters of a function, in parentheses.
pub fn list(parameters: &[Variable]) -> String {
    let parameters: Vec<_> = parameters.iter().map(Variable::declaration).collect();
    match &*parameters.join(", ") {
        "" => "(void)".to_owned(),
        parameters => format!("({parameters})"),
    }
}

/// The name in C of a structure: `LinkInfo` is `rump_link_info`.
pub fn structure_name(rust: &str) -> String {
    let mut name = "rump".to_owned();
    for letter in rust.chars() {
        if letter.is_uppercase() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

fn is_c(function: &TypeFnPtr) -> bool {
    let name = function.abi.as_ref().and_then(|abi| abi.name.as_ref());
    name.is_some_and(|name| ["C", "C-unwind"].contains(&&*name.value()))
}

fn integer(expr: &Expr) -> Option<u64> {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
