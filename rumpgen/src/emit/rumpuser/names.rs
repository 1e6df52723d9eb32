//! Rust's documentation, with the names that things have in C.

use crate::source::hypercalls::{Group, c};

/// What documentation may name: the calls, structures and constants of these groups.
pub(super) struct Names<'a>(pub(super) &'a [Group]);

/// Names of the language, not of the interface.
const LANGUAGE: [(&str, &str); 2] = [("u32::MAX", "UINT32_MAX"), ("u64::MAX", "UINT64_MAX")];

/// The name of a structure's constant: `CHECKSUM` of `LinkInfo` is `RUMP_LINK_INFO_CHECKSUM`.
pub(super) fn constant(structure: &str, name: &str) -> String {
    format!("{}_{name}", c::structure_name(structure).to_uppercase())
}

impl Names<'_> {
    /// The lines of a documentation, in which `owner` is the trait or structure it belongs to: links and
    /// code become plain text.
    pub(super) fn in_c(&self, doc: &[String], owner: &str) -> Vec<String> {
        doc.iter().map(|line| self.line(line, owner)).collect()
    }

    fn line(&self, line: &str, owner: &str) -> String {
        let mut text = String::new();
        let mut rest = line;
        while let Some(at) = rest.find(['[', '`']) {
            let (before, from) = rest.split_at(at);
            text.push_str(before);
            let (said, after) = self.marked(from, owner).unwrap_or_else(|| {
                let (mark, after) = from.split_at(1);
                (mark.to_owned(), after)
            });
            text.push_str(&said);
            rest = after;
        }
        text + rest
    }

    /// What a text that begins with a link or with code says in C, and what comes after it.
    fn marked<'t>(&self, from: &'t str, owner: &str) -> Option<(String, &'t str)> {
        if let Some(link) = from.strip_prefix("[`") {
            let (name, after) = link.split_once("`]")?;
            let (target, after) = match after.strip_prefix('(').and_then(|it| it.split_once(')')) {
                Some(explicit) => explicit,
                None => (name, after),
            };
            let said = self.find(target, owner).unwrap_or_else(|| name.to_owned());
            return Some((said, after));
        }
        let (code, after) = from.strip_prefix('`')?.split_once('`')?;
        let language = LANGUAGE.iter().find(|(rust, _)| *rust == code);
        let said = match language {
            Some((_, c)) => (*c).to_owned(),
            // A call of the same group has a longer name in C; a parameter has its own.
            None => self
                .find(&format!("Self::{code}"), owner)
                .unwrap_or_else(|| code.to_owned()),
        };
        Some((said, after))
    }

    /// The name in C of what a path leads to.
    fn find(&self, path: &str, owner: &str) -> Option<String> {
        let mut parts = path.rsplit("::");
        let last = parts.next()?;
        let Some(of) = parts.next() else {
            let mut structures = self.0.iter().flat_map(|group| &group.structures);
            let structure = structures.find(|structure| structure.name == last)?;
            return Some(format!("struct {}", c::structure_name(&structure.name)));
        };
        let of = if of == "Self" { owner } else { of };
        self.0.iter().find_map(|group| {
            if group.trait_name == of || group.name == of {
                let mut calls = group.calls.iter();
                let call = calls.find(|call| call.signature.ident == last)?;
                return Some(group.host_symbol(call));
            }
            let structure = group.structures.iter().find(|it| it.name == of)?;
            let mut constants = structure.constants.iter();
            let (name, ..) = constants.find(|(name, ..)| name == last)?;
            Some(constant(of, name))
        })
    }
}
