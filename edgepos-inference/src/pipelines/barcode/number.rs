//! The likeliest number that a symbol can mean, and how much likelier than the next.
//!
//! EAN and UPC hide a digit in the parities of the others and end with a check digit. Reading digit by digit and checking
//! afterwards throws away what the digits' own doubts say; here the cheapest of all possible numbers is found.

use super::symbol::{Costs, Kind};

/// Which left digits have even parity, by the first digit of an EAN-13: the first of six is the highest bit.
const FIRST: [u8; 10] = [0x00, 0x0b, 0x0d, 0x0e, 0x13, 0x19, 0x1c, 0x15, 0x16, 0x1a];
/// The likeliest number, and by how much.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Number {
    /// As printed below or above the bars: 13, 8, 8, 2 or 5 digits.
    pub(super) text: String,
    /// What its digits cost together.
    pub(super) cost: f32,
    /// How much more the next possible number costs.
    pub(super) margin: f32,
}

/// The two cheapest of some numbers.
struct Best {
    first: Option<(f32, Vec<u8>)>,
    second: f32,
}

impl Best {
    fn new() -> Self {
        Self { first: None, second: f32::MAX }
    }

    fn offer(&mut self, cost: f32, digits: &[u8]) {
        match &self.first {
            Some((first, _)) if cost >= *first => self.second = self.second.min(cost),
            _ => {
                if let Some((first, _)) = self.first.take() {
                    self.second = self.second.min(first);
                }
                self.first = Some((cost, digits.to_vec()));
            }
        }
    }

    fn number(self) -> Option<Number> {
        let (cost, digits) = self.first?;
        let text = digits.iter().map(|&digit| char::from(b'0' + digit)).collect();
        Some(Number { text, cost, margin: self.second - cost })
    }
}

/// The weights of an EAN-13's digits from the second on, and of an EAN-8's.
const ODD_WEIGHTS: [u8; 12] = [3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1];

/// Which digits of an add-on of five have even parity, by its check sum: the first of five is the highest bit.
const FIVE: [u8; 10] = [0x18, 0x14, 0x12, 0x11, 0x0c, 0x06, 0x03, 0x0a, 0x09, 0x05];

fn odd(costs: &Costs) -> [[f32; 10]; 12] {
    std::array::from_fn(|digit| std::array::from_fn(|value| costs[digit][value]))
}

/// The likeliest number whose check digit is right.
pub(super) fn number(kind: Kind, costs: &Costs) -> Option<Number> {
    let mut best = Best::new();
    match kind {
        Kind::Ean13 => {
            for (first, &even) in FIRST.iter().enumerate() {
                let values: [[f32; 10]; 12] = std::array::from_fn(|digit| {
                    let from = if digit < 6 && even >> (5 - digit) & 1 == 1 { 10 } else { 0 };
                    std::array::from_fn(|value| costs[digit][from + value])
                });
                // The first digit has no bars of its own, and weight 1.
                checked(&values, ODD_WEIGHTS, first, Some(first as u8), &mut best);
            }
        }
        Kind::Ean8 => checked(&odd(costs)[..8], ODD_WEIGHTS, 0, None, &mut best),
        Kind::UpcE => short(costs, &mut best),
        Kind::Two => {
            for value in 0..100_usize {
                // The remainder by 4 chooses the parities.
                let parity = [value / 2 % 2, value % 2];
                let digits = [value / 10, value % 10];
                let cost = costs[0][10 * parity[0] + digits[0]] + costs[1][10 * parity[1] + digits[1]];
                best.offer(cost, &digits.map(|digit| digit as u8));
            }
        }
        Kind::Five => {
            for (check, &even) in FIVE.iter().enumerate() {
                let values: [[f32; 10]; 5] = std::array::from_fn(|digit| {
                    let from = if even >> (4 - digit) & 1 == 1 { 10 } else { 0 };
                    std::array::from_fn(|value| costs[digit][from + value])
                });
                checked(&values, [3, 9, 3, 9, 3, 0, 0, 0, 0, 0, 0, 0], 10 - check, None, &mut best);
            }
        }
    }
    best.number()
}

/// The two cheapest rows of digits whose weighted sum with `start` is a multiple of ten.
fn checked(values: &[[f32; 10]], weights: [u8; 12], start: usize, first: Option<u8>, best: &mut Best) {
    const NONE: (f32, u8, u8) = (f32::MAX, 0, 0);
    // For each place and sum: the two cheapest ways, with the digit and which of the two ways before.
    let mut ways = vec![[[NONE; 2]; 10]; values.len() + 1];
    let weight = |place: usize| usize::from(weights[place]);
    ways[0][start % 10][0] = (0.0, 0, 0);
    for (place, costs) in values.iter().enumerate() {
        for sum in 0..10 {
            for rank in 0..2 {
                let (so_far, ..) = ways[place][sum][rank];
                if so_far == f32::MAX {
                    continue;
                }
                for (digit, cost) in costs.iter().enumerate() {
                    let next = (sum + weight(place) * digit) % 10;
                    let way = (so_far + cost, digit as u8, rank as u8);
                    let [one, two] = &mut ways[place + 1][next];
                    if way.0 < one.0 {
                        (*one, *two) = (way, *one);
                    } else if way.0 < two.0 {
                        *two = way;
                    }
                }
            }
        }
    }
    for rank in 0..2 {
        let total = ways[values.len()][0][rank].0;
        if total == f32::MAX {
            continue;
        }
        let (mut sum, mut rank) = (0, rank);
        let mut digits = vec![0; values.len()];
        for place in (0..values.len()).rev() {
            let (_, digit, before) = ways[place + 1][sum][rank];
            digits[place] = digit;
            sum = (sum + 100 - weight(place) * usize::from(digit)) % 10;
            rank = usize::from(before);
        }
        if let Some(first) = first {
            digits.insert(0, first);
        }
        best.offer(total, &digits);
    }
}

