//! A resolver that has a model look at the sales that are involved.

use std::sync::Arc;

use async_trait::async_trait;
use edgepos_core::EventId;
use edgepos_inference::{
    CustomerHistory, FraudScore, FraudScorer, LocalTime, Outcome, Payment, Priority, TerminalHistory, Window,
};

use crate::model::{ActionCode, Advice, Envelope, ExceptionType, Fallback, Score, Transaction};
use crate::ports::{Case, Resolver};
use crate::retail::exception::policy::Rules;

const DAY_S: i64 = 86_400;

/// Asks the fraud model how suspicious each involved sale looks, on the inference worker, and names the one that looks worst. What is to be
/// done stays the rules' to say, but for a suspicious sale in an exception that a sale can be blamed for: that one is proposed to be voided.
///
/// Of the model's features a sale has the amount and the time; of the customer's and the terminal's past it has nothing, so that each counts
/// as a first payment. The scores rank the sales of one exception; they are no verdict about a customer.
#[derive(Debug)]
pub struct ScoredResolver {
    scorer: Arc<FraudScorer>,
    name: String,
}

impl ScoredResolver {
    /// A resolver that has this scorer look, and calls it by this name in what it proposes.
    pub fn new(scorer: impl Into<Arc<FraudScorer>>, name: impl Into<String>) -> Self {
        Self { scorer: scorer.into(), name: name.into() }
    }

    async fn score(&self, event: EventId, payment: &Payment) -> Option<(Score, bool)> {
        match self.scorer.score_async(Priority::Background, payment).await {
            Outcome::Answer(FraudScore { score, suspicious, .. }) => {
                let per_mille = (score.clamp(0.0, 1.0) * 1_000.0).round() as u16;
                Some((Score { event, per_mille }, suspicious))
            }
            Outcome::Fallback { .. } => None,
        }
    }
}

#[async_trait]
impl Resolver for ScoredResolver {
    async fn advise(&self, case: &Case) -> Advice {
        let rules = Rules.advise(&case.raised);
        let fall_back = |fallback| Advice { fallback: Some(fallback), ..rules.clone() };
        if case.sales.is_empty() {
            return fall_back(Fallback::NO_SALES);
        }
        let payments: Vec<_> =
            case.sales.iter().filter_map(|(id, envelope)| Some((*id, payment(envelope)?))).collect();
        if payments.is_empty() {
            return fall_back(Fallback::NO_FEATURES);
        }
        let mut scored = Vec::new();
        for (id, payment) in &payments {
            let Some(score) = self.score(*id, payment).await else {
                return fall_back(Fallback::NO_MODEL);
            };
            scored.push(score);
        }
        advice(rules, case.raised.exception, &self.name, scored)
    }
}

/// What the rules say, with the sale that looks worst; where scores are equal, the later one by its id.
fn advice(rules: Advice, exception: ExceptionType, by: &str, scored: Vec<(Score, bool)>) -> Advice {
    let worst = scored.iter().max_by_key(|(score, _)| (score.per_mille, score.event)).copied();
    let Some((worst, suspicious)) = worst else { return rules };
    // Goods that are missing on record have left all the same: there the record is to be mended.
    let blames = matches!(
        exception,
        ExceptionType::RETURNED_TWICE | ExceptionType::REFUNDED_TWICE | ExceptionType::UNREFERENCED
    );
    let says = match suspicious {
        true => format!("{} looks suspicious, with {} of 1,000", worst.event, worst.per_mille),
        false => format!("no sale looks suspicious; the highest has {} of 1,000", worst.per_mille),
    };
    let action = if suspicious && blames { ActionCode::VOID_TRANSACTION } else { rules.action };
    // Of what was booked twice the rules say which one goes.
    let keeps = exception == ExceptionType::DUPLICATE || !suspicious;
    let transaction = if keeps { rules.transaction } else { Some(worst.event) };
    let reasons = std::iter::once(says).chain(rules.reasons).collect();
    let scores = scored.into_iter().map(|(score, _)| score).collect();
    Advice { action, transaction, by: by.to_owned(), reasons, scores, fallback: None }
}

