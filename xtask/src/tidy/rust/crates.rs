//! A crate as a tree of modules, and where the names of a module lead.

use std::collections::BTreeMap;

use super::reader;
use super::scope::Scope;
use crate::tidy::Tree;

/// How many re-exports a name is followed through; a circle of them ends here.
const MAX_STEPS: usize = 16;

/// A crate's modules, from one root file. The root is the first.
#[derive(Debug)]
pub(in crate::tidy) struct Crate<'t> {
    modules: Vec<Module<'t>>,
}

#[derive(Debug)]
struct Module<'t> {
    file: String,
    parent: Option<usize>,
    children: BTreeMap<&'t str, usize>,
    scope: Scope<'t>,
}

/// Where a name is defined.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(in crate::tidy) struct Place<'t> {
    /// The module, by its number.
    pub(in crate::tidy) module: usize,
    /// The name there. A macro may have made it, so that no item has it.
    pub(in crate::tidy) name: &'t str,
}

/// What a name stands for.
#[derive(Clone, Copy)]
enum Found<'t> {
    Module(usize),
    Item(Place<'t>),
    /// Another crate defines it, or nothing does.
    Elsewhere,
}

impl<'t> Crate<'t> {
    /// Every crate of the tree: the library and the program of each folder with a `Cargo.toml`.
    pub(in crate::tidy) fn all(tree: &'t Tree) -> Vec<Self> {
        let folders = tree.texts.keys().filter_map(|path| path.strip_suffix("Cargo.toml"));
        let roots = folders.flat_map(|folder| ["lib", "main"].map(|root| format!("{folder}src/{root}.rs")));
        roots.filter(|root| tree.texts.contains_key(root)).map(|root| Self::read(tree, root)).collect()
    }

    fn read(tree: &'t Tree, root: String) -> Self {
        let mut modules = Self { modules: Vec::new() };
        let home = root.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        if let Some(text) = tree.texts.get(&root) {
            modules.add(tree, root, &home, None, reader::module(text));
        }
        modules
    }

    /// Adds a module of `file` whose children lie in the folder `home`; returns its number.
    fn add(
        &mut self,
        tree: &'t Tree,
        file: String,
        home: &str,
        parent: Option<usize>,
        mut scope: Scope<'t>,
    ) -> usize {
        let declared = std::mem::take(&mut scope.modules);
        let number = self.modules.len();
        self.modules.push(Module { file: file.clone(), parent, children: BTreeMap::new(), scope });
        for (name, inline) in declared {
            let below = format!("{home}/{name}");
            let child = match inline {
                Some(inner) => Some(self.add(tree, file.clone(), &below, Some(number), inner)),
                None => [format!("{below}.rs"), format!("{below}/mod.rs")].into_iter().find_map(|path| {
                    let scope = reader::module(tree.texts.get(&path)?);
                    Some(self.add(tree, path, &below, Some(number), scope))
                }),
            };
            if let Some(child) = child {
                self.modules[number].children.insert(name, child);
            }
        }
        number
    }

    /// Each module with its number, its file and what it says.
    pub(in crate::tidy) fn modules(&self) -> impl Iterator<Item = (usize, &str, &Scope<'t>)> {
        self.modules.iter().enumerate().map(|(number, module)| (number, module.file.as_str(), &module.scope))
    }

    /// The file that a module lies in.
    pub(in crate::tidy) fn file(&self, module: usize) -> &str {
        &self.modules[module].file
    }

    /// The root's file.
    pub(in crate::tidy) fn root(&self) -> &str {
        &self.modules[0].file
    }

