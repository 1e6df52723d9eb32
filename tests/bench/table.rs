//! Medians side by side.

use std::fmt;

use serde_json::{Value, json};

use super::Row;
use super::chart::Bar;

/// The middle and the ends of a row of measurements.
#[derive(Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(mut figures: Vec<f64>) -> Spread {
        figures.sort_by(f64::total_cmp);
        let (low, high) = (figures[(figures.len() - 1) / 2], figures[figures.len() / 2]);
        Spread {
            median: (low + high) / 2.0,
            least: figures[0],
            most: figures[figures.len() - 1],
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "median": self.median, "least": self.least, "most": self.most })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} [{:.1}..{:.1}]",
            self.median, self.least, self.most
        )
    }
}

/// The rows measured so far.
pub(crate) struct Table {
    lines: Vec<[String; 6]>,
    rows: Vec<Value>,
    bars: Vec<Bar>,
}

impl Table {
    pub(crate) fn new() -> Table {
        let head = [
            "",
            "host",
            "librump.a",
            "librump.so",
            "librump.a, sync=up",
            "librump.a ÷ host",
        ];
        Table {
            lines: vec![head.map(str::to_owned)],
            rows: Vec::new(),
            bars: Vec::new(),
        }
    }

    /// Adds a row: host, static, shared, and with one virtual processor.
    pub(crate) fn add(&mut self, row: &Row, figures: &[Spread; 3], up: Option<Spread>) {
        let [host, fixed, shared] = figures;
        let comparable = host.median > 1e-9 && row.what != "boot";
        let ratio = fixed.median / host.median;
        let verdict = if row.more_is_better {
            "more is better"
        } else {
            "less is better"
        };
        self.lines.push([
            format!("{} ({})", row.name, row.unit),
            if comparable {
                host.to_string()
            } else {
                "–".to_owned()
            },
            fixed.to_string(),
            shared.to_string(),
            up.map_or("–".to_owned(), |up| up.to_string()),
            if comparable {
                format!("{ratio:.3} ({verdict})")
            } else {
                "–".to_owned()
            },
        ]);
        // A share of something of its own is no speed, nor is a size.
        if comparable && !row.unit.starts_with('%') && row.unit != "kB" {
            self.bars.push(Bar {
                name: row.name.to_owned(),
                host: *host,
                ours: *fixed,
                more_is_better: row.more_is_better,
            });
        }
        self.rows.push(json!({
            "name": row.name, "unit": row.unit, "more-is-better": row.more_is_better,
            "host": comparable.then(|| host.json()), "static": fixed.json(), "shared": shared.json(),
            "static-up": up.map(|up| up.json()),
        }));
    }

    /// What there is to compare.
    pub(crate) fn bars(&self) -> &[Bar] {
        &self.bars
    }

    pub(crate) fn json(&self) -> &[Value] {
        &self.rows
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut widths = [0; 6];
        for line in &self.lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        // As Markdown has tables, to be put into documents.
        for (number, line) in self.lines.iter().enumerate() {
            for (width, cell) in widths.iter().zip(line) {
                write!(f, "| {cell:<width$} ")?;
            }
            writeln!(f, "|")?;
            if number == 0 {
                for width in widths {
                    write!(f, "|{:-<1$}", "", width + 2)?;
                }
                writeln!(f, "|")?;
            }
        }
        write!(f, "\nmedians [least..most]")
    }
}
