//! The codes of a recovery kit and the anchor that knows them.

use core::fmt;
use core::str::FromStr;

use edgepos_core::StoreGeneration;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Recoveries that one kit is good for.
pub const MAX_GENERATIONS: u32 = 64;
/// Crockford's base 32: no letter that is mistaken for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code: 128 bits, and 12 that find a slip of the pen.
const CHARACTERS: usize = 28;

type Link = [u8; 16];

fn hash(label: &[u8], link: &Link) -> Link {
    let digest = Sha256::new().chain_update(label).chain_update(link).finalize();
    let mut hashed = [0; 16];
    hashed.copy_from_slice(&digest[..16]);
    hashed
}

fn next(link: Link, times: u32) -> Link {
    (0..times).fold(link, |link, _| hash(b"edgepos recovery", &link))
}

/// The secret of a store's recovery. Make it from 16 random bytes, print its codes, and forget it.
#[derive(Clone)]
pub struct RecoveryKit(Link);

impl RecoveryKit {
    /// From 16 random bytes.
    pub const fn from_secret(secret: [u8; 16]) -> Self {
        Self(secret)
    }

    /// What the store's genesis record holds.
    pub fn anchor(&self) -> RecoveryAnchor {
        RecoveryAnchor(next(self.0, MAX_GENERATIONS))
    }

    /// The code that leads to this generation; `None` for 0, where every store begins, and above [`MAX_GENERATIONS`].
    pub fn code(&self, generation: StoreGeneration) -> Option<RecoveryCode> {
        let times = MAX_GENERATIONS.checked_sub(generation.0)?;
        (generation.0 > 0).then(|| RecoveryCode { generation, link: next(self.0, times) })
    }
}

/// Without its contents: it would end in a log.
impl fmt::Debug for RecoveryKit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKit")
    }
}

/// What tells a code of the store's kit from any other. It is no secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecoveryAnchor(pub [u8; 16]);

/// One code of a kit. Written as `1-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX`, the generation first; it is read in either case, with or
/// without dashes behind the first, and with O, I and L for 0 and 1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RecoveryCode {
    generation: StoreGeneration,
    link: Link,
}

impl RecoveryCode {
    /// The generation that it leads to.
    pub fn generation(&self) -> StoreGeneration {
        self.generation
    }

    pub(crate) fn opens(&self, anchor: &RecoveryAnchor) -> bool {
        (1..=MAX_GENERATIONS).contains(&self.generation.0) && next(self.link, self.generation.0) == anchor.0
    }

    /// 128 bits of the code, then 12 bits of the hash of it and its generation.
    fn bits(&self) -> u128 {
        u128::from_be_bytes(self.link)
    }

    fn check(&self) -> u16 {
        let sum = hash(&self.generation.0.to_be_bytes(), &self.link);
        u16::from_be_bytes([sum[0], sum[1]]) & 0xFFF
    }
}

/// Without the code: it would end in a log.
impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecoveryCode({})", self.generation)
    }
}

impl fmt::Display for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.generation)?;
        // 140 bits: the upper 128 and the check, five at a time.
        let (bits, check) = (self.bits(), u128::from(self.check()));
        for character in 0..CHARACTERS {
            if character % 4 == 0 {
                f.write_str("-")?;
            }
            let low = 5 * (CHARACTERS - 1 - character);
            let value = match low.checked_sub(12) {
                Some(shift) => bits >> shift,
                None => (bits << (12 - low)) | (check >> low),
            };
            write!(f, "{}", char::from(ALPHABET[(value & 31) as usize]))?;
        }
        Ok(())
    }
}

/// What was typed is no code.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum CodeError {
    /// It does not begin with a generation from 1 to 64 and a dash.
    #[error("a recovery code begins with its generation, 1 to {MAX_GENERATIONS}, and a dash")]
    Generation,
    /// It has another length.
    #[error("a recovery code has {CHARACTERS} characters behind its generation, not {given}")]
    Length {
        /// How many there are, dashes and spaces aside.
        given: usize,
    },
    /// A character that no code has.
    #[error("{character:?} is in no recovery code")]
    Character {
        /// The character as it was typed.
        character: char,
    },
    /// The check does not fit: a character is wrong, or two are swapped.
    #[error("there is a slip of the pen in this recovery code")]
    Slip,
}

