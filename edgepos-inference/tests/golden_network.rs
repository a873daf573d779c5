//! I1, I10: on the reference pipeline's own pixels, the embedded engine answers as ONNX Runtime does.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

mod support;

use edgepos_inference::{
    Backend, Embedded, LoadOptions, Manifest, Picture, PictureLimits, Stop, Task, Tensor,
};
use serde::Deserialize;
use support::{PATIENT, golden, golden_bytes, models};

#[derive(Deserialize)]
struct Golden {
    /// Of the classes 967, 968, 925, 960 and 504.
    shares: [f32; 5],
    corners: [f32; 3],
}

#[test]
fn the_shipped_product_network() {
    let manifest = Manifest::read(&models()).unwrap();
    let entry = manifest.for_task(Task::PRODUCT).unwrap();
    let bytes = entry.variants[0].file.read(&models()).unwrap();
    let mut session = Embedded.load(&bytes, &LoadOptions::default()).unwrap();
    for name in ["espresso_bicubic_224", "espresso_jpeg_bicubic_224"] {
        let golden: Golden = golden(&format!("{name}.json"));
        let picture =
            Picture::decode(&golden_bytes(&format!("{name}.png")), &PictureLimits::default()).unwrap();
        let area = 224 * 224;
        let mut planes = vec![0.0; 3 * area];
        for (pixel, rgb) in picture.rgb().chunks_exact(3).enumerate() {
            for (channel, &byte) in rgb.iter().enumerate() {
                planes[channel * area + pixel] = (f32::from(byte) / 255.0 - 0.5) / 0.5;
            }
        }
        let corners = [planes[0], planes[area + 223], planes[2 * area + 223 * 224 + 100]];
        for (found, expected) in corners.iter().zip(golden.corners) {
            assert!((found - expected).abs() < 1e-6);
        }
        let input = Tensor::f32([1, 3, 224, 224], planes).unwrap();
        let outputs = session.run(&[("input", &input)], &["logits"], &Stop::within(PATIENT)).unwrap();
        let logits = outputs[0].as_f32().unwrap();
        let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
        let shares = [967, 968, 925, 960, 504].map(|class| logits[class].exp() / sum);
        println!("{name}: {shares:?}, ONNX Runtime {:?}", golden.shares);
        for (found, expected) in shares.iter().zip(golden.shares) {
            // The last layer's output is an 8-bit number: one step of a logit is 8 % of a small share.
            assert!((found - expected).abs() < 0.01, "{found} instead of {expected}");
        }
    }
}
