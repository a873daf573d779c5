//! Where on the picture the recognised product is: class activation mapping (Zhou et al., 2016).

use crate::picture::Prepared;

/// A rectangle on the source picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundingBox {
    /// From the left edge.
    pub left: f32,
    /// From the upper edge.
    pub top: f32,
    /// The width of the place, in pixels.
    pub width: f32,
    /// The height of the place, in pixels.
    pub height: f32,
}

/// A cell belongs to the product when it speaks for the class at least this much, relative to the strongest.
const SHARE: f32 = 0.4;

impl BoundingBox {
    /// The box around the cells that speak for the class and hang together with the strongest. `side` is the number of
    /// cells along one side of the map, `size` the network's input in pixels; `limits` the size of the source picture.
    pub(super) fn of(
        map: &[f32],
        side: usize,
        size: (u32, u32),
        prepared: &Prepared,
        limits: (u32, u32),
    ) -> Option<Self> {
        if side == 0 || map.len() != side * side {
            return None;
        }
        let strongest = (0..map.len()).max_by(|&a, &b| map[a].total_cmp(&map[b]))?;
        let threshold = map[strongest] * SHARE;
        if !(threshold.is_finite() && map[strongest] > 0.0) {
            return None;
        }
        let (columns, rows) = grow(map, side, strongest, threshold);
        let cell = (size.0 as f32 / side as f32, size.1 as f32 / side as f32);
        let x = |column: usize| {
            (column as f32 * cell.0 * prepared.scale.0 + prepared.origin.0).clamp(0.0, limits.0 as f32)
        };
        let y = |row: usize| {
            (row as f32 * cell.1 * prepared.scale.1 + prepared.origin.1).clamp(0.0, limits.1 as f32)
        };
        let (left, right, top, bottom) = (x(columns.0), x(columns.1 + 1), y(rows.0), y(rows.1 + 1));
        Some(Self { left, top, width: right - left, height: bottom - top })
    }
}

/// The columns and rows, first and last, of the cells around `start` that reach the threshold.
fn grow(map: &[f32], side: usize, start: usize, threshold: f32) -> ((usize, usize), (usize, usize)) {
    let mut group = vec![start];
    let mut next = 0;
    while let Some(&at) = group.get(next) {
        next += 1;
        let (column, row) = (at % side, at / side);
        let neighbours = [
            (column > 0).then(|| at - 1),
            (column + 1 < side).then(|| at + 1),
            (row > 0).then(|| at - side),
            (row + 1 < side).then(|| at + side),
        ];
        for neighbour in neighbours.into_iter().flatten() {
            if map[neighbour] >= threshold && !group.contains(&neighbour) {
                group.push(neighbour);
            }
        }
    }
    let span = |of: fn(usize, usize) -> usize| {
        let places = || group.iter().map(|&at| of(at, side));
        (places().min().unwrap_or(0), places().max().unwrap_or(0))
    };
    (span(|at, side| at % side), span(|at, side| at / side))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_is_around_the_strongest_group_in_source_pixels() {
        let mut map = vec![0.0; 49];
        for at in [16, 17, 23, 24] {
            map[at] = 1.0;
        }
        map[24] = 2.0;
        // Strong, but apart from it.
        map[48] = 1.5;
        let prepared = Prepared { planes: Vec::new(), scale: (2.0, 2.0), origin: (100.0, 32.0) };
        let found = BoundingBox::of(&map, 7, (224, 224), &prepared, (600, 400)).unwrap();
        let expected = BoundingBox { left: 228.0, top: 160.0, width: 128.0, height: 128.0 };
        assert_eq!(found, expected);
        assert_eq!(BoundingBox::of(&[0.0; 49], 7, (224, 224), &prepared, (600, 400)), None);
        assert_eq!(BoundingBox::of(&[f32::NAN; 49], 7, (224, 224), &prepared, (600, 400)), None);
        assert_eq!(BoundingBox::of(&[1.0; 4], 7, (224, 224), &prepared, (600, 400)), None);
    }
}
