//! A stamp reads back from what it is displayed as.
#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_crdt::Hlc;
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_displayed_reads_back(stamp: u64) {
        let text = Hlc(stamp).to_string();
        prop_assert_eq!(text.parse::<Hlc>().unwrap(), Hlc(stamp));
        for other in [format!("+{text}"), format!("{text}."), format!("{text}x"), text.replace('.', ".+")] {
            prop_assert!(other.parse::<Hlc>().is_err(), "{}", other);
        }
    }
}
