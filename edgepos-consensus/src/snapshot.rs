//! What replaces a dropped log: no decision, only who belongs, which decisions were applied, and what the application keeps of them.

use edgepos_wire::{DecodeError, Reader, put_bytes, put_u64, write};

use crate::decisions::Decisions;
use crate::members::Members;

/// Longest state that an application attaches to a snapshot.
pub const MAX_ATTACHMENT_BYTES: usize = 1024;

/// What an application says of its state for the next snapshot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Attachment {
    /// Its state after every decision that was handed out; at most [`MAX_ATTACHMENT_BYTES`].
    State(Vec<u8>),
    /// It will have one, and no snapshot may be sent before.
    Pending,
    /// It has none: a snapshot goes without.
    Nothing,
}

/// The key of the attachment; those below are the state's own and the decisions'.
const ATTACHMENT: u8 = 10;

/// The state at one index of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Snapshot {
    pub(crate) index: u64,
    pub(crate) term: u64,
    pub(crate) members: Members,
    pub(crate) decisions: Decisions,
    /// What the application keeps of the decisions up to there; the first version has none.
    pub(crate) attachment: Option<Vec<u8>>,
}

impl Snapshot {
    pub(crate) fn encode(&self) -> Vec<u8> {
        write(|out| {
            out.map(3 + self.decisions.fields() + u64::from(self.attachment.is_some()))?;
            put_u64(out, 0, self.index)?;
            put_u64(out, 1, self.term)?;
            out.u8(2)?;
            self.members.write(out)?;
            self.decisions.write(out)?;
            match &self.attachment {
                Some(attachment) => put_bytes(out, ATTACHMENT, attachment),
                None => Ok(()),
            }
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Reader::all("snapshot", bytes, u32::MAX, Self::read)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (mut index, mut term, mut members) = (None, None, None);
        let (mut decisions, mut attachment) = (Decisions::default(), None);
        reader.fields_in_any_order(|reader, key| {
            match key {
                0 => index = Some(reader.u64()?),
                1 => term = Some(reader.u64()?),
                2 => members = Some(Members::read(reader)?),
                key if key == u64::from(ATTACHMENT) => {
                    attachment = Some(reader.bytes("attachment", MAX_ATTACHMENT_BYTES as u32)?.to_vec());
                }
                _ => return decisions.read_field(key, reader),
            }
            Ok(true)
        })?;
        Ok(Self {
            index: reader.required(index, 0)?,
            term: reader.required(term, 1)?,
            members: reader.required(members, 2)?,
            decisions,
            attachment,
        })
    }
}
