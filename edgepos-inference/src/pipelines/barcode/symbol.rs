//! Retail symbols as modules: what each digit and each guard looks like.

/// Left digits with odd parity; those with even parity are the right ones reversed, and the right ones these inverted.
const ODD: [u8; 10] = [0x0d, 0x19, 0x13, 0x3d, 0x23, 0x31, 0x2f, 0x3b, 0x37, 0x0b];
/// Modules of a window around a digit: its own seven and one of each neighbour, which the layout fixes.
const WINDOW: usize = 9;

/// Kinds of retail symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ean13,
    Ean8,
    UpcE,
    /// An add-on of two digits.
    Two,
    /// An add-on of five digits.
    Five,
}

impl Kind {
    /// Modules from the first bar to the last.
    pub(super) fn modules(self) -> usize {
        match self {
            Self::Ean13 => 95,
            Self::Ean8 => 67,
            Self::UpcE => 51,
            Self::Two => 20,
            Self::Five => 47,
        }
    }

    /// Digits that have bars.
    pub(super) fn digits(self) -> usize {
        match self {
            Self::Ean13 => 12,
            Self::Ean8 => 8,
            Self::UpcE => 6,
            Self::Two => 2,
            Self::Five => 5,
        }
    }

    /// The first module of a digit.
    fn place(self, digit: usize) -> usize {
        match self {
            Self::Ean13 => 3 + 7 * digit + if digit < 6 { 0 } else { 5 },
            Self::Ean8 => 3 + 7 * digit + if digit < 4 { 0 } else { 5 },
            Self::UpcE => 3 + 7 * digit,
            // With a bar between digits.
            Self::Two | Self::Five => 4 + 9 * digit,
        }
    }

    /// Whether parts of other symbols pass for one.
    pub(super) fn is_short(self) -> bool {
        matches!(self, Self::Ean8 | Self::UpcE)
    }

    /// Edges of the whole symbol.
    pub(super) fn edges(self) -> usize {
        match self {
            Self::Ean13 => 60,
            Self::Ean8 => 44,
            Self::UpcE => 34,
            Self::Two => 14,
            Self::Five => 32,
        }
    }

    /// The edges whose places do not depend on the digits: the how manyth edge of the symbol, and at which module.
    pub(super) fn landmarks(self) -> Vec<(usize, usize)> {
        let mut marks: Vec<_> = (0..3).map(|edge| (edge, edge)).collect();
        let halves: &[usize] = match self {
            Self::Ean13 => &[6, 6],
            Self::Ean8 => &[4, 4],
            Self::UpcE => &[6],
            Self::Two | Self::Five => &[],
        };
        let (mut edge, mut module) = (3, 3);
        for (half, &digits) in halves.iter().enumerate() {
            for _ in 0..digits {
                marks.push((edge, module));
                (edge, module) = (edge + 4, module + 7);
            }
            // The middle guard has five modules; what follows the last digit has three, or five without a right half.
            let guard = match half + 1 == halves.len() {
                false => 5,
                true if self == Self::UpcE => 6,
                true => 3,
            };
            marks.extend((0..guard).map(|step| (edge + step, module + step)));
            (edge, module) = (edge + guard, module + guard);
        }
        marks.push((edge, module));
        marks
    }

    /// The patterns that every symbol of the kind has, with white around: first module and bars.
    fn guards(self) -> &'static [(i32, &'static [u8])] {
        const START: &[u8] = &[0, 0, 0, 0, 1, 0, 1, 0];
        const MIDDLE: &[u8] = &[1, 0, 1, 0, 1, 0, 1];
        const END: &[u8] = &[0, 1, 0, 1, 0, 0, 0, 0];
        const ADD_ON: &[u8] = &[0, 0, 0, 0, 1, 0, 1, 1, 0];
        const BETWEEN: &[u8] = &[1, 0, 1, 0];
        const LAST: &[u8] = &[1, 0, 0, 0, 0];
        match self {
            Self::Ean13 => &[(-4, START), (44, MIDDLE), (91, END)],
            Self::Ean8 => &[(-4, START), (30, MIDDLE), (63, END)],
            Self::UpcE => &[(-4, START), (44, &[1, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0])],
            Self::Two => &[(-4, ADD_ON), (10, BETWEEN), (19, LAST)],
            Self::Five => {
                &[(-4, ADD_ON), (10, BETWEEN), (19, BETWEEN), (28, BETWEEN), (37, BETWEEN), (46, LAST)]
            }
        }
    }

    fn is_right(self, digit: usize) -> bool {
        match self {
            Self::Ean13 => digit >= 6,
            Self::Ean8 => digit >= 4,
            Self::UpcE | Self::Two | Self::Five => false,
        }
    }
}

/// One minus the correlation with each value: even parity behind odd. What cannot be there costs as much as its opposite.
pub(super) type Costs = [[f32; 20]; 12];

/// The shapes of the digits, mean 0 and length 1.
pub(super) struct Shapes {
    /// For each module of the window the value in each shape, so that all shapes are compared at once.
    left: [[f32; 20]; WINDOW],
    right: [[f32; 20]; WINDOW],
}

fn shape(bits: impl Iterator<Item = u8>) -> [f32; WINDOW] {
    let mut shape = [0.0; WINDOW];
    for (slot, bit) in shape.iter_mut().zip(bits) {
        *slot = f32::from(bit);
    }
    unit(&mut shape);
    shape
}

fn unit(values: &mut [f32]) {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    let length = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>().sqrt().max(1e-6);
    for value in values {
        *value = (*value - mean) / length;
    }
}

