//! Names of this crate read back from what they are displayed as.
#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos::TerminalName;
use edgepos::core::ReplicaId;
use edgepos::model::{BasketId, Currency};
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_displayed_reads_back(basket: [u8; 16], number in 1..=ReplicaId::LAST_TERMINAL, nonce: u64) {
        let text = BasketId(basket).to_string();
        prop_assert_eq!(text.parse::<BasketId>().unwrap(), BasketId(basket));
        prop_assert!(text[1..].parse::<BasketId>().is_err());
        let incarnation = TerminalName::from(ReplicaId::new(number, nonce));
        for name in [incarnation, number.to_string().parse().unwrap()] {
            prop_assert_eq!(name.to_string().parse::<TerminalName>().unwrap(), name);
            prop_assert_eq!(name.number(), number);
        }
    }
}

#[test]
fn currencies_read_back() {
    for currency in [Currency::EUR, Currency::USD] {
        assert_eq!(currency.to_string().parse::<Currency>().unwrap(), currency);
    }
}
