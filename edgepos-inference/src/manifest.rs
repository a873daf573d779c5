//! `manifest.json`: which models there are, what they take and give, and what their bytes must hash to.
//!
//! The format grows by addition: unknown fields are ignored, a higher `format` is refused. The file is UTF-8 JSON so
//! that a vendor can write one by hand; `models/README.md` explains each field.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::backend::{Port, Session};
use crate::integrity::{IntegrityError, Sha256, VerifiedBytes, open_regular};
use crate::picture::PictureSpec;

/// The name of the manifest in a models directory.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The highest `format` that this version reads.
pub const MANIFEST_FORMAT: u32 = 1;
/// A longer manifest is refused unread: 1 MiB.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;
/// A manifest with more models is refused: 64.
pub const MAX_MODELS: usize = 64;
/// A longer name or version of a model is refused: 255 bytes. Both together name the model of a stored gallery.
pub const MAX_NAME_BYTES: usize = 255;
/// A model file that claims to be larger is refused: 512 MiB.
pub const MAX_MODEL_BYTES: u64 = 512 << 20;

/// The content of a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format; [`MANIFEST_FORMAT`].
    pub format: u32,
    /// Rises with every published set, so that an old one cannot be replayed as an update. Default 0.
    #[serde(default)]
    pub serial: u64,
    /// The models, at most [`MAX_MODELS`], with distinct names.
    pub models: Vec<ModelEntry>,
}

/// One model: a job, its interface, and one file per precision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelEntry {
    /// A stable name, unique in the manifest.
    pub name: String,
    /// The version; any text of at most [`MAX_NAME_BYTES`], compared for equality only.
    pub version: String,
    /// What the model is for.
    pub task: Task,
    /// The files, best first; at least one. The first whose file exists and which an engine accepts serves.
    pub variants: Vec<Variant>,
    /// What it takes. Compared with the file's own ports after loading.
    pub inputs: Vec<PortSpec>,
    /// What it gives.
    pub outputs: Vec<PortSpec>,
    /// The names of its classes, one per line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<FileRef>,
    /// The names of its input's columns, in order: a pipeline that fills them compares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// How a picture becomes its input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<PictureSpec>,
    /// When an answer is good enough.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// A sample and its answer: an engine that answers otherwise is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_answer: Option<KnownAnswer>,
    /// Memory that the loaded model takes, in bytes, as measured. Default: three times its largest file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Memory that each row of a batch takes while it runs, in bytes, as measured. Default: not limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_per_row: Option<u64>,
    /// SPDX expression of the weights.
    pub licence: String,
    /// Where the weights come from, in words.
    pub source: String,
}

/// What a model is for. Text, so that a newer manifest can name a job that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Task(pub String);

impl Task {
    /// Picture of a product → which product.
    pub const PRODUCT: &'static str = "product";
    /// Grey picture → where a barcode is.
    pub const BARCODE: &'static str = "barcode";
    /// Features of a transaction → fraud score.
    pub const FRAUD: &'static str = "fraud";
    /// A second of speech → which command.
    pub const VOICE: &'static str = "voice";
}

/// A file beside the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    /// Its path, relative to the manifest, without `..`.
    pub file: PathBuf,
    /// Its size in bytes, at most [`MAX_MODEL_BYTES`].
    pub bytes: u64,
    /// The SHA-256 of the file.
    pub sha256: Sha256,
}

/// A model file of one precision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Which numbers it computes with.
    pub precision: Precision,
    /// The file, with its size and digest.
    #[serde(flatten)]
    pub file: FileRef,
    /// Whether the file may be absent (a vendor adds it). Default false: a missing file is an error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// The numbers that a model file computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Precision {
    /// Numbers are 32-bit floats.
    Fp32,
    /// 8-bit integers with scales (QDQ, unsigned activations, signed weights per channel).
    Int8,
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Fp32 => "fp32",
            Self::Int8 => "int8",
        })
    }
}

/// A port as the manifest promises it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSpec {
    /// Its name in the model file.
    pub name: String,
    /// The length of each axis; `null` where any length goes (a batch).
    pub shape: Vec<Option<usize>>,
}

