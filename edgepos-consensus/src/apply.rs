//! What a decided entry does: the same on every terminal.

use edgepos_core::{Term, Write};

use crate::decisions::Verdict;
use crate::entry::{Entry, Numbered, Proposal};
use crate::io::{Decision, Notice, Output};
use crate::members::MembersChange;
use crate::turn::{Turn, tell_members};

/// Hands out each decision once, in the order of the log. The rows go with the write that follows.
pub(crate) fn entries(turn: &mut Turn<'_>, committed: Vec<Entry>, writes: &mut Vec<Write>) {
    let Some(last) = committed.last().map(|entry| entry.index) else { return };
    for entry in committed {
        if let Some(change) = entry.members_change() {
            change_members(turn, change, writes);
        } else if let Some(numbered) = entry.proposal() {
            decide(turn, &entry, numbered, writes);
        }
    }
    turn.raft.log_mut().set_applied(last, writes);
}

fn decide(turn: &mut Turn<'_>, entry: &Entry, numbered: Numbered, writes: &mut Vec<Write>) {
    let verdict = turn.raft.log_mut().judge(entry.index, &numbered, writes);
    let Numbered { key, proposal: Proposal { kind, bytes, .. }, level } = numbered;
    match verdict {
        Verdict::PassedOver => {}
        Verdict::Refused { base, current } => {
            turn.out.tell(Notice::ProposalRefused { key, kind, base, current });
        }
        Verdict::Raised => {
            turn.out.tell(Notice::LevelRaised { level });
            resign_if_unfit(turn);
        }
        Verdict::Taken => {
            let (index, term) = (entry.index, Term(entry.term));
            turn.out.push(Output::Apply(Decision { index, term, key, kind, bytes }));
        }
    }
}

fn change_members(turn: &mut Turn<'_>, change: MembersChange, writes: &mut Vec<Write>) {
    if !turn.raft.apply_members(change, writes) {
        return;
    }
    tell_members(turn);
    resign_if_unfit(turn);
}

/// A terminal that lost its vote by a decision, or does not know the rules of the next ones, must not lead.
fn resign_if_unfit(turn: &mut Turn<'_>) {
    let fit = turn.raft.votes() && !turn.raft.log().is_beyond();
    if turn.leads() && !fit {
        turn.raft.resign();
    }
}
