//! Barcodes: a picture in, a checked number out.
//!
//! A small network finds the code on a 320 × 240 picture and its direction; the decoder reads a straightened cut of the
//! full-size picture, where the bars still have their width. What the symbol's own checks let through is checked again
//! by the trade item number's check digit.

mod decode;
mod region;

use std::future::Future;
use std::path::Path;
use std::time::Instant;

use crate::batch::run_rows;
use crate::chain::Chain;
use crate::delegate::{Engines, LoadError, PlacementConfig};
use crate::gtin::Gtin;
use crate::manager::Pipeline;
use crate::manifest::{Manifest, Task};
use crate::outcome::{Action, Outcome, Reason};
use crate::picture::{Picture, PictureLimits, PictureSpec, Prepared};
use crate::pipelines::find;
use crate::pipelines::shell::Shell;
use crate::report::Report;
use crate::stop::Stop;
use crate::worker::{Handler, Priority, WorkerConfig};
pub use region::Region;

/// How barcodes are read.
#[derive(Clone, Debug, PartialEq)]
pub struct BarcodeConfig {
    /// The model's name in the manifest. Default `None`: the first for the job `barcode`.
    pub model: Option<String>,
    /// Fewest cells of 8 × 8 pixels that make a code. Default 4.
    pub min_cells: usize,
    /// Whether the whole picture is searched when the network finds nothing readable. Default true; it takes tens of
    /// milliseconds on a large picture.
    pub search_whole: bool,
    /// What a picture may cost.
    pub picture: PictureLimits,
    /// Deadline, queue and batch.
    pub worker: WorkerConfig,
    /// Engine, budget and threads. Default: one thread and [`PlacementConfig::default`] otherwise. The network is so small that a second
    /// thread gains nothing on an idle till, and on a busy one both wait for the later of them.
    pub placement: PlacementConfig,
}

impl Default for BarcodeConfig {
    fn default() -> Self {
        Self {
            model: None,
            min_cells: 4,
            search_whole: true,
            picture: PictureLimits::default(),
            worker: WorkerConfig::default(),
            placement: PlacementConfig { threads: 1, ..PlacementConfig::default() },
        }
    }
}

/// A code that was read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Scan {
    /// The text of the symbol.
    pub text: String,
    /// Which kind of symbol.
    pub symbology: Symbology,
    /// The trade item number of an EAN, a UPC or an ITF-14; its check digit is right. `None` for a Code 128, also where a
    /// GS1-128 has the number among others in its text.
    pub gtin: Option<Gtin>,
    /// Where the network saw it; `None` when the whole picture was searched.
    pub region: Option<Region>,
}

/// Kinds of symbols that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Symbology {
    /// EAN-13, with UPC-A as the numbers that begin with 0.
    Ean13,
    /// EAN-8.
    Ean8,
    /// UPC-E.
    UpcE,
    /// Code 128, GS1-128 included.
    Code128,
    /// Interleaved 2 of 5 with 14 digits (ITF-14).
    Itf14,
}

/// Reads barcodes.
///
/// ```
/// use std::path::Path;
/// use edgepos_inference::{BarcodeConfig, BarcodeReader, Outcome};
/// # use edgepos_inference::{PlacementConfig, WorkerConfig};
/// # let slow = std::time::Duration::from_secs(60);
/// # let worker = WorkerConfig { deadline: slow, ..WorkerConfig::default() };
/// # let placement = PlacementConfig { latency_budget: slow, ..PlacementConfig::default() };
/// # if !cfg!(feature = "embedded") { return Ok(()) }
/// let models = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
/// let reader = BarcodeReader::load(models, BarcodeConfig {
/// #   worker, placement,
///     ..BarcodeConfig::default()
/// })?;
/// let photo = std::fs::read(models.join("samples/barcode.png"))?;
/// match reader.read(&photo) {
///     Outcome::Answer(scan) => assert_eq!(scan.gtin.map(|gtin| gtin.number()), Some(4_006_381_333_931)),
///     Outcome::Fallback { reason, .. } => panic!("{reason}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct BarcodeReader {
    shell: Shell<Query, Scan>,
}

enum Query {
    File(Vec<u8>),
    Pixels(Picture),
}

impl BarcodeReader {
    /// Loads the model from `models_dir` onto the best of [`Engines::standard`].
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(models_dir: &Path, config: BarcodeConfig) -> Result<Self, LoadError> {
        Self::load_with(models_dir, config, &Engines::standard())
    }

