//! What one call leads to, in order.

use std::collections::VecDeque;

use edgepos_core::{ConnectionId, EventId, Load, LoadId, Persist, ReplicaId, Space};

use crate::event::{EventRecord, Hash};
use crate::io::{Notice, Output, UplinkId};
use crate::wire::message::Message;
use crate::wire::request::CloudRequest;

/// The duties and notices that nobody has polled yet.
#[derive(Debug, Default)]
pub(crate) struct Outputs {
    queue: VecDeque<Output>,
    last_load: LoadId,
    ignored: u64,
}

impl Outputs {
    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }

    fn put(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        self.put(Output::Notice(notice));
    }

    pub(crate) fn write(&mut self, persist: Persist) {
        self.put(Output::Persist(persist));
    }

    /// A peer's event, ahead of the write that holds it.
    pub(crate) fn accepted(&mut self, record: EventRecord) {
        self.put(Output::Accepted(record));
    }

    /// An event whose bytes were lost or damaged and are there again, ahead of the write that holds it.
    pub(crate) fn healed(&mut self, record: EventRecord, taken: bool) {
        self.put(Output::Healed { record, is_new: taken });
    }

    /// An event to be written again under another name.
    pub(crate) fn reissue(&mut self, record: EventRecord, hash: Hash) {
        self.put(Output::Reissue { record, hash });
    }

    pub(crate) fn transmit(&mut self, to: ReplicaId, connection: ConnectionId, message: Message) {
        self.put(Output::Transmit { to, connection, message });
    }

    pub(crate) fn ask_cloud(&mut self, id: UplinkId, request: CloudRequest) {
        self.put(Output::Uplink(id, request));
    }

    /// Asks for the rows of the events `from` to `to`, both included.
    pub(crate) fn read(&mut self, from: EventId, to: EventId, max_bytes: u32) -> LoadId {
        self.last_load = LoadId(self.last_load.0 + 1);
        let (id, from, to) = (self.last_load, from.to_key().to_vec(), to.to_key().to_vec());
        self.put(Output::Load(Load { id, space: Space::Event, from, to, max_bytes }));
        id
    }

    /// Counts a message that is dropped.
    pub(crate) fn ignore(&mut self) {
        self.ignored = self.ignored.saturating_add(1);
    }

    /// How many messages were dropped.
    pub(crate) fn ignored(&self) -> u64 {
        self.ignored
    }
}
