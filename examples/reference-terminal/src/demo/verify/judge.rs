//! Collects what is wrong, and judges what needs no more than events.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::core::EventId;
use edgepos::model::{BasketId, Envelope, ExceptionRaised, Kind, Mode, ReceiptNumber, Transaction};
use serde::Serialize;

/// Most findings that are spelled out; the others are counted.
const MAX_FINDINGS: usize = 40;

/// What the files say.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Verdict {
    /// What is wrong; empty when all holds.
    pub findings: Vec<String>,
    /// Different events that terminals hold.
    pub events_recorded: u64,
    /// Events that the cloud holds.
    pub events_in_cloud: u64,
    /// Acknowledged transactions and events that the cloud does not hold, or holds with other contents.
    pub lost: u64,
    /// Transactions in the cloud beyond one for each that was acknowledged, and receipt numbers used again.
    pub duplicated: u64,
    /// Whether every terminal and the cloud hold the same events.
    pub converged: bool,
    /// Counter rows, over all terminals, that are not the sum of their effects.
    pub stock_mismatches: u64,
    /// Figures of business days, over all terminals, that were recomputed: each day of the store, and of each terminal.
    pub day_figures: u64,
    /// Signatures of the fiscal device that were made again of the receipts that they are of.
    pub signatures: u64,
    /// The same events as a vendor would post them in JSON, in bytes, each once.
    pub json_bytes: u64,
}

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Judge {
    verdict: Verdict,
    unsaid: usize,
    apart: bool,
}

impl Judge {
    pub(super) fn find(&mut self, finding: String) {
        if self.verdict.findings.len() < MAX_FINDINGS {
            self.verdict.findings.push(finding);
        } else {
            self.unsaid += 1;
        }
    }

    /// A counter row that is not the sum of its effects.
    pub(super) fn miscounted(&mut self, finding: String) {
        self.verdict.stock_mismatches += 1;
        self.find(finding);
    }

    /// Something acknowledged that the cloud does not hold as it was acknowledged.
    pub(super) fn lost(&mut self, finding: String) {
        self.verdict.lost += 1;
        self.find(finding);
    }

    /// So many figures of business days were compared with the events.
    pub(super) fn recomputed(&mut self, figures: u64) {
        self.verdict.day_figures += figures;
    }

    /// A signature is what the fiscal device makes of the receipt.
    pub(super) fn signed(&mut self) {
        self.verdict.signatures += 1;
    }

    /// So many transactions are in the cloud beyond one for each that was acknowledged.
    pub(super) fn duplicated(&mut self, transactions: usize) {
        self.verdict.duplicated = transactions as u64;
    }

    /// How much there was to compare: events that terminals hold and that the cloud holds, and their size in JSON.
    pub(super) fn compared(&mut self, recorded: usize, in_cloud: usize, json_bytes: u64) {
        self.verdict.events_recorded = recorded as u64;
        self.verdict.events_in_cloud = in_cloud as u64;
        self.verdict.json_bytes = json_bytes;
    }

    pub(super) fn differs(&mut self, finding: String) {
        self.apart = true;
        self.find(finding);
    }

    pub(super) fn same_everywhere(&mut self, held: &[(String, BTreeSet<EventId>)]) {
        let all: BTreeSet<EventId> = held.iter().flat_map(|(_, events)| events.iter().copied()).collect();
        for (name, events) in held {
            let lacking: Vec<&EventId> = all.difference(events).collect();
            if let Some(first) = lacking.first() {
                self.differs(format!(
                    "{name} lacks {} of {} events, the first is {first}",
                    lacking.len(),
                    all.len()
                ));
            }
        }
    }

    pub(super) fn no_gaps(&mut self, all: &BTreeMap<EventId, Vec<u8>>) {
        let mut expected: Option<EventId> = None;
        for id in all.keys() {
            let before = expected.filter(|expected| expected.chain == id.chain);
            let due = before.map_or(1, |expected| expected.seq.0);
            if id.seq.0 != due {
                self.find(format!("chain {} has no event {due}, and has event {}", id.chain, id.seq));
            }
            expected = Some(EventId::new(id.chain, id.seq.next()));
        }
    }

    /// What is inside the events: they decode, and the right exceptions were raised.
    pub(super) fn envelopes(
        &mut self,
        name: &str,
        events: &BTreeMap<EventId, Vec<u8>>,
        provoked: Option<&BTreeMap<String, u64>>,
    ) {
        let mut raised: BTreeMap<String, u64> = BTreeMap::new();
        let (mut numbers, mut baskets) =
            (BTreeSet::new(), BTreeMap::<ReceiptNumber, BTreeSet<BasketId>>::new());
        for (id, payload) in events {
            match Envelope::decode(payload) {
                Err(error) => self.find(format!("{name} holds event {id}: {error}")),
                Ok(envelope) if envelope.kind == Kind::EXCEPTION_RAISED => {
                    let exception = minicbor::decode::<ExceptionRaised>(&envelope.body);
                    // Whether an old disk gives a number again is a matter of who is heard first.
                    if let Some(number) = exception.as_ref().ok().and_then(ExceptionRaised::receipt_number) {
                        numbers.insert(number);
                        continue;
                    }
                    let kind = exception.map_or("undecodable", |exception| exception.exception.name());
                    *raised.entry(kind.to_owned()).or_default() += 1;
                }
                Ok(envelope) if envelope.kind == Kind::TRANSACTION && envelope.mode == Mode::Live => {
                    let Ok(sale) = minicbor::decode::<Transaction>(&envelope.body) else { continue };
                    let first = envelope.reissue_of().map_or(*id, |of| of.event);
                    let (terminal, Transaction { basket, series, number, .. }) =
                        (first.chain.replica.terminal(), sale);
                    baskets.entry(ReceiptNumber { terminal, series, number }).or_default().insert(basket);
                }
                Ok(_) => {}
            }
        }
        for number in numbers {
            if baskets.get(&number).is_none_or(|baskets| baskets.len() < 2) {
                let ReceiptNumber { terminal, series, number } = number;
                self.find(format!(
                    "{name}: number {number} of series {series} of terminal {terminal} is said to be that of two \
                     receipts, and is not"
                ));
            }
        }
        if let Some(provoked) = provoked.filter(|provoked| **provoked != raised) {
            self.find(format!("{name} holds the exceptions {raised:?} where {provoked:?} were provoked"));
        }
    }

    /// What was found, altogether.
    pub(super) fn verdict(mut self) -> Verdict {
        if self.unsaid > 0 {
            self.verdict.findings.push(format!("and {} more", self.unsaid));
        }
        self.verdict.converged = !self.apart;
        self.verdict
    }
}
