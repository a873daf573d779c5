//! How many events of each lane wait for the cloud, and since when, terminal by terminal.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use edgepos::core::{Chain, Lane, Seq};
use edgepos::crdt::VersionVector;
use serde::Serialize;

/// Moments that are remembered of a chain; further ones are counted with the last of them.
const MAX_MOMENTS: usize = 1_024;

/// One lane of one terminal.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct LaneView {
    name: &'static str,
    /// Events that the terminal has written and the cloud does not hold.
    waiting: u64,
    /// For how long the oldest of them has waited, in seconds.
    oldest_s: f64,
}

/// When each chain was first seen to be so long.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    chains: BTreeMap<Chain, Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    ends: Seq,
    in_cloud: Seq,
    /// Ends that the cloud does not cover, each with the moment that it was first seen.
    moments: VecDeque<(Seq, Instant)>,
}

impl Lanes {
    /// A terminal says what it holds, the cloud what it has. Only the terminal's own chains count.
    pub(super) fn look(
        &mut self,
        terminal: u16,
        durable: &VersionVector,
        cloud: &VersionVector,
        now: Instant,
    ) {
        for (chain, seq) in durable.iter().filter(|(chain, _)| chain.replica.terminal() == terminal) {
            let waiting = self.chains.entry(chain).or_default();
            waiting.in_cloud = waiting.in_cloud.max(cloud.get(chain));
            if seq > waiting.ends {
                waiting.ends = seq;
                if seq > waiting.in_cloud && waiting.moments.len() < MAX_MOMENTS {
                    waiting.moments.push_back((seq, now));
                }
            }
            while waiting.moments.front().is_some_and(|(seq, _)| *seq <= waiting.in_cloud) {
                waiting.moments.pop_front();
            }
        }
    }

    /// The lanes of a terminal.
    pub(super) fn of(&self, terminal: u16, now: Instant) -> Vec<LaneView> {
        let lane = |(lane, name)| {
            let own = self
                .chains
                .iter()
                .filter(|(chain, _)| chain.replica.terminal() == terminal && chain.lane == lane)
                .map(|(_, waiting)| waiting);
            let (mut waiting, mut oldest) = (0, Duration::ZERO);
            for chain in own {
                waiting += chain.ends.0.saturating_sub(chain.in_cloud.0);
                let age = chain.moments.front().map(|(_, since)| now.saturating_duration_since(*since));
                oldest = oldest.max(age.unwrap_or_default());
            }
            LaneView { name, waiting, oldest_s: (oldest.as_secs_f64() * 10.0).round() / 10.0 }
        };
        let lanes = [
            (Lane::Transactions, "sales"),
            (Lane::Stock, "stock"),
            (Lane::Prices, "prices"),
            (Lane::Telemetry, "other"),
        ];
        lanes.into_iter().map(lane).collect()
    }
}

#[cfg(test)]
mod tests {
    use edgepos::core::ReplicaId;

    use super::*;

    #[test]
    fn the_oldest_is_what_the_cloud_lacks_first() {
        let chain = Chain::new(ReplicaId::new(2, 7), Lane::Transactions);
        let at = |seq| [(chain, Seq(seq))].into_iter().collect::<VersionVector>();
        let (start, mut lanes) = (Instant::now(), Lanes::default());
        let after = |seconds| start + Duration::from_secs(seconds);
        lanes.look(2, &at(3), &VersionVector::new(), start);
        lanes.look(2, &at(5), &VersionVector::new(), after(10));
        let view = |lanes: &Lanes, seconds| {
            let of = lanes.of(2, after(seconds));
            (of[0].waiting, of[0].oldest_s)
        };
        assert_eq!(view(&lanes, 12), (5, 12.0));
        lanes.look(2, &at(5), &at(3), after(13));
        assert_eq!(view(&lanes, 14), (2, 4.0));
        lanes.look(2, &at(5), &at(5), after(15));
        assert_eq!(view(&lanes, 16), (0, 0.0));
        assert_eq!(lanes.of(1, after(16))[0].waiting, 0);
    }
}
