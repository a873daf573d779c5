//! What the cloud provably holds: positions whose hash, as the cloud stated it, is the one held here.

use std::collections::VecDeque;

use edgepos_core::{Chain, Seq, Space, Write};
use edgepos_crdt::VersionVector;
use edgepos_wire::{DecodeError, Reader, write};

use crate::event::Hash;
use crate::limits::Limits;
use crate::wire::claim::{Claim, CloudInstance, Draft, Keys};
use crate::wire::shapes;

/// The row of `Space::Cloud` that holds the positions alone, as 0.1.0 reads them.
const VECTOR_KEY: &[u8] = b"vector";
/// The row of `Space::Cloud` that holds the positions with their proofs.
const PROOF_KEY: &[u8] = b"proof";
const KEYS: Keys = Keys { vector: 0, heads: 1, instance: 2, lost: 4, batch_format: 5 };
/// Earlier instances that are remembered, so that a peer that was away cannot bring one back.
const MAX_PAST: usize = 16;

/// What the present instance of the cloud is proved to hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Proved {
    held: Claim,
    /// Instances that are over, latest last.
    past: VecDeque<CloudInstance>,
    /// What those say that speak no hashes. It frees sending, is written nowhere, and goes back where they say less.
    bare: VersionVector,
    dirty: bool,
}

/// Which life of the cloud a claim is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    Present,
    /// It has just begun: what the one before held counts for nothing.
    Begun,
    /// An earlier one, or one that the speaker may not announce.
    Other,
}

impl Proved {
    /// How far each chain is proved to be in the cloud.
    pub(crate) fn vector(&self) -> &VersionVector {
        &self.held.vector
    }

    /// The same with its proofs, to be passed on.
    pub(crate) fn claim(&self) -> &Claim {
        &self.held
    }

    /// How far the chain is in the cloud, by proof or by the word of those who speak no hashes.
    pub(crate) fn sent(&self, chain: Chain) -> Seq {
        self.held.vector.get(chain).max(self.bare.get(chain))
    }

    /// The word of somebody who speaks no hashes.
    pub(crate) fn hear_bare(&mut self, vector: &VersionVector) {
        self.bare = vector.clone();
    }

    /// A claim is about this instance. `announces`: whether the speaker may say that another life has begun.
    pub(crate) fn enter(&mut self, instance: Option<CloudInstance>, announces: bool) -> Life {
        let Some(instance) = instance else { return Life::Present };
        match self.held.instance {
            Some(present) if present == instance => Life::Present,
            // Nothing else was ever heard of.
            None => {
                self.held.instance = Some(instance);
                self.dirty = true;
                Life::Present
            }
            Some(_) if !announces => Life::Other,
            Some(present) => {
                if self.past.len() == MAX_PAST {
                    self.past.pop_front();
                }
                self.past.push_back(present);
                self.past.retain(|past| *past != instance);
                self.held = Claim { instance: Some(instance), ..Claim::default() };
                self.bare = VersionVector::new();
                self.dirty = true;
                Life::Begun
            }
        }
    }

    /// Whether the instance is known to be over.
    pub(crate) fn is_past(&self, instance: Option<CloudInstance>) -> bool {
        instance.is_some_and(|instance| self.past.contains(&instance))
    }

    /// The chain is in the cloud up to here: the hash is the one held here. Whether that is news.
    pub(crate) fn raise(&mut self, chain: Chain, seq: Seq, hash: Hash) -> bool {
        if seq <= self.held.vector.get(chain) {
            return false;
        }
        self.held.vector.set_max(chain, seq);
        self.held.heads.insert(chain, hash);
        self.dirty = true;
        true
    }

    /// The cloud itself holds no more than `vector`: what was proved above it was of a time before a backup was put back. Whether there
    /// was any.
    pub(crate) fn fall_to(&mut self, vector: &VersionVector) -> bool {
        let before = self.held.vector.len();
        let gone: Vec<Chain> = self
            .held
            .vector
            .iter()
            .filter(|(chain, seq)| *seq > vector.get(*chain))
            .map(|(chain, _)| chain)
            .collect();
        self.forget(&gone);
        self.held.vector.len() < before
    }

    /// Nothing is proved of these chains any more.
    pub(crate) fn forget(&mut self, chains: &[Chain]) {
        let held = &mut self.held;
        held.vector = held.vector.iter().filter(|(chain, _)| !chains.contains(chain)).collect();
        held.heads.retain(|chain, _| !chains.contains(chain));
        self.dirty |= !chains.is_empty();
    }

