//! All versions of one price, or of one product's master data, and which of them is in force at a moment.

use edgepos_crdt::{LwwRegister, Stamp};

use super::body::{PriceSet, ProductSet};

/// Most versions of one price or product. Beyond it the one is forgotten that was over first, by the latest stamp of all: it has ended, or
/// one without an end began after it that has no end either. Where none is over, which no till records, the one that begins last is
/// forgotten. What has neither beginning nor end stays. No clock is asked, so that every terminal forgets the same.
pub(super) const MAX_VERSIONS: usize = 512;

/// When a version is in force: its first millisecond, and the first after it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Window {
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Window {
    /// What is said with neither a beginning nor an end.
    pub(super) const ALWAYS: Self = Self { from: 0, to: u64::MAX };

    /// From one time on, or ever, until another, or for ever.
    fn of(from: Option<u64>, to: Option<u64>) -> Self {
        Self { from: from.unwrap_or(Self::ALWAYS.from), to: to.unwrap_or(Self::ALWAYS.to) }
    }

    /// Whether it ends before it begins, or when it does.
    pub(super) fn is_empty(self) -> bool {
        self.from >= self.to
    }
}

/// What is in force for a time.
pub(super) trait Dated {
    /// When.
    fn window(&self) -> Window;
    /// Which version it is; absent where whoever set it has not said.
    fn version(&mut self) -> &mut Option<u64>;
}

impl Dated for PriceSet {
    fn window(&self) -> Window {
        Window::of(self.valid_from, self.valid_to)
    }

    fn version(&mut self) -> &mut Option<u64> {
        &mut self.version
    }
}

impl Dated for ProductSet {
    fn window(&self) -> Window {
        Window::of(self.valid_from, self.valid_to)
    }

    fn version(&mut self) -> &mut Option<u64> {
        &mut self.version
    }
}

/// The versions of a product's price on one list, or of its master data, by rising window. Most have one, and a shop has many products:
/// the list has room for no more than there are.
#[derive(Debug)]
pub(super) struct Versions<T> {
    all: Vec<(Window, LwwRegister<T>)>,
}

/// What became of a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Set {
    /// Whether it is kept: its stamp is the newest of its window.
    pub(super) won: bool,
    /// The window that is forgotten for it.
    pub(super) forgotten: Option<Window>,
}

impl<T> Default for Versions<T> {
    fn default() -> Self {
        Self { all: Vec::new() }
    }
}

impl<T: Dated> Versions<T> {
    /// Takes a version. The newest stamp wins among those of one window.
    pub(super) fn set(&mut self, stamp: Stamp, mut value: T) -> Set {
        let window = value.window();
        value.version().get_or_insert(stamp.hlc.ms());
        let won = match self.all.binary_search_by_key(&window, |(window, _)| *window) {
            Ok(at) => self.all[at].1.set(stamp, value).is_ok(),
            Err(at) => {
                self.all.reserve_exact(1);
                self.all.insert(at, (window, LwwRegister::new(stamp, value)));
                true
            }
        };
        let forgotten = (self.all.len() > MAX_VERSIONS).then(|| {
            let windows: Vec<Window> = self.windows().collect();
            first_to_go(&windows, self.heard_ms()).map(|(window, _)| window)
        });
        let forgotten = forgotten.flatten();
        if let Some(forgotten) = forgotten {
            self.all.retain(|(window, _)| *window != forgotten);
        }
        Set { won: won && forgotten != Some(window), forgotten }
    }