/// When an answer is good enough.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thresholds {
    /// Below this confidence a person confirms. Default 0.7.
    pub confirm_below: f32,
    /// Below this confidence there is no answer at all. Default 0.
    pub discard_below: f32,
    /// A score from here on is suspicious. Default 0.5.
    pub flag_from: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { confirm_below: 0.7, discard_below: 0.0, flag_from: 0.5 }
    }
}

/// A sample whose answer is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnownAnswer {
    /// The sample file, prepared as any input of this job is. Absent where `values` has the input itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<FileRef>,
    /// The first input's values, where they are few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<f32>>,
    /// The output to look at.
    pub output: String,
    /// What turns that output into the expected values.
    pub activation: Activation,
    /// Some of the values.
    pub expect: Vec<Expected>,
    /// How far each may be off, absolute.
    pub tolerance: f32,
}

/// One value of a known answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Its position in the output of a batch of one.
    pub index: usize,
    /// The value that is expected there.
    pub value: f32,
}

/// What turns an output into probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Activation {
    /// The output is used as it is.
    None,
    /// Softmax over the whole output.
    Softmax,
    /// The logistic function of each value.
    Sigmoid,
}

/// Why a manifest cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("cannot read manifest {}", path.display())]
    Read {
        /// Where the manifest lies.
        path: PathBuf,
        /// What the file system said.
        source: std::io::Error,
    },
    /// The file is longer than [`MAX_MANIFEST_BYTES`].
    #[error("manifest {} is longer than {MAX_MANIFEST_BYTES} bytes", path.display())]
    TooLong {
        /// Where the manifest lies.
        path: PathBuf,
    },
    /// The text is not a manifest.
    #[error("manifest is malformed: {reason}")]
    Malformed {
        /// What the parser said, with line and column.
        reason: String,
    },
    /// A newer format.
    #[error("manifest has format {found}, this version reads up to {MANIFEST_FORMAT}")]
    Format {
        /// The format found.
        found: u32,
    },
    /// The manifest contradicts itself or its limits.
    #[error("manifest entry {model}: {problem}")]
    Invalid {
        /// The model's name.
        model: String,
        /// What is wrong.
        problem: &'static str,
    },
}

/// The model file does not have the interface that its manifest promises.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("model {model} ({}) has {found} where the manifest promises {promised}", file.display())]
pub struct InterfaceError {
    /// The model's name.
    pub model: String,
    /// The file of the model.
    pub file: PathBuf,
    /// The port that the manifest promises.
    pub promised: String,
    /// What the file has.
    pub found: String,
}

impl Manifest {
    /// Reads and checks `manifest.json` in `dir`.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn read(dir: &Path) -> Result<Self, ManifestError> {
        Self::parse(&Self::read_text(dir)?)
    }

    /// The manifest's raw bytes, at most [`MAX_MANIFEST_BYTES`]: what a signature covers.
    ///
    /// # Errors
    /// [`ManifestError::Read`] or [`ManifestError::TooLong`].
    pub fn read_text(dir: &Path) -> Result<Vec<u8>, ManifestError> {
        let path = dir.join(MANIFEST_FILE);
        let read = |path: &Path| -> std::io::Result<Vec<u8>> {
            let mut text = Vec::new();
            open_regular(path)?.take(MAX_MANIFEST_BYTES + 1).read_to_end(&mut text)?;
            Ok(text)
        };
        let text = read(&path).map_err(|source| ManifestError::Read { path: path.clone(), source })?;
        if text.len() as u64 > MAX_MANIFEST_BYTES { Err(ManifestError::TooLong { path }) } else { Ok(text) }
    }

    /// Parses and checks the text of a manifest.
    ///
    /// # Errors
    /// [`ManifestError::Malformed`], [`ManifestError::Format`] or [`ManifestError::Invalid`].
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        /// Read first: a newer format need not parse as this one.
        #[derive(Deserialize)]
        struct Header {
            format: u32,
        }
        let malformed = |error: serde_json::Error| ManifestError::Malformed { reason: error.to_string() };
        let Header { format } = serde_json::from_slice(text).map_err(malformed)?;
        if format != MANIFEST_FORMAT {
            return Err(ManifestError::Format { found: format });
        }
        let manifest: Self = serde_json::from_slice(text).map_err(malformed)?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestError> {
        let invalid = |model: &str, problem| Err(ManifestError::Invalid { model: model.to_owned(), problem });
        if self.models.len() > MAX_MODELS {
            return invalid("", "too many models");
        }
        let mut names = BTreeSet::new();
        for entry in &self.models {
            if !names.insert(&entry.name) {
                return invalid(&entry.name, "the name is used twice");
            }
            if let Some(problem) = entry.problem() {
                return invalid(&entry.name, problem);
            }
        }
        Ok(())
    }

    /// The model of this name.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&ModelEntry> {
        self.models.iter().find(|entry| entry.name == name)
    }

    /// The first model for this job.
    #[must_use]
    pub fn for_task(&self, task: &str) -> Option<&ModelEntry> {
        self.models.iter().find(|entry| entry.task.0 == task)
    }
}

