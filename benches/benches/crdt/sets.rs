//! Joining sets of which a tenth was removed on one side and a tenth was added.

use std::time::Duration;

use crdts::{CmRDT, CvRDT, Dot, Orswot};
use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};
use edgepos_crdt::{OrSet, TxSet};

use crate::measure::{Side, compare};
use crate::store::{self, TERMINALS};
use crate::verdict::{Report, Target};

/// What one side did to the set that both had.
struct Work {
    members: u64,
}

impl Work {
    /// (terminal, seq, member): each terminal added its share.
    fn adds(&self) -> impl Iterator<Item = (usize, u64, u64)> + use<> {
        (0..self.members).map(|n| ((n % TERMINALS as u64) as usize, n / TERMINALS as u64 + 1, n))
    }

    fn removed(&self) -> impl Iterator<Item = (usize, u64, u64)> + use<> {
        self.adds().filter(|(_, seq, _)| seq % 10 == 3)
    }

    fn later(&self) -> impl Iterator<Item = (usize, u64, u64)> + use<> {
        let members = self.members;
        Self { members: members + members / 10 }.adds().skip(members as usize)
    }

    /// The sum of the members that are there in the end.
    fn truth(&self) -> u64 {
        let all = self.adds().chain(self.later()).map(|(_, _, member)| member).sum::<u64>();
        all - self.removed().map(|(_, _, member)| member).sum::<u64>()
    }
}

/// Each removal is an event of its own, of a sixteenth terminal.
fn tx_sets(work: &Work) -> (TxSet<u64>, TxSet<u64>) {
    let chains = store::chains();
    let mut old = TxSet::new();
    for (terminal, seq, member) in work.adds() {
        old.add(EventId::new(chains[terminal], Seq(seq)), member).expect("one event after the other");
    }
    let mut new = old.clone();
    let remover = Chain::new(ReplicaId::new(16, 1), Lane::Transactions);
    for (number, (terminal, seq, _)) in (1..).zip(work.removed()) {
        let target = EventId::new(chains[terminal], Seq(seq));
        new.remove(EventId::new(remover, Seq(number)), [target]).expect("it is there");
    }
    for (terminal, seq, member) in work.later() {
        new.add(EventId::new(chains[terminal], Seq(seq)), member).expect("one event after the other");
    }
    (old, new)
}

fn orswots(work: &Work) -> (Orswot<u64, u8>, Orswot<u64, u8>) {
    let add = |set: &mut Orswot<u64, u8>, (terminal, seq, member): (usize, u64, u64)| {
        let members = vec![member];
        set.apply(crdts::orswot::Op::Add { dot: Dot::new(terminal as u8, seq), members });
    };
    let mut old = Orswot::new();
    work.adds().for_each(|one| add(&mut old, one));
    let mut new = old.clone();
    for (terminal, seq, member) in work.removed() {
        let clock = Dot::new(terminal as u8, seq).into();
        new.apply(crdts::orswot::Op::Rm { clock, members: vec![member] });
    }
    work.later().for_each(|one| add(&mut new, one));
    (old, new)
}

pub(crate) fn run(report: &mut Report) {
    for (members, rounds, target) in
        [(10_000, 31, Target::None), (100_000, 15, Target::None), (1_000_000, 5, Target::PeerOverOurs(200.0))]
    {
        let work = Work { members };
        let (named, general) = (named(&work, rounds), general(&work, rounds));
        let what = format!("join of two sets of {members} members, a tenth removed, a tenth new");
        report.times(format!("`TxSet`: {what}"), "`crdts::Orswot`", named, target);
        report.times(format!("`OrSet`: {what}"), "`crdts::Orswot`", general, Target::None);
    }
}

fn named(work: &Work, rounds: usize) -> (Duration, Duration) {
    let (old, new) = tx_sets(work);
    let truth = work.truth();
    let ours = Side::new(
        || old.clone(),
        |set: &mut TxSet<u64>| assert_eq!(set.join(&new), Ok(true)),
        |set| assert_eq!(set.iter().map(|(_, member)| *member).sum::<u64>(), truth),
    );
    compare(rounds, ours, orswot_joining(work))
}

fn general(work: &Work, rounds: usize) -> (Duration, Duration) {
    let (old, new) = tx_sets(work);
    let (old, new) = (OrSet::from(old), OrSet::from(new));
    let truth = work.truth();
    let ours = Side::new(
        || old.clone(),
        |set: &mut OrSet<u64>| assert_eq!(set.join(&new), Ok(true)),
        |set| assert_eq!(set.iter().sum::<u64>(), truth),
    );
    compare(rounds, ours, orswot_joining(work))
}

fn orswot_joining<'a>(work: &Work) -> Side<'a, (Orswot<u64, u8>, Orswot<u64, u8>)> {
    let (old, new) = orswots(work);
    let truth = work.truth();
    Side::new(
        // Their merge takes its argument: the clone is made before and not timed.
        move || (old.clone(), new.clone()),
        |(set, other)| CvRDT::merge(set, std::mem::take(other)),
        move |(set, _)| assert_eq!(set.iter().map(|entry| *entry.val).sum::<u64>(), truth),
    )
}
