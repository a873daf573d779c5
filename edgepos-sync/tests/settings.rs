//! Contradictory settings are errors that name what contradicts what.

mod world;

use std::time::Duration;

use edgepos_core::{Now, ReplicaId};
use edgepos_sync::{Config, ConfigError, Outbox, Restored, StartError};
use world::{STORE, replica};

fn standard() -> Config {
    Config::standard(STORE, replica(0), 1)
}

#[test]
fn the_defaults_are_valid() {
    assert_eq!(standard().validate(), Ok(()));
}

#[test]
fn each_contradiction_is_named() {
    let wrong = [
        (Config { max_event_bytes: 0, ..standard() }, "max_event_bytes is zero"),
        (
            Config { max_event_bytes: 70_000, ..standard() },
            "max_event_bytes is 70000, above batch_bytes / 4, which is 65536",
        ),
        (
            Config { batch_bytes: 3 << 20, ..standard() },
            "batch_bytes is 3145728, above limits.max_body_bytes / 2, which is 2097152",
        ),
        (
            Config { resend_initial: Duration::from_secs(60), ..standard() },
            "resend_initial is not below resend_max",
        ),
        (
            Config { uplink_initial: Duration::from_secs(90), ..standard() },
            "uplink_initial is not below uplink_max",
        ),
        (Config { flush_interval: Duration::ZERO, ..standard() }, "flush_interval is zero"),
        (Config { peak_below: 400, ..standard() }, "peak_below is not below peak_above"),
        (Config { critical_events: 5_000, ..standard() }, "high_water_events is not below critical_events"),
        (Config { me: ReplicaId(5), ..standard() }, "me is no terminal"),
    ];
    for (config, message) in wrong {
        let error = config.validate().expect_err(message);
        assert_eq!(error.to_string(), message);
        let start = Outbox::new(Now::default(), config, Restored::new()).err();
        assert_eq!(start, Some(StartError::Config(error)));
    }
    assert!(matches!(
        Config { batch_events: 9_000, ..standard() }.validate(),
        Err(ConfigError::Above { field: "batch_events", .. })
    ));
}
