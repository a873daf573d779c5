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

#[tokio::test]
async fn it_sells() {
    let folder = tempfile::tempdir().unwrap();
    let sold = till::sell(folder.path()).await.unwrap();
    assert_eq!((sold.receipt.number, sold.receipt.total, sold.repeated), (1, 258, false));
}