impl ModelEntry {
    /// Reads every file that the entry names, which must be there unless it is optional, and what the manifest says.
    ///
    /// # Errors
    /// [`IntegrityError`] of the first that is not.
    pub(crate) fn check_files(&self, dir: &Path) -> Result<(), IntegrityError> {
        for (file, optional) in self.files() {
            match file.read(dir) {
                Err(IntegrityError::Missing { .. }) if optional => {}
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Every file that the entry names, and whether it may be absent.
    pub fn files(&self) -> impl Iterator<Item = (&FileRef, bool)> + '_ {
        let sample = self.known_answer.as_ref().and_then(|answer| answer.sample.as_ref());
        let variants = self.variants.iter().map(|variant| (&variant.file, variant.optional));
        variants.chain(self.labels.iter().chain(sample).map(|file| (file, false)))
    }

    /// The same, to write down what files have become; second whether it may be absent.
    pub fn files_mut(&mut self) -> impl Iterator<Item = (&mut FileRef, bool)> + '_ {
        let sample = self.known_answer.as_mut().and_then(|answer| answer.sample.as_mut());
        let variants = self.variants.iter_mut().map(|variant| (&mut variant.file, variant.optional));
        variants.chain(self.labels.iter_mut().chain(sample).map(|file| (file, false)))
    }

    /// Memory that the loaded model takes, in bytes: as the manifest says, or an estimate.
    #[must_use]
    pub fn memory_estimate(&self) -> u64 {
        let largest = self.variants.iter().map(|variant| variant.file.bytes).max().unwrap_or(0);
        // Weights, weights packed for the kernels, and what flows between layers.
        self.memory_bytes.unwrap_or(largest.saturating_mul(3))
    }

    fn problem(&self) -> Option<&'static str> {
        if self.name.len().max(self.version.len()) > MAX_NAME_BYTES {
            return Some("its name or its version is longer than 255 bytes");
        }
        if self.variants.is_empty() {
            return Some("it has no file");
        }
        if self.inputs.is_empty() || self.outputs.is_empty() {
            return Some("it has no input or no output");
        }
        for (file, _) in self.files() {
            if !stays_inside(&file.file) {
                return Some("a file path is absolute, empty or leaves the directory");
            }
            if file.bytes > MAX_MODEL_BYTES {
                return Some("a file is larger than the limit");
            }
        }
        let in_range = |share: f32| (0.0..=1.0).contains(&share);
        let Thresholds { confirm_below, discard_below, flag_from } = self.thresholds;
        if ![confirm_below, discard_below, flag_from].into_iter().all(in_range) {
            return Some("a threshold is outside 0 to 1");
        }
        if let Some(answer) = &self.known_answer {
            if answer.expect.is_empty() || !answer.tolerance.is_finite() || answer.tolerance < 0.0 {
                return Some("the known answer expects nothing or its tolerance is not a number");
            }
            if answer.sample.is_some() == answer.values.is_some() {
                return Some("the known answer needs either a sample or values");
            }
        }
        self.picture.as_ref().and_then(PictureSpec::problem)
    }

