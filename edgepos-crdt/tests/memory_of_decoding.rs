//! How much memory bytes can make a reader take, in the shapes that make it take the most. One test, since what is allocated is counted
//! for the whole process.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use edgepos_core::{Chain, EventId, FoldEpoch, Lane, RepairGen, ReplicaId, Seq};
use edgepos_crdt::{
    BoundedCounter, Frame, GDelta, GTable, Hlc, Item, Limits, LwwMap, OrSet, PnCounter, PnDelta, PnTable,
    Replica, Stamp, TxSet, VersionVector, Wire,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// What [`Limits`] promises.
const TIMES: usize = 100;

fn chain(terminal: u16) -> Chain {
    Chain::new(ReplicaId::new(terminal, 9), Lane::Transactions)
}

/// Reads the bytes, and merges what was read where that allocates more.
fn check<T: Wire>(what: &str, bytes: &[u8], then: impl FnOnce(T)) {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    if let Ok(value) = T::from_bytes(bytes, &Limits::default()) {
        then(value);
    }
    let taken = ALLOCATED.peak_usage() - before;
    let times = taken / bytes.len();
    eprintln!("{what}: {taken} for {} bytes, {times} times", bytes.len());
    assert!(times <= TIMES, "{what}: {times} times");
}

#[test]
fn no_bytes_take_more_memory_than_they_justify() {
    let mut scattered = TxSet::<u64>::new();
    let mut alone = TxSet::<()>::new();
    let mut removed = TxSet::<()>::new();
    let mut members = OrSet::<u64>::new();
    for number in 1..20_000 {
        scattered.add(EventId::new(chain(1), Seq(number * 64)), 0).unwrap();
        alone.add(EventId::new(chain(1), Seq(number * 64)), ()).unwrap();
        let target = EventId::new(chain(2), Seq(number));
        removed.apply_removal(EventId::new(chain(1), Seq(number * 64)), [target]).unwrap();
        members.add(EventId::new(chain(1), Seq(number * 64)), number).unwrap();
    }
    check::<TxSet<u64>>("a set, one element among 64 positions", &scattered.to_bytes(), drop);
    check::<TxSet<()>>("the same, of elements of no size", &alone.to_bytes(), drop);
    check::<TxSet<()>>("a set of removals", &removed.to_bytes(), drop);
    check::<OrSet<u64>>("a set of values", &members.to_bytes(), drop);

    // The first chain numbers the rows, the second touches one of each page, or as few as make it arrays, or as make it wide arrays.
    for (touched, last) in [(1, 0), (1_025, 0), (1_025, 1 << 31)] {
        let mut numbered = PnTable::new();
        let mut table = PnTable::new();
        for item in 0..4 * 8_192 {
            numbered.apply(EventId::new(chain(1), Seq(item + 1)), Item(item), 0).unwrap();
            let amount = if item % 8_192 == touched - 1 { last } else { 0 };
            if item % 8_192 < touched {
                table.apply(EventId::new(chain(2), Seq(1)), Item(item), amount).unwrap();
            }
        }
        let delta = table.delta_since(&VersionVector::new()).to_bytes();
        check::<PnDelta>(
            &format!("a delta of {touched} rows of each page up to {last}, merged"),
            &delta,
            |delta| {
                numbered.merge(&delta).unwrap();
            },
        );
        numbered.advance(table.vector());
        check::<PnTable>(
            &format!("a table, {touched} rows of each page up to {last}"),
            &numbered.to_bytes(),
            drop,
        );
    }

    // Chains that nobody has heard of, each at the last row of a large table.
    let mut numbered = GTable::new();
    for item in 0..4_000_000 {
        numbered.apply(EventId::new(chain(1), Seq(1)), Item(item), 0).unwrap();
    }
    let mut late = GTable::new();
    for terminal in 2..3_000 {
        late.apply(EventId::new(chain(terminal), Seq(1)), Item(3_999_999), 0).unwrap();
    }
    let delta = late.delta_since(&VersionVector::new()).to_bytes();
    check::<GDelta>("a delta of the last row of many chains, merged", &delta, |delta| {
        numbered.merge(&delta).unwrap();
    });
    drop(numbered);

    let vector: VersionVector =
        (1..30_000).map(|n| (Chain::new(ReplicaId(n), Lane::Transactions), Seq(1))).collect();
    check::<VersionVector>("a vector", &vector.to_bytes(), drop);
    let mut map = LwwMap::new();
    for number in 1..20_000 {
        let stamp = Stamp::new(RepairGen(0), Hlc(number), chain(1));
        map.set(EventId::new(chain(1), Seq(number)), number, stamp, 0_u64).unwrap();
    }
    check::<LwwMap<u64, u64>>("a map", &map.to_bytes(), drop);
    let mut counter = PnCounter::new();
    let mut bounded = BoundedCounter::new();
    for number in 1..2_000 {
        let replica = ReplicaId::new(number as u16, number);
        counter.apply(EventId::new(Chain::new(replica, Lane::Stock), Seq(1)), 1).unwrap();
        bounded.grow(replica, 1).unwrap();
    }
    check::<PnCounter>("a counter", &counter.to_bytes(), drop);
    check::<BoundedCounter>("a bounded counter", &bounded.to_bytes(), drop);

    // A frame that announces a thousand million of everything.
    let replica: Replica<u64, u64, u64> = Replica::new(ReplicaId(1));
    let honest = replica.delta_since(FoldEpoch(0), &VersionVector::new()).to_bytes();
    for at in 1..honest.len() {
        let mut bytes = honest.clone();
        bytes.splice(at..=at, [0xFF, 0xFF, 0xFF, 0xFF, 0x03]);
        check::<Frame<u64, u64, u64>>("an absurd length", &bytes, drop);
    }
}