    /// When each is in force, by rising window.
    pub(super) fn windows(&self) -> impl Iterator<Item = Window> + '_ {
        self.all.iter().map(|(window, _)| *window)
    }

    /// The time of the latest stamp.
    fn heard_ms(&self) -> u64 {
        self.all.iter().map(|(_, register)| register.stamp().hlc.ms()).max().unwrap_or(0)
    }

    /// Whether a version of this window that is said at this moment is kept, and nothing is forgotten for it that is in force or planned.
    pub(super) fn has_room(&self, window: Window, now_ms: u64) -> bool {
        let Err(at) = self.all.binary_search_by_key(&window, |(window, _)| *window) else { return true };
        if self.all.len() < MAX_VERSIONS {
            return true;
        }
        let mut windows: Vec<Window> = self.windows().collect();
        windows.insert(at, window);
        let goes = first_to_go(&windows, self.heard_ms().max(now_ms));
        goes.is_some_and(|(goes, is_over)| is_over && goes != window)
    }

    /// Forgets the version of this window, where its stamp is this one. Whether it was.
    pub(super) fn forget(&mut self, window: Window, stamp: Stamp) -> bool {
        let before = self.all.len();
        self.all.retain(|(of, register)| *of != window || register.stamp() != stamp);
        self.all.len() < before
    }

    /// The newest stamp among the versions that one of this window competes with: those that begin with it.
    pub(super) fn seen(&self, window: Window) -> Option<Stamp> {
        let began = self.all.iter().filter(|(of, _)| of.from == window.from);
        began.map(|(_, register)| register.stamp()).max()
    }

    /// The newest of all, whenever it is in force.
    pub(super) fn newest(&self) -> Option<&LwwRegister<T>> {
        self.all.iter().map(|(_, register)| register).max_by_key(|register| register.stamp())
    }

    /// What is in force at this moment: of those that are valid the one that began last, and of those the newest.
    pub(super) fn at(&self, at_ms: u64) -> Option<&T> {
        let is_valid =
            |window: Window| window.from <= at_ms && (at_ms < window.to || window.to == Window::ALWAYS.to);
        let valid = self.all.iter().filter(|(window, _)| is_valid(*window));
        valid
            .max_by_key(|(window, register)| (window.from, register.stamp()))
            .map(|(_, register)| register.value())
    }
}

/// Which of the windows, by rising time, is forgotten first, and whether it was over at `heard_ms`.
fn first_to_go(windows: &[Window], heard_ms: u64) -> Option<(Window, bool)> {
    // When the next one without an end begins.
    let mut next = u64::MAX;
    let mut over: Option<(u64, Window)> = None;
    for window in windows.iter().rev().filter(|window| **window != Window::ALWAYS) {
        let ends = window.to.min(next);
        if window.to == Window::ALWAYS.to {
            next = window.from;
        } else if window.to > heard_ms {
            continue;
        }
        if ends <= heard_ms && over.is_none_or(|(first, _)| ends <= first) {
            over = Some((ends, *window));
        }
    }
    let last =
        || windows.iter().rev().find(|window| **window != Window::ALWAYS).map(|window| (*window, false));
    over.map(|(_, window)| (window, true)).or_else(last)
}

#[cfg(test)]
mod tests {
    use edgepos_core::{Chain, Lane, RepairGen, ReplicaId};
    use edgepos_crdt::Hlc;

    use super::*;
    use crate::retail::money::Currency;

    fn stamp(hlc: u64) -> Stamp {
        Stamp::new(RepairGen(0), Hlc(hlc), Chain::new(ReplicaId::new(1, 1), Lane::Prices))
    }

    fn price(amount: i64, valid_from: Option<u64>, valid_to: Option<u64>) -> PriceSet {
        PriceSet {
            product: "milk".into(),
            list: 0,
            amount,
            currency: Currency::EUR,
            tax_included: true,
            valid_from,
            valid_to,
            version: None,
        }
    }

    fn amount(versions: &Versions<PriceSet>, at_ms: u64) -> Option<i64> {
        versions.at(at_ms).map(|price| price.amount)
    }

    /// In whatever order the versions come.
    #[test]
    fn a_plan_and_a_campaign_leave_the_price_of_today_in_force() {
        let said = [
            (1, price(129, None, None)),
            (2, price(139, Some(1_000), None)),
            (3, price(99, Some(500), Some(600))),
            (4, price(89, Some(500), Some(550))),
            (5, price(79, None, Some(10))),
        ];
        let mut order: Vec<usize> = (0..said.len()).collect();
        for _ in 0..said.len() {
            order.rotate_left(1);
            for order in [order.clone(), order.iter().rev().copied().collect()] {
                let mut versions = Versions::default();
                for at in order {
                    let (hlc, price) = said[at].clone();
                    assert!(versions.set(stamp(hlc), price).won);
                }
                let moments = [0, 9, 10, 499, 500, 549, 550, 599, 600, 999, 1_000, u64::MAX];
                let amounts = moments.map(|at| amount(&versions, at).unwrap());
                assert_eq!(amounts, [79, 79, 129, 129, 89, 89, 99, 99, 129, 129, 139, 139]);
            }
        }
    }

