//! What a leader does about the members unasked: it gives votes to learners that have the log, and lets another incarnation of a terminal
//! take the place of one that is gone.
//!
//! One change at a time, each judged anew by what the leader hears at that moment. None of them lowers the number of voters that may
//! still fail: a live voter is added before another leaves, and a dead one leaves before its successor votes. That a learner has the
//! number of another member is all that says who is being replaced, so that the next leader goes on where this one stopped.

use std::collections::BTreeSet;

use edgepos_core::ReplicaId;

use crate::config::{MAX_TERMINALS, MAX_VOTERS};
use crate::members::{Members, MembersChange};
use crate::peers::Peers;
use crate::quorum::Quorum;
use crate::turn::Turn;

/// Entries that a learner may lack and still count as caught up.
const CAUGHT_UP: u64 = 8;
/// Voters that are never given up for absence where there are as many terminals.
const MIN_VOTERS: usize = 3;

/// What this terminal was told about who leaves, and what it found when it last looked as the leader.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tending {
    leaving: BTreeSet<ReplicaId>,
    held: Vec<Held>,
}

impl Tending {
    /// These are replaced although they are heard, by an operator's word; [`MAX_TERMINALS`] of them at most.
    pub(crate) fn replace(&mut self, leaving: impl IntoIterator<Item = ReplicaId>) {
        self.leaving = leaving.into_iter().take(MAX_TERMINALS).collect();
    }

    /// The learners that wait for another incarnation of their terminal, as the leader saw it last.
    pub(crate) fn held(&self) -> &[Held] {
        &self.held
    }

    /// This terminal does not lead, and judges nobody.
    pub(crate) fn rest(&mut self) {
        self.held.clear();
    }

    /// The change of members that is due, on the entitled leader.
    pub(crate) fn look(&mut self, turn: &Turn<'_>, quorum: &Quorum, peers: &Peers) -> Option<MembersChange> {
        let (log, config, now) = (turn.raft.log(), turn.config, turn.now);
        let returned = |peer: &ReplicaId| {
            log.members().retired.contains(peer) && quorum.heard_within(*peer, now, config.successor_after)
        };
        let returned: Vec<_> = peers.connected().filter(returned).collect();
        let sees = |replica| Sight {
            ready: turn.raft.matched(replica) + CAUGHT_UP >= log.last() && quorum.reaches(replica, now),
            silent: replica != config.me && quorum.absent(replica, now, config.successor_after),
            absent: replica != config.me && quorum.absent(replica, now, config.replace_voter_after),
        };
        let succession = Succession {
            members: log.members(),
            me: config.me,
            leaving: &self.leaving,
            returned: &returned,
            sees,
        };
        let (due, held) = succession.judge();
        self.held = held;
        due
    }

    /// Whether this leader is replaced and another voter is heard: it hands over, since nobody removes itself, and the newcomer may be
    /// connected to the others alone.
    pub(crate) fn hands_over(&self, turn: &Turn<'_>, quorum: &Quorum) -> bool {
        self.leaving.contains(&turn.config.me)
            && turn.other_voters().any(|voter| quorum.reaches(voter, turn.now))
    }
}

/// What the leader hears of a terminal at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sight {
    /// It is heard and has the log.
    ready: bool,
    /// It was not heard for [`Config::successor_after`](crate::Config::successor_after).
    silent: bool,
    /// It was not heard for [`Config::replace_voter_after`](crate::Config::replace_voter_after).
    absent: bool,
}

/// A learner has the number of another terminal and does not get its place: that one is heard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Held {
    /// The incarnation that waits.
    pub newcomer: ReplicaId,
    /// The incarnation of the same terminal that is heard.
    pub incumbent: ReplicaId,
}

/// The members as the leader `me` judges them.
struct Succession<'a, S> {
    members: &'a Members,
    me: ReplicaId,
    /// Those that an operator replaces although they are heard.
    leaving: &'a BTreeSet<ReplicaId>,
    /// Incarnations that belonged to the store, do not any more, and are connected.
    returned: &'a [ReplicaId],
    sees: S,
}

