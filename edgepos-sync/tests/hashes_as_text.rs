//! Hashes and the names of a cloud's lives read back from what they are displayed as.
#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_sync::{CloudInstance, Hash};
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_is_displayed_reads_back(hash: [u8; 32], instance: [u8; 8], cut in 0..63usize) {
        let text = Hash(hash).to_string();
        prop_assert_eq!(text.parse::<Hash>().unwrap(), Hash(hash));
        prop_assert!(text[..cut].parse::<Hash>().is_err());
        let signed = format!("+{}", &text[1..]);
        prop_assert!(signed.parse::<Hash>().is_err());
        prop_assert_eq!(CloudInstance(instance).to_string().parse::<CloudInstance>().unwrap(), CloudInstance(instance));
    }
}
