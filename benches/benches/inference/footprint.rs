//! How long a job takes to start and what memory it holds afterwards: each in a process of its own, on Linux.

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use edgepos_inference::{
    BarcodeConfig, BarcodeReader, Clip, Engines, FraudConfig, FraudScorer, Picture, PictureLimits,
    PlacementConfig, ProductConfig, ProductRecognizer, VoiceConfig, VoiceRecognizer,
};

use super::{models, payment};

/// Tells the program that it is one of the measured processes.
pub(super) const ARGUMENT: &str = "--footprint";

const JOBS: [&str; 6] = ["nothing", "fraud", "barcode", "voice", "product", "all four"];

pub(super) fn table() {
    println!("| loaded | engine | start | resident after one run | peak |\n|---|---|---|---|---|");
    let engines: &[&str] =
        if cfg!(feature = "onnxruntime") { &["embedded", "ONNX Runtime"] } else { &["embedded"] };
    for engine in engines {
        for job in JOBS {
            let program = std::env::current_exe().expect("this program");
            let child =
                Command::new(program).args(["--bench", ARGUMENT, &format!("{engine}/{job}")]).output();
            let child = child.expect("a process");
            print!("{}", String::from_utf8_lossy(&child.stdout));
        }
    }
}

/// Loads what it is told, runs it once, and says what that took.
pub(super) fn report(what: &str) {
    let (engine, job) = what.split_once('/').expect("engine/job");
    let start = Instant::now();
    let loaded = load(&engines(engine), job);
    let took = start.elapsed();
    let (product, barcode, voice, fraud) = &loaded;
    let file = |name: &str| std::fs::read(models().join(name)).expect("a shipped sample");
    if let Some(product) = product {
        black_box(product.recognise(&file("samples/espresso.png")).is_fallback());
    }
    if let Some(barcode) = barcode {
        let code = Picture::decode(&file("samples/barcode.png"), &PictureLimits::default());
        black_box(barcode.read_picture(code.expect("a sound picture")).is_fallback());
    }
    if let Some(voice) = voice {
        let clip = Clip::from_wav(&file("samples/refund.wav")).expect("a sound clip");
        black_box(voice.listen(&clip).is_fallback());
    }
    if let Some(fraud) = fraud {
        black_box(fraud.score(&payment()).is_fallback());
    }
    let (resident, peak) = (status("VmRSS:"), status("VmHWM:"));
    println!("| {job} | {engine} | {took:.0?} | {resident:.1} MB | {peak:.1} MB |");
}

type Loaded =
    (Option<ProductRecognizer>, Option<BarcodeReader>, Option<VoiceRecognizer>, Option<FraudScorer>);

fn load(engines: &Engines, job: &str) -> Loaded {
    let placement = PlacementConfig::default();
    let wanted = |own: &str| job == own || job == "all four";
    let product = wanted("product").then(|| {
        let config = ProductConfig { placement, ..ProductConfig::default() };
        ProductRecognizer::load_with(&models(), config, engines).expect("the product model loads")
    });
    let barcode = wanted("barcode").then(|| {
        let config = BarcodeConfig { placement, ..BarcodeConfig::default() };
        BarcodeReader::load_with(&models(), config, engines).expect("the barcode model loads")
    });
    let voice = wanted("voice").then(|| {
        let config = VoiceConfig { placement, ..VoiceConfig::default() };
        VoiceRecognizer::load_with(&models(), config, engines).expect("the voice model loads")
    });
    let fraud = wanted("fraud").then(|| {
        let config = FraudConfig { placement, ..FraudConfig::default() };
        FraudScorer::load_with(&models(), config, engines).expect("the fraud model loads")
    });
    (product, barcode, voice, fraud)
}

fn engines(name: &str) -> Engines {
    #[cfg(feature = "onnxruntime")]
    if name == "ONNX Runtime" {
        use edgepos_inference::{LibrarySearch, OnnxRuntime};
        let search = LibrarySearch::nowhere().directory(&super::library());
        return match OnnxRuntime::open(&search) {
            Ok(runtime) => Engines::none().then(runtime),
            Err(error) => panic!("{error}"),
        };
    }
    assert_eq!(name, "embedded");
    Engines::standard()
}

/// A line of this process's status, in megabytes; 0 where the system has none.
fn status(key: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
