//! What can be read of a damaged file, and where something may be missing.

use std::collections::BTreeMap;

use edgepos_core::{Chain, Space};

use super::image::Image;
use super::shape::{Shape, State};
use super::tree::{self, Page, Seen, Step};
use crate::retail::rebuilt;

/// Tables of which a till has all, but for the segments.
const TABLES: [&str; 2] = ["rows", "events"];

/// A damaged file, as far as it was looked at.
pub(super) struct Remains<'i> {
    image: &'i Image,
    tables: BTreeMap<String, u32>,
    chains: BTreeMap<i64, Chain>,
    /// Pages that no table has: of those that lost a page above them, or of none.
    stray: Vec<u32>,
    lacks: Lacks,
}

/// Which rows other than events may be missing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Lacks {
    /// Some that follow from events.
    pub(super) derived: bool,
    /// Some that do not.
    pub(super) others: bool,
    /// Some of the election.
    pub(super) election: bool,
}

/// The rows that were come by, in their order, and what is missing between them.
#[derive(Default)]
struct Order {
    last: Option<(Space, Vec<u8>)>,
    /// Whether something is missing behind the last.
    gap: bool,
    lacks: Lacks,
}

impl Lacks {
    fn all() -> Self {
        Self { derived: true, others: true, election: true }
    }

    /// The same where something is missing between rows of these spaces; `None`: there is no row there.
    fn between(self, before: Option<Space>, behind: Option<Space>) -> Self {
        let is_derived = before == behind && before.is_some_and(|space| rebuilt::DERIVED.contains(&space));
        let election = before.is_none_or(|before| before <= Space::ElectionSnapshot);
        Self { derived: true, others: self.others | !is_derived, election: self.election | election }
    }
}

impl Order {
    fn row(&mut self, space: Space, key: Vec<u8>, state: State) {
        if state == State::Wrong {
            self.gap = true;
            return;
        }
        let before = self.last.as_ref().map(|(space, _)| *space);
        if std::mem::take(&mut self.gap) {
            self.lacks = self.lacks.between(before, Some(space));
        }
        let row = (space, key);
        if self.last.as_ref().is_some_and(|last| *last >= row) {
            self.lacks = Lacks::all();
        }
        self.last = Some(row);
    }

    fn end(mut self) -> Lacks {
        if self.gap {
            self.lacks = self.lacks.between(self.last.map(|(space, _)| space), None);
        }
        self.lacks
    }
}

impl<'i> Remains<'i> {
    pub(super) fn of(image: &'i Image) -> Self {
        let mut seen = Seen::none_of(image);
        seen.free_pages(image);
        // Pages of a damaged log may be older than those that point to them.
        let (mut tables, mut is_whole) = (BTreeMap::new(), !image.log().is_damaged());
        tree::walk(image, 1, &mut seen, &mut |step| match step {
            Step::Row(row) => {
                if let Some(Shape::Table { name, root }) = Shape::of(&row) {
                    tables.insert(name, root);
                }
            }
            Step::Gap | Step::Unsound => is_whole = false,
        });
        // A log that is damaged says of no page that it is the latest.
        let lacks = if image.log().is_damaged() { Lacks::all() } else { Lacks::default() };
        let mut remains = Self { image, tables, chains: BTreeMap::new(), stray: Vec::new(), lacks };
        remains.look(seen, is_whole);
        remains
    }

    /// Walks through all tables once, to see what is missing.
    fn look(&mut self, mut seen: Seen, mut is_whole: bool) {
        for (name, root) in &self.tables {
            let (mut order, chains) = (Order::default(), &mut self.chains);
            let (mut has_gap, mut is_row_gone) = (false, false);
            tree::walk(self.image, *root, &mut seen, &mut |step| match step {
                Step::Row(row) => match Shape::of(&row) {
                    Some(Shape::Chain { no, key }) => {
                        chains.extend(Chain::from_key(&key).map(|chain| (no, chain)));
                    }
                    Some(Shape::Row { space, key, state, .. }) => order.row(space, key, state),
                    // Its rows are made again from their events.
                    Some(Shape::Block { space, block }) => has_gap |= block.rows(space.code()).is_none(),
                    None => (is_row_gone, order.gap) = (true, true),
                    Some(_) => {}
                },
                Step::Gap => (has_gap, order.gap) = (true, true),
                Step::Unsound => (has_gap, order.lacks) = (true, Lacks::all()),
            });
            is_whole &= !has_gap;
            if name == "blocks" {
                self.lacks.derived |= has_gap || is_row_gone;
            }
            if name == "rows" {
                let Lacks { derived, others, election } = order.end();
                self.lacks.derived |= derived;
                self.lacks.others |= others;
                self.lacks.election |= election;
            }
        }
        if TABLES.iter().any(|table| !self.tables.contains_key(*table)) {
            (self.lacks, is_whole) = (Lacks::all(), false);
        }
        if !is_whole {
            self.stray = seen.others().collect();
        }
    }

    pub(super) fn lacks(&self) -> Lacks {
        self.lacks
    }

    /// The chain with this number.
    pub(super) fn chain(&self, no: i64) -> Option<Chain> {
        self.chains.get(&no).copied()
    }

    /// Everything that can be read, what is known to be the latest last; `None` for what cannot.
    ///
    /// # Errors
    /// That of `each`.
    pub(super) fn read<E>(&self, mut each: impl FnMut(Option<Shape>) -> Result<(), E>) -> Result<(), E> {
        for no in &self.stray {
            let rows = Page::read(self.image, *no).into_iter().flat_map(Page::into_rows);
            for shape in rows.filter_map(|row| Shape::of(&row)) {
                // What a page that is free holds was true once. Of rows, what follows from events is counted again from them.
                let is_taken = match &shape {
                    Shape::Row { state, .. } => *state == State::Proved,
                    Shape::Event { .. } | Shape::Segment(_) => true,
                    // What stands in one may have been taken out of it since.
                    Shape::Block { .. } => false,
                    Shape::Table { .. } | Shape::Chain { .. } => false,
                };
                if is_taken {
                    each(Some(shape))?;
                }
            }
        }
        let mut seen = Seen::none_of(self.image);
        for root in self.tables.values() {
            let mut done = Ok(());
            tree::walk(self.image, *root, &mut seen, &mut |step| {
                let shape = match step {
                    Step::Row(row) => Shape::of(&row),
                    Step::Gap => None,
                    Step::Unsound => return,
                };
                if done.is_ok() {
                    done = each(shape);
                }
            });
            done?;
        }
        Ok(())
    }
}