/// What a sale says of its payment; `None` where it is no transaction that this version reads, or gave money back.
fn payment(envelope: &Envelope) -> Option<Payment> {
    let transaction: Transaction = minicbor::decode(&envelope.body).ok()?;
    let amount = transaction.total.unsigned_abs() as f64 / 10f64.powi(transaction.currency.exponent().into());
    let local_s = i64::try_from(envelope.utc_ms / 1_000).ok()? + i64::from(envelope.utc_offset_min) * 60;
    // The first day of 1970 was a Thursday, the fourth of its week.
    let weekday = u8::try_from((local_s.div_euclid(DAY_S) + 3).rem_euclid(7)).ok()?;
    let second_of_day = u32::try_from(local_s.rem_euclid(DAY_S)).ok()?;
    let first = Window { payments: 1, total: amount };
    Some(Payment {
        amount,
        // Whoever pays at a till has the card there, or pays cash.
        card_present: true,
        time: LocalTime { weekday, second_of_day },
        billing: None,
        shipping: None,
        terminal: None,
        customer: CustomerHistory { day: first, week: first, month: first, seconds_since_last: None },
        at_terminal: TerminalHistory { payments_7d: 1, ..TerminalHistory::default() },
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::path::Path;
    use std::time::Duration;

    use edgepos_core::{Chain, Lane, ReplicaId, Seq};
    use edgepos_crdt::Hlc;
    use edgepos_inference::{FraudConfig, WorkerConfig};
    use edgepos_wire::to_cbor;

    use super::*;
    use crate::model::{BasketId, CounterRow, Currency, DocType, ExceptionRaised, Kind, Tender};

    fn id(seq: u64) -> EventId {
        EventId::new(Chain::new(ReplicaId::new(1, 1), Lane::Transactions), Seq(seq))
    }

    fn sale(total: i64) -> Envelope {
        let transaction = Transaction {
            basket: BasketId([1; 16]),
            doc_type: DocType::Sale,
            series: "S".into(),
            number: 1,
            customer: None,
            currency: Currency::EUR,
            lines: Vec::new(),
            tenders: vec![Tender::cash(total)],
            taxes: Vec::new(),
            rounding: 0,
            total,
            change: None,
            unreferenced: None,
        };
        Envelope::new(Kind::TRANSACTION, 1_700_000_000_000, Hlc(1), to_cbor(&transaction))
    }

    fn case(sales: Vec<(EventId, Envelope)>) -> Case {
        let raised = ExceptionRaised::new(&CounterRow::stock("milk", 0), -2, 0, vec![id(1), id(2)]);
        Case { raised, sales }
    }

    fn resolver() -> ScoredResolver {
        let models = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
        let worker = WorkerConfig { deadline: Duration::from_secs(60), ..WorkerConfig::default() };
        let scorer = FraudScorer::load(models, FraudConfig { worker, ..FraudConfig::default() }).unwrap();
        ScoredResolver::new(scorer, "fraud")
    }

    #[test]
    fn a_sale_says_when_and_how_much() {
        let payment = payment(&sale(2_490)).unwrap();
        assert!((payment.amount - 24.9).abs() < 1e-9);
        // 14 November 2023, 22:13:20, was a Tuesday.
        assert_eq!(payment.time, LocalTime { weekday: 1, second_of_day: 22 * 3_600 + 13 * 60 + 20 });
        assert!(payment.features().is_some());
        assert!(self::payment(&Envelope::new(Kind::CUSTOM, 0, Hlc(1), vec![7])).is_none());
    }

    #[tokio::test]
    async fn the_model_scores_each_sale_and_says_the_same_again() {
        let (resolver, case) = (resolver(), case(vec![(id(1), sale(2_490)), (id(2), sale(999_900))]));
        let advice = resolver.advise(&case).await;
        assert_eq!((advice.by.as_str(), advice.fallback, advice.scores.len()), ("fraud", None, 2));
        assert_eq!(advice.action, ActionCode::RECOUNT, "no sale is blamed for a record that is wrong");
        assert_eq!(advice.scores.iter().map(|score| score.event).collect::<Vec<_>>(), [id(1), id(2)]);
        assert_eq!(resolver.advise(&case).await, advice);
    }

    #[tokio::test]
    async fn without_what_the_model_needs_the_rules_say_what_to_do_and_why() {
        let resolver = resolver();
        let unreadable = Envelope::new(Kind::TRANSACTION, 0, Hlc(1), vec![0xff]);
        for (sales, why) in [(vec![], Fallback::NO_SALES), (vec![(id(1), unreadable)], Fallback::NO_FEATURES)]
        {
            let advice = resolver.advise(&case(sales)).await;
            assert_eq!((advice.by.as_str(), advice.fallback), ("rules", Some(why)));
        }
        let late = WorkerConfig { deadline: Duration::ZERO, ..WorkerConfig::default() };
        let models = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
        let scorer =
            FraudScorer::load(models, FraudConfig { worker: late, ..FraudConfig::default() }).unwrap();
        let advice = ScoredResolver::new(scorer, "fraud").advise(&case(vec![(id(1), sale(100))])).await;
        assert_eq!((advice.by.as_str(), advice.fallback), ("rules", Some(Fallback::NO_MODEL)));
    }

    #[test]
    fn a_suspicious_sale_is_named_and_voided_where_it_is_to_blame() {
        let raised = ExceptionRaised::new(&CounterRow::returnable(BasketId([1; 16]), 1), -1, 0, vec![id(1)]);
        let score = |seq, per_mille, suspicious| (Score { event: id(seq), per_mille }, suspicious);
        let scored = vec![score(1, 900, true), score(2, 100, false)];
        let advice = |exception| super::advice(Rules.advise(&raised), exception, "fraud", scored.clone());
        let returned = advice(ExceptionType::RETURNED_TWICE);
        assert_eq!((returned.action, returned.transaction), (ActionCode::VOID_TRANSACTION, Some(id(1))));
        let overdrawn = advice(ExceptionType::OVERDRAWN);
        assert_eq!((overdrawn.action, overdrawn.transaction), (ActionCode::ACCEPT, Some(id(1))));
    }
}
