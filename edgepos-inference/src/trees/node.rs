//! Nodes of trees, and what a branch asks of its feature.

/// A node with its targets found: places in the list of all nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Node {
    /// A range of the list of all votes.
    Leaf {
        first: u32,
        count: u32,
    },
    Branch {
        feature: u16,
        test: Test,
        missing_passes: bool,
        pass: u32,
        fail: u32,
    },
}

/// The comparisons of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// The comparisons that are evaluated. What is not a number passes none of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Test {
    Less(f32),
    Equal(f32),
    /// Is one of a set, by its place in the list of all sets.
    Member(u32),
}

impl Node {
    /// Where it leads.
    pub(super) fn targets(&self) -> impl Iterator<Item = u32> + use<> {
        let targets = match *self {
            Self::Leaf { .. } => [None, None],
            Self::Branch { pass, fail, .. } => [Some(pass), Some(fail)],
        };
        targets.into_iter().flatten()
    }
}

impl Mode {
    /// The branch that compares `feature` with `threshold`, leading to `if_true` or `if_false`. `None` where the threshold
    /// is not a number.
    ///
    /// Exact: between a float and its successor there is no other, and between two floats that are neighbours a double
    /// makes no difference.
    pub(super) fn node(
        self,
        feature: u16,
        threshold: f64,
        missing_true: bool,
        (if_true, if_false): (usize, usize),
    ) -> Option<Node> {
        if threshold.is_nan() {
            return None;
        }
        let (above, below) = neighbours(threshold);
        let (test, swapped) = match self {
            Self::Less => (Test::Less(above), false),
            Self::GreaterOrEqual => (Test::Less(above), true),
            // Everything is at most infinity: "not less than minus infinity" says the same.
            Self::LessOrEqual if below == f32::INFINITY => (Test::Less(f32::NEG_INFINITY), true),
            Self::Greater if below == f32::INFINITY => (Test::Less(f32::NEG_INFINITY), false),
            Self::LessOrEqual => (Test::Less(below.next_up()), false),
            Self::Greater => (Test::Less(below.next_up()), true),
            // No float equals what lies between two of them.
            Self::Equal | Self::NotEqual => {
                let value = if above.to_bits() == below.to_bits() { above } else { f32::NAN };
                (Test::Equal(value), self == Self::NotEqual)
            }
        };
        // What is not a number differs from every threshold.
        let missing_true = missing_true || self == Self::NotEqual;
        let (pass, fail) = if swapped { (if_false, if_true) } else { (if_true, if_false) };
        let missing_passes = missing_true != swapped;
        Some(Node::Branch { feature, test, missing_passes, pass: pass as u32, fail: fail as u32 })
    }
}

/// The least float that is not below `value`, and the greatest that is not above it.
fn neighbours(value: f64) -> (f32, f32) {
    let near = value as f32;
    match f64::from(near).partial_cmp(&value) {
        Some(std::cmp::Ordering::Less) => (near.next_up(), near),
        Some(std::cmp::Ordering::Greater) => (near, near.next_down()),
        _ => (near, near),
    }
}