impl Shapes {
    pub(super) fn new() -> Self {
        let bits = |pattern: u8, before: u8, after: u8| {
            let own = (0..7).rev().map(move |bit| pattern >> bit & 1);
            shape(std::iter::once(before).chain(own).chain(std::iter::once(after)))
        };
        let right = |digit: usize| !ODD[digit] & 0x7f;
        let even = |digit: usize| right(digit).reverse_bits() >> 1;
        let left: [_; 20] =
            std::array::from_fn(|value| bits(if value < 10 { ODD[value] } else { even(value - 10) }, 1, 0));
        let right: [_; 10] = std::array::from_fn(|value| bits(right(value), 0, 1));
        Self {
            left: std::array::from_fn(|module| std::array::from_fn(|value| left[value][module])),
            right: std::array::from_fn(|module| std::array::from_fn(|value| right[value % 10][module])),
        }
    }

    /// How well `dark` (one value a module, from `lead` modules before the symbol) fits the kind: the costs of each digit,
    /// and the mean of what the guards and the best values cost.
    pub(super) fn costs(&self, kind: Kind, dark: &[f32], lead: usize, costs: &mut Costs) -> f32 {
        let mut total = 0.0;
        let mut parts = 0;
        for &(from, bars) in kind.guards() {
            let from = (lead as i32 + from) as usize;
            let found = &dark[from..from + bars.len()];
            total += 1.0 - correlation(found, bars);
            parts += 1;
        }
        for (digit, costs) in costs.iter_mut().enumerate().take(kind.digits()) {
            let from = lead + kind.place(digit) - 1;
            let mut window = [0.0; WINDOW];
            window.copy_from_slice(&dark[from..from + WINDOW]);
            unit(&mut window);
            let (shapes, possible) = match (kind.is_right(digit), kind) {
                (true, _) => (&self.right, 10),
                (false, Kind::Ean8) => (&self.left, 10),
                (false, _) => (&self.left, 20),
            };
            let mut fits = [0.0_f32; 20];
            for (value, shapes) in window.iter().zip(shapes) {
                for (fit, shape) in fits.iter_mut().zip(shapes) {
                    *fit += value * shape;
                }
            }
            *costs = fits.map(|fit| 1.0 - fit);
            costs[possible..].fill(2.0);
            let best = costs.iter().copied().fold(2.0, f32::min);
            total += best;
            parts += 1;
        }
        total / parts as f32
    }
}

fn correlation(found: &[f32], bars: &[u8]) -> f32 {
    let count = found.len() as f32;
    let mean = found.iter().sum::<f32>() / count;
    let middle = bars.iter().map(|&bar| f32::from(bar)).sum::<f32>() / count;
    let (mut both, mut own, mut other) = (0.0, 1e-6, 1e-6);
    for (&value, &bar) in found.iter().zip(bars) {
        let (a, b) = (value - mean, f32::from(bar) - middle);
        both += a * b;
        own += a * a;
        other += b * b;
    }
    both / (own * other).sqrt()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The modules of a symbol whose digits have these values, even parity as 10 and more.
    pub(in super::super) fn modules(kind: Kind, values: &[usize]) -> Vec<f32> {
        let mut dark = vec![0.0; kind.modules() + 10];
        for &(from, bars) in kind.guards() {
            for (at, &bar) in bars.iter().enumerate() {
                dark[(5 + from) as usize + at] = f32::from(bar);
            }
        }
        for (digit, &value) in values.iter().enumerate() {
            let odd = ODD[value % 10];
            let right = !odd & 0x7f;
            let bars = match (kind.is_right(digit), value < 10) {
                (true, _) => right,
                (false, true) => odd,
                (false, false) => right.reverse_bits() >> 1,
            };
            for bit in 0..7 {
                dark[5 + kind.place(digit) + bit] = f32::from(bars >> (6 - bit) & 1);
            }
        }
        dark
    }

    #[test]
    fn a_symbol_costs_nothing_as_itself() {
        for (kind, values) in [
            (Kind::Ean13, vec![0, 10, 6, 13, 8, 1, 3, 3, 3, 9, 3, 1]),
            (Kind::Ean8, vec![9, 6, 3, 8, 5, 0, 7, 4]),
            (Kind::UpcE, vec![11, 2, 13, 4, 15, 6]),
            (Kind::Two, vec![0, 15]),
            (Kind::Five, vec![5, 2, 14, 9, 19]),
        ] {
            let dark = modules(kind, &values);
            let mut costs = [[0.0; 20]; 12];
            let cost = Shapes::new().costs(kind, &dark, 5, &mut costs);
            assert!(cost < 1e-5, "{kind:?} costs {cost}");
            for (digit, &value) in values.iter().enumerate() {
                assert!(costs[digit][value] < 1e-5, "{kind:?} digit {digit}");
            }
        }
    }

    #[test]
    fn landmarks_are_where_the_edges_of_a_symbol_are() {
        for (kind, values) in [
            (Kind::Ean13, vec![0, 10, 6, 13, 8, 1, 3, 3, 3, 9, 3, 1]),
            (Kind::Ean8, vec![9, 6, 3, 8, 5, 0, 7, 4]),
            (Kind::UpcE, vec![11, 2, 13, 4, 15, 6]),
        ] {
            let dark = modules(kind, &values);
            let edges: Vec<usize> =
                (1..dark.len()).filter(|&at| dark[at] != dark[at - 1]).map(|at| at - 5).collect();
            assert_eq!(edges.len(), kind.edges());
            for (edge, module) in kind.landmarks() {
                assert_eq!(edges[edge], module, "{kind:?} edge {edge}");
            }
        }
    }
}
