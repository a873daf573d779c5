//! Whole stores, for the seeds that every build runs. The release build runs hundreds.

use edgepos_sim::{Keep, Plan, run};

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
