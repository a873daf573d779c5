//! Notices, alerts and what the elections came to: told, and not read back.
//!
//! Notices are matched without a wildcard: one that could not be shown would not build.

use edgepos_consensus as consensus;
use edgepos_core::ReplicaId;
use edgepos_sync as sync;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::status::ms;
use super::text;
use crate::history::durability::Durability;
use crate::monitor::alert::Alert;
use crate::terminal::Notice;

/// Its name as `notice`, as in the metric, and its fields beside it.
impl Serialize for Notice {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut out = Fields(to.serialize_map(None)?);
        match self {
            Self::Election(notice) => election(notice, &mut out)?,
            Self::Sync(notice) => log(notice, &mut out)?,
            Self::Recorded { id, envelope } => {
                out.name("recorded")?.text("id", id)?.put("envelope", envelope)?;
            }
            Self::ExceptionRaised(raised) => {
                out.name("exception_raised")?.put("exception", raised)?;
            }
            Self::ExceptionEnded(ended) => {
                out.name("exception_ended")?.put("exception", ended)?;
            }
            Self::ResolutionProposed(proposed) => {
                out.name("resolution_proposed")?.put("proposal", proposed)?;
            }
            Self::ExceptionResolved(resolved) => {
                out.name("exception_resolved")?.put("resolution", resolved)?;
            }
            Self::Quarantined { id, reason } => {
                out.name("quarantined")?.text("id", id)?.put("reason", reason)?;
            }
            Self::DecisionSkipped { index, kind } => {
                out.name("decision_skipped")?.put("index", index)?.put("kind", kind)?;
            }
            Self::ClockAhead { by_ms } => {
                out.name("clock_ahead")?.put("by_ms", by_ms)?;
            }
            Self::Alert(Alert { name, firing, value, threshold, says, remedy }) => {
                out.name("alert")?.put("alert", name)?.put("firing", firing)?;
                out.put("value", value)?.put("threshold", threshold)?;
                out.put("says", says)?.put("remedy", remedy)?;
            }
            Self::Condition { condition, holds } => {
                out.name("condition")?.put("condition", condition)?.put("holds", holds)?;
            }
            Self::PeerConnected { peer } => {
                out.name("peer_connected")?.text("peer", peer)?;
            }
            Self::PeerLost { peer } => {
                out.name("peer_lost")?.text("peer", peer)?;
            }
            Self::Refused { from, reason } => {
                out.name("frame_refused")?.text("from", from)?.put("reason", reason)?;
            }
        }
        out.0.end()
    }
}

/// The fields of a notice, one behind the other.
struct Fields<M>(M);

impl<M: SerializeMap> Fields<M> {
    fn name(&mut self, name: &'static str) -> Result<&mut Self, M::Error> {
        self.put("notice", name)
    }

    fn put<T: Serialize + ?Sized>(&mut self, field: &'static str, value: &T) -> Result<&mut Self, M::Error> {
        self.0.serialize_entry(field, value)?;
        Ok(self)
    }

    fn text(&mut self, field: &'static str, value: &impl ToString) -> Result<&mut Self, M::Error> {
        self.put(field, &value.to_string())
    }

    fn replicas(&mut self, field: &'static str, values: &[ReplicaId]) -> Result<&mut Self, M::Error> {
        self.put(field, &values.iter().map(ToString::to_string).collect::<Vec<_>>())
    }
}

fn election<M: SerializeMap>(notice: &consensus::Notice, out: &mut Fields<M>) -> Result<(), M::Error> {
    use consensus::Notice;
    match notice {
        Notice::LeaderChanged(leader) => {
            out.name("leader_changed")?.put("leader", &leader.map(|leader| leader.replica.to_string()))?;
            out.put("term", &leader.map(|leader| leader.term.0))?
        }
        Notice::QuorumLost { since, reachable, needed } => {
            out.name("quorum_lost")?.put("since", &since.0)?;
            out.put("reachable", reachable)?.put("needed", needed)?
        }
        Notice::QuorumRegained => out.name("quorum_regained")?,
        Notice::Halted(reason) => out.name("election_halted")?.text("reason", reason)?,
        Notice::Refused { from, reason } => {
            out.name("message_refused")?.text("from", from)?.put("reason", &format!("{reason:?}"))?
        }
        Notice::LogLost { held, known } => out.name("log_lost")?.put("held", held)?.put("known", known)?,
        Notice::ProposalRefused { key: _, kind, base, current } => {
            out.name("proposal_refused")?.put("kind", kind)?.put("base", base)?.put("current", current)?
        }
        Notice::LevelRaised { level } => out.name("level_raised")?.put("level", level)?,
        Notice::StoreRecovered { generation, last, decided } => {
            out.name("store_recovered")?.put("generation", &generation.0)?;
            out.put("last", last)?.put("decided", decided)?
        }
        Notice::MembersChanged { voters, learners } => {
            out.name("members_changed")?.replicas("voters", voters)?.replicas("learners", learners)?
        }
        Notice::DiskStalled { since } => out.name("disk_stalled")?.put("since", &since.0)?,
        Notice::HandOverFailed => out.name("hand_over_failed")?,
        Notice::SnapshotInstalled { from, to } => {
            out.name("decisions_from_snapshot")?.put("from", from)?.put("to", to)?
        }
    };
    Ok(())
}

