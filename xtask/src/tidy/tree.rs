//! The text files of a checkout.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

/// Text files by their path from the root, with `/` between names; and the names of all other files.
#[derive(Debug, Default)]
pub struct Tree {
    /// Rust, Markdown and TOML, and the list of what is still allowed.
    pub texts: BTreeMap<String, String>,
    /// Every file and folder.
    pub names: BTreeSet<String>,
}

impl Tree {
    /// Reads the checkout at `root`, without what is built or fetched.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.walk(root, "")?;
        Ok(tree)
    }

    fn walk(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if matches!(name.as_str(), "target" | ".git" | "node_modules" | "artifacts" | "__pycache__") {
                continue;
            }
            let path = format!("{prefix}{name}");
            self.names.insert(path.clone());
            if entry.file_type()?.is_dir() {
                self.walk(&entry.path(), &format!("{path}/"))?;
            } else if [".rs", ".md", ".toml", "tidy-ratchet.txt"].iter().any(|ending| name.ends_with(ending))
            {
                self.texts.insert(path, fs::read_to_string(entry.path())?);
            }
        }
        Ok(())
    }

    /// The Rust files, by path.
    pub fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ending(".rs")
    }

    /// The Markdown files, by path.
    pub fn markdown(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ending(".md")
    }

    fn ending(&self, ending: &'static str) -> impl Iterator<Item = (&str, &str)> {
        self.texts
            .iter()
            .filter(move |(path, _)| path.ends_with(ending))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }
}
