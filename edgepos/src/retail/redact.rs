//! Card numbers do not belong in an event log: free text is masked before it is written down.

/// Digits of the shortest and of the longest card number (ISO/IEC 7812-1; Maestro begins at 12).
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=19;
/// Digits of most card numbers.
const COMMON: std::ops::RangeInclusive<usize> = 14..=16;
/// Most characters between two digits of one number.
const MAX_GAP: usize = 3;
/// Longest text that is searched, in characters: what is longer is cut, no field of an event is.
const MAX_TEXT: usize = 1_024;

/// Replaces each card number by its last four digits behind `*`.
///
/// A card number is 12 to 19 digits, with blanks of any kind, dots, hyphens or slashes between them, wherever it stands: alone or
/// beside an expiry, a security code or a reference. Digits that stand apart from others are masked when they pass the Luhn check
/// (ISO/IEC 7812-1), or when they begin and are as long as those of an issuer that does without; a part of a longer row when the
/// issuer's range, the length and the Luhn check agree. One GTIN in ten passes as well, so product codes are never sent through this.
///
/// Text beyond 1,024 characters is cut off: no field of an event is as long.
pub fn mask_card_numbers(text: &str) -> String {
    masked(text.chars().take(MAX_TEXT).collect())
}

/// The same of a text that is never cut: what is as long as an event is searched in time that grows with it.
pub(crate) fn mask_whole(text: &str) -> String {
    masked(text.chars().collect())
}

fn masked(mut masked: Vec<char>) -> String {
    let mut start = 0;
    while start < masked.len() {
        let (digits, end) = row(&masked, start);
        let mut hidden = vec![false; digits.len()];
        for from in 0..digits.len() {
            for length in LENGTHS {
                if is_card(&digits, from, length) {
                    hidden[from..from + length - 4].fill(true);
                }
            }
        }
        for (digit, _) in digits.iter().zip(hidden).filter(|(_, hidden)| *hidden) {
            masked[digit.at] = '*';
        }
        start = end;
    }
    masked.into_iter().collect()
}

/// Whether a name is a card number, or has one in it that stands by itself: digits with an issuer's range, its length and the Luhn check,
/// with no letter beside them.
///
/// Names such as a customer's number are never altered, so one that is a card number is refused. The ranges that do without the Luhn
/// check are left out here: a customer's number may be anything.
pub fn is_card_number(name: &str) -> bool {
    // A number that begins at 13 digits and is a trade item's is that: a label is no card.
    if edgepos_core::Gtin::of_label(name.trim()).is_ok() {
        return false;
    }
    let text: Vec<char> = name.chars().take(MAX_TEXT).collect();
    let is_letter = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|it| it.is_alphanumeric());
    let mut start = 0;
    while start < text.len() {
        let (digits, end) = row(&text, start);
        for (from, first) in digits.iter().enumerate().filter(|(_, digit)| digit.first) {
            for part in LENGTHS.filter_map(|length| digits.get(from..from + length)) {
                let last = part.last().filter(|digit| digit.last).map(|digit| digit.at);
                let values: Vec<u8> = part.iter().map(|digit| digit.value).collect();
                let is_card = issuer(&values) != Issuer::None && passes_luhn(&values);
                let is_named = is_letter(first.at.checked_sub(1)) || is_letter(last.map(|at| at + 1));
                if is_card && last.is_some() && !is_named {
                    return true;
                }
            }
        }
        start = end;
    }
    false
}

#[derive(Clone, Copy)]
struct Digit {
    at: usize,
    value: u8,
    /// Whether no digit stands right before it.
    first: bool,
    /// Whether no digit stands right behind it.
    last: bool,
}

/// The row of digits that begins at `start`, and where to go on.
fn row(text: &[char], start: usize) -> (Vec<Digit>, usize) {
    let mut digits: Vec<Digit> = Vec::new();
    let mut at = start;
    while let Some(&character) = text.get(at) {
        if let Some(value) = digit(character) {
            let first = digits.last().is_none_or(|digit| digit.at + 1 < at);
            if let Some(before) = digits.last_mut() {
                before.last = first;
            }
            digits.push(Digit { at, value, first, last: true });
        } else if digits.last().is_some_and(|digit| at - digit.at > MAX_GAP) || !separates(character) {
            break;
        }
        at += 1;
    }
    (digits, at.max(start + 1))
}

/// A digit of any of the scripts that keyboards in shops have.
fn digit(character: char) -> Option<u8> {
    let zero = match character {
        '0'..='9' => '0',
        '\u{660}'..='\u{669}' => '\u{660}',
        '\u{6f0}'..='\u{6f9}' => '\u{6f0}',
        '\u{ff10}'..='\u{ff19}' => '\u{ff10}',
        _ => return None,
    };
    u8::try_from(u32::from(character) - u32::from(zero)).ok()
}

fn separates(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '-' | '.' | '/' | '_' | ',' | ':' | '|' | '\\' | '·' | '\u{2010}'..='\u{2015}')
        // No-break and zero-width characters that are no blanks.
        || matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{ad}' | '\u{2212}')
}

