//! Reads, one by one, the events that wait to be written again under another name.

use edgepos_core::{EventId, LoadId};

use crate::event::EventRecord;
use crate::io::Notice;
use crate::turn::Turn;

/// The event that is next.
#[derive(Debug, Default)]
pub(crate) struct Rewriting {
    stage: Stage,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Idle,
    Reading(LoadId, EventId),
    /// It was handed out.
    Out,
}

impl Rewriting {
    /// Reads the next event, unless one is under way or the disk does not keep up.
    pub(crate) fn pump(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.stage, Stage::Idle)
            && !turn.log.is_busy(turn.config)
            && let Some(id) = turn.log.next_tail()
        {
            self.stage = Stage::Reading(turn.out.read(id, id, 1), id);
        }
    }

    /// Whether the rows were for this.
    pub(crate) fn loaded(&mut self, turn: &mut Turn<'_>, load: LoadId, rows: &[(Vec<u8>, Vec<u8>)]) -> bool {
        let Stage::Reading(reading, id) = self.stage else { return false };
        if reading != load {
            return false;
        }
        let row = rows.first().and_then(|(key, value)| EventRecord::from_row(key, value));
        if let Some((record, hash)) = row.filter(|(record, _)| record.id == id) {
            turn.out.reissue(record, hash);
            self.stage = Stage::Out;
        } else {
            // It leaves its place all the same: what follows must not wait for it.
            turn.out.notice(Notice::Damaged { id });
            turn.log.reissue(id, None, turn.out);
            self.stage = Stage::Idle;
        }
        true
    }

    /// What was handed out is written again.
    pub(crate) fn done(&mut self) {
        self.stage = Stage::Idle;
    }
}
