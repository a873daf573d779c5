//! An event that cannot be read is stored, passed on and shown; it blocks nothing.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use edgepos::core::{Chain, ConnectionId, EventId, Lane, Now, ReplicaId, Seq, Space, StoreId};
use edgepos::crdt::VersionVector;
use edgepos::model::{CounterRow, Effect, Envelope, Kind};
use edgepos::sync::{self, EventRecord, Outbox};
use edgepos::{ConditionKind, Notice};
use edgepos::{Input, MemoryStore, Store};
use support::{Till, WALL, genesis, replica};

const NOW: Now = Now::new(0, WALL);
const LINK: ConnectionId = ConnectionId(1);

/// A peer that sends what it likes: an outbox without a terminal.
struct Peer {
    me: ReplicaId,
    outbox: Outbox,
    disk: MemoryStore,
}

impl Peer {
    fn new(store: StoreId) -> Self {
        let me = replica(2);
        let config = sync::Config {
            unconfirmed_wait: std::time::Duration::ZERO,
            ..sync::Config::standard(store, me, 1)
        };
        Self {
            me,
            outbox: Outbox::new(NOW, config, sync::Restored::new()).unwrap(),
            disk: MemoryStore::new(),
        }
    }

    /// Runs both until neither has anything to say.
    fn talk(&mut self, till: &mut Till) {
        loop {
            let mut quiet = true;
            while let Some(output) = self.outbox.poll_output() {
                quiet = false;
                match output {
                    sync::Output::Persist(persist) => {
                        self.disk.commit(std::slice::from_ref(&persist)).unwrap();
                        self.outbox.handle(NOW, sync::Input::Persisted(persist.id));
                    }
                    sync::Output::Load(load) => {
                        let rows = self.disk.scan(load.space, &load.from, &load.to, load.max_bytes).unwrap();
                        self.outbox.handle(NOW, sync::Input::Loaded(load.id, rows));
                    }
                    sync::Output::Transmit { message, .. } => {
                        let frame = [&[2], message.encode().as_slice()].concat();
                        till.terminal.handle(NOW, Input::Frame(self.me, LINK, frame));
                    }
                    _ => {}
                }
            }
            till.run(NOW);
            for (_, _, frame) in std::mem::take(&mut till.sent) {
                if frame[0] == 2 {
                    quiet = false;
                    let message = sync::Message::decode(&frame[1..], &sync::Limits::DEFAULT).unwrap();
                    self.outbox.handle(
                        NOW,
                        sync::Input::Message { from: till.config.me, connection: LINK, message },
                    );
                }
            }
            if quiet {
                return;
            }
        }
    }
}

#[test]
fn what_can_not_be_read_blocks_nothing() {
    let mut till = Till::new(1, 2, NOW);
    assert_eq!(conditions(&till), []);
    let mut peer = Peer::new(genesis(2).store);
    let envelope = |kind, delta, body: &[u8]| {
        let mut envelope = Envelope::new(kind, WALL, edgepos::crdt::Hlc(1), body.to_vec());
        envelope.effects = vec![Effect::new(CounterRow::stock("milk", 0), delta, None)];
        envelope.encode()
    };
    let mut overflowing = Envelope::new(Kind::TRANSACTION, WALL, edgepos::crdt::Hlc(1), vec![]);
    overflowing.effects =
        [i64::MAX, 1].map(|delta| Effect::new(CounterRow::stock("milk", 0), delta, None)).to_vec();
    let payloads = [
        envelope(Kind::TRANSACTION, 5, b"a vendor's own body"),
        b"no envelope at all".to_vec(),
        envelope(Kind(999), 3, b"a kind of a later version"),
        envelope(Kind::PRICE_SET, 100, b"no price"),
        overflowing.encode(),
        envelope(Kind::TRANSACTION, 2, b""),
    ];
    for payload in &payloads {
        peer.outbox.record(NOW, Lane::Transactions, payload.clone()).unwrap();
    }
    peer.outbox.handle(NOW, sync::Input::PeerUp(till.config.me, LINK));
    till.terminal.handle(NOW, Input::PeerUp(peer.me, LINK));
    peer.outbox.flush(NOW);
    peer.talk(&mut till);

    let chain = Chain::new(peer.me, Lane::Transactions);
    let all: VersionVector = [(chain, Seq(payloads.len() as u64))].into_iter().collect();
    assert!(till.terminal.status().durable.dominates(&all), "{:?}", till.terminal.status().durable);
    let value = till.terminal.counter(&CounterRow::stock("milk", 0));
    assert_eq!(value, Some(10), "5 + 3 + 2: events that are quarantined move nothing");
    let quarantined: Vec<u64> = till
        .notices
        .iter()
        .filter_map(|event| match event {
            Notice::Quarantined { id, .. } => Some(id.seq.0),
            _ => None,
        })
        .collect();
    assert_eq!(quarantined, [2, 4, 5]);
    assert_eq!(till.terminal.status().quarantined, 3);
    assert_eq!(conditions(&till), [(ConditionKind::Quarantined, 3)]);

    let key = |seq| EventId::new(chain, Seq(seq)).to_key();
    let rows = till.disk.scan(Space::Event, &key(1), &key(6), u32::MAX).unwrap();
    let stored: Vec<_> =
        rows.iter().map(|(key, row)| EventRecord::from_row(key, row).unwrap().0.payload).collect();
    assert_eq!(stored, payloads, "kept as they came");
    let till = till.crash(NOW);
    assert_eq!(till.terminal.status().quarantined, 3);
    assert_eq!(conditions(&till), [(ConditionKind::Quarantined, 3)], "it still holds");
}

fn conditions(till: &Till) -> Vec<(ConditionKind, u64)> {
    let conditions = till.terminal.status().conditions;
    conditions.iter().map(|condition| (condition.kind, condition.count)).collect()
}

#[test]
fn frames_that_are_none_are_counted_and_dropped() {
    let mut till = Till::new(1, 2, NOW);
    till.terminal.handle(NOW, Input::PeerUp(replica(2), LINK));
    for frame in [vec![], vec![1], vec![1, 0xFF, 0], vec![2, 0xA1], vec![3, 1, 2], vec![2; 7 << 20]] {
        till.terminal.handle(NOW, Input::Frame(replica(2), LINK, frame));
    }
    till.terminal.handle(NOW, Input::Frame(replica(9), LINK, vec![1, 2, 3]));
    till.run(NOW);
    let refused = till.notices.iter().filter(|notice| matches!(notice, Notice::Refused { .. })).count();
    assert_eq!(refused, 6, "one each, and nothing for a terminal that is not connected");
    till.sell(NOW, 1, vec![support::line(1, "milk", 1, 1)]);
}
