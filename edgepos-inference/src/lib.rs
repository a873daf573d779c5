//! AI models on the terminal: delegates, honest fallbacks and typed pipelines.
//!
//! A till must sell while a model is slow, missing or wrong. So a call at the till has no error type: it returns an
//! [`Outcome`] within its deadline, an answer or what to do without one. Loading, on the other hand, is strict: a file
//! that is not byte for byte what its [`Manifest`] says never reaches an engine.
//!
//! # In one minute
//! ```
//! use std::path::Path;
//! use edgepos_inference::{Outcome, ProductConfig, ProductRecognizer};
//!
//! fn what_is_this(models: &Path, photo: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
//!     let recognizer = ProductRecognizer::load(models, ProductConfig::default())?;
//!     println!("{}", recognizer.report()); // which engine runs it, and why no other does
//!     Ok(match recognizer.recognise(photo) {
//!         Outcome::Answer(answer) if !answer.requires_confirmation => answer.best().label.clone(),
//!         Outcome::Answer(answer) => format!("{}? Please confirm.", answer.best().label),
//!         Outcome::Fallback { reason, .. } => format!("Please key it in: {reason}."),
//!     })
//! }
//! ```
//!
//! # Features
//! - `embedded` (default): the pure-Rust engine `rten`, no native set-up.
//! - `barcode` (default): the decoder behind [`BarcodeReader`].
//! - `onnxruntime`: ONNX Runtime, loaded at run time where its library is found; three to ten times faster.
//!
//! # The parts
//! - Loading: [`Manifest`] → [`VerifiedBytes`] → [`Backend`] → [`Session`], chosen by [`Engines`] on a sample whose
//!   answer is known; [`Report`] tells the result.
//! - Serving: one thread per model, [`Priority`], a queue with a limit, batches, a deadline ([`WorkerConfig`]).
//! - Updating: [`ModelManager`] fetches signed sets of models from a [`ModelSource`] and installs them while the old one
//!   serves; [`DriftMonitor`] says when one is
//!   due; a [`Gallery`] holds a shop's own products.
//! - Jobs: [`ProductRecognizer`], [`BarcodeReader`], [`FraudScorer`], [`VoiceRecognizer`].
#![cfg_attr(not(feature = "onnxruntime"), forbid(unsafe_code))]
#![deny(unsafe_code)]

mod alarm;
mod audio;
mod backend;
mod batch;
mod breaker;
mod cache;
mod causes;
mod delegate;
mod drift;
#[cfg(feature = "embedded")]
mod embedded;
mod engine_chain;
mod gallery;
mod history;
mod integrity;
mod inventory;
mod library;
mod manager;
mod manifest;
mod mel;
mod notice;
#[cfg(feature = "onnxruntime")]
mod onnx;
mod onnx_file;
mod outcome;
mod picture;
mod pipelines;
mod reply;
mod report;
mod signature;
mod source;
mod stop;
mod tensor;
mod threshold;
mod trees;
mod wire;
mod worker;

pub use audio::{Clip, ClipError, GateConfig, MAX_CLIP_SECONDS, SAMPLE_RATE};
pub use backend::{Backend, EngineError, LoadOptions, Placement, Port, RunError, Session, check_inputs};
pub use breaker::BreakerConfig;
pub use cache::{Cache, CacheConfig, PictureHash};
pub use causes::with_causes;
pub use delegate::{Engines, LoadError, PlacementConfig};
pub use drift::{Accuracy, DriftConfig, DriftMonitor, DriftNotice};
pub use edgepos_core::{ElementString, ElementStringError, Gtin, GtinError};
#[cfg(feature = "embedded")]
pub use embedded::Embedded;
pub use gallery::{Embedding, EnrolError, Gallery, GalleryConfig, GalleryError, Match};
pub use history::{CustomerKey, HistoryConfig, HistoryError, PaymentHistory};
pub use integrity::{IntegrityError, NotADigest, Sha256, VerifiedBytes};
pub use inventory::{MissingModel, missing_models};
pub use library::{ImageError, LibraryError, LibrarySearch, Tried, check_library};
pub use manager::{
    DownloadError, Downloaded, InstallError, ManagerConfig, ModelManager, Pipeline, Redownload,
};
pub use manifest::{
    Activation, Expected, FileRef, InterfaceError, KnownAnswer, MANIFEST_FILE, MANIFEST_FORMAT,
    MAX_MANIFEST_BYTES, MAX_MODEL_BYTES, MAX_MODELS, MAX_NAME_BYTES, Manifest, ManifestError, ModelEntry,
    PortSpec, Precision, Task, Thresholds, Variant,
};
pub use mel::{MelConfig, MelError, MelSpectrum};
pub use notice::Notice;
#[cfg(feature = "onnxruntime")]
pub use onnx::{DEFAULT_ARENA_BYTES, OnnxRuntime, Provider};
pub use outcome::{Action, Outcome, Reason};
pub use picture::{Colour, Filter, Fit, Picture, PictureError, PictureLimits, PictureSpec, Prepared};
#[cfg(feature = "barcode")]
pub use pipelines::barcode::{BarcodeConfig, BarcodeReader, Region, Scan, Symbology};
pub use pipelines::fraud::{
    CustomerHistory, FRAUD_FEATURES, FraudConfig, FraudScore, FraudScorer, LocalTime, Payment, Place,
    TerminalHistory, Window,
};
pub use pipelines::product::{BoundingBox, Candidate, ProductConfig, ProductRecognizer, Recognition, Timing};
pub use pipelines::voice::{Heard, UNKNOWN_LABEL, VoiceConfig, VoiceRecognizer};
pub use report::{RefusedEngine, Report};
pub use signature::{SIGNATURE_FILE, SignatureError, TrustedKey, check_signature};
pub use source::{DirectorySource, ModelSource, SourceError, check_source};
pub use stop::Stop;
pub use tensor::{Element, ShapeError, Tensor, Values};
pub use threshold::{Aim, Threshold, choose_threshold};
pub use trees::Trees;
pub use worker::{Priority, WorkerConfig};

/// The examples of the guide, compiled and run with the crate's own.
#[cfg(all(doctest, feature = "embedded"))]
#[doc = include_str!("../../docs/guide-inference.md")]
struct Guide;
