//! Managers resolve exceptions at random under all faults: each episode has one resolution with effect, the same everywhere.

use edgepos_sim::{Keep, Plan, run};

/// Tills that cannot hear each other for a while run out of goods, book one basket twice, and their managers decide about it at once.
#[test]
fn managers_at_several_tills_resolve_each_exception_once() {
    let (mut resolved, mut overruled) = (0, 0);
    for seed in 900..906 {
        let mut plan = Plan::from_seed(seed);
        plan.terminals = 3 + (seed % 3) as usize;
        (plan.faults_us, plan.till.pause_us) = (30_000_000, 300_000);
        plan.till.lost_reply_ppm = 100_000;
        let outcome = run(plan, Keep::Hash);
        assert!(outcome.is_good(), "seed {seed}: {:?}", outcome.violations);
        resolved += outcome.resolved;
        overruled += outcome.overruled;
    }
    assert!(resolved > 20, "{resolved} decisions counted");
    assert!(overruled > 0, "no two managers decided about one exception");
}
