//! I5, I6: whatever is handed in as a picture, the answer is a fallback in time, never a panic and never gigabytes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(feature = "embedded")]

mod support;

use edgepos_inference::{
    Action, Outcome, Picture, PictureError, PictureLimits, ProductConfig, ProductRecognizer, Reason,
};
use support::{file, models, product};

fn reason(recognizer: &ProductRecognizer, bytes: &[u8]) -> Reason {
    match recognizer.recognise(bytes) {
        Outcome::Fallback { action, reason } => {
            assert_eq!(action, Action::ManualEntry);
            reason
        }
        Outcome::Answer(answer) => panic!("an answer: {answer:?}"),
    }
}

/// A valid PNG header that announces `width` × `height` RGB pixels, with next to no data.
fn announces(width: u32, height: u32) -> Vec<u8> {
    fn chunk(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
        let tagged: Vec<u8> = kind.iter().chain(body).copied().collect();
        bytes.extend_from_slice(&tagged);
        bytes.extend_from_slice(&crc(&tagged).to_be_bytes());
        bytes
    }
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |crc, &byte| {
            (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
        })
    }
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(chunk(*b"IHDR", &header));
    bytes.extend(chunk(*b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]));
    bytes.extend(chunk(*b"IEND", &[]));
    bytes
}

#[test]
fn not_a_picture() {
    let recognizer = ProductRecognizer::load(&models(), product()).unwrap();
    for bytes in [&b""[..], b"hello", b"GIF89a-------------", &[0; 5000]] {
        assert_eq!(reason(&recognizer, bytes), Reason::Decode(PictureError::UnknownFormat));
    }
    // The worker serves on.
    assert!(!recognizer.recognise(&file("samples/espresso.png")).is_fallback());
}

#[test]
fn more_pixels_announced_than_allowed_are_refused_before_decoding() {
    let recognizer = ProductRecognizer::load(&models(), product()).unwrap();
    for (width, height) in [(60_000, 60_000), (8_193, 1), (1, 9_000), (6_000, 6_000)] {
        let reason = reason(&recognizer, &announces(width, height));
        assert_eq!(reason, Reason::Decode(PictureError::Dimensions { width, height }));
    }
}

#[test]
fn a_file_beyond_the_limit_is_refused_unread() {
    let limits = PictureLimits { max_bytes: 1000, ..PictureLimits::default() };
    let config = ProductConfig { picture: PictureLimits::default(), ..product() };
    let recognizer = ProductRecognizer::load(&models(), config).unwrap();
    let huge = vec![0x89; PictureLimits::default().max_bytes + 1];
    assert!(matches!(reason(&recognizer, &huge), Reason::Decode(PictureError::TooManyBytes { .. })));
    let error = Picture::decode(&file("samples/espresso.png"), &limits).unwrap_err();
    assert!(matches!(error, PictureError::TooManyBytes { limit: 1000, .. }));
}

#[test]
fn every_truncation_and_many_mutations_of_a_real_picture() {
    let photo = file("samples/espresso.png");
    let limits = PictureLimits { max_pixels: 1_000_000, ..PictureLimits::default() };
    for length in (0..photo.len()).step_by(photo.len() / 60) {
        let _ = Picture::decode(&photo[..length], &limits);
    }
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..60 {
        let mut bytes = photo.clone();
        for _ in 0..1 + random(8) {
            let reach = if random(2) == 0 { 64 } else { bytes.len() };
            let at = random(reach);
            bytes[at] = random(256) as u8;
        }
        let _ = Picture::decode(&bytes, &limits);
    }
}
