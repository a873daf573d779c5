//! Counts of one product that were made at the same time take off what is missing once.

use std::collections::{BTreeMap, BTreeSet};

use edgepos_core::EventId;

use super::rule::{Rule, Violation};
use super::view::{Facts, StoreView};

/// Each count whose author is still there stands or is taken back, as the one wants it that no other had seen, the latest of those: what
/// that one had seen stays as it had seen it, and nothing else counts beside it.
pub(super) fn check(view: &StoreView, found: &mut Vec<Violation>) {
    let facts = Facts::of(view.events());
    let authors: BTreeSet<_> =
        view.terminals.iter().filter(|terminal| !terminal.later).map(|terminal| terminal.author).collect();
    for ((_, product), counts) in by_product(&facts) {
        let has_seen = |by: usize, id: EventId| {
            let seen = facts.counts[by].2.as_of();
            seen.covers(id) || seen.covers(facts.first_name(id))
        };
        let event = |at: usize| facts.counts[at].0;
        let is_seen = |at: usize| counts.iter().any(|(by, _)| *by != at && has_seen(*by, event(at)));
        let last = counts.iter().map(|(at, _)| *at).filter(|at| !is_seen(*at));
        let Some(last) = last.max_by_key(|at| (facts.counts[*at].1, event(*at))) else { continue };
        for (at, difference) in &counts {
            let of = event(*at);
            let said = said(&facts, of, product);
            let says = said.last().is_none_or(|(_, stands)| *stands);
            let stood =
                || said.iter().rev().find(|(id, _)| has_seen(last, *id)).is_none_or(|(_, stands)| *stands);
            let stands = *at == last || has_seen(last, of) && stood();
            if *difference != 0 && says != stands && authors.contains(&of.chain.replica) {
                let what = format!("count {of} of {product} stands: {says}, and should: {stands}");
                found.push(Violation::new(Rule::OneCount, what));
            }
        }
    }
}

/// What the author of a count has said of a product, in the order of its chain. It may have been written again, and so may the count.
fn said(facts: &Facts, count: EventId, product: &str) -> Vec<(EventId, bool)> {
    let names = [count, facts.first_name(count)];
    let of_it = facts.settled.iter().filter(|(id, settled)| {
        let own = settled.count.chain.replica == facts.first_name(*id).chain.replica;
        own && settled.product == product && names.contains(&settled.count)
    });
    of_it.map(|(id, settled)| (*id, settled.stands)).collect()
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
