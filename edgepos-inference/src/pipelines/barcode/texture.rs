//! Where a picture looks like bars: cells in which all edges run in one direction.

use super::{Grey, Region};

/// Longest side that is looked at, in pixels; larger pictures are shrunk.
const MAX_SIDE: u32 = 1280;
/// Share of the edges in a cell that run in its main direction.
const MIN_COHERENCE: f32 = 0.5;

/// Sums over a cell: gradient energy across x, across y, and their product.
#[derive(Clone, Copy, Default)]
struct Cell {
    xx: f32,
    yy: f32,
    xy: f32,
}

impl Cell {
    fn energy(self) -> f32 {
        self.xx + self.yy
    }

    /// The doubled angle's vector, as long as the energy that runs in one direction.
    fn direction(self) -> (f32, f32) {
        (self.xx - self.yy, 2.0 * self.xy)
    }

    fn coherence(self) -> f32 {
        let (cos, sin) = self.direction();
        (cos * cos + sin * sin).sqrt() / self.energy().max(1e-6)
    }
}

/// At most `limit` regions, the strongest first.
pub(super) fn regions(grey: &Grey, limit: usize) -> Vec<Region> {
    let factor = grey.width.max(grey.height).div_ceil(MAX_SIDE).max(1);
    let (pixels, width, height) = shrunk(grey, factor);
    let side = (width.min(height) / 40).clamp(4, 10);
    let (columns, rows) = (width / side, height / side);
    if columns < 3 || rows < 3 {
        return Vec::new();
    }
    let cells = smooth(&tensors(&pixels, width, side, columns, rows), columns, rows);
    let mut energies: Vec<f32> = cells.iter().map(|cell| cell.energy()).collect();
    let place = energies.len() * 95 / 100;
    let strong = *energies.select_nth_unstable_by(place, f32::total_cmp).1 * 0.08;
    let barred = |at: usize| cells[at].energy() > strong && cells[at].coherence() > MIN_COHERENCE;
    let mut groups = groups(&cells, columns, rows, &barred);
    groups.sort_by(|a, b| b.0.total_cmp(&a.0));
    groups.truncate(limit);
    groups.iter().map(|(_, group)| around(&cells, group, columns, side as f32, factor as f32)).collect()
}

fn shrunk(grey: &Grey, factor: u32) -> (Vec<i16>, usize, usize) {
    let (width, height) = ((grey.width / factor) as usize, (grey.height / factor) as usize);
    let factor = factor as usize;
    if factor == 1 {
        return (grey.pixels.iter().map(|&value| i16::from(value)).collect(), width, height);
    }
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let mut sum = 0_u32;
            for row in 0..factor {
                let at = (y * factor + row) * grey.width as usize + x * factor;
                sum += grey.pixels[at..at + factor].iter().map(|&value| u32::from(value)).sum::<u32>();
            }
            pixels.push((sum / (factor * factor) as u32) as i16);
        }
    }
    (pixels, width, height)
}

fn tensors(pixels: &[i16], width: usize, side: usize, columns: usize, rows: usize) -> Vec<Cell> {
    let mut cells = vec![Cell::default(); columns * rows];
    let height = pixels.len() / width.max(1);
    for y in 1..(rows * side).min(height - 1) {
        let (above, here, below) = (
            &pixels[(y - 1) * width..y * width],
            &pixels[y * width..][..width],
            &pixels[(y + 1) * width..][..width],
        );
        for (column, cell) in cells[y / side * columns..][..columns].iter_mut().enumerate() {
            let (mut xx, mut yy, mut xy) = (0_i32, 0_i32, 0_i32);
            for x in (column * side).max(1)..((column + 1) * side).min(width - 1) {
                // Sobel, divided by four: at most 255 a value, and 100 pixels a cell.
                let gx = i32::from(
                    above[x + 1] - above[x - 1] + 2 * (here[x + 1] - here[x - 1]) + below[x + 1]
                        - below[x - 1],
                ) / 4;
                let gy = i32::from(
                    below[x - 1] - above[x - 1] + 2 * (below[x] - above[x]) + below[x + 1] - above[x + 1],
                ) / 4;
                xx += gx * gx;
                yy += gy * gy;
                xy += gx * gy;
            }
            cell.xx += xx as f32;
            cell.yy += yy as f32;
            cell.xy += xy as f32;
        }
    }
    cells
}

