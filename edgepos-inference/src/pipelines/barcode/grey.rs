//! Brightness values, read between pixels.

use super::Region;

/// Longest side of a straightened cut, in pixels: finer than any printed module needs.
const MAX_SIDE: f32 = 2048.0;
/// Rows of a straightened cut: the decoder reads rows, and more of them only repeat.
const MAX_ROWS: f32 = 256.0;

/// A picture of brightness values.
pub(super) struct Grey {
    pub(super) pixels: Vec<u8>,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Grey {
    /// Between four pixels; beyond the edge the edge goes on.
    pub(super) fn sample(&self, x: f32, y: f32) -> f32 {
        let (right, bottom) = ((self.width - 1) as f32, (self.height - 1) as f32);
        let (x, y) = (x.clamp(0.0, right), y.clamp(0.0, bottom));
        let (left, top) = (x as usize, y as usize);
        let (fx, fy) = (x - left as f32, y - top as f32);
        let width = self.width as usize;
        let place = top * width + left;
        let across = usize::from(left + 1 < width);
        let down = if top + 1 < self.height as usize { width } else { 0 };
        let value = |place: usize| f32::from(self.pixels[place]);
        let upper = value(place) * (1.0 - fx) + value(place + across) * fx;
        let lower = value(place + down) * (1.0 - fx) + value(place + down + across) * fx;
        upper * (1.0 - fy) + lower * fy
    }

    /// Without some columns and rows on every side.
    pub(super) fn without_edges(&self, columns: u32, rows: u32) -> Option<Self> {
        let width = self.width.checked_sub(2 * columns).filter(|&width| width > 0)?;
        let height = self.height.checked_sub(2 * rows).filter(|&height| height > 0)?;
        let all = self.pixels.chunks_exact(self.width as usize).skip(rows as usize).take(height as usize);
        let pixels =
            all.flat_map(|row| &row[columns as usize..(columns + width) as usize]).copied().collect();
        Some(Self { pixels, width, height })
    }

    /// The region, turned level, with `margin` of its length to either side.
    pub(super) fn straightened(&self, region: &Region, margin: f32) -> Self {
        let length = region.length * (1.0 + 2.0 * margin);
        // At least the picture's own resolution, so that no bar is lost between two samples.
        let columns = length.ceil().clamp(16.0, MAX_SIDE);
        let rows = region.height.ceil().clamp(4.0, MAX_ROWS);
        let (step_across, step_along) = (length / columns, region.height / rows);
        let (sin, cos) = region.angle.sin_cos();
        let mut pixels = Vec::with_capacity((columns * rows) as usize);
        for row in 0..rows as u32 {
            let v = (row as f32 + 0.5) * step_along - region.height / 2.0;
            for column in 0..columns as u32 {
                let u = (column as f32 + 0.5) * step_across - length / 2.0;
                let x = region.centre.0 + u * cos + v * sin;
                let y = region.centre.1 - u * sin + v * cos;
                pixels.push(self.sample(x - 0.5, y - 0.5).round() as u8);
            }
        }
        Self { pixels, width: columns as u32, height: rows as u32 }
    }
}
