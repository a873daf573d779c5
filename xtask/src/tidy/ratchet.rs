//! What the rules still allow: a list that only gets shorter.
//!
//! A rule of this kind came when the tree already broke it. Each breach of that time stands in the list; a new one fails, and so
//! does an entry that nothing needs any more.

use std::collections::BTreeSet;

use super::Tree;

/// The list's place in the tree.
pub(super) const PATH: &str = "xtask/tidy-ratchet.txt";

const HEAD: &str = "\
# What the tidy rules still allow, one breach a line: the rule, then where. An entry that is no longer needed fails.
# `cargo xtask tidy --write` takes those out; only with `--allow-new` does it also put new ones in.
";

/// Something that a rule objects to.
#[derive(Debug)]
pub(super) struct Finding {
    /// The rule's word in the list.
    pub(super) rule: &'static str,
    /// What stands behind it in the list. Without line numbers, which every edit moves.
    pub(super) subject: String,
    /// The breach with its place, as it is reported.
    pub(super) message: String,
}

impl Finding {
    fn entry(&self) -> String {
        format!("{} {}", self.rule, self.subject)
    }
}

/// Reports what the list does not allow, and what it allows in vain.
pub(super) fn check(tree: &Tree, found: &[Finding], findings: &mut Vec<String>) {
    let allowed = allowed(tree);
    let needed: BTreeSet<String> = found.iter().map(Finding::entry).collect();
    findings.extend(
        found.iter().filter(|finding| !allowed.contains(&finding.entry())).map(|it| it.message.clone()),
    );
    for entry in allowed.difference(&needed) {
        findings
            .push(format!("{PATH}: `{entry}` is no longer needed; `cargo xtask tidy --write` takes it out"));
    }
}

/// The list without what is no longer needed; with what is new, where that is wanted.
pub(super) fn rewritten(tree: &Tree, found: &[Finding], allow_new: bool) -> String {
    let mut entries: BTreeSet<String> = found.iter().map(Finding::entry).collect();
    if !allow_new {
        entries = entries.intersection(&allowed(tree)).cloned().collect();
    }
    entries.iter().fold(HEAD.to_owned(), |list, entry| format!("{list}{entry}\n"))
}

fn allowed(tree: &Tree) -> BTreeSet<String> {
    let list = tree.texts.get(PATH).map_or("", String::as_str);
    list.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}
