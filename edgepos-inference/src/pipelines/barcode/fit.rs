//! Laying a symbol over a profile: where each of its modules is, how blurred, and what it then says.

use super::number::number;
use super::profile::{Edge, Profile};
use super::symbol::{Costs, Kind, Shapes};

/// Samples a module.
const FINE: usize = 4;
/// Modules before and behind the symbol that are looked at.
const LEAD: usize = 5;
/// Modules to either side that a blurred one is told apart by.
const REACH: usize = 4;
/// Modules of the longest symbol, with what is looked at around it.
const WHOLE: usize = 95 + 2 * LEAD;
const TAPS: usize = (2 * REACH + 1) * FINE;
/// Widths of the blur that are tried, in modules.
const BLURS: [f32; 4] = [0.3, 0.6, 0.9, 1.2];

/// How much a place moves by a bow and by a skew: perspective and a round surface in few numbers.
fn warp(share: f32) -> [f32; 2] {
    let both = share * (1.0 - share);
    [4.0 * both, 10.4 * both * (1.0 - 2.0 * share)]
}

/// What undoes the blur.
pub(super) struct Unblur {
    taps: [[f32; TAPS]; BLURS.len()],
    shapes: Shapes,
}

/// How much of a bar of one module that a blur of `sigma` modules leaves at `distance` from its middle.
fn spread(distance: f32, sigma: f32) -> f32 {
    let below = |x: f32| {
        // The logistic function comes within 0.01 of the normal distribution's.
        1.0 / (1.0 + (-1.702 * x / sigma).exp())
    };
    below(distance + 0.5) - below(distance - 0.5)
}

impl Unblur {
    pub(super) fn new() -> Self {
        Self { taps: BLURS.map(taps), shapes: Shapes::new() }
    }
}

/// The samples' weights that give the middle module, by least squares over it and its neighbours, held small.
fn taps(sigma: f32) -> [f32; TAPS] {
    const MODULES: usize = 2 * (REACH + 3) + 1;
    const RIDGE: f32 = 0.1;
    let sees: Vec<[f32; MODULES]> = (0..TAPS)
        .map(|tap| {
            let place = (tap as f32 + 0.5) / FINE as f32 - (REACH as f32 + 0.5);
            std::array::from_fn(|module| spread(place - (module as f32 - (REACH + 3) as f32), sigma))
        })
        .collect();
    // (GᵀG + λ) z = e, then the taps are G z.
    let mut rows = [[0.0_f64; MODULES + 1]; MODULES];
    for (a, row) in rows.iter_mut().enumerate() {
        for (b, value) in row[..MODULES].iter_mut().enumerate() {
            *value = sees.iter().map(|sees| f64::from(sees[a] * sees[b])).sum::<f64>();
        }
        row[a] += f64::from(RIDGE);
        row[MODULES] = f64::from(u8::from(a == REACH + 3));
    }
    let weights = solved(rows);
    std::array::from_fn(|tap| sees[tap].iter().zip(weights).map(|(see, weight)| see * weight as f32).sum())
}

/// Where and how a symbol lies on a profile: where it starts and ends, in columns, how far its middle is off, in modules, and its blur.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    pub(super) kind: Kind,
    pub(super) start: f32,
    pub(super) end: f32,
    bow: f32,
    /// How far the first quarter is off against the last, in modules.
    skew: f32,
    blur: usize,
    /// Whether the symbol runs from `end` to `start`.
    pub(super) turned: bool,
    /// What guards and digits cost in the mean.
    pub(super) cost: f32,
}

impl Fit {
    fn straight(kind: Kind, start: f32, end: f32) -> Self {
        Self { kind, start, end, bow: 0.0, skew: 0.0, blur: 1, turned: false, cost: 2.0 }
    }

    /// Columns a module.
    pub(super) fn module(&self) -> f32 {
        (self.end - self.start) / self.kind.modules() as f32
    }

    /// How dark each module is, without the blur; white is not 0 and black not 1, but in proportion. `LEAD` modules before
    /// the symbol and behind it are there as well.
    fn modules(&self, profile: &Profile, unblur: &Unblur) -> [f32; WHOLE] {
        let modules = self.kind.modules();
        let whole = modules + 2 * LEAD;
        let module = self.module();
        // Samples also where the outermost modules' neighbours are; each phase of the module apart, so that the sums below run
        // over neighbours.
        let mut fine = [[0.0_f32; WHOLE + 2 * REACH]; FINE];
        let scale = 1.0 / modules as f32;
        for (phase, values) in fine.iter_mut().enumerate() {
            for (at, value) in values[..whole + 2 * REACH].iter_mut().enumerate() {
                let place = (phase as f32 + 0.5) / FINE as f32 + at as f32 - (LEAD + REACH) as f32;
                let share = place * scale;
                let [bow, skew] = warp(share);
                // Dark is 1.
                *value = -profile.at(self.start + (place + bow * self.bow + skew * self.skew) * module - 0.5);
            }
        }
        let mut dark = [0.0_f32; WHOLE];
        for (tap, weight) in unblur.taps[self.blur].iter().enumerate() {
            let values = &fine[tap % FINE][tap / FINE..];
            for (dark, value) in dark.iter_mut().zip(values) {
                *dark += weight * value;
            }
        }
        dark
    }

