//! Rules that no compiler knows.

mod circles;
mod facts;
mod ratchet;
mod roads;
mod rooms;
mod rust;
mod source;
mod tree;
mod words;

use std::path::Path;
use std::{fs, io};

pub use tree::Tree;

use ratchet::Finding;
use rust::Crate;

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
    roads::check(tree, &mut findings);
    ratchet::check(tree, &ratcheted(tree), &mut findings);
    findings
}

/// Takes out of the list of what is still allowed whatever the tree below `root` no longer needs. With `allow_new` it also puts in
/// what is new, which is for moves: a file that is renamed, not a rule that is broken once more.
///
/// # Errors
/// When the tree cannot be read or the list cannot be written.
pub fn write_allowed(root: &Path, allow_new: bool) -> io::Result<()> {
    let tree = Tree::read(root)?;
    fs::write(root.join(ratchet::PATH), allowed(&tree, allow_new))
}

/// The list that [`write_allowed`] writes, for a tree in memory.
pub fn allowed(tree: &Tree, allow_new: bool) -> String {
    ratchet::rewritten(tree, &ratcheted(tree), allow_new)
}

/// What the rules object to whose breaches may stand in the list.
fn ratcheted(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let crates = Crate::all(tree);
    circles::check(&crates, &mut findings);
    rooms::check(&crates, &mut findings);
    words::check(tree, &mut findings);
    findings
}
