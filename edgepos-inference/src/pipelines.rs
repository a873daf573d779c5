//! The jobs: typed input, typed answer, one model each.

#[cfg(feature = "barcode")]
pub(crate) mod barcode;
pub(crate) mod fraud;
pub(crate) mod product;
mod shell;
pub(crate) mod voice;

use std::path::Path;

use crate::delegate::LoadError;
use crate::manifest::{Manifest, ModelEntry};
use crate::picture::{Picture, PictureLimits, PictureSpec};
use crate::tensor::Tensor;

/// The entry called `name`, or the first for `task`.
pub(crate) fn find(
    manifest: &Manifest,
    name: Option<&str>,
    task: &'static str,
) -> Result<ModelEntry, LoadError> {
    let entry = match name {
        Some(name) => manifest.model(name),
        None => manifest.for_task(task),
    };
    entry.cloned().ok_or_else(|| LoadError::NoSuchModel { wanted: name.unwrap_or(task).to_owned() })
}

/// The application's own threshold, or the manifest's, which is in range. No comparison holds with what is not a number, so such a
/// threshold would never ask for anything.
pub(crate) fn threshold(own: Option<f32>, of_model: f32, entry: &ModelEntry) -> Result<f32, LoadError> {
    let threshold = own.unwrap_or(of_model);
    if threshold.is_nan() {
        let problem = "the threshold in its configuration is not a number";
        return Err(LoadError::Unsuitable { model: entry.name.clone(), problem });
    }
    Ok(threshold)
}

/// The labels of a model, one per line, as many as its first output has values.
pub(crate) fn labels(dir: &Path, entry: &ModelEntry) -> Result<Vec<String>, LoadError> {
    let unsuitable = |problem| LoadError::Unsuitable { model: entry.name.clone(), problem };
    let file = entry.labels.as_ref().ok_or_else(|| unsuitable("it has no labels"))?;
    let bytes = file.read(dir)?;
    let text = std::str::from_utf8(bytes.bytes()).map_err(|_| unsuitable("its labels are not UTF-8"))?;
    let labels: Vec<String> = text.lines().map(str::to_owned).collect();
    let classes = entry.outputs[0].shape.last().copied().flatten();
    if classes.is_some_and(|classes| classes != labels.len()) {
        return Err(unsuitable("it has not as many labels as classes"));
    }
    Ok(labels)
}

impl PictureSpec {
    /// The known sample of `entry` as a batch of one.
    pub(crate) fn sample(
        &self,
        dir: &Path,
        entry: &ModelEntry,
        limits: &PictureLimits,
    ) -> Result<Option<Tensor>, LoadError> {
        let Some(answer) = &entry.known_answer else { return Ok(None) };
        let Some(file) = &answer.sample else {
            let problem = "its known answer has values instead of a picture";
            return Err(LoadError::Unsuitable { model: entry.name.clone(), problem });
        };
        let bytes = file.read(dir)?;
        let prepared = Picture::decode(bytes.bytes(), limits)
            .and_then(|picture| self.prepare(&picture))
            .map_err(|source| LoadError::Sample { model: entry.name.clone(), source })?;
        let (width, height) = self.fit.size();
        let shape = [1, self.colour.channels(), height as usize, width as usize];
        let tensor =
            Tensor::f32(shape, prepared.planes).expect("a prepared picture has the size of its spec");
        Ok(Some(tensor))
    }
}
