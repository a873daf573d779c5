//! Words of comments and documents.

use super::Tree;
use super::ratchet::Finding;

pub(super) const SHORT_DOC: &str = "short-doc";
pub(super) const TWO_WORDS: &str = "cannot";
pub(super) const IDIOM: &str = "idiom";

/// A doc comment of fewer words says what the name says already.
const FEWEST_WORDS: usize = 3;

pub(super) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in tree.rust() {
        short_docs(path, text, findings);
    }
    for (path, text) in &tree.texts {
        cannot(path, text, findings);
        idioms(path, text, findings);
    }
}

fn short_docs(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let lines: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < lines.len() {
        let doc = lines[at..].iter().map_while(|line| line.trim_start().strip_prefix("///"));
        let (count, words) =
            doc.fold((0, 0), |(n, words), line| (n + 1, words + line.split_whitespace().count()));
        let attribute = |line: &&&str| line.trim_start().starts_with("#[");
        let item = at + count + lines[at + count..].iter().take_while(attribute).count();
        if count > 0 && words < FEWEST_WORDS && public(&lines, item) {
            findings.push(Finding {
                rule: SHORT_DOC,
                subject: path.to_owned(),
                message: format!("{path}:{}: a doc comment of {words} words; say what it contains", at + 1),
            });
        }
        at += count.max(1);
    }
}

/// Whether the item of a line is public: by its own word, or as a member of what is.
fn public(lines: &[&str], at: usize) -> bool {
    let Some(line) = lines.get(at).map(|line| line.trim_start()) else { return false };
    if line.starts_with("pub ") {
        return true;
    }
    let Some(around) = container(lines, at) else { return false };
    let head = lines[around].trim_start();
    let variant = head.starts_with(char::is_uppercase) && head.ends_with('{');
    match head.strip_prefix("pub ") {
        Some(rest) => ["enum ", "trait ", "unsafe trait "].iter().any(|kind| rest.starts_with(kind)),
        None => variant && public(lines, around),
    }
}

/// The line that opens the block around a line: the last one before it that starts further left.
fn container(lines: &[&str], at: usize) -> Option<usize> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(lines[at]);
    (0..at).rev().find(|before| !lines[*before].trim().is_empty() && indent(lines[*before]) < own)
}

/// Turns of phrase that are not plain standard English, and what to write.
const IDIOMS: [(&str, &str); 4] = [
    ("company", "say what is batched with what"),
    ("its office", "say which lease it holds"),
    ("is none.", "say what it is not: \"cannot be read\", \"is not a chain\""),
    ("are none.", "say what they are not"),
];

fn idioms(path: &str, text: &str, findings: &mut Vec<Finding>) {
    // The rules name what they look for.
    if path == "STYLE.md" || path.starts_with("xtask/") {
        return;
    }
    for (index, line) in text.lines().enumerate() {
        let Some(at) = line.find("//").or_else(|| path.ends_with(".md").then_some(0)) else { continue };
        for (phrase, instead) in IDIOMS {
            // "There is none" says what is absent.
            let found =
                line[at..].match_indices(phrase).any(|(within, _)| !line[..at + within].ends_with("there "));
            if found {
                findings.push(Finding {
                    rule: IDIOM,
                    subject: path.to_owned(),
                    message: format!("{path}:{}: `{phrase}`: {instead}", index + 1),
                });
            }
        }
    }
}

/// It is one word, also where a line ends between the two; `cannot only` is two.
fn cannot(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let mut before = "";
    for (index, line) in text.lines().enumerate() {
        let prose = line.trim_start().trim_start_matches(['/', '!', '#', '*', '>', '-']).trim_start();
        for word in prose.split_whitespace() {
            let plain = word.trim_start_matches(|c: char| !c.is_alphanumeric());
            let ended = plain.trim_end_matches(|c: char| !c.is_alphanumeric());
            if before.eq_ignore_ascii_case("can") && ended == "not" && !prose.contains("not only") {
                findings.push(Finding {
                    rule: TWO_WORDS,
                    subject: path.to_owned(),
                    message: format!("{path}:{}: `cannot` is one word", index + 1),
                });
            }
            before = plain;
        }
    }
}
