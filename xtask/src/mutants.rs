//! `cargo xtask mutants` plants single faults back into a copy of the tree, and sees that each is found.
//!
//! A mutant is a patch in `mutants/`, behind lines that say which promise it breaks and who finds it. What finds it is a behaviour: a run
//! of the simulator, of a small world, or a test, which fails where the promise is broken.

mod header;
mod planting;

use std::fs;
use std::path::{Path, PathBuf};

use self::header::Header;
use self::planting::Copy;
use crate::failure::Failure;

/// A fault that can be planted.
#[derive(Debug)]
pub struct Mutant {
    /// The patch's name, without its ending.
    pub name: String,
    path: PathBuf,
    header: Header,
}

/// `arguments` are those behind `mutants`: `--check` sees that each patch still applies; names plant those alone; `--part N/M` plants every
/// Mth, beginning with the Nth from 0.
///
/// # Errors
/// When a mutant is not found or cannot be planted, or the command line is another.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let root = crate::root();
    let all = read(&root)?;
    let given: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match given[..] {
        ["--check"] => return check(&root, &all),
        ["--list"] => {
            all.iter().for_each(|mutant| println!("{:32} {}", mutant.name, mutant.header.breaks));
            return Ok(());
        }
        _ => {}
    }
    let chosen = choose(&all, &given)?;
    check(&root, &all)?;
    let copy = Copy::of(&root)?;
    let mut unfound = Vec::new();
    for mutant in &chosen {
        let found = copy.plant(&mutant.path, &mutant.header)?;
        println!(
            "{:32} {}: {}",
            mutant.name,
            if found { "found" } else { "NOT FOUND" },
            mutant.header.finder
        );
        if !found {
            unfound.push(mutant.name.clone());
        }
    }
    if unfound.is_empty() { Ok(()) } else { Err(Failure::Unfound { mutants: unfound.join(", ") }) }
}

/// Every mutant of a tree, by name.
///
/// # Errors
/// When a patch cannot be read or does not say what it should.
pub fn read(root: &Path) -> Result<Vec<Mutant>, Failure> {
    let folder = root.join("mutants");
    let mut all = Vec::new();
    for entry in fs::read_dir(&folder).map_err(Failure::at(&folder))? {
        let path = entry.map_err(Failure::at(&folder))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".patch")) else {
            continue;
        };
        let text = fs::read_to_string(&path).map_err(Failure::at(&path))?;
        let header = Header::parse(&text).ok_or_else(|| Failure::Mutant { path: path.clone() })?;
        all.push(Mutant { name: name.to_owned(), path, header });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// Sees that each patch still applies.
///
/// # Errors
/// For the first that does not.
pub fn check(root: &Path, mutants: &[Mutant]) -> Result<(), Failure> {
    mutants.iter().try_for_each(|mutant| planting::apply(root, &mutant.path, &["--check"]))
}

fn choose<'a>(all: &'a [Mutant], given: &[&str]) -> Result<Vec<&'a Mutant>, Failure> {
    let usage =
        || Failure::Usage("usage: cargo xtask mutants [--check | --list | --part N/M | NAME…]".into());
    match *given {
        [] => Ok(all.iter().collect()),
        ["--part", part] => {
            let (first, of) = part.split_once('/').ok_or_else(usage)?;
            let (Ok(first), Ok(of)) = (first.parse::<usize>(), of.parse::<usize>()) else {
                return Err(usage());
            };
            Ok(all.iter().skip(first).step_by(of.max(1)).collect())
        }
        ref names => names
            .iter()
            .map(|name| all.iter().find(|mutant| mutant.name == *name).ok_or_else(usage))
            .collect(),
    }
}
