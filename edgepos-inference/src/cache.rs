//! Answers of a moment ago: the same thing, held a little differently, need not be recognised again.
//!
//! The key is a difference hash of the prepared picture: 256 bits, each says whether a cell of a 16 × 17 grid is
//! brighter than its neighbour. Pictures whose hashes differ in few bits count as the same. `docs/benchmarks-inference.md`
//! states how often different pictures collide.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheConfig {
    /// Most answers kept; the least recently used goes. Default 1,000; 0 turns the cache off.
    pub entries: usize,
    /// How long an answer counts. Default 5 min.
    pub life: Duration,
    /// Most bits in which two pictures' hashes may differ, of 256. Default 12.
    pub distance: u32,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { entries: 1000, life: Duration::from_secs(300), distance: 12 }
    }
}

/// A perceptual hash of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureHash([u64; 4]);

const ROWS: usize = 16;
const COLUMNS: usize = 17;
/// Neighbours that differ by less say nothing: a flat picture's hash is its noise. 1 % of half the range.
const CLEAR: f64 = 0.01;
/// Comparisons that must be clear, of 256. With fewer, a picture was seen to collide with quite another one.
const MIN_CLEAR: u32 = 128;

impl PictureHash {
    /// The hash of `width` × `height` brightness values between −1 and 1, row-major. `None` when they do not match, are
    /// fewer than the grid's cells, or show too little for a hash to tell them from another picture.
    #[must_use]
    pub fn of(values: &[f32], width: usize, height: usize) -> Option<Self> {
        if width < COLUMNS || height < ROWS || values.len() != width.checked_mul(height)? {
            return None;
        }
        let mut bits = [0_u64; 4];
        let mut clear = 0;
        for row in 0..ROWS {
            let (top, bottom) = (row * height / ROWS, (row + 1) * height / ROWS);
            let mut sums = [0.0_f64; COLUMNS];
            for line in values[top * width..bottom * width].chunks_exact(width) {
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
        (clear >= MIN_CLEAR).then_some(Self(bits))
    }

    /// In how many of 256 bits two hashes differ.
    #[must_use]
    pub fn distance(&self, other: &Self) -> u32 {
        self.0.iter().zip(&other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }
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
            .filter(|(distance, _)| *distance <= self.config.distance)
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
        PictureHash([mix(1), mix(2), mix(3), mix(4)])
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
        near.0[2] ^= 0xfff;
        assert_eq!(cache.get(now, &near), Some('a'));
        near.0[0] ^= 1;
        assert_eq!(cache.get(now, &near), None);
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
        assert_eq!(base.distance(&PictureHash::of(&picture(0, 0.5), 64, 64).unwrap()), 0);
        assert!(base.distance(&PictureHash::of(&picture(9, 1.0), 64, 64).unwrap()) > 40);
        assert_eq!(PictureHash::of(&[0.0; 10], 5, 2), None);
        assert_eq!(PictureHash::of(&[0.25; 64 * 64], 64, 64), None, "a flat picture is like any other");
    }
}
