//! How long the models take on this machine, as a till sees it: percentiles of single calls, one after the other.
//!
//! `cargo bench -p edgepos-benches --bench inference` measures the embedded engines; with `--features onnxruntime` and a
//! library from `cargo xtask ort`, ONNX Runtime beside them. Start-up and memory are of processes of their own.
//! `docs/benchmarks-inference.md` has a run with its machine.

#[path = "inference/footprint.rs"]
mod footprint;

use std::hint::black_box;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use edgepos_inference::{
    Backend, BarcodeConfig, BarcodeReader, CacheConfig, Clip, Embedded, Engines, FraudConfig, FraudScorer,
    GateConfig, LoadOptions, Manifest, Picture, PictureHash, PictureLimits, PlacementConfig, ProductConfig,
    ProductRecognizer, Session, Stop, Task, Tensor, Trees, VoiceConfig, VoiceRecognizer, WorkerConfig,
};

fn main() {
    // `cargo test` builds and starts every benchmark: measuring is only for `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    if let Some(what) = std::env::args().skip_while(|argument| argument != footprint::ARGUMENT).nth(1) {
        return footprint::report(&what);
    }
    footprint::table();
    println!("\n| what | runs | p50 | p95 | p99 | max |\n|---|---|---|---|---|---|");
    networks("embedded", &Embedded);
    trees("trees", &Trees);
    pipelines("", &Engines::standard());
    busy_till("", &Engines::standard());
    steps();
    #[cfg(feature = "onnxruntime")]
    with_runtime();
}

#[cfg(feature = "onnxruntime")]
fn with_runtime() {
    use edgepos_inference::{LibrarySearch, OnnxRuntime, Provider};
    let search = LibrarySearch::nowhere().directory(&library());
    match OnnxRuntime::open(&search) {
        Ok(runtime) => {
            networks("ONNX Runtime", &runtime.with(Provider::Cpu));
            trees("ONNX Runtime", &runtime.with(Provider::Cpu));
            pipelines("ONNX Runtime, ", &Engines::accelerated(&search));
            busy_till("ONNX Runtime, ", &Engines::accelerated(&search));
        }
        Err(error) => println!("\nONNX Runtime is left out: {error}"),
    }
}

/// Where `cargo xtask ort` puts the library.
#[cfg(feature = "onnxruntime")]
fn library() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("../onnxruntime/cpu")
}

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

fn measure(what: &str, runs: usize, mut run: impl FnMut()) {
    for _ in 0..runs.div_ceil(10) {
        run();
    }
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("| {what} | {runs} | {:.1?} | {:.1?} | {:.1?} | {:.1?} |", at(50), at(95), at(99), at(100));
}

fn session(engine: &dyn Backend, task: &str) -> Box<dyn Session> {
    let manifest = Manifest::read(&models()).expect("the shipped manifest is sound");
    let file = &manifest.for_task(task).expect("every job has a model").variants[0].file;
    let bytes = file.read(&models()).expect("the shipped models are whole");
    engine.load(&bytes, &LoadOptions::default()).expect("the engine runs the shipped model")
}

