//! I1, I4, I10: a real photograph is recognised by the shipped 8-bit network on the embedded engine.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

mod support;

use edgepos_inference::{Outcome, Picture, PictureLimits, Priority, ProductConfig, ProductRecognizer};
use support::{file, golden_bytes, models, product};

#[test]
fn an_espresso_is_an_espresso() {
    let recognizer = ProductRecognizer::load(&models(), product()).unwrap();
    let photo = file("samples/espresso.png");
    let answer = recognizer.recognise(&photo).answer().expect("an answer without a deadline");
    let best = answer.best();
    assert_eq!((best.class, best.label.as_str()), (967, "espresso"));
    // ONNX Runtime gives 0.945 for this file; the 32-bit original 0.951.
    assert!((best.confidence - 0.945).abs() < 0.02, "confidence {}", best.confidence);
    assert!(!answer.requires_confirmation);
    assert_eq!(answer.candidates.len(), 5);
    assert!(answer.candidates.is_sorted_by(|a, b| a.confidence >= b.confidence));
    let report = recognizer.report();
    assert_eq!((report.engine, report.known_answer), ("rten", Some(true)));
    println!("{report}\n{best:?}\n{:?}", answer.timing);
}

#[test]
fn the_same_picture_gets_the_same_answer_whichever_way_it_comes() {
    let recognizer = ProductRecognizer::load(&models(), product()).unwrap();
    let photo = file("samples/espresso.png");
    let picture = Picture::decode(&photo, &PictureLimits::default()).unwrap();
    let first = recognizer.recognise(&photo).answer().unwrap();
    let second = recognizer.recognise_as(Priority::Background, &photo).answer().unwrap();
    let third = recognizer.recognise_picture(picture).answer().unwrap();
    assert_eq!(first.candidates, second.candidates);
    assert_eq!(first.candidates, third.candidates);
}

#[test]
fn an_unsure_answer_asks_for_confirmation() {
    let config = ProductConfig { confirm_below: Some(0.99), top_k: 1, ..product() };
    let recognizer = ProductRecognizer::load(&models(), config).unwrap();
    let Outcome::Answer(answer) = recognizer.recognise(&file("samples/espresso.png")) else {
        panic!("no answer");
    };
    assert!(answer.requires_confirmation);
    assert_eq!(answer.candidates.len(), 1);
}

/// What is there of a picture may look like something, whole and surely.
#[test]
fn a_jpeg_that_was_cut_off_asks_for_confirmation_however_sure_the_network_is() {
    let whole = golden_bytes("espresso_1200.jpg");
    let cut = &whole[..whole.len() * 9 / 10];
    let recognizer = ProductRecognizer::load(&models(), product()).unwrap();
    for (photo, is_whole) in [(&whole[..], true), (cut, false), (cut, false), (&whole[..], true)] {
        let answer = recognizer.recognise(photo).answer().unwrap();
        assert!(answer.best().confidence > 0.9, "{:?}", answer.best());
        assert_eq!(answer.requires_confirmation, !is_whole, "cached: {}", answer.timing.cached);
    }
}