    /// Where the item at `path`, as `module` names it, is defined; `None` for a module and for what another crate defines.
    pub(in crate::tidy) fn definition(&self, module: usize, path: &[&'t str]) -> Option<Place<'t>> {
        match self.path(module, path, MAX_STEPS) {
            Found::Item(place) => Some(place),
            Found::Module(_) | Found::Elsewhere => None,
        }
    }

    fn path(&self, module: usize, path: &[&'t str], steps: usize) -> Found<'t> {
        let Some((first, rest)) = path.split_first() else { return Found::Elsewhere };
        let above = |module: usize| self.modules[module].parent.map_or(Found::Elsewhere, Found::Module);
        let mut found = match *first {
            "crate" => Found::Module(0),
            "self" => Found::Module(module),
            "super" => above(module),
            name => self.name(module, name, steps).unwrap_or(Found::Elsewhere),
        };
        for name in rest {
            let Found::Module(inside) = found else { break };
            found = match *name {
                "super" => above(inside),
                name => {
                    let made = Found::Item(Place { module: inside, name });
                    self.name(inside, name, steps).unwrap_or(made)
                }
            };
        }
        found
    }

    /// What a single name stands for in a module; `None` when the module does not say.
    fn name(&self, module: usize, name: &'t str, steps: usize) -> Option<Found<'t>> {
        let Module { children, scope, .. } = &self.modules[module];
        if let Some(child) = children.get(name) {
            return Some(Found::Module(*child));
        }
        if scope.items.iter().any(|item| item.name == name) {
            return Some(Found::Item(Place { module, name }));
        }
        let Some(steps) = steps.checked_sub(1) else { return Some(Found::Elsewhere) };
        // `use raft::raft` must not look for itself.
        let imports = scope.imports.iter().filter(|import| import.path.first() != Some(&name));
        if let Some(import) = imports.clone().find(|import| import.name == Some(name)) {
            return Some(self.path(module, &import.path, steps));
        }
        if scope.imports.iter().any(|import| import.name == Some(name)) {
            return Some(Found::Elsewhere);
        }
        imports.filter(|import| import.name.is_none()).find_map(|import| {
            match self.path(module, &import.path, steps) {
                Found::Module(from) if from != module => self.name(from, name, steps),
                _ => None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        tree.texts.insert("c/Cargo.toml".into(), String::new());
        for (path, text) in files {
            tree.texts.insert(format!("c/src/{path}"), (*text).into());
        }
        tree
    }

    /// The file that defines what `file` calls `path`.
    fn defined(tree: &Tree, file: &str, path: &str) -> Option<String> {
        let all = Crate::all(tree);
        let (number, ..) = all[0].modules().find(|(_, path, _)| *path == format!("c/src/{file}")).unwrap();
        let place = all[0].definition(number, &path.split("::").collect::<Vec<_>>())?;
        Some(all[0].file(place.module).trim_start_matches("c/src/").to_owned())
    }

    #[test]
    fn names_are_followed_to_the_file_that_defines_them() {
        let tree = tree(&[
            ("lib.rs", "mod a; mod b; pub use b::Thing;"),
            ("a.rs", "use super::b::{self, Thing as Other}; use crate::b::inner::*; use serde::Serialize;"),
            ("b/mod.rs", "mod c; pub(crate) mod inner; pub(crate) use c::Thing; macro! { struct Made; }"),
            ("b/c.rs", "pub(crate) struct Thing;"),
            ("b/inner.rs", "pub(crate) fn deep() {} mod inline { pub(super) struct Below; }"),
        ]);
        let cases = [
            ("Other", Some("b/c.rs")),
            ("b::Thing", Some("b/c.rs")),
            ("crate::Thing::new", Some("b/c.rs")),
            ("deep", Some("b/inner.rs")),
            ("crate::b::inner::inline::Below", Some("b/inner.rs")),
            ("crate::b::Made", Some("b/mod.rs")),
            ("crate::b", None),
            ("Serialize", None),
            ("serde::Deserialize", None),
            ("unknown", None),
        ];
        for (path, expected) in cases {
            assert_eq!(defined(&tree, "a.rs", path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn names_that_lead_in_a_circle_lead_nowhere() {
        let tree = tree(&[
            ("lib.rs", "mod a; mod b; use raft::raft; use a::*;"),
            ("a.rs", "pub use crate::b::x; pub use crate::b::*;"),
            ("b.rs", "pub use crate::a::x; pub use crate::a::*;"),
        ]);
        assert_eq!(defined(&tree, "a.rs", "x"), None);
        assert_eq!(defined(&tree, "lib.rs", "raft"), None);
        assert_eq!(defined(&tree, "lib.rs", "y"), None);
    }
}