    /// Compares the ports of a loaded model with the manifest's.
    ///
    /// # Errors
    /// [`InterfaceError`] for the first port that is missing or has another shape.
    pub fn check_interface(&self, file: &Path, session: &dyn Session) -> Result<(), InterfaceError> {
        let pairs = [(&self.inputs, session.inputs()), (&self.outputs, session.outputs())];
        for (promised, found) in pairs {
            for port in promised {
                let error = |found: String| InterfaceError {
                    model: self.name.clone(),
                    file: file.to_path_buf(),
                    promised: Port::from(port).to_string(),
                    found,
                };
                let own = found
                    .iter()
                    .find(|own| own.name == port.name)
                    .ok_or_else(|| error(format!("no port {}", port.name)))?;
                if !own.shape.as_deref().is_none_or(|shape| compatible(shape, &port.shape)) {
                    return Err(error(own.to_string()));
                }
            }
        }
        Ok(())
    }
}

impl From<&PortSpec> for Port {
    fn from(spec: &PortSpec) -> Self {
        Self {
            name: spec.name.clone(),
            shape: Some(spec.shape.clone()),
            element: crate::tensor::Element::F32,
        }
    }
}

/// A length that either side leaves open is compatible with any.
fn compatible(found: &[Option<usize>], promised: &[Option<usize>]) -> bool {
    found.len() == promised.len()
        && found.iter().zip(promised).all(|pair| match pair {
            (Some(found), Some(promised)) => found == promised,
            _ => true,
        })
}

fn stays_inside(path: &Path) -> bool {
    path.components().next().is_some()
        && path.components().all(|component| matches!(component, Component::Normal(_)))
}

impl FileRef {
    /// Reads the file beside the manifest and checks its size and digest.
    ///
    /// # Errors
    /// [`IntegrityError`].
    pub fn read(&self, dir: &Path) -> Result<VerifiedBytes, IntegrityError> {
        VerifiedBytes::read(&dir.join(&self.file), self.bytes, self.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(extra: &str, file: &str) -> String {
        let sha = "00".repeat(32);
        format!(
            r#"{{"format":1,"later":true,"models":[{{"name":"m","version":"1","task":"product","licence":"MIT",
            "source":"test","variants":[{{"precision":"fp32","file":"{file}","bytes":4,"sha256":"{sha}"}}],
            "inputs":[{{"name":"x","shape":[null,2]}}],"outputs":[{{"name":"y","shape":[null,1]}}]{extra}}}]}}"#
        )
    }

    #[test]
    fn unknown_fields_are_ignored_and_thresholds_have_defaults() {
        let manifest = Manifest::parse(text(r#","colour_of_the_box":1"#, "m.onnx").as_bytes()).unwrap();
        let entry = manifest.for_task(Task::PRODUCT).unwrap();
        assert_eq!(entry.thresholds, Thresholds::default());
        assert!(manifest.model("n").is_none());
    }

    #[test]
    fn a_newer_format_is_refused_by_number_even_when_it_does_not_parse() {
        let error = Manifest::parse(br#"{"format":2,"models":{"changed":"shape"}}"#).unwrap_err();
        assert!(matches!(error, ManifestError::Format { found: 2 }), "{error}");
    }

    #[test]
    fn a_path_may_not_leave_the_directory() {
        for file in ["/etc/passwd", "../m.onnx", "a/../../m.onnx", ""] {
            let error = Manifest::parse(text("", file).as_bytes()).unwrap_err();
            assert!(matches!(error, ManifestError::Invalid { .. }), "{file}: {error}");
        }
    }

    #[test]
    fn a_name_or_a_version_without_end_is_refused() {
        let manifest = Manifest::parse(text("", "m.onnx").as_bytes()).unwrap();
        for (name, version, fits) in [(255, 255, true), (256, 1, false), (1, 256, false)] {
            let mut manifest = manifest.clone();
            manifest.models[0].name = "n".repeat(name);
            manifest.models[0].version = "v".repeat(version);
            let read = Manifest::parse(&serde_json::to_vec(&manifest).unwrap());
            assert_eq!(read.is_ok(), fits, "{name}, {version}: {read:?}");
        }
    }

    #[test]
    fn a_threshold_outside_the_unit_interval_is_refused() {
        let error = Manifest::parse(text(r#","thresholds":{"confirm_below":7}"#, "m.onnx").as_bytes());
        assert!(matches!(error, Err(ManifestError::Invalid { .. })));
    }
}
