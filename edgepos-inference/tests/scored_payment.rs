//! I4, I5: a payment becomes the model's 20 features as the training script computes them, and a score.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use edgepos_inference::{
    Action, CustomerHistory, FRAUD_FEATURES, FraudConfig, FraudScorer, LoadError, LocalTime, Manifest,
    Outcome, Payment, Place, Reason, TerminalHistory, Window,
};
use serde::Deserialize;
use support::{any_speed, copy_of_models, golden, models, patient};

#[derive(Deserialize)]
struct Case {
    amount: f64,
    cnp: bool,
    second: u32,
    weekday: u8,
    places: [[f64; 2]; 3],
    counts: [u32; 3],
    totals: [f64; 3],
    since: Option<u64>,
    terminal: (u32, f32, f32),
    features: Vec<f32>,
}

fn payment(case: &Case) -> Payment {
    let place = |[latitude, longitude]: [f64; 2]| Some(Place { latitude, longitude });
    let window = |index: usize| Window { payments: case.counts[index], total: case.totals[index] };
    Payment {
        amount: case.amount,
        card_present: !case.cnp,
        time: LocalTime { weekday: case.weekday, second_of_day: case.second },
        billing: place(case.places[0]),
        shipping: place(case.places[1]),
        terminal: place(case.places[2]),
        customer: CustomerHistory {
            day: window(0),
            week: window(1),
            month: window(2),
            seconds_since_last: case.since,
        },
        at_terminal: TerminalHistory {
            payments_7d: case.terminal.0,
            fraud_share_7d: case.terminal.1,
            fraud_share_30d: case.terminal.2,
        },
    }
}

fn config() -> FraudConfig {
    FraudConfig { worker: patient(), placement: any_speed(), ..FraudConfig::default() }
}

#[test]
fn features_equal_the_training_scripts() {
    let cases: Vec<Case> = golden("fraud_features.json");
    for case in &cases {
        let features = payment(case).features().unwrap();
        for ((name, found), expected) in FRAUD_FEATURES.iter().zip(features).zip(&case.features) {
            let tolerance = 1e-6 * expected.abs().max(1.0);
            assert!((found - expected).abs() <= tolerance, "{name}: {found} instead of {expected}");
        }
    }
}

#[test]
fn a_usual_purchase_scores_low_and_a_conspicuous_one_high() {
    let scorer = FraudScorer::load(&models(), config()).unwrap();
    assert_eq!(scorer.report().engine, "trees");
    let cases: Vec<Case> = golden("fraud_features.json");
    let mut usual = payment(&cases[0]);
    usual.amount = 24.9;
    usual.card_present = true;
    usual.time = LocalTime { weekday: 1, second_of_day: 11 * 3600 };
    usual.shipping = None;
    usual.terminal = usual.billing;
    usual.customer.day = Window { payments: 1, total: 24.9 };
    usual.customer.week = Window { payments: 6, total: 180.0 };
    usual.customer.month = Window { payments: 25, total: 700.0 };
    usual.customer.seconds_since_last = Some(90_000);
    usual.at_terminal = TerminalHistory { payments_7d: 8, fraud_share_7d: 0.0, fraud_share_30d: 0.0 };
    let mut strange = usual.clone();
    strange.amount = 900.0;
    strange.customer.day = Window { payments: 9, total: 6000.0 };
    strange.customer.week = Window { payments: 14, total: 6155.0 };
    strange.customer.month = Window { payments: 33, total: 6680.0 };
    strange.customer.seconds_since_last = Some(40);
    // Nearly all frauds since a week or so: in the simulators a terminal is bad for four weeks.
    strange.at_terminal = TerminalHistory { payments_7d: 8, fraud_share_7d: 0.9, fraud_share_30d: 0.3 };
    let score = |payment: &Payment| scorer.score(payment).answer().unwrap();
    let (low, high) = (score(&usual), score(&strange));
    assert!(low.score < 0.1 && !low.suspicious, "{low:?}");
    assert!(high.score > 0.9 && high.suspicious, "{high:?}");
}

#[test]
fn nonsense_is_not_scored() {
    let scorer = FraudScorer::load(&models(), config()).unwrap();
    let cases: Vec<Case> = golden("fraud_features.json");
    let sound = payment(&cases[0]);
    let spoil: [fn(&mut Payment); 8] = [
        |payment| payment.amount = f64::NAN,
        |payment| payment.amount = -1.0,
        |payment| payment.amount = f64::MAX,
        |payment| payment.time.weekday = 7,
        |payment| payment.time.second_of_day = 90_000,
        |payment| payment.customer.month.payments = 0,
        |payment| payment.billing = Some(Place { latitude: 91.0, longitude: 0.0 }),
        |payment| payment.at_terminal.fraud_share_7d = f32::INFINITY,
    ];
    for (number, spoil) in spoil.iter().enumerate() {
        let mut payment = sound.clone();
        spoil(&mut payment);
        let outcome = scorer.score(&payment);
        let expected = Outcome::Fallback { action: Action::ProceedUnscored, reason: Reason::Input };
        assert_eq!(outcome, expected, "case {number}");
    }
}

#[test]
fn a_model_with_other_features_is_refused() {
    let models = copy_of_models();
    let mut manifest = Manifest::read(models.path()).unwrap();
    let entry = manifest.models.iter_mut().find(|entry| entry.task.0 == "fraud").unwrap();
    entry.features.as_mut().unwrap().swap(0, 19);
    std::fs::write(models.path().join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    let error = FraudScorer::load(models.path(), config()).unwrap_err();
    assert!(matches!(error, LoadError::Unsuitable { .. }), "{error}");
}
