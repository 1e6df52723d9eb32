//! A TOML table read key by key, with every mistake gathered.
//!
//! The keys that were asked for are the keys that exist: what is left over when reading ends is an
//! unknown key. So no list of keys stands anywhere beside the code that reads them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Diagnostic, Diagnostics, Place, Source, Spanned};
use crate::nearest;

/// A file being read: its text and the mistakes found so far.
pub struct Document<'a> {
    source: &'a Arc<Source>,
    found: RefCell<Diagnostics>,
}

impl<'a> Document<'a> {
    /// Starts on a file.
    pub fn new(source: &'a Arc<Source>) -> Self {
        Document {
            source,
            found: RefCell::default(),
        }
    }

    /// The table at the top; empty where the file is not TOML.
    pub fn top(&self, what: &str) -> Reader<'_> {
        let (table, errors) = DeTable::parse_recoverable(&self.source.text);
        for error in errors {
            let place = self.place(error.span().unwrap_or(0..0));
            self.report(Diagnostic::new("this is not TOML").primary(&place, error.message()));
        }
        Reader {
            document: self,
            what: what.to_owned(),
            place: self.place(0..0),
            table: table.into_inner(),
            known: Vec::new(),
        }
    }

    /// Reports a mistake.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    /// Whether nothing is wrong so far.
    pub fn is_clean(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// All mistakes.
    pub fn into_found(self) -> Diagnostics {
        self.found.into_inner()
    }

    fn place(&self, span: Range<usize>) -> Place {
        Place {
            source: Arc::clone(self.source),
            span,
        }
    }

    fn spanned<T>(&self, value: T, span: Range<usize>) -> Spanned<T> {
        Spanned {
            value,
            place: self.place(span),
        }
    }
}