fn is_card(row: &[Digit], from: usize, length: usize) -> bool {
    let Some(part) = row.get(from..from + length) else { return false };
    let values: Vec<u8> = part.iter().map(|digit| digit.value).collect();
    let apart = part.first().is_some_and(|digit| digit.first) && part.last().is_some_and(|digit| digit.last);
    let checked = passes_luhn(&values);
    match issuer(&values) {
        // Of the many parts of a long row one in ten passes by chance, so the rare long numbers count only where they stand apart.
        Issuer::Checked => checked && (apart || COMMON.contains(&length)),
        Issuer::Unchecked => apart || checked && COMMON.contains(&length),
        Issuer::None => checked && apart,
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Issuer {
    /// No issuer gives such numbers.
    None,
    /// Its numbers pass the Luhn check.
    Checked,
    /// Not all of them do.
    Unchecked,
}

/// Whose number this can be, by its first digits and its length (ranges as in card-validator 10.0.4).
fn issuer(values: &[u8]) -> Issuer {
    let head = values.iter().take(6).fold(0u32, |head, value| head * 10 + u32::from(*value));
    let checked = match head / 100 {
        4_000..=4_999 => matches!(values.len(), 13 | 16 | 18 | 19),
        5_100..=5_599 | 2_221..=2_720 => values.len() == 16,
        3_400..=3_499 | 3_700..=3_799 => values.len() == 15,
        3_000..=3_059 | 3_095 | 3_600..=3_699 | 3_800..=3_999 => matches!(values.len(), 14 | 16 | 19),
        3_528..=3_589 | 6_011 | 6_440..=6_599 | 2_200..=2_204 => matches!(values.len(), 16..=19),
        6_200..=6_299 | 8_100..=8_171 if matches!(values.len(), 14..=19) => return Issuer::Unchecked,
        5_000..=5_099 | 5_600..=5_899 | 6_000..=6_999 => LENGTHS.contains(&values.len()),
        _ => false,
    };
    if checked { Issuer::Checked } else { Issuer::None }
}

fn passes_luhn(values: &[u8]) -> bool {
    let doubled = |(place, value): (usize, &u8)| match (place % 2, u32::from(*value) * 2) {
        (0, _) => u32::from(*value),
        (_, doubled @ 0..=9) => doubled,
        (_, doubled) => doubled - 9,
    };
    values.iter().rev().enumerate().map(doubled).sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_keep_their_last_four_digits() {
        assert_eq!(mask_card_numbers("card 4111 1111 1111 1111 ok"), "card **** **** **** 1111 ok");
        assert_eq!(mask_card_numbers("5500-0000-0000-0004"), "****-****-****-0004");
        assert_eq!(mask_card_numbers("378282246310005"), "***********0005");
    }

    #[test]
    fn other_text_stays() {
        for text in ["", "auth 123456", "4111 1111 1111 1112", "12345678901234567890123", "naïve — 7"] {
            assert_eq!(mask_card_numbers(text), text);
        }
    }

    /// No more than four digits of the number in a row, whatever stands around it.
    #[test]
    fn a_number_is_found_whatever_stands_beside_it() {
        for text in [
            "4111111111111111 12/27",
            "4111111111111111 123",
            "4111111111111111/12/27 CVC 123",
            "41111111111111111227",
            "ref 00123 4111111111111111",
            "1234111111111111111199",
            "4111.1111.1111.1111",
            "4111/1111/1111/1111",
            "4111\u{a0}1111\u{202f}1111\u{2009}1111",
            "4111 - 1111 - 1111 - 1111",
            "4111\u{200b}1111\u{2011}1111_1111",
            "PAN:4111111111111111CVC123",
            "４１１１ １１１１ １１１１ １１１１",
        ] {
            let masked = mask_card_numbers(text);
            let ones = masked.chars().filter(|character| digit(*character) == Some(1)).count();
            assert!(ones <= 8 && masked.contains("****"), "{text} became {masked}");
        }
        for (text, masked) in [
            ("5018 0000 0009", "**** **** 0009"),
            ("6222021234567890", "************7890"),
            ("6222 0212 3456 7890 1225", "**** **** **** **** ****"),
        ] {
            let hidden = mask_card_numbers(text);
            assert_eq!(
                hidden.replace(|c: char| c.is_ascii_digit(), "*"),
                text.replace(|c: char| c.is_ascii_digit(), "*")
            );
            assert!(hidden == masked || hidden.starts_with("**** **** ****"), "{text} became {hidden}");
        }
    }

    #[test]
    fn a_long_text_is_searched_in_bounded_time() {
        let long = "4111111111111111 ".repeat(100_000);
        let masked = mask_card_numbers(&long);
        assert_eq!(masked.chars().count(), MAX_TEXT);
        assert!(!masked.contains("41111"));
    }

    #[test]
    fn names_are_card_numbers_or_not() {
        for name in [
            "4111111111111111",
            "4111-1111-1111-1111",
            "5500000000000004",
            "378282246310005",
            " 4111 1111 1111 1111 ",
            "Ada 4111 1111 1111 1111",
            "card: 4111-1111-1111-1111, Ada",
            "(378282246310005)",
            "4111111111111111 12/27",
        ] {
            assert!(is_card_number(name), "{name}");
        }
        for name in [
            "",
            "milk",
            "customer-1",
            "9876543210987654",
            "4111111111111112",
            "4006381333931",
            "10614141000415",
            "4111111111111111x",
            "K4111111111111111",
            "till 4, 2026-12-02 05:47:11",
            "1234567812345670",
            "6222021234567890",
            "42",
        ] {
            assert!(!is_card_number(name), "{name}");
        }
    }
}
