//! A customer's fields under a key that no event has.

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::body::{CustomerSet, KeyId};

/// The key to one customer's fields, drawn by whoever keeps customers: 32 random bytes, for this customer alone. It is in no event, no
/// message and no log line; a terminal that is given it keeps it until the customer is erased.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomerKey {
    customer: String,
    secret: [u8; CustomerKey::LEN],
}

/// What is no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a customer's key is 64 hexadecimal digits")]
pub struct NotAKey;

impl CustomerKey {
    /// Bytes of a key.
    pub const LEN: usize = 32;

    /// The key of this customer, of bytes that nobody can guess.
    pub fn new(customer: impl Into<String>, secret: [u8; Self::LEN]) -> Self {
        Self { customer: customer.into(), secret }
    }

    /// The same, its bytes as 64 hexadecimal digits.
    ///
    /// # Errors
    /// When they are anything else.
    pub fn parse(customer: impl Into<String>, digits: &str) -> Result<Self, NotAKey> {
        if digits.len() != 2 * Self::LEN || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotAKey);
        }
        let mut secret = [0; Self::LEN];
        for (byte, at) in secret.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| NotAKey)?;
        }
        Ok(Self::new(customer, secret))
    }

    /// Whose it is.
    pub fn customer(&self) -> &str {
        &self.customer
    }

    /// Which key it is, as an event names it.
    pub fn id(&self) -> KeyId {
        let hash: [u8; 32] =
            Sha256::new_with_prefix(b"edgepos customer key").chain_update(self.secret).finalize().into();
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        KeyId::new(id)
    }

    /// Its bytes, for the row that keeps it.
    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// Fields of a customer as an event has them: the same for the same fields, so that a repeat says the same.
    pub(super) fn seal(&self, fields: &[u8]) -> CustomerSet {
        let hash: [u8; 32] = Sha256::new_with_prefix(b"edgepos customer nonce")
            .chain_update(self.secret)
            .chain_update((self.customer.len() as u64).to_be_bytes())
            .chain_update(&self.customer)
            .chain_update(fields)
            .finalize()
            .into();
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&hash[..NONCE_LEN]);
        let mut sealed = fields.to_vec();
        self.cipher()
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                beside(&self.customer),
                &mut sealed,
            )
            .expect("fields are shorter than the cipher's limit");
        let sealed = [nonce.as_slice(), &sealed].concat();
        CustomerSet { customer: self.customer.clone(), key: self.id(), sealed }
    }

    /// The fields again; `None` where they were sealed by another key, for another customer, or damaged.
    pub(crate) fn open(&self, set: &CustomerSet) -> Option<Vec<u8>> {
        let (nonce, sealed) = set.sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let fields = self.cipher().open_in_place(nonce, beside(&self.customer), &mut sealed).ok()?;
        Some(fields.to_vec())
    }

    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(
            UnboundKey::new(&CHACHA20_POLY1305, &self.secret).expect("a key has the cipher's length"),
        )
    }
}

/// What a sealed text is bound to.
fn beside(customer: &str) -> Aad<Vec<u8>> {
    Aad::from([b"edgepos customer 1\0".as_slice(), customer.as_bytes()].concat())
}

/// Nobody reads a key in a log line.
impl fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomerKey({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn key(secret: u8) -> CustomerKey {
        CustomerKey::new("c-1", [secret; 32])
    }

    #[test]
    fn fields_come_back_for_their_customer_by_their_key_alone() {
        let set = key(7).seal(b"Ada");
        assert_eq!(key(7).open(&set), Some(b"Ada".to_vec()));
        assert_eq!(set, key(7).seal(b"Ada"), "a repeat says the same");
        // By another implementation, from the pages on formats.
        let sealed = "6114dc23bbada05cd32d610aeea72a9f50cfb31f5f944d64a4b413dd477056";
        assert_eq!(set.sealed.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), sealed);
        assert_eq!(set.key.to_string(), "39cd36714790906f1ecdd5fac3cedb04");
        assert_ne!(set.sealed[..NONCE_LEN], key(7).seal(b"Bob").sealed[..NONCE_LEN]);
        assert_eq!(key(8).open(&set), None);
        assert_eq!(CustomerKey::new("c-2", [7; 32]).open(&set), None);
        let mut flipped = set.clone();
        flipped.sealed[NONCE_LEN] ^= 1;
        assert_eq!(key(7).open(&flipped), None);
        assert_eq!(key(7).open(&CustomerSet { sealed: vec![1; 5], ..set }), None);
    }

    #[test]
    fn a_key_reads_as_its_digits_and_is_shown_to_nobody() {
        assert_eq!(CustomerKey::parse("c-1", &"07".repeat(32)), Ok(key(7)));
        for bad in ["", "07", &"0g".repeat(32), &"07".repeat(33)] {
            assert_eq!(CustomerKey::parse("c-1", bad), Err(NotAKey), "{bad}");
        }
        assert!(!format!("{:?}", key(7)).contains("0707"));
        assert_eq!(key(7).id().to_string().len(), 32);
    }
}
