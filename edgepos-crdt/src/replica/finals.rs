//! Where chains end, and what the store-wide log says of it.

use alloc::vec::Vec;

use edgepos_core::{Chain, FoldEpoch, Seq};
use serde::{Deserialize, Serialize};

use crate::wire::{Reader, Wire, Writer, read_list, write_list};
use crate::{Corruption, WireError};

/// Where a chain ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Final {
    /// Its last position.
    pub seq: Seq,
    /// Whether the store decided so because the terminal is lost, and more of the chain may turn up; else its writer did.
    pub written_off: bool,
}

/// The end of an incarnation, to be committed in the store-wide log: sealed by its own writer, or written off.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Retirement {
    /// Each chain of the incarnation that has events.
    pub finals: Vec<(Chain, Final)>,
}

/// A folding, to be committed in the store-wide log. It carries numbers and a hash; rows travel between terminals.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Fold {
    /// The epoch that it follows.
    pub parent: FoldEpoch,
    /// The chains that it folds, or whose end it amends.
    pub finals: Vec<(Chain, Final)>,
    /// SHA-256 of the base rows and the ledgers afterwards.
    pub base_hash: [u8; 32],
}

impl Wire for Final {
    fn write(&self, out: &mut Writer) {
        self.seq.write(out);
        out.byte(u8::from(self.written_off));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let seq = Seq::read(input)?;
        match input.byte()? {
            flag @ (0 | 1) => Ok(Self { seq, written_off: flag == 1 }),
            _ => Err(WireError::Number),
        }
    }
}

/// A chain and its end: 9 + 1 + 1 bytes at least.
const MIN_FINAL: usize = 11;

/// A chain that were there twice would be counted twice.
fn read_finals(input: &mut Reader<'_>) -> Result<Vec<(Chain, Final)>, WireError> {
    let finals: Vec<(Chain, Final)> = read_list(MIN_FINAL, input)?;
    let rising = finals.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if rising { Ok(finals) } else { Err(Corruption::Order.into()) }
}

impl Wire for Retirement {
    fn write(&self, out: &mut Writer) {
        write_list(&self.finals, out);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        read_finals(input).map(|finals| Self { finals })
    }
}

impl Wire for Fold {
    fn write(&self, out: &mut Writer) {
        self.parent.write(out);
        write_list(&self.finals, out);
        out.raw(&self.base_hash);
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, WireError> {
        let parent = FoldEpoch::read(input)?;
        let finals = read_finals(input)?;
        let mut base_hash = [0; 32];
        base_hash.copy_from_slice(input.raw(32)?);
        Ok(Self { parent, finals, base_hash })
    }
}
