//! Which of the models that an application uses are there, and what their manifest says.

use std::path::Path;

use crate::causes::with_causes;
use crate::manifest::{Manifest, ModelEntry};

/// A model that an application uses and that cannot be loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct MissingModel {
    /// Its job: one of the names of [`Task`](crate::Task), or a vendor's own.
    pub job: String,
    /// Why not: it is in no manifest, a file is not there, or it is not what the manifest says.
    pub reason: String,
}

/// Looks at the first model for each of these jobs: its manifest and each of its files, byte for byte. Those that cannot be loaded.
///
/// Blocks for as long as reading and hashing the files takes: some ms for each MB.
pub fn missing_models(dir: &Path, jobs: &[String]) -> Vec<MissingModel> {
    let missing = |job: &String, reason| MissingModel { job: job.clone(), reason };
    let manifest = match Manifest::read(dir) {
        Ok(manifest) => manifest,
        Err(error) => return jobs.iter().map(|job| missing(job, with_causes(&error))).collect(),
    };
    let look = |job: &String| match manifest.for_task(job) {
        None => Some(missing(job, "the manifest has no model for it".into())),
        Some(entry) => defect(entry, dir).map(|reason| missing(job, reason)),
    };
    jobs.iter().filter_map(look).collect()
}

fn defect(entry: &ModelEntry, dir: &Path) -> Option<String> {
    if let Err(error) = entry.check_files(dir) {
        return Some(with_causes(&error));
    }
    let any = entry.variants.iter().any(|variant| dir.join(&variant.file.file).exists());
    (!any).then(|| format!("no file of the model {} is there", entry.name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::fs;

    use super::*;

    fn jobs() -> Vec<String> {
        ["product", "fraud", "smell"].map(String::from).to_vec()
    }

    fn named(missing: &[MissingModel]) -> Vec<&str> {
        missing.iter().map(|missing| missing.job.as_str()).collect()
    }

    #[test]
    fn what_is_not_there_or_was_changed_is_named_with_the_reason() {
        let shipped = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
        let missing = missing_models(shipped, &jobs());
        assert_eq!(named(&missing), ["smell"], "the others ship: {missing:?}");
        let nowhere = missing_models(Path::new("/nowhere"), &jobs());
        assert_eq!(named(&nowhere), ["product", "fraud", "smell"]);
        assert!(nowhere[0].reason.contains("/nowhere"), "{nowhere:?}");

        let dir = tempfile::tempdir().unwrap();
        let manifest = Manifest::read(shipped).unwrap();
        fs::copy(shipped.join(crate::MANIFEST_FILE), dir.path().join(crate::MANIFEST_FILE)).unwrap();
        for (file, _) in manifest.for_task("product").unwrap().files() {
            let target = dir.path().join(&file.file);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(shipped.join(&file.file), target).unwrap();
        }
        assert_eq!(named(&missing_models(dir.path(), &jobs())), ["fraud", "smell"]);
        let labels = dir.path().join(&manifest.for_task("product").unwrap().labels.as_ref().unwrap().file);
        let mut bytes = fs::read(&labels).unwrap();
        bytes[0] ^= 1;
        fs::write(&labels, bytes).unwrap();
        let missing = missing_models(dir.path(), &jobs());
        assert_eq!(named(&missing), ["product", "fraud", "smell"], "a flipped bit: {missing:?}");
    }
}
