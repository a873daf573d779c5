//! The README's example is the one in `examples/`, and it sells.

#![allow(clippy::unwrap_used, reason = "a test")]

#[allow(dead_code, unreachable_pub, reason = "the program's main is not called")]
#[path = "../examples/till.rs"]
mod till;

const README: &str = include_str!("../../README.md");
const EXAMPLE: &str = include_str!("../examples/till.rs");

#[test]
fn the_readme_shows_what_is_run() {
    let shown = README.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert!(EXAMPLE.contains(shown), "README.md and edgepos/examples/till.rs differ");
}

#[test]
fn the_readmes_file_is_read() {
    let shown = README.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let setup: edgepos::Setup = shown.parse().unwrap();
    assert_eq!((setup.terminal.number(), setup.peers.len()), (1, 2));
}

#[tokio::test]
async fn it_sells() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("till.toml"), till::TILL).unwrap();
    let sold = till::sell(folder.path()).await.unwrap();
    assert_eq!((sold.receipt.number, sold.receipt.total, sold.repeated), (1, 258, false));
}
