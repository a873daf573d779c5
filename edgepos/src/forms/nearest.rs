//! A misspelt name: says where it stands, and which of the known ones it comes nearest to.

use serde_json::Value;

/// Longest text of an error, in characters: a caller chooses the name that stands in it.
const MAX_TEXT: usize = 1_000;
/// Longest name that is compared, in characters.
const MAX_NAME: usize = 64;

/// Most places that are looked at: what comes behind them is not looked for.
const MAX_PLACES: usize = 100_000;

/// Adds to what `serde` says of a field or a variant that it does not know where it stands in what was `said`, and the nearest known
/// name; any other error stays as it is.
pub fn explain(error: &str, said: Option<&Value>) -> String {
    let text: String = error.chars().take(MAX_TEXT).collect();
    let Some(unknown) = unknown(&text) else { return text };
    let place =
        said.and_then(|said| place(said, &unknown)).map_or(String::new(), |place| format!("{place}: "));
    let meant = nearest(unknown.name, &unknown.known);
    let meant = meant.map_or(String::new(), |nearest| format!("; did you mean `{nearest}`?"));
    format!("{place}{text}{meant}")
}

/// A name that serde does not know.
struct Unknown<'e> {
    name: &'e str,
    /// Whether it is the name of a field and no value.
    is_field: bool,
    known: Vec<&'e str>,
}

/// The name that is not known, and those that are: serde writes each between two grave accents.
fn unknown(error: &str) -> Option<Unknown<'_>> {
    let field = error.split_once("unknown field `");
    let (_, rest) = field.or_else(|| error.split_once("unknown variant `"))?;
    // Of what is known nothing is said where a call has no field at all.
    let (name, known) = rest.split_once("`, ")?;
    let known = known.lines().next()?.split('`').skip(1).step_by(2).collect();
    Some(Unknown { name, is_field: field.is_some(), known })
}

/// Where the name stands, such as `lines[2].orignal`, where it stands in one place.
fn place(said: &Value, unknown: &Unknown<'_>) -> Option<String> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), said)];
    let mut looked_at = 0;
    while let Some((path, value)) = open.pop() {
        looked_at += 1;
        if looked_at > MAX_PLACES || path.len() > MAX_TEXT {
            return None;
        }
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let dot = if path.is_empty() { "" } else { "." };
                    let path = format!("{path}{dot}{name}");
                    if unknown.is_field && name == unknown.name {
                        found.push(path.clone());
                    }
                    open.push((path, value));
                }
            }
            Value::Array(items) => {
                open.extend(items.iter().enumerate().map(|(at, item)| (format!("{path}[{at}]"), item)));
            }
            Value::String(text) if !unknown.is_field && text == unknown.name => found.push(path),
            _ => {}
        }
    }
    let [place] = found.as_slice() else { return None };
    Some(place.clone())
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(MAX_NAME).collect();
    known.iter().copied().min_by_key(|known| distance(&name, &known.chars().collect::<Vec<_>>()))
}

/// How many letters must be put in, left out or changed (Levenshtein).
fn distance(from: &[char], to: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, from) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (at, to) in to.iter().enumerate() {
            let changed = diagonal + usize::from(from != to);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
    #[allow(dead_code, reason = "only its names are looked at")]
    enum Kind {
        Goods { from: String, lines: Vec<Line> },
        Price { product: String, amount: i64, currency: String },
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its names are looked at")]
    struct Line {
        product: String,
    }

    fn said(json: &str) -> String {
        let said = serde_json::from_str(json).ok();
        explain(&serde_json::from_str::<Kind>(json).unwrap_err().to_string(), said.as_ref())
    }

    #[test]
    fn the_nearest_name_is_named_at_every_level() {
        for (json, name) in [
            (r#"{"type": "price", "product": "a", "amont": 1, "currency": "EUR"}"#, "`amount`"),
            (r#"{"type": "goods", "form": "a", "lines": []}"#, "`from`"),
            (r#"{"type": "goods", "from": "a", "lines": [{"produkt": "b"}]}"#, "`product`"),
            (r#"{"type": "gods", "from": "a"}"#, "`goods`"),
        ] {
            let said = said(json);
            assert!(said.ends_with(&format!("did you mean {name}?")), "{said}");
        }
    }

    #[test]
    fn its_place_is_named_where_it_stands_in_one() {
        for (json, place) in [
            (r#"{"type": "price", "product": "a", "amont": 1, "currency": "EUR"}"#, "amont: "),
            (
                r#"{"type": "goods", "from": "a", "lines": [{"product": "b"}, {"produkt": "b"}]}"#,
                "lines[1].produkt: ",
            ),
            (r#"{"type": "gods", "from": "a"}"#, "type: "),
            (r#"{"type": "goods", "from": "a", "lines": [{"produkt": 1}, {"produkt": 2}]}"#, "unknown field"),
        ] {
            let said = said(json);
            assert!(said.starts_with(place), "{said}");
        }
    }

    #[test]
    fn other_errors_stay_and_long_ones_are_cut() {
        assert_eq!(explain("EOF while parsing", None), "EOF while parsing");
        let long = format!(r#"{{"type": "goods", "{}": 1}}"#, "x".repeat(5_000));
        assert!(said(&long).chars().count() <= MAX_TEXT);
    }
}
