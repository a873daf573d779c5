//! A copy of the tree in which faults are planted, one at a time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::header::Header;
use crate::failure::Failure;

/// The exit status by which the simulator says that a rule was broken.
const BROKEN: i32 = 1;

/// The copy, with a target folder of its own.
#[derive(Debug)]
pub(super) struct Copy {
    tree: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// The tracked files as they are. What is the same as before is left alone, so that it is not built again.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub(super) fn of(root: &Path) -> Result<Self, Failure> {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let folder = target.join("mutants");
        let copy = Self { tree: folder.join("tree"), target: folder.join("target") };
        let mut git = Command::new("git");
        git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = git.output().map_err(Failure::at(root))?;
        for name in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|name| !name.is_empty()) {
            let (from, to) = (root.join(name), copy.tree.join(name));
            // Listed and deleted, or a link to a folder.
            if !from.is_file() {
                continue;
            }
            let text = fs::read(&from).map_err(Failure::at(&from))?;
            if fs::read(&to).ok().as_ref() != Some(&text) {
                let parent = to.parent().unwrap_or(&copy.tree);
                fs::create_dir_all(parent).map_err(Failure::at(parent))?;
                fs::write(&to, text).map_err(Failure::at(&to))?;
            }
        }
        Ok(copy)
    }

    /// Plants a fault, builds, and runs who is to find it; takes the fault out again. Whether it was found.
    ///
    /// # Errors
    /// When the patch does not apply or the copy does not build.
    pub(super) fn plant(&self, patch: &Path, header: &Header) -> Result<bool, Failure> {
        apply(&self.tree, patch, &[])?;
        let found = self.find(header);
        apply(&self.tree, patch, &["--reverse"])?;
        found
    }

    fn find(&self, header: &Header) -> Result<bool, Failure> {
        let (is_test, arguments) = header.arguments();
        if is_test {
            // A test that does not build has found nothing.
            self.cargo("test", &[&["--no-run"][..], &arguments].concat())?;
            return Ok(self.cargo("test", &arguments).is_err());
        }
        let simulator = ["--package", "edgepos-sim", "--bin", "edgepos-sim"];
        self.cargo("build", &simulator)?;
        let mut run = Command::new(self.target.join("release").join("edgepos-sim"));
        let status = run.args(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
        Ok(status.map_err(Failure::at(&self.target))?.code() == Some(BROKEN))
    }

    fn cargo(&self, command: &str, arguments: &[&str]) -> Result<(), Failure> {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.tree).args([command, "--locked", "--quiet", "--release"]).args(arguments);
        cargo.env("CARGO_TARGET_DIR", &self.target).env_remove("RUSTFLAGS");
        // Built once and run for seconds.
        cargo.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1").env("CARGO_PROFILE_RELEASE_LTO", "off");
        cargo.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16").env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        cargo.env("CARGO_INCREMENTAL", "0").stdout(Stdio::null());
        if command == "test" && !arguments.contains(&"--no-run") {
            cargo.stderr(Stdio::null());
        }
        let status = cargo.status().map_err(Failure::at(&self.tree))?;
        if status.success() { Ok(()) } else { Err(Failure::Program { call: format!("{cargo:?}"), status }) }
    }
}

/// Applies a patch to the tree at `root`.
///
/// # Errors
/// When it does not apply any more.
pub(super) fn apply(root: &Path, patch: &Path, options: &[&str]) -> Result<(), Failure> {
    let mut git = Command::new("git");
    // The copy lies in a folder that git ignores: without this it would look for the files of the checkout around it.
    git.current_dir(root).env("GIT_CEILING_DIRECTORIES", root.parent().unwrap_or(root));
    let status = git.args(["apply"]).args(options).arg(patch).status().map_err(Failure::at(patch))?;
    if status.success() { Ok(()) } else { Err(Failure::Program { call: format!("{git:?}"), status }) }
}
