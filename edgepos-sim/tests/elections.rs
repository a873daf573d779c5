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

#[test]
fn a_quiet_store_elects_nobody() {
    for (terminals, loss) in [(3, 1), (3, 5), (5, 5)] {
        let quiet = week(1, terminals, Wire::Datagram, loss, 2).unwrap();
        assert_eq!(quiet.needless_elections, 0, "{quiet:?}");
    }
    let noisy = week(1, 3, Wire::Datagram, 45, 1).unwrap();
    assert!(noisy.needless_elections > 0, "half of all messages lost is too much for any store: {noisy:?}");
}
