//! The jobs: typed input, typed answer, one model each.

pub(crate) mod fraud;
pub(crate) mod product;
pub(crate) mod voice;

use std::path::Path;

use crate::delegate::LoadError;
use crate::manifest::{Manifest, ModelEntry};

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
