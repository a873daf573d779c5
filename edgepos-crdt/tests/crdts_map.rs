//! Inside `crdts::Map`, under operations with removals: ours converges, its own counter does not.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use crdts::{CmRDT, CvRDT, Map, PNCounter};
use edgepos_core::{Chain, EventId, Jitter, Lane, ReplicaId, Seq};
use edgepos_crdt::{
    GCounter, GTable, Item, LwwMap, LwwRegister, MvRegister, OrSet, PnCounter, PnTable, Stamp, TxSet,
    VersionVector,
};

type Ours = Map<u8, PnCounter, Chain>;
type Theirs = Map<u8, PNCounter<Chain>, Chain>;

fn chain(terminal: usize) -> Chain {
    Chain::new(ReplicaId::new(terminal as u16 + 1, 7), Lane::Transactions)
}

/// Three replicas add and remove keys at random; every operation reaches everybody once, those of one replica in order. Whether all
/// agree at the end.
fn converges<M: CmRDT + Default + Clone>(
    seed: u64,
    update: impl Fn(&M, Chain, u8, u64) -> M::Op,
    remove: impl Fn(&M, u8) -> M::Op,
    show: impl Fn(&M) -> Vec<(u8, String)>,
) -> bool
where
    M::Op: Clone,
{
    let mut jitter = Jitter::new(seed);
    let mut replicas = vec![M::default(); 3];
    let mut sent: Vec<Vec<M::Op>> = vec![Vec::new(); 3];
    let mut received = [[0_usize; 3]; 3];
    let mut deliver = |replicas: &mut Vec<M>, sent: &[Vec<M::Op>], from: usize, to: usize| {
        let next = received[to][from];
        if from != to && next < sent[from].len() {
            replicas[to].apply(sent[from][next].clone());
            received[to][from] += 1;
        }
    };
    for _ in 0..24 {
        let at = jitter.range(0, 3) as usize;
        let key = jitter.range(0, 2) as u8;
        match jitter.range(0, 4) {
            0 | 1 => {
                let op = update(&replicas[at], chain(at), key, jitter.range(1, 5));
                replicas[at].apply(op.clone());
                sent[at].push(op);
            }
            2 => {
                let op = remove(&replicas[at], key);
                replicas[at].apply(op.clone());
                sent[at].push(op);
            }
            _ => deliver(&mut replicas, &sent, jitter.range(0, 3) as usize, at),
        }
    }
    for to in 0..3 {
        for from in 0..3 {
            (0..sent[from].len()).for_each(|_| deliver(&mut replicas, &sent, from, to));
        }
    }
    let first = show(&replicas[0]);
    replicas.iter().all(|replica| show(replica) == first)
}

#[test]
fn ours_converges_where_theirs_does_not() {
    const RUNS: u64 = 1_000;
    let ours = (0..RUNS).filter(|seed| {
        converges::<Ours>(
            *seed,
            |map, chain, key, amount| {
                let context = map.read_ctx().derive_add_ctx(chain);
                map.update(key, context, |counter, context| counter.op(&context.dot, amount as i64).unwrap())
            },
            |map, key| map.rm(key, map.get(&key).derive_rm_ctx()),
            |map| map.iter().map(|e| (*e.val.0, format!("{:?}", e.val.1.value()))).collect(),
        )
    });
    let theirs = (0..RUNS).filter(|seed| {
        converges::<Theirs>(
            *seed,
            |map, chain, key, amount| {
                let context = map.read_ctx().derive_add_ctx(chain);
                map.update(key, context, |counter, context| counter.inc_many(context.dot.actor, amount))
            },
            |map, key| map.rm(key, map.get(&key).derive_rm_ctx()),
            |map| map.iter().map(|e| (*e.val.0, e.val.1.read().to_string())).collect(),
        )
    });
    let (ours, theirs) = (ours.count() as u64, theirs.count() as u64);
    eprintln!("of {RUNS} histories ours converges in {ours}, crdts::PNCounter in {theirs}");
    assert_eq!(ours, RUNS);
    assert!(theirs < RUNS, "crdts was repaired: say so in the documentation");
}

/// A removal that the writer saw and others have not: its next share begins anew, below the one that they hold.
#[test]
fn a_share_that_began_anew_after_a_removal_replaces_the_old_one() {
    let add = |map: &Ours, amount| {
        map.update(0, map.read_ctx().derive_add_ctx(chain(1)), |counter, context| {
            counter.op(&context.dot, amount).unwrap()
        })
    };
    let mut writer = Ours::new();
    let first = add(&writer, 1 << 40);
    writer.apply(first.clone());
    let (mut by_operations, by_state) = (writer.clone(), writer.clone());
    let removal = by_state.rm(0, by_state.get(&0).derive_rm_ctx());
    writer.apply(removal.clone());
    let second = add(&writer, 2);
    writer.apply(second.clone());
    by_operations.apply(second);
    by_operations.apply(removal);
    let mut merged = by_state.clone();
    assert!(merged.validate_merge(&writer).is_ok());
    merged.merge(writer.clone());
    let mut other_way = writer.clone();
    other_way.merge(by_state);
    for map in [&writer, &by_operations, &merged, &other_way] {
        assert_eq!(map.get(&0).val.map(|counter| counter.value()), Some(Ok(2)));
        assert_eq!(map.get(&0).val, writer.get(&0).val, "equal in memory, too");
    }
}

