//! Identities and numbers, each its own type: what would be "the epoch" elsewhere has seven names here.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is no identity of the form that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParseIdError {
    expected: &'static str,
}

impl ParseIdError {
    /// With what was expected, such as `64 hexadecimal digits`.
    pub const fn new(expected: &'static str) -> Self {
        Self { expected }
    }
}

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl core::error::Error for ParseIdError {}

/// As many hexadecimal digits, as a number.
fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let all = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u128::from_str_radix(text, 16).ok().filter(|_| all)
}

/// The bytes that an id of `N` bytes is displayed as: two hexadecimal digits each, and nothing else.
pub fn parse_hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let pairs = text.as_bytes().chunks_exact(2);
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let digits = core::str::from_utf8(pair).ok()?;
        *byte = u8::try_from(hexadecimal(digits, 2)?).ok()?;
    }
    Some(bytes)
}

/// Decimal digits alone, as a number: no sign, and nothing that is too large.
fn decimal<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        /// Decimal digits.
        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                decimal(text).map(Self).ok_or(ParseIdError { expected: "a number in decimal digits" })
            }
        }
    };
}

number! {
    /// Raft's term. Starts at 1.
    Term(u64)
}
number! {
    /// Raised by a forced recovery of a store that lost its majority for good. Frames of an older generation are refused.
    StoreGeneration(u32)
}
number! {
    /// The cloud's fencing number for uploads of one store. An older one is refused for ever.
    UploadEpoch(u64)
}
number! {
    /// Counts the foldings of retired counter columns into the base.
    FoldEpoch(u32)
}
number! {
    /// Counts the repairs of a register that a far-future stamp had poisoned.
    RepairGen(u32)
}
number! {
    /// One connection of the transport; a new one after each reconnect, rising. Frames of a dead connection are dropped by it.
    ConnectionId(u64)
}
number! {
    /// A position in a chain: 1, 2, 3 … without gaps. 0 means "nothing yet".
    Seq(u64)
}

impl Seq {
    /// Before the first event.
    pub const ZERO: Self = Self(0);

    /// The position after this one. Saturates, which no chain reaches: 2⁶⁴ events take 58 million years at 10,000 a second.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One incarnation of one terminal: the terminal's number in the store (16 bits) and a random nonce (48 bits).
///
/// Made anew on the first install, when the disk was lost, restored or cloned, and after retirement; never reused. It is raft's
/// node id as well.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ReplicaId(pub u64);

impl ReplicaId {
    /// The terminal number of the cloud, which no terminal may have.
    pub const CLOUD: u16 = u16::MAX;

    /// The highest number that a terminal may have; the lowest is 1. It says nothing of how many terminals a store may have.
    pub const LAST_TERMINAL: u16 = Self::CLOUD - 1;

    /// From the terminal's number, 1 to [`LAST_TERMINAL`](Self::LAST_TERMINAL), and a nonce of which the low 48 bits count. The number
    /// behind them is [the cloud's](Self::cloud).
    ///
    /// # Panics
    /// When `terminal` is 0: number 0 is the store's own chains.
    pub const fn new(terminal: u16, nonce: u64) -> Self {
        assert!(terminal != 0, "terminal numbers start at 1");
        Self(((terminal as u64) << 48) | (nonce & 0xFFFF_FFFF_FFFF))
    }

    /// The author of events that the whole store decides: terminal number 0, the generation as nonce.
    pub const fn store(generation: StoreGeneration) -> Self {
        Self(generation.0 as u64 + 1)
    }

    /// The author of what comes down from the cloud, in one life of the cloud's memory, whose name has these low 48 bits.
    pub const fn cloud(instance: u64) -> Self {
        Self::new(Self::CLOUD, instance)
    }

    /// Whether this is the cloud and no terminal.
    pub const fn is_cloud(self) -> bool {
        self.terminal() == Self::CLOUD
    }

