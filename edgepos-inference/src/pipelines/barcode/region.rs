//! From the network's maps to a rectangle around the code.

/// A rectangle in the picture, turned as the code is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// The middle, in source pixels from the left and from the top.
    pub centre: (f32, f32),
    /// Length across the bars, in source pixels.
    pub length: f32,
    /// Height along the bars, in source pixels.
    pub height: f32,
    /// The direction across the bars, in radians from the picture's x axis, counter-clockwise; −π/2 to π/2.
    pub angle: f32,
}

impl Region {
    /// The strongest group of neighbouring cells whose first map says "code"; the other maps are the sine and cosine
    /// of twice its angle. `cell` is the size of a cell in the network's pixels.
    pub(super) fn find(
        maps: &[f32],
        (columns, rows): (usize, usize),
        cell: (f32, f32),
        min_cells: usize,
    ) -> Option<Self> {
        let area = columns * rows;
        if maps.len() != 3 * area || area == 0 {
            return None;
        }
        let group = strongest_group(&maps[..area], columns)?;
        if group.len() < min_cells.max(1) {
            return None;
        }
        let sum = |map: usize| group.iter().map(|&at| maps[map * area + at]).sum::<f32>();
        let angle = sum(1).atan2(sum(2)) / 2.0;
        if !angle.is_finite() {
            return None;
        }
        // The picture's y axis points down: counter-clockwise is towards smaller y.
        let (across, along) = ((angle.cos(), -angle.sin()), (angle.sin(), angle.cos()));
        let mut spans = [(f32::MAX, f32::MIN); 2];
        for &at in &group {
            let x = ((at % columns) as f32 + 0.5) * cell.0;
            let y = ((at / columns) as f32 + 0.5) * cell.1;
            for (span, axis) in spans.iter_mut().zip([across, along]) {
                let place = x * axis.0 + y * axis.1;
                *span = (span.0.min(place), span.1.max(place));
            }
        }
        let [(left, right), (top, bottom)] = spans;
        let (u, v) = ((left + right) / 2.0, (top + bottom) / 2.0);
        Some(Self {
            centre: (u * across.0 + v * along.0, u * across.1 + v * along.1),
            // Half a cell beyond the middle of the last on each side.
            length: right - left + cell.0,
            height: bottom - top + cell.1,
            angle,
        })
    }

    /// The same rectangle on the source picture. The scale is taken as equal on both axes.
    pub(super) fn in_source(self, scale: (f32, f32), origin: (f32, f32)) -> Self {
        let mean = (scale.0 + scale.1) / 2.0;
        Self {
            centre: (self.centre.0 * scale.0 + origin.0, self.centre.1 * scale.1 + origin.1),
            length: self.length * mean,
            height: self.height * mean,
            angle: self.angle,
        }
    }

    /// The four corners, in source pixels.
    #[must_use]
    pub fn corners(&self) -> [(f32, f32); 4] {
        let (sin, cos) = self.angle.sin_cos();
        let (u, v) = (self.length / 2.0, self.height / 2.0);
        [(-u, -v), (u, -v), (u, v), (-u, v)]
            .map(|(u, v)| (self.centre.0 + u * cos + v * sin, self.centre.1 - u * sin + v * cos))
    }
}

/// The cells (positive logit) that hang together and have the largest sum.
fn strongest_group(logits: &[f32], columns: usize) -> Option<Vec<usize>> {
    let mut seen = vec![false; logits.len()];
    let mut best: Option<(f32, Vec<usize>)> = None;
    for start in 0..logits.len() {
        if seen[start] || logits[start] <= 0.0 || logits[start].is_nan() {
            continue;
        }
        seen[start] = true;
        let mut group = vec![start];
        let mut next = 0;
        while let Some(&at) = group.get(next) {
            next += 1;
            let column = at % columns;
            let neighbours = [
                (column > 0).then(|| at - 1),
                (column + 1 < columns).then(|| at + 1),
                at.checked_sub(columns),
                Some(at + columns).filter(|below| *below < logits.len()),
            ];
            for neighbour in neighbours.into_iter().flatten() {
                if !seen[neighbour] && logits[neighbour] > 0.0 {
                    seen[neighbour] = true;
                    group.push(neighbour);
                }
            }
        }
        let strength: f32 = group.iter().map(|&at| logits[at].min(20.0)).sum();
        if best.as_ref().is_none_or(|(strongest, _)| strength > *strongest) {
            best = Some((strength, group));
        }
    }
    best.map(|(_, group)| group)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(cells: &[(usize, usize)], angle: f32) -> Vec<f32> {
        let mut maps = vec![-5.0; 3 * 40 * 30];
        for &(column, row) in cells {
            maps[row * 40 + column] = 4.0;
            maps[1200 + row * 40 + column] = (2.0 * angle).sin();
            maps[2400 + row * 40 + column] = (2.0 * angle).cos();
        }
        maps
    }

    #[test]
    fn the_larger_group_wins_and_small_ones_are_noise() {
        let mut cells = vec![(1, 1), (2, 1)];
        assert_eq!(Region::find(&maps(&cells, 0.0), (40, 30), (8.0, 8.0), 4), None);
        cells.extend((10..20).flat_map(|column| [(column, 15), (column, 16)]));
        let region = Region::find(&maps(&cells, 0.0), (40, 30), (8.0, 8.0), 4).unwrap();
        assert_eq!((region.centre, region.length, region.height), ((120.0, 128.0), 80.0, 16.0));
        assert_eq!(Region::find(&[], (40, 30), (8.0, 8.0), 1), None);
        assert_eq!(Region::find(&[f32::NAN; 3600], (40, 30), (8.0, 8.0), 1), None);
    }

    #[test]
    fn a_turned_code_has_turned_corners() {
        let cells: Vec<_> = (5..25).map(|step| (step, 28 - step)).collect();
        let cells: Vec<_> = cells.iter().flat_map(|&(x, y)| [(x, y), (x + 1, y)]).collect();
        let angle = std::f32::consts::FRAC_PI_4;
        let region = Region::find(&maps(&cells, angle), (40, 30), (8.0, 8.0), 4).unwrap();
        assert!((region.angle - angle).abs() < 1e-4);
        assert!(region.length > 200.0 && region.height < 30.0, "{region:?}");
        let [upper_left, upper_right, ..] = region.corners();
        assert!(upper_right.0 > upper_left.0 && upper_right.1 < upper_left.1, "it rises to the right");
    }
}
