//! A week of somebody's payments, and how each is scored. Needs no feature: the tree engine is always there.
//!
//! ```text
//! cargo run --release -p edgepos-inference --no-default-features --example score_payment
//! ```

use std::path::Path;

use edgepos_inference::{
    CustomerKey, FraudConfig, FraudScorer, HistoryConfig, LocalTime, Outcome, Payment, PaymentHistory,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models");
    let scorer = FraudScorer::load(&models, FraudConfig::default())?;
    println!("{}\n", scorer.report());
    let mut history = PaymentHistory::new(HistoryConfig::default());
    let somebody = CustomerKey([1; 16]);
    // Groceries each evening; then eight purchases within ten minutes of a night.
    let evenings = (0..7_u32).map(|day| (u64::from(day) * 86_400 + 64_800, 31.5 + f64::from(day)));
    let night = (0..8_u32).map(|number| (7 * 86_400 + 7_200 + u64::from(number) * 75, 480.0));
    for (at, amount) in evenings.chain(night) {
        let (customer, at_terminal) = history.observe(at, somebody, 1, amount);
        let payment = Payment {
            amount,
            card_present: true,
            time: LocalTime {
                weekday: u8::try_from(at / 86_400 % 7)?,
                second_of_day: u32::try_from(at % 86_400)?,
            },
            billing: None,
            shipping: None,
            terminal: None,
            customer,
            at_terminal,
        };
        match scorer.score(&payment) {
            Outcome::Answer(found) => {
                let verdict = if found.suspicious { "suspicious" } else { "usual" };
                println!("day {} {amount:7.2}  {:.3}  {verdict}", at / 86_400, found.score);
            }
            Outcome::Fallback { action, reason } => println!("{action:?}: {reason}"),
        }
    }
    Ok(())
}
