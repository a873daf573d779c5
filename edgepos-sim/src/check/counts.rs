//! Counts of one product that were made at the same time take off what is missing once.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::EventId;

use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView};

/// Each count whose author is still there stands or is taken back, as the counts that it did not know of want it.
pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let facts = Facts::of(view.events());
    let authors: BTreeSet<_> =
        view.terminals.iter().filter(|terminal| !terminal.later).map(|terminal| terminal.author).collect();
    // What an author has said last of a count and a product: its chain is in order.
    let mut said: BTreeMap<(EventId, &str), bool> = BTreeMap::new();
    for (id, settled) in &facts.settled {
        if settled.count.chain.replica == facts.first_name(*id).chain.replica {
            said.insert((settled.count, settled.product.as_str()), settled.stands);
        }
    }
    for (of, counts) in by_product(&facts) {
        for (event, difference, stands) in standing(&facts, counts) {
            // One that was written again may have been settled under either name.
            let says = |event| said.get(&(event, of.1)).copied();
            let says = says(event).or_else(|| says(facts.first_name(event))).unwrap_or(true);
            if difference != 0 && says != stands && authors.contains(&event.chain.replica) {
                let what = format!("count {event} of {} stands: {says}, and should: {stands}", of.1);
                found.push(Violation::new(Rule::OneCount, what));
            }
        }
    }
}

/// Where the counts of each product at a place are among the facts, with the difference that each has found.
fn by_product(facts: &Facts) -> BTreeMap<(u32, &str), Vec<(usize, i64)>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (at, (_, _, counted)) in facts.counts.iter().enumerate() {
        for line in &counted.lines {
            let difference = line.counted - line.expected.unwrap_or(0);
            all.entry((counted.location, line.product.as_str())).or_default().push((at, difference));
        }
    }
    all
}

/// One stands where each later one that does has seen it.
fn standing(facts: &Facts, mut counts: Vec<(usize, i64)>) -> Vec<(EventId, i64, bool)> {
    let stamp = |at: usize| (facts.counts[at].1, facts.counts[at].0);
    counts.sort_by_key(|(at, _)| std::cmp::Reverse(stamp(*at)));
    let mut later: Vec<usize> = Vec::new();
    let mut judged = Vec::new();
    for (at, difference) in counts {
        let event = facts.counts[at].0;
        let first = facts.first_name(event);
        let stands = later.iter().all(|other| {
            let seen = facts.counts[*other].2.as_of();
            seen.covers(event) || seen.covers(first)
        });
        if stands {
            later.push(at);
        }
        judged.push((event, difference, stands));
    }
    judged
}
