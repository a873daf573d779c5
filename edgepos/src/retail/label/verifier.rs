//! The check digit of a price or a weight inside a number (GS1 General Specifications, section 7.9, "price or weight check digit").

/// What a digit counts at a place, by the digit: twice it less its tens, three times, five times it plus its tens, and less its tens.
const TWO_MINUS: [u8; 10] = [0, 2, 4, 6, 8, 9, 1, 3, 5, 7];
const THREE: [u8; 10] = [0, 3, 6, 9, 2, 5, 8, 1, 4, 7];
const FIVE_PLUS: [u8; 10] = [0, 5, 1, 6, 2, 7, 3, 8, 4, 9];
const FIVE_MINUS: [u8; 10] = [0, 5, 9, 4, 8, 3, 7, 2, 6, 1];

const OF_FOUR: [[u8; 10]; 4] = [TWO_MINUS, TWO_MINUS, THREE, FIVE_MINUS];
const OF_FIVE: [[u8; 10]; 5] = [FIVE_PLUS, TWO_MINUS, FIVE_MINUS, FIVE_PLUS, TWO_MINUS];

/// The check digit of four or five digits; `None` of any others.
pub(super) fn digit(digits: &[u8]) -> Option<u8> {
    let sum = |tables: &[[u8; 10]]| {
        let counts = digits.iter().zip(tables).map(|(digit, table)| table.get(usize::from(digit - b'0')));
        counts.map(|count| count.copied().unwrap_or(0)).sum::<u8>()
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    match digits.len() {
        4 => Some(sum(&OF_FOUR) * 3 % 10),
        5 => {
            let missing = (10 - sum(&OF_FIVE) % 10) % 10;
            FIVE_MINUS.iter().position(|count| *count == missing).and_then(|digit| u8::try_from(digit).ok())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_specification() {
        for (digits, expected) in [("2875", 9), ("14685", 6), ("0000", 0), ("00000", 0)] {
            assert_eq!(digit(digits.as_bytes()), Some(expected), "{digits}");
        }
        for other in ["", "123", "123456", "12x4"] {
            assert_eq!(digit(other.as_bytes()), None, "{other}");
        }
    }

    /// What the weights are for: a misread digit, and two that changed places.
    #[test]
    fn any_single_wrong_digit_is_found() {
        for width in [4, 5] {
            for number in (0..10usize.pow(width as u32)).step_by(37) {
                let right = format!("{number:0width$}").into_bytes();
                for place in 0..width {
                    for other in b'0'..=b'9' {
                        let mut wrong = right.clone();
                        wrong[place] = other;
                        assert_eq!(
                            digit(&wrong) == digit(&right),
                            wrong == right,
                            "{number} {place} {other}"
                        );
                    }
                }
            }
        }
    }
}
