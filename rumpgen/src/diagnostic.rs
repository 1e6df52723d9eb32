//! Errors that point at the text that caused them.
//!
//! A stage gathers all it finds into [`Diagnostics`], and they are printed together. What the user typed on the
//! command line is a source like any file, so that an argument is underlined just as a line of a manifest is.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// A text that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// How the text is called in messages.
    pub name: String,
    /// The text.
    pub text: String,
}

impl Source {
    /// A source of any kind.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Source {
            name: name.into(),
            text: text.into(),
        })
    }
}

/// A range of bytes in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The source.
    pub source: Arc<Source>,
    /// The bytes.
    pub span: Range<usize>,
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

/// One error.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    message: String,
    labels: Vec<Label>,
    notes: Vec<String>,
    helps: Vec<String>,
}

#[derive(Clone, Debug)]
struct Label {
    place: Place,
    text: String,
    primary: bool,
}

impl Diagnostic {
    /// An error that has no place.
    pub fn new(message: impl Into<String>) -> Self {
        Diagnostic {
            message: message.into(),
            labels: Vec::new(),
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// An error at a place in a file.
    pub fn at(path: &Path, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let source = Source::new(display_path(path), text);
        Diagnostic::new(message).primary(&Place { source, span }, "")
    }

    /// Underlines the place of the error itself; the text may be empty.
    #[must_use]
    pub fn primary(self, place: &Place, text: impl Into<String>) -> Self {
        self.label(place, text.into(), true)
    }

    /// Underlines a place that has to do with it.
    #[must_use]
    pub fn also(self, place: &Place, text: impl Into<String>) -> Self {
        self.label(place, text.into(), false)
    }

    fn label(mut self, place: &Place, text: String, primary: bool) -> Self {
        self.labels.push(Label {
            place: place.clone(),
            text,
            primary,
        });
        self
    }

    /// Adds what one should know to understand it.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds the way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }

    /// [`help`](Self::help), where there is one.
    #[must_use]
    pub fn maybe_help(self, text: Option<String>) -> Self {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }

    /// What is wrong, without places and advice.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The whole of it, as text for a person; no newline at the end.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let mut group = Group::with_title(Level::ERROR.primary_title(&*self.message));
        for source in self.sources() {
            let snippet = Snippet::source(&*source.text)
                .path(&*source.name)
                .fold(true);
            let here = self
                .labels
                .iter()
                .filter(|label| label.place.source == *source);
            group = group.element(snippet.annotations(here.map(|label| {
                let kind = if label.primary {
                    AnnotationKind::Primary
                } else {
                    AnnotationKind::Context
                };
                let annotation = kind.span(label.place.span.clone());
                if label.text.is_empty() {
                    annotation
                } else {
                    annotation.label(&*label.text)
                }
            })));
        }
        let notes = self.notes.iter().map(|text| Level::NOTE.message(&**text));
        let helps = self.helps.iter().map(|text| Level::HELP.message(&**text));
        group = group.elements(notes.chain(helps));
        renderer.render(&[group])
    }

    /// The sources in the order in which labels first name them, the one at fault first.
    fn sources(&self) -> Vec<&Arc<Source>> {
        let mut sources: Vec<&Arc<Source>> = Vec::new();
        let (primary, context): (Vec<_>, Vec<_>) =
            self.labels.iter().partition(|label| label.primary);
        for label in primary.into_iter().chain(context) {
            if !sources.contains(&&label.place.source) {
                sources.push(&label.place.source);
            }
        }
        sources
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// All errors of one stage.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Ends a stage: goes on with `value` only where nothing was found.
    ///
    /// # Errors
    /// Everything that was found.
    pub fn finish<T>(self, value: T) -> Result<T, Diagnostics> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// All of them as text for a person, with an empty line between and a newline at the end.
    pub fn render(&self, colour: bool) -> String {
        let rendered: Vec<String> = self
            .0
            .iter()
            .map(|diagnostic| diagnostic.render(colour))
            .collect();
        let mut text = rendered.join("\n\n");
        text.push('\n');
        text
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, iter: I) {
        self.0.extend(iter);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Diagnostics(vec![diagnostic])
    }
}

impl From<Vec<Diagnostic>> for Diagnostics {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Diagnostics(diagnostics)
    }
}

/// A path as messages show it: relative to the current folder where it lies below it.
pub fn display_path(path: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&current)
        .unwrap_or(path)
        .display()
        .to_string()
}