    /// The fit with what it costs, the cheaper way round.
    fn weighed(mut self, profile: &Profile, unblur: &Unblur) -> Self {
        let mut dark = self.modules(profile, unblur);
        let dark = &mut dark[..self.kind.modules() + 2 * LEAD];
        let mut costs = [[0.0; 20]; 12];
        let forward = unblur.shapes.costs(self.kind, dark, LEAD, &mut costs);
        dark.reverse();
        let backward = unblur.shapes.costs(self.kind, dark, LEAD, &mut costs);
        self.turned = backward < forward;
        self.cost = forward.min(backward);
        self
    }

    /// Weighed as it is, and bent to either side as perspective does.
    fn bent(self, profile: &Profile, unblur: &Unblur) -> Self {
        let bows = [0.0, -1.5, 1.5].map(|bow| Self { bow, ..self }.weighed(profile, unblur));
        bows.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost)).unwrap_or(self)
    }

    /// Moved to where it fits best.
    fn settled(self, profile: &Profile, unblur: &Unblur, mut step: f32) -> Self {
        let mut best = self;
        while step > 0.09 {
            let before = best.cost;
            let module = best.module();
            for change in 0..10 {
                let mut moved = best;
                let sign = if change % 2 == 0 { step } else { -step };
                match change {
                    0 | 1 => moved.start += sign * module,
                    2 | 3 => moved.end += sign * module,
                    4 | 5 => moved.bow += sign,
                    6 | 7 => moved.skew += sign,
                    8 => moved.blur = (best.blur + 1).min(BLURS.len() - 1),
                    _ => moved.blur = best.blur.saturating_sub(1),
                }
                let moved = moved.weighed(profile, unblur);
                if moved.cost < best.cost {
                    best = moved;
                }
            }
            if step < 0.4 && best.cost > LOST {
                break;
            }
            if best.cost > before - 0.005 {
                step /= 2.0;
            }
        }
        best
    }
}

/// A fit with what it says.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) fit: Fit,
    pub(super) costs: Costs,
    /// What its digits cost in the mean when they make a possible number.
    pub(super) cost: f32,
    /// How much more the next possible number costs.
    pub(super) margin: f32,
    pub(super) text: String,
}

impl Line {
    fn of(fit: Fit, profile: &Profile, unblur: &Unblur) -> Option<Self> {
        let mut dark = fit.modules(profile, unblur);
        let dark = &mut dark[..fit.kind.modules() + 2 * LEAD];
        if fit.kind.is_short() && !has_quiet_zones(dark) {
            return None;
        }
        let mut lines = Vec::new();
        for turned in [false, true] {
            let mut costs = [[0.0; 20]; 12];
            unblur.shapes.costs(fit.kind, dark, LEAD, &mut costs);
            if let Some(number) = number(fit.kind, &costs) {
                let cost = number.cost / fit.kind.digits() as f32;
                let fit = Fit { turned, ..fit };
                lines.push(Self { fit, costs, cost, margin: number.margin, text: number.text });
            }
            dark.reverse();
        }
        lines.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost))
    }
}

/// Whether the modules before and behind a symbol are as white as its own spaces: not the grey of something that covers the
/// rest of a longer one.
fn has_quiet_zones(dark: &[f32]) -> bool {
    let (before, rest) = dark.split_at(LEAD);
    let (symbol, behind) = rest.split_at(rest.len() - LEAD);
    let mut shades = symbol.to_vec();
    shades.sort_by(f32::total_cmp);
    let (white, black) = (shades[shades.len() / 8], shades[shades.len() * 7 / 8]);
    // The outermost module may have something beside it already.
    let quiet = before[1..].iter().chain(&behind[..LEAD - 1]);
    quiet.copied().all(|shade| shade < white + 0.5 * (black - white))
}

/// White before or behind a symbol, in modules, that is asked for: the standard has 7 to 11.
const QUIET: f32 = 4.5;
/// A mean cost from which a fit needs only a small correction.
const PLAIN: f32 = 0.15;
/// A mean cost before the closer look from which no fit becomes a good one.
const HOPELESS: f32 = 0.6;
/// A mean cost after the first steps from which none does.
const LOST: f32 = 0.4;
/// Least columns a module.
const LEAST_MODULE: f32 = 0.8;
/// How many places are looked at at all: a picture of nothing but stripes has thousands.
const MOST_PLACES: usize = 24;
/// How many places are looked at closely.
const CLOSELY: usize = 2;

