//! Tests of the setup as a whole.

#![allow(clippy::unwrap_used, reason = "a test")]

use super::*;
use crate::retail::exception::policy::Handling;
use crate::retail::label::country::LabelCountry;

const TEXT: &str = "terminal = 2\nstore = \"000102030405060708090a0b0c0d0e0f\"\ndatabase = \"till.db\"\n\
                    listen = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n";

fn setup(more: &str) -> Setup {
    format!("{TEXT}{more}").parse().unwrap()
}

fn refusal(more: &str) -> String {
    match format!("{TEXT}{more}").parse::<Setup>().and_then(|setup| setup.config()) {
        Ok(config) => panic!("{config:?}"),
        Err(error) => format!("{error} {:?}", error.source),
    }
}

#[test]
fn terminals_know_each_other_by_number() {
    let two = setup("[peers]\n1 = \"a:1\"\n3 = \"c:1\"\n").config().unwrap();
    let three =
        "terminal = 3\n".to_owned() + &TEXT["terminal = 2\n".len()..] + "[peers]\n1 = \"a:1\"\n2 = \"b:1\"\n";
    let three = three.parse::<Setup>().unwrap().config().unwrap();
    assert_eq!(two.genesis, three.genesis, "the same record, without having met");
    assert_eq!(two.me, two.genesis.voters[1]);
    assert_eq!(two.me.terminal(), 2);
}

#[test]
fn five_vote_unless_said() {
    let peers: String = (3..=9).map(|peer| format!("{peer} = \"x:1\"\n")).collect();
    let voters = |more: &str| {
        let config = setup(&format!("{more}[peers]\n{peers}")).config().unwrap();
        config.genesis.voters.iter().map(|voter| voter.terminal()).collect::<Vec<_>>()
    };
    assert_eq!(voters(""), [2, 3, 4, 5, 6]);
    assert_eq!(voters("voters = [7, 8, 9]\n"), [7, 8, 9]);
}

/// A field of [`Config`] that is added and cannot be set from a file fails here.
#[test]
fn everything_is_set_through_it() {
    let all = "voters = [1]\njoins = true\ngeneration = 3\nrecovery = \"000102030405060708090a0b0c0d0e0f\"\nseed = 4\n\
               location = 5\nzone = \"Asia/Kolkata\"\nbusiness_day_of = \"store\"\nflush_ms = 60000\nbusy_flush_ms = 70000\nbusy_above = 6\nexception_grace_ms = 7\n\
               number_at = \"commit\"\nsigned_series = [\"F\"]\nsign_within_ms = 900\nunreferenced_returns = false\nunknown_receipts = false\nannounce_sales = false\nbook_differences = true\nbegin_pause_ms = 7\ncampaigns = false\nreplace_voter_after_s = 30\n\
               disk_stall_after_ms = 500\nlevel_after_s = 8\nuplink_timeout_ms = 9000\nuplink_retry_ms = 10000\nleaderless_upload_after_ms = 11000\n\
               pause_above = 12\nmax_event_bytes = 20480\ndisk_low_below_mib = 17\nseal_after_days = 19\narchive_after_days = 20\nold_events = \"keep\"\nmax_open_baskets = 13\nmax_commits = 14\nmax_rows_behind = 15\n\
               max_peers = 16\n[resolver]\noversold = \"apply\"\nmodel_within_ms = 18\n\
               [labels]\ncountry = \"GB\"\n[[labels.patterns]]\npattern = \"02IIIIIVVVVV\"\nvalue = \"price\"\ndecimals = 1\ncurrency = \"EUR\"\n";
    let setup = setup(all);
    let Config {
        me,
        genesis,
        timing: _,
        delivery: _,
        nonce: _,
        seed,
        flush_interval,
        peak_flush_interval,
        exception_grace,
        policy,
        level: _,
        level_after,
        replace_voter_after,
        disk_stall_after,
        campaigns,
        busy_above,
        uplink_timeout,
        uplink_retry,
        leaderless_upload_after,
        pause_above,
        max_event_bytes,
        disk_low_below,
        seal_after,
        archive_after,
        old_events,
        location,
        zone,
        business_day_of,
        announce_sales,
        number_at,
        signed_series,
        sign_within,
        labels,
        unreferenced_returns,
        unknown_receipts,
        book_differences,
        begin_pause,
        max_open_baskets,
        max_commits,
        max_rows_behind,
        max_peers,
    } = setup.config().unwrap();
    let (s, ms) = (Duration::from_secs, Duration::from_millis);
    assert_eq!((me.terminal(), genesis.voters.len(), genesis.generation.0, seed), (2, 1, 3, 4));
    assert!(genesis.recovery.is_some() && !unreferenced_returns && book_differences && !campaigns);
    assert!(!unknown_receipts && !announce_sales);
    assert_eq!((flush_interval, peak_flush_interval), (s(60), s(70)));
    assert_eq!((exception_grace, begin_pause, disk_stall_after), (ms(7), ms(7), ms(500)));
    assert_eq!((replace_voter_after, level_after), (s(30), s(8)));
    assert_eq!((uplink_timeout, uplink_retry, leaderless_upload_after), (s(9), s(10), s(11)));
    assert_eq!(
        (location, zone.name(), busy_above, pause_above, max_event_bytes),
        (5, "Asia/Kolkata", 6, 12, 20_480)
    );
    assert_eq!((max_open_baskets, max_commits, max_rows_behind, max_peers), (13, 14, 15, 16));
    assert_eq!((policy.oversold, policy.model_within_ms), (Handling::Apply, Some(18)));
    assert_eq!((disk_low_below, business_day_of), (17 << 20, BusinessDayOf::Store));
    assert_eq!((seal_after, archive_after, old_events), (s(19 * 86_400), s(20 * 86_400), OldEvents::Keep));
    assert_eq!((number_at, signed_series, sign_within), (NumberAt::Commit, vec!["F".to_owned()], ms(900)));
    assert_eq!((labels.country, labels.patterns.len()), (Some(LabelCountry::Gb), 1));
    let again: Setup = toml::to_string(&setup).unwrap().parse().unwrap();
    assert_eq!(again, setup, "what is written reads back");
}

