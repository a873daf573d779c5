//! Barcodes: a picture in, a checked number out.
//!
//! A small network finds the code on a 320 × 240 picture and its direction, and so does the texture of the full-size one,
//! where the bars still have their width. EAN and UPC are read there by how well each possible number fits the brightness
//! along many bands, so that it is known how much better the best fits than the next. Everything else, and a second opinion
//! where a doubt is left, comes from a decoder of edges.

mod answer;
mod decode;
mod fit;
mod grey;
mod lines;
mod number;
mod profile;
mod region;
mod scan;
mod symbol;
mod texture;

use std::future::Future;
use std::path::Path;
use std::time::Instant;

use crate::batch::run_rows;
use crate::delegate::{Engines, LoadError};
use crate::engine_chain::EngineChain;
use crate::manager::Pipeline;
use crate::manifest::{Manifest, Task};
use crate::outcome::{Action, Outcome, Reason};
use crate::picture::{Picture, PictureSpec, Prepared};
use crate::pipelines::shell::Shell;
use crate::pipelines::{find, threshold};
use crate::report::Report;
use crate::stop::Stop;
use crate::worker::{Handler, Priority};
use fit::Unblur;
use grey::Grey;
pub use region::Region;
pub use scan::{BarcodeConfig, Scan, Symbology};

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
        threshold(Some(config.confirm_below), config.confirm_below, &entry)?;
        let unsuitable = |problem| LoadError::Unsuitable { model: entry.name.clone(), problem };
        let spec =
            entry.picture.clone().ok_or_else(|| unsuitable("it does not say how to prepare a picture"))?;
        let [_, Some(3), Some(rows), Some(columns)] = entry.outputs[0].shape[..] else {
            return Err(unsuitable("its output is not three maps"));
        };
        let sample = spec.sample(models_dir, &entry, &config.picture)?;
        let session = EngineChain::start(models_dir, &entry, engines, &config.placement, sample)?;
        let worker = config.worker;
        let shell = Shell::start(&entry, session, worker, Action::ManualEntry, |session| {
            Ok(Read {
                session,
                input: entry.inputs[0].name.clone(),
                output: entry.outputs[0].name.clone(),
                map: (columns, rows),
                spec,
                config,
                unblur: Unblur::new(),
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
    session: EngineChain,
    input: String,
    output: String,
    /// Columns and rows of the network's maps.
    map: (usize, usize),
    spec: PictureSpec,
    config: BarcodeConfig,
    unblur: Unblur,
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
        let grey = Grey { pixels: picture.grey(), width: picture.width(), height: picture.height() };
        let search = answer::Search { grey: &grey, unblur: &self.unblur, stop, config: &self.config };
        search.scan(region).ok_or(if stop.is_due() { Reason::Timeout } else { Reason::NotFound })
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
