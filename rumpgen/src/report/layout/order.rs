//! The order within rows: sweeps up and down by the means of neighbours, the best result wins.

use super::Mesh;

const SWEEPS: usize = 24;

pub(super) fn order(mesh: &mut Mesh) {
    let mut best = (crossings(mesh), mesh.rows.clone());
    for sweep in 0..SWEEPS {
        let upwards = sweep % 2 == 0;
        let count = mesh.rows.len();
        for step in 1..count {
            let row = if upwards { step } else { count - 1 - step };
            sort(mesh, row, upwards);
        }
        let now = crossings(mesh);
        if now < best.0 {
            best = (now, mesh.rows.clone());
        }
    }
    mesh.rows = best.1;
}

/// Sorts a row by where its neighbours on one side stand; what has none there stays where it is.
fn sort(mesh: &mut Mesh, row: usize, upwards: bool) {
    let fixed = if upwards { row - 1 } else { row + 1 };
    let ranks = ranks(mesh, fixed);
    let mut keyed: Vec<(f64, usize, usize)> = Vec::new();
    for (place, node) in mesh.rows[row].iter().enumerate() {
        let neighbours = if upwards {
            &mesh.below[*node]
        } else {
            &mesh.above[*node]
        };
        let key = mean(
            neighbours
                .iter()
                .map(|(other, weight)| (ranks[*other], *weight)),
        );
        keyed.push((key.unwrap_or(f64::NAN), place, *node));
    }
    // Things without a neighbour take the key of what stands before them, so that they stay with it.
    let mut last = -1.0;
    for entry in &mut keyed {
        if entry.0.is_nan() {
            entry.0 = last;
        }
        last = entry.0;
    }
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    mesh.rows[row] = keyed.into_iter().map(|(_, _, node)| node).collect();
}

/// The place of each node of a row as a fraction of the row; other nodes have none.
fn ranks(mesh: &Mesh, row: usize) -> Vec<f64> {
    let mut ranks = vec![0.0; mesh.half.len()];
    let count = mesh.rows[row].len().max(1) as f64;
    for (place, node) in mesh.rows[row].iter().enumerate() {
        ranks[*node] = (place as f64 + 0.5) / count;
    }
    ranks
}

fn mean(values: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, weights) = values.fold((0.0, 0.0), |(sum, weights), (value, weight)| {
        (sum + value * weight, weights + weight)
    });
    (weights > 0.0).then(|| sum / weights)
}

/// How many pairs of lines cross, in all.
fn crossings(mesh: &Mesh) -> usize {
    let mut place = vec![0usize; mesh.half.len()];
    for row in &mesh.rows {
        for (index, node) in row.iter().enumerate() {
            place[*node] = index;
        }
    }
    let mut crossings = 0;
    for row in &mesh.rows {
        let lines: Vec<(usize, usize)> = row
            .iter()
            .flat_map(|node| {
                mesh.above[*node]
                    .iter()
                    .map(|(upper, _)| (place[*node], place[*upper]))
            })
            .collect();
        for (index, a) in lines.iter().enumerate() {
            crossings += lines[index + 1..]
                .iter()
                .filter(|b| (a.0 < b.0 && a.1 > b.1) || (a.0 > b.0 && a.1 < b.1))
                .count();
        }
    }
    crossings
}
