//! Every id reads back from what it is displayed as, and from nothing that merely looks like it.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use edgepos_core::{
    Chain, ConnectionId, EventId, FoldEpoch, IdempotencyKey, Lane, RepairGen, ReplicaId, Seq,
    StoreGeneration, StoreId, Term, UploadEpoch,
};
use proptest::prelude::*;

fn reads_back<T>(id: T)
where
    T: Display + FromStr<Err: Debug> + PartialEq + Debug,
{
    let text = id.to_string();
    assert_eq!(text.parse::<T>().unwrap(), id, "{text}");
    for other in
        [format!(" {text}"), format!("{text} "), format!("+{text}"), format!("{text}x"), format!("-{text}")]
    {
        assert!(other.parse::<T>().is_err(), "{other:?}");
    }
}

proptest! {
    #[test]
    fn what_is_displayed_reads_back(number: u64, small: u32, bytes: [u8; 16], lane in 0..4u8) {
        reads_back(Term(number));
        reads_back(StoreGeneration(small));
        reads_back(UploadEpoch(number));
        reads_back(FoldEpoch(small));
        reads_back(RepairGen(small));
        reads_back(ConnectionId(number));
        reads_back(Seq(number));
        reads_back(ReplicaId(number));
        let chain = Chain::new(ReplicaId(number), Lane::from_code(lane).unwrap());
        reads_back(chain);
        reads_back(EventId::new(chain, Seq(number.rotate_left(small))));
        reads_back(StoreId(bytes));
        reads_back(IdempotencyKey(bytes));
    }

    #[test]
    fn no_text_panics(text in ".{0,40}", made in "[0-9a-f/:+-]{0,30}") {
        for text in [text, made] {
            if let Ok(id) = text.parse::<EventId>() {
                prop_assert_eq!(id.to_string().parse(), Ok(id));
            }
            let _ = (text.parse::<Seq>(), text.parse::<StoreId>());
        }
    }
}

#[test]
fn a_lane_that_does_not_exist_is_no_chain() {
    for text in [
        "1-000000000abc/4:1",
        "1-000000000abc:1",
        "1-000000000abc/0",
        "1-000000000abc/0:-1",
        "1-000000000abc/0:",
    ] {
        assert!(text.parse::<EventId>().is_err(), "{text}");
    }
}
