//! A Rust source file and errors that point into it.

use std::fs;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::{Attribute, Expr, Lit, Meta};

use crate::diagnostic::Diagnostic;

/// A parsed file.
pub struct File {
    path: PathBuf,
    text: String,
    /// What it says.
    pub syntax: syn::File,
}

impl File {
    /// Reads and parses a file.
    pub fn read(path: &Path) -> Result<File, Diagnostic> {
        let text = fs::read_to_string(path)
            .map_err(|error| Diagnostic::new(format!("cannot read {}: {error}", path.display())))?;
        match syn::parse_file(&text) {
            Ok(syntax) => Ok(File {
                path: path.to_owned(),
                text,
                syntax,
            }),
            Err(error) => {
                let empty = syn::File {
                    shebang: None,
                    frontmatter: None,
                    attrs: Vec::new(),
                    items: Vec::new(),
                };
                let file = File {
                    path: path.to_owned(),
                    text,
                    syntax: empty,
                };
                Err(file.syntax_error(&error))
            }
        }
    }

    /// An error at a place in the file, with the way out.
    pub fn error(&self, at: &impl Spanned, message: String, help: &str) -> Diagnostic {
        self.at(at.span(), message).help(help)
    }

    /// What the file says at a place.
    pub fn quote(&self, at: &impl Spanned) -> &str {
        let span = at.span();
        self.text
            .get(self.offset(span.start())..self.offset(span.end()))
            .unwrap_or_default()
    }

    /// The compiler's own kind of error.
    pub fn syntax_error(&self, error: &syn::Error) -> Diagnostic {
        self.at(error.span(), error.to_string())
    }

    fn at(&self, span: proc_macro2::Span, message: String) -> Diagnostic {
        let start = self.offset(span.start());
        let end = self.offset(span.end()).max(start + 1);
        Diagnostic::at(&self.path, &self.text, start..end, message)
    }

    /// Byte offset of a position: lines count from one, columns are characters from zero.
    fn offset(&self, position: proc_macro2::LineColumn) -> usize {
        let mut offset = 0;
        for (number, line) in self.text.split_inclusive('\n').enumerate() {
            if number + 1 == position.line {
                let column: usize = line.chars().take(position.column).map(char::len_utf8).sum();
                return offset + column;
            }
            offset += line.len();
        }
        offset
    }
}

/// The lines of an item's documentation, without the space that follows the slashes.
pub fn documentation(attributes: &[Attribute]) -> Vec<String> {
    let mut lines = Vec::new();
    for attribute in attributes {
        let Meta::NameValue(pair) = &attribute.meta else {
            continue;
        };
        if !pair.path.is_ident("doc") {
            continue;
        }
        if let Expr::Lit(literal) = &pair.value
            && let Lit::Str(text) = &literal.lit
        {
            let text = text.value();
            lines.push(text.strip_prefix(' ').unwrap_or(&text).to_owned());
        }
    }
    lines
}
