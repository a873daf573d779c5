//! Files of a crate that use each other, directly or through others: none can be read, tested or moved without the rest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::ratchet::Finding;
use super::rust::Crate;

pub(super) const RULE: &str = "circle";

/// From each file to the files that define what it uses.
type Uses<'c> = BTreeMap<&'c str, BTreeSet<&'c str>>;

/// One finding for each file in a circle.
pub(super) fn check(crates: &[Crate<'_>], findings: &mut Vec<Finding>) {
    for each in crates {
        let uses = uses(each);
        for file in uses.keys() {
            if let Some(circle) = shortest(&uses, file) {
                findings.push(Finding {
                    rule: RULE,
                    subject: (*file).to_owned(),
                    message: format!("{file}: in a circle of imports: {}", circle.join(" → ")),
                });
            }
        }
    }
}

/// `lib.rs` is a table of contents, and neither it nor a `pub use` elsewhere uses what it hands on.
fn uses<'c>(each: &'c Crate<'_>) -> Uses<'c> {
    let mut uses = Uses::new();
    for (number, file, scope) in each.modules() {
        let used = uses.entry(file).or_default();
        let private = scope.imports.iter().filter(|import| !import.shared && import.name.is_some());
        let shared = scope.imports.iter().filter(|import| import.shared || import.name.is_none());
        let globs = shared.clone().any(|import| import.name.is_none());
        let shared: BTreeSet<&str> = shared.filter_map(|import| import.name).collect();
        let words = scope.words.iter().filter(|word| globs || shared.contains(*word));
        let alone: Vec<[&str; 1]> = words.map(|word| [*word]).collect();
        let paths = private.map(|import| &import.path[..]).chain(scope.paths.iter().map(Vec::as_slice));
        for path in paths.chain(alone.iter().map(<[&str; 1]>::as_slice)) {
            if let Some(place) = each.definition(number, path) {
                used.insert(each.file(place.module));
            }
        }
        used.remove(file);
    }
    let contents = each.root().ends_with("/lib.rs").then(|| each.root());
    uses.retain(|file, _| Some(*file) != contents);
    uses.values_mut().for_each(|used| used.retain(|file| Some(*file) != contents));
    uses
}

/// The shortest way from `file` back to it, by file name.
fn shortest<'c>(uses: &Uses<'c>, file: &'c str) -> Option<Vec<&'c str>> {
    let mut from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([file]);
    while let Some(here) = queue.pop_front() {
        for next in uses.get(here).into_iter().flatten() {
            if *next == file {
                let mut way = vec![file, here];
                while way.last() != Some(&file) {
                    way.push(from[way[way.len() - 1]]);
                }
                way.reverse();
                return Some(way);
            }
            if !from.contains_key(next) {
                from.insert(next, here);
                queue.push_back(next);
            }
        }
    }
    None
}
