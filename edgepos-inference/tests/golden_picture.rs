//! I5: preparing a picture gives what Pillow and NumPy give, pixel by pixel.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use edgepos_inference::{Colour, Filter, Fit, Picture, PictureLimits, PictureSpec};
use support::{file, golden_bytes};

fn decode(bytes: &[u8]) -> Picture {
    Picture::decode(bytes, &PictureLimits::default()).unwrap()
}

/// Differences in units of one step of a byte, as share of pixels with more than one step, and the largest.
fn compare(planes: &[f32], spec: &PictureSpec, golden: &[u8], channels: usize) -> (f64, f32) {
    let area = golden.len() / channels;
    let mut far = 0_u32;
    let mut worst = 0.0_f32;
    for (index, &byte) in golden.iter().enumerate() {
        let (pixel, channel) = (index / channels, index % channels);
        let value = planes[channel * area + pixel];
        let steps = ((value * spec.std[channel] + spec.mean[channel]) * 255.0 - f32::from(byte)).abs();
        far += u32::from(steps > 1.01);
        worst = worst.max(steps);
    }
    (f64::from(far) / golden.len() as f64, worst)
}

fn product_spec() -> PictureSpec {
    PictureSpec {
        colour: Colour::Rgb,
        fit: Fit::Crop { short_side: 256, width: 224, height: 224 },
        filter: Filter::Bicubic,
        mean: vec![0.5; 3],
        std: vec![0.5; 3],
    }
}

#[test]
fn a_png_is_scaled_and_cut_as_pillow_does() {
    let spec = product_spec();
    let prepared = spec.prepare(&decode(&file("samples/espresso.png"))).unwrap();
    let golden = decode(&golden_bytes("espresso_bicubic_224.png"));
    let (far, worst) = compare(&prepared.planes, &spec, golden.rgb(), 3);
    println!("png: {far:.6} of the values differ by more than one step, the largest by {worst:.2}");
    // Both scale one axis after the other and cut off what overshoots in between, in another order.
    assert!(far < 0.001 && worst <= 8.0, "{far} of the values differ, the largest by {worst}");
}

#[test]
fn a_jpeg_too_within_what_decoders_may_differ() {
    let spec = product_spec();
    let prepared = spec.prepare(&decode(&golden_bytes("espresso_1200.jpg"))).unwrap();
    let golden = decode(&golden_bytes("espresso_jpeg_bicubic_224.png"));
    let (far, worst) = compare(&prepared.planes, &spec, golden.rgb(), 3);
    println!("jpeg: {far:.6} of the values differ by more than one step, the largest by {worst:.2}");
    // JPEG leaves rounding, and how chroma is scaled up, to the decoder.
    assert!(far < 0.01 && worst <= 4.0, "{far} of the values differ, the largest by {worst}");
}

#[test]
fn luma_and_letterbox_too() {
    let spec = PictureSpec {
        colour: Colour::Grey,
        fit: Fit::Letterbox { width: 320, height: 240 },
        filter: Filter::Bilinear,
        mean: vec![0.5],
        std: vec![1.0],
    };
    let prepared = spec.prepare(&decode(&file("samples/espresso.png"))).unwrap();
    let golden = decode(&golden_bytes("espresso_grey_bilinear.png"));
    assert_eq!((golden.width(), golden.height()), (320, 213));
    let visible = &prepared.planes[..320 * 213];
    let (far, worst) = compare(visible, &spec, &golden.grey(), 1);
    println!("grey: {far:.6} of the values differ by more than one step, the largest by {worst:.2}");
    assert!(far == 0.0, "{far} of the values differ by more than one step, the largest by {worst}");
    assert!(prepared.planes[320 * 213..].iter().all(|value| *value == 0.0));
}

/// A decoder leaves grey what is missing of a JPEG, and says nothing. What follows the end does not matter.
#[test]
fn a_jpeg_without_its_end_is_said_to_be_cut_off() {
    let whole = golden_bytes("espresso_1200.jpg");
    assert!(!decode(&whole).is_cut_off());
    assert!(!decode(&[&whole[..], b"something else"].concat()).is_cut_off());
    for length in [whole.len() - 1, whole.len() - 2, whole.len() / 2] {
        let picture = decode(&whole[..length]);
        assert!(picture.is_cut_off(), "{length} of {} bytes", whole.len());
        assert_eq!(picture.width(), decode(&whole).width());
    }
    assert!(!decode(&golden_bytes("espresso_jpeg_bicubic_224.png")).is_cut_off());
}
