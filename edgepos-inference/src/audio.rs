//! From a microphone or a WAV file to a second of speech at 16 kHz, or the finding that nobody speaks.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What the networks listen at, in samples a second.
pub const SAMPLE_RATE: u32 = 16_000;
/// A longer clip is refused: 30 s.
pub const MAX_CLIP_SECONDS: u32 = 30;

/// Sound: one channel, −1 to 1, at [`SAMPLE_RATE`].
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    samples: Vec<f32>,
}

/// Why sound cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ClipError {
    /// Not a RIFF/WAVE file of 16-bit PCM.
    #[error("not a WAV file of 16-bit PCM")]
    NotWave,
    /// A rate outside 8 to 48 kHz, or no or too many channels.
    #[error("{rate} samples a second in {channels} channels are outside the limits")]
    Format {
        /// Samples a second.
        rate: u32,
        /// How many channels it has.
        channels: u16,
    },
    /// Longer than [`MAX_CLIP_SECONDS`].
    #[error("the clip is longer than {MAX_CLIP_SECONDS} s")]
    TooLong,
    /// A sample is not a number.
    #[error("a sample is not a number")]
    NotANumber,
}

impl Clip {
    /// Sound from a microphone: one channel of `rate` samples a second (8,000 to 48,000), brought to [`SAMPLE_RATE`].
    ///
    /// # Errors
    /// [`ClipError`].
    pub fn from_samples(rate: u32, samples: &[f32]) -> Result<Self, ClipError> {
        if !(8_000..=48_000).contains(&rate) {
            return Err(ClipError::Format { rate, channels: 1 });
        }
        if samples.len() as u64 > u64::from(rate) * u64::from(MAX_CLIP_SECONDS) {
            return Err(ClipError::TooLong);
        }
        if samples.iter().any(|sample| !sample.is_finite()) {
            return Err(ClipError::NotANumber);
        }
        Ok(Self { samples: if rate == SAMPLE_RATE { samples.to_vec() } else { resample(samples, rate) } })
    }

    /// As [`Clip::from_samples`], from 16-bit numbers.
    ///
    /// # Errors
    /// [`ClipError`].
    pub fn from_pcm(rate: u32, samples: &[i16]) -> Result<Self, ClipError> {
        let samples: Vec<f32> = samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect();
        Self::from_samples(rate, &samples)
    }

    /// Sound from a WAV file of 16-bit PCM; channels are averaged.
    ///
    /// # Errors
    /// [`ClipError`].
    pub fn from_wav(bytes: &[u8]) -> Result<Self, ClipError> {
        let wave = bytes.strip_prefix(b"RIFF").and_then(|rest| rest.get(4..)).ok_or(ClipError::NotWave)?;
        let mut rest = wave.strip_prefix(b"WAVE").ok_or(ClipError::NotWave)?;
        let mut format = None;
        while let Some((header, after)) = rest.split_first_chunk::<8>() {
            let [kind @ .., a, b, c, d] = *header;
            let length = u32::from_le_bytes([a, b, c, d]) as usize;
            // A recorder that was cut off leaves a length beyond the end: what is there counts.
            let body = &after[..length.min(after.len())];
            match &kind {
                b"fmt " => format = Some(wave_format(body)?),
                b"data" => {
                    let (rate, channels) = format.ok_or(ClipError::NotWave)?;
                    return Self::interleaved(rate, channels, body);
                }
                _ => {}
            }
            // Chunks are padded to an even length.
            rest = after.get(length.saturating_add(length % 2)..).unwrap_or(&[]);
        }
        Err(ClipError::NotWave)
    }

