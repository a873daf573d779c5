//! Answers of a moment ago: the same thing, held a little differently, need not be recognised again.
//!
//! The key is a difference hash of the prepared picture's brightness, 256 bits, each of which says whether a cell of a
//! 16 × 17 grid is brighter than its neighbour, and the mean brightness and colour of 28 × 28 cells. Two flavours of one
//! brand often share the hash; they differ in some cell. `docs/benchmarks-inference.md` states how often they are told apart.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CacheConfig {
    /// Most answers kept; the least recently used goes. Default 1,000 (3 MB); 0 turns the cache off.
    pub entries: usize,
    /// How long an answer counts. Default 5 min.
    pub life: Duration,
    /// Most bits in which two pictures' hashes may differ, of 256. Default 12.
    pub distance: u32,
    /// Most that any cell may differ in brightness or colour, in standard deviations of the picture's brightness. Default
    /// 0.2. A wrong product from the cache is worse than another run: this is as large as kept drawn flavours apart.
    pub detail: f32,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { entries: 1000, life: Duration::from_secs(300), distance: 12, detail: 0.2 }
    }
}

/// What a picture looks like, for comparison with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureHash {
    bits: [u64; 4],
    /// Brightness, then, where there are colours, red and blue against it; in 32nds of the brightness's standard deviation.
    cells: Vec<i8>,
}

const ROWS: usize = 16;
const COLUMNS: usize = 17;
/// Cells along one side.
const SIDE: usize = 28;
/// Steps of a standard deviation; four of these fit.
const STEPS: f64 = 32.0;
/// Neighbours that differ by less say nothing: a flat picture's hash is its noise. 1 % of half the range.
const CLEAR: f64 = 0.01;
/// Comparisons that must be clear, of 256. With fewer, a picture was seen to collide with quite another one.
const MIN_CLEAR: u32 = 128;

impl PictureHash {
    /// The hash of a prepared picture: one plane of brightness or three of red, green and blue, `width` × `height` each,
    /// values around −1 to 1. `None` when they do not match, are fewer than the grid's cells, or show too little for a hash
    /// to tell them from another picture.
    #[must_use]
    pub fn of(planes: &[f32], width: usize, height: usize) -> Option<Self> {
        let area = width.checked_mul(height)?;
        if width < SIDE || height < SIDE {
            return None;
        }
        if planes.len() == area {
            return Some(Self {
                bits: bits(planes, width, height)?,
                cells: cells(&[planes], width, height)?,
            });
        }
        if planes.len() != area.checked_mul(3)? {
            return None;
        }
        let (red, rest) = planes.split_at(area);
        let (green, blue) = rest.split_at(area);
        let luma: Vec<f32> = red
            .iter()
            .zip(green)
            .zip(blue)
            .map(|((red, green), blue)| 0.299 * red + 0.587 * green + 0.114 * blue)
            .collect();
        Some(Self { bits: bits(&luma, width, height)?, cells: cells(&[&luma, red, blue], width, height)? })
    }

    /// In how many of 256 bits two hashes differ.
    #[must_use]
    pub fn distance(&self, other: &Self) -> u32 {
        self.bits.iter().zip(&other.bits).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// How much the most different cells differ, in standard deviations of the pictures' brightness; infinite for
    /// pictures with other channels.
    #[must_use]
    pub fn detail(&self, other: &Self) -> f32 {
        if self.cells.len() != other.cells.len() {
            return f32::INFINITY;
        }
        let worst = self.cells.iter().zip(&other.cells).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0);
        f32::from(worst) / STEPS as f32
    }
}

fn bits(luma: &[f32], width: usize, height: usize) -> Option<[u64; 4]> {
    let mut bits = [0_u64; 4];
    let mut clear = 0;
    for row in 0..ROWS {
        let (top, bottom) = (row * height / ROWS, (row + 1) * height / ROWS);
        let mut sums = [0.0_f64; COLUMNS];
        for line in luma[top * width..bottom * width].chunks_exact(width) {
            for (column, sum) in sums.iter_mut().enumerate() {
                let (left, right) = (column * width / COLUMNS, (column + 1) * width / COLUMNS);
                *sum += line[left..right].iter().map(|value| f64::from(*value)).sum::<f64>()
                    / (right - left) as f64;
            }
        }
        let threshold = CLEAR * (bottom - top) as f64;
        for column in 0..COLUMNS - 1 {
            clear += u32::from((sums[column] - sums[column + 1]).abs() > threshold);
            if sums[column] < sums[column + 1] {
                let bit = row * (COLUMNS - 1) + column;
                bits[bit / 64] |= 1 << (bit % 64);
            }
        }
    }
    (clear >= MIN_CLEAR).then_some(bits)
}

/// The means of 28 × 28 cells: of the first plane around its own mean, of the others against the first. Light that is
/// brighter or dimmer as a whole changes none of them.
fn cells(planes: &[&[f32]], width: usize, height: usize) -> Option<Vec<i8>> {
    let means: Vec<Vec<f64>> = planes.iter().map(|plane| cell_means(plane, width, height)).collect();
    let luma = &means[0];
    let mean = luma.iter().sum::<f64>() / luma.len() as f64;
    let variance = luma.iter().map(|cell| (cell - mean).powi(2)).sum::<f64>() / luma.len() as f64;
    let scale = STEPS / variance.sqrt();
    if !scale.is_finite() {
        return None;
    }
    // Saturates beyond four standard deviations; a NaN, which no prepared picture has, becomes 0.
    let step = |value: f64| (value * scale).round().clamp(-127.0, 127.0) as i8;
    let mut cells: Vec<i8> = luma.iter().map(|cell| step(cell - mean)).collect();
    for plane in &means[1..] {
        cells.extend(plane.iter().zip(luma).map(|(cell, luma)| step(cell - luma)));
    }
    Some(cells)
}

