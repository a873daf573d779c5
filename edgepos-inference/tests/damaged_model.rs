//! I3: a model file that is not what the manifest says is refused with an error that names it, before an engine
//! sees it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

mod support;

use std::path::Path;

use edgepos_inference::{
    Backend, EngineError, Engines, FraudConfig, FraudScorer, IntegrityError, LoadError, LoadOptions,
    Manifest, ProductRecognizer, Session, Sha256, VerifiedBytes, VoiceConfig, VoiceRecognizer, with_causes,
};
use support::{copy_of_models, product};

const MODEL: &str = "efficientnet_lite0_imagenet_int8_qdq.onnx";

/// Stands in for every engine: no bytes may reach it.
struct Untouchable;

impl Backend for Untouchable {
    fn name(&self) -> &'static str {
        "untouchable"
    }
    fn load(&self, _: &VerifiedBytes, _: &LoadOptions) -> Result<Box<dyn Session>, EngineError> {
        panic!("damaged bytes reached an engine");
    }
}

fn load_damaged(damage: impl FnOnce(&Path)) -> LoadError {
    let models = copy_of_models();
    damage(&models.path().join(MODEL));
    ProductRecognizer::load_with(models.path(), product(), &Engines::none().then(Untouchable)).unwrap_err()
}

#[test]
fn one_flipped_bit() {
    let error = load_damaged(|path| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[2_000_000] ^= 1;
        std::fs::write(path, bytes).unwrap();
    });
    assert!(matches!(error, LoadError::Integrity(IntegrityError::Digest { .. })), "{error}");
    assert!(with_causes(&error).contains(MODEL) && with_causes(&error).contains("sha-256"), "{error}");
}

#[test]
fn a_truncated_download() {
    let error = load_damaged(|path| {
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(1_000_000).unwrap();
    });
    assert!(
        matches!(
            error,
            LoadError::Integrity(IntegrityError::Size { found: 1_000_000, expected: 5_074_898, .. })
        ),
        "{error}"
    );
    assert!(with_causes(&error).contains(MODEL), "{error}");
}

#[test]
fn a_missing_file() {
    let error = load_damaged(|path| std::fs::remove_file(path).unwrap());
    assert!(matches!(error, LoadError::Integrity(IntegrityError::Missing { .. })), "{error}");
    assert!(with_causes(&error).contains(MODEL) && with_causes(&error).contains("missing"), "{error}");
}

#[test]
fn a_directory_in_its_place() {
    let error = load_damaged(|path| {
        std::fs::remove_file(path).unwrap();
        std::fs::create_dir(path).unwrap();
    });
    assert!(matches!(error, LoadError::Integrity(IntegrityError::Read { .. })), "{error}");
    assert!(with_causes(&error).contains(MODEL), "{error}");
}

#[test]
fn a_missing_or_malformed_manifest() {
    let empty = tempfile::tempdir().unwrap();
    let error = ProductRecognizer::load(empty.path(), product()).unwrap_err();
    assert!(
        matches!(error, LoadError::Manifest(_)) && with_causes(&error).contains("manifest.json"),
        "{error}"
    );
    std::fs::write(empty.path().join("manifest.json"), b"{\"format\":1,\"models\":[{}]}").unwrap();
    let error = ProductRecognizer::load(empty.path(), product()).unwrap_err();
    assert!(with_causes(&error).contains("malformed"), "{error}");
}

/// Rewrites the model file and the manifest so that size and digest match: only the content is wrong.
fn load_replaced(bytes: &[u8], edit: impl FnOnce(&mut Manifest)) -> LoadError {
    let models = copy_of_models();
    let mut manifest = Manifest::read(models.path()).unwrap();
    std::fs::write(models.path().join(MODEL), bytes).unwrap();
    let entry = manifest.models.iter_mut().find(|entry| entry.task.0 == "product").unwrap();
    entry.variants[0].file.bytes = bytes.len() as u64;
    entry.variants[0].file.sha256 = Sha256::of(bytes);
    edit(&mut manifest);
    std::fs::write(models.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    ProductRecognizer::load(models.path(), product()).unwrap_err()
}

#[test]
fn garbage_with_a_matching_digest_is_refused_by_the_engine() {
    for bytes in [&b""[..], b"<html>404 not found</html>", &[0xff; 4096]] {
        let error = load_replaced(bytes, |_| ());
        let LoadError::NoEngine { refused, .. } = &error else { panic!("{error}") };
        assert_eq!(refused[0].engine, "rten");
        assert!(with_causes(&error).contains("rejects the model"), "{error}");
    }
}

#[test]
fn a_model_with_other_ports_than_promised() {
    let bytes = support::file("barcode_localiser_gray240x320.onnx");
    let error = load_replaced(&bytes, |_| ());
    assert!(matches!(error, LoadError::Interface(_)), "{error}");
    assert!(
        with_causes(&error).contains("input[n,3,224,224]") && with_causes(&error).contains(MODEL),
        "{error}"
    );
    let bytes = support::file(MODEL);
    let error = load_replaced(&bytes, |manifest| {
        let entry = manifest.models.iter_mut().find(|entry| entry.task.0 == "product").unwrap();
        entry.inputs[0].shape = vec![None, Some(3), Some(192), Some(192)];
    });
    assert!(
        with_causes(&error).contains("input[n,3,224,224] where the manifest promises input[n,3,192,192]"),
        "{error}"
    );
}

#[test]
fn weights_that_answer_otherwise_are_refused() {
    let bytes = support::file(MODEL);
    let error = load_replaced(&bytes, |manifest| {
        let entry = manifest.models.iter_mut().find(|entry| entry.task.0 == "product").unwrap();
        entry.known_answer.as_mut().unwrap().expect[0].value = 0.2;
    });
    assert!(with_causes(&error).contains("known sample: value 967"), "{error}");
}

/// Left out of the examination in silence, it would keep no engine out.
#[test]
fn a_known_answer_of_the_wrong_kind_is_refused() {
    let models = copy_of_models();
    let mut manifest = Manifest::read(models.path()).unwrap();
    let answers: Vec<_> = manifest.models.iter().map(|entry| entry.known_answer.clone().unwrap()).collect();
    let sample = answers.iter().find_map(|answer| answer.sample.clone());
    for entry in &mut manifest.models {
        let answer = entry.known_answer.as_mut().unwrap();
        if answer.sample.take().is_some() {
            answer.values = Some(vec![0.0; 20]);
        } else {
            (answer.values, answer.sample) = (None, sample.clone());
        }
    }
    std::fs::write(models.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    let errors = [
        ProductRecognizer::load(models.path(), product()).unwrap_err(),
        FraudScorer::load(models.path(), FraudConfig::default()).unwrap_err(),
        VoiceRecognizer::load(models.path(), VoiceConfig::default()).unwrap_err(),
    ];
    for error in errors {
        assert!(with_causes(&error).contains("its known answer has"), "{error}");
    }
}

/// Its writer may never come.
#[cfg(unix)]
#[test]
fn a_pipe_in_its_place() {
    let error = load_damaged(|path| {
        std::fs::remove_file(path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    });
    assert!(
        with_causes(&error).contains("not a regular file") && with_causes(&error).contains(MODEL),
        "{error}"
    );
}
