//! The models beside their peers, in one run: contenders take turns, so that whatever else the machine does hits all alike.
//!
//! ```text
//! cargo xtask ort
//! python models/scripts/mobilenet_v3_small.py target/models/mobilenet_v3_small.onnx
//! EDGEPOS_PYTHON=<interpreter with onnxruntime 1.32, pillow and numpy> \
//!     cargo bench -p edgepos-benches --bench inference_peers --features onnxruntime,tract
//! ```
//! What is missing (a feature, a library, the interpreter, a file) is left out and said. `docs/benchmarks-inference.md` has
//! a run with its machine.

#[cfg(feature = "onnxruntime")]
mod bare;
mod python;
#[cfg(feature = "tract")]
mod tract;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use edgepos_inference::{
    Backend, Embedded, LoadOptions, Manifest, Picture, PictureLimits, Session, Sha256, Stop, Task, Tensor,
    Trees, VerifiedBytes,
};

/// Somebody who does the same work; says how long it took.
type Contender<'a> = (String, Box<dyn FnMut() -> Duration + 'a>);

fn main() {
    // `cargo test` builds and starts every benchmark: measuring is only for `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    #[cfg(feature = "onnxruntime")]
    bare::overhead();
    tree_rows();
    python::side_by_side();
    engines();
}

pub(crate) fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../models")
}

/// The directory of the library that `cargo xtask ort` fetched.
#[cfg(feature = "onnxruntime")]
pub(crate) fn library() -> Option<edgepos_inference::LibrarySearch> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../onnxruntime/cpu");
    let search = edgepos_inference::LibrarySearch::nowhere().directory(&directory);
    if search.paths().next().is_none() {
        println!("\nONNX Runtime is left out: nothing in {}", directory.display());
        return None;
    }
    Some(search)
}

pub(crate) fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Lets the contenders take turns and prints the median of each, and its ratio to the first one's.
pub(crate) fn compare(what: &str, rounds: usize, mut contenders: Vec<Contender<'_>>) {
    let mut times: Vec<Vec<Duration>> = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..rounds + rounds.div_ceil(10) {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            let took = (contender.1)();
            // The first tenth warms up.
            if round >= rounds.div_ceil(10) {
                times.push(took);
            }
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        (times[times.len() / 2], times[times.len() / 10], times[times.len() * 9 / 10])
    };
    let first = median(&mut times[0]).0.as_secs_f64();
    println!("\n| {what}, {rounds} rounds | median | 10 % to 90 % | to the first |\n|---|---|---|---|");
    for ((name, _), times) in contenders.iter().zip(&mut times) {
        let (middle, low, high) = median(times);
        println!("| {name} | {middle:.2?} | {low:.2?} to {high:.2?} | {:.3} |", middle.as_secs_f64() / first);
    }
}

/// A model, its bytes checked or, for one that is only timed, taken as they are.
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) bytes: VerifiedBytes,
    pub(crate) input: (&'static str, Vec<usize>),
    pub(crate) output: &'static str,
}

pub(crate) fn shipped(task: &str) -> Model {
    let manifest = Manifest::read(&models()).expect("the shipped manifest is sound");
    let entry = manifest.for_task(task).expect("every job has a model");
    let bytes = entry.variants[0].file.read(&models()).expect("the shipped models are whole");
    let (input, output): ((&str, &[usize]), &str) = match task {
        Task::PRODUCT => (("input", &[1, 3, 224, 224]), "logits"),
        Task::BARCODE => (("gray", &[1, 1, 240, 320]), "map"),
        Task::VOICE => (("audio", &[1, 16_000]), "logits"),
        _ => (("input", &[1, 20]), "probabilities"),
    };
    let name = format!("{} ({})", entry.name, entry.variants[0].precision);
    Model { name, bytes, input: (input.0, input.1.to_vec()), output }
}

/// A file that is built, not shipped.
fn built(path: &Path, name: &str) -> Option<Model> {
    let bytes =
        std::fs::read(path).map_err(|error| println!("\n{name} is left out: {}: {error}", path.display()));
    let bytes = bytes.ok()?;
    let (size, digest) = (bytes.len() as u64, Sha256::of(&bytes));
    let bytes = VerifiedBytes::check(path, bytes, size, digest).expect("it is what it was measured to be");
    let input = ("input", vec![1, 3, 224, 224]);
    Some(Model { name: name.to_owned(), bytes, input, output: "logits" })
}

