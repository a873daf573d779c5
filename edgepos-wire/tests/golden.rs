//! The bytes that the helpers write stay the same.

use edgepos_core::{Chain, EventId, Lane, ReplicaId, Seq};
use edgepos_wire::{
    event_id, event_ids, from_cbor, put_bool, put_bytes, put_encoded, put_u64, to_cbor, write,
};
use minicbor::{Decode, Encode};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn fields_of_each_shape() {
    let inner = [write(|out| out.u64(1)?.ok()), write(|out| out.u64(300)?.ok())];
    let bytes = write(|out| {
        out.map(4)?;
        put_u64(out, 0, 500)?;
        put_bytes(out, 1, &[1, 2])?;
        put_bool(out, 9, true)?;
        put_encoded(out, 24, inner.into_iter())
    });
    assert_eq!(hex(&bytes), "a4001901f401420102 09f5 1818820119012c".replace(' ', ""));
}

#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
#[cbor(map)]
struct Links {
    #[n(0)]
    #[cbor(with = "event_id")]
    one: EventId,
    #[n(1)]
    #[cbor(with = "event_ids")]
    more: Vec<EventId>,
}

#[test]
fn event_ids_are_keys_of_17_bytes() {
    let id = EventId::new(Chain::new(ReplicaId::new(3, 0x0102), Lane::Transactions), Seq(7));
    let links = Links { one: id, more: vec![id] };
    let bytes = to_cbor(&links);
    let key = format!("51{}", hex(&id.to_key()));
    assert_eq!(hex(&bytes), format!("a200{key}0181{key}"));
    assert_eq!(from_cbor("links", &bytes), Ok(links));
}