fn cell_means(plane: &[f32], width: usize, height: usize) -> Vec<f64> {
    let mut means = vec![0.0_f64; SIDE * SIDE];
    for (row, means) in means.chunks_exact_mut(SIDE).enumerate() {
        let (top, bottom) = (row * height / SIDE, (row + 1) * height / SIDE);
        for line in plane[top * width..bottom * width].chunks_exact(width) {
            for (column, mean) in means.iter_mut().enumerate() {
                let (left, right) = (column * width / SIDE, (column + 1) * width / SIDE);
                let sum: f32 = line[left..right].iter().sum();
                *mean += f64::from(sum) / ((right - left) * (bottom - top)) as f64;
            }
        }
    }
    means
}

/// Answers by picture. One cache per loaded model version: a new version starts empty. Told the time.
#[derive(Clone, Debug)]
pub struct Cache<A> {
    config: CacheConfig,
    /// Least recently used first.
    entries: VecDeque<Entry<A>>,
    hits: u64,
    misses: u64,
}

#[derive(Clone, Debug)]
struct Entry<A> {
    hash: PictureHash,
    until: Instant,
    answer: A,
}

impl<A: Clone> Cache<A> {
    /// An empty cache.
    #[must_use]
    pub fn new(config: CacheConfig) -> Self {
        Self { config, entries: VecDeque::new(), hits: 0, misses: 0 }
    }

    /// The answer for the nearest picture within the distance, if it is still young enough.
    pub fn get(&mut self, now: Instant, hash: &PictureHash) -> Option<A> {
        self.entries.retain(|entry| entry.until > now);
        let near = self
            .entries
            .iter()
            .enumerate()
            .map(|(place, entry)| (entry.hash.distance(hash), place))
            .filter(|(distance, place)| {
                *distance <= self.config.distance
                    && self.entries[*place].hash.detail(hash) <= self.config.detail
            })
            .min();
        let Some(entry) = near.and_then(|(_, place)| self.entries.remove(place)) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        let answer = entry.answer.clone();
        self.entries.push_back(entry);
        Some(answer)
    }

    /// Keeps an answer. Only confident ones belong here: an unsure answer deserves another look.
    pub fn put(&mut self, now: Instant, hash: PictureHash, answer: A) {
        let Some(until) = now.checked_add(self.config.life) else { return };
        if self.config.entries == 0 {
            return;
        }
        self.entries.retain(|entry| entry.hash != hash);
        while self.entries.len() >= self.config.entries {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { hash, until, answer });
    }

    /// How many answers are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How often an answer was found, and not found.
    #[must_use]
    pub fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits, self.misses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> PictureHash {
        // Far apart from each other: every number spreads over all bits.
        let mix = |salt: u64| {
            (number + salt)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(29)
                .wrapping_mul(0xbf58_476d_1ce4_e5b9)
        };
        PictureHash { bits: [mix(1), mix(2), mix(3), mix(4)], cells: vec![0; SIDE * SIDE] }
    }

    #[test]
    fn answers_age_and_the_least_used_goes_first() {
        let start = Instant::now();
        let mut cache = Cache::new(CacheConfig { entries: 2, ..CacheConfig::default() });
        cache.put(start, hash(1), 'a');
        cache.put(start, hash(2), 'b');
        assert_eq!(cache.get(start, &hash(1)), Some('a'));
        cache.put(start, hash(3), 'c');
        assert_eq!(cache.get(start, &hash(2)), None);
        assert_eq!(cache.get(start + Duration::from_secs(299), &hash(1)), Some('a'));
        assert_eq!(cache.get(start + Duration::from_secs(300), &hash(1)), None);
        assert!(cache.is_empty());
        assert_eq!(cache.hits_and_misses(), (2, 2));
    }

    #[test]
    fn a_near_picture_counts_a_far_one_does_not() {
        let now = Instant::now();
        let mut cache = Cache::new(CacheConfig::default());
        cache.put(now, hash(1), 'a');
        let mut near = hash(1);
        near.bits[2] ^= 0xfff;
        assert_eq!(cache.get(now, &near), Some('a'));
        near.bits[0] ^= 1;
        assert_eq!(cache.get(now, &near), None);
        let mut other_flavour = hash(1);
        other_flavour.cells[300] = 7;
        assert_eq!(cache.get(now, &other_flavour), None);
        other_flavour.cells[300] = -6;
        assert_eq!(cache.get(now, &other_flavour), Some('a'));
        let mut off = Cache::new(CacheConfig { entries: 0, ..CacheConfig::default() });
        off.put(now, hash(1), 'a');
        assert_eq!(off.get(now, &hash(1)), None);
    }

    #[test]
    fn brightness_and_contrast_do_not_change_the_hash_but_the_content_does() {
        let picture = |shift: usize, gain: f32| -> Vec<f32> {
            (0..64 * 64)
                .map(|at| {
                    let (x, y) = ((at % 64 + shift) as f32, (at / 64) as f32);
                    gain * ((x * 0.31).sin() + (y * 0.17 + x * 0.05).cos()) + 0.1
                })
                .collect()
        };
        let base = PictureHash::of(&picture(0, 1.0), 64, 64).unwrap();
        let dim = PictureHash::of(&picture(0, 0.5), 64, 64).unwrap();
        assert_eq!(base.distance(&dim), 0);
        assert!(base.detail(&dim) < 0.05);
        assert!(base.distance(&PictureHash::of(&picture(9, 1.0), 64, 64).unwrap()) > 40);
        assert_eq!(PictureHash::of(&[0.0; 10], 5, 2), None);
        assert_eq!(PictureHash::of(&[0.25; 64 * 64], 64, 64), None, "a flat picture is like any other");
    }
}