impl Model {
    pub(crate) fn tensor(&self) -> Tensor {
        let length: usize = self.input.1.iter().product();
        let values = (0..length).map(|at| ((at * 7919 % 255) as f32 / 127.0) - 1.0).collect();
        Tensor::f32(self.input.1.clone(), values).expect("as many values as the shape holds")
    }

    pub(crate) fn load(&self, engine: &dyn Backend) -> Box<dyn Session> {
        engine.load(&self.bytes, &LoadOptions::default()).expect("the engine runs the model")
    }

    /// One run on one thread.
    pub(crate) fn run(&self, session: &mut dyn Session, tensor: &Tensor) {
        let stop = Stop::within(Duration::from_secs(60));
        session.run(&[(self.input.0, tensor)], &[self.output], &stop).expect("a run");
    }
}

/// The networks on every engine, on one thread, on inputs that are ready.
fn engines() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../models");
    let mut list = vec![shipped(Task::PRODUCT), shipped(Task::BARCODE), shipped(Task::VOICE)];
    list.extend(built(&target.join("mobilenet_v3_small.onnx"), "MobileNetV3-Small, random weights (fp32)"));
    list.extend(built(&target.join("efficientnet_lite0_fp32.onnx"), "product-efficientnet-lite0 (fp32)"));
    for model in &list {
        let tensor = model.tensor();
        let mut contenders: Vec<Contender<'_>> = Vec::new();
        #[cfg(feature = "onnxruntime")]
        if let Some(search) = library() {
            let runtime = edgepos_inference::OnnxRuntime::open(&search).expect("a library that was fetched");
            let (mut session, tensor) = (model.load(&runtime), tensor.clone());
            contenders.push((
                "ONNX Runtime".to_owned(),
                Box::new(move || timed(|| model.run(session.as_mut(), &tensor))),
            ));
        }
        let (mut session, own) = (model.load(&Embedded), tensor.clone());
        contenders.push((
            "rten, embedded".to_owned(),
            Box::new(move || timed(|| model.run(session.as_mut(), &own))),
        ));
        #[cfg(feature = "tract")]
        match tract::load(model) {
            Ok(mut run) => {
                let tensor = tensor.clone();
                contenders.push(("tract".to_owned(), Box::new(move || timed(|| run(&tensor)))));
            }
            Err(error) => {
                let reason = format!("{error:#}").lines().next().unwrap_or_default().to_owned();
                println!("\ntract does not run {}: {reason}", model.name);
            }
        }
        compare(&model.name, 25, contenders);
    }
}

/// The trees, on rows that vary: the same row again and again would measure the branch predictor.
fn tree_rows() {
    let model = shipped(Task::FRAUD);
    let rows: Vec<Tensor> = (0..512_u32)
        .map(|row| {
            let value = |at: u32| (at.wrapping_mul(2_654_435_761).wrapping_add(row * 977) % 997) as f32;
            let values = (0..20).map(|at| value(at) * if at % 20 < 6 { 0.002 } else { 1.0 }).collect();
            Tensor::f32([1, 20], values).expect("as many values as the shape holds")
        })
        .collect();
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    let mut add = |name: &str, mut session: Box<dyn Session>| {
        let (model, rows) = (&model, &rows);
        contenders.push((
            name.to_owned(),
            Box::new(move || timed(|| rows.iter().for_each(|row| model.run(session.as_mut(), row)))),
        ));
    };
    add("trees, embedded", model.load(&Trees));
    #[cfg(feature = "onnxruntime")]
    if let Some(search) = library() {
        let runtime = edgepos_inference::OnnxRuntime::open(&search).expect("a library that was fetched");
        add("ONNX Runtime", model.load(&runtime));
    }
    compare("512 rows that vary, one by one, through 200 trees", 100, contenders);
}

/// A photograph of 1920 × 1080 as a camera gives it, on disk, so that both languages read the same bytes.
pub(crate) fn full_hd() -> PathBuf {
    let sample = std::fs::read(models().join("samples/espresso.png")).expect("a shipped sample");
    let picture = Picture::decode(&sample, &PictureLimits::default()).expect("a sound picture");
    let small = image::RgbImage::from_raw(picture.width(), picture.height(), picture.rgb().to_vec());
    let small = small.expect("as many bytes as pixels");
    let large = image::imageops::resize(&small, 1920, 1080, image::imageops::FilterType::CatmullRom);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("espresso_1080.jpg");
    let file = std::fs::File::create(&path).expect("the target directory can be written");
    image::codecs::jpeg::JpegEncoder::new_with_quality(file, 85)
        .encode_image(&large)
        .expect("a picture of bytes can be encoded");
    path
}
