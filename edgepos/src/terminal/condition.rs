//! Conditions: what someone must act on. Absent before, present while it holds, gone when it is over.

use std::collections::BTreeMap;

use edgepos_core::Now;

/// Longest [`Finding::about`], in bytes; what is longer is cut at a character.
pub const MAX_ABOUT: usize = 512;

macro_rules! conditions {
    ($($kind:ident $name:literal $says:literal $remedy:literal;)+) => {
        /// What can be wrong so that somebody must act.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum ConditionKind {
            $(#[doc = $says] $kind,)+
        }

        impl ConditionKind {
            /// Every kind, in the order of the page.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// Its name, in snake case: the label of the gauge and the word in a status.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }

            /// What it says, in a sentence.
            pub const fn says(self) -> &'static str {
                match self {
                    $(Self::$kind => $says,)+
                }
            }

            /// What to do about it, in a sentence.
            pub const fn remedy(self) -> &'static str {
                match self {
                    $(Self::$kind => $remedy,)+
                }
            }
        }
    };
}

conditions! {
    Forked "forked"
        "Two histories of one chain are known: a disk was cloned or restored."
        "Find the second disk and take it off; nothing is deleted meanwhile.";
    Restored "restored"
        "The disk of this terminal was put back to an older state."
        "It goes on as a new incarnation. Ask who restored it; where it says that it votes no more, replace it and start it with an empty directory.";
    SecondHolder "second_holder"
        "Another live terminal uses the number of this one."
        "Take one of the two off, or give it a number of its own.";
    WaitingForProof "waiting_for_proof"
        "Sales are on this disk only: nobody has confirmed yet how far its history goes."
        "Bring the cloud, the leader or another terminal in reach.";
    MistakenClaim "mistaken_claim"
        "Somebody states more than can be proved of what it holds."
        "Nothing is lost: look at who states it, and at whether it was restored.";
    RefusedByCloud "refused_by_cloud"
        "The cloud answers and refuses what this terminal uploads."
        "Read the reason; sales go on and wait here.";
    Quarantined "quarantined"
        "Events are stored here that this version cannot read."
        "Update this terminal; the events are kept and passed on.";
    Damaged "damaged"
        "Stored events do not match their hash: the disk is failing or was written by another program."
        "Replace the disk; what others hold is fetched again.";
    DatabaseDamaged "database_damaged"
        "The database of this terminal was damaged: what could be read of it was written anew, or will be at the next start."
        "Replace the disk. Keep the damaged file that lies beside the database until nothing is missing, and take it away then.";
    DiskBusy "disk_busy"
        "A write waits because another program holds the database."
        "End the program that holds it; the write is repeated until it succeeds.";
    DiskFull "disk_full"
        "The disk is full: sales under way are booked, new ones are refused."
        "Make room; it goes on by itself.";
    DiskLow "disk_low"
        "The disk is nearly full."
        "Make room before it is full.";
    ClockOff "clock_off"
        "The clock of this terminal or of a peer is far from the others."
        "Set the clock; prices set meanwhile may have to be set again.";
    ToleranceLost "tolerance_lost"
        "No majority of the store's terminals is heard: it decides nothing, and sells."
        "Switch the missing terminals on; replace one that is gone while a majority is left, and use the recovery kit where none is.";
    DecisionsLost "decisions_lost"
        "Terminals hold other decisions at the same places of the store's log: a leader was elected that lacked some, with the vote of a disk that had been put back."
        "Nothing sold is lost. Look at the exceptions on both sides, and put another box in the place of each terminal that the leader's side names, once its sales are at the others; where nobody leads, or `forked` says that the cloud holds other decisions, the recovery kit on one side first.";
    Replacing "replacing"
        "A terminal is being replaced, and the replacement waits."
        "Switch the other box on, or the old one off; say that it is planned where the old one shall sell on until then.";
    Exceptions "exceptions"
        "Counters are below their floor, or something was booked twice, and nobody has decided what is done about it."
        "Look at the open exceptions and at what is proposed, and resolve each.";
    Unsent "unsent"
        "A terminal that is gone for good has left events that nobody has."
        "Switch it on once more, or its disk in another box; write them off where it is lost.";
    LevelBehind "level_behind"
        "The store uses features that this version does not know."
        "Update this terminal; it sells meanwhile.";
    Insecure "insecure"
        "The connections of this terminal are neither encrypted nor authenticated."
        "Enrol the terminals of the store with its authority, and take `insecure` out of their configuration.";
    Certificate "certificate"
        "The certificate of this terminal ends soon or is not taken, or the roster does not list it or cannot be written."
        "Have the authority renew the certificate; a terminal that was revoked has to be enrolled again. Make room where the disk is full.";
    ModelMissing "model_missing"
        "A model that the application uses is not there."
        "Install the models again; the till works without them.";
}

