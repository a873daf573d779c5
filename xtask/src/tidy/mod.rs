//! Rules that no compiler knows.

mod facts;
mod source;
mod tree;

use std::path::Path;

pub use tree::Tree;

/// Everything that is wrong with the tree below `root`, one line each, with its place.
pub fn check(root: &Path) -> Vec<String> {
    let tree = match Tree::read(root) {
        Ok(tree) => tree,
        Err(error) => return vec![format!("{}: {error}", root.display())],
    };
    check_tree(&tree)
}

/// The same for a tree in memory.
pub fn check_tree(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    source::check(tree, &mut findings);
    facts::check(tree, &mut findings);
    findings
}
