//! Facts that live in two places, and links between documents.

use std::collections::BTreeSet;

use super::Tree;

pub(super) fn check(tree: &Tree, findings: &mut Vec<String>) {
    links(tree, findings);
    minimum_rust_version(tree, findings);
    crate_map(tree, findings);
    one_version_of_each(tree, findings);
    advisories(tree, findings);
    tests_of_claims(tree, findings);
}

/// A relative link leads to a file or a folder.
fn links(tree: &Tree, findings: &mut Vec<String>) {
    for (path, text) in tree.markdown() {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (number, target) in targets(text) {
            let file = target.split('#').next().unwrap_or(target);
            if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            if resolve(folder, file).is_none_or(|name| !tree.names.contains(&name)) {
                findings.push(format!("{path}:{number}: {target} leads nowhere"));
            }
        }
    }
}

/// The targets of `[text](target)`, with their line.
fn targets(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().flat_map(|(index, line)| {
        line.match_indices("](").filter_map(move |(at, _)| {
            let target = &line[at + 2..];
            Some((index + 1, &target[..target.find(')')?]))
        })
    })
}

/// `file` as seen from `folder`; `None` when it leaves the checkout.
fn resolve(folder: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.trim_end_matches('/').split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn minimum_rust_version(tree: &Tree, findings: &mut Vec<String>) {
    let Some(version) = tree.texts.get("Cargo.toml").and_then(|manifest| quoted(manifest, "rust-version"))
    else {
        findings.push("Cargo.toml: no rust-version".into());
        return;
    };
    let readme = tree.texts.get("README.md").map_or("", String::as_str);
    if !readme.contains(&format!("Rust {version}")) {
        findings.push(format!("README.md: does not say that it needs Rust {version}, as Cargo.toml does"));
    }
}

/// The value of `key = "value"`, the first time that it stands at a line's start.
fn quoted<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let line = text
        .lines()
        .find(|line| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('=')))?;
    line.split('"').nth(1)
}

/// Every crate is on the map for those who change the code and on the one for those who use it.
fn crate_map(tree: &Tree, findings: &mut Vec<String>) {
    for document in ["README.md", "ARCHITECTURE.md"] {
        let Some(text) = tree.texts.get(document) else {
            findings.push(format!("{document}: missing"));
            continue;
        };
        for path in tree.texts.keys().filter_map(|path| path.strip_suffix("/Cargo.toml")) {
            let name = path.rsplit('/').next().unwrap_or(path);
            if !text.contains(&format!("`{path}`")) && !text.contains(&format!("`{name}`")) {
                findings.push(format!("{document}: the crate at {path} is not on the map"));
            }
        }
    }
}

/// Members take their dependencies from the workspace, so that there is one version of each.
fn one_version_of_each(tree: &Tree, findings: &mut Vec<String>) {
    for (path, text) in tree.texts.iter().filter(|(path, _)| path.ends_with("/Cargo.toml")) {
        // A workspace of its own has versions of its own.
        if text.lines().any(|line| line == "[workspace]") {
            continue;
        }
        let mut dependencies = false;
        for (index, line) in text.lines().enumerate() {
            if line.starts_with('[') {
                dependencies = line.contains("dependencies");
            } else if dependencies
                && line.contains('=')
                && line.contains('"')
                && !line.contains("workspace = true")
            {
                findings.push(format!("{path}:{}: take it from [workspace.dependencies]", index + 1));
            }
        }
    }
}

/// Each advisory that is ignored is explained, and none is explained that is not ignored.
fn advisories(tree: &Tree, findings: &mut Vec<String>) {
    let named = |path: &str| tree.texts.get(path).map(|text| advisory_ids(text)).unwrap_or_default();
    let (ignored, explained) = (named("deny.toml"), named("docs/advisories.md"));
    for id in ignored.difference(&explained) {
        findings.push(format!("docs/advisories.md: {id}, which deny.toml ignores, is not explained"));
    }
    for id in explained.difference(&ignored) {
        findings.push(format!("deny.toml: {id}, which docs/advisories.md explains, is not ignored"));
    }
}

/// Every `RUSTSEC-year-number`.
fn advisory_ids(text: &str) -> BTreeSet<&str> {
    let id = |(at, _): (usize, &str)| text.get(at..at + "RUSTSEC-0000-0000".len());
    text.match_indices("RUSTSEC-").filter_map(id).collect()
}

/// The page whose last column names the test of each row.
const CLAIMS: &str = "docs/claims.md";

/// Each row of the page of numbers from outside names tests, by file or by name, and they are there.
fn tests_of_claims(tree: &Tree, findings: &mut Vec<String>) {
    let Some(page) = tree.texts.get(CLAIMS) else { return };
    let tests: BTreeSet<&str> = tree.rust().flat_map(|(_, text)| tests(text)).collect();
    let rows = page.lines().enumerate().skip_while(|(_, line)| !line.starts_with("|---"));
    for (index, row) in rows.skip(1).take_while(|(_, line)| line.starts_with('|')) {
        let number = index + 1;
        let column = row.trim_end().trim_end_matches('|').rsplit('|').next().unwrap_or(row);
        let named: Vec<&str> = column.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            findings.push(format!("{CLAIMS}:{number}: no test is named"));
        }
        for name in named {
            let is_there =
                if name.ends_with(".rs") { tree.names.contains(name) } else { tests.contains(name) };
            if !is_there {
                findings.push(format!("{CLAIMS}:{number}: there is no test {name}"));
            }
        }
    }
}

/// The functions of a file that are tests.
fn tests(text: &str) -> impl Iterator<Item = &str> {
    let mut is_test = false;
    text.lines().filter_map(move |line| {
        let line = line.trim_start();
        is_test |= ["#[test]", "#[tokio::test"].iter().any(|attribute| line.starts_with(attribute));
        let name = line.trim_start_matches("async ").strip_prefix("fn ")?.split(['(', '<']).next()?;
        std::mem::take(&mut is_test).then_some(name)
    })
}
