//! A vendor's own event travels in the lane that the vendor names, and never as telemetry where it moves a counter.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{Lane, Now};
use edgepos::model::{Counter, CounterRow, Effect, StockState};
use edgepos::{Record, Refusal};
use support::{Till, WALL};

const NOW: Now = Now::new(1_000, WALL);

fn points(delta: i64) -> Effect {
    let row =
        CounterRow { counter: Counter::POINTS, location: 0, state: StockState::OnHand, key: b"c9".to_vec() };
    Effect::new(row, delta, None)
}

#[test]
fn the_lane_follows_from_what_it_does_or_is_named() {
    let mut till = Till::new(1, 1, NOW);
    let lane = |till: &mut Till, record| till.record(NOW, record).map(|id| id.chain.lane);
    assert_eq!(lane(&mut till, Record::custom(b"opened the lid".to_vec(), vec![])), Ok(Lane::Telemetry));
    assert_eq!(
        lane(&mut till, Record::custom(b"welcome gift".to_vec(), vec![points(5)])),
        Ok(Lane::Transactions)
    );
    assert_eq!(lane(&mut till, Record::custom_in(Lane::Prices, vec![], vec![points(5)])), Ok(Lane::Prices));
    assert_eq!(lane(&mut till, Record::custom_in(Lane::Telemetry, vec![], vec![])), Ok(Lane::Telemetry));
    let refused = lane(&mut till, Record::custom_in(Lane::Telemetry, vec![], vec![points(5)]));
    assert_eq!(refused, Err(Refusal::EffectsInTelemetry));
    assert_eq!(till.terminal.counter(&points(0).row()), Some(10), "what was refused moved nothing");
}
