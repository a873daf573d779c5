//! I5: what unfolds beside a picture's pixels is limited too: a colour profile of a gigabyte fits into a megabyte of file.
//! Alone in its file, since it watches the memory of the whole process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(target_os = "linux")]

use edgepos_inference::{Picture, PictureLimits};

/// The most memory that this process has had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// A zlib stream of 1 + 258 × `repeats` zeros (RFC 1951, fixed codes).
fn zeros(repeats: u32) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (vec![0x78, 0x9c], 0_u32, 0);
    let mut put = |value: u32, length: u32| {
        for bit in (0..length).rev() {
            bits |= (value >> bit & 1) << count;
            count += 1;
            if count == 8 {
                bytes.push(bits as u8);
                (bits, count) = (0, 0);
            }
        }
    };
    // The last block; its kind, lowest bit first; a zero.
    put(0b1, 1);
    put(0b10, 2);
    put(0b0011_0000, 8);
    for _ in 0..repeats {
        // 258 bytes from one byte back.
        put(0b1100_0101, 8);
        put(0, 5);
    }
    put(0, 7 + 7);
    let length = 1 + u64::from(repeats) * 258;
    bytes.extend_from_slice(&(((length % 65_521) as u32) << 16 | 1).to_be_bytes());
    bytes
}

fn chunk(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
    let tagged: Vec<u8> = kind.iter().chain(body).copied().collect();
    let crc = !tagged.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    });
    [&(body.len() as u32).to_be_bytes()[..], &tagged, &crc.to_be_bytes()].concat()
}

#[test]
fn a_profile_that_unfolds_into_a_gigabyte() {
    let header = [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0];
    let picture = |profile: &[u8]| {
        let profile = [b"a\0\0", profile].concat();
        let grey = chunk(*b"IDAT", &[0x78, 0x9c, 1, 2, 0, 0xfd, 0xff, 0, 9, 0, 11, 0, 10]);
        let chunks = [chunk(*b"IHDR", &header), chunk(*b"iCCP", &profile), grey, chunk(*b"IEND", &[])];
        [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
    };
    let small = Picture::decode(&picture(&zeros(1)), &PictureLimits::default()).unwrap();
    assert_eq!(small.rgb(), [9, 9, 9]);
    let bomb = picture(&zeros(1 << 22));
    let before = peak();
    let _ = Picture::decode(&bomb, &PictureLimits::default());
    let grown = peak() - before;
    assert!(grown < 64 << 20, "{grown} bytes more");
}
