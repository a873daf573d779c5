//! The codec is no part of what a vendor sees: no public field, argument or answer is of a type of `minicbor`.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::Path;

/// Each public item of a folder from its `pub` to the end of its declaration, with the file that it is in.
fn declarations(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            declarations(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("pub ") {
            let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
            if text[line..at].trim().is_empty() {
                let declared = text[at..].split(['{', ';', '\n']).next().unwrap();
                let fields = text[at..].split(&['{', ';'][..]).next().unwrap();
                let signature = if declared.contains("fn ") { fields } else { declared };
                found.push((path.display().to_string(), signature.to_owned()));
            }
        }
    }
}

#[test]
fn no_public_declaration_names_the_codec() {
    let mut found = Vec::new();
    declarations(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 500, "{} declarations", found.len());
    assert!(found.iter().any(|(_, text)| text.contains("pub ext: BTreeMap<String, Vec<u8>>")));
    for (file, text) in found {
        for name in ["minicbor", "ByteVec", "ByteSlice", "Decoder", "Encoder"] {
            assert!(!text.contains(name), "{file}: {text}");
        }
    }
}
