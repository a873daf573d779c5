//! I5: cepstral coefficients of a spoken word are NumPy's and SciPy's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use edgepos_inference::{Clip, MelConfig, MelSpectrum};
use serde::Deserialize;
use support::{file, golden};

#[derive(Deserialize)]
struct Golden {
    frames: usize,
    every_tenth: Vec<Vec<f32>>,
}

#[test]
fn the_spoken_sample() {
    let golden: Golden = golden("refund_mfcc.json");
    let clip = Clip::from_wav(&file("samples/refund.wav")).unwrap();
    let found = MelSpectrum::new(MelConfig::default()).unwrap().mfcc(clip.samples(), 13);
    assert_eq!(found.len(), golden.frames);
    for (row, expected) in golden.every_tenth.iter().enumerate() {
        for (found, expected) in found[row * 10].iter().zip(expected) {
            assert!((found - expected).abs() < 1e-3, "frame {}: {found} instead of {expected}", row * 10);
        }
    }
}
