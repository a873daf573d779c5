//! The lease estimator: how far away the others are, and what follows: how long a lease a leader asks for, and how long a candidate
//! waits for votes.
//!
//! The configured durations fit a shop's network and a disk that flushes in time. A voter behind a long line (the cloud), or a disk
//! that takes a third of a second for a flush, would otherwise never let an election end: the votes arrive after the candidate has
//! begun the next one, and a new leader's lease runs out before the first answer can be there. So both are measured.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use edgepos_core::{ReplicaId, Time};

use crate::config::Timing;
use crate::message::Message;

/// The longest lease, however far the voters are: it covers round trips of a second and a half, and bounds what an answer that was
/// held up can do.
pub(crate) const MAX_LEASE: Duration = Duration::from_secs(2);
/// A round trip that counts as this long at most: a liar must not stop the elections.
const MAX_TRIP_MS: u64 = 3000;
/// Round trips kept of each voter; the shortest counts, since a stall says nothing about the distance.
const TRIPS: usize = 8;
/// Flushes kept; the longest counts.
const FLUSHES: usize = 4;
/// For how long a shorter lease must have done before a leader asks for less.
const CALM: Duration = Duration::from_secs(30);

/// The shortest and the longest trip of a vote in this round, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Vote {
    shortest: u64,
    longest: u64,
}

/// The latest round trips to a voter, in milliseconds.
#[derive(Clone, Default, Debug)]
struct Trips {
    kept: VecDeque<u64>,
    /// Whether the first of them was that of a vote.
    voted: bool,
    /// When the latest answer came.
    latest: Option<Time>,
}

impl Trips {
    /// How far the voter is, in milliseconds, once that is measured: by its vote, or by two answers of different moments. One alone may
    /// be the rest of what a cable held up.
    fn distance(&self) -> Option<u64> {
        self.kept.iter().min().copied().filter(|_| self.voted || self.kept.len() > 1)
    }
}

/// What was measured, and what is asked for because of it.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    lease: Duration,
    heartbeat: Duration,
    tick: Duration,
    /// From asking for a vote to the answer, both disks included, since this terminal stood last.
    votes: BTreeMap<ReplicaId, Vote>,
    /// From a question to its answer, while this terminal leads: the vote first, then heartbeats.
    beats: BTreeMap<ReplicaId, Trips>,
    /// How long this terminal's latest flushes took, in milliseconds.
    flushes: VecDeque<u64>,
    /// The lease that a leader's messages carry, and since when a shorter one would do.
    asked: Duration,
    calm_since: Option<Time>,
}

impl Pace {
    pub(crate) fn new(timing: &Timing) -> Self {
        Self {
            lease: timing.lease,
            heartbeat: timing.heartbeat,
            tick: timing.tick,
            votes: BTreeMap::new(),
            beats: BTreeMap::new(),
            flushes: VecDeque::new(),
            asked: timing.lease,
            calm_since: None,
        }
    }

    /// A voter answered a request for its vote.
    pub(crate) fn voted(&mut self, voter: ReplicaId, trip: Duration) {
        let trip = (trip.as_millis() as u64).min(MAX_TRIP_MS);
        let vote = self.votes.entry(voter).or_insert(Vote { shortest: trip, longest: trip });
        *vote = Vote { shortest: vote.shortest.min(trip), longest: vote.longest.max(trip) };
    }

    /// A voter answered a heartbeat. The first answer of one that was out of reach is no measurement: the question may have waited for
    /// its cable. What arrives with the answer before it was held up with it, and is no further measurement either.
    pub(crate) fn answered(&mut self, now: Time, voter: ReplicaId, trip: Duration) {
        let trip = (trip.as_millis() as u64).min(MAX_TRIP_MS);
        let trips = self.beats.entry(voter).or_default();
        let silent = trips.latest.replace(now).map(|latest| now.since(latest));
        match silent.filter(|silent| *silent < MAX_LEASE) {
            None => {}
            Some(silent) if silent < self.tick => {
                if let Some(last) = trips.kept.back_mut() {
                    *last = trip.min(*last);
                }
            }
            Some(_) => keep(&mut trips.kept, trip, TRIPS),
        }
    }

    /// A write became durable.
    pub(crate) fn flushed(&mut self, took: Duration) {
        keep(&mut self.flushes, (took.as_millis() as u64).min(MAX_TRIP_MS), FLUSHES);
    }

