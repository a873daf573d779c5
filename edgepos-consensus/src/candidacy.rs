//! When this terminal stands for election, and how it asks for votes.

use core::time::Duration;

use edgepos_core::{ReplicaId, Time};

use crate::config::Timing;
use crate::guard::Role;
use crate::io::Output;
use crate::ticks::TimerTicks;
use crate::turn::Turn;

/// What was heard and seen that makes this terminal stand earlier or later.
#[derive(Clone, Debug)]
pub(crate) struct Candidacy {
    timers: TimerTicks,
    /// The term of the latest attempt, and how many there were in it.
    attempts: (u64, u32),
    /// The last leader known: ranks are counted without it.
    last_leader: Option<ReplicaId>,
    /// When to stand because the leader's connection died, and the term in which it did.
    stand: Option<(Time, u64)>,
    /// The leader's connection died in this term, and this terminal stood at once.
    bereft_in: Option<u64>,
    /// The leader ordered this terminal to stand in this term.
    ordered_in: Option<u64>,
    /// When another terminal last asked for this one's vote.
    courted: Option<Time>,
    /// When to ask again for votes, and how long after that once more.
    ask_again: Option<(Time, Duration)>,
}

impl Candidacy {
    pub(crate) fn new(timing: &Timing) -> Self {
        Self {
            timers: TimerTicks::new(timing),
            attempts: (0, 0),
            last_leader: None,
            stand: None,
            bereft_in: None,
            ordered_in: None,
            courted: None,
            ask_again: None,
        }
    }

    /// Another terminal asks for this one's vote.
    pub(crate) fn courted(&mut self, now: Time) {
        self.courted = Some(now);
    }

    /// The leader orders this terminal to stand in this term.
    pub(crate) fn ordered(&mut self, term: u64) {
        self.ordered_in = Some(term);
    }

    /// A leader is in sight.
    pub(crate) fn led_by(&mut self, leader: ReplicaId) {
        self.last_leader = Some(leader);
    }

    /// The connection of the leader died: stands after a wait that grows with the rank, so that the voters do not split the votes.
    pub(crate) fn leader_lost(&mut self, turn: &Turn<'_>, leader: ReplicaId) {
        if turn.may_stand() {
            self.stand_later(turn, turn.rank(leader) as u32);
        }
    }

    fn stand_later(&mut self, turn: &Turn<'_>, rank: u32) {
        self.stand = Some((turn.now + turn.config.timing.peer_lost_stagger * rank, turn.raft.term()));
    }

    /// Whether raft's next tick makes this terminal stand.
    pub(crate) fn stands_at_next_tick(&mut self, turn: &Turn<'_>) -> bool {
        let stands = !turn.leads() && turn.raft.votes() && turn.raft.silence() + 1 >= turn.raft.patience();
        if stands {
            self.attempts.1 = self.attempts.1.saturating_add(1);
        }
        stands
    }

    /// Stands for election because the leader's connection died, when its time has come. Whether it did.
    pub(crate) fn stand(&mut self, turn: &mut Turn<'_>, installs_snapshot: bool) -> bool {
        if !self.due(turn) || !turn.may_stand() || installs_snapshot {
            return false;
        }
        let stagger = turn.config.timing.peer_lost_stagger;
        if self.courted.take().is_some_and(|at| turn.now.since(at) <= stagger) {
            // Another one heard of it earlier and asks already: two that stand at once split the votes.
            self.stand_later(turn, 2);
            return false;
        }
        self.attempts.1 = self.attempts.1.saturating_add(1);
        self.bereft_in = Some(turn.raft.term());
        turn.raft.campaign();
        true
    }

    /// Whether it is time to stand, given that the term is still the one in which the leader was lost.
    fn due(&mut self, turn: &Turn<'_>) -> bool {
        let Some((at, lost_in)) = self.stand else { return false };
        let leaderless = turn.raft.leader().is_none() && turn.raft.role() == Role::Follower;
        let holds = leaderless && turn.raft.term() == lost_in;
        let due = holds && turn.now >= at;
        if due || !holds {
            self.stand = None;
        }
        due
    }