fn log<M: SerializeMap>(notice: &sync::Notice, out: &mut Fields<M>) -> Result<(), M::Error> {
    use sync::Notice;
    match notice {
        Notice::LeaderHas(vector) => out.name("leader_has")?.put("vector", &Vector(vector))?,
        Notice::CloudHas(vector) => out.name("cloud_has")?.put("vector", &Vector(vector))?,
        Notice::Fork { chain, seq, witness } => {
            out.name("forked")?.text("chain", chain)?.put("held", &seq.0)?.text("witness", witness)?
        }
        Notice::RollbackSuspected { chain, known, own, witness } => {
            out.name("rollback_suspected")?.text("chain", chain)?.put("known", &known.0)?;
            out.put("own", &own.0)?.text("witness", witness)?
        }
        Notice::Mistaken { chain, claimed, own, witness } => {
            out.name("claim_mistaken")?.text("chain", chain)?.put("claimed", &claimed.0)?;
            out.put("own", &own.0)?.text("witness", witness)?
        }
        Notice::Reincarnated { replica } => out.name("reincarnated")?.text("replica", replica)?,
        Notice::CloudRestored { witness } => out.name("cloud_restored")?.text("witness", witness)?,
        Notice::CloneSuspected { connection } => {
            out.name("clone_suspected")?.put("connection", &connection.0)?
        }
        Notice::Damaged { id } => out.name("damaged")?.text("id", id)?,
        Notice::Lost { first, last } => {
            out.name("events_lost")?.text("first", first)?.put("last", &last.0)?
        }
        Notice::Mended { first, last } => {
            out.name("events_mended")?.text("first", first)?.put("last", &last.0)?
        }
        Notice::Pruned { id, peer } => {
            out.name("pruned")?.text("id", id)?.put("peer", &peer.map(|peer| peer.to_string()))?
        }
        Notice::SnapshotNeeded { peer, chain, floor } => {
            out.name("snapshot_needed")?.text("peer", peer)?.text("chain", chain)?.put("floor", &floor.0)?
        }
        Notice::Incompatible { peer, versions } => {
            out.name("peer_incompatible")?.text("peer", peer)?.put("versions", versions)?
        }
        Notice::WrongStore { peer, store } => {
            out.name("peer_of_another_store")?.text("peer", peer)?.text("store", store)?
        }
        Notice::PeerRefused { peer } => out.name("peer_refused")?.text("peer", peer)?,
        Notice::Undecodable { peer, error } => {
            out.name("batch_undecodable")?.text("peer", peer)?.text("error", error)?
        }
        Notice::TooManyChains { witness } => out.name("too_many_chains")?.text("witness", witness)?,
        Notice::Leased { epoch, leader } => {
            out.name("leased")?.put("epoch", &epoch.0)?.put("leader", leader)?
        }
        Notice::Backpressure { peer, retry_after } => {
            out.name("backpressure")?.text("peer", peer)?.put("retry_after_ms", &ms(retry_after))?
        }
        Notice::Fenced { epoch } => out.name("fenced")?.put("epoch", &epoch.0)?,
        Notice::UploadRefused { reason } => out.name("upload_refused")?.text("reason", reason)?,
        Notice::UplinkFound { attempts } => out.name("uplink_found")?.put("attempts", attempts)?,
        Notice::UplinkFailed { error, attempts } => {
            out.name("uplink_failed")?.text("error", error)?.put("attempts", attempts)?
        }
    };
    Ok(())
}

struct Vector<'a>(&'a edgepos_crdt::VersionVector);

impl Serialize for Vector<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        text::vector::serialize(self.0, to)
    }
}

impl Serialize for Durability {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match self {
            Self::Here => "here",
            Self::AtLeader => "at_leader",
            Self::InCloud => "in_cloud",
        })
    }
}