/// The networks alone, on one thread, on inputs that are ready.
fn networks(name: &str, engine: &dyn Backend) {
    type Job = (&'static str, &'static str, &'static [usize], &'static str, &'static str, usize);
    let jobs: [Job; 3] = [
        ("product, int8", Task::PRODUCT, &[3, 224, 224], "input", "logits", 100),
        ("barcode", Task::BARCODE, &[1, 240, 320], "gray", "map", 300),
        ("voice", Task::VOICE, &[16_000], "audio", "logits", 300),
    ];
    for (what, task, shape, input, output, runs) in jobs {
        let mut session = session(engine, task);
        let batches: &[usize] = if task == Task::PRODUCT { &[1, 4] } else { &[1] };
        for &batch in batches {
            let shape: Vec<usize> = std::iter::once(batch).chain(shape.iter().copied()).collect();
            let values =
                (0..shape.iter().product()).map(|at: usize| ((at % 255) as f32 / 127.0) - 1.0).collect();
            let tensor = Tensor::f32(shape, values).expect("as many values as the shape holds");
            measure(&format!("network {what}, batch {batch}, {name}"), runs, || {
                let stop = Stop::within(Duration::from_secs(60));
                black_box(session.run(&[(input, &tensor)], &[output], &stop).expect("a run"));
            });
        }
    }
}

fn trees(name: &str, engine: &dyn Backend) {
    let mut session = session(engine, Task::FRAUD);
    for batch in [1, 1000] {
        let rows: Vec<Tensor> = (0..64_u32)
            .map(|row| {
                let value =
                    |at: usize| ((at as u32).wrapping_mul(2_654_435_761).wrapping_add(row * 97) % 997) as f32;
                let values =
                    (0..batch * 20).map(|at| value(at) * if at % 20 < 6 { 0.002 } else { 1.0 }).collect();
                Tensor::f32([batch, 20], values).expect("as many values as the shape holds")
            })
            .collect();
        let mut turn = 0;
        measure(
            &format!("network fraud, {batch} rows that vary, {name}"),
            if batch == 1 { 5000 } else { 100 },
            || {
                turn = (turn + 1) % rows.len();
                let stop = Stop::within(Duration::from_secs(60));
                black_box(session.run(&[("input", &rows[turn])], &["probabilities"], &stop).expect("a run"));
            },
        );
    }
}

/// Whole calls as an application makes them, with the worker's thread, decoding and reading of the answer.
fn pipelines(name: &str, engines: &Engines) {
    let worker = WorkerConfig { deadline: Duration::from_secs(10), ..WorkerConfig::default() };
    let placement = PlacementConfig { latency_budget: Duration::from_secs(10), ..PlacementConfig::default() };
    let file = |file: &str| std::fs::read(models().join(file)).expect("a shipped sample");
    let photo = file("samples/espresso.png");
    let off = CacheConfig { entries: 0, ..CacheConfig::default() };
    for (what, cache) in [("product", off), ("product, seen a moment ago", CacheConfig::default())] {
        let config = ProductConfig { cache, worker, placement, ..ProductConfig::default() };
        let recognizer =
            ProductRecognizer::load_with(&models(), config, engines).expect("the product model loads");
        measure(&format!("call {name}{what}, PNG of 600 × 400"), 500, || {
            assert!(!black_box(recognizer.recognise(&photo)).is_fallback());
        });
    }
    let one_thread = PlacementConfig { threads: BarcodeConfig::default().placement.threads, ..placement };
    let config = BarcodeConfig { worker, placement: one_thread, ..BarcodeConfig::default() };
    let reader = BarcodeReader::load_with(&models(), config, engines).expect("the barcode model loads");
    let code =
        Picture::decode(&file("samples/barcode.png"), &PictureLimits::default()).expect("a shipped sample");
    measure(&format!("call {name}barcode, frame of 800 × 600"), 1000, || {
        assert!(!black_box(reader.read_picture(code.clone())).is_fallback());
    });
    let config = VoiceConfig { worker, placement, ..VoiceConfig::default() };
    let recognizer = VoiceRecognizer::load_with(&models(), config, engines).expect("the voice model loads");
    let clip = Clip::from_wav(&file("samples/refund.wav")).expect("a shipped sample");
    measure(&format!("call {name}voice, 1.6 s at 16 kHz"), 1000, || {
        assert!(!black_box(recognizer.listen(&clip)).is_fallback());
    });
    let config = FraudConfig { worker, placement, ..FraudConfig::default() };
    let scorer = FraudScorer::load_with(&models(), config, engines).expect("the fraud model loads");
    let payment = payment();
    measure(&format!("call {name}fraud"), 2000, || {
        assert!(!black_box(scorer.score(&payment)).is_fallback());
    });
    let config = ProductConfig { cache: off, worker, placement, ..ProductConfig::default() };
    let recognizer =
        ProductRecognizer::load_with(&models(), config, engines).expect("the product model loads");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    black_box(recognizer.recognise(&photo)).answer();
                }
            });
        }
        measure(&format!("call {name}fraud, while four tills have products recognised"), 2000, || {
            assert!(!black_box(scorer.score(&payment)).is_fallback());
        });
        stop.store(true, Ordering::Relaxed);
    });
}

