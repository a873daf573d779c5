//! Log-mel spectra and cepstral coefficients (MFCC), for voice models whose front end is not in the file.
//!
//! Frames are centred with reflection at the edges, Hann-windowed, zero-padded to the transform's length; the filters are
//! triangles on the mel scale of O'Shaughnessy (2595 log10(1 + f / 700)); the cosine transform is the orthonormal DCT-II.

use thiserror::Error;

use crate::audio::SAMPLE_RATE;

/// How sound becomes features.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MelConfig {
    /// Samples per window. Default 400: 25 ms.
    pub window: usize,
    /// Samples from one frame to the next. Default 160: 10 ms.
    pub hop: usize,
    /// Length of the transform, a power of two from `window` to 8,192. Default 512.
    pub transform: usize,
    /// Number of filters, 1 to 256. Default 64.
    pub filters: usize,
    /// Lower edge of the first filter, in Hz. Default 0.
    pub low_hertz: f32,
    /// Upper edge of the last, in Hz, at most 8,000. Default 8,000.
    pub high_hertz: f32,
    /// Added before the logarithm. Default 10⁻⁶.
    pub floor: f32,
}

impl Default for MelConfig {
    fn default() -> Self {
        Self {
            window: 400,
            hop: 160,
            transform: 512,
            filters: 64,
            low_hertz: 0.0,
            high_hertz: 8000.0,
            floor: 1e-6,
        }
    }
}

/// A contradiction in a [`MelConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MelError {
    /// The transform is no power of two, shorter than the window, or too long.
    #[error("transform must be a power of two, at least window and at most 8192")]
    Transform,
    /// The window, the hop or the number of filters is 0 or too large.
    #[error("window, hop and filters must be from 1 to 8192, 8192 and 256")]
    Size,
    /// The band is empty, or the floor is not positive.
    #[error("low_hertz must be below high_hertz, that at most 8000, and floor positive")]
    Band,
}

/// Prepared windows and filters; use one for many clips.
#[derive(Clone, Debug)]
pub struct MelSpectrum {
    config: MelConfig,
    window: Vec<f64>,
    /// For each filter its first bin and its weights.
    filters: Vec<(usize, Vec<f64>)>,
}

impl MelSpectrum {
    /// Prepares windows and filters.
    ///
    /// # Errors
    /// [`MelError`].
    pub fn new(config: MelConfig) -> Result<Self, MelError> {
        let MelConfig { window, hop, transform, filters, low_hertz, high_hertz, floor } = config;
        if !transform.is_power_of_two() || transform < window.max(4) || transform > 8192 {
            return Err(MelError::Transform);
        }
        if window == 0 || hop == 0 || hop > 8192 || filters == 0 || filters > 256 {
            return Err(MelError::Size);
        }
        let band = 0.0 <= low_hertz && low_hertz < high_hertz && high_hertz <= SAMPLE_RATE as f32 / 2.0;
        if !band || floor.is_nan() || floor <= 0.0 {
            return Err(MelError::Band);
        }
        // Periodic, in the middle of the transform.
        let mut padded = vec![0.0; transform];
        let start = (transform - window) / 2;
        for (at, value) in padded[start..start + window].iter_mut().enumerate() {
            *value = 0.5 - 0.5 * (std::f64::consts::TAU * at as f64 / window as f64).cos();
        }
        Ok(Self { config, window: padded, filters: triangles(&config) })
    }

    /// The logarithm of each filter's energy, frame by frame: `samples / hop + 1` rows of `filters` values. Empty for
    /// sound shorter than half a transform.
    #[must_use]
    pub fn log_mel(&self, samples: &[f32]) -> Vec<Vec<f32>> {
        let MelConfig { hop, transform, floor, .. } = self.config;
        let half = transform / 2;
        if samples.len() <= half {
            return Vec::new();
        }
        let sample = |at: isize| -> f64 {
            let last = samples.len() as isize - 1;
            let reflected = if at < 0 {
                -at
            } else if at > last {
                2 * last - at
            } else {
                at
            };
            f64::from(samples[reflected.clamp(0, last) as usize])
        };
        (0..=samples.len() / hop)
            .map(|frame| {
                let start = (frame * hop) as isize - half as isize;
                let mut buffer: Vec<(f64, f64)> =
                    self.window.iter().zip(start..).map(|(window, at)| (window * sample(at), 0.0)).collect();
                fourier(&mut buffer);
                let energy = |(first, weights): &(usize, Vec<f64>)| -> f32 {
                    let bins = buffer[*first..].iter().zip(weights);
                    let sum: f64 = bins.map(|((re, im), weight)| (re * re + im * im) * weight).sum();
                    (sum + f64::from(floor)).ln() as f32
                };
                self.filters.iter().map(energy).collect()
            })
            .collect()
    }

