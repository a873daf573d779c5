//! I1: a library that is missing, truncated, no library, another library, too old or not the pinned one is a reason in
//! the report, and the embedded engine serves.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(all(feature = "onnxruntime", feature = "embedded"))]

mod support;

use std::path::{Path, PathBuf};

use edgepos_inference::{
    Engines, ImageError, LibrarySearch, OnnxRuntime, ProductRecognizer, Sha256, check_library,
};
use support::{fetched, file, models, product};
use tempfile::TempDir;

fn library_in(directory: &Path) -> PathBuf {
    let search = LibrarySearch::nowhere().directory(directory);
    search.paths().next().expect("the directory has a library").to_path_buf()
}

/// What is no library on any system, by the reason that it is refused for.
fn impostors(directory: &TempDir) -> Vec<(PathBuf, &'static str)> {
    let put = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let html = b"<html>404 not found, in more than sixty-four bytes of text, as a proxy says it</html>";
    vec![
        (PathBuf::from("libonnxruntime.so"), "not absolute"),
        (directory.path().join("missing.so"), "cannot be read"),
        (put("empty.so", b""), "not a shared library"),
        (put("html.so", html), "not a shared library"),
        (directory.path().to_path_buf(), "cannot be read"),
    ]
}

/// One test: whichever library a process loads first it keeps, and here none may be.
#[test]
fn every_kind_of_wrong_library_is_a_reason_and_the_embedded_engine_serves() {
    let directory = tempfile::tempdir().unwrap();
    let mut wrong = impostors(&directory);
    // Every process on Linux has a libc: a sound library, and the wrong one.
    if let Ok(maps) = std::fs::read_to_string("/proc/self/maps") {
        let mut files = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
        let libc = files.find(|path| path.contains("libc.so") || path.contains("libc-"));
        wrong.extend(libc.map(|path| (PathBuf::from(path), "OrtGetApiBase")));
    }
    if let Some(old) = fetched("too-old") {
        wrong.push((library_in(&old), "1.23"));
    }
    if let Some(current) = fetched("cpu") {
        let library = library_in(&current);
        assert_eq!(check_library(&library), Ok(()));
        let whole = std::fs::read(&library).unwrap();
        for share in [1, 10, 50, 90, 99] {
            let path = directory.path().join(format!("truncated.{share}"));
            std::fs::write(&path, &whole[..whole.len() / 100 * share]).unwrap();
            let refused = check_library(&path).unwrap_err();
            assert!(matches!(refused, ImageError::Truncated { .. }), "{share} %: {refused}");
            wrong.push((path, "truncated"));
        }
    }
    #[cfg(unix)]
    {
        let pipe = directory.path().join("pipe.so");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        wrong.push((pipe, "not a regular file"));
    }
    let mut search = LibrarySearch::nowhere();
    for (path, _) in &wrong {
        search = search.file(path);
    }
    let pinned = directory.path().join("pinned");
    if let Some(current) = fetched("cpu") {
        std::fs::copy(library_in(&current), &pinned).unwrap();
        search = search.pinned(&pinned, Sha256::of(b"another file"));
        wrong.push((pinned, "pinned"));
    }
    let error = OnnxRuntime::open(&search).expect_err("none of them will do");
    assert_eq!(error.tried.len(), wrong.len());
    for (tried, (path, reason)) in error.tried.iter().zip(&wrong) {
        println!("{tried}");
        assert_eq!(&tried.path, path);
        assert!(tried.reason.contains(reason), "{tried} instead of {reason}");
    }

    let engines = Engines::accelerated(&search);
    let recognizer = ProductRecognizer::load_with(&models(), product(), &engines).unwrap();
    let report = recognizer.report();
    assert_eq!(report.engine, "rten");
    assert!(report.refused.iter().any(|refusal| refusal.reason.contains("missing.so")), "{report}");
    let answer = recognizer.recognise(&file("samples/espresso.png")).answer().unwrap();
    assert_eq!(answer.best().label, "espresso");
}
