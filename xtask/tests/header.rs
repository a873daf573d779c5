//! The C header that is committed is the one that the source makes.

#[test]
fn the_header_is_what_the_source_makes() {
    if let Err(stale) = xtask::header::run(&["--check".into()]) {
        panic!("{stale}");
    }
}

#[test]
fn each_function_is_declared_once() {
    let header = xtask::header::text(&xtask::root()).expect("the source is read");
    let declared: Vec<&str> = header
        .lines()
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_once('(').and_then(|(head, _)| head.split(['*', ' ']).next_back()))
        .filter(|name| name.starts_with("edgepos_"))
        .collect();
    let mut once = declared.clone();
    once.sort_unstable();
    once.dedup();
    assert!(once.len() > 80, "{once:?}");
    assert_eq!(once.len(), declared.len(), "{declared:?}");
    let source: usize = ["argument", "forecast", "library", "node", "terminal", "text"]
        .iter()
        .map(|module| exported(&xtask::root().join("edgepos-ffi/src"), module))
        .sum();
    // Those that are for tests are in `poison.rs`, and in no header.
    assert_eq!(once.len(), source, "a function of the source is not in the header");
}

/// How many functions a module exports.
fn exported(folder: &std::path::Path, module: &str) -> usize {
    let count = |path: &std::path::Path| {
        std::fs::read_to_string(path).map_or(0, |text| text.matches("#[unsafe(no_mangle)]").count())
    };
    let inside = std::fs::read_dir(folder.join(module)).into_iter().flatten();
    let files: usize = inside.flatten().map(|entry| count(&entry.path())).sum();
    files + count(&folder.join(format!("{module}.rs")))
}
