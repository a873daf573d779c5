//! Structs own their state: what changes through its own methods has private fields, and its methods lie in its file.

use std::collections::{BTreeMap, BTreeSet};

use super::ratchet::Finding;
use super::rust::{Crate, Place, Visible};

pub(super) const FIELD: &str = "field";
pub(super) const IMPL_ONLY: &str = "impl-only";

pub(super) fn check(crates: &[Crate<'_>], findings: &mut Vec<Finding>) {
    for each in crates {
        fields(each, findings);
        impl_only(each, findings);
    }
}

/// A struct with a method that takes `&mut self` keeps its fields to its file. A plain record may show them.
fn fields(each: &Crate<'_>, findings: &mut Vec<Finding>) {
    let changing: BTreeSet<Place<'_>> =
        inherent(each).filter(|(_, _, changes)| *changes).map(|(_, of, _)| of).collect();
    for (module, file, scope) in each.modules() {
        for item in &scope.items {
            if !changing.contains(&Place { module, name: item.name }) {
                continue;
            }
            for field in &item.open_fields {
                // A public type's public field is a decision about its interface.
                if field.visible == Visible::Everywhere && item.visible == Visible::Everywhere {
                    continue;
                }
                let field = format!("{}.{}", item.name, field.name);
                findings.push(Finding {
                    rule: FIELD,
                    subject: format!("{file} {field}"),
                    message: format!(
                        "{file}: {field} is open to other files, and the struct has methods that change it"
                    ),
                });
            }
        }
    }
}

/// A file defines something of its own, beside methods of a type that another file defines.
fn impl_only(each: &Crate<'_>, findings: &mut Vec<Finding>) {
    let mut offers: BTreeSet<&str> = BTreeSet::new();
    for (_, file, scope) in each.modules() {
        if scope.items.iter().any(|item| item.visible != Visible::Here) {
            offers.insert(file);
        }
    }
    let mut elsewhere: BTreeMap<&str, &str> = BTreeMap::new();
    for (module, of, _) in inherent(each) {
        if each.file(module) != each.file(of.module) {
            elsewhere.insert(each.file(module), of.name);
        }
    }
    for (file, name) in elsewhere.into_iter().filter(|(file, _)| !offers.contains(file)) {
        findings.push(Finding {
            rule: IMPL_ONLY,
            subject: file.to_owned(),
            message: format!("{file}: holds nothing but methods of {name}, which another file defines"),
        });
    }
}

/// The `impl` blocks that are of no trait: the module they are in, their type, and whether they change it.
fn inherent<'c, 't>(each: &'c Crate<'t>) -> impl Iterator<Item = (usize, Place<'t>, bool)> + use<'c, 't> {
    each.modules().flat_map(move |(module, _, scope)| {
        let blocks = scope.impls.iter().filter(|block| !block.of_trait);
        blocks.filter_map(move |block| Some((module, each.definition(module, &block.of)?, block.changes)))
    })
}