    /// As [`BarcodeReader::load`], with the engines to try.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_with(models_dir: &Path, config: BarcodeConfig, engines: &Engines) -> Result<Self, LoadError> {
        let manifest = Manifest::read(models_dir)?;
        let entry = find(&manifest, config.model.as_deref(), Task::BARCODE)?;
        let unsuitable = |problem| LoadError::Unsuitable { model: entry.name.clone(), problem };
        let spec =
            entry.picture.clone().ok_or_else(|| unsuitable("it does not say how to prepare a picture"))?;
        let [_, Some(3), Some(rows), Some(columns)] = entry.outputs[0].shape[..] else {
            return Err(unsuitable("its output is not three maps"));
        };
        let sample = spec.sample(models_dir, &entry, &config.picture)?;
        let session = Chain::start(models_dir, &entry, engines, &config.placement, sample)?;
        let worker = config.worker;
        let shell = Shell::start(&entry, session, worker, Action::ManualEntry, |session| {
            Ok(Read {
                session,
                input: entry.inputs[0].name.clone(),
                output: entry.outputs[0].name.clone(),
                map: (columns, rows),
                spec,
                config,
            })
        })?;
        Ok(Self { shell })
    }

    /// Reads the code on a PNG or JPEG. Returns within the deadline, whatever happens.
    pub fn read(&self, image_bytes: &[u8]) -> Outcome<Scan> {
        self.ask(Query::File(image_bytes.to_vec()))
    }

    /// As [`BarcodeReader::read`], for a decoded frame from a camera.
    pub fn read_picture(&self, picture: Picture) -> Outcome<Scan> {
        self.ask(Query::Pixels(picture))
    }

    /// As [`BarcodeReader::read`], without blocking, on any executor or none: the request is on its way when this
    /// returns, and the deadline runs from then on. Dropping the future takes the request back.
    pub fn read_async(&self, image_bytes: Vec<u8>) -> impl Future<Output = Outcome<Scan>> + Send + use<> {
        self.ask_async(Query::File(image_bytes))
    }

    /// The same for a decoded frame from a camera.
    pub fn read_picture_async(&self, picture: Picture) -> impl Future<Output = Outcome<Scan>> + Send + use<> {
        self.ask_async(Query::Pixels(picture))
    }

    fn ask(&self, query: Query) -> Outcome<Scan> {
        self.shell.ask(Instant::now(), Priority::Checkout, Ok(query))
    }

    fn ask_async(&self, query: Query) -> impl Future<Output = Outcome<Scan>> + Send + use<> {
        self.shell.ask_async(Instant::now(), Priority::Checkout, Ok(query))
    }

    /// Which engine ran which file when the model was loaded, and why the others did not.
    #[must_use]
    pub fn report(&self) -> &Report {
        self.shell.report()
    }

    /// The same at present: the engine changes when it fails at run time.
    #[must_use]
    pub fn live_report(&self) -> Report {
        self.shell.live_report()
    }
}

impl Pipeline for BarcodeReader {
    type Config = BarcodeConfig;
    const TASK: &'static str = Task::BARCODE;

    fn load(dir: &Path, config: BarcodeConfig, engines: &Engines) -> Result<Self, LoadError> {
        Self::load_with(dir, config, engines)
    }
}

/// The worker's side.
struct Read {
    session: Chain,
    input: String,
    output: String,
    /// Columns and rows of the network's maps.
    map: (usize, usize),
    spec: PictureSpec,
    config: BarcodeConfig,
}

impl Handler<Query, Scan> for Read {
    fn handle(&mut self, requests: &[Query], stop: &Stop) -> Vec<Result<Scan, Reason>> {
        requests.iter().map(|request| self.read(request, stop)).collect()
    }

    fn idle(&mut self) {
        self.session.idle(Instant::now());
    }
}

impl Read {
    fn read(&mut self, request: &Query, stop: &Stop) -> Result<Scan, Reason> {
        let decoded;
        let picture = match request {
            Query::Pixels(picture) => picture,
            Query::File(bytes) => {
                decoded = Picture::decode(bytes, &self.config.picture).map_err(Reason::Decode)?;
                &decoded
            }
        };
        let prepared = self.spec.prepare(picture).map_err(Reason::Decode)?;
        let region = self.locate(&prepared, stop)?;
        let grey = decode::Grey { pixels: picture.grey(), width: picture.width(), height: picture.height() };
        if let Some(region) = region {
            // First with the quiet zones that the standard asks for, then with room for a network that saw too little.
            for margin in [0.15, 0.4] {
                if stop.is_due() {
                    return Err(Reason::Timeout);
                }
                if let Some(scan) = decode::decode(&grey.straightened(&region, margin), Some(region)) {
                    return Ok(scan);
                }
            }
        }
        if self.config.search_whole && !stop.is_due() {
            return decode::decode(&grey, None).ok_or(Reason::NotFound);
        }
        Err(if stop.is_due() { Reason::Timeout } else { Reason::NotFound })
    }

    fn locate(&mut self, prepared: &Prepared, stop: &Stop) -> Result<Option<Region>, Reason> {
        let (width, height) = self.spec.fit.size();
        let shape = [self.spec.colour.channels(), height as usize, width as usize];
        let rows = [&prepared.planes[..]];
        let outputs = [self.output.as_str()];
        let answer = run_rows(&mut self.session, &self.input, &shape, &rows, &outputs, stop)
            .pop()
            .unwrap_or(Err(crate::backend::RunError::Stopped))?;
        let cell = (width as f32 / self.map.0 as f32, height as f32 / self.map.1 as f32);
        let maps = answer.first().map_or(&[][..], Vec::as_slice);
        Ok(Region::find(maps, self.map, cell, self.config.min_cells)
            .map(|region| region.in_source(prepared.scale, prepared.origin)))
    }
}
