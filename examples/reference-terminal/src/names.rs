//! Identities as text, the way they stand in configuration files, JSON and logs.

use std::collections::BTreeMap;

use edgepos::core::{Chain, EventId, Lane, ReplicaId, Seq};
use edgepos::crdt::VersionVector;
use thiserror::Error;

/// The text names nothing.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{text:?} is no {expected}")]
pub struct NameError {
    text: String,
    expected: &'static str,
}

fn error(text: &str, expected: &'static str) -> NameError {
    NameError { text: text.chars().take(80).collect(), expected }
}

/// Two lower-case hexadecimal digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads bytes as hexadecimal digits, two a byte.
///
/// # Errors
/// Anything else.
pub fn parse_bytes(text: &str) -> Result<Vec<u8>, NameError> {
    let wrong = || error(text, "row of hexadecimal digits, two a byte");
    let digits = text.len().is_multiple_of(2) && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !digits {
        return Err(wrong());
    }
    let pairs = (0..text.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())).collect()
}

/// Reads 16 bytes as 32 hexadecimal digits.
///
/// # Errors
/// Anything else.
pub fn parse_16(text: &str) -> Result<[u8; 16], NameError> {
    let expected = "name of 32 hexadecimal digits";
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(error(text, expected));
    }
    u128::from_str_radix(text, 16).map(u128::to_be_bytes).map_err(|_| error(text, expected))
}

/// Reads an incarnation as it is displayed: `3-0123456789ab`.
///
/// # Errors
/// Anything else, terminal number 0 included unless `0-` and a store's nonce.
pub fn parse_replica(text: &str) -> Result<ReplicaId, NameError> {
    let parse = || {
        let (terminal, nonce) = text.split_once('-')?;
        let terminal: u16 = terminal.parse().ok()?;
        let hexadecimal = nonce.len() == 12 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit());
        let nonce = u64::from_str_radix(nonce, 16).ok().filter(|_| hexadecimal)?;
        Some(ReplicaId((u64::from(terminal) << 48) | nonce))
    };
    parse().ok_or_else(|| error(text, "incarnation such as 3-0123456789ab"))
}

/// Reads an event's name as it is displayed: `3-0123456789ab/0:17`.
///
/// # Errors
/// Anything else.
pub fn parse_event(text: &str) -> Result<EventId, NameError> {
    let wrong = || error(text, "event such as 3-0123456789ab/0:17");
    let (chain, seq) = text.split_once(':').ok_or_else(wrong)?;
    let seq = seq.parse().map_err(|_| wrong())?;
    Ok(EventId::new(parse_chain(chain)?, Seq(seq)))
}

/// Reads a chain as it is displayed: `3-0123456789ab/0`.
///
/// # Errors
/// Anything else.
pub fn parse_chain(text: &str) -> Result<Chain, NameError> {
    let wrong = || error(text, "chain such as 3-0123456789ab/0");
    let (replica, lane) = text.split_once('/').ok_or_else(wrong)?;
    let lane = lane.parse().ok().and_then(Lane::from_code).ok_or_else(wrong)?;
    Ok(Chain::new(parse_replica(replica)?, lane))
}

/// A version vector as JSON has it: chain → position.
pub type VectorText = BTreeMap<String, u64>;

/// Reads a version vector.
///
/// # Errors
/// When a key is no chain.
pub fn parse_vector(text: &VectorText) -> Result<VersionVector, NameError> {
    text.iter().map(|(chain, seq)| Ok((parse_chain(chain)?, Seq(*seq)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        let chain = Chain::new(ReplicaId::new(15, 0xabc), Lane::Prices);
        let id = EventId::new(chain, Seq(7));
        assert_eq!(id.to_string(), "15-000000000abc/2:7");
        assert_eq!(parse_event(&id.to_string()), Ok(id));
        assert_eq!(parse_replica("15-000000000abc"), Ok(chain.replica));
        let text = [(chain.to_string(), 7)].into_iter().collect();
        assert_eq!(parse_vector(&text), Ok([(chain, Seq(7))].into_iter().collect()));
        assert_eq!(parse_16(&hex(&[9; 16])), Ok([9; 16]));
        assert_eq!(parse_bytes("00ff"), Ok(vec![0, 255]));
    }

    #[test]
    fn other_text_is_refused() {
        for bad in ["", "1", "1-", "1-abc", "x-000000000abc", "1-+00000000abc", "70000-000000000abc"] {
            assert!(parse_replica(bad).is_err(), "{bad}");
        }
        for bad in ["1-000000000abc/4:1", "1-000000000abc:1", "1-000000000abc/0", "1-000000000abc/0:-1"] {
            assert!(parse_event(bad).is_err(), "{bad}");
        }
        assert!(parse_16("+0000000000000000000000000000000").is_err());
        assert!(parse_bytes("0").is_err() && parse_bytes("é").is_err() && parse_bytes("0+").is_err());
    }
}
