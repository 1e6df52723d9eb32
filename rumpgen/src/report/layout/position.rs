//! Positions within rows: each as near to the mean of its neighbours as its row allows.

use super::Mesh;

const SWEEPS: usize = 60;

/// The centre of each node.
pub(super) fn place(mesh: &Mesh) -> Vec<f64> {
    let mut places = vec![0.0; mesh.half.len()];
    for row in &mesh.rows {
        let mut right = 0.0;
        for node in row {
            places[*node] = right + mesh.half[*node];
            right += 2.0 * mesh.half[*node];
        }
        for node in row {
            places[*node] -= right / 2.0;
        }
    }
    for sweep in 0..SWEEPS {
        let count = mesh.rows.len();
        for step in 0..count {
            let row = if sweep % 2 == 0 {
                step
            } else {
                count - 1 - step
            };
            settle(mesh, &mesh.rows[row], &mut places);
        }
    }
    places
}

/// Moves a row to the places nearest, by least squares, to those its nodes wish for, in the row's order
/// and without overlap. Nodes that would overlap form a block that stands where they wish on
/// average; blocks that would overlap are joined.
fn settle(mesh: &Mesh, row: &[usize], places: &mut [f64]) {
    let mut offset = 0.0;
    let mut offsets = Vec::new();
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (index, node) in row.iter().enumerate() {
        if index > 0 {
            offset += mesh.half[row[index - 1]] + mesh.half[*node];
        }
        offsets.push(offset);
        let (wish, weight) = wish(mesh, *node, places);
        // In these coordinates not overlapping is simply not decreasing.
        let mut block = ((wish - offset) * weight, weight, 1);
        while let Some(last) = blocks
            .last()
            .filter(|last| last.0 / last.1 > block.0 / block.1)
        {
            block = (block.0 + last.0, block.1 + last.1, block.2 + last.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    let mut index = 0;
    for (sum, weight, count) in blocks {
        for _ in 0..count {
            places[row[index]] = sum / weight + offsets[index];
            index += 1;
        }
    }
}

/// Where a node wants to be, and how much.
fn wish(mesh: &Mesh, node: usize, places: &[f64]) -> (f64, f64) {
    let neighbours = mesh.below[node].iter().chain(&mesh.above[node]);
    let (sum, weights) = neighbours.fold((0.0, 0.0), |(sum, weights), (other, weight)| {
        (sum + places[*other] * weight, weights + weight)
    });
    // What has no neighbour stays, but gives way to everything else.
    if weights > 0.0 {
        (sum / weights, weights)
    } else {
        (places[node], 0.01)
    }
}
