//! Joining whole tables.

use std::rc::Rc;

use crdts::CvRDT;
use edgepos_core::{EventId, Seq};
use edgepos_crdt::{Item, PnTable};

use crate::measure::{Side, alone, compare};
use crate::store::{self, EVENING, ITEMS, MORNING, TERMINALS, Theirs, Ways};
use crate::verdict::{Figure, Report, Target};

const ROUNDS: usize = 9;

pub(crate) fn run(report: &mut Report) {
    let truth = store::truth(EVENING, Ways::Both);
    let (morning, evening) = (store::ours(MORNING, Ways::Both), store::ours(EVENING, Ways::Both));
    store::check_ours(&evening, &truth);
    let took = compare(ROUNDS, joining(&morning, &evening, &truth), crdts_joining(Ways::Both));
    report.times(
        format!("join of two tables, {ITEMS} products × {TERMINALS} terminals, each of which took in and sold each product"),
        "`crdts`, map of counters",
        took,
        Target::PeerOverOurs(15.0),
    );
    let ours = || joining(&morning, &evening, &truth);
    let took = compare(ROUNDS * 3, ours(), arrays_joining::<u32>(&morning, &evening));
    report.times(
        "the same join",
        "max-merge of plain arrays, 4 bytes a number as in our pages",
        took,
        Target::OursOverPeer(1.5),
    );
    let took = compare(ROUNDS, ours(), arrays_joining::<u64>(&morning, &evening));
    report.times(
        "the same join",
        "max-merge of plain arrays, 8 bytes a number",
        took,
        Target::OursOverPeer(1.5),
    );
    let written = then_written(&morning, &evening, &truth);
    let took = compare(ROUNDS, written, arrays_joining::<u32>(&morning, &evening));
    report.times(
        "the same join, then a sale on each page of each terminal",
        "max-merge of plain arrays, 4 bytes a number",
        took,
        Target::None,
    );
    only_one_way(report);

    // The receiver met its products in another order, so no row has the same number on both sides.
    let mut shuffled = PnTable::new();
    for number in 0..ITEMS {
        let item = Item((number * 7_003 + 11) % ITEMS);
        for (chain, row) in morning.rows(item) {
            shuffled.restore(chain, item, row).expect("each row is there once");
        }
    }
    let took = alone(ROUNDS, joining(&shuffled, &evening, &truth));
    report.row("the same join, products met in another order", Figure::Time(took), None, Target::None);
}

fn joining<'a>(morning: &'a PnTable, evening: &'a PnTable, truth: &'a [i64]) -> Side<'a, PnTable> {
    Side::new(
        || morning.clone(),
        |table| assert_eq!(table.join(evening), Ok(true)),
        |table| store::check_ours(table, truth),
    )
}

/// Half of what a counter can hold: the peer's second map is empty, and ours has arrays of zeros.
fn only_one_way(report: &mut Report) {
    let [morning, evening] = [MORNING, EVENING].map(|count| store::ours(count, Ways::One));
    let truth = store::truth(EVENING, Ways::One);
    let took = compare(ROUNDS, joining(&morning, &evening, &truth), crdts_joining(Ways::One));
    report.times(
        "the same join, where nothing was ever sold",
        "`crdts`, map of counters",
        took,
        Target::None,
    );
}

/// A joined table shares its pages with the other one until it writes to them: this pays for all of that.
fn then_written<'a>(morning: &'a PnTable, evening: &'a PnTable, truth: &'a [i64]) -> Side<'a, PnTable> {
    const ROWS: usize = 8192;
    let chains = store::chains();
    Side::new(
        || morning.clone(),
        move |table| {
            assert_eq!(table.join(evening), Ok(true));
            for chain in &chains {
                for (number, item) in (1..).zip((0..ITEMS).step_by(ROWS)) {
                    let dot = EventId::new(*chain, Seq(EVENING + number));
                    table.apply(dot, Item(item), -1).expect("one event after the other");
                }
            }
        },
        move |table| {
            for (item, value) in (0..).zip(truth) {
                let sold = if item % ROWS as u64 == 0 { TERMINALS as i64 } else { 0 };
                assert_eq!(table.value(Item(item)), Ok(*value - sold));
            }
        },
    )
}

fn crdts_joining<'a>(ways: Ways) -> Side<'a, (Theirs, Theirs)> {
    let [morning, evening] = [MORNING, EVENING].map(|count| store::theirs(count, ways));
    let truth = store::truth(EVENING, ways);
    Side::new(
        // Their merge takes its argument: the clone is made before and not timed.
        move || (morning.clone(), evening.clone()),
        |(table, other)| {
            for (item, counter) in std::mem::take(other) {
                CvRDT::merge(table.entry(item).or_default(), counter);
            }
        },
        move |(table, _)| store::check_theirs(table, &truth),
    )
}

/// Stamps, pluses and minuses of each terminal as three plain arrays, of which the larger of each two numbers is taken.
type Arrays<W> = Vec<[Vec<W>; 3]>;

fn arrays<W: TryFrom<u64>>(table: &PnTable) -> Arrays<W> {
    let word = |number: u64| W::try_from(number).ok().expect("a small number");
    let column = |chain| {
        let rows = || (0..ITEMS).map(move |item| table.row(chain, Item(item)).unwrap_or_default());
        [
            rows().map(|row| word(row.stamp.0)).collect(),
            rows().map(|row| word(row.plus)).collect(),
            rows().map(|row| word(row.minus)).collect(),
        ]
    };
    store::chains().into_iter().map(column).collect()
}

fn arrays_joining<'a, W>(morning: &PnTable, evening: &PnTable) -> Side<'a, Arrays<W>>
where
    W: TryFrom<u64> + Copy + Ord + std::fmt::Debug + 'a,
{
    let (old, new) = (arrays::<W>(morning), Rc::new(arrays::<W>(evening)));
    let joined = Rc::clone(&new);
    Side::new(
        move || old.clone(),
        move |mine| {
            for (mine, theirs) in mine.iter_mut().flatten().zip(new.iter().flatten()) {
                for (mine, theirs) in mine.iter_mut().zip(theirs) {
                    *mine = (*mine).max(*theirs);
                }
            }
        },
        move |mine| assert_eq!(*mine, *joined),
    )
}