/// UPC-E: the parities say the number system and the check digit of the long form.
fn short(costs: &Costs, best: &mut Best) {
    // Three values of each parity are enough: a fourth costs more than any decision bears.
    let ranked: Vec<[[usize; 3]; 2]> = costs[..6]
        .iter()
        .map(|costs| {
            [0, 10].map(|from| {
                let mut order: [usize; 10] = std::array::from_fn(|value| value);
                order.sort_by(|&a, &b| costs[from + a].total_cmp(&costs[from + b]));
                [order[0], order[1], order[2]]
            })
        })
        .collect();
    for system in 0..2_u8 {
        for check in 0..10_u8 {
            // The check digit of the long form chooses the parities; those of number system 1 are inverted. The first of a
            // UPC-E always differs from an EAN-13's.
            let even =
                if system == 0 { !SHORT[usize::from(check)] & 0x3f } else { SHORT[usize::from(check)] };
            for mut pick in 0..729 {
                let mut digits = [0_u8; 8];
                digits[0] = system;
                let mut cost = 0.0;
                for place in 0..6 {
                    let parity = usize::from(even >> (5 - place) & 1);
                    let value = ranked[place][parity][pick % 3];
                    pick /= 3;
                    cost += costs[place][10 * parity + value];
                    digits[place + 1] = value as u8;
                }
                digits[7] = check;
                if cost < best.second && long_check(&digits) == check {
                    best.offer(cost, &digits);
                }
            }
        }
    }
}

/// Which digits of a UPC-E of number system 1 have even parity, by check digit.
const SHORT: [u8; 10] = [0x07, 0x0b, 0x0d, 0x0e, 0x13, 0x19, 0x1c, 0x15, 0x16, 0x1a];

/// The check digit of the long form.
fn long_check(digits: &[u8; 8]) -> u8 {
    let [system, a, b, c, d, e, last, _] = *digits;
    let long = match last {
        0..=2 => [system, a, b, last, 0, 0, 0, 0, c, d, e],
        3 => [system, a, b, c, 0, 0, 0, 0, 0, d, e],
        4 => [system, a, b, c, d, 0, 0, 0, 0, 0, e],
        _ => [system, a, b, c, d, e, 0, 0, 0, 0, last],
    };
    let sum: u32 = long
        .iter()
        .enumerate()
        .map(|(place, &digit)| u32::from(digit) * if place % 2 == 0 { 3 } else { 1 })
        .sum();
    ((10 - sum % 10) % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Costs where the given values are free and the rest costs 1.
    fn costs(values: &[usize]) -> Costs {
        let mut costs = [[1.0; 20]; 12];
        for (cost, &value) in costs.iter_mut().zip(values) {
            cost[value] = 0.0;
        }
        costs
    }

    #[test]
    fn what_is_free_is_what_it_says() {
        for (kind, text, values) in [
            (Kind::Ean13, "4006381333931", vec![0, 10, 6, 3, 18, 11, 3, 3, 3, 9, 3, 1]),
            (Kind::Ean13, "0036000291452", vec![0, 3, 6, 0, 0, 0, 2, 9, 1, 4, 5, 2]),
            (Kind::Ean8, "96385074", vec![9, 6, 3, 8, 5, 0, 7, 4]),
            (Kind::UpcE, "01234565", vec![11, 2, 3, 14, 15, 6]),
            (Kind::Two, "05", vec![0, 15]),
            (Kind::Five, "52495", vec![15, 2, 14, 9, 5]),
        ] {
            let found = number(kind, &costs(&values)).unwrap();
            assert_eq!((found.text.as_str(), found.cost), (text, 0.0), "{kind:?}");
            assert!(found.margin >= 1.0, "{kind:?}: {found:?}");
        }
    }

    #[test]
    fn a_wrong_digit_is_put_right_where_it_is_doubtful() {
        // The last 3 looks a little more like an 8, and the check digit does not agree.
        let mut costs = costs(&[0, 10, 6, 3, 18, 11, 3, 3, 3, 9, 8, 1]);
        costs[10][3] = 0.1;
        let found = number(Kind::Ean13, &costs).unwrap();
        assert_eq!(found.text, "4006381333931");
        assert!((found.cost - 0.1).abs() < 1e-6 && found.margin > 0.5, "{found:?}");
    }
}