    /// This terminal stands for election: who answered before may be gone.
    pub(crate) fn stands(&mut self) {
        self.votes.clear();
    }

    /// How long an election takes by what was seen, in milliseconds: until so many others have answered.
    pub(crate) fn election_ms(&self, others_needed: usize) -> u64 {
        let mut trips: Vec<_> = self.votes.values().map(|vote| vote.longest).collect();
        trips.sort_unstable();
        let trip = others_needed.checked_sub(1).and_then(|rank| trips.get(rank)).copied().unwrap_or_default();
        let flush = self.flushes.iter().copied().max().unwrap_or_default();
        trip.max(2 * flush)
    }

    /// This terminal leads from here on.
    pub(crate) fn leads(&mut self, now: Time) {
        let vote = |(voter, vote): (&ReplicaId, &Vote)| {
            (*voter, Trips { kept: [vote.shortest].into(), voted: true, latest: None })
        };
        self.beats = self.votes.iter().map(vote).collect();
        (self.asked, self.calm_since) = (self.lease, Some(now));
    }

    /// The lease for what a leader says from here on, given the voters within reach: an answer must be able to arrive well
    /// before it runs out, and one more when the first is lost.
    pub(crate) fn ask(&mut self, now: Time, reachable: impl Iterator<Item = ReplicaId>) -> Duration {
        let trip = |voter: ReplicaId| self.beats.get(&voter).and_then(Trips::distance);
        let wanted = self.lease_for(reachable.filter_map(trip).max().unwrap_or_default());
        if wanted > self.asked {
            self.asked = wanted;
        }
        if wanted == self.asked {
            self.calm_since = None;
        } else if now.since(*self.calm_since.get_or_insert(now)) >= CALM {
            (self.asked, self.calm_since) = (wanted, None);
        }
        self.asked
    }

    /// Whole heartbeats, so that a millisecond more or less changes nothing.
    fn lease_for(&self, trip_ms: u64) -> Duration {
        let ms = |duration: Duration| duration.as_millis() as u64;
        let (lease, heartbeat) = (ms(self.lease), ms(self.heartbeat).max(1));
        let covered = lease.saturating_sub(heartbeat + heartbeat / 2);
        let beats = (trip_ms + trip_ms / 4).saturating_sub(covered).div_ceil(heartbeat);
        Duration::from_millis(lease + beats * heartbeat).min(MAX_LEASE.max(self.lease))
    }

    /// The lease that a leader's messages carry.
    pub(crate) fn asked(&self) -> Duration {
        self.asked
    }

    /// Says on a leader's message for how long it counts on the answer, where that is longer than configured.
    pub(crate) fn mark(&self, message: &mut Message) {
        if message.is_leaders() && self.asked > self.lease {
            message.lease_ms = self.asked.as_millis() as u64;
        }
    }
}

