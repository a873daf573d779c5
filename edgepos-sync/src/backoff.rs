//! How long to wait before something is tried again, so that those who failed together do not come back together.

use std::time::Duration;

use crate::turn::Turn;

/// Equal jitter, for a peer's answer: [`Config::resend_initial`](crate::Config::resend_initial), doubled for each failure up to
/// [`Config::resend_max`](crate::Config::resend_max), and between half of that and all of it.
pub(crate) fn equal_jitter(turn: &mut Turn<'_>, failures: u32) -> Duration {
    let config = turn.config;
    let doubled = config.resend_initial.saturating_mul(1 << failures.min(20));
    turn.jitter.spread(doubled.min(config.resend_max))
}

/// Full jitter, for the cloud, to which a million stores may come back: anything up to a bound, which is
/// [`Config::uplink_initial`](crate::Config::uplink_initial), doubled for each failure up to
/// [`Config::uplink_max`](crate::Config::uplink_max).
pub(crate) fn full_jitter(turn: &mut Turn<'_>, failures: u32) -> Duration {
    let config = turn.config;
    let bound = config.uplink_initial.saturating_mul(1 << failures.min(20)).min(config.uplink_max);
    let bound = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(turn.jitter.range(1, bound.saturating_add(1)))
}
