//! The bytes of a message.

use edgepos_consensus::{MAX_MESSAGE_BYTES, Message};

/// Any bytes are a message or an error, and what is a message reads back as the same one.
///
/// # Panics
/// When they are neither.
pub fn message_decode(input: &[u8]) {
    let Ok(message) = Message::decode(input) else { return };
    let bytes = message.encode();
    assert!(bytes.len() <= MAX_MESSAGE_BYTES, "{} bytes of {}", bytes.len(), input.len());
    assert_eq!(Message::decode(&bytes).as_ref(), Ok(&message));
    assert_eq!(message.encode(), bytes, "one message, one encoding");
}
