//! I2: a second execution provider of ONNX Runtime, OpenVINO on the processor: examined, seen to run the nodes, and
//! refused with a reason for what it cannot run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "onnxruntime")]

mod support;

use edgepos_inference::{
    Clip, Engines, FraudConfig, FraudScorer, Heard, LibrarySearch, PlacementConfig, ProductConfig,
    ProductRecognizer, VoiceConfig, VoiceRecognizer,
};
use support::{any_speed, fetched, file, models, patient, product};

fn engines() -> Option<Engines> {
    Some(Engines::accelerated(&LibrarySearch::nowhere().directory(&fetched("openvino")?)))
}

#[test]
fn the_provider_comes_before_the_runtimes_own_kernels_and_answers_alike() {
    let Some(engines) = engines() else { return };
    let recognizer = ProductRecognizer::load_with(&models(), product(), &engines).unwrap();
    let report = recognizer.report();
    println!("{report}");
    assert_eq!((report.engine, report.known_answer), ("onnxruntime/openvino", Some(true)));
    // All nodes, by the runtime's own account.
    assert!(report.placement.starts_with("OpenVINOExecutionProvider ("), "{}", report.placement);
    let refused: Vec<&str> = report.refused.iter().map(|refusal| refusal.engine.as_str()).collect();
    for absent in ["tensorrt", "cuda", "directml", "coreml", "nnapi", "qnn"] {
        assert!(refused.contains(&format!("onnxruntime/{absent}").as_str()), "{absent}: {refused:?}");
    }
    let answer = recognizer.recognise(&file("samples/espresso.png")).answer().unwrap();
    assert_eq!(answer.best().label, "espresso");
    assert!((answer.best().confidence - 0.945).abs() < 0.03, "{:?}", answer.best());
    let json = serde_json::to_value(report).unwrap();
    assert_eq!(json["engine"], "onnxruntime/openvino");
}

#[test]
fn trees_are_refused_by_the_provider_and_run_by_the_next() {
    let Some(engines) = engines() else { return };
    let config = FraudConfig { worker: patient(), placement: any_speed(), ..FraudConfig::default() };
    let scorer = FraudScorer::load_with(&models(), config, &engines).unwrap();
    let report = scorer.report();
    println!("{report}");
    assert_eq!(report.engine, "onnxruntime/cpu");
    let refusal = report.refused.iter().find(|refusal| refusal.engine == "onnxruntime/openvino").unwrap();
    assert!(refusal.reason.contains("took none"), "{refusal}");
}

#[test]
fn full_precision_can_be_asked_for() {
    let Some(engines) = engines() else { return };
    let placement = PlacementConfig { allow_fp16: false, threads: 1, ..any_speed() };
    let config = ProductConfig { placement, ..product() };
    let recognizer = ProductRecognizer::load_with(&models(), config, &engines).unwrap();
    assert_eq!(recognizer.report().engine, "onnxruntime/openvino", "{}", recognizer.report());
    let config = VoiceConfig { worker: patient(), placement, ..VoiceConfig::default() };
    let voice = VoiceRecognizer::load_with(&models(), config, &engines).unwrap();
    let clip = Clip::from_wav(&file("samples/refund.wav")).unwrap();
    let heard = voice.listen(&clip).answer().unwrap();
    assert!(matches!(&heard, Heard::Command { word, .. } if word == "refund"), "{heard:?}");
}