#[test]
fn one_number_sets_both_flush_intervals() {
    let flushes = |more| {
        let config = setup(more).config().unwrap();
        (config.flush_interval.as_secs(), config.peak_flush_interval.as_secs())
    };
    assert_eq!(flushes(""), (5, 30));
    assert_eq!(flushes("flush_ms = 60000\n"), (60, 360));
    assert_eq!(flushes("flush_ms = 3600000\n"), (3_600, 3_600));
}

#[test]
fn files_with_incarnations_are_read() {
    let text = "me = \"1-0123456789ab\"\nvoters = [\"1-0123456789ab\", \"2-0123456789ab\"]\ndb = \"till.db\"\n\
                store = \"000102030405060708090a0b0c0d0e0f\"\nlisten = \"127.0.0.1:0\"\ncloud = \"http://127.0.0.1:9\"\n\
                flush_interval_ms = 250\njoins = false\n[peers]\n\"2-0123456789ab\" = \"192.168.0.2:7201\"\n";
    let setup: Setup = text.parse().unwrap();
    let config = setup.config().unwrap();
    assert_eq!(config.me.to_string(), "1-0123456789ab");
    assert_eq!(config.genesis.voters[1].to_string(), "2-0123456789ab");
    assert_eq!(config.flush_interval, Duration::from_millis(250));
    assert_eq!((setup.database.as_path(), setup.peers.len()), (Path::new("till.db"), 1));
    assert_eq!(toml::to_string(&setup).unwrap().parse::<Setup>().unwrap(), setup);
}

#[test]
fn what_is_wrong_is_named() {
    for (more, named) in [
        ("lokation = 4\n", "lokation"),
        ("location = \"four\"\n", "location"),
        ("zone = \"Europe/Berln\"\n", "\"Europe/Berln\" is no time zone"),
        ("[peers]\n2 = \"b:1\"\n", "2 is this terminal"),
        ("[peers]\n1 = \"nowhere\"\n", "peers.1: \"nowhere\" is no host:port"),
        ("[peers]\n1 = \"b:x\"\n", "field peers.1: \"b:x\" is no host:port"),
        ("[peers]\n1 = \"b:0\"\n", "field peers.1: \"b:0\" is no host:port"),
        ("[peers]\n1 = \"b:1\"\n01 = \"b:1\"\n", "field peers: terminal 1 is named twice"),
        ("[peers]\n0 = \"b:1\"\n", "from 1"),
        ("[peers]\n65535 = \"b:1\"\n", "from 1 to 65534"),
        ("voters = [0]\n", "from 1 to 65534"),
        ("voters = [2, 2]\n", "field voters: terminal 2 is listed twice"),
        ("flush_ms = 0\n", "field flush_ms: is out of its bounds: 10 ms to 1 h"),
        ("busy_flush_ms = 0\n", "field busy_flush_ms: is out of its bounds: flush_ms to 1 h"),
        ("max_open_baskets = 0\n", "field max_open_baskets: is out of its bounds: 1 to 100,000"),
        ("uplink_retry_ms = 0\n", "field uplink_retry_ms: is out of its bounds"),
        (
            "disk_stall_after_ms = 1\n",
            "field disk_stall_after_ms: 1 ms is out of its bounds: 100 ms at least",
        ),
        ("replace_voter_after_s = 1\n", "field replace_voter_after_s: 1000 ms is out of its bounds"),
        ("busy_above = 1\n", "field busy_above"),
        (
            "signed_series = [\"\"]\n",
            "field signed_series: is out of its bounds: each has 1 to 16 characters",
        ),
        ("signed_series = [\"4111111111111111\"]\n", "field signed_series"),
        ("resolver = [\"apply\"]\n", "invalid type: sequence"),
        ("voters = [1]\njoins = false\n", "field voters: this terminal, 2, is not among them"),
        ("voters = [2]\njoins = true\n", "field joins"),
        ("recovery = \"00\"\n", "field recovery"),
        ("[labels]\ncountry = \"NO\"\n", "unknown variant `NO`"),
        ("[labels]\ncuontry = \"SE\"\n", "unknown field `cuontry`"),
        (
            "[[labels.patterns]]\npattern = \"31IIIIIVVVVV\"\nvalue = \"weight\"\n",
            "a pattern begins with 02, or with 20 to 29",
        ),
        (
            "[labels]\ncountry = \"SE\"\n[[labels.patterns]]\npattern = \"20IIIIIVVVVV\"\nvalue = \"weight\"\n",
            "field labels.patterns: is out of its bounds: no number begins as two of them do",
        ),
    ] {
        let said = refusal(more);
        assert!(said.contains(named), "expected {named}: {said}");
    }
    let cloud =
        TEXT.replace("http://127.0.0.1:9", "http://h:x").parse::<Setup>().unwrap().config().unwrap_err();
    assert!(
        format!("{cloud} {:?}", cloud.source).contains("the port is no number from 1 to 65535"),
        "{cloud:?}"
    );
    assert_eq!(cloud.in_text(TEXT).to_string(), "line 5: field cloud");
    let short = TEXT.replace("0c0d0e0f", "").parse::<Setup>().unwrap_err().to_string();
    assert!(short.contains("store") && short.contains("32 hexadecimal digits"), "{short}");
}