/// Calls while as many other threads as there are processors never rest, on as many threads as a till takes by default and on one.
fn busy_till(name: &str, engines: &Engines) {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let file = |file: &str| std::fs::read(models().join(file)).expect("a shipped sample");
    let photo = file("samples/espresso.png");
    let code =
        Picture::decode(&file("samples/barcode.png"), &PictureLimits::default()).expect("a shipped sample");
    let worker = WorkerConfig { deadline: Duration::from_secs(10), ..WorkerConfig::default() };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    black_box((0..1000_u64).fold(0, |sum, number| sum ^ black_box(number)));
                }
            });
        }
        let usual = PlacementConfig::default().threads;
        for threads in [usual, 1] {
            let placement = PlacementConfig {
                latency_budget: Duration::from_secs(10),
                threads,
                ..PlacementConfig::default()
            };
            let cache = CacheConfig { entries: 0, ..CacheConfig::default() };
            let config = ProductConfig { cache, worker, placement, ..ProductConfig::default() };
            let recognizer =
                ProductRecognizer::load_with(&models(), config, engines).expect("the product model loads");
            measure(&format!("busy till, {name}product, threads {threads}"), 200, || {
                assert!(!black_box(recognizer.recognise(&photo)).is_fallback());
            });
            let config = BarcodeConfig { worker, placement, ..BarcodeConfig::default() };
            let reader =
                BarcodeReader::load_with(&models(), config, engines).expect("the barcode model loads");
            measure(&format!("busy till, {name}barcode, threads {threads}"), 500, || {
                assert!(!black_box(reader.read_picture(code.clone())).is_fallback());
            });
        }
        stop.store(true, Ordering::Relaxed);
    });
}

fn payment() -> edgepos_inference::Payment {
    use edgepos_inference::{CustomerHistory, LocalTime, Payment, Place, TerminalHistory, Window};
    let window = Window { payments: 3, total: 80.0 };
    let place = Some(Place { latitude: 52.5, longitude: 13.4 });
    Payment {
        amount: 24.9,
        card_present: true,
        time: LocalTime { weekday: 2, second_of_day: 50_000 },
        billing: place,
        shipping: place,
        terminal: place,
        customer: CustomerHistory {
            day: window,
            week: window,
            month: window,
            seconds_since_last: Some(4000),
        },
        at_terminal: TerminalHistory { payments_7d: 30, fraud_share_7d: 0.01, fraud_share_30d: 0.02 },
    }
}

/// The steps around the networks.
fn steps() {
    let photo = std::fs::read(models().join("samples/espresso.png")).expect("a shipped sample");
    let limits = PictureLimits::default();
    let manifest = Manifest::read(&models()).expect("the shipped manifest is sound");
    let entry = manifest.for_task(Task::PRODUCT).expect("every job has a model");
    let spec = entry.picture.as_ref().expect("the product model says how");
    measure("step decode, PNG of 600 × 400", 200, || {
        black_box(Picture::decode(&photo, &limits).expect("a sound picture"));
    });
    let picture = Picture::decode(&photo, &limits).expect("a sound picture");
    measure("step scale, cut, normalise, 600 × 400 to 224 × 224", 500, || {
        black_box(spec.prepare(&picture).expect("a picture that fits"));
    });
    let full_hd = Picture::from_rgb(1920, 1080, vec![90; 1920 * 1080 * 3]).expect("as many bytes as pixels");
    measure("step scale, cut, normalise, 1920 × 1080 to 224 × 224", 200, || {
        black_box(spec.prepare(&full_hd).expect("a picture that fits"));
    });
    let prepared = spec.prepare(&picture).expect("a picture that fits");
    measure("step perceptual hash of 224 × 224", 1000, || {
        black_box(PictureHash::of(&prepared.planes, 224, 224));
    });
    let clip = Clip::from_wav(&std::fs::read(models().join("samples/refund.wav")).expect("a shipped sample"))
        .expect("a sound clip");
    measure("step voice gate, 1.6 s", 1000, || {
        black_box(clip.speech(&GateConfig::default()));
    });
}