#[test]
fn counters_convert_both_ways() {
    let mut ours = PnCounter::new();
    let mut points = GCounter::new();
    for terminal in 0..3 {
        let dot = EventId::new(chain(terminal), Seq(5));
        PnCounter::apply(&mut ours, dot, 10 * terminal as i64 - 7).unwrap();
        GCounter::apply(&mut points, dot, terminal as u64 + 1).unwrap();
    }
    let known: VersionVector = (0..3).map(|terminal| (chain(terminal), Seq(5))).collect();
    let theirs = PNCounter::from(&ours);
    assert_eq!(theirs.read(), ours.value().unwrap().into());
    assert_eq!(PnCounter::from_crdts(&theirs, &known), ours);
    let theirs = crdts::GCounter::from(&points);
    assert_eq!(theirs.read(), points.value().unwrap().into());
    assert_eq!(GCounter::from_crdts(&theirs, &known), points);
    let clock = crdts::VClock::from(&known);
    assert_eq!(VersionVector::from(&clock), known);
}

#[test]
fn sets_and_registers_convert_both_ways() {
    let dot = |terminal, seq| EventId::new(chain(terminal), Seq(seq));
    let mut ours = OrSet::new();
    ours.add(dot(0, 1), "a").unwrap();
    ours.add(dot(1, 1), "b").unwrap();
    ours.remove(dot(0, 2), &"b").unwrap();
    let theirs = crdts::Orswot::from(&ours);
    assert_eq!(theirs.read().val, ["a"].into_iter().collect());
    let back = OrSet::try_from(&theirs).unwrap();
    assert!(back.contains(&"a") && !back.contains(&"b") && back.vector() == ours.vector());
    // The removal is known over there too: an old state does not bring the member back.
    let mut stale = crdts::Orswot::new();
    stale.apply(crdts::orswot::Op::Add { dot: crdts::Dot::new(chain(1), 1), members: vec!["b"] });
    let mut merged = theirs;
    CvRDT::merge(&mut merged, stale);
    assert_eq!(merged.read().val, ["a"].into_iter().collect());

    let stamp = Stamp::new(Default::default(), edgepos_crdt::Hlc(9), chain(0));
    let register = LwwRegister::new(stamp, 5);
    assert_eq!(LwwRegister::from(crdts::LWWReg::from(&register)), register);
}

#[test]
fn their_traits_refuse_what_ours_do() {
    let dot = EventId::new(chain(0), Seq(1));
    let (mut a, mut b) = (PnCounter::new(), PnCounter::new());
    PnCounter::apply(&mut a, dot, 1).unwrap();
    PnCounter::apply(&mut b, dot, 2).unwrap();
    assert!(a.validate_merge(&b).is_err(), "one event, two amounts");
    let before = a.clone();
    CvRDT::merge(&mut a, b);
    assert_eq!(a, before);
}

/// Every type that merges is a `CvRDT`, so that whatever is built on the trait takes ours.
#[test]
fn every_type_has_their_trait() {
    fn merged<T: CvRDT + Clone + PartialEq>(a: &T, b: &T) -> T
    where
        T::Validation: std::fmt::Debug,
    {
        a.validate_merge(b).unwrap();
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(b.clone());
        ba.merge(a.clone());
        assert!(ab == ba);
        ab
    }
    let dot = |terminal, seq| EventId::new(chain(terminal), Seq(seq));
    let (mut a, mut b) = (PnTable::new(), PnTable::new());
    a.apply(dot(0, 1), Item(1), 5).unwrap();
    b.apply(dot(1, 1), Item(1), -2).unwrap();
    assert_eq!(merged(&a, &b).value(Item(1)), Ok(3));
    let mut reused = PnTable::new();
    reused.apply(dot(0, 2), Item(1), 4).unwrap();
    assert!(a.validate_merge(&reused).is_err(), "a later event, a smaller total");
    let (mut a, mut b) = (GTable::new(), GTable::new());
    a.apply(dot(0, 1), Item(1), 5).unwrap();
    b.apply(dot(1, 1), Item(1), 2).unwrap();
    assert_eq!(merged(&a, &b).value(Item(1)), Ok(7));
    let (mut a, mut b) = (TxSet::new(), TxSet::new());
    a.add(dot(0, 1), "a").unwrap();
    b.add(dot(1, 1), "b").unwrap();
    assert_eq!(merged(&a, &b).len(), 2);
    let (mut a, mut b) = (OrSet::new(), MvRegister::new());
    a.add(dot(0, 1), "a").unwrap();
    b.set(dot(1, 1), "b").unwrap();
    assert!(merged(&a, &OrSet::new()).contains(&"a"));
    assert_eq!(merged(&b, &MvRegister::new()).values().count(), 1);
    let stamp = |ms, terminal| Stamp::new(Default::default(), edgepos_crdt::Hlc(ms), chain(terminal));
    let (mut a, mut b) = (LwwMap::new(), LwwMap::new());
    a.set(dot(0, 1), "tea", stamp(1, 0), 250).unwrap();
    b.set(dot(1, 1), "tea", stamp(2, 1), 240).unwrap();
    assert_eq!(merged(&a, &b).get("tea"), Some(&240));
}