    fn interleaved(rate: u32, channels: u16, body: &[u8]) -> Result<Self, ClipError> {
        let frame = usize::from(channels) * 2;
        let samples: Vec<f32> = body
            .chunks_exact(frame)
            .map(|frame| {
                let sum: f32 = frame
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|pair| f32::from(i16::from_le_bytes(*pair)) / 32_768.0)
                    .sum();
                sum / f32::from(channels)
            })
            .collect();
        Self::from_samples(rate, &samples)
    }

    /// The samples, as mono at the rate of the models.
    #[must_use]
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// The second in which somebody speaks, centred and brought to a peak of 0.7; `None` when `gate` finds nobody.
    #[must_use]
    pub fn speech(&self, gate: &GateConfig) -> Option<Vec<f32>> {
        let active = gate.active(&self.samples)?;
        let second = SAMPLE_RATE as usize;
        let middle = (active.start + active.end) / 2;
        let mut window = vec![0.0; second];
        for (target, place) in window.iter_mut().zip(middle as isize - second as isize / 2..) {
            *target =
                usize::try_from(place).ok().and_then(|place| self.samples.get(place)).copied().unwrap_or(0.0);
        }
        let peak = window.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        if peak > 0.0 {
            window.iter_mut().for_each(|sample| *sample *= 0.7 / peak);
        }
        Some(window)
    }
}

fn wave_format(body: &[u8]) -> Result<(u32, u16), ClipError> {
    let Some(&[kind, kind_high, channels, channels_high, a, b, c, d, _, _, _, _, _, _, bits, bits_high]) =
        body.first_chunk::<16>()
    else {
        return Err(ClipError::NotWave);
    };
    let channels = u16::from_le_bytes([channels, channels_high]);
    let rate = u32::from_le_bytes([a, b, c, d]);
    // 1 is PCM; 0xfffe is the extensible form, whose sub-format recorders leave at PCM for 16 bits.
    let kind = u16::from_le_bytes([kind, kind_high]);
    if !matches!(kind, 1 | 0xfffe) || u16::from_le_bytes([bits, bits_high]) != 16 {
        return Err(ClipError::NotWave);
    }
    if channels == 0 || channels > 8 {
        return Err(ClipError::Format { rate, channels });
    }
    Ok((rate, channels))
}

/// Windowed-sinc interpolation: 16 zero crossings to each side, Hann window, cut off below both rates' limits.
fn resample(samples: &[f32], rate: u32) -> Vec<f32> {
    const CROSSINGS: f64 = 16.0;
    let step = f64::from(rate) / f64::from(SAMPLE_RATE);
    let cutoff = (1.0 / step).min(1.0);
    let reach = CROSSINGS / cutoff;
    let length = (samples.len() as f64 / step).floor() as usize;
    (0..length)
        .map(|index| {
            let centre = index as f64 * step;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach).floor() as usize).min(samples.len() - 1);
            let mut sum = 0.0;
            for (place, sample) in samples.iter().enumerate().take(last + 1).skip(first) {
                let distance = place as f64 - centre;
                let angle = std::f64::consts::PI * distance * cutoff;
                let sinc = if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
                let window = 0.5 + 0.5 * (std::f64::consts::PI * distance / reach).cos();
                sum += f64::from(*sample) * sinc * window * cutoff;
            }
            sum as f32
        })
        .collect()
}

/// When somebody speaks: loud enough, and louder than the room by enough, for long enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateConfig {
    /// Quieter than this is silence, in dB below full scale. Default −50.
    pub floor_db: f32,
    /// Speech stands out of the room's noise by at least this, in dB. Default 9.
    pub over_noise_db: f32,
    /// For at least this long, in milliseconds. Default 80.
    pub min_ms: u32,
}

impl Default for GateConfig {
    fn default() -> Self {
        Self { floor_db: -50.0, over_noise_db: 9.0, min_ms: 80 }
    }
}

/// Samples in 20 ms.
const FRAME: usize = SAMPLE_RATE as usize / 50;

impl GateConfig {
    /// From the first to the last frame that stands out.
    fn active(&self, samples: &[f32]) -> Option<std::ops::Range<usize>> {
        let levels: Vec<f32> = samples.chunks_exact(FRAME).map(level_db).collect();
        let mut sorted = levels.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        // A fifth of the frames are the room alone, even around a long word.
        let noise = *sorted.get(sorted.len() / 5)?;
        let threshold = self.floor_db.max(noise + self.over_noise_db);
        let loud = |level: &&f32| **level >= threshold;
        let count = levels.iter().filter(loud).count();
        if count * 20 < self.min_ms as usize {
            return None;
        }
        let first = levels.iter().position(|level| loud(&level))?;
        let last = levels.iter().rposition(|level| loud(&level))?;
        Some(first * FRAME..(last + 1) * FRAME)
    }
}

