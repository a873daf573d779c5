//! What the bands of a region say together.
//!
//! Each band is read alone, and the bands' doubts are added: a scratch or a reflection spoils some, and the others decide.

use super::fit::{Fit, Line, Unblur, add_on, best};
use super::number::number;
use super::profile::Band;
use super::symbol::{Costs, Kind};
use super::{Grey, Region};
use crate::stop::Stop;

/// Least height of a band, in pixels.
const BAND: f32 = 8.0;
/// Most bands of a region.
const MAX_BANDS: usize = 8;
/// How far beyond the region's ends is looked, as a share of its length: for the quiet zones, and for a region that is too short.
const BEYOND: f32 = 0.25;
/// The kinds that a region is searched for.
const KINDS: [Kind; 3] = [Kind::Ean13, Kind::Ean8, Kind::UpcE];

/// A number, and how well the bands bear it out.
pub(super) struct Reading {
    pub(super) kind: Kind,
    /// As printed below the bars.
    pub(super) text: String,
    /// What a digit costs in the mean: 0 is as drawn, 1 is noise.
    pub(super) cost: f32,
    /// How much more the next possible number costs.
    pub(super) margin: f32,
    /// Bands that say the same alone.
    pub(super) votes: usize,
    seen: Vec<Seen>,
}

/// A line with the band that it lies on.
#[derive(Clone)]
struct Seen {
    band: Band,
    line: Line,
}

/// What a reading must have to be believed, and to be believed without asking. Fixed on the tuning half of
/// `models/scripts/barcode_exam.py`.
struct Demand {
    cost: f32,
    margin: f32,
    votes: usize,
}

impl Demand {
    fn is_met(&self, reading: &Reading) -> bool {
        reading.cost < self.cost && reading.margin > self.margin && reading.votes >= self.votes
    }
}

impl Reading {
    /// Whether it is no chance.
    pub(super) fn is_good(&self) -> bool {
        const LONG: [Demand; 2] =
            [Demand { cost: 0.35, margin: 0.16, votes: 2 }, Demand { cost: 0.2, margin: 0.2, votes: 1 }];
        // A short symbol says so little that parts of others pass for one.
        const SHORT: [Demand; 2] =
            [Demand { cost: 0.12, margin: 0.12, votes: 3 }, Demand { cost: 0.09, margin: 0.2, votes: 2 }];
        let demands = if self.kind == Kind::Ean13 { LONG } else { SHORT };
        demands.iter().any(|demand| demand.is_met(self))
    }

    /// How near it is to leaving no doubt, 0 to 1.
    pub(super) fn evidence(&self) -> f32 {
        let sharp = ((0.35 - self.cost) / 0.2).clamp(0.0, 1.0);
        let clear = (self.margin / 0.2).clamp(0.0, 1.0);
        sharp * clear * (self.votes as f32 / 3.0).min(1.0)
    }

    /// Whether it may be the left half of an EAN-13 after all, which is bar for bar a UPC-E of number system 1. Hardly anybody
    /// prints those.
    pub(super) fn may_be_a_half(&self) -> bool {
        self.kind == Kind::UpcE && self.text.starts_with('1')
    }

    /// The digits of an add-on behind the symbol.
    pub(super) fn add_on(&self, grey: &Grey, unblur: &Unblur) -> Option<String> {
        if self.kind == Kind::Ean8 {
            return None;
        }
        let mut found: [Vec<Seen>; 2] = Default::default();
        for Seen { band, line } in &self.seen {
            // From six modules before the symbol's end to behind the longest add-on.
            let (before, behind) = (6.0 * line.fit.module(), 70.0 * line.fit.module());
            let band = if line.fit.turned {
                band.part(line.fit.start - behind, line.fit.start + before).turned()
            } else {
                band.part(line.fit.end - before, line.fit.end + behind)
            };
            let profile = band.profile(grey);
            let module = profile.values.len() as f32 / 76.0;
            for (found, kind) in found.iter_mut().zip([Kind::Five, Kind::Two]) {
                let line = add_on(kind, &profile, 6.0 * module, module, unblur);
                found.extend(line.filter(|line| line.fit.cost < 0.2).map(|line| Seen { band, line }));
            }
        }
        found.iter().find_map(|found| {
            let number = number(found.first()?.line.fit.kind, &mean(found))?;
            let votes = found.iter().filter(|seen| seen.line.text == number.text).count();
            (votes >= 2 && number.margin > 0.1).then_some(number.text)
        })
    }
}

/// Every kind of symbol that a region may hold.
pub(super) fn in_region(grey: &Grey, region: &Region, unblur: &Unblur, stop: &Stop) -> Vec<Reading> {
    let count = ((region.height / BAND) as usize).clamp(1, MAX_BANDS);
    // From the middle outwards: the ends of a region are where it is least sure.
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|index| (2 * index + 1).abs_diff(count));
    let mut seen: [Vec<Seen>; KINDS.len()] = Default::default();
    let mut known = None;
    for index in order {
        if stop.is_due() {
            break;
        }
        let (band, profile) = Band::of(region, index, count, BEYOND).leaning(grey);
        let edges = profile.edges();
        for (slot, kind) in KINDS.into_iter().enumerate() {
            if known.is_none_or(|known| known == slot) {
                seen[slot].extend(best(kind, &profile, &edges, unblur).map(|line| Seen { band, line }));
                known = known.or_else(|| clear(&seen));
            }
        }
        // Where nothing is left to doubt, more bands cost time only.
        if known.is_some_and(|known| together(&seen[known]).is_some_and(|reading| reading.evidence() >= 1.0))
        {
            break;
        }
    }
    seen.iter().filter_map(|seen| together(seen)).collect()
}

/// The kind that one band says clearly, so that the others need not be tried on the rest.
fn clear(seen: &[Vec<Seen>]) -> Option<usize> {
    let clearest = |slot: &usize| {
        let lines = seen[*slot].iter().map(|seen| &seen.line);
        lines.filter(|line| line.margin > 0.15).map(|line| line.cost).fold(f32::MAX, f32::min)
    };
    let slots = 0..seen.len();
    let best = slots.min_by(|a, b| clearest(a).total_cmp(&clearest(b)))?;
    (clearest(&best) < 0.15).then_some(best)
}

/// What the lines of one kind say together.
fn together(seen: &[Seen]) -> Option<Reading> {
    let first = &seen.iter().min_by(|a, b| a.line.cost.total_cmp(&b.line.cost))?.line;
    let Fit { kind, start, turned, .. } = first.fit;
    let module = first.fit.module();
    let limit = (first.cost * 2.5).max(0.1);
    // What lies elsewhere, is of another size or much worse is another thing.
    let belongs = |Seen { line, .. }: &&Seen| {
        line.cost <= limit
            && line.fit.turned == turned
            && (line.fit.module() / module - 1.0).abs() < 0.08
            && (line.fit.start - start).abs() < 8.0 * module
    };
    let seen: Vec<Seen> = seen.iter().filter(belongs).cloned().collect();
    let number = number(kind, &mean(&seen))?;
    Some(Reading {
        kind,
        cost: number.cost / kind.digits() as f32,
        margin: number.margin,
        votes: seen.iter().filter(|seen| seen.line.text == number.text).count(),
        text: number.text,
        seen,
    })
}

fn mean(seen: &[Seen]) -> Costs {
    let mut mean = [[0.0; 20]; 12];
    let share = 1.0 / seen.len().max(1) as f32;
    for seen in seen {
        for (mean, cost) in mean.iter_mut().flatten().zip(seen.line.costs.iter().flatten()) {
            *mean += share * cost;
        }
    }
    mean
}
