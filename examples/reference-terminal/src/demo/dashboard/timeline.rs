//! What each terminal was from when to when: the bands of the time line.

use std::collections::VecDeque;

use serde::Serialize;

/// Bands of a terminal that are kept; the oldest go first.
const MAX_BANDS: usize = 200;

/// What a terminal is at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Being {
    Leads,
    Follows,
    CutOff,
    Frozen,
    Down,
}

/// For so long it was the same; the last one has not ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Band {
    from_ms: u64,
    to_ms: u64,
    is: Being,
    term: Option<u64>,
}

/// The bands of every terminal.
#[derive(Debug)]
pub(super) struct Timeline {
    terminals: Vec<VecDeque<Band>>,
}

impl Timeline {
    pub(super) fn new(terminals: usize) -> Self {
        Self { terminals: vec![VecDeque::new(); terminals] }
    }

    /// At `now_ms` the terminal is this.
    pub(super) fn see(&mut self, terminal: usize, now_ms: u64, is: Being, term: Option<u64>) {
        let Some(bands) = self.terminals.get_mut(terminal) else { return };
        let term = term.filter(|_| is == Being::Leads);
        if let Some(last) = bands.back_mut() {
            last.to_ms = now_ms;
            if (last.is, last.term) == (is, term) {
                return;
            }
        }
        if bands.len() == MAX_BANDS {
            bands.pop_front();
        }
        bands.push_back(Band { from_ms: now_ms, to_ms: now_ms, is, term });
    }

    /// What there is to draw, behind this moment.
    pub(super) fn since(&self, from_ms: u64) -> Vec<Vec<Band>> {
        let late =
            |bands: &VecDeque<Band>| bands.iter().filter(|band| band.to_ms >= from_ms).cloned().collect();
        self.terminals.iter().map(late).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_grows_until_something_changes() {
        let mut line = Timeline::new(1);
        line.see(0, 10, Being::Leads, Some(2));
        line.see(0, 20, Being::Leads, Some(2));
        line.see(0, 30, Being::Down, Some(2));
        line.see(0, 40, Being::Down, None);
        line.see(9, 40, Being::Down, None);
        let bands = &line.since(0)[0];
        let seen: Vec<_> = bands.iter().map(|band| (band.from_ms, band.to_ms, band.is, band.term)).collect();
        assert_eq!(seen, [(10, 30, Being::Leads, Some(2)), (30, 40, Being::Down, None)]);
        assert_eq!(line.since(35)[0].len(), 1);
        (0..1_000).for_each(|at| {
            line.see(0, 50 + at, if at % 2 == 0 { Being::Leads } else { Being::Frozen }, None)
        });
        assert_eq!(line.since(0)[0].len(), MAX_BANDS);
    }
}
