//! What is on a picture, and which engine says so.
//!
//! ```text
//! cargo run --release -p edgepos-inference --example recognise -- models/samples/espresso.png
//! ```

use std::path::Path;

use edgepos_inference::{Engines, Outcome, ProductConfig, ProductRecognizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let photo = std::env::args().nth(1).ok_or("usage: recognise PICTURE.png|jpg")?;
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let recognizer = ProductRecognizer::load_with(&models, ProductConfig::default(), &engines())?;
    println!("{}\n", recognizer.report());
    match recognizer.recognise(&std::fs::read(photo)?) {
        Outcome::Answer(answer) => {
            for candidate in &answer.candidates {
                println!("{:5.1} %  {}", candidate.confidence * 100.0, candidate.label);
            }
            println!("{:?}", answer.timing);
        }
        Outcome::Fallback { action, reason } => println!("{action:?}: {reason}"),
    }
    Ok(())
}

/// ONNX Runtime first, where this is built with it and its library is found.
fn engines() -> Engines {
    #[cfg(feature = "onnxruntime")]
    return Engines::accelerated(&edgepos_inference::LibrarySearch::standard());
    #[cfg(not(feature = "onnxruntime"))]
    Engines::standard()
}
