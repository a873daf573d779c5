//! What replaces a dropped log: no decision, only who belongs, which decisions were applied, and what the application keeps of them.

use minicbor::Decoder;
use minicbor::decode::Error;

use crate::cbor::{self, infallible};
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
        let mut encoder = cbor::map(3 + self.decisions.fields() + u64::from(self.attachment.is_some()));
        cbor::put_u64(&mut encoder, 0, self.index);
        cbor::put_u64(&mut encoder, 1, self.term);
        infallible(encoder.u8(2));
        self.members.encode_into(&mut encoder);
        self.decisions.encode_into(&mut encoder);
        if let Some(attachment) = &self.attachment {
            infallible(encoder.u8(ATTACHMENT).and_then(|encoder| encoder.bytes(attachment)));
        }
        encoder.into_writer()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut decoder = Decoder::new(bytes);
        let snapshot = Self::decode_from(&mut decoder)?;
        cbor::end(&decoder)?;
        Ok(snapshot)
    }

    pub(crate) fn decode_from(decoder: &mut Decoder<'_>) -> Result<Self, Error> {
        let (mut index, mut term, mut members) = (None, None, None);
        let (mut decisions, mut attachment) = (Decisions::default(), None);
        cbor::visit_map(decoder, |key, decoder| {
            match key {
                0 => index = Some(decoder.u64()?),
                1 => term = Some(decoder.u64()?),
                2 => members = Some(Members::decode_from(decoder)?),
                key if key == u64::from(ATTACHMENT) => {
                    attachment = Some(cbor::bytes(decoder, MAX_ATTACHMENT_BYTES)?);
                }
                _ => return decisions.decode_field(key, decoder),
            }
            Ok(true)
        })?;
        let missing = || Error::message("snapshot lacks a field");
        Ok(Self {
            index: index.ok_or_else(missing)?,
            term: term.ok_or_else(missing)?,
            members: members.ok_or_else(missing)?,
            decisions,
            attachment,
        })
    }
}