    #[test]
    fn the_newest_stamp_of_a_window_wins() {
        let mut versions = Versions::default();
        assert!(versions.set(stamp(5), price(129, None, None)).won);
        assert!(!versions.set(stamp(4), price(1, None, None)).won);
        assert!(versions.set(stamp(6), price(119, Some(0), None)).won);
        assert_eq!(amount(&versions, 7), Some(119));
        let mut ended = Versions::default();
        ended.set(stamp(1), price(99, Some(10), Some(20)));
        assert_eq!([5, 10, 19, 20].map(|at| amount(&ended, at)), [None, Some(99), Some(99), None]);
    }

    #[test]
    fn what_ended_first_is_forgotten_first_in_whatever_order_it_comes() {
        let campaigns = MAX_VERSIONS as u64 + 20;
        let said = |at: u64| price(at as i64, Some(at * 10), Some(at * 10 + 5));
        let at_its_start = |at: u64| stamp(Hlc::from_parts(at * 10, 1).0);
        let (mut forward, mut backward) = (Versions::default(), Versions::default());
        forward.set(stamp(1), price(129, None, None));
        for at in 0..campaigns {
            forward.set(at_its_start(at), said(at));
            backward.set(at_its_start(campaigns - at - 1), said(campaigns - at - 1));
        }
        backward.set(stamp(1), price(129, None, None));
        assert_eq!((forward.all.len(), backward.all.len()), (MAX_VERSIONS, MAX_VERSIONS));
        assert!(
            forward.all.iter().map(|(window, _)| window).eq(backward.all.iter().map(|(window, _)| window))
        );
        assert_eq!(amount(&forward, 1), Some(129), "the price without an end stays");
        assert_eq!(amount(&forward, campaigns * 10 - 10), Some(campaigns as i64 - 1));
    }

    /// Plans do not take the price of today away, in whatever order they come, and what is over makes room for the next.
    #[test]
    fn what_is_in_force_stays_beside_any_number_of_plans() {
        let plans = MAX_VERSIONS as u64 + 20;
        let said = |at: u64| (stamp(at + 3), price(at as i64, Some(1_000 + at), None));
        let (mut forward, mut backward) = (Versions::default(), Versions::default());
        for versions in [&mut forward, &mut backward] {
            versions.set(stamp(1), price(129, None, None));
            versions.set(stamp(2), price(139, Some(5), None));
        }
        for at in 0..plans {
            forward.set(said(at).0, said(at).1);
            backward.set(said(plans - at - 1).0, said(plans - at - 1).1);
        }
        assert!(forward.windows().eq(backward.windows()));
        for versions in [&forward, &backward] {
            assert_eq!(
                (amount(versions, 4), amount(versions, 5), versions.all.len()),
                (Some(129), Some(139), 512)
            );
        }
        let next = Window { from: 900, to: u64::MAX };
        assert!(!forward.has_room(next, 10), "all are planned");
        assert!(forward.has_room(Window::ALWAYS, 10), "it takes the place of another");
        assert!(!forward.has_room(Window { from: 1, to: 2 }, 2_000), "it is over, and was first");
        assert!(forward.has_room(next, 1_100), "a hundred of them have followed on each other");
        assert!(forward.set(stamp(Hlc::from_parts(1_100, 0).0), price(1, Some(1_105), Some(1_106))).won);
        assert_eq!((amount(&forward, 4), amount(&forward, 1_100)), (Some(129), Some(100)));
    }

    /// Whoever says no version is told when it was set.
    #[test]
    fn a_version_has_a_name() {
        let mut versions = Versions::default();
        versions.set(stamp(Hlc::from_parts(77_000, 3).0), price(129, None, None));
        versions.set(stamp(9), PriceSet { version: Some(12), ..price(99, Some(10), Some(20)) });
        assert_eq!(
            [5, 15, 25].map(|at| versions.at(at).unwrap().version),
            [Some(77_000), Some(12), Some(77_000)]
        );
        assert_eq!(versions.newest().unwrap().value().amount, 129);
    }
}
