//! Whole stores, for the seeds that every build runs. The release build runs hundreds.

use edgepos_sim::{Keep, Plan, run};

/// Two terminals, which lose their majority with either one, at every distance from the cloud that gives them the upload lease.
#[test]
fn stores_of_two_keep_every_rule_however_far_the_cloud_is() {
    for one_way_ms in [5, 40, 80, 300] {
        let mut plan = Plan::from_seed(300 + one_way_ms);
        plan.terminals = 2;
        plan.cloud.delay_us = one_way_ms * 1000;
        (plan.faults_us, plan.faults.pause_us) = (40_000_000, 4_000_000);
        (plan.faults.power, plan.faults.crash) = (true, true);
        let outcome = run(plan, Keep::Hash);
        assert!(outcome.is_good(), "seed {}: {:?}", outcome.seed, outcome.violations);
        assert!(outcome.sales > 0 && outcome.restarts > 0, "{outcome:?}");
    }
}

/// Answers that a stalled process held up looked like distance: the leader asked for a lease of seconds, and took itself for entitled
/// long after it was alone. No lease is longer than two seconds.
#[test]
fn a_stall_is_no_distance() {
    let outcome = run(Plan::from_seed(163), Keep::Hash);
    assert!(outcome.is_good(), "seed {}: {:?}", outcome.seed, outcome.violations);
}

/// A leader that at no instant reached a majority, but whose majority had each promised within its lease, was called dishonest: who
/// may decide follows from promises, not from the network.
#[test]
fn promises_outlast_the_network() {
    let outcome = run(Plan::from_seed(1_795_944_963_239), Keep::Hash);
    assert!(outcome.is_good(), "seed {}: {:?}", outcome.seed, outcome.violations);
}

/// A new leader's first question asks for the lease of its last leadership, and counted for the one that was measured since: for 42 ms it
/// was entitled without the promises of a majority.
#[test]
fn a_first_question_counts_for_what_it_asked() {
    let outcome = run(Plan::from_seed(88), Keep::Hash);
    assert!(outcome.is_good(), "seed {}: {:?}", outcome.seed, outcome.violations);
}

#[test]
fn stores_of_every_size_keep_every_rule() {
    for terminals in [2, 3, 5] {
        let mut plan = Plan::from_seed(100 + terminals as u64);
        plan.terminals = terminals;
        plan.faults_us = 15_000_000;
        let outcome = run(plan, Keep::Hash);
        assert!(outcome.is_good(), "seed {}: {:?}", outcome.seed, outcome.violations);
        assert!(outcome.sales > 0 && outcome.events > outcome.sales, "{outcome:?}");
    }
}