impl<S: Fn(ReplicaId) -> Sight> Succession<'_, S> {
    /// The change that is due, if one is, and the learners that wait for one that is heard.
    fn judge(&self) -> (Option<MembersChange>, Vec<Held>) {
        let mut held = Vec::new();
        let mut due = self.superseded().map(MembersChange::Remove);
        // The newest first: of several incarnations of one terminal it is the one that goes on.
        for learner in self.members.learners.iter().rev().copied() {
            match self.next_step(learner) {
                Ok(step) => due = due.or(step),
                Err(incumbent) => held.push(Held { newcomer: learner, incumbent }),
            }
        }
        (due, held)
    }

    /// A voter beside which another incarnation of its terminal votes and is heard, and that is silent or meant to leave.
    fn superseded(&self) -> Option<ReplicaId> {
        let leaves = |voter: &ReplicaId| (self.sees)(*voter).silent || self.leaving.contains(voter);
        let goes_on = |voter: &ReplicaId| *voter == self.me || !(self.sees)(*voter).silent;
        let voters = &self.members.voters;
        let gone = voters.iter().filter(|voter| **voter != self.me && leaves(voter)).find(|voter| {
            let twins = voters.iter().filter(|twin| is_twin(**twin, **voter));
            twins.into_iter().any(|twin| goes_on(twin) && !self.leaving.contains(twin))
        });
        gone.copied()
    }

    /// The next step of a learner towards a vote.
    ///
    /// # Errors
    /// The incarnation of the same terminal that is heard, and whose place it does not get.
    fn next_step(&self, learner: ReplicaId) -> Result<Option<MembersChange>, ReplicaId> {
        if !(self.sees)(learner).ready || self.leaving.contains(&learner) {
            return Ok(None);
        }
        let twins = |list: &[ReplicaId]| {
            let twins = list.iter().copied().filter(|other| is_twin(*other, learner));
            twins.collect::<Vec<_>>()
        };
        let leaves = |twin: ReplicaId| self.leaving.contains(&twin);
        let learners = twins(&self.members.learners);
        if let Some(gone) = learners.iter().find(|twin| (self.sees)(**twin).silent || leaves(**twin)) {
            return Ok(Some(MembersChange::Remove(*gone)));
        }
        let age = |replica| self.members.learners.iter().position(|other| *other == replica);
        if let Some(newer) = learners.into_iter().find(|twin| age(*twin) > age(learner)) {
            return Err(newer);
        }
        if let Some(twin) = twins(&self.members.voters).first().copied() {
            return match (self.sees)(twin).silent && twin != self.me {
                true => Ok(Some(MembersChange::Remove(twin))),
                // The vote of one that is alive is doubled before it is taken away, in a full store as well.
                false if leaves(twin) => Ok(Some(MembersChange::Vote(learner))),
                false => Err(twin),
            };
        }
        if let Some(returned) = twins(self.returned).into_iter().find(|twin| !leaves(*twin)) {
            return Err(returned);
        }
        if self.members.voters.len() < MAX_VOTERS {
            return Ok(Some(MembersChange::Vote(learner)));
        }
        let absent = self.members.voters.iter().find(|voter| (self.sees)(**voter).absent);
        let demoted = absent.filter(|_| self.members.voters.len() > MIN_VOTERS);
        Ok(demoted.map(|voter| MembersChange::Learn(*voter)))
    }
}

