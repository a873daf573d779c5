//! What terminals tell their manager: of each terminal the newest bulletin, and of that what holds.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Terminals that are remembered: incarnations of one store.
const MAX_TERMINALS: usize = 64;

/// The body of a call of the webhook.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Told {
    terminal: String,
    started_ms: u64,
    number: u64,
    standing: Vec<Standing>,
}

/// What holds.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize)]
pub(super) struct Standing {
    kind: String,
    name: String,
    since_ms: u64,
    says: String,
    #[serde(default)]
    about: Option<String>,
    remedy: String,
}

/// What holds at a terminal.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Alert {
    terminal: String,
    #[serde(flatten)]
    standing: Standing,
}

impl Alert {
    /// Whether this incarnation told it.
    pub(super) fn is_of(&self, terminal: &str) -> bool {
        self.terminal == terminal
    }
}

/// By terminal.
#[derive(Debug, Default)]
pub(super) struct Bulletins {
    newest: Mutex<BTreeMap<String, Told>>,
}

impl Bulletins {
    /// Takes a bulletin, unless a newer one is there.
    pub(super) fn take(&self, told: Told) {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = newest.get(&told.terminal).map(|known| (known.started_ms, known.number));
        let room = newest.len() < MAX_TERMINALS || known.is_some();
        if room && known.is_none_or(|known| known < (told.started_ms, told.number)) {
            newest.insert(told.terminal.clone(), told);
        }
    }

    /// All that holds.
    pub(super) fn standing(&self) -> Vec<Alert> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |told: &Told| {
            let terminal = told.terminal.clone();
            let alert =
                move |standing: &Standing| Alert { terminal: terminal.clone(), standing: standing.clone() };
            told.standing.iter().map(alert).collect::<Vec<_>>()
        };
        newest.values().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_bulletin_changes_nothing() {
        let told = |number, names: &[&str]| Told {
            terminal: "1-0123456789ab".into(),
            started_ms: 5,
            number,
            standing: names
                .iter()
                .map(|name| Standing {
                    kind: "condition".into(),
                    name: (*name).into(),
                    since_ms: 1,
                    says: String::new(),
                    about: None,
                    remedy: String::new(),
                })
                .collect(),
        };
        let bulletins = Bulletins::default();
        bulletins.take(told(2, &["disk_low"]));
        bulletins.take(told(1, &["disk_full", "clock_off"]));
        assert_eq!(bulletins.standing().len(), 1);
        bulletins.take(told(3, &[]));
        assert_eq!(bulletins.standing(), []);
    }
}