    /// The terminal's number in the store; 0 for the store itself.
    pub const fn terminal(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// Whether a terminal may have this number: 0 is the store's, 65,535 the cloud's.
    pub const fn is_terminal_number(number: u16) -> bool {
        number >= 1 && number <= Self::LAST_TERMINAL
    }

    /// Whether this is a terminal, and neither the store nor the cloud.
    pub const fn is_terminal(self) -> bool {
        Self::is_terminal_number(self.terminal())
    }

    /// Whether this is the store itself and no terminal.
    pub const fn is_store(self) -> bool {
        self.terminal() == 0 && self.0 != 0
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:012x}", self.terminal(), self.0 & 0xFFFF_FFFF_FFFF)
    }
}

/// As it is displayed: `3-0123456789ab`.
impl FromStr for ReplicaId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let parse = || {
            let (terminal, nonce) = text.split_once('-')?;
            let terminal: u16 = decimal(terminal)?;
            let nonce = u64::try_from(hexadecimal(nonce, 12)?).ok()?;
            Some(Self((u64::from(terminal) << 48) | nonce))
        };
        parse().ok_or(ParseIdError { expected: "an incarnation such as 3-0123456789ab" })
    }
}

impl fmt::Debug for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplicaId({self})")
    }
}

/// A priority class with a sequence of its own, so that sales overtake stock counts without holes. Four, frozen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[repr(u8)]
pub enum Lane {
    /// Sales, returns, payments, and what else a receipt needs. A sale carries its own stock and points effects.
    Transactions = 0,
    /// Goods received, counted, written off.
    Stock = 1,
    /// Prices, products, customers, documents.
    Prices = 2,
    /// What a dashboard wants and nobody is owed.
    Telemetry = 3,
}

impl Lane {
    /// Every lane, most urgent first.
    pub const ALL: [Self; 4] = [Self::Transactions, Self::Stock, Self::Prices, Self::Telemetry];

    /// The number on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The lane with this number on the wire.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// A single-writer sequence of events: one incarnation, one lane.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Chain {
    /// The only writer.
    pub replica: ReplicaId,
    /// Its priority class.
    pub lane: Lane,
}

impl Chain {
    /// The lane of the replica.
    pub const fn new(replica: ReplicaId, lane: Lane) -> Self {
        Self { replica, lane }
    }

    /// 9 bytes that sort as the chain does: the replica big endian, then the lane.
    pub fn to_key(self) -> [u8; 9] {
        let mut key = [0; 9];
        key[..8].copy_from_slice(&self.replica.0.to_be_bytes());
        key[8] = self.lane.code();
        key
    }

    /// Reads what [`to_key`](Self::to_key) wrote.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (replica, lane) = key.split_first_chunk::<8>()?;
        let [lane] = lane else { return None };
        Some(Self { replica: ReplicaId(u64::from_be_bytes(*replica)), lane: Lane::from_code(*lane)? })
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.replica, self.lane.code())
    }
}

/// As it is displayed: `3-0123456789ab/0`.
impl FromStr for Chain {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let parse = || {
            let (replica, lane) = text.split_once('/')?;
            Some(Self { replica: replica.parse().ok()?, lane: Lane::from_code(decimal(lane)?)? })
        };
        parse().ok_or(ParseIdError { expected: "a chain such as 3-0123456789ab/0" })
    }
}

/// The name of an event, derived and never drawn: its chain and its position there. Also called a *dot*.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct EventId {
    /// Who wrote it, in which lane.
    pub chain: Chain,
    /// Its position, from 1.
    pub seq: Seq,
}

impl EventId {
    /// The event at a position of a chain.
    pub const fn new(chain: Chain, seq: Seq) -> Self {
        Self { chain, seq }
    }

    /// 17 bytes that sort as the id does: the chain's key, then the position big endian.
    pub fn to_key(self) -> [u8; 17] {
        let mut key = [0; 17];
        key[..9].copy_from_slice(&self.chain.to_key());
        key[9..].copy_from_slice(&self.seq.0.to_be_bytes());
        key
    }

