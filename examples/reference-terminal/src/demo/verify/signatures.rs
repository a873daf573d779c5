//! What the fiscal device said of receipts is on record, is of a receipt that was booked, and is what the device says of that receipt.

use std::collections::BTreeMap;

use edgepos::core::EventId;
use edgepos::model::{Envelope, FiscalSigned, KnownKind, Mode, SigningState, Transaction};

use super::files::Events;
use super::judge::Judge;
use crate::names::hex;
use crate::signer;

/// A terminal's number and a receipt's series and number.
type Receipt = (u16, String, u64);

/// From the first receipt of a series on that the device was asked about it has signed each, or refused it, and each signature is the one
/// that it makes of the receipt as it was booked.
pub(super) fn check(cloud: &Events, judge: &mut Judge) {
    let mut sold: BTreeMap<Receipt, (EventId, Vec<u8>)> = BTreeMap::new();
    let mut said: BTreeMap<Receipt, Vec<FiscalSigned>> = BTreeMap::new();
    for (id, payload) in cloud {
        let Ok(envelope) = Envelope::decode(payload) else { continue };
        match envelope.kind.known() {
            Some(KnownKind::Transaction) if envelope.mode == Mode::Live => {
                if let Ok(Transaction { series, number, .. }) = minicbor::decode(&envelope.body) {
                    sold.insert((envelope.workstation, series, number), (*id, envelope.body));
                }
            }
            Some(KnownKind::FiscalSigned) => match minicbor::decode::<FiscalSigned>(&envelope.body) {
                Ok(signed) => {
                    let receipt = (envelope.workstation, signed.series.clone(), signed.number);
                    said.entry(receipt).or_default().push(signed);
                }
                Err(error) => judge.find(format!("{id} says nothing of a signature: {error}")),
            },
            _ => {}
        }
    }
    for ((terminal, series, number), signed) in &said {
        let name = format!("receipt {series} {number} of terminal {terminal}");
        let Some((_, body)) = sold.get(&(*terminal, series.clone(), *number)) else {
            judge.find(format!("{name} was signed, and nobody has booked it"));
            continue;
        };
        let right = signer::signature(series, *number, &hex(body));
        for signature in signed.iter().filter_map(FiscalSigned::signature) {
            if signature == right {
                judge.signed();
            } else {
                judge.find(format!("{name} has a signature that is not its own"));
            }
        }
    }
    let mut first: BTreeMap<(u16, &String), u64> = BTreeMap::new();
    for (terminal, series, number) in said.keys() {
        first.entry((*terminal, series)).or_insert(*number);
    }
    for ((terminal, series, number), (id, _)) in &sold {
        let is_asked = first.get(&(*terminal, series)).is_some_and(|first| number >= first);
        let answers = said.get(&(*terminal, series.clone(), *number)).into_iter().flatten();
        let is_answered = answers
            .into_iter()
            .any(|said| matches!(said.state, SigningState::SIGNED | SigningState::REFUSED));
        if is_asked && !is_answered {
            judge.find(format!("receipt {series} {number} of terminal {terminal}, {id}, is not signed"));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use edgepos::core::{Chain, Lane, ReplicaId, Seq};
    use edgepos::crdt::Hlc;
    use edgepos::model::{BasketId, Currency, DocType, Kind, Signature};

    use super::*;

    fn event(seq: u64, kind: Kind, body: Vec<u8>) -> (EventId, Vec<u8>) {
        let mut envelope = Envelope::new(kind, 0, Hlc(1), body);
        envelope.workstation = 1;
        let id = EventId::new(Chain::new(ReplicaId::new(1, 1), Lane::Transactions), Seq(seq));
        (id, envelope.encode())
    }

    fn sale(number: u64) -> Vec<u8> {
        let sale = Transaction {
            basket: BasketId([number as u8; 16]),
            doc_type: DocType::Sale,
            series: "F".into(),
            number,
            customer: None,
            currency: Currency::EUR,
            lines: Vec::new(),
            tenders: Vec::new(),
            taxes: Vec::new(),
            rounding: 0,
            total: 0,
            change: None,
            unreferenced: None,
        };
        minicbor::to_vec(sale).unwrap()
    }

    fn signed(number: u64, bytes: Vec<u8>) -> Vec<u8> {
        let answer = Signature::new("F", number, bytes).unwrap();
        let basket = BasketId([number as u8; 16]);
        minicbor::to_vec(FiscalSigned::of(basket, "F".into(), number, Ok(answer))).unwrap()
    }

    /// How many signatures hold, and what does not.
    fn found(events: &[(EventId, Vec<u8>)]) -> (u64, Vec<String>) {
        let mut judge = Judge::default();
        check(&events.iter().cloned().collect(), &mut judge);
        let verdict = judge.verdict();
        (verdict.signatures, verdict.findings)
    }

    #[test]
    fn a_signature_that_is_missing_wrong_or_of_nothing_is_found_out() {
        let right = |number| signed(number, signer::signature("F", number, &hex(&sale(number))));
        let sold = |number| event(number, Kind::TRANSACTION, sale(number));
        let says = |seq, body| event(seq, Kind::FISCAL_SIGNED, body);
        assert_eq!(found(&[sold(1), says(10, right(1))]), (1, Vec::new()));
        assert_eq!(found(&[sold(1), sold(2), says(10, right(2))]), (1, Vec::new()), "the device came later");
        for (events, expected) in [
            (vec![sold(1), says(10, signed(1, vec![7]))], "not its own"),
            (vec![sold(1), sold(2), says(10, right(1))], "is not signed"),
            (vec![sold(1), says(10, right(1)), says(11, right(2))], "nobody has booked it"),
        ] {
            let (_, findings) = found(&events);
            assert!(findings.len() == 1 && findings[0].contains(expected), "{findings:?}");
        }
    }
}