    /// The first `coefficients` cepstral coefficients of each frame.
    #[must_use]
    pub fn mfcc(&self, samples: &[f32], coefficients: usize) -> Vec<Vec<f32>> {
        let n = self.config.filters;
        let row = |frame: &Vec<f32>| -> Vec<f32> {
            (0..coefficients.min(n))
                .map(|k| {
                    let angle = std::f64::consts::PI * k as f64 / n as f64;
                    let sum: f64 = frame
                        .iter()
                        .enumerate()
                        .map(|(at, v)| f64::from(*v) * (angle * (at as f64 + 0.5)).cos())
                        .sum();
                    (sum * (if k == 0 { 1.0 } else { 2.0 } / n as f64).sqrt()) as f32
                })
                .collect()
        };
        self.log_mel(samples).iter().map(row).collect()
    }
}

fn triangles(config: &MelConfig) -> Vec<(usize, Vec<f64>)> {
    let to_mel = |hertz: f64| 2595.0 * (1.0 + hertz / 700.0).log10();
    let to_hertz = |mel: f64| 700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0);
    let (low, high) = (to_mel(f64::from(config.low_hertz)), to_mel(f64::from(config.high_hertz)));
    let edge = |at: usize| to_hertz(low + (high - low) * at as f64 / (config.filters + 1) as f64);
    let bin = |at: usize| at as f64 * f64::from(SAMPLE_RATE) / config.transform as f64;
    (0..config.filters)
        .map(|filter| {
            let (left, peak, right) = (edge(filter), edge(filter + 1), edge(filter + 2));
            let weight = |at: usize| {
                let (up, down) = ((bin(at) - left) / (peak - left), (right - bin(at)) / (right - peak));
                up.min(down).max(0.0)
            };
            let bins = config.transform / 2 + 1;
            let first = (0..bins).find(|&at| weight(at) > 0.0).unwrap_or(0);
            let weights = (first..bins).map(weight).take_while(|weight| *weight > 0.0).collect();
            (first, weights)
        })
        .collect()
}

/// The discrete Fourier transform in place (Cooley and Tukey, radix 2); the length is a power of two.
fn fourier(values: &mut [(f64, f64)]) {
    let length = values.len();
    let bits = length.trailing_zeros();
    for at in 0..length {
        let other = at.reverse_bits() >> (usize::BITS - bits);
        if at < other {
            values.swap(at, other);
        }
    }
    let mut size = 2;
    while size <= length {
        let step = -std::f64::consts::TAU / size as f64;
        for block in values.chunks_exact_mut(size) {
            let (even, odd) = block.split_at_mut(size / 2);
            for (at, (a, b)) in even.iter_mut().zip(odd).enumerate() {
                let (sin, cos) = (step * at as f64).sin_cos();
                let turned = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
                *b = (a.0 - turned.0, a.1 - turned.1);
                *a = (a.0 + turned.0, a.1 + turned.1);
            }
        }
        size *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_of_a_cosine_is_two_lines() {
        let mut values: Vec<(f64, f64)> =
            (0..64).map(|at| ((std::f64::consts::TAU * 5.0 * f64::from(at) / 64.0).cos(), 0.0)).collect();
        fourier(&mut values);
        for (bin, (re, im)) in values.iter().enumerate() {
            let expected = if bin == 5 || bin == 59 { 32.0 } else { 0.0 };
            assert!((re - expected).abs() < 1e-9 && im.abs() < 1e-9, "bin {bin}: {re} {im}");
        }
    }

    #[test]
    fn contradictions_are_refused_and_short_sound_has_no_frames() {
        let with = |change: fn(&mut MelConfig)| {
            let mut config = MelConfig::default();
            change(&mut config);
            MelSpectrum::new(config).err()
        };
        assert_eq!(with(|config| config.transform = 500), Some(MelError::Transform));
        assert_eq!(with(|config| config.transform = 256), Some(MelError::Transform));
        assert_eq!(with(|config| config.hop = 0), Some(MelError::Size));
        assert_eq!(with(|config| config.filters = 0), Some(MelError::Size));
        assert_eq!(with(|config| config.high_hertz = 9000.0), Some(MelError::Band));
        assert_eq!(with(|config| config.floor = f32::NAN), Some(MelError::Band));
        assert!(MelSpectrum::new(MelConfig::default()).unwrap().log_mel(&[0.0; 100]).is_empty());
    }
}