fn keep(queue: &mut VecDeque<u64>, value: u64, limit: usize) {
    if queue.len() == limit {
        queue.pop_front();
    }
    queue.push_back(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEAR: ReplicaId = ReplicaId::new(1, 1);
    const FAR: ReplicaId = ReplicaId::new(2, 1);

    fn lease_ms(trip_ms: u64) -> u128 {
        let mut pace = Pace::new(&Timing::standard());
        pace.leads(Time(0));
        for beat in 0..3 {
            pace.answered(Time(150 * beat), FAR, Duration::from_millis(trip_ms));
        }
        pace.ask(Time(300), [FAR].into_iter()).as_millis()
    }

    /// The configured lease on a shop's network; longer by whole heartbeats behind a long line, and never beyond the limit.
    #[test]
    fn a_lease_covers_the_round_trip() {
        let expected = [(0, 300), (10, 300), (60, 300), (80, 450), (160, 450), (600, 1050), (60_000, 2000)];
        for (trip, lease) in expected {
            assert_eq!(lease_ms(trip), lease, "{trip}");
            assert!(lease == MAX_LEASE.as_millis() || lease >= u128::from(trip) * 5 / 4, "{trip}");
        }
    }

    /// A stall of one answer says nothing about the distance, a voter out of reach does not count, and less is asked for only
    /// after it has been enough for half a minute.
    #[test]
    fn a_lease_shrinks_slowly() {
        let mut pace = Pace::new(&Timing::standard());
        pace.voted(NEAR, Duration::from_millis(4));
        pace.voted(FAR, Duration::from_millis(600));
        pace.leads(Time(0));
        pace.answered(Time(0), NEAR, Duration::from_millis(2000));
        pace.answered(Time(150), NEAR, Duration::from_millis(2000));
        assert_eq!(pace.ask(Time(0), [NEAR].into_iter()).as_millis(), 300);
        assert_eq!(pace.ask(Time(1), [NEAR, FAR].into_iter()).as_millis(), 1050);
        assert_eq!(pace.ask(Time(2), [NEAR].into_iter()).as_millis(), 1050);
        assert_eq!(pace.ask(Time(30_001), [NEAR].into_iter()).as_millis(), 1050);
        assert_eq!(pace.ask(Time(30_002), [NEAR].into_iter()).as_millis(), 300);
    }

    /// A new leader's first answer that was held up is not the distance: its voter has voted before. Answers that a cut stream releases
    /// together are one. A line that has become longer is believed after eight.
    #[test]
    fn a_stall_is_not_far_away() {
        let ms = Duration::from_millis;
        let mut pace = Pace::new(&Timing::standard());
        pace.voted(NEAR, ms(4));
        pace.leads(Time(0));
        let ask = |pace: &mut Pace, at| pace.ask(Time(at), [NEAR].into_iter()).as_millis();
        pace.answered(Time(2000), NEAR, ms(2000));
        assert_eq!(ask(&mut pace, 2000), 300);
        for beat in 0..12 {
            pace.answered(Time(4000 + beat / 6), NEAR, ms(2000 - 150 * beat));
        }
        assert_eq!(ask(&mut pace, 4002), 300);
        for beat in 0..8 {
            pace.answered(Time(5000 + 150 * beat), NEAR, ms(600));
        }
        assert_eq!(ask(&mut pace, 7000), 1050);
    }

    /// A cable is put back: what was asked meanwhile is answered seconds late, one answer or many, and none of them is the distance. Where
    /// that is really far, the next two answers say so.
    #[test]
    fn the_first_answer_of_who_was_out_of_reach_is_no_measurement() {
        let ms = Duration::from_millis;
        let mut pace = Pace::new(&Timing::standard());
        pace.voted(NEAR, ms(4));
        pace.leads(Time(0));
        let ask = |pace: &mut Pace, at| pace.ask(Time(at), [NEAR, FAR].into_iter()).as_millis();
        // Half of the answers are lost on their way, and come 200 ms later.
        for late in 0..12 {
            let at = 2000 + late / 4 + if late < 6 { 0 } else { 200 };
            pace.answered(Time(at), FAR, ms(at - 100 - 150 * late));
            assert_eq!(ask(&mut pace, at), 300);
        }
        pace.answered(Time(2350), FAR, ms(4));
        assert_eq!(ask(&mut pace, 2350), 300);
        pace.answered(Time(9000), FAR, ms(3000));
        assert_eq!(ask(&mut pace, 9000), 300, "again away");

        let mut pace = Pace::new(&Timing::standard());
        pace.leads(Time(0));
        for beat in 0..3 {
            pace.answered(Time(600 + 150 * beat), FAR, ms(600));
        }
        assert_eq!(ask(&mut pace, 900), 1050);
    }

    /// A configured lease may be longer than any that is asked for.
    #[test]
    fn a_longer_configured_lease_stands() {
        let timing = Timing { lease: 2 * MAX_LEASE, ..Timing::standard() };
        let mut pace = Pace::new(&timing);
        for beat in 0..3 {
            pace.answered(Time(150 * beat), FAR, Duration::from_millis(60_000));
        }
        assert_eq!(pace.ask(Time(0), [FAR].into_iter()), timing.lease);
    }

    #[test]
    fn an_election_takes_what_the_needed_voter_takes() {
        let mut pace = Pace::new(&Timing::standard());
        assert_eq!(pace.election_ms(1), 0);
        pace.flushed(Duration::from_millis(40));
        assert_eq!(pace.election_ms(1), 80);
        pace.voted(FAR, Duration::from_millis(700));
        pace.voted(FAR, Duration::from_millis(300));
        pace.voted(NEAR, Duration::from_millis(200));
        assert_eq!((pace.election_ms(1), pace.election_ms(2)), (200, 700));
        pace.stands();
        assert_eq!(pace.election_ms(1), 80);
    }
}
