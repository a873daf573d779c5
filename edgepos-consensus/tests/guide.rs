//! What `docs/guide-elections.md` says about the configuration is what the code does.

#![allow(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;

use edgepos_consensus::{Config, MAX_ENTRY_BYTES, MAX_TERMINALS, MAX_VOTERS, Timing};

use crate::support::replicas;

const GUIDE: &str = include_str!("../../docs/guide-elections.md");

/// The cells of the row that describes a field.
fn row(field: &str) -> Vec<&'static str> {
    let start = format!("| `{field}` |");
    let mut rows = GUIDE.lines().filter(|line| line.starts_with(&start));
    let row = rows.next().unwrap_or_else(|| panic!("{field} is not in the guide"));
    assert_eq!(rows.next(), None, "{field} is there once");
    row.split('|').map(str::trim).collect()
}

fn ms(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// The fields of a value, from its debug form.
fn fields(debug: &str) -> Vec<String> {
    let lines = debug.lines().filter_map(|line| line.strip_prefix("    "));
    let named = lines.filter(|line| !line.starts_with([' ', ']', '}', ')']));
    named.filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect()
}

#[test]
fn the_profiles_have_the_durations_of_the_guide() {
    let resend = |timing: &Timing| timing.vote_resend.map_or("none".to_owned(), ms);
    for (column, timing) in [(3, Timing::standard()), (4, Timing::fast()), (5, Timing::relaxed())] {
        for (field, value) in [
            ("tick", ms(timing.tick)),
            ("heartbeat", ms(timing.heartbeat)),
            ("lease", ms(timing.lease)),
            ("election_min", ms(timing.election_min)),
            ("election_max", ms(timing.election_max)),
            ("peer_lost_stagger", ms(timing.peer_lost_stagger)),
            ("vote_resend", resend(&timing)),
            ("ranked", timing.ranked.to_string()),
        ] {
            assert_eq!(row(field)[column], value, "{field}");
        }
    }
    let known = fields(&format!("{:#?}", Timing::standard()));
    assert!(known.len() >= 8);
    known.iter().for_each(|field| assert_eq!(row(field).len(), 10, "{field}"));
}

#[test]
fn the_limits_have_the_defaults_of_the_guide() {
    let config = Config::standard(replicas(1)[0], replicas(1), 1);
    let zero = |zero: bool| if zero { "zero" } else { "not zero" }.to_owned();
    for (field, default) in [
        ("joins", config.joins.to_string()),
        ("campaigns", config.campaigns.to_string()),
        ("replace_voter_after", config.replace_voter_after.as_secs().to_string()),
        ("disk_stall_after", ms(config.disk_stall_after)),
        ("store", zero(config.store == Default::default())),
        ("generation", config.generation.0.to_string()),
        ("timing", if config.timing == Timing::standard() { "Standard" } else { "another" }.to_owned()),
        ("lossy_transport", config.lossy_transport.to_string()),
        ("hears_states", config.hears_states.to_string()),
        ("max_entry_bytes", config.max_entry_bytes.to_string()),
        ("max_pending_proposals", config.max_pending_proposals.to_string()),
        ("max_uncommitted_bytes", config.max_uncommitted_bytes.to_string()),
        ("max_log_entries", config.max_log_entries.to_string()),
    ] {
        assert_eq!(row(field)[3], default, "{field}");
    }
    let known = fields(&format!("{config:#?}"));
    assert!(known.len() >= 15);
    known.iter().for_each(|field| assert_eq!(row(field).len(), 8, "{field}"));
}

/// One step outside the bounds of the guide is refused, and the bound itself is not.
#[test]
fn the_bounds_are_those_of_the_guide() {
    type Set = fn(&mut Config, u64);
    let bounds: [(&str, &str, Set, u64, u64); 6] = [
        (
            "replace_voter_after",
            "at least 10",
            |c, v| c.replace_voter_after = Duration::from_secs(v),
            10,
            1 << 40,
        ),
        (
            "disk_stall_after",
            "at least 100",
            |c, v| c.disk_stall_after = Duration::from_millis(v),
            100,
            1 << 40,
        ),
        (
            "max_entry_bytes",
            "1 to 262,144",
            |c, v| c.max_entry_bytes = v as u32,
            1,
            u64::from(MAX_ENTRY_BYTES),
        ),
        ("max_pending_proposals", "1 to 4,096", |c, v| c.max_pending_proposals = v as u32, 1, 4096),
        ("max_uncommitted_bytes", "1 MiB to 1 GiB", |c, v| c.max_uncommitted_bytes = v, 1 << 20, 1 << 30),
        ("max_log_entries", "16 to 1,048,576", |c, v| c.max_log_entries = v as u32, 16, 1 << 20),
    ];
    for (field, words, set, least, most) in bounds {
        assert_eq!(row(field)[4], words);
        let valid = |value: u64| {
            let mut config = Config::standard(replicas(1)[0], replicas(1), 1);
            set(&mut config, value);
            config.validate().is_ok()
        };
        assert!(valid(least) && !valid(least - 1) && valid(most), "{field}");
        assert!(most == 1 << 40 || !valid(most + 1), "{field}");
    }
    assert_eq!(row("voters")[4], format!("1 to {MAX_TERMINALS}, the first {MAX_VOTERS} vote"));
}
