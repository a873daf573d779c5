//! The table of elections: it repeats itself, its targets hold and can be missed, and quiet stores elect nobody.
#![allow(clippy::unwrap_used, reason = "a test")]

use edgepos_sim::elections::{Cell, Profile, What, Wire, cells, measure, targets, week};

fn cell(profile: Profile, what: What) -> Cell {
    Cell { profile, what, terminals: 3, wire: Wire::Datagram, loss: 1, flush_ms: 0, cloud_rtt_ms: None }
}

#[test]
fn the_same_seeds_give_the_same_row() {
    let cell = Cell { loss: 5, ..cell(Profile::Standard, What::Isolation) };
    let row = measure(&cell, 0, 20).unwrap();
    assert_eq!(measure(&cell, 0, 20).unwrap(), row);
    assert_ne!(measure(&cell, 1000, 20).unwrap(), row);
    assert!(row.p50_ms >= 100 && row.p50_ms <= row.p99_ms && row.p99_ms <= row.max_ms);
    assert!(
        row.two_leaders_ms_max > 0,
        "with leases as long as timeouts an old leader overlaps with the new one"
    );
}

/// The rows that a target is about, on few seeds; `edgepos-sim elections` runs them on many.
#[test]
fn the_targets_hold() {
    let mut concerned = 0;
    for cell in cells(&[0]).iter().filter(|cell| cell.has_target()) {
        let row = measure(cell, 0, 15).unwrap();
        assert_eq!(row.never, 0, "{row}");
        for target in targets().iter().filter(|target| (target.concerns)(&row)) {
            concerned += 1;
            assert!((target.holds)(&row), "{}: {row}", target.says);
        }
    }
    assert!(concerned > 40, "{concerned}");
}

/// Each target is missed by a row that is just too slow.
#[test]
fn every_target_can_be_missed() {
    let kinds = [
        cell(Profile::Standard, What::Timeout),
        cell(Profile::Fast, What::Timeout),
        cell(Profile::Standard, What::PeerLost),
        cell(Profile::Standard, What::Transfer),
        cell(Profile::Fast, What::Isolation),
        cell(Profile::Standard, What::AfterFault),
    ];
    for target in targets() {
        let missed = kinds.iter().any(|cell| {
            let mut row = measure(cell, 0, 1).unwrap();
            (row.p50_ms, row.p99_ms, row.max_ms, row.two_leaders_ms_max) = (801, 801, 2001, 1);
            (target.concerns)(&row) && !(target.holds)(&row)
        });
        assert!(missed, "{}", target.says);
    }
}

/// A voter in the cloud, however far, lets one of two terminals lead; so do disks that need 300 ms for a flush.
#[test]
fn far_voters_and_slow_disks_elect() {
    let near = cell(Profile::Standard, What::Timeout);
    for rtt in [10, 80, 160, 600] {
        let far = Cell { terminals: 2, wire: Wire::Stream, cloud_rtt_ms: Some(rtt), ..near };
        let row = measure(&far, 0, 15).unwrap();
        assert_eq!(row.never, 0, "{row}");
        assert!(row.max_ms < 8000, "{row}");
    }
    for flush_ms in [100, 300] {
        let row = measure(&Cell { flush_ms, terminals: 5, ..near }, 0, 10).unwrap();
        assert_eq!(row.never, 0, "{row}");
    }
}

/// Some rows of the page, measured again: they follow from the seeds.
#[test]
fn the_page_says_what_is_measured() {
    let page = include_str!("../../docs/benchmarks-elections.md");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| Standard |") || line.starts_with("| Fast |"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() > 50, "{}", rows.len());
    let mut compared = 0;
    for cell in cells(&[0, 10]).into_iter().filter(|cell| cell.terminals <= 3).step_by(7) {
        let wanted = measure(&cell, 0, 1).unwrap();
        let cause = serde_json::to_value(wanted.cause).unwrap();
        let wire = serde_json::to_value(wanted.transport).unwrap();
        let cloud = cell.cloud_rtt_ms.map_or("–".to_owned(), |rtt| rtt.to_string());
        let names = [
            format!("{:?}", cell.profile),
            cause.as_str().unwrap().to_owned(),
            cell.terminals.to_string(),
            wire.as_str().unwrap().to_owned(),
            cell.loss.to_string(),
            cell.flush_ms.to_string(),
            cloud,
        ];
        let Some(row) = rows.iter().find(|row| row[..7] == names[..]) else { continue };
        let measured = measure(&cell, 0, 500).unwrap();
        let figures = [measured.p50_ms, measured.p99_ms, measured.max_ms, measured.split_terms];
        let figures = figures.iter().chain([&measured.two_leaders_ms_max]).map(u64::to_string);
        assert_eq!(row[7..], figures.collect::<Vec<_>>(), "{names:?}: measure the page again");
        compared += 1;
    }
    assert!(compared >= 3, "{compared}");
}

#[test]
fn a_quiet_store_elects_nobody() {
    for (terminals, loss) in [(3, 1), (3, 5), (5, 5)] {
        let quiet = week(1, terminals, Wire::Datagram, loss, 2).unwrap();
        assert_eq!(quiet.needless_elections, 0, "{quiet:?}");
    }
    let noisy = week(1, 3, Wire::Datagram, 45, 1).unwrap();
    assert!(noisy.needless_elections > 0, "half of all messages lost is too much for any store: {noisy:?}");
}
