//! Stores in which a disk is put back to an older image: the seed that every build runs. An optimised build runs a hundred in a minute,
//! and `.ci/run` does.

use edgepos_sim::{Keep, Plan, Rule, Sabotage, run, run_twice};

/// What seeds 4, 61, 74, 76, 79, 95, 98, 104, 240, 296 and 329 broke once: the cloud alone held the last event of a chain, and what was here counted as waiting for it for ever; a
/// branch of the till's own old chain was looked into once and never again; a sale that was written again was not seen to be booked
/// elsewhere as well; a voter that had forgotten its vote gave another in the same term; a greeting that was late, and overtaken by what it
/// did not state yet, kept two voters apart for ever; one that knew that its disk had gone back elected a third that lacked a decision (104,
/// 296); a void took back another sale of one name (61); a signature of another till's receipt of one number was taken for its own (98);
/// a page that came down was waited for without a pause (329); a counter said that it held what had come in the place of a branch that left
/// in two steps, and the sale was quarantined (76, 240). Of these seeds, which are minutes without optimisation, the first runs here
/// and all do in `.ci/run`.
#[test]
fn what_anybody_holds_is_booked_once_and_reaches_the_cloud() {
    let outcome = run(Plan::from_seed(4).with_images(), Keep::Hash);
    assert!(outcome.is_good(), "{:?}", outcome.violations);
    assert!(outcome.sales > 0 && outcome.restarts > 0, "{outcome:?}");
}

#[test]
fn a_disk_that_is_put_back_follows_from_the_seed() {
    let plan = Plan { faults_us: 20_000_000, ..Plan::from_seed(6).with_images() };
    let outcome = run_twice(plan);
    assert!(outcome.is_good(), "{:?}", outcome.violations);
}

/// Two of three decided otherwise what the third had decided with a disk that was put back, and the cloud has what the two did (53, 247):
/// another box takes the third's place. Where the cloud has what the third did (231, 232, 293), the recovery kit begins another generation.
/// Both ends of that were found here: a newcomer of that generation decided once more what was decided before, and what had been raised
/// before and ended since was open again after a restart (231). Of these the first runs here, and all do in `.ci/run`.
#[test]
fn an_operator_ends_what_two_sides_have_decided_otherwise() {
    let outcome = run(Plan::from_seed(53).with_images(), Keep::Hash);
    assert!(outcome.is_good(), "{:?}", outcome.violations);
    assert!(outcome.sales > 0, "{outcome:?}");
}

/// A cloud that was put back and publishes before it is asked writes a chain of its own otherwise. A terminal that had heard of the first
/// one took what the second has for lost, wrote it again, and took it for lost whenever it came.
#[test]
fn what_a_past_life_of_the_cloud_claimed_loses_no_branch() {
    let outcome = run(Plan::from_seed(53).with_boxes(), Keep::Hash);
    assert!(outcome.is_good(), "{:?}", outcome.violations);
}

/// The rules are softer where disks are put back, and still hold what was acknowledged against the cloud.
#[test]
fn a_cloud_that_forgets_is_noticed_all_the_same() {
    let plan = Plan::from_seed(0).with_images().with_sabotage(Sabotage::CloudForgets);
    let rules: Vec<Rule> = run(plan, Keep::Hash).violations.iter().map(|violation| violation.rule).collect();
    assert!(rules.contains(&Rule::NothingLost) || rules.contains(&Rule::Liveness), "{rules:?}");
}
