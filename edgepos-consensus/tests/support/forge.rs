//! Messages as an attacker, or a defect, would make them: field by field, in the bytes of the wire.

use edgepos_consensus::Message;
use edgepos_core::ReplicaId;
use minicbor::Encoder;

pub(crate) const APPEND: u64 = 1;
pub(crate) const APPEND_REPLY: u64 = 2;
pub(crate) const VOTE: u64 = 3;
pub(crate) const VOTE_REPLY: u64 = 4;
pub(crate) const HEARTBEAT: u64 = 5;
pub(crate) const HEARTBEAT_REPLY: u64 = 6;
pub(crate) const SNAPSHOT: u64 = 7;
pub(crate) const TIMEOUT_NOW: u64 = 8;
pub(crate) const PROPOSE: u64 = 9;

pub(crate) const INDEX: u8 = 7;
pub(crate) const LOG_TERM: u8 = 8;
pub(crate) const COMMIT: u8 = 9;
pub(crate) const COMMIT_TERM: u8 = 10;
pub(crate) const FLAGS: u8 = 11;
pub(crate) const HINT: u8 = 12;

/// An entry of the log, or what claims to be one.
pub(crate) type Entry = (u64, u64, u64);

/// A message under construction.
pub(crate) struct Forged {
    fields: Vec<(u8, Vec<u8>)>,
}

fn bytes_of(write: impl FnOnce(&mut Encoder<Vec<u8>>)) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder);
    encoder.into_writer()
}

fn number(value: u64) -> Vec<u8> {
    bytes_of(|encoder| {
        encoder.u64(value).unwrap();
    })
}

/// A proposal as it stands in an entry.
pub(crate) fn proposal(replica: ReplicaId, number: u64, bytes: usize) -> Vec<u8> {
    bytes_of(|encoder| {
        encoder.map(4).unwrap();
        encoder.u8(0).unwrap().u64(replica.0).unwrap();
        encoder.u8(1).unwrap().u64(number).unwrap();
        encoder.u8(2).unwrap().u64(1).unwrap();
        encoder.u8(3).unwrap().bytes(&vec![1; bytes]).unwrap();
    })
}

/// A proposal that raises the feature level, as it stands in an entry.
pub(crate) fn level(replica: ReplicaId, number: u64, level: u64) -> Vec<u8> {
    bytes_of(|encoder| {
        encoder.map(5).unwrap();
        encoder.u8(0).unwrap().u64(replica.0).unwrap();
        encoder.u8(1).unwrap().u64(number).unwrap();
        encoder.u8(2).unwrap().u64(0xFFFF).unwrap();
        encoder.u8(3).unwrap().bytes(&[]).unwrap();
        encoder.u8(6).unwrap().u64(level).unwrap();
    })
}

impl Forged {
    pub(crate) fn new(kind: u64, from: ReplicaId, to: ReplicaId, term: u64) -> Self {
        let store = bytes_of(|encoder| {
            encoder.bytes(&[0; 16]).unwrap();
        });
        let mut fields = vec![(0, store), (1, number(0)), (2, number(from.0)), (3, number(to.0))];
        fields.extend([(4, number(term)), (6, number(kind))]);
        Self { fields }
    }

    pub(crate) fn with(mut self, field: u8, value: u64) -> Self {
        self.fields.retain(|(known, _)| *known != field);
        self.fields.push((field, number(value)));
        self
    }

    pub(crate) fn of_store(mut self, store: [u8; 16]) -> Self {
        self.fields[0].1 = bytes_of(|encoder| {
            encoder.bytes(&store).unwrap();
        });
        self
    }

    /// Entries of (index, term, class), empty.
    pub(crate) fn entries(self, entries: &[Entry]) -> Self {
        self.entries_of(entries, b"")
    }

    /// Entries of (index, term, class), each with this payload.
    pub(crate) fn entries_of(mut self, entries: &[Entry], payload: &[u8]) -> Self {
        let bytes = bytes_of(|encoder| {
            encoder.array(entries.len() as u64).unwrap();
            for (index, term, class) in entries {
                encoder.map(4).unwrap();
                encoder.u8(0).unwrap().u64(*index).unwrap();
                encoder.u8(1).unwrap().u64(*term).unwrap();
                encoder.u8(2).unwrap().u64(*class).unwrap();
                encoder.u8(3).unwrap().bytes(payload).unwrap();
            }
        });
        self.fields.push((13, bytes));
        self
    }

    pub(crate) fn snapshot(
        mut self,
        index: u64,
        term: u64,
        voters: &[ReplicaId],
        learners: &[ReplicaId],
    ) -> Self {
        let bytes = bytes_of(|encoder| {
            encoder.map(4).unwrap();
            encoder.u8(0).unwrap().u64(index).unwrap();
            encoder.u8(1).unwrap().u64(term).unwrap();
            encoder.u8(2).unwrap().map(2).unwrap();
            for (key, members) in [(0, voters), (1, learners)] {
                encoder.u8(key).unwrap().array(members.len() as u64).unwrap();
                for member in members {
                    encoder.u64(member.0).unwrap();
                }
            }
            encoder.u8(3).unwrap().array(0).unwrap();
        });
        self.fields.push((14, bytes));
        self
    }

    /// One proposal in the name of `replica`.
    pub(crate) fn proposal(mut self, replica: ReplicaId, number: u64, bytes: usize) -> Self {
        let mut item = bytes_of(|encoder| {
            encoder.array(1).unwrap();
        });
        item.extend(proposal(replica, number, bytes));
        self.fields.push((15, item));
        self
    }

    /// A list of so many proposals that holds none of them.
    pub(crate) fn proposals(mut self, count: u64) -> Self {
        let list = bytes_of(|encoder| {
            encoder.array(count).unwrap();
        });
        self.fields.push((15, list));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        encoder.map(self.fields.len() as u64).unwrap();
        for (key, value) in &self.fields {
            encoder.u8(*key).unwrap();
            encoder.writer_mut().extend(value);
        }
        encoder.into_writer()
    }

    pub(crate) fn message(&self) -> Message {
        Message::decode(&self.bytes()).expect("it decodes: the guard's turn")
    }
}
