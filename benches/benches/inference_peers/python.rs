//! Python with onnxruntime, Pillow and NumPy: a process of its own that does one piece of work for each line it is sent.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use edgepos_inference::{Manifest, Picture, PictureLimits, Task};

use super::{Contender, compare, full_hd, models, timed};

pub(super) fn side_by_side() {
    let Some(interpreter) = std::env::var_os("EDGEPOS_PYTHON") else {
        println!("\nPython is left out: EDGEPOS_PYTHON names no interpreter");
        return;
    };
    let jpeg = full_hd();
    let manifest = Manifest::read(&models()).expect("the shipped manifest is sound");
    let entry = manifest.for_task(Task::PRODUCT).expect("every job has a model");
    let model = models().join(&entry.variants[0].file.file);
    let mut peer = Peer::start(Path::new(&interpreter), &jpeg, &model);
    let bytes = std::fs::read(&jpeg).expect("written above");
    let spec = entry.picture.clone().expect("the product model says how");
    let limits = PictureLimits::default();
    let contenders: Vec<Contender<'_>> = vec![
        ("Pillow and NumPy".to_owned(), Box::new(|| peer.ask("prepare"))),
        (
            "edgepos-inference".to_owned(),
            Box::new(|| {
                timed(|| {
                    let picture = Picture::decode(&bytes, &limits).expect("a sound picture");
                    std::hint::black_box(spec.prepare(&picture).expect("it fits"));
                })
            }),
        ),
    ];
    compare("JPEG of 1920 × 1080 to tensor", 60, contenders);
    #[cfg(feature = "onnxruntime")]
    whole(&mut peer, &bytes);
}

/// From the file to the product's name.
#[cfg(feature = "onnxruntime")]
fn whole(peer: &mut Peer, jpeg: &[u8]) {
    use edgepos_inference::{
        CacheConfig, Engines, OnnxRuntime, PlacementConfig, ProductConfig, ProductRecognizer, WorkerConfig,
    };
    let Some(search) = super::library() else { return };
    let runtime = OnnxRuntime::open(&search).expect("a library that was fetched");
    let slow = Duration::from_secs(10);
    let config = ProductConfig {
        cache: CacheConfig { entries: 0, ..CacheConfig::default() },
        worker: WorkerConfig { deadline: slow, ..WorkerConfig::default() },
        placement: PlacementConfig { latency_budget: slow, ..PlacementConfig::default() },
        ..ProductConfig::default()
    };
    let recognizer = ProductRecognizer::load_with(&models(), config, &Engines::none().then(runtime))
        .expect("the product model loads");
    let contenders: Vec<Contender<'_>> = vec![
        ("onnxruntime, Pillow and NumPy".to_owned(), Box::new(|| peer.ask("recognise"))),
        (
            "edgepos-inference".to_owned(),
            Box::new(|| {
                timed(|| {
                    let answer = recognizer.recognise(jpeg).answer().expect("an answer");
                    assert_eq!(answer.best().label, "espresso");
                })
            }),
        ),
    ];
    compare("JPEG of 1920 × 1080 to the product's name, ONNX Runtime 1.32 both", 60, contenders);
}

struct Peer {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Peer {
    fn start(interpreter: &Path, jpeg: &Path, model: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("inference_peer.py");
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4));
        let mut process = Command::new(interpreter)
            .arg(script)
            .args([jpeg, model])
            .arg(threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("EDGEPOS_PYTHON names an interpreter");
        let (to, from) = (process.stdin.take(), process.stdout.take());
        let (to, from) = (to.expect("piped"), BufReader::new(from.expect("piped")));
        let mut peer = Self { process, to, from };
        println!("\nPython: {}", peer.line());
        peer
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the interpreter answers");
        line.trim().to_owned()
    }

    /// Has it do one piece of work; says how long that took by its own clock.
    fn ask(&mut self, work: &str) -> Duration {
        writeln!(self.to, "{work}").expect("the interpreter listens");
        let nanoseconds = self.line().parse().expect("it answers with nanoseconds");
        Duration::from_nanos(nanoseconds)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
