//! Card numbers do not belong in an event log: free text is masked before it is written down.

use edgepos_core::Gtin;

/// Digits of the shortest and of the longest card number (ISO/IEC 7812-1; Maestro begins at 12).
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=19;
/// Digits of a card number that is found between other digits: of the many parts of a long row one in ten passes the Luhn check by chance.
const AMID: std::ops::RangeInclusive<usize> = 13..=16;
/// Digits of a card number that is found between letters in a name: orders have fewer, and accounts of other services more.
const NAMED: std::ops::RangeInclusive<usize> = 15..=16;
/// Longest text that is searched, in characters: what is longer is cut, no field of an event is.
const MAX_TEXT: usize = 1_024;

/// Replaces each card number by its last four digits behind `*`.
///
/// A card number is 12 to 19 digits, with anything between them but letters, brackets and `*`. Masked are
///
/// - digits that pass the Luhn check (ISO/IEC 7812-1) and stand apart from others; where no issuer has such numbers, only in groups as on
///   a card, which a date and a time are not;
/// - digits of an issuer's range and length that pass it, with an expiry, a security code or a reference right before them or right
///   behind; of 13 to 16 digits also with both;
/// - the same without the check where the issuer does without, but not with both.
///
/// What is no card's is masked where it looks so: one in ten numbers of 12 digits, more of longer ones, half of those of 20. One GTIN in
/// ten does, so product codes are never sent through this. An expiry and a security code are left as they are.
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
        for (from, part) in parts(&digits).filter(|(_, part)| part.is_card()) {
            hidden[from..from + part.0.len() - 4].fill(true);
        }
        for (digit, _) in digits.iter().zip(hidden).filter(|(_, hidden)| *hidden) {
            masked[digit.at] = '*';
        }
        start = end;
    }
    masked.into_iter().collect()
}