/// The best place for a symbol of the kind between edges with white around.
pub(super) fn best(kind: Kind, profile: &Profile, edges: &[Edge], unblur: &Unblur) -> Option<Line> {
    let modules = kind.modules() as f32;
    // A long symbol has enough to be known by; a short one needs white that was seen, not what goes on beyond the picture.
    let (left, right) = match kind {
        kind if kind.is_short() => profile.inside,
        _ => (0.0, profile.values.len() as f32),
    };
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for (index, edge) in edges.iter().enumerate() {
        if edge.darker {
            let before = if index > 0 { edges[index - 1].at.max(left) } else { left };
            starts.push((index, edge.at - before));
        } else {
            let after = edges.get(index + 1).map_or(right, |next| next.at.min(right));
            ends.push((index, after - edge.at));
        }
    }
    let mut places = Vec::new();
    for &(first, before) in &starts {
        for &(last, after) in &ends {
            let module = (edges[last].at - edges[first].at) / modules;
            if module >= LEAST_MODULE && before >= QUIET * module && after >= QUIET * module {
                places.push((first, last));
            }
        }
    }
    // Blur and noise take edges away and add some; the place with the right number of them is the likeliest.
    let expected = kind.edges();
    places.sort_by_key(|(first, last)| (last - first + 1).abs_diff(expected));
    places.truncate(MOST_PLACES);
    // Where no edge is missing, the edges say where every module is.
    let anchored = places.iter().filter_map(|&(first, last)| anchored(kind, &edges[first..=last]));
    let anchored: Vec<Fit> = anchored.map(|fit| fit.weighed(profile, unblur)).collect();
    if anchored.iter().any(|fit| fit.cost < PLAIN) {
        return closest(anchored, profile, unblur);
    }
    let straight = places.iter().map(|&(first, last)| Fit::straight(kind, edges[first].at, edges[last].at));
    let bent = straight.map(|fit| fit.bent(profile, unblur));
    closest(anchored.into_iter().chain(bent).collect(), profile, unblur)
}

/// The fit through the edges whose places are known, where none is missing and none too many.
fn anchored(kind: Kind, edges: &[Edge]) -> Option<Fit> {
    const TERMS: usize = 5;
    let marks = kind.landmarks();
    if edges.len() != kind.edges() || edges.windows(2).any(|two| two[0].darker == two[1].darker) {
        return None;
    }
    let modules = kind.modules() as f32;
    let mut rows = [[0.0_f64; TERMS + 1]; TERMS];
    for (edge, module) in marks {
        let share = module as f32 / modules;
        let [bow, skew] = warp(share);
        // Ink that spreads moves the two sides of a bar apart.
        let ink = if edge % 2 == 0 { -1.0 } else { 1.0 };
        let terms = [1.0, share, bow, skew, ink].map(f64::from);
        for (row, term) in rows.iter_mut().zip(terms) {
            for (value, other) in row.iter_mut().zip(terms) {
                *value += term * other;
            }
            row[TERMS] += term * f64::from(edges[edge].at);
        }
    }
    let [start, length, bow, skew, _] = solved(rows).map(|value| value as f32);
    let module = length / modules;
    // Also false where it is not a number.
    (module >= LEAST_MODULE).then(|| Fit {
        bow: bow / module,
        skew: skew / module,
        ..Fit::straight(kind, start, start + length)
    })
}

/// The solution of a symmetric, positive system: the coefficients with the right side behind them.
fn solved<const N: usize, const M: usize>(mut rows: [[f64; M]; N]) -> [f64; N] {
    for pivot in 0..N {
        let scale = rows[pivot][pivot];
        for value in &mut rows[pivot] {
            *value /= scale;
        }
        let own = rows[pivot];
        for (other, row) in rows.iter_mut().enumerate() {
            if other != pivot {
                let factor = row[pivot];
                for (value, own) in row.iter_mut().zip(own) {
                    *value -= factor * own;
                }
            }
        }
    }
    rows.map(|row| row[N])
}

/// An add-on behind a symbol that ends at `end` with this module.
pub(super) fn add_on(kind: Kind, profile: &Profile, end: f32, module: f32, unblur: &Unblur) -> Option<Line> {
    // The standard has 7 to 12 modules between them; printers more and less.
    let fits = (10..=32).map(|half| {
        let start = end + half as f32 / 2.0 * module;
        Fit::straight(kind, start, start + kind.modules() as f32 * module).weighed(profile, unblur)
    });
    closest(fits.collect(), profile, unblur)
}

/// What the best of some weighed fits say after a closer look.
fn closest(mut fits: Vec<Fit>, profile: &Profile, unblur: &Unblur) -> Option<Line> {
    fits.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    fits.truncate(CLOSELY);
    fits.retain(|fit| fit.cost < HOPELESS);
    fits.into_iter()
        .map(|fit| fit.settled(profile, unblur, if fit.cost < PLAIN { 0.15 } else { 0.6 }))
        .filter_map(|fit| Line::of(fit, profile, unblur))
        .min_by(|a, b| a.cost.total_cmp(&b.cost))
}
