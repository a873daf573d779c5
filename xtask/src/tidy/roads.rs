//! The roads that ARCHITECTURE.md draws: their files exist, what they name is defined there, and each step is reached from one before it.

use super::Tree;

const PAGE: &str = "ARCHITECTURE.md";

/// The heading above the roads.
const HEADING: &str = "## Three roads";

/// The roads by their titles, and where their files lie.
const ROADS: [(&str, &str); 3] = [
    ("**A sale.**", "edgepos/src/"),
    ("**A raft message.**", "edgepos-consensus/src/"),
    ("**A picture.**", "edgepos-inference/src/"),
];

/// A line of a road: what it names and the files behind that, with their texts.
struct Step<'t> {
    number: usize,
    line: &'t str,
    files: Vec<(String, &'t str)>,
}

pub(super) fn check(tree: &Tree, findings: &mut Vec<String>) {
    let Some(page) = tree.texts.get(PAGE).filter(|page| page.contains(HEADING)) else { return };
    for (title, base) in ROADS {
        let steps = road(tree, page, (title, base), findings);
        if steps.is_empty() {
            findings.push(format!("{PAGE}: there is no road under {title}"));
        }
        defined(&steps, findings);
        reached(&steps, findings);
    }
}

/// The lines of the fenced text below a title. A file that does not exist is told.
fn road<'t>(
    tree: &'t Tree,
    page: &'t str,
    (title, base): (&str, &str),
    findings: &mut Vec<String>,
) -> Vec<Step<'t>> {
    let lines = page.lines().enumerate();
    let below =
        lines.skip_while(|(_, line)| !line.starts_with(title)).skip_while(|(_, line)| *line != "```text");
    let mut steps = Vec::new();
    for (index, line) in below.skip(1).take_while(|(_, line)| *line != "```") {
        let number = index + 1;
        let mut files = Vec::new();
        for file in line.split([' ', ',', ';']).filter(|word| word.ends_with(".rs")) {
            let paths = [file.to_owned(), format!("{base}{file}")];
            match paths.into_iter().find_map(|path| tree.texts.get(&path).map(|text| (path, text.as_str()))) {
                Some(found) => files.push(found),
                None => findings.push(format!("{PAGE}:{number}: {file} is neither there nor in {base}")),
            }
        }
        steps.push(Step { number, line, files });
    }
    steps
}

/// The names of a line: `Type`, or `Type::member` as two.
fn names(line: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
        .filter(|word| word.starts_with(char::is_uppercase))
        .map(|word| match word.split_once("::") {
            Some((of, member)) => (of, Some(member.trim_end_matches(':'))),
            None => (word.trim_end_matches(':'), None),
        })
}

/// `Type::member` is in one file of the road: a function there, or a word, where it is a variant.
fn defined(steps: &[Step<'_>], findings: &mut Vec<String>) {
    let texts = || steps.iter().flat_map(|step| &step.files).map(|(_, text)| *text);
    for step in steps {
        for (of, member) in names(step.line).filter_map(|(of, member)| Some((of, member?))) {
            let function = member.starts_with(char::is_lowercase);
            let there = |text: &str| {
                mentions(text, of)
                    && if function { text.contains(&format!("fn {member}")) } else { mentions(text, member) }
            };
            if !texts().any(there) {
                findings.push(format!("{PAGE}:{}: {of}::{member} is in no file of the road", step.number));
            }
        }
    }
}

/// A file of a line before names what the line names, or the file's module.
fn reached(steps: &[Step<'_>], findings: &mut Vec<String>) {
    let mut before: Vec<&str> = Vec::new();
    for step in steps.iter().filter(|step| !step.files.is_empty()) {
        let mut words: Vec<&str> = names(step.line).map(|(of, _)| of).collect();
        words.extend(step.files.iter().filter_map(|(path, _)| module(path)));
        let named = before.iter().any(|text| words.iter().any(|word| mentions(text, word)));
        if !before.is_empty() && !named {
            let number = step.number;
            findings.push(format!("{PAGE}:{number}: no file of the road before leads to one of {words:?}"));
        }
        before.extend(step.files.iter().map(|(_, text)| *text));
    }
}

/// The name of a file's module.
fn module(path: &str) -> Option<&str> {
    path.trim_end_matches("/mod.rs").trim_end_matches(".rs").rsplit('/').next()
}

/// Whether the word stands in the text by itself.
fn mentions(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}
