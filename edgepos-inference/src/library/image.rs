//! How long a shared library must be, by its own headers: ELF (System V gABI), PE (Microsoft's PE/COFF), Mach-O.

use std::io::{self, Read, Seek, SeekFrom};

/// Most table entries that are read: a library has tens.
const MAX_ENTRIES: u64 = 4096;

/// The number of bytes that the tables of a shared library point to; `None` for another kind of file.
pub(super) fn needed(file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    let Some(header) = read::<64>(file, 0)? else { return Ok(None) };
    match header {
        [0x7f, b'E', b'L', b'F', 2, 1, ..] => elf(file, &header, &ELF64),
        [0x7f, b'E', b'L', b'F', 1, 1, ..] => elf(file, &header, &ELF32),
        [b'M', b'Z', ..] => pe(file, &header),
        [0xcf, 0xfa, 0xed, 0xfe, ..] => mach_o(file, &header),
        _ => Ok(None),
    }
}

/// Where a class of ELF files has its fields.
struct Elf {
    wide: bool,
    segments: usize,
    sections: usize,
    counts: usize,
    segment_offset: usize,
    segment_size: usize,
}

const ELF64: Elf =
    Elf { wide: true, segments: 32, sections: 40, counts: 54, segment_offset: 8, segment_size: 32 };
const ELF32: Elf =
    Elf { wide: false, segments: 28, sections: 32, counts: 42, segment_offset: 4, segment_size: 16 };

fn elf(file: &mut (impl Read + Seek), header: &[u8; 64], class: &Elf) -> io::Result<Option<u64>> {
    const SHARED_OBJECT: u16 = 3;
    let word =
        |bytes: &[u8], at: usize| if class.wide { u64_at(bytes, at) } else { u64::from(u32_at(bytes, at)) };
    if u16_at(header, 16) != SHARED_OBJECT {
        return Ok(None);
    }
    let (segments, sections) = (word(header, class.segments), word(header, class.sections));
    let count = |at: usize| u64::from(u16_at(header, class.counts + at));
    let (segment_size, segment_count) = (count(0), count(2));
    let (section_size, section_count) = (count(4), count(6));
    let mut needed = sections.saturating_add(section_size * section_count);
    needed = needed.max(segments.saturating_add(segment_size * segment_count));
    for index in 0..segment_count.min(MAX_ENTRIES) {
        let Some(entry) = read::<56>(file, segments.saturating_add(index * segment_size))? else {
            return Ok(Some(needed));
        };
        let end = word(&entry, class.segment_offset).saturating_add(word(&entry, class.segment_size));
        needed = needed.max(end);
    }
    Ok(Some(needed))
}

fn pe(file: &mut (impl Read + Seek), header: &[u8; 64]) -> io::Result<Option<u64>> {
    let at = u64::from(u32_at(header, 60));
    let Some(coff) = read::<24>(file, at)? else { return Ok(Some(at.saturating_add(24))) };
    if &coff[..4] != b"PE\0\0" {
        return Ok(None);
    }
    let (sections, optional) = (u64::from(u16_at(&coff, 6)), u64::from(u16_at(&coff, 20)));
    let table = at + 24 + optional;
    let mut needed = table + 40 * sections;
    for index in 0..sections.min(MAX_ENTRIES) {
        let Some(section) = read::<40>(file, table + 40 * index)? else { return Ok(Some(needed)) };
        needed = needed.max(u64::from(u32_at(&section, 20)) + u64::from(u32_at(&section, 16)));
    }
    Ok(Some(needed))
}

fn mach_o(file: &mut (impl Read + Seek), header: &[u8; 64]) -> io::Result<Option<u64>> {
    const LIBRARY: u32 = 6;
    const SEGMENT_64: u32 = 0x19;
    if u32_at(header, 12) != LIBRARY {
        return Ok(None);
    }
    let (commands, size) = (u64::from(u32_at(header, 16)), u64::from(u32_at(header, 20)));
    let mut needed = 32 + size;
    let mut at = 32;
    for _ in 0..commands.min(MAX_ENTRIES) {
        let Some(command) = read::<8>(file, at)? else { return Ok(Some(needed)) };
        if u32_at(&command, 0) == SEGMENT_64 {
            let Some(segment) = read::<56>(file, at)? else { return Ok(Some(needed)) };
            needed = needed.max(u64_at(&segment, 40).saturating_add(u64_at(&segment, 48)));
        }
        // A command that claims to be empty would be read for ever.
        at += u64::from(u32_at(&command, 4)).max(8);
    }
    Ok(Some(needed))
}

/// `N` bytes at `at`; `None` where the file is shorter.
fn read<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut value = [0; N];
    value.copy_from_slice(&bytes[at..at + N]);
    value
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn of(bytes: &[u8]) -> Option<u64> {
        needed(&mut Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn an_elf_library_needs_what_its_segments_and_sections_reach() {
        let mut file = vec![0; 200];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[16] = 3;
        file[32] = 64;
        file[40..44].copy_from_slice(&5000_u32.to_le_bytes());
        file[54] = 56;
        file[56] = 1;
        file[58] = 64;
        file[60] = 10;
        assert_eq!(of(&file), Some(5640));
        file[64 + 8..64 + 12].copy_from_slice(&70_000_u32.to_le_bytes());
        file[64 + 32] = 5;
        assert_eq!(of(&file), Some(70_005));
        // The segment table itself is cut off.
        assert_eq!(of(&file[..100]), Some(5640));
        assert_eq!(of(&file[..60]), None);
        file[16] = 2;
        assert_eq!(of(&file), None, "an executable is no library");
    }

    #[test]
    fn a_windows_library_needs_its_sections() {
        let mut file = vec![0; 400];
        file[..2].copy_from_slice(b"MZ");
        file[60] = 128;
        file[128..132].copy_from_slice(b"PE\0\0");
        file[134] = 1;
        file[148] = 112;
        let section = 128 + 24 + 112;
        file[section + 16..section + 20].copy_from_slice(&1000_u32.to_le_bytes());
        file[section + 20..section + 24].copy_from_slice(&9000_u32.to_le_bytes());
        assert_eq!(of(&file), Some(10_000));
        file[128] = b'X';
        assert_eq!(of(&file), None);
    }

    #[test]
    fn a_mac_library_needs_its_segments_and_a_bad_one_ends() {
        let mut file = vec![0; 400];
        file[..4].copy_from_slice(&[0xcf, 0xfa, 0xed, 0xfe]);
        file[12] = 6;
        file[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        file[20] = 72;
        file[32] = 0x19;
        file[36] = 72;
        file[32 + 40..32 + 44].copy_from_slice(&8000_u32.to_le_bytes());
        file[32 + 48] = 9;
        assert_eq!(of(&file), Some(8009));
    }
}