fn level_db(frame: &[f32]) -> f32 {
    let power = frame.iter().map(|sample| sample * sample).sum::<f32>() / frame.len() as f32;
    // Digital silence has a level too: −120 dB.
    10.0 * power.max(1e-12).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, hertz: f32, seconds: f32) -> Vec<f32> {
        let count = (rate as f32 * seconds) as usize;
        (0..count).map(|at| (at as f32 / rate as f32 * hertz * std::f32::consts::TAU).sin() * 0.5).collect()
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_level_at_any_rate() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000] {
            let clip = Clip::from_samples(rate, &tone(rate, 440.0, 0.5)).unwrap();
            let expected = tone(SAMPLE_RATE, 440.0, 0.5);
            assert!((clip.samples().len() as i64 - 8000).abs() <= 1);
            for (found, expected) in clip.samples()[500..7500].iter().zip(&expected[500..]) {
                assert!((found - expected).abs() < 0.01, "{rate} Hz: {found} instead of {expected}");
            }
        }
        // Above half the new rate: nothing of it comes back as a lower tone.
        let clip = Clip::from_samples(48_000, &tone(48_000, 12_000.0, 0.2)).unwrap();
        assert!(clip.samples()[500..2500].iter().all(|sample| sample.abs() < 0.02));
    }

    #[test]
    fn silence_hum_and_noise_are_not_speech_but_a_burst_is() {
        let gate = GateConfig::default();
        let clip = |samples: &[f32]| Clip::from_samples(SAMPLE_RATE, samples).unwrap();
        assert_eq!(clip(&[]).speech(&gate), None);
        assert_eq!(clip(&[0.0; 16_000]).speech(&gate), None);
        assert_eq!(clip(&tone(SAMPLE_RATE, 50.0, 1.0)).speech(&gate), None);
        let mut state = 1_u32;
        let noise: Vec<f32> = (0..16_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 * 0.1 - 0.1
            })
            .collect();
        assert_eq!(clip(&noise).speech(&gate), None);
        let mut burst = vec![0.001; 24_000];
        burst[18_000..22_000].copy_from_slice(&tone(SAMPLE_RATE, 300.0, 0.25));
        let speech = clip(&burst).speech(&gate).unwrap();
        assert_eq!(speech.len(), 16_000);
        let peak = speech.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((peak - 0.7).abs() < 1e-5);
        assert!(speech[8000].abs() > 0.01 || speech[8010].abs() > 0.01, "the burst is in the middle");
    }

    #[test]
    fn wav_files_from_friend_and_foe() {
        let mut wav =
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x80\x3e\0\0\0\xfa\0\0\x04\0\x10\0".to_vec();
        wav.extend_from_slice(b"data\xff\xff\xff\x7f");
        wav.extend_from_slice(&[0, 64, 0, 0, 0, 0, 0, 192]);
        assert_eq!(Clip::from_wav(&wav).unwrap().samples(), [0.25, -0.25]);
        for length in 0..wav.len() {
            let _ = Clip::from_wav(&wav[..length]);
        }
        for place in 0..wav.len() {
            let mut bad = wav.clone();
            bad[place] = 0xff;
            let _ = Clip::from_wav(&bad);
        }
        assert_eq!(Clip::from_wav(b"hello"), Err(ClipError::NotWave));
        assert_eq!(Clip::from_pcm(96_000, &[0; 4]), Err(ClipError::Format { rate: 96_000, channels: 1 }));
        assert_eq!(Clip::from_samples(16_000, &[f32::NAN]), Err(ClipError::NotANumber));
        assert_eq!(Clip::from_pcm(8_000, &vec![0; 8_000 * 31]), Err(ClipError::TooLong));
    }
}
