//! What the head office has come down to a store: the same forms as a till records, as events of the cloud's own chain.

use edgepos_core::{ReplicaId, WallMs};
use edgepos_crdt::{Hlc, HybridClock};

use super::{FormError, RecordEvent};
use crate::retail::envelope::{ClockQuality, Envelope};
use crate::retail::record::What;
use crate::retail::redact::is_card_number;
use crate::terminal::refusal::Refusal;

/// Stamps what comes down: each event above the one before it, whatever the cloud's clock does.
#[derive(Clone, Debug)]
pub struct FromAbove {
    clock: HybridClock,
    wall: WallMs,
    operator: Option<String>,
}

impl FromAbove {
    /// At `wall`, the cloud's time, behind the payload of the last event that was published; `None` before the first. `operator`: who does
    /// it, for whoever asks later.
    pub fn new(wall: WallMs, last: Option<&[u8]>, operator: Option<String>) -> Self {
        let last = last.and_then(|payload| Envelope::decode(payload).ok());
        let clock = HybridClock::new(last.map_or(Hlc::ZERO, |envelope| envelope.hlc()));
        Self { clock, wall, operator }
    }

    /// The payload of the event in which this comes down.
    ///
    /// # Errors
    /// When a field cannot be read, or it is something that a till alone records.
    pub fn event(&mut self, said: RecordEvent) -> Result<Vec<u8>, FormError> {
        let record = said.into_record(0)?;
        if let Some(refusal) = record.refused() {
            return Err(FormError::Refused(refusal.clone()));
        }
        let (kind, body) = match record.into_parts().0 {
            What::Event { kind, body, .. } if kind.comes_down() => (kind, body),
            _ => return Err(FormError::NotFromAbove),
        };
        if self.operator.as_deref().is_some_and(is_card_number) {
            let reason = "it is a card number";
            return Err(FormError::Refused(Refusal::BadField { field: "operator", reason }));
        }
        let mut envelope = Envelope::new(kind.kind(), self.wall.0, self.clock.now(self.wall), body);
        envelope.clock_quality = ClockQuality::Synced;
        envelope.workstation = ReplicaId::CLOUD;
        envelope.operator.clone_from(&self.operator);
        Ok(envelope.encode())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    const PRICE: &str = "ae00050101021b0000018bcfe5680003000402051b018bcfe56800000007000819ffff0a\
        64616e6e610b000c800d800e55a600646d696c6b0100021881036345555204f407070fa0";

    fn price(json: &str) -> RecordEvent {
        serde_json::from_str(json).unwrap()
    }

    /// As it is on disks and in clouds for ever.
    #[test]
    fn what_comes_down_has_these_bytes() {
        let mut above = FromAbove::new(WallMs(1_700_000_000_000), None, Some("anna".into()));
        let milk =
            r#"{"type": "price_set", "product": "milk", "amount": 129, "currency": "EUR", "version": 7}"#;
        let bytes = above.event(price(milk)).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, PRICE);
    }

    #[test]
    fn stamps_rise_though_the_clock_goes_back() {
        let milk = r#"{"type": "price_set", "product": "milk", "amount": 129, "currency": "EUR"}"#;
        let first = FromAbove::new(WallMs(9_000), None, None).event(price(milk)).unwrap();
        let second = FromAbove::new(WallMs(10), Some(&first), None).event(price(milk)).unwrap();
        let hlc = |payload: &[u8]| Envelope::decode(payload).unwrap().hlc();
        assert!(hlc(&second) > hlc(&first));
    }

    #[test]
    fn nothing_else_comes_down() {
        let mut above = FromAbove::new(WallMs(9), None, None);
        let event = |json: &str| FromAbove::new(WallMs(9), None, None).event(price(json)).unwrap_err();
        assert_eq!(event(r#"{"type": "custom", "body": "x"}"#), FormError::NotFromAbove);
        assert_eq!(event(r#"{"type": "day_opened", "day": 20260102}"#), FormError::NotFromAbove);
        let manifest = r#"{"type": "document_set", "namespace": "models", "document": "a", "content": "{}"}"#;
        assert!(above.event(price(manifest)).is_ok());
        let secret = "a1".repeat(32);
        let customer =
            format!(r#"{{"type": "customer_set", "customer": "c", "fields": "Ada", "secret": "{secret}"}}"#);
        let sealed = above.event(price(&customer)).unwrap();
        assert!(!sealed.windows(3).any(|bytes| bytes == b"Ada"), "the cloud keeps it sealed, and no key");
        assert!(above.event(price(r#"{"type": "customer_erased", "customer": "c"}"#)).is_ok());
        let ends = r#"{"type": "price_set", "product": "a", "amount": 1, "currency": "EUR", "valid_from": 2, "valid_to": 2}"#;
        assert!(matches!(event(ends), FormError::Refused(_)));
        assert!(
            above
                .event(price(r#"{"type": "product_set", "product": "a", "name": "A", "base_unit": "g"}"#))
                .is_ok()
        );
    }
}
