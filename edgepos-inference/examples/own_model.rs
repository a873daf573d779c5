//! A vendor's own network: a directory with an ONNX file, its labels and a manifest, and the same recogniser.
//!
//! Here the shipped network stands in for it, under another name and with another cut of the picture.
//!
//! ```text
//! cargo run --release -p edgepos-inference --example own_model
//! ```

use std::path::Path;

use edgepos_inference::{Manifest, Outcome, PictureSpec, ProductConfig, ProductRecognizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let own = tempfile::tempdir()?;
    let mut manifest = Manifest::read(&shipped)?;
    manifest.models.retain(|entry| entry.task.0 == "product");
    let entry = manifest.models.first_mut().ok_or("no product model is shipped")?;
    (entry.name, entry.version) = ("our-assortment".into(), "2026-11".into());
    entry.known_answer = None; // Give yours one: it keeps engines out that answer otherwise.
    let spec: PictureSpec = serde_json::from_str(
        r#"{"colour":"rgb","fit":{"kind":"crop","short_side":224,"width":224,"height":224},
            "filter":"bilinear","mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5]}"#,
    )?;
    entry.picture = Some(spec);
    for (file, _) in entry.files() {
        std::fs::copy(shipped.join(&file.file), own.path().join(&file.file))?;
    }
    std::fs::write(own.path().join("manifest.json"), serde_json::to_vec(&manifest)?)?;

    let mut config = ProductConfig { model: Some("our-assortment".into()), ..ProductConfig::default() };
    // Generous, so that it answers in a build without optimisation too.
    config.worker.deadline = std::time::Duration::from_secs(60);
    config.placement.latency_budget = config.worker.deadline;
    let recognizer = ProductRecognizer::load(own.path(), config)?;
    println!("{}", recognizer.report());
    let photo = std::fs::read(shipped.join("samples/espresso.png"))?;
    match recognizer.recognise(&photo) {
        Outcome::Answer(answer) => {
            println!("{} ({:.0} %)", answer.best().label, answer.best().confidence * 100.0);
            assert_eq!(answer.best().label, "espresso");
        }
        Outcome::Fallback { action, reason } => return Err(format!("{action:?}: {reason}").into()),
    }
    Ok(())
}
