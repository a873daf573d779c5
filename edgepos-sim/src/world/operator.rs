//! The store's operator, who does by the guide what no terminal does by itself: has the feature level raised, puts another box in the
//! place of a till that has decided otherwise than the store, and takes the recovery kit where the cloud holds other decisions than the
//! till that leads.

use std::collections::{BTreeMap, BTreeSet};

use edgepos::{ConditionKind, Genesis, Status};
use edgepos_core::{Chain, Jitter, ReplicaId, Seq};

use super::fault::leader;
use super::tills::Tills;
use crate::check::{Rule, Violation, has_leaving};
use crate::plan::{LaterStyle, Plan, Purpose};
use crate::station::Station;

/// How long a condition stands before anybody comes, in microseconds: longer than what mends itself takes.
const PATIENCE_US: u64 = 10_000_000;

/// How long a till is off until the other box stands there, in microseconds: longer than the others take to see that it is gone.
const CARRIED_US: u64 = 6_000_000;

/// What is left to be done of what the operator does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    /// This terminal was told something.
    Told(usize, &'static str),
    /// This device is switched off.
    Stop(usize),
    /// This device is switched on.
    Start(usize, &'static str),
    /// Another generation of the store begins: who led which term in the one before says nothing of it.
    Generation,
}

/// What was begun.
#[derive(Clone, Copy, Debug)]
enum Job {
    /// Another box takes this place, from then on, once the store has taken that down.
    Exchange { place: usize, box_us: u64, is_said: bool },
    /// The terminal at this place leads the store on, from then on, among other boxes.
    Recover { survivor: usize, again_us: u64 },
    /// Other boxes are let in by the one who leads.
    Admit,
}

/// The operator of a store.
#[derive(Debug)]
pub(super) struct Operator {
    /// From when on a higher feature level is asked for, and until when.
    level_us: Option<(u64, u64)>,
    /// The terminals that may take part: those that founded the store, and the boxes that came.
    known: BTreeSet<ReplicaId>,
    founders: Vec<ReplicaId>,
    /// Fewest voters that there may be while boxes are exchanged.
    fewest: usize,
    names: Jitter,
    /// Since when the one who leads says that these hold other decisions.
    named: BTreeMap<usize, u64>,
    /// Since when it says that the cloud does.
    disputed: Option<u64>,
    job: Option<Job>,
}

impl Operator {
    pub(super) fn new(plan: &Plan) -> Self {
        let has_levels = plan.later != LaterStyle::default();
        let mut founders = plan.replicas();
        let known = founders.iter().copied().collect();
        founders.truncate(plan.voters());
        Self {
            level_us: has_levels.then_some((plan.faults_us / 4, plan.faults_us)),
            known,
            fewest: founders.len(),
            founders,
            names: plan.rng(Purpose::Operator, 0),
            named: BTreeMap::new(),
            disputed: None,
            job: None,
        }
    }

    /// Looks at the terminals, and does what is to be done.
    ///
    /// # Errors
    /// When a terminal cannot be recovered.
    pub(super) fn act(
        &mut self,
        now_us: u64,
        healed: bool,
        stations: &mut [Station],
        tills: &mut Tills,
    ) -> Result<Vec<Deed>, Violation> {
        if !healed {
            return Ok(self.raise_level(now_us, stations).into_iter().collect());
        }
        Ok(match self.job {
            None => self.begin(now_us, stations),
            Some(Job::Exchange { place, box_us, is_said: false }) => {
                let leads = leader(stations);
                let number = stations[place].replica().terminal();
                let told = leads.filter(|leader| stations[*leader].replace(now_us, number));
                let is_said = told.is_some();
                self.job = Some(Job::Exchange { place, box_us, is_said });
                told.map(|leader| Deed::Told(leader, "is told that another box comes")).into_iter().collect()
            }
            Some(Job::Exchange { place, box_us, .. }) if now_us >= box_us => {
                self.job = None;
                vec![self.exchange(place, None, stations, tills)]
            }
            Some(Job::Recover { survivor, again_us }) if now_us >= again_us => {
                self.job = Some(Job::Admit);
                self.fewest = 1;
                let genesis = stations[survivor].recover()?;
                let mut deeds = vec![Deed::Generation, Deed::Start(survivor, "leads on alone")];
                for place in (0..stations.len()).filter(|place| *place != survivor) {
                    deeds.push(self.exchange(place, Some(&genesis), stations, tills));
                }
                deeds
            }
            Some(Job::Admit) => self.admit(now_us, stations),
            Some(Job::Exchange { .. } | Job::Recover { .. }) => Vec::new(),
        })
    }

    /// While there are faults, the next feature level is asked for at whoever leads.
    fn raise_level(&self, now_us: u64, stations: &mut [Station]) -> Option<Deed> {
        let asks = self.level_us.is_some_and(|(from_us, until_us)| (from_us + 1..until_us).contains(&now_us));
        let leader = leader(stations).filter(|_| asks)?;
        let moves = stations[leader].stands_still(now_us).is_none();
        let raised = moves && stations[leader].raise_level(now_us);
        raised.then_some(Deed::Told(leader, "is asked to raise the feature level"))
    }

    /// What stood for long is acted on. One till after the other: two that are away at once may be the majority.
    fn begin(&mut self, now_us: u64, stations: &[Station]) -> Vec<Deed> {
        let status = leader(stations).and_then(|leader| stations[leader].status());
        let named = status.as_ref().map(|status| named_by(status, stations)).unwrap_or_default();
        self.named.retain(|place, _| named.contains(place));
        for place in named {
            self.named.entry(place).or_insert(now_us);
        }
        let disputed = status.as_ref().is_some_and(is_disputed);
        self.disputed = disputed.then(|| self.disputed.unwrap_or(now_us));
        let waited = |since_us: u64| now_us >= since_us + PATIENCE_US;
        if disputed {
            let queued = |place: &usize| stations[*place].status().map_or(u64::MAX, |status| status.queued);
            let survivor = (0..stations.len()).min_by_key(queued).unwrap_or_default();
            let goes = |place: usize| place == survivor || is_spent(&stations[place], &[&stations[survivor]]);
            let is_ready = !has_leaving(stations[survivor].on_disk()) && (0..stations.len()).all(goes);
            if !self.disputed.is_some_and(waited) || !is_ready {
                return Vec::new();
            }
            self.job = Some(Job::Recover { survivor, again_us: now_us + CARRIED_US });
            return (0..stations.len()).map(Deed::Stop).collect();
        }
        // Whose side the cloud is on is known once the one who leads has sent all that it has.
        let is_sure = status.is_some_and(|status| status.queued == 0);
        let is_due = |place: usize| {
            let others: Vec<_> =
                (0..stations.len()).filter(|other| *other != place).map(|other| &stations[other]).collect();
            is_spent(&stations[place], &others)
        };
        let mut due = self.named.iter().filter(|(_, since)| waited(**since)).map(|(place, _)| *place);
        let Some(place) = due.find(|place| is_due(*place)).filter(|_| is_sure) else { return Vec::new() };
        self.job = Some(Job::Exchange { place, box_us: now_us + CARRIED_US, is_said: false });
        self.fewest = self.fewest.min(self.founders.len() - 1);
        vec![Deed::Stop(place)]
    }

    /// Another box, under a name of its own, stands there.
    fn exchange(
        &mut self,
        place: usize,
        genesis: Option<&Genesis>,
        stations: &mut [Station],
        tills: &mut Tills,
    ) -> Deed {
        let name = ReplicaId::new(stations[place].replica().terminal(), self.names.next_u64());
        self.known.insert(name);
        tills.has_another_box(place);
        stations[place].is_exchanged(name, genesis);
        Deed::Start(place, "is another box")
    }

    /// The one who leads lets in who is there and does not belong yet.
    fn admit(&mut self, now_us: u64, stations: &mut [Station]) -> Vec<Deed> {
        let Some(leader) = leader(stations) else { return Vec::new() };
        let Some(status) = stations[leader].status() else { return Vec::new() };
        let belongs =
            |replica: &ReplicaId| status.voters.contains(replica) || status.learners.contains(replica);
        let mut strangers: Vec<_> = stations.iter().map(Station::replica).collect();
        strangers.retain(|replica| !belongs(replica));
        if strangers.is_empty() {
            self.job = None;
        }
        let comes = strangers.into_iter().find(|replica| status.connected.contains(replica));
        let told = comes.filter(|replica| stations[leader].admit(now_us, *replica));
        told.map(|_| Deed::Told(leader, "lets another box in")).into_iter().collect()
    }

    /// Who votes where that terminal says that it may decide: those who founded the store. Once boxes are exchanged the store's log says
    /// it, within bounds.
    ///
    /// # Errors
    /// When others vote.
    pub(super) fn voters(&self, status: &Status) -> Result<Vec<ReplicaId>, Violation> {
        if self.fewest == self.founders.len() {
            return Ok(self.founders.clone());
        }
        let known = status.voters.iter().all(|voter| self.known.contains(voter));
        let enough = (self.fewest..=self.founders.len()).contains(&status.voters.len());
        if status.entitled && !(known && enough) {
            let what = format!("{} says that these vote: {:?}", status.me, status.voters);
            return Err(Violation::new(Rule::Honest, what));
        }
        Ok(status.voters.clone())
    }
}

/// Whether nothing is left at a till that another box could not do: nobody stands there, and what it sold is in the cloud and at one of
/// these. What it has decided otherwise stays there, and is counted among what waits.
fn is_spent(station: &Station, others: &[&Station]) -> bool {
    let Some(status) = station.status() else { return false };
    let held: Vec<_> = others.iter().filter_map(|other| other.status()).map(|other| other.durable).collect();
    let is_there = |(chain, seq): (Chain, Seq)| {
        let at_others = held.iter().any(|held| held.get(chain) >= seq);
        chain.replica.is_store() || status.cloud.get(chain) >= seq && at_others
    };
    station.is_done()
        && status.open_baskets == 0
        && status.unsigned_receipts == 0
        && status.durable.iter().all(is_there)
        && !has_leaving(station.on_disk())
}

/// The places of the terminals that this one says to hold other decisions.
fn named_by(status: &Status, stations: &[Station]) -> BTreeSet<usize> {
    let parted = status.conditions.iter().find(|held| held.kind == ConditionKind::DecisionsLost);
    let about = parted.map(|held| held.about.as_str()).unwrap_or_default();
    let names = |station: &Station| about.contains(&format!("terminal {}", station.replica()));
    (0..stations.len()).filter(|place| names(&stations[*place])).collect()
}

/// Whether the cloud is said to hold other decisions.
fn is_disputed(status: &Status) -> bool {
    let forked = status.conditions.iter().find(|held| held.kind == ConditionKind::Forked);
    forked.is_some_and(|held| held.about.contains("recovery kit"))
}

#[cfg(test)]
mod tests {
    use edgepos::Condition;

    use super::*;
    use crate::check::status_of;

    fn condition(kind: ConditionKind, about: &str) -> Condition {
        Condition { kind, since_ms: 0, count: 1, about: about.to_owned() }
    }

    #[test]
    fn those_are_named_that_are_said_to_hold_other_decisions() {
        let plan = Plan::from_seed(0).with_images();
        let stations: Vec<_> = (0..plan.terminals).map(|place| Station::new(&plan, place)).collect();
        let mut status = status_of(stations[0].replica(), stations[0].replica(), true);
        let about = format!("other decisions are held by terminal {}", stations[2].replica());
        status.conditions = vec![condition(ConditionKind::Restored, &about)];
        assert_eq!(named_by(&status, &stations), BTreeSet::new());
        status.conditions = vec![condition(ConditionKind::DecisionsLost, &about)];
        assert_eq!(named_by(&status, &stations), BTreeSet::from([2]));
        assert!(!is_disputed(&status));
    }

    #[test]
    fn a_stranger_that_votes_is_noticed_and_so_is_a_vote_too_few() {
        let plan = Plan::from_seed(0).with_images();
        let mut operator = Operator::new(&plan);
        let founders = operator.founders.clone();
        let mut status = status_of(founders[0], founders[0], true);
        assert_eq!(operator.voters(&status), Ok(founders.clone()), "whatever it says");
        operator.fewest = founders.len() - 1;
        status.voters = founders[1..].to_vec();
        assert_eq!(operator.voters(&status), Ok(founders[1..].to_vec()));
        status.voters = founders[2..].to_vec();
        assert_eq!(operator.voters(&status).map_err(|error| error.rule), Err(Rule::Honest));
        let stranger = ReplicaId::new(founders[0].terminal(), 77);
        status.voters = founders[1..].iter().copied().chain([stranger]).collect();
        assert_eq!(operator.voters(&status).map_err(|error| error.rule), Err(Rule::Honest));
        operator.known.insert(stranger);
        assert_eq!(operator.voters(&status), Ok(status.voters.clone()));
    }
}
