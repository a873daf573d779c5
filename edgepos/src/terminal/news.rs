//! What the engines ask of the terminal, and what they have to say.

use edgepos_consensus::{self as consensus, Mode};
use edgepos_core::{EventId, Now};
use edgepos_sync as sync;

use super::duties::LoadFor;
use super::{Event, Output, Terminal, frame};

impl Terminal {
    pub(super) fn do_election(&mut self, now: Now, output: consensus::Output) {
        match output {
            consensus::Output::Persist(persist) => self.duties.election_persist(persist),
            consensus::Output::Apply(decision) => self.decided(now, decision),
            consensus::Output::Transmit(message) => {
                // A peer that is not connected gets nothing: raft sends again.
                if let Some(&connection) = self.peers.get(&message.to()) {
                    let frame = frame::election(&message);
                    self.duties.push(Output::Transmit { to: message.to(), connection, frame });
                }
            }
            consensus::Output::Event(event) => self.election_news(event),
        }
    }

    pub(super) fn do_outbox(&mut self, now: Now, output: sync::Output) {
        match output {
            sync::Output::Persist(persist) => self.duties.outbox_persist(persist),
            sync::Output::Load(load) => {
                let id = load.id;
                self.duties.load(load, LoadFor::Outbox(id));
            }
            sync::Output::Accepted(record) => self.accepted(now, &record),
            sync::Output::Transmit { to, connection, message } => {
                self.duties.push(Output::Transmit { to, connection, frame: frame::sync(&message) });
            }
            sync::Output::Uplink(id, request) => self.duties.push(Output::Uplink(id, request)),
            sync::Output::Event(event) => self.sync_news(event),
        }
    }

    /// Tells the outbox who leads when that has changed. Whether it had.
    pub(super) fn tell_leader(&mut self, now: Now) -> bool {
        let leader = self.election.leader();
        let entitled = self.election.entitled();
        if self.told_leader == (leader, entitled) {
            return false;
        }
        self.told_leader = (leader, entitled);
        let leader = leader.map(|leader| (leader.replica, leader.term));
        self.outbox.handle(now, sync::Input::Leader { leader, entitled });
        true
    }

    pub(super) fn mode_name(&self) -> &'static str {
        match self.election.mode() {
            Mode::Normal => "normal",
            Mode::Degraded { .. } => "degraded",
            Mode::Leaderless => "leaderless",
        }
    }

    fn election_news(&mut self, event: consensus::Event) {
        match event {
            consensus::Event::LeaderChanged(leader) => self.tell(Event::LeaderChanged(leader)),
            consensus::Event::QuorumLost { reachable, needed, .. } => {
                self.tell(Event::QuorumLost { reachable, needed });
            }
            consensus::Event::QuorumRegained => self.tell(Event::QuorumRegained),
            consensus::Event::Halted(reason) => self.tell(Event::ElectionHalted(reason.to_string())),
            consensus::Event::Refused { from, reason } => {
                self.tell(Event::Refused { from, reason: format!("{reason:?}") });
            }
            consensus::Event::LogLost { held, known } => self.tell(Event::LogLost { held, known }),
            consensus::Event::DiskStalled { .. } => self.tell(Event::DiskStalled),
            consensus::Event::MembersChanged { voters, learners } => {
                self.tell(Event::MembersChanged { voters, learners });
            }
            consensus::Event::StoreRecovered { generation, last, decided } => {
                let adopted = last.saturating_sub(decided);
                self.tell(Event::StoreRecovered { generation, adopted });
            }
            // Skipped decisions arrive as events of the store's chain; what a later version tells is not for this one.
            _ => {}
        }
    }

    fn sync_news(&mut self, event: sync::Event) {
        match event {
            sync::Event::CloudHas(vector) => self.tell(Event::CloudHas(vector)),
            sync::Event::Fork { chain, seq, .. } => {
                self.tell(Event::Forked { id: EventId::new(chain, seq.next()) })
            }
            sync::Event::RollbackSuspected { chain, known, own, .. } => {
                self.tell(Event::RollbackSuspected { claimed: EventId::new(chain, known), own });
            }
            sync::Event::Fenced { .. } => self.tell(Event::Fenced),
            sync::Event::Undecodable { peer, error } => {
                self.tell(Event::Refused { from: peer, reason: error.to_string() });
            }
            sync::Event::WrongStore { peer, store } => {
                self.tell(Event::Refused { from: peer, reason: format!("it belongs to store {store}") });
            }
            sync::Event::Incompatible { peer, versions: (oldest, newest) } => {
                self.tell(Event::Refused {
                    from: peer,
                    reason: format!("it speaks versions {oldest} to {newest}"),
                });
            }
            sync::Event::Damaged { id } => {
                self.tell(Event::Quarantined { id, reason: "its row is damaged on this disk".into() });
            }
            _ => {}
        }
    }
}