    /// Sets the silence after which raft stands for election: its own draw is from the thread's random numbers. `stretch` is by how
    /// much longer than configured this terminal's vote is promised, `takes_ms` how long an election takes by what was seen.
    pub(crate) fn set_patience(&mut self, turn: &mut Turn<'_>, stretch: Duration, takes_ms: u64) {
        let term = turn.raft.term();
        if self.attempts.0 != term {
            self.attempts = (term, 0);
        }
        let (config, me) = (turn.config, turn.config.me);
        let ticks = match self.last_leader.filter(|leader| config.timing.ranked && *leader != me) {
            Some(leader) => self.timers.slot(turn.rank(leader), turn.voters().len().saturating_sub(1)),
            None => self.timers.draw(config.seed, me, term, self.attempts.1),
        };
        let further = self.further_patience(turn, stretch, takes_ms);
        let ticks = (ticks + further).min(self.timers.patience_limit());
        if turn.raft.patience() != ticks {
            turn.raft.set_patience(ticks);
        }
    }

    /// Ticks to wait in addition, because the others are far or the disks are slow: as long as this terminal's vote is promised,
    /// and, without a leader, until votes can be there. A draw within the configured range does not keep candidates apart that
    /// need longer than that for asking, so each rank waits for the ones before it.
    fn further_patience(&self, turn: &Turn<'_>, stretch: Duration, takes_ms: u64) -> usize {
        let timing = &turn.config.timing;
        let mut further = stretch.as_millis();
        if turn.raft.leader().is_none() {
            let takes = u128::from(takes_ms);
            if takes > (timing.election_max - timing.election_min).as_millis() / 8 {
                let rank = turn.rank(self.last_leader.unwrap_or(turn.config.me)) as u128;
                further += 2 * takes * (1 + rank);
            }
        }
        further.div_ceil(timing.tick.as_millis()) as usize
    }

    /// Asks those for their votes again that have not answered. `held`: the first requests wait for the disk.
    pub(crate) fn ask_again(&mut self, turn: &mut Turn<'_>, held: bool) {
        let stands = matches!(turn.raft.role(), Role::PreCandidate | Role::Candidate);
        let Some(first) = self.ask_again_after(turn).filter(|_| stands) else {
            self.ask_again = None;
            return;
        };
        let (due, after) = *self.ask_again.get_or_insert((turn.now + first, first));
        if turn.now < due {
            return;
        }
        let after = match turn.config.lossy_transport {
            true => after,
            false => (2 * after).min(turn.config.timing.heartbeat),
        };
        self.ask_again = Some((turn.now + after, after));
        if held {
            return;
        }
        let ordered = self.ordered_in == Some(turn.raft.term());
        // The first request has left: what it depends on is durable.
        let requests = turn.other_voters().filter_map(|voter| turn.raft.vote_again(voter, ordered));
        for message in requests.collect::<Vec<_>>() {
            turn.out.push(Output::Transmit(message.stamped(turn.now, None)));
        }
    }

    /// How long after asking for votes to ask again; `None` for never.
    fn ask_again_after(&self, turn: &Turn<'_>) -> Option<Duration> {
        let (term, timing) = (turn.raft.term(), &turn.config.timing);
        let bereft = self.bereft_in.is_some_and(|lost_in| lost_in == term || lost_in + 1 == term);
        if self.ordered_in == Some(term) && turn.config.lossy_transport || bereft {
            // Who has not heard yet that the leader is gone gives no answer, and is asked again, also on a stream.
            return Some(timing.soon());
        }
        timing.vote_resend.filter(|_| turn.config.lossy_transport)
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        let stand = self.stand.map(|(at, _)| at);
        stand.into_iter().chain(self.ask_again.map(|(at, _)| at)).min()
    }
}