/// A table being read.
pub struct Reader<'a> {
    document: &'a Document<'a>,
    what: String,
    place: Place,
    table: DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// Where the table is named.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Reports a mistake.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.document.report(diagnostic);
    }

    /// A string that may be left out.
    pub fn text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let (place, value, span) = self.take(key)?;
        self.as_text(key, &place, value, span)
    }

    /// A string that has to be there; reported where it is not.
    pub fn required_text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        self.require(key).then(|| self.text(key)).flatten()
    }

    /// A string, number or truth value, as text.
    pub fn required_scalar(&mut self, key: &'static str) -> Option<Spanned<String>> {
        self.require(key).then(|| self.scalar(key)).flatten()
    }

    /// [`required_scalar`](Self::required_scalar) that may be left out.
    pub fn scalar(&mut self, key: &'static str) -> Option<Spanned<String>> {
        let (place, value, span) = self.take(key)?;
        self.as_scalar(key, &place, value, span)
    }

    /// One of a few words; reported where it is another.
    pub fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<Spanned<T>> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let advice =
                nearest::advice(&text.value, "values", words.iter().map(|(word, _)| *word));
            let message = format!("`{}` is no {key}", text.value);
            self.report(
                Diagnostic::new(message)
                    .primary(&text.place, "")
                    .help(advice),
            );
        }
        found.map(|(_, value)| Spanned {
            value: *value,
            place: text.place,
        })
    }

    /// [`word`](Self::word) that has to be there.
    pub fn required_word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<Spanned<T>> {
        self.require(key).then(|| self.word(key, words)).flatten()
    }

    /// A truth value, `false` where it is left out, and where it stands.
    pub fn flag(&mut self, key: &'static str) -> Option<Spanned<bool>> {
        let (place, value, span) = self.take(key)?;
        let DeValue::Boolean(flag) = value else {
            self.wrong_type(key, &place, "true or false", &value);
            return None;
        };
        Some(self.document.spanned(flag, span))
    }

    /// A list of different strings; empty where it is left out.
    pub fn texts(&mut self, key: &'static str) -> Vec<Spanned<String>> {
        self.take(key).map_or_else(Vec::new, |(place, value, _)| {
            self.as_texts(key, &place, value)
        })
    }

    /// A list of strings in which one may stand twice, such as a command line.
    pub fn words(&mut self, key: &'static str) -> Vec<Spanned<String>> {
        self.take(key).map_or_else(Vec::new, |(place, value, _)| {
            self.as_words(key, &place, value)
        })
    }

    /// A list of strings, numbers or truth values, as text.
    pub fn scalars(&mut self, key: &'static str) -> Vec<Spanned<String>> {
        let Some((place, value, _)) = self.take(key) else {
            return Vec::new();
        };
        let DeValue::Array(array) = value else {
            self.wrong_type(key, &place, "a list", &value);
            return Vec::new();
        };
        let scalars = array.into_iter().filter_map(|entry| {
            let (place, span) = (self.document.place(entry.span()), entry.span());
            self.as_scalar(key, &place, entry.into_inner(), span)
        });
        scalars.collect()
    }

    /// A table whose keys are the reader's business.
    pub fn table(&mut self, key: &'static str) -> Option<Reader<'a>> {
        let (place, value, _) = self.take(key)?;
        self.as_table(key, format!("`{key}`"), place, value)
    }

    /// A list of tables: `[[key]]`.
    pub fn tables(&mut self, key: &'static str) -> Vec<Reader<'a>> {
        let Some((place, value, _)) = self.take(key) else {
            return Vec::new();
        };
        let DeValue::Array(array) = value else {
            self.wrong_type(key, &place, "a list of tables", &value);
            return Vec::new();
        };
        let tables = array.into_iter().filter_map(|entry| {
            let place = self.document.place(entry.span());
            self.as_table(key, format!("`{key}`"), place, entry.into_inner())
        });
        tables.collect()
    }

    /// Tables named by the user: `[key.NAME]`.
    pub fn named_tables(&mut self, key: &'static str) -> Vec<(Spanned<String>, Reader<'a>)> {
        let mut tables = Vec::new();
        for (name, value, _) in self.entries(key) {
            let what = format!("`{key}.{}`", name.value);
            if let Some(table) = self.as_table(&name.value, what, name.place.clone(), value) {
                tables.push((name, table));
            }
        }
        tables
    }

    /// Lists named by the user: `[key] NAME = ["…"]`.
    pub fn named_texts(
        &mut self,
        key: &'static str,
    ) -> Vec<(Spanned<String>, Vec<Spanned<String>>)> {
        let entries = self.entries(key);
        let lists = entries.into_iter().map(|(name, value, _)| {
            let texts = self.as_texts(&name.value, &name.place, value);
            (name, texts)
        });
        lists.collect()
    }

    /// Values named by the user: `[key] NAME = …`, as text.
    pub fn named_scalars(&mut self, key: &'static str) -> Vec<(Spanned<String>, Spanned<String>)> {
        let entries = self.entries(key);
        let scalars = entries.into_iter().filter_map(|(name, value, span)| {
            let value = self.as_scalar(&name.value, &name.place, value, span)?;
            Some((name, value))
        });
        scalars.collect()
    }

    /// [`named_scalars`](Self::named_scalars) whose places do not matter later.
    pub fn map(&mut self, key: &'static str) -> BTreeMap<String, String> {
        self.named_scalars(key)
            .into_iter()
            .map(|(name, value)| (name.value, value.value))
            .collect()
    }

    /// Ends the table with the keys that are left: numbers of 32 bits or lists of them, each with the place
    /// of its key.
    pub fn remaining_numbers(self) -> BTreeMap<String, Spanned<Vec<u32>>> {
        let document = self.document;
        let mut all = BTreeMap::new();
        for (key, value) in self.table {
            let place = document.place(key.span());
            let name = key.into_inner().into_owned();
            let span = value.span();
            let values = match value.into_inner() {
                DeValue::Array(array) => array
                    .into_iter()
                    .map(|entry| (entry.span(), entry.into_inner()))
                    .collect(),
                value => vec![(span, value)],
            };
            let mut numbers = Vec::new();
            for (span, value) in values {
                let number = match &value {
                    DeValue::Integer(digits) => {
                        u32::from_str_radix(digits.as_str(), digits.radix()).ok()
                    }
                    _ => None,
                };
                match number {
                    Some(number) => numbers.push(number),
                    None => {
                        let message =
                            format!("`{name}` is a number of 32 bits, or a list of such numbers");
                        let place = document.place(span);
                        document.report(Diagnostic::new(message).primary(&place, ""));
                    }
                }
            }
            all.insert(
                name,
                Spanned {
                    value: numbers,
                    place,
                },
            );
        }
        all
    }

    /// Ends the table: what nobody asked for does not exist.
    pub fn finish(mut self) {
        self.known.sort_unstable();
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            let place = self.document.place(key.span());
            let advice = nearest::advice(name, "keys", self.known.iter().copied());
            let message = format!("unknown key `{name}` in {}", self.what);
            self.report(Diagnostic::new(message).primary(&place, "").help(advice));
        }
    }

    fn take(&mut self, key: &'static str) -> Option<(Place, DeValue<'a>, Range<usize>)> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let (key, value) = self.table.remove_entry(key)?;
        let span = value.span();
        Some((self.document.place(key.span()), value.into_inner(), span))
    }

    fn entries(&mut self, key: &'static str) -> Vec<(Spanned<String>, DeValue<'a>, Range<usize>)> {
        let Some((place, value, _)) = self.take(key) else {
            return Vec::new();
        };
        let Some(table) = self.as_table(key, String::new(), place, value) else {
            return Vec::new();
        };
        let entries = table.table.into_iter().map(|(name, value)| {
            let span = name.span();
            let name = self.document.spanned(name.into_inner().into_owned(), span);
            let span = value.span();
            (name, value.into_inner(), span)
        });
        entries.collect()
    }

    fn require(&mut self, key: &'static str) -> bool {
        let there = self.table.contains_key(key);
        if !there {
            let message = format!("{} has no `{key}`", self.what);
            let help = format!("add `{key} = …`");
            self.report(Diagnostic::new(message).primary(&self.place, "").help(help));
            self.known.push(key);
        }
        there
    }

    fn as_text(
        &self,
        key: &str,
        place: &Place,
        value: DeValue<'a>,
        span: Range<usize>,
    ) -> Option<Spanned<String>> {
        let DeValue::String(text) = value else {
            self.wrong_type(key, place, "a string", &value);
            return None;
        };
        if text.trim().is_empty() {
            let message = format!("`{key}` is empty");
            self.report(Diagnostic::new(message).primary(&self.document.place(span.clone()), ""));
        }
        Some(self.document.spanned(text.into_owned(), span))
    }

    fn as_scalar(
        &self,
        key: &str,
        place: &Place,
        value: DeValue<'a>,
        span: Range<usize>,
    ) -> Option<Spanned<String>> {
        let text = match value {
            DeValue::String(text) => text.into_owned(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            other => {
                self.wrong_type(key, place, "a string, an integer, true or false", &other);
                return None;
            }
        };
        Some(self.document.spanned(text, span))
    }

    fn as_words(&self, key: &str, place: &Place, value: DeValue<'a>) -> Vec<Spanned<String>> {
        let DeValue::Array(array) = value else {
            self.wrong_type(key, place, "a list of strings", &value);
            return Vec::new();
        };
        let words = array.into_iter().filter_map(|entry| {
            let span = entry.span();
            let place = self.document.place(span.clone());
            let value = entry.into_inner();
            let DeValue::String(_) = value else {
                let message = format!("`{key}` lists strings, and this is {}", article(&value));
                self.report(Diagnostic::new(message).primary(&place, ""));
                return None;
            };
            self.as_text(key, &place, value, span)
        });
        words.collect()
    }

    fn as_texts(&self, key: &str, place: &Place, value: DeValue<'a>) -> Vec<Spanned<String>> {
        let mut texts: Vec<Spanned<String>> = Vec::new();
        for text in self.as_words(key, place, value) {
            if let Some(first) = texts.iter().find(|earlier| earlier.value == text.value) {
                let message = format!("`{}` stands twice in `{key}`", text.value);
                let diagnostic = Diagnostic::new(message).primary(&text.place, "again");
                self.report(diagnostic.also(&first.place, "first here"));
            } else {
                texts.push(text);
            }
        }
        texts
    }

    fn as_table(
        &self,
        key: &str,
        what: String,
        place: Place,
        value: DeValue<'a>,
    ) -> Option<Reader<'a>> {
        let DeValue::Table(table) = value else {
            self.wrong_type(key, &place, "a table", &value);
            return None;
        };
        Some(Reader {
            document: self.document,
            what,
            place,
            table,
            known: Vec::new(),
        })
    }

    fn wrong_type(&self, key: &str, place: &Place, wanted: &str, value: &DeValue<'_>) {
        let message = format!("`{key}` is {wanted}, not {}", article(value));
        self.report(Diagnostic::new(message).primary(place, ""));
    }
}

fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
