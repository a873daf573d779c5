//! Where a key stands in a file, and under which name somebody wrote it there.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::terminal_name::TerminalName;

/// Names of before, which are read.
const ALIASES: [(&str, &str); 3] =
    [("terminal", "me"), ("database", "db"), ("flush_ms", "flush_interval_ms")];

/// The number of the line in which a key stands, such as `flush_ms` or `peers.2`, and its name as it is written there.
pub(super) fn of(text: &str, key: &str) -> Option<(usize, String)> {
    let (section, name) = key.split_once('.').unwrap_or(("", key));
    let alias = ALIASES.iter().find(|(now, _)| section.is_empty() && *now == name).map(|(_, before)| *before);
    let mut within = String::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            // Of a list of tables the first has two brackets.
            within = header.trim_start_matches('[').trim().to_owned();
            if within == key {
                return Some((at + 1, name.to_owned()));
            }
            continue;
        }
        let Some((written, _)) = line.split_once('=') else { continue };
        let written = written.trim().trim_matches(['"', '\'']);
        if within == section && (written == name || Some(written) == alias) {
            return Some((at + 1, written.to_owned()));
        }
    }
    None
}

/// The other terminals by their names: one that is named twice is an error, however its number is written.
pub(super) fn peers<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<TerminalName, String>, D::Error> {
    struct Peers;

    impl<'de> Visitor<'de> for Peers {
        type Value = BTreeMap<TerminalName, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("addresses of terminals by their numbers")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut peers = BTreeMap::new();
            while let Some((name, address)) = entries.next_entry::<TerminalName, String>()? {
                if peers.insert(name, address).is_some() {
                    return Err(A::Error::custom(format!("field peers: terminal {name} is named twice")));
                }
            }
            Ok(peers)
        }
    }

    from.deserialize_map(Peers)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_key_is_found_where_it_was_written() {
        let text = "# flush_ms = 1\nme = 1\nflush_ms = 0\n\n[peers]\n\"2\" = \"b:1\"\nflush_ms = \"no\"\n[resolver]\n2 = 3\n";
        assert_eq!(of(text, "terminal"), Some((2, "me".into())));
        assert_eq!(of(text, "flush_ms"), Some((3, "flush_ms".into())));
        assert_eq!(of(text, "peers.2"), Some((6, "2".into())));
        assert_eq!(of(text, "peers"), Some((5, "peers".into())));
        assert_eq!(of(text, "voters"), None);
    }
}
