//! A band across the bars as one row of brightness.

use super::{Grey, Region};

/// Most columns of a profile: finer than any printed module needs.
const MAX_COLUMNS: f32 = 2048.0;
/// Most rows that are averaged.
const MAX_ROWS: usize = 16;

/// The mean brightness across the bars.
pub(super) struct Profile {
    pub(super) values: Vec<f32>,
    /// The columns that lie on the picture; beyond them its edge goes on.
    pub(super) inside: (f32, f32),
}

/// An edge: where, in columns, and whether it gets darker there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) at: f32,
    pub(super) darker: bool,
}

/// Where to read: a part of a region.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    centre: (f32, f32),
    angle: f32,
    length: f32,
    height: f32,
    /// How far the bars lean, in pixels across for each along.
    lean: f32,
}

impl Band {
    /// A region's `index`th of `count` bands, longer than it by `margin` of its length at either end.
    pub(super) fn of(region: &Region, index: usize, count: usize, margin: f32) -> Self {
        let height = region.height / count as f32;
        let v = (index as f32 + 0.5) * height - region.height / 2.0;
        let (sin, cos) = region.angle.sin_cos();
        let centre = (region.centre.0 + v * sin, region.centre.1 + v * cos);
        Self { centre, angle: region.angle, length: region.length * (1.0 + 2.0 * margin), height, lean: 0.0 }
    }

    fn columns(&self) -> usize {
        // Between two pixels there is more to see where bars are fine, since a band's rows lie differently on the pixels.
        let per_pixel = if self.length < 400.0 { 2.0 } else { 1.0 };
        (self.length * per_pixel).clamp(32.0, MAX_COLUMNS) as usize
    }

    fn rows(&self) -> usize {
        (self.height as usize).clamp(1, MAX_ROWS)
    }

    /// Pixels a column.
    fn step(&self) -> f32 {
        self.length / self.columns() as f32
    }

    /// The same, read from the other end.
    pub(super) fn turned(self) -> Self {
        Self { angle: self.angle + std::f32::consts::PI, ..self }
    }

    /// The same rows from one column of this one's to another, which may lie beyond its ends.
    pub(super) fn part(self, from: f32, to: f32) -> Self {
        let (sin, cos) = self.angle.sin_cos();
        let middle = ((from + to) / 2.0) * self.step() - self.length / 2.0;
        let centre = (self.centre.0 + middle * cos, self.centre.1 - middle * sin);
        Self { centre, length: ((to - from) * self.step()).max(1.0), ..self }
    }

    /// The mean brightness along the bars.
    pub(super) fn profile(&self, grey: &Grey) -> Profile {
        let (sin, cos) = self.angle.sin_cos();
        let (columns, rows, step) = (self.columns(), self.rows(), self.step());
        let mut values = vec![0.0; columns];
        for row in 0..rows {
            let v = ((row as f32 + 0.5) / rows as f32 - 0.5) * self.height;
            let start = 0.5 * step - self.length / 2.0 + v * self.lean;
            let x = self.centre.0 + start * cos + v * sin - 0.5;
            let y = self.centre.1 - start * sin + v * cos - 0.5;
            for (column, value) in values.iter_mut().enumerate() {
                let along = column as f32 * step;
                *value += grey.sample(x + along * cos, y - along * sin);
            }
        }
        for value in &mut values {
            *value /= rows as f32;
        }
        Profile { values, inside: self.inside(grey) }
    }

    /// The columns of the middle row that lie on the picture.
    fn inside(&self, grey: &Grey) -> (f32, f32) {
        let (sin, cos) = self.angle.sin_cos();
        let (mut from, mut to) = (-self.length / 2.0, self.length / 2.0);
        for (centre, direction, size) in
            [(self.centre.0, cos, grey.width), (self.centre.1, -sin, grey.height)]
        {
            if direction.abs() > 1e-3 {
                let (one, other) = (-centre / direction, (size as f32 - centre) / direction);
                from = from.max(one.min(other));
                to = to.min(one.max(other));
            }
        }
        let column = |u: f32| (u + self.length / 2.0) / self.step();
        (column(from), column(to))
    }

    /// The same, leaning as the bars do: so that they make the strongest edges.
    pub(super) fn leaning(self, grey: &Grey) -> (Self, Profile) {
        let mut best = (self, self.profile(grey));
        if self.rows() < 3 {
            return best;
        }
        let mut strength = best.1.strength();
        let mut step = 0.08;
        for _ in 0..3 {
            let around = best.0.lean;
            for lean in [around - step, around + step] {
                let band = Self { lean, ..self };
                let profile = band.profile(grey);
                if profile.strength() > strength {
                    strength = profile.strength();
                    best = (band, profile);
                }
            }
            step /= 2.0;
        }
        best
    }
}

impl Profile {
    fn strength(&self) -> f32 {
        self.values.windows(3).map(|near| (near[2] - near[0]).powi(2)).sum()
    }

    /// The brightness at a column, between two.
    pub(super) fn at(&self, column: f32) -> f32 {
        let column = column.clamp(0.0, (self.values.len() - 1) as f32);
        let left = column as usize;
        let right = (left + 1).min(self.values.len() - 1);
        let share = column - left as f32;
        self.values[left] * (1.0 - share) + self.values[right] * share
    }

    /// The edges that stand out.
    pub(super) fn edges(&self) -> Vec<Edge> {
        let slopes: Vec<f32> = self.values.windows(3).map(|near| near[2] - near[0]).collect();
        if slopes.len() < 3 {
            return Vec::new();
        }
        let mut sizes: Vec<f32> = slopes.iter().map(|slope| slope.abs()).collect();
        let place = sizes.len() * 9 / 10;
        let least = *sizes.select_nth_unstable_by(place, f32::total_cmp).1 * 0.25;
        let mut edges: Vec<Edge> = Vec::new();
        for at in 1..slopes.len() - 1 {
            let here = slopes[at];
            let size = here.abs();
            // A slope of the other direction is no rival, however steep: next to a bar of one pixel stands its other side.
            let (before, after) = (slopes[at - 1] * here.signum(), slopes[at + 1] * here.signum());
            if size > least && size >= before && size > after {
                // The top of a parabola through three slopes.
                let bend = before + after - 2.0 * size;
                let shift = if bend < 0.0 { (before - after) / (2.0 * bend) } else { 0.0 };
                edges.push(Edge { at: at as f32 + 1.0 + shift.clamp(-0.5, 0.5), darker: here < 0.0 });
            }
        }
        edges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_side_of_a_thin_bar_is_an_edge() {
        let mut values = vec![230.0; 60];
        for bar in [20..22, 24..26, 28..30] {
            values[bar].fill(25.0);
        }
        let profile = Profile { values, inside: (0.0, 60.0) };
        let edges: Vec<(f32, bool)> = profile.edges().iter().map(|edge| (edge.at, edge.darker)).collect();
        let expected =
            [(19.5, true), (21.5, false), (23.5, true), (25.5, false), (27.5, true), (29.5, false)];
        assert_eq!(edges, expected);
    }
}
