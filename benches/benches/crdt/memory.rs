//! Resident memory, each structure alone in a process of its own.

use std::hint::black_box;
use std::process::Command;

use crdts::{CmRDT, Dot, Orswot};
use edgepos_core::{EventId, Seq};
use edgepos_crdt::TxSet;

use crate::measure::KEEP_MEMORY;
use crate::store::{self, MORNING, TERMINALS, Ways};
use crate::verdict::{Figure, Report, Target};

/// The flag of a child that builds one structure and prints how much it takes.
pub(crate) const CHILD: &str = "--resident";

pub(crate) fn run(report: &mut Report) {
    let pairs = [
        ("table, 100,000 products × 15 terminals", "table", Target::OursOverPeer(0.6)),
        ("set of 1,000,000 numbers, named by their events", "set", Target::None),
    ];
    for (what, name, target) in pairs {
        let resident = |who: &str| resident(&format!("{who}-{name}"));
        let (Some(ours), Some(theirs)) = (resident("ours"), resident("theirs")) else {
            println!("resident memory is read from /proc, which is not here");
            return;
        };
        let peer = if name == "table" { "`crdts`, map of counters" } else { "`crdts::Orswot`" };
        report.row(format!("resident memory: {what}"), ours, Some((peer, theirs)), target);
    }
}

fn resident(what: &str) -> Option<Figure> {
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args([CHILD, what])
        .env_remove(KEEP_MEMORY.0)
        .output()
        .expect("this program starts");
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    let bytes: f64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    (bytes > 0.0).then_some(Figure::Bytes(bytes))
}

/// Builds what it is told to and prints by how many bytes the resident memory grew; 0 where that cannot be told.
pub(crate) fn child(what: &str) {
    let before = pages();
    let grown = match what {
        "ours-table" => grown(before, store::ours(MORNING, Ways::Both)),
        "theirs-table" => grown(before, store::theirs(MORNING, Ways::Both)),
        "ours-set" => grown(before, tx_set()),
        "theirs-set" => grown(before, orswot()),
        other => panic!("nothing is called {other}"),
    };
    println!("{grown}");
}

fn grown<T>(before: u64, structure: T) -> u64 {
    let after = pages();
    black_box(&structure);
    (after - before) * 4096
}

/// Resident pages, of 4 KiB on the machines at hand.
fn pages() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
}

const MEMBERS: u64 = 1_000_000;

fn members() -> impl Iterator<Item = (usize, u64, u64)> {
    (0..MEMBERS).map(|n| ((n % TERMINALS as u64) as usize, n / TERMINALS as u64 + 1, n))
}

fn tx_set() -> TxSet<u64> {
    let chains = store::chains();
    let mut set = TxSet::new();
    for (terminal, seq, member) in members() {
        set.add(EventId::new(chains[terminal], Seq(seq)), member).expect("one event after the other");
    }
    set
}

fn orswot() -> Orswot<u64, u8> {
    let mut set = Orswot::new();
    for (terminal, seq, member) in members() {
        set.apply(crdts::orswot::Op::Add { dot: Dot::new(terminal as u8, seq), members: vec![member] });
    }
    set
}
