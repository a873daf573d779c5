//! A misspelt name: says which of the known ones it comes nearest to.

/// Longest text of an error, in characters: a caller chooses the name that stands in it.
const MAX_TEXT: usize = 1_000;
/// Longest name that is compared, in characters.
const MAX_NAME: usize = 64;

/// Adds the nearest known name to what `serde` says of a field or a variant that it does not know; any other error stays as it is.
pub(crate) fn explain(error: &str) -> String {
    let text: String = error.chars().take(MAX_TEXT).collect();
    let Some(nearest) = unknown(&text).and_then(|(name, known)| nearest(name, &known)) else { return text };
    format!("{text}; did you mean `{nearest}`?")
}

/// The name that is not known, and those that are: serde writes each between two grave accents.
fn unknown(error: &str) -> Option<(&str, Vec<&str>)> {
    let (_, rest) = error.split_once("unknown field `").or_else(|| error.split_once("unknown variant `"))?;
    let (name, known) = rest.split_once("`, expected ")?;
    let known = known.lines().next()?.split('`').skip(1).step_by(2).collect();
    Some((name, known))
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
        explain(&serde_json::from_str::<Kind>(json).unwrap_err().to_string())
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
    fn other_errors_stay_and_long_ones_are_cut() {
        assert_eq!(explain("EOF while parsing"), "EOF while parsing");
        let long = format!(r#"{{"type": "goods", "{}": 1}}"#, "x".repeat(5_000));
        assert!(said(&long).chars().count() <= MAX_TEXT);
    }
}
