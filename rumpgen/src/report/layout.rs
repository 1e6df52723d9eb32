//! A small layered layout: rows from below to above, few crossings, straight lines.
//!
//! The method is Sugiyama's: a line that spans several rows gets a bend in each row between, so that it
//! runs past the boxes; rows are ordered by the means of their neighbours; then every row takes the
//! positions nearest to those of its neighbours that leave no two things on top of each other.
//! It knows boxes and lines, not what they mean.

mod order;
mod position;

/// Something with a width, in a row.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// The row, 0 at the bottom.
    pub row: usize,
    /// Width in pixels.
    pub width: f64,
    /// Space to keep free on either side.
    pub margin: f64,
}

/// A line between two items of different rows.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    /// Index of the item in the lower row.
    pub lower: usize,
    /// Index of the item in the upper row.
    pub upper: usize,
    /// A row strictly between where it carries a label, and the label's width.
    pub label: Option<(usize, f64)>,
    /// How much it matters that it is straight and short.
    pub weight: f64,
}

/// Where everything is.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The centre of each item.
    pub centres: Vec<f64>,
    /// For each wire, the places of its bends from the lower end to the upper, as (row, x).
    pub bends: Vec<Vec<(usize, f64)>>,
    /// Width of it all.
    pub width: f64,
}

/// Items, bends among them, and the neighbours of each in the rows below and above.
struct Mesh {
    rows: Vec<Vec<usize>>,
    half: Vec<f64>,
    below: Vec<Vec<(usize, f64)>>,
    above: Vec<Vec<(usize, f64)>>,
}

/// Finds a place for everything. The same input gives the same result.
pub(super) fn layout(items: &[Item], wires: &[Wire]) -> Layout {
    let rows = items.iter().map(|item| item.row + 1).max().unwrap_or(0);
    let mut mesh = Mesh {
        rows: vec![Vec::new(); rows],
        half: items
            .iter()
            .map(|item| item.width / 2.0 + item.margin)
            .collect(),
        below: vec![Vec::new(); items.len()],
        above: vec![Vec::new(); items.len()],
    };
    for (index, item) in items.iter().enumerate() {
        mesh.rows[item.row].push(index);
    }
    let chains: Vec<Vec<usize>> = wires.iter().map(|wire| mesh.thread(items, wire)).collect();
    order::order(&mut mesh);
    let places = position::place(&mesh);
    let left = mesh
        .edge(&places, |place, half| place - half)
        .fold(f64::INFINITY, f64::min);
    let right = mesh
        .edge(&places, |place, half| place + half)
        .fold(f64::NEG_INFINITY, f64::max);
    let (left, right) = if left <= right {
        (left, right)
    } else {
        (0.0, 0.0)
    };
    let at = |node: usize| places[node] - left;
    let bends = wires.iter().zip(&chains).map(|(wire, chain)| {
        let first = items[wire.lower].row + 1;
        chain
            .iter()
            .enumerate()
            .map(|(step, node)| (first + step, at(*node)))
            .collect()
    });
    Layout {
        centres: (0..items.len()).map(at).collect(),
        bends: bends.collect(),
        width: right - left,
    }
}

impl Mesh {
    /// Adds the bends of a wire and connects them; returns them from below to above.
    fn thread(&mut self, items: &[Item], wire: &Wire) -> Vec<usize> {
        let mut chain = Vec::new();
        let mut last = wire.lower;
        for row in items[wire.lower].row + 1..items[wire.upper].row {
            let label = wire.label.filter(|(labelled, _)| *labelled == row);
            let node = self.half.len();
            self.half
                .push(label.map_or(5.0, |(_, width)| width / 2.0 + 5.0));
            self.below.push(Vec::new());
            self.above.push(Vec::new());
            self.rows[row].push(node);
            // Between two bends straightness matters most: that is where a line would wriggle.
            let weight = if chain.is_empty() {
                wire.weight
            } else {
                wire.weight * 4.0
            };
            self.connect(last, node, weight);
            chain.push(node);
            last = node;
        }
        self.connect(last, wire.upper, wire.weight);
        chain
    }

    fn connect(&mut self, lower: usize, upper: usize, weight: f64) {
        self.above[lower].push((upper, weight));
        self.below[upper].push((lower, weight));
    }

    fn edge<'a>(
        &'a self,
        places: &'a [f64],
        side: impl Fn(f64, f64) -> f64 + 'a,
    ) -> impl Iterator<Item = f64> + 'a {
        places
            .iter()
            .zip(&self.half)
            .map(move |(place, half)| side(*place, *half))
    }
}