    /// How many chains there are.
    pub(crate) fn len(&self) -> usize {
        self.held.vector.len()
    }

    /// The rows, where they have changed since they were last asked for.
    pub(crate) fn take_writes(&mut self) -> Option<Vec<Write>> {
        std::mem::take(&mut self.dirty).then(|| {
            let proof = write(|out| {
                out.map(self.held.fields() + u64::from(!self.past.is_empty()))?;
                self.held.write_to(out, KEYS)?;
                if !self.past.is_empty() {
                    out.u64(3)?.array(self.past.len() as u64)?;
                    self.past.iter().try_for_each(|past| out.bytes(&past.0)?.ok())?;
                }
                Ok(())
            });
            let vector = write(|out| shapes::write_vector(out, &self.held.vector));
            vec![Write::put(Space::Cloud, VECTOR_KEY, vector), Write::put(Space::Cloud, PROOF_KEY, proof)]
        })
    }

    /// A row of `Space::Cloud`. The one that 0.1.0 wrote is read to see that it is sound, and believed in nothing: what it says was never
    /// proved.
    pub(crate) fn insert(&mut self, key: &[u8], value: &[u8], limits: &Limits) -> Result<(), DecodeError> {
        match key {
            VECTOR_KEY => {
                let read = |reader: &mut Reader<'_>| shapes::vector(reader, limits);
                Reader::all("row", value, limits.max_message_bytes, read).map(drop)
            }
            PROOF_KEY => {
                let (mut held, mut past) = (Draft::default(), VecDeque::new());
                Reader::all("row", value, limits.max_message_bytes, |reader| {
                    reader.fields(|reader, key| {
                        if key != 3 {
                            return held.read(reader, key, KEYS, limits);
                        }
                        for _ in 0..reader.array("past instances", MAX_PAST as u32)? {
                            past.push_back(CloudInstance(reader.fixed("instance")?));
                        }
                        Ok(true)
                    })
                })?;
                self.held = held.finish("row", KEYS)?;
                self.past = past;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Drops what cannot be: positions without a hash, and positions that are not held here as they are said to be in the cloud.
    pub(crate) fn keep(&mut self, is_held: impl Fn(Chain, Seq, Hash) -> bool) {
        let Claim { vector, heads, .. } = &self.held;
        let unproved =
            |(chain, seq): &(Chain, Seq)| heads.get(chain).is_none_or(|hash| !is_held(*chain, *seq, *hash));
        let gone: Vec<Chain> = vector.iter().filter(unproved).map(|(chain, _)| chain).collect();
        self.forget(&gone);
    }
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Lane, ReplicaId};

    use super::*;

    const CHAIN: Chain = Chain { replica: ReplicaId((1 << 48) | 0xA5), lane: Lane::Stock };
    const A: Option<CloudInstance> = Some(CloudInstance([1; 8]));
    const B: Option<CloudInstance> = Some(CloudInstance([2; 8]));

    #[test]
    fn another_life_begins_at_nothing_and_only_by_the_word_of_who_may_say_so() {
        let mut proved = Proved::default();
        assert_eq!(proved.enter(A, true), Life::Present, "the first that is ever heard of");
        assert!(proved.raise(CHAIN, Seq(5), Hash([5; 32])));
        assert_eq!(proved.enter(B, false), Life::Other);
        assert_eq!(proved.vector().get(CHAIN), Seq(5));
        assert_eq!(proved.enter(B, true), Life::Begun);
        assert_eq!(proved.vector().get(CHAIN), Seq(0));
        assert!(proved.is_past(A) && !proved.is_past(B));
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut proved = Proved::default();
        proved.enter(A, true);
        proved.raise(CHAIN, Seq(5), Hash([5; 32]));
        proved.enter(B, true);
        proved.raise(CHAIN, Seq(3), Hash([3; 32]));
        let mut read = Proved::default();
        for write in proved.take_writes().expect("changed") {
            let Write::Put { key, value, .. } = write else { panic!("{write:?}") };
            read.insert(&key, &value, &Limits::DEFAULT).expect("own row");
        }
        assert_eq!(proved.take_writes(), None);
        assert_eq!(read, proved);
        read.keep(|_, seq, _| seq < Seq(3));
        assert_eq!(read.vector().get(CHAIN), Seq(0));
    }
}
