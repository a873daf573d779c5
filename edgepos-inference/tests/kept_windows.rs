//! I4: the windows that the fraud model asks for, kept in one pass, are those that looking at every payment again would
//! give, and a restart at any moment changes nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use edgepos_inference::{CustomerKey, HistoryConfig, PaymentHistory};
use serde::Deserialize;
use support::golden;

#[derive(Deserialize)]
struct Case {
    at: u64,
    customer: u8,
    till: u32,
    amount: f64,
    fraud: bool,
    windows: [(u32, f64); 3],
    since: Option<u64>,
    till_payments: u32,
    shares: [f32; 2],
}

fn replay(cases: &[Case], mut restart: impl FnMut(usize, PaymentHistory) -> PaymentHistory) {
    let mut history = PaymentHistory::new(HistoryConfig::default());
    for (place, case) in cases.iter().enumerate() {
        history = restart(place, history);
        let who = CustomerKey([case.customer; 16]);
        let (customer, terminal) = history.observe(case.at, who, case.till, case.amount);
        // Known at once here; a window counts it a week later at the earliest.
        if case.fraud {
            history.mark_fraud(case.till, case.at);
        }
        let found = [customer.day, customer.week, customer.month];
        for (window, (payments, total)) in found.iter().zip(case.windows) {
            assert_eq!(window.payments, payments, "payment {place}");
            assert!((window.total - total).abs() < 1e-9 * total.max(1.0), "payment {place}: {window:?}");
        }
        assert_eq!(customer.seconds_since_last, case.since, "payment {place}");
        assert_eq!(terminal.payments_7d, case.till_payments, "payment {place}");
        let shares = [terminal.fraud_share_7d, terminal.fraud_share_30d];
        assert!(
            shares.iter().zip(case.shares).all(|(a, b)| (a - b).abs() < 1e-6),
            "payment {place}: {shares:?}"
        );
    }
}

#[test]
fn one_pass_gives_the_windows_of_looking_again_and_again() {
    let cases: Vec<Case> = golden("fraud_windows.json");
    assert!(cases.iter().any(|case| case.shares[0] > 0.0) && cases.iter().any(|case| case.since.is_none()));
    replay(&cases, |_, history| history);
}

#[test]
fn a_restart_before_any_payment_changes_nothing() {
    let cases: Vec<Case> = golden("fraud_windows.json");
    replay(&cases, |place, mut history| {
        history.set_position(place as u64);
        let restarted = PaymentHistory::from_bytes(HistoryConfig::default(), &history.to_bytes()).unwrap();
        assert_eq!(restarted, history);
        assert_eq!(restarted.position(), place as u64);
        restarted
    });
}