/// What is wrong at this moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Finding {
    /// How many are concerned: events, chains, attempts; at least 1.
    pub count: u64,
    /// What it is about, in English: which chain, which peer, what the disk said. Nothing of a customer or a sale.
    pub about: String,
}

/// Something that someone must act on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// What it is.
    pub kind: ConditionKind,
    /// Since when, in ms since 1970 UTC by this terminal's clock.
    pub since_ms: u64,
    /// How many are concerned: events, chains, attempts.
    pub count: u64,
    /// What it is about, in English.
    pub about: String,
}

/// The conditions that hold.
#[derive(Debug, Default)]
pub(crate) struct Conditions {
    standing: BTreeMap<ConditionKind, Condition>,
}

impl Conditions {
    /// Takes what is found of this kind now. `Some` where the condition began, `true`, or ended with it.
    pub(crate) fn see(
        &mut self,
        now: Now,
        kind: ConditionKind,
        found: Option<Finding>,
    ) -> Option<(Condition, bool)> {
        let Some(Finding { count, mut about }) = found else {
            return self.standing.remove(&kind).map(|condition| (condition, false));
        };
        about.truncate(about.floor_char_boundary(MAX_ABOUT));
        if let Some(standing) = self.standing.get_mut(&kind) {
            (standing.count, standing.about) = (count, about);
            return None;
        }
        let condition = Condition { kind, since_ms: now.wall.0, count, about };
        self.standing.insert(kind, condition.clone());
        Some((condition, true))
    }

    /// Whether one of this kind holds.
    pub(crate) fn holds(&self, kind: ConditionKind) -> bool {
        self.standing.contains_key(&kind)
    }

    /// Those that hold, in the order of their kinds.
    pub(crate) fn standing(&self) -> impl Iterator<Item = &Condition> {
        self.standing.values()
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Time, WallMs};

    use super::*;

    fn at(ms: u64) -> Now {
        Now { mono: Time(ms), wall: WallMs(1_000_000 + ms) }
    }

    #[test]
    fn it_is_absent_before_present_during_and_gone_when_over() {
        let mut conditions = Conditions::default();
        let found = |count| Some(Finding { count, about: "1-000000000007/0".into() });
        assert_eq!(conditions.see(at(0), ConditionKind::Forked, None), None);
        let (began, holds) = conditions.see(at(5), ConditionKind::Forked, found(1)).expect("it begins");
        assert!(holds);
        assert_eq!(began.since_ms, 1_000_005);
        assert_eq!(conditions.see(at(9), ConditionKind::Forked, found(2)), None, "told once");
        let standing: Vec<_> = conditions.standing().cloned().collect();
        assert_eq!(standing, [Condition { count: 2, ..began }], "since it began, and how many there are now");
        let (ended, holds) = conditions.see(at(12), ConditionKind::Forked, None).expect("it ends");
        assert!(!holds);
        assert_eq!(ended.since_ms, 1_000_005);
        assert_eq!(conditions.standing().count(), 0);
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let mut conditions = Conditions::default();
        let about = format!("{}é", "a".repeat(MAX_ABOUT - 1));
        let finding = Finding { count: 1, about };
        let (condition, _) =
            conditions.see(at(0), ConditionKind::DiskFull, Some(finding)).expect("it begins");
        assert_eq!(condition.about.len(), MAX_ABOUT - 1);
    }

    #[test]
    fn the_page_has_every_condition() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/monitoring.md");
        let page = std::fs::read_to_string(page).expect("the page is there");
        for kind in ConditionKind::ALL {
            let row = format!("| `{}` | {} | {} |", kind.name(), kind.says(), kind.remedy());
            assert!(page.contains(&row), "docs/monitoring.md lacks {row}");
        }
    }
}
