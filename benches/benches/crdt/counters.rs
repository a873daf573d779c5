//! Merging single counters of 15 terminals.

use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use crdts::{CmRDT, CvRDT, PNCounter};
use edgepos_core::{EventId, Jitter, Seq};
use edgepos_crdt::PnCounter;

use crate::measure::{Side, compare, compare_warm};
use crate::store;
use crate::verdict::{Report, Target};

const ROUNDS: usize = 15;

type Ours = (Vec<PnCounter>, Vec<PnCounter>);
type Theirs<A> = (Vec<PNCounter<A>>, Vec<PNCounter<A>>);

/// (counter, terminal, taken in, sold, sold later): each terminal has moved each counter both ways, and some once more.
fn amounts(count: usize) -> impl Iterator<Item = (usize, usize, i64, i64, i64)> {
    let mut jitter = Jitter::new(5);
    (0..count).flat_map(move |counter| (0..store::TERMINALS).map(move |terminal| (counter, terminal))).map(
        move |(counter, terminal)| {
            let mut amount = || jitter.range(1, 90) as i64;
            let (taken_in, sold, more) = (amount(), -amount(), -amount());
            (counter, terminal, taken_in, sold, if more % 3 == 0 { more } else { 0 })
        },
    )
}

fn ours(count: usize) -> Ours {
    let chains = store::chains();
    let (mut old, mut new) = (vec![PnCounter::new(); count], vec![PnCounter::new(); count]);
    for (counter, terminal, taken_in, sold, more) in amounts(count) {
        let add = |list: &mut [PnCounter], round: u64, amount| {
            let dot = EventId::new(chains[terminal], Seq(round * 1_000_000 + counter as u64 + 1));
            list[counter].apply(dot, amount).expect("one event after the other");
        };
        for list in [&mut old, &mut new] {
            add(list, 0, taken_in);
            add(list, 1, sold);
        }
        if more != 0 {
            add(&mut new, 2, more);
        }
    }
    // Copies lie in memory as densely as if they had just been read from the disk.
    (old.clone(), new.clone())
}

fn theirs<A: Ord + Clone + Hash + Debug>(count: usize, actors: &[A]) -> Theirs<A> {
    let (mut old, mut new) = (vec![PNCounter::new(); count], vec![PNCounter::new(); count]);
    let add = |counter: &mut PNCounter<A>, terminal: usize, amount: i64| {
        let actor = actors[terminal].clone();
        let op = match amount {
            0.. => counter.inc_many(actor, amount.unsigned_abs()),
            _ => counter.dec_many(actor, amount.unsigned_abs()),
        };
        counter.apply(op);
    };
    for (counter, terminal, taken_in, sold, more) in amounts(count) {
        for amount in [taken_in, sold] {
            add(&mut old[counter], terminal, amount);
            add(&mut new[counter], terminal, amount);
        }
        add(&mut new[counter], terminal, more);
    }
    (old.clone(), new.clone())
}

fn truth(count: usize) -> Vec<i64> {
    let mut values = vec![0; count];
    amounts(count).for_each(|(counter, _, taken_in, sold, more)| values[counter] += taken_in + sold + more);
    values
}

/// Who makes the copy that the peer's merge consumes.
#[derive(Clone, Copy, PartialEq)]
enum Copy {
    /// The preparation, which is not timed.
    Before,
    /// The merge, since the other side keeps its state: ours takes it by reference.
    Timed,
}

pub(crate) fn run(report: &mut Report) {
    let bytes: Vec<u8> = (0..store::TERMINALS as u8).collect();
    let chains = store::chains();
    let (byte, chain) = ("`crdts`, a byte as actor", "`crdts`, our chain as actor");
    let cold = "merge of one counter of 15 terminals, out of 100,000 that do not fit in the cache";
    let target = Target::PeerOverOurs(17.0);
    report.times(cold, byte, many(100_000, &bytes, Copy::Timed), target);
    report.times("the same, its copy made before", byte, many(100_000, &bytes, Copy::Before), Target::None);
    report.times("the same, its copy made before", chain, many(100_000, &chains, Copy::Before), Target::None);
    let warm = "merge of one counter of 15 terminals, out of 200 that do fit in the cache";
    report.times(warm, byte, many(200, &bytes, Copy::Timed), target);
    report.times("the same, its copy made before", byte, many(200, &bytes, Copy::Before), Target::None);
}

/// Merges each counter of one list into its like of the other, each into a state that has not seen it. The time of one merge.
fn many<A: Ord + Clone + Hash + Debug>(count: usize, actors: &[A], copy: Copy) -> (Duration, Duration) {
    let values = truth(count);
    let (old, new) = ours(count);
    let ours = Side::new(
        || old.clone(),
        |list| {
            for (mine, theirs) in list.iter_mut().zip(&new) {
                PnCounter::merge(mine, theirs).expect("single writers");
            }
        },
        |list| assert!(list.iter().zip(&values).all(|(counter, value)| counter.value() == Ok(*value))),
    );
    let (old, new) = theirs(count, actors);
    let theirs: Side<'_, Theirs<A>> = Side::new(
        || (old.clone(), if copy == Copy::Before { new.clone() } else { Vec::new() }),
        |(list, copies)| {
            if copy == Copy::Before {
                list.iter_mut().zip(copies.drain(..)).for_each(|(mine, theirs)| CvRDT::merge(mine, theirs));
            } else {
                list.iter_mut().zip(&new).for_each(|(mine, theirs)| CvRDT::merge(mine, theirs.clone()));
            }
        },
        |(list, _)| {
            assert!(list.iter().zip(&values).all(|(counter, value)| counter.read() == (*value).into()));
        },
    );
    let (a, b) =
        if count < 1_000 { compare_warm(ROUNDS * 40, ours, theirs) } else { compare(ROUNDS, ours, theirs) };
    (a / count as u32, b / count as u32)
}