/// Each cell with its eight neighbours: a wide bar may fill a cell of its own.
fn smooth(cells: &[Cell], columns: usize, rows: usize) -> Vec<Cell> {
    let mut smooth = vec![Cell::default(); cells.len()];
    for row in 0..rows {
        for column in 0..columns {
            let sum = &mut smooth[row * columns + column];
            for y in row.saturating_sub(1)..(row + 2).min(rows) {
                for x in column.saturating_sub(1)..(column + 2).min(columns) {
                    let cell = cells[y * columns + x];
                    sum.xx += cell.xx;
                    sum.yy += cell.yy;
                    sum.xy += cell.xy;
                }
            }
        }
    }
    smooth
}

/// Neighbouring cells of one direction, with the energy that runs in it.
fn groups(
    cells: &[Cell],
    columns: usize,
    rows: usize,
    barred: &dyn Fn(usize) -> bool,
) -> Vec<(f32, Vec<usize>)> {
    let mut seen = vec![false; cells.len()];
    let mut seeds: Vec<usize> = (0..cells.len()).filter(|&at| barred(at)).collect();
    seeds.sort_by(|&a, &b| cells[b].energy().total_cmp(&cells[a].energy()));
    let mut groups = Vec::new();
    for seed in seeds {
        if seen[seed] {
            continue;
        }
        seen[seed] = true;
        let mut group = vec![seed];
        let mut sum = cells[seed].direction();
        let mut next = 0;
        while let Some(&at) = group.get(next) {
            next += 1;
            let (column, row) = (at % columns, at / columns);
            for y in row.saturating_sub(1)..(row + 2).min(rows) {
                for x in column.saturating_sub(1)..(column + 2).min(columns) {
                    let neighbour = y * columns + x;
                    if seen[neighbour] || !barred(neighbour) {
                        continue;
                    }
                    let own = cells[neighbour].direction();
                    let dot = own.0 * sum.0 + own.1 * sum.1;
                    let size = (own.0.hypot(own.1) * sum.0.hypot(sum.1)).max(1e-6);
                    // The cosine of twice 20 degrees.
                    if dot > 0.766 * size {
                        seen[neighbour] = true;
                        sum = (sum.0 + own.0, sum.1 + own.1);
                        group.push(neighbour);
                    }
                }
            }
        }
        if group.len() >= 6 {
            groups.push((sum.0.hypot(sum.1), group));
        }
    }
    groups
}

/// The rectangle around a group, in source pixels.
fn around(cells: &[Cell], group: &[usize], columns: usize, side: f32, factor: f32) -> Region {
    let sum = group
        .iter()
        .map(|&at| cells[at].direction())
        .fold((0.0, 0.0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
    // The picture's y axis points down.
    let angle = -sum.1.atan2(sum.0) / 2.0;
    let (across, along) = ((angle.cos(), -angle.sin()), (angle.sin(), angle.cos()));
    let spans = [across, along].map(|axis| {
        let mut places: Vec<f32> = group
            .iter()
            .map(|&at| {
                ((at % columns) as f32 + 0.5) * side * axis.0 + ((at / columns) as f32 + 0.5) * side * axis.1
            })
            .collect();
        places.sort_by(f32::total_cmp);
        let cut = places.len() / 50;
        (places[cut], places[places.len() - 1 - cut])
    });
    let [(left, right), (top, bottom)] = spans;
    let (u, v) = ((left + right) / 2.0, (top + bottom) / 2.0);
    Region {
        centre: ((u * across.0 + v * along.0) * factor, (u * across.1 + v * along.1) * factor),
        length: (right - left + side) * factor,
        height: (bottom - top + side) * factor,
        angle,
    }
}
