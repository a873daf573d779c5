#![allow(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;

use edgepos_consensus::{Config, ConfigError, Election, MAX_TERMINALS, Restored, StartError, Timing};
use edgepos_core::{Now, ReplicaId};

use crate::support::replicas;

fn config(terminals: usize) -> Config {
    let voters = replicas(terminals);
    Config::standard(voters[0], voters, 1)
}

/// E1: 15 terminals, and a sixteenth is refused with a clear error.
#[test]
fn the_sixteenth_terminal_is_refused() {
    assert_eq!(config(MAX_TERMINALS).validate(), Ok(()));
    let error = config(16).validate().unwrap_err();
    assert_eq!(error.to_string(), "voters lists 16 terminals: a store has 1 to 15");
    let start = Election::new(Now::new(0, 0), config(16), Restored::new()).unwrap_err();
    assert_eq!(start, StartError::Config(error));
}

#[test]
fn the_first_five_vote() {
    let election = Election::new(Now::new(0, 0), config(15), Restored::new()).unwrap();
    assert_eq!((election.voters().len(), election.learners().len()), (5, 10));
    assert_eq!(election.voters(), &replicas(15)[..5]);
}

#[test]
fn the_standard_profile_is_what_it_says() {
    let timing = Timing::standard();
    let ms = Duration::from_millis;
    assert_eq!((timing.election_min, timing.election_max, timing.heartbeat), (ms(300), ms(500), ms(150)));
    assert_eq!(timing.tick, ms(10));
}

#[test]
fn profiles_are_valid() {
    let mut config = config(3);
    config.timing = Timing::relaxed();
    assert_eq!(config.validate(), Ok(()));
    config.timing = Timing::fast();
    assert!(matches!(config.validate(), Err(ConfigError::NeedsLossyTransport { .. })));
    config.lossy_transport = true;
    assert_eq!(config.validate(), Ok(()));
}

type Change = fn(&mut Timing);

/// Every contradiction names both fields.
#[test]
fn contradictions_name_both_fields() {
    let ms = Duration::from_millis;
    let broken: [(Change, &str, &str); 6] = [
        (|timing| timing.heartbeat = Duration::from_millis(200), "heartbeat", "lease"),
        (|timing| timing.lease = Duration::from_millis(400), "lease", "election_min"),
        (|timing| timing.election_max = Duration::from_millis(310), "election_min", "election_max"),
        (|timing| timing.tick = Duration::from_millis(40), "heartbeat", "tick"),
        (|timing| timing.peer_lost_stagger = Duration::from_millis(151), "peer_lost_stagger", "heartbeat"),
        (|timing| timing.vote_resend = Some(Duration::from_millis(3)), "vote_resend", "tick"),
    ];
    for (change, one, other) in broken {
        let mut config = config(3);
        change(&mut config.timing);
        let error = config.validate().unwrap_err().to_string();
        assert!(error.contains(one) && error.contains(other), "{error}");
    }
    let mut zero = config(3);
    zero.timing.tick = ms(0);
    assert_eq!(zero.validate(), Err(ConfigError::Zero { field: "tick" }));
}

#[test]
fn odd_rosters_are_refused() {
    let mut twice = config(3);
    twice.voters[2] = twice.voters[0];
    assert!(matches!(twice.validate(), Err(ConfigError::Twice { .. })));
    let mut stranger = config(3);
    stranger.me = ReplicaId::new(9, 9);
    assert!(matches!(stranger.validate(), Err(ConfigError::MeNotListed { .. })));
    let mut store = config(3);
    store.voters[1] = ReplicaId(5);
    assert!(matches!(store.validate(), Err(ConfigError::NotATerminal { .. })));
    let mut nobody = config(3);
    nobody.me = ReplicaId(0);
    assert!(matches!(nobody.validate(), Err(ConfigError::NotATerminal { replica: ReplicaId(0) })));
    let mut none = config(1);
    none.voters.clear();
    assert!(matches!(none.validate(), Err(ConfigError::Terminals { given: 0, .. })));
    let mut limits = config(1);
    limits.max_entry_bytes = 1 << 20;
    assert!(matches!(limits.validate(), Err(ConfigError::OutOfRange { field: "max_entry_bytes", .. })));
}