/// Whether a name is a card number, or has one in it: digits that stand apart from others, with an issuer's range, its length and the Luhn
/// check, in groups as on a card. A letter right beside them makes them a number of the shop's own, unless they are 15 or 16 and the only
/// digits, as in `K4111111111111111`. The number of a trade item is no card's, whatever stands beside it.
///
/// Names such as a customer's number are never altered, so one that is a card number is refused. The ranges that do without the Luhn
/// check are left out here: a customer's number may be anything.
pub fn is_card_number(name: &str) -> bool {
    let text: Vec<char> = name.chars().take(MAX_TEXT).collect();
    let all = text.iter().filter(|character| digit(**character).is_some()).count();
    let is_letter = |at: Option<usize>| at.and_then(|at| text.get(at)).is_some_and(|it| it.is_alphanumeric());
    let mut start = 0;
    while start < text.len() {
        let (digits, end) = row(&text, start);
        for (_, part) in parts(&digits).filter(|(_, part)| part.is_card_in_name()) {
            let [first, .., last] = part.0 else { continue };
            // A hash has digits elsewhere, too.
            let is_all = part.0.len() == all && NAMED.contains(&all);
            if is_all || !is_letter(first.at.checked_sub(1)) && !is_letter(last.at.checked_add(1)) {
                return true;
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
        } else if !separates(character) {
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

/// Whether digits on both sides of it may be of one number: no list has all blanks, dots, dashes and invisible characters of Unicode.
/// Brackets enclose something else, as around identifiers of GS1, and `*` is a digit that was masked.
fn separates(character: char) -> bool {
    !character.is_alphanumeric() && !matches!(character, '(' | ')' | '[' | ']' | '{' | '}' | '*')
}

/// All parts of a row that are as long as a card number, with the place where they begin.
fn parts(row: &[Digit]) -> impl Iterator<Item = (usize, Part<'_>)> {
    let from =
        move |from: usize| LENGTHS.map_while(move |length| Some((from, Part(row.get(from..from + length)?))));
    (0..row.len()).flat_map(from)
}

/// Digits that are as many as a card has.
struct Part<'a>(&'a [Digit]);

impl Part<'_> {
    /// Whether it is masked in free text.
    fn is_card(&self) -> bool {
        let is_apart = self.is_begun() && self.is_ended();
        let is_beside = self.is_grouped() && (self.is_begun() || self.is_ended());
        let is_amid = self.is_grouped() && AMID.contains(&self.0.len());
        match self.issuer() {
            Issuer::Checked => (is_apart || is_beside || is_amid) && self.passes_luhn(),
            Issuer::Unchecked => is_apart || is_beside || is_amid && self.passes_luhn(),
            Issuer::None => is_apart && self.is_grouped() && self.passes_luhn(),
        }
    }

    /// Whether it is refused in a name.
    fn is_card_in_name(&self) -> bool {
        let is_apart = self.is_begun() && self.is_ended();
        is_apart
            && self.issuer() != Issuer::None
            && self.is_grouped()
            && self.passes_luhn()
            && !self.is_trade_item()
    }

    fn is_begun(&self) -> bool {
        self.0.first().is_some_and(|digit| digit.first)
    }

    fn is_ended(&self) -> bool {
        self.0.last().is_some_and(|digit| digit.last)
    }

    /// Whether its groups are as those on cards: at least four digits first, then at least three, whatever is left at the end. Dates,
    /// times, prices and what a shop makes up of its number, a day and a count are not.
    fn is_grouped(&self) -> bool {
        let mut least = 4;
        let mut group = 0;
        for (place, digit) in self.0.iter().enumerate() {
            if place > 0 && digit.first {
                if group < least {
                    return false;
                }
                (least, group) = (3, 0);
            }
            group += 1;
        }
        true
    }

    /// Whether it is a GTIN, the check digit of which nine in ten card numbers do not have. Those of 13 digits that begin with 4 are Visa's
    /// as well, of long ago, and the labels of some countries.
    fn is_trade_item(&self) -> bool {
        let text: String = self.0.iter().map(|digit| char::from(b'0' + digit.value)).collect();
        Gtin::parse(&text).is_ok()
    }

    /// Whose number this can be, by its first digits and its length (ranges as in card-validator 10.0.4, and Visa's of 13 digits).
    fn issuer(&self) -> Issuer {
        let length = self.0.len();
        let head = self.0.iter().take(4).fold(0, |head, digit| head * 10 + u32::from(digit.value));
        let checked = match head {
            4_000..=4_999 => matches!(length, 13 | 16 | 18 | 19),
            5_100..=5_599 | 2_221..=2_720 => length == 16,
            3_400..=3_499 | 3_700..=3_799 => length == 15,
            3_000..=3_059 | 3_095 | 3_600..=3_699 | 3_800..=3_999 => matches!(length, 14 | 16 | 19),
            1_800 | 2_131 | 2_200..=2_204 | 3_528..=3_589 => length >= 16,
            6_200..=6_299 | 8_100..=8_171 if length >= 14 => return Issuer::Unchecked,
            5_000..=5_099 | 5_600..=5_999 | 6_300..=6_399 | 6_700..=6_799 => true,
            // What else begins with 6 is taken for Maestro's where the others have numbers: shorter ones are rather an order's.
            6_000..=6_999 => length >= 16,
            _ => false,
        };
        if checked { Issuer::Checked } else { Issuer::None }
    }

    fn passes_luhn(&self) -> bool {
        let doubled = |(place, digit): (usize, &Digit)| match (place % 2, u32::from(digit.value) * 2) {
            (0, _) => u32::from(digit.value),
            (_, doubled @ 0..=9) => doubled,
            (_, doubled) => doubled - 9,
        };
        self.0.iter().rev().enumerate().map(doubled).sum::<u32>().is_multiple_of(10)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Test numbers of issuers, and numbers that were made up to pass the Luhn check.
    const CHECKED: [&str; 11] = [
        "501800000009",
        "675912345005",
        "4222222222222",
        "36227206271667",
        "378282246310005",
        "4111111111111111",
        "5500000000000004",
        "411111111111111118",
        "589300000000000009",
        "4000001234567890124",
        "6799990100000000019",
    ];
    /// Numbers of an issuer that does without the Luhn check, which they do not pass.
    const UNCHECKED: [&str; 3] = ["62220212345678", "6222021234567890", "6222021234567890123"];

    /// No digit of the number is left but the last four.
    fn assert_masked(before: &str, number: &str, after: &str) {
        let text = format!("{before}{number}{after}");
        let masked: Vec<char> = mask_card_numbers(&text).chars().collect();
        assert_eq!(masked.len(), text.chars().count());
        let number = masked.iter().skip(before.chars().count()).take(number.chars().count());
        let left = number.filter(|character| digit(**character).is_some()).count();
        assert!(left <= 4, "{text} became {}", String::from_iter(&masked));
    }

    #[test]
    fn card_numbers_keep_their_last_four_digits() {
        assert_eq!(mask_card_numbers("card 4111 1111 1111 1111 ok"), "card **** **** **** 1111 ok");
        assert_eq!(mask_card_numbers("5500-0000-0000-0004"), "****-****-****-0004");
        assert_eq!(mask_card_numbers("378282246310005"), "***********0005");
        assert_eq!(mask_card_numbers("1234567812345670"), "************5670");
        assert_eq!(mask_card_numbers("４１１１ １１１１ １１１１ １１１１"), "**** **** **** １１１１");
    }

    #[test]
    fn other_text_stays() {
        for text in [
            "",
            "auth 123456",
            "4111 1111 1111 1112",
            "12345678901234567890123",
            "naïve — 7",
            "2026-12-03 08:15:04",
            "2026-12-03/0004-000104",
            "+43 664 1234501",
            "4,99 0,60 12,50 3,80",
            "(01)04006381333931(17)261231",
        ] {
            assert_eq!(mask_card_numbers(text), text);
        }
    }

    /// An expiry, a security code, a reference, or two of them.
    #[test]
    fn a_number_is_found_whatever_stands_beside_it() {
        for number in CHECKED {
            for (before, after) in [
                ("", ""),
                ("", "1227"),
                ("", "123"),
                ("", "1227123"),
                ("", "202712"),
                ("0012", ""),
                ("PAN:", "CVC123"),
                ("ref 00123 ", ""),
                ("", " 12/27 CVC 123"),
                ("", "/12/27"),
                ("12/27 ", " 123"),
                ("%B", "^LOVELACE/ADA^2712"),
                (";", "=27121010000"),
            ] {
                assert_masked(before, number, after);
            }
            if AMID.contains(&number.len()) {
                assert_masked("00", number, "99");
                assert_masked("981", number, "1227123");
            }
        }
        for number in UNCHECKED {
            for (before, after) in
                [("", ""), ("", "1227"), ("", "1227123"), ("0012", ""), ("x", "y"), ("", " 12/27")]
            {
                assert_masked(before, number, after);
            }
        }
    }

    #[test]
    fn a_number_is_found_whatever_stands_between_its_digits() {
        for between in [
            " ",
            "-",
            ".",
            "/",
            "_",
            ":",
            "|",
            "\t",
            "·",
            "•",
            "'",
            "+",
            "~",
            " - ",
            "    ",
            "\r\n          ",
            "\u{a0}",
            "\u{ad}",
            "\u{2007}",
            "\u{2009}",
            "\u{200b}",
            "\u{2011}",
            "\u{2013}",
            "\u{202f}",
            "\u{20e3} ",
            "\u{feff}",
        ] {
            for groups in [
                &["4111", "1111", "1111", "1111"][..],
                &["3782", "822463", "10005"],
                &["4222", "222", "222", "222"],
                &["5018", "0000", "0009"],
                &["5893", "0000", "0000", "0000", "09"],
                &["4000", "0012", "3456", "7890", "124"],
                &["6222", "0212", "3456", "7890"],
                &["41", "11", "11", "11", "11", "11", "11", "11"],
            ] {
                let number = groups.join(between);
                assert_masked("", &number, "");
                assert_masked("ref 7 ", &number, " 12/27");
                // No one writes an expiry right behind a pair of digits.
                if groups.len() < 8 {
                    assert_masked("", &number, "1227");
                    assert_masked("0012", &number, "");
                }
            }
        }
        assert_masked("", "4111\u{a0}1111\u{202f}1111\u{2009}1111", "");
        assert_masked("", "4111\u{200b}1111\u{2011}1111_1111", "");
    }

    #[test]
    fn what_is_masked_stays_as_it_is() {
        for number in ["4000 0000 0000 4444", "4000 0000 0000 5555", "4111111111111111"] {
            let text = format!("{number} {number} {number} 12/27");
            let masked = mask_card_numbers(&text);
            assert_eq!(mask_card_numbers(&masked), masked);
        }
    }

    #[test]
    fn a_long_text_is_searched_in_bounded_time() {
        let long = "4111111111111111 ".repeat(100_000);
        let masked = mask_card_numbers(&long);
        assert_eq!(masked.chars().count(), MAX_TEXT);
        assert!(!masked.contains("41111"));
        // Each place may begin numbers of eight lengths, and none of them does.
        let one_row = "5".repeat(100_000);
        assert_eq!(mask_whole(&one_row).len(), one_row.len());
    }

    #[test]
    fn a_card_number_is_no_name() {
        for name in CHECKED.into_iter().chain([
            "4111-1111-1111-1111",
            "4111_1111_1111_1111",
            "4111\u{b7}1111\u{b7}1111\u{b7}1111",
            "4111    1111    1111    1111",
            " 4111 1111 1111 1111 ",
            "Ada 4111 1111 1111 1111",
            "card: 4111-1111-1111-1111, Ada",
            "(378282246310005)",
            "4111111111111111 12/27",
            "K-4111111111111111",
            "K4111111111111111",
            "4111111111111111x",
            "Ada4111 1111 1111 1111",
            "Amex378282246310005",
            "6222021234567894",
        ]) {
            assert!(is_card_number(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_no_card_numbers() {
        for name in [
            "",
            "milk",
            "42",
            "customer-1",
            "9876543210987654",
            "4111111111111112",
            "1234567812345670",
            "6222021234567890",
            // Trade items, one of which passes the Luhn check as well, as they are and with a variant, an item's name or identifiers.
            "4006381333931",
            "4006381334013",
            "4 006381 334013",
            "4006381334013-2",
            "pen 4006381334013",
            "K4006381334013",
            "10614141000415",
            "50012345678092",
            "(01)50012345678092(10)ABC",
            "(414)4012345000016",
            "010950600013435210ABC",
            // Orders and the like, made up of a shop's number, a date and a count.
            "4-20261201-0007",
            "till 4, 2026-12-02 05:47:11",
            "gid://shop/Order/6543210987007",
            // The customer of a hash, and numbers that only begin and end as a card's does.
            "9f4111111111111111c07b",
            "K36227206271667",
            "K411111111111111118",
            "41111111111111111227",
        ] {
            assert!(!is_card_number(name), "{name}");
        }
    }
}
