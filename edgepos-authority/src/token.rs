//! What a person carries to a new terminal: a secret that is used once, and which authority to trust.

use core::fmt;
use core::str::FromStr;

use edgepos::core::parse_hexadecimal;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// A token of enrolment: 128 random bits, and 128 bits of the hash of the authority's certificate. Written as 16 groups of four hexadecimal
/// digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    secret: [u8; 16],
    pin: [u8; 16],
}

/// Without the secret: it would end in a log.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// A new one for the authority with this certificate.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(crate) fn draw(authority: &[u8]) -> Result<Self, getrandom::Error> {
        let mut secret = [0; 16];
        getrandom::fill(&mut secret)?;
        Ok(Self { secret, pin: pin(authority) })
    }

    pub(crate) fn secret(&self) -> &[u8; 16] {
        &self.secret
    }

    /// Whether this is the secret. Hashes are compared: how far they agree says nothing of the secret.
    pub(crate) fn opens(&self, secret: &[u8]) -> bool {
        Sha256::digest(secret) == Sha256::digest(self.secret)
    }

    /// Whether this is the certificate of the authority to trust, in DER.
    pub(crate) fn pins(&self, certificate: &[u8]) -> bool {
        pin(certificate) == self.pin
    }
}

fn pin(certificate: &[u8]) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::digest(certificate).into();
    *digest.first_chunk().expect("32 bytes are more than 16")
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, pair) in self.secret.iter().chain(&self.pin).enumerate() {
            if place > 0 && place % 2 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{pair:02x}")?;
        }
        Ok(())
    }
}

/// What was typed is no token.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("a token has 64 hexadecimal digits, with or without dashes")]
pub struct TokenError;

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let digits: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
        let bytes: [u8; 32] = parse_hexadecimal(&digits.to_lowercase()).ok_or(TokenError)?;
        let (secret, pin) = bytes.split_at(16);
        let half = |bytes: &[u8]| bytes.try_into().map_err(|_| TokenError);
        Ok(Self { secret: half(secret)?, pin: half(pin)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_it_is_typed() {
        let token = Token::draw(b"a certificate").expect("random bytes");
        let text = token.to_string();
        assert_eq!(text.len(), 64 + 15);
        for typed in [text.clone(), text.replace('-', ""), text.replace('-', " ").to_uppercase()] {
            assert_eq!(typed.parse(), Ok(token.clone()), "{typed}");
        }
        assert!(token.pins(b"a certificate") && !token.pins(b"another one"));
        assert!(token.opens(token.secret()) && !token.opens(&[0; 16]) && !token.opens(&[]));
        assert!(!format!("{token:?}").contains(&text[..4]), "a log does not have it");
        for bad in ["", "0", &text[..text.len() - 1], "zz"] {
            assert_eq!(bad.parse::<Token>(), Err(TokenError), "{bad}");
        }
    }
}