    /// Reads what [`to_key`](Self::to_key) wrote.
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (chain, seq) = key.split_first_chunk::<9>()?;
        let seq: [u8; 8] = seq.try_into().ok()?;
        Some(Self { chain: Chain::from_key(chain)?, seq: Seq(u64::from_be_bytes(seq)) })
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.chain, self.seq)
    }
}

/// As it is displayed: `3-0123456789ab/0:17`.
impl FromStr for EventId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let parse = || {
            let (chain, seq) = text.split_once(':')?;
            Some(Self { chain: chain.parse().ok()?, seq: seq.parse().ok()? })
        };
        parse().ok_or(ParseIdError { expected: "an event such as 3-0123456789ab/0:17" })
    }
}

macro_rules! sixteen_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        /// 32 hexadecimal digits.
        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hexadecimal(text).map(Self).ok_or(ParseIdError { expected: "32 hexadecimal digits" })
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

sixteen_bytes! {
    /// The store, from its genesis record.
    StoreId
}
sixteen_bytes! {
    /// The till's own name for one attempt to sell: a repeat with the same key returns the first receipt and books nothing.
    IdempotencyKey
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn keys_sort_as_ids_do_and_read_back() {
        let chain = |terminal, lane| Chain::new(ReplicaId::new(terminal, 9), lane);
        let ids = [
            EventId::new(chain(1, Lane::Transactions), Seq(255)),
            EventId::new(chain(1, Lane::Transactions), Seq(256)),
            EventId::new(chain(1, Lane::Stock), Seq(1)),
            EventId::new(chain(2, Lane::Transactions), Seq(1)),
        ];
        for pair in ids.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].to_key() < pair[1].to_key(), "{} {}", pair[0], pair[1]);
        }
        for id in ids {
            assert_eq!(EventId::from_key(&id.to_key()), Some(id));
        }
    }

    #[test]
    fn broken_keys_are_none() {
        let mut key = EventId::new(Chain::new(ReplicaId::new(1, 1), Lane::Telemetry), Seq(1)).to_key();
        assert_eq!(EventId::from_key(&key[..16]), None);
        key[8] = 4;
        assert_eq!(EventId::from_key(&key), None);
        assert_eq!(Chain::from_key(&[]), None);
    }

    #[test]
    fn the_store_is_no_terminal() {
        let store = ReplicaId::store(StoreGeneration(0));
        assert!(store.is_store() && store.terminal() == 0 && store != ReplicaId::default());
        let terminal = ReplicaId::new(3, u64::MAX);
        assert!(!terminal.is_store() && terminal.terminal() == 3);
        let cloud = ReplicaId::cloud(0xAB12_3456_789A_BCDE);
        assert!(cloud.is_cloud() && !cloud.is_store() && !terminal.is_cloud() && !store.is_cloud());
        assert!(terminal.is_terminal() && !cloud.is_terminal() && !store.is_terminal());
        assert!(ReplicaId::new(ReplicaId::LAST_TERMINAL, 1).is_terminal() && !ReplicaId(7).is_terminal());
        assert_eq!(cloud.to_string(), "65535-3456789abcde");
        assert_eq!(terminal.to_string(), "3-ffffffffffff");
    }

    #[test]
    fn what_is_displayed_reads_back() {
        for replica in
            [ReplicaId::new(3, 0xA5), ReplicaId::new(65_535, u64::MAX), ReplicaId::store(StoreGeneration(2))]
        {
            assert_eq!(replica.to_string().parse(), Ok(replica));
        }
        let store = StoreId([0xAB; 16]);
        assert_eq!(store.to_string().parse(), Ok(store));
        for text in [
            "",
            "3",
            "3-",
            "3-0123456789a",
            "3-0123456789abc",
            "65536-0123456789ab",
            "3-0123456789ag",
            "x-0123456789ab",
            "3-+12345678901",
            "+3-0123456789ab",
        ] {
            assert!(text.parse::<ReplicaId>().is_err(), "{text}");
        }
        assert_eq!(
            "0".repeat(31).parse::<IdempotencyKey>().unwrap_err().to_string(),
            "expected 32 hexadecimal digits"
        );
    }
}