impl FromStr for RecoveryCode {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let (generation, rest) = text.trim().split_once('-').ok_or(CodeError::Generation)?;
        let generation = generation.parse().ok().filter(|number| (1..=MAX_GENERATIONS).contains(number));
        let generation = StoreGeneration(generation.ok_or(CodeError::Generation)?);
        let characters = || rest.chars().filter(|character| !matches!(character, '-' | ' '));
        let given = characters().count();
        if given != CHARACTERS {
            return Err(CodeError::Length { given });
        }
        let (mut bits, mut check) = (0u128, 0u16);
        for (place, character) in characters().enumerate() {
            let read = match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let value = ALPHABET.iter().position(|known| char::from(*known) == read);
            let value = value.ok_or(CodeError::Character { character })?;
            match (5 * (CHARACTERS - 1 - place)).checked_sub(12) {
                Some(shift) => bits |= (value as u128) << shift,
                None => {
                    let low = 5 * (CHARACTERS - 1 - place);
                    bits |= (value as u128) >> (12 - low);
                    check |= ((value << low) & 0xFFF) as u16;
                }
            }
        }
        let code = Self { generation, link: bits.to_be_bytes() };
        if code.check() == check { Ok(code) } else { Err(CodeError::Slip) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn codes_are_read_as_they_are_printed_or_typed() {
        let kit = RecoveryKit::from_secret(*b"sixteen by dice.");
        for generation in 1..=MAX_GENERATIONS {
            let code = kit.code(StoreGeneration(generation)).unwrap();
            let printed = code.to_string();
            assert_eq!(printed.parse(), Ok(code), "{printed}");
            let typed = printed.to_lowercase().replacen('-', "_", 1).replace('-', " ").replacen('_', "-", 1);
            assert_eq!(typed.parse(), Ok(code), "{typed}");
            assert!(code.opens(&kit.anchor()));
        }
        assert_eq!(kit.code(StoreGeneration(0)), None);
        assert_eq!(kit.code(StoreGeneration(MAX_GENERATIONS + 1)), None);
    }

    /// Every single wrong character is found: 12 bits of check miss one in 4,096, and none of these.
    #[test]
    fn slips_are_found() {
        let code = RecoveryKit::from_secret([7; 16]).code(StoreGeneration(3)).unwrap();
        let printed = code.to_string();
        for place in 2..printed.len() {
            let mut slip = printed.clone().into_bytes();
            if slip[place] == b'-' {
                continue;
            }
            slip[place] = if slip[place] == b'7' { b'8' } else { b'7' };
            let read = String::from_utf8(slip).unwrap().parse::<RecoveryCode>();
            assert_eq!(read, Err(CodeError::Slip), "{place}");
        }
        assert_eq!(printed.replacen('3', "4", 1).parse::<RecoveryCode>(), Err(CodeError::Slip));
        assert_eq!("".parse::<RecoveryCode>(), Err(CodeError::Generation));
        assert_eq!("0-1".parse::<RecoveryCode>(), Err(CodeError::Generation));
        assert_eq!("1-ABC".parse::<RecoveryCode>(), Err(CodeError::Length { given: 3 }));
        let odd = format!("1-{}", "Ü".repeat(28));
        assert_eq!(odd.parse::<RecoveryCode>(), Err(CodeError::Character { character: 'Ü' }));
    }

    /// Whoever saw a code can make those before it, which lead nowhere any more, and not the one behind it.
    #[test]
    fn a_code_opens_its_generation_alone() {
        let kit = RecoveryKit::from_secret([9; 16]);
        let code = kit.code(StoreGeneration(2)).unwrap();
        let later = RecoveryCode { generation: StoreGeneration(3), ..code };
        assert!(!later.opens(&kit.anchor()));
        assert!(!code.opens(&RecoveryKit::from_secret([8; 16]).anchor()));
        assert_eq!(next(code.link, 1), kit.code(StoreGeneration(1)).unwrap().link);
    }
}
