//! Stores with something of a later version in them keep every rule: the seeds that every build runs.

use edgepos_sim::{Keep, LaterStyle, Plan, run, run_twice};

/// Unknown kinds, fields, decisions and frames beside today's, and a log so short that some seeds need snapshots; these do not.
#[test]
fn a_terminal_of_a_later_version_disturbs_nobody() {
    for seed in [2, 3] {
        let mut plan = Plan::from_seed(seed).with_later();
        plan.later = LaterStyle { terminal: Some(1), downgrades: false, behind: false };
        let outcome = run(plan, Keep::Hash);
        assert!(outcome.is_good(), "seed {seed}: {:?}", outcome.violations);
        assert!(outcome.sales > 0 && outcome.events > outcome.sales, "{outcome:?}");
    }
}

/// What was decided before a crash is applied at the start, when the disk does not hold its effects yet: these seeds restart often.
#[test]
fn todays_terminals_start_on_disks_that_a_later_version_has_used() {
    for seed in [4, 24] {
        let outcome = run(Plan::from_seed(seed).with_later(), Keep::Hash);
        assert!(outcome.is_good(), "seed {seed}: {:?}", outcome.violations);
        assert!(outcome.restarts > 0, "{outcome:?}");
    }
}

/// Where a snapshot took the place of the whole log, nothing on the disk says what the decisions before it were: the checker took them for
/// known.
#[test]
fn an_empty_log_says_nothing_of_earlier_decisions() {
    let outcome = run(Plan::from_seed(117).with_later(), Keep::Hash);
    assert!(outcome.is_good(), "{:?}", outcome.violations);
}

/// Two terminals that had been below the store's level handed the leadership to each other for ever, beside one that could lead.
#[test]
fn one_that_knows_the_places_of_decisions_comes_to_lead() {
    let outcome = run(Plan::from_seed(796_267_991_432).with_later(), Keep::Hash);
    assert!(outcome.is_good(), "{:?}", outcome.violations);
}

#[test]
fn a_later_version_follows_from_the_seed() {
    let plan = Plan { faults_us: 8_000_000, ..Plan::from_seed(6).with_later() };
    let outcome = run_twice(plan);
    assert!(outcome.is_good(), "{:?}", outcome.violations);
}
