//! I4, I5: a spoken word is heard, silence is told apart, and broken sound is an error before anything runs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

mod support;

use edgepos_inference::{Clip, Heard, Outcome, SAMPLE_RATE, VoiceConfig, VoiceRecognizer};
use support::{any_speed, block_on, file, models, patient};

fn recognizer() -> VoiceRecognizer {
    let config = VoiceConfig { worker: patient(), placement: any_speed(), ..VoiceConfig::default() };
    VoiceRecognizer::load(&models(), config).unwrap()
}

#[test]
fn refund_is_heard() {
    let recognizer = recognizer();
    println!("{}", recognizer.report());
    assert_eq!((recognizer.report().engine, recognizer.report().known_answer), ("rten", Some(true)));
    let clip = Clip::from_wav(&file("samples/refund.wav")).unwrap();
    let heard = recognizer.listen(&clip).answer().unwrap();
    let Heard::Command { word, confidence, requires_confirmation } = heard else { panic!("{heard:?}") };
    assert_eq!((word.as_str(), requires_confirmation), ("refund", false));
    assert!(confidence > 0.9, "{confidence}");
}

#[test]
fn quiet_words_and_words_within_a_longer_clip_are_heard_too() {
    let recognizer = recognizer();
    let clip = Clip::from_wav(&file("samples/refund.wav")).unwrap();
    let quiet: Vec<f32> = clip.samples().iter().map(|sample| sample * 0.05).collect();
    let mut late = vec![0.0; 3 * SAMPLE_RATE as usize];
    late.extend_from_slice(clip.samples());
    for samples in [quiet, late] {
        let clip = Clip::from_samples(SAMPLE_RATE, &samples).unwrap();
        let heard = recognizer.listen(&clip).answer().unwrap();
        assert!(matches!(&heard, Heard::Command { word, .. } if word == "refund"), "{heard:?}");
    }
}

#[test]
fn silence_is_an_answer() {
    let clip = Clip::from_pcm(SAMPLE_RATE, &[3; 16_000]).unwrap();
    assert_eq!(recognizer().listen(&clip), Outcome::Answer(Heard::Silence));
}

#[test]
fn a_word_that_is_no_command_is_not_taken_for_one() {
    let recognizer = recognizer();
    let clip = Clip::from_wav(&file("samples/elephant.wav")).unwrap();
    assert_eq!(recognizer.listen(&clip), Outcome::Answer(Heard::Unknown));
    assert_eq!(block_on(recognizer.listen_async(&clip)), Outcome::Answer(Heard::Unknown));
}
