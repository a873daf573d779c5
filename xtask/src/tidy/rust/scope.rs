//! What one module says: the names that it defines, imports and mentions. What is built for tests alone is left out.

use std::collections::BTreeSet;

/// A module: a file, or what stands between the braces of `mod name { … }`.
#[derive(Debug, Default)]
pub(in crate::tidy) struct Scope<'t> {
    /// Modules declared here; `None` when they lie in a file of their own.
    pub(in crate::tidy) modules: Vec<(&'t str, Option<Scope<'t>>)>,
    /// What `use` brings in.
    pub(in crate::tidy) imports: Vec<Import<'t>>,
    /// What is defined here.
    pub(in crate::tidy) items: Vec<Item<'t>>,
    /// Its `impl` blocks.
    pub(in crate::tidy) impls: Vec<Impl<'t>>,
    /// Paths of two and more names in code, and in the strings of attributes.
    pub(in crate::tidy) paths: BTreeSet<Vec<&'t str>>,
    /// Names that stand alone.
    pub(in crate::tidy) words: BTreeSet<&'t str>,
}

/// One name of a `use` declaration.
#[derive(Debug)]
pub(in crate::tidy) struct Import<'t> {
    /// What it is called here; `None` for `*`.
    pub(in crate::tidy) name: Option<&'t str>,
    /// Where it comes from.
    pub(in crate::tidy) path: Vec<&'t str>,
    /// Whether it is handed on, with `pub` or less.
    pub(in crate::tidy) shared: bool,
}

/// Something with a name.
#[derive(Debug)]
pub(in crate::tidy) struct Item<'t> {
    /// Its name in this module.
    pub(in crate::tidy) name: &'t str,
    /// Who may use it.
    pub(in crate::tidy) visible: Visible,
    /// The fields of a struct that are not private.
    pub(in crate::tidy) open_fields: Vec<Field>,
}

/// A field of a struct.
#[derive(Debug)]
pub(in crate::tidy) struct Field {
    /// Its name, or its number where it has none.
    pub(in crate::tidy) name: String,
    /// Who may touch it.
    pub(in crate::tidy) visible: Visible,
}

/// From where a name can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::tidy) enum Visible {
    /// From this module and those in it.
    Here,
    /// From some more of the crate.
    InCrate,
    /// From anywhere.
    Everywhere,
}

/// An `impl` block.
#[derive(Debug)]
pub(in crate::tidy) struct Impl<'t> {
    /// The type, as it is named here. Empty for a reference, a tuple and the like.
    pub(in crate::tidy) of: Vec<&'t str>,
    /// Whether it is of a trait.
    pub(in crate::tidy) of_trait: bool,
    /// Whether a method takes `&mut self`.
    pub(in crate::tidy) changes: bool,
}
