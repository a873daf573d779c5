//! Reads all chains slowly, round and round, so that damage is found while others still have what is damaged here. It wakes nobody: a
//! piece is read where something else happens and it is time.

use edgepos_core::{Chain, EventId, Seq, Time};

use super::examine::Finding;
use super::look::Look;
use crate::event::{EventRecord, Hash};
use crate::io::Notice;
use crate::turn::Turn;

/// What is read at once.
const PIECE: u32 = 64 << 10;

/// How far the round has come.
#[derive(Debug, Default)]
pub(super) struct Scrub {
    at: Option<Time>,
    chain: Option<Chain>,
    /// The first position of the chain that was not read, and the hash before it.
    next: Option<(Seq, Option<Hash>)>,
}

impl Scrub {
    /// The next piece, when it is time for it.
    pub(super) fn next(&mut self, turn: &Turn<'_>) -> Option<Look> {
        let at = *self.at.get_or_insert(turn.now + turn.config.scrub_interval);
        if at > turn.now {
            return None;
        }
        self.at = Some(turn.now + turn.config.scrub_interval);
        let (chain, (first, before)) = match (self.chain, self.next) {
            (Some(chain), Some(next)) => (chain, next),
            (last, _) => (turn.log.chain_after(last)?, (Seq(1), None)),
        };
        self.chain = Some(chain);
        self.next = None;
        Look::new(turn.log, chain, first, before, PIECE)
    }

    /// A piece was examined: goes on behind it. Where something is wrong that has to be looked at more closely, the event.
    pub(super) fn examined(
        &mut self,
        turn: &mut Turn<'_>,
        look: &Look,
        rows: &[(Vec<u8>, Vec<u8>)],
        finding: &Finding,
    ) -> Option<EventId> {
        let (next, before, wrong) = match finding {
            Finding::Sound(reach) => {
                let last = rows.iter().rev().find_map(|(key, value)| EventRecord::from_row(key, value));
                let hash = last.filter(|(record, _)| record.id.seq == *reach).map(|(_, hash)| hash);
                (reach.next(), hash, None)
            }
            Finding::Hash(record, hash) => {
                turn.log.rewrite(record, *hash, turn.out);
                turn.out.notice(Notice::Damaged { id: record.id });
                turn.out.notice(Notice::Mended { first: record.id, last: record.id.seq });
                (record.id.seq.next(), Some(*hash), None)
            }
            Finding::Bytes(gap) => {
                (gap.last.next(), (gap.at == gap.last).then_some(gap.hash), Some(gap.first))
            }
            Finding::Unclear(seq) => (seq.next(), None, Some(*seq)),
        };
        self.next = (next <= look.end()).then_some((next, before));
        wrong.map(|seq| EventId::new(look.chain(), seq))
    }
}
