//! Reads the numbers of the C interface: the `pub const` items of one file.

use std::path::Path;

use syn::{BinOp, Expr, Item, Lit, UnOp};

use super::rust;
use crate::diagnostic::Diagnostic;

/// One number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    /// Its name, without a prefix.
    pub name: String,
    /// Its value as C writes it.
    pub value: String,
}

/// Reads every public integer constant of `file`, in the file's order.
pub fn read(file: &Path) -> Result<Vec<Constant>, Diagnostic> {
    let source = rust::File::read(file)?;
    let mut constants = Vec::new();
    for item in &source.syntax.items {
        let Item::Const(item) = item else { continue };
        if !matches!(item.vis, syn::Visibility::Public(_)) {
            continue;
        }
        constants.push(Constant {
            name: item.ident.to_string(),
            value: value(&source, &item.ident.to_string(), &item.expr)?,
        });
    }
    Ok(constants)
}

/// The value of a constant as C writes it.
pub(super) fn value(source: &rust::File, name: &str, expr: &Expr) -> Result<String, Diagnostic> {
    let value = evaluate(expr).ok_or_else(|| {
        source.error(
            expr,
            format!("the value of `{name}` cannot be put into a C header"),
            "write it as an integer, or with `<<` and `|` between integers",
        )
    })?;
    Ok(spelled(value, expr))
}

fn evaluate(expr: &Expr) -> Option<i128> {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        Expr::Paren(inner) => evaluate(&inner.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            evaluate(&unary.expr)?.checked_neg()
        }
        Expr::Binary(binary) => {
            let (left, right) = (evaluate(&binary.left)?, evaluate(&binary.right)?);
            match binary.op {
                BinOp::Shl(_) => left.checked_shl(u32::try_from(right).ok()?),
                BinOp::BitOr(_) => Some(left | right),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Decimal where the source is a plain decimal number, else hexadecimal: masks read better so.
fn spelled(value: i128, expr: &Expr) -> String {
    let decimal = match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(int) => !int.token().to_string().starts_with('0') || value == 0,
            _ => true,
        },
        Expr::Unary(_) => true,
        _ => false,
    };
    let suffix = if value > i128::from(i32::MAX) {
        "u"
    } else {
        ""
    };
    if decimal {
        format!("{value}{suffix}")
    } else {
        format!("{value:#x}{suffix}")
    }
}