/// Whether they are two incarnations of one terminal.
fn is_twin(one: ReplicaId, other: ReplicaId) -> bool {
    one != other && one.terminal() == other.terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEARD: Sight = Sight { ready: true, silent: false, absent: false };
    const SILENT: Sight = Sight { ready: false, silent: true, absent: false };

    fn id(terminal: u16, nonce: u64) -> ReplicaId {
        ReplicaId::new(terminal, nonce)
    }

    struct Case {
        members: Members,
        silent: Vec<ReplicaId>,
        leaving: BTreeSet<ReplicaId>,
        returned: Vec<ReplicaId>,
    }

    fn case(voters: &[ReplicaId], learners: &[ReplicaId]) -> Case {
        let members = Members { voters: voters.into(), learners: learners.into(), retired: vec![] };
        Case { members, silent: vec![], leaving: BTreeSet::new(), returned: vec![] }
    }

    impl Case {
        fn silent(mut self, silent: &[ReplicaId]) -> Self {
            self.silent = silent.into();
            self
        }

        fn leaving(mut self, leaving: &[ReplicaId]) -> Self {
            self.leaving = leaving.iter().copied().collect();
            self
        }

        fn judge(&self) -> (Option<MembersChange>, Vec<Held>) {
            let sees = |replica| if self.silent.contains(&replica) { SILENT } else { HEARD };
            let Self { members, leaving, returned, .. } = self;
            Succession { members, me: id(1, 1), leaving, returned, sees }.judge()
        }

        fn due(&self) -> Option<MembersChange> {
            self.judge().0
        }
    }

    const A: ReplicaId = ReplicaId(1 << 48 | 1);
    const B: ReplicaId = ReplicaId(2 << 48 | 1);
    const C: ReplicaId = ReplicaId(3 << 48 | 1);
    const NEW: ReplicaId = ReplicaId(3 << 48 | 2);
    const NEWER: ReplicaId = ReplicaId(3 << 48);

    #[test]
    fn the_dead_one_leaves_before_its_successor_votes() {
        assert_eq!(case(&[A, B, C], &[NEW]).silent(&[C]).due(), Some(MembersChange::Remove(C)));
        assert_eq!(case(&[A, B], &[NEW]).due(), Some(MembersChange::Vote(NEW)));
        assert_eq!(case(&[A, B, C], &[NEW]).silent(&[C, NEW]).due(), None, "nobody to go on");
    }

    #[test]
    fn one_that_is_heard_keeps_its_place_unless_an_operator_replaces_it() {
        let held = Held { newcomer: NEW, incumbent: C };
        assert_eq!(case(&[A, B, C], &[NEW]).judge(), (None, vec![held]));
        let planned = case(&[A, B, C], &[NEW]).leaving(&[C]);
        assert_eq!(planned.judge(), (Some(MembersChange::Vote(NEW)), vec![]), "added first");
        assert_eq!(case(&[A, B, C, NEW], &[]).leaving(&[C]).due(), Some(MembersChange::Remove(C)));
        assert_eq!(case(&[A, B, C, NEW], &[]).due(), None, "two live voters, and no word about either");
        assert_eq!(case(&[A, B, C, NEW], &[]).silent(&[NEW]).leaving(&[C]).due(), None);
    }

    #[test]
    fn five_voters_are_six_while_a_live_one_is_replaced() {
        let (d, e) = (id(4, 1), id(5, 1));
        let planned = case(&[A, B, C, d, e], &[NEW]).leaving(&[C]);
        assert_eq!(planned.due(), Some(MembersChange::Vote(NEW)));
    }

    #[test]
    fn a_store_in_which_both_vote_lets_the_dead_one_go() {
        assert_eq!(case(&[A, B, C, NEW], &[]).silent(&[C]).due(), Some(MembersChange::Remove(C)));
        assert_eq!(case(&[A, B, C, NEW], &[]).silent(&[C, NEW]).due(), None);
    }

    #[test]
    fn the_newest_that_is_heard_goes_on_and_silent_learners_go_first() {
        assert_eq!(case(&[A, B, C], &[NEW, NEWER]).silent(&[C, NEW]).due(), Some(MembersChange::Remove(NEW)));
        assert_eq!(
            case(&[A, B, C], &[NEW, NEWER]).silent(&[C, NEWER]).due(),
            Some(MembersChange::Remove(NEWER))
        );
        let both = case(&[A, B], &[NEW, NEWER]).judge();
        let waits = Held { newcomer: NEW, incumbent: NEWER };
        assert_eq!(both, (Some(MembersChange::Vote(NEWER)), vec![waits]));
    }

    #[test]
    fn an_old_one_that_returned_stops_the_vote() {
        let mut returned = case(&[A, B], &[NEW]);
        returned.returned = vec![C];
        assert_eq!(returned.judge(), (None, vec![Held { newcomer: NEW, incumbent: C }]));
        assert_eq!(returned.leaving(&[C]).due(), Some(MembersChange::Vote(NEW)), "the operator's word");
    }

    #[test]
    fn the_leader_does_not_remove_itself() {
        let twin = id(1, 2);
        assert_eq!(case(&[A, B, C], &[twin]).silent(&[A]).judge().0, None);
        assert_eq!(case(&[A, B, C], &[twin]).leaving(&[A]).due(), Some(MembersChange::Vote(twin)));
        assert_eq!(case(&[A, B, C, twin], &[]).leaving(&[A]).due(), None, "it hands over first");
    }

    /// None of the steps lowers the number of live voters that may still fail, whoever is silent.
    #[test]
    fn no_step_lowers_the_tolerance() {
        let all = [A, B, C, NEW, NEWER, id(4, 1), id(5, 1)];
        for places in 0..3_u32.pow(6) {
            let place = |at: usize| if at == 0 { 0 } else { places / 3_u32.pow(at as u32 - 1) % 3 };
            let of = |wanted| {
                (0..all.len()).filter(|at| place(*at) == wanted).map(|at| all[at]).collect::<Vec<_>>()
            };
            let (voters, learners) = (of(0), of(1));
            for bits in 0..1_u32 << all.len() {
                let picked = |shift: usize| bits >> shift & 1 == 1;
                let silent: Vec<_> = (1..all.len()).filter(|at| picked(*at)).map(|at| all[at]).collect();
                let leaving: &[ReplicaId] = if picked(0) { &[C] } else { &[] };
                let case = case(&voters, &learners).silent(&silent).leaving(leaving);
                let tolerance = |voters: &[ReplicaId]| {
                    let live = voters.iter().filter(|voter| !silent.contains(voter)).count();
                    live as i64 - (voters.len() / 2 + 1) as i64
                };
                let after: Vec<_> = match case.due() {
                    None => continue,
                    Some(MembersChange::Vote(new)) => [&voters[..], &[new]].concat(),
                    Some(MembersChange::Remove(gone)) | Some(MembersChange::Learn(gone)) => {
                        voters.iter().copied().filter(|voter| *voter != gone).collect()
                    }
                };
                // A live voter that leaves gives back at most what its successor has added.
                let floor = match case.due() {
                    Some(MembersChange::Remove(C)) if voters.contains(&C) && !silent.contains(&C) => {
                        let successor = |voter: &ReplicaId| is_twin(*voter, C) && !silent.contains(voter);
                        let before: Vec<_> = voters.iter().copied().filter(|v| !successor(v)).collect();
                        assert!(before.len() < voters.len(), "its successor votes");
                        tolerance(&before)
                    }
                    _ => tolerance(&voters),
                };
                assert!(tolerance(&after) >= floor, "{voters:?} {learners:?}, silent {silent:?}");
            }
        }
    }
}
