//! Each part is broken on purpose once, and the checker that it is about must notice: a simulation that cannot fail shows nothing.

use edgepos_sim::{Keep, Plan, Rule, Sabotage, run};

/// The rules that the first seeds break with this sabotage.
fn broken(sabotage: Sabotage, seeds: std::ops::Range<u64>, change: impl Fn(&mut Plan)) -> Vec<Rule> {
    let mut rules: Vec<Rule> = seeds
        .flat_map(|seed| {
            let mut plan = Plan::from_seed(seed).with_sabotage(sabotage);
            plan.terminals = 3;
            plan.faults_us = 20_000_000;
            change(&mut plan);
            run(plan, Keep::Hash).violations
        })
        .map(|violation| violation.rule)
        .collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[test]
fn a_disk_that_reports_too_early_loses_receipts() {
    let rules = broken(Sabotage::DiskReportsEarly, 5..9, |plan| {
        plan.faults.crash = true;
        plan.faults.power = true;
        plan.faults.pause_us = 2_000_000;
        plan.till.pause_us = 300_000;
    });
    // What such a disk forgot of others' chains or of the store's comes once more, and is reported as recorded once more.
    assert_eq!(rules, [Rule::NothingLost, Rule::NothingTwice]);
}

/// A chain has a gap on its own disk. The terminal that reads it finds the gap and says so, before any receipt is looked for.
#[test]
fn a_disk_that_drops_an_event_is_told_by_its_terminal() {
    let rules = broken(Sabotage::DiskDropsEvent, 9..10, |_| ());
    assert_eq!(rules, [Rule::Alive]);
}

#[test]
fn a_counter_that_is_moved_twice_is_noticed() {
    let rules = broken(Sabotage::CountTwice, 0..8, |_| ());
    assert_eq!(rules, [Rule::NothingTwice]);
}

#[test]
fn a_cloud_that_forgets_is_noticed() {
    let rules = broken(Sabotage::CloudForgets, 2..3, |_| ());
    // What was acknowledged is not there, its chain has a gap there, and the cloud holds less than the tills.
    assert_eq!(rules, [Rule::NothingLost, Rule::NothingTwice, Rule::Converged]);
}

#[test]
fn a_cloud_that_stays_away_breaks_liveness() {
    let rules = broken(Sabotage::CloudStaysAway, 0..1, |plan| plan.deadline_us = 30_000_000);
    assert_eq!(rules, [Rule::Liveness]);
}
