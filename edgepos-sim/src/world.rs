//! A whole store in virtual time: happenings in, duties out, and the checkers beside it.

mod boxes;
mod end;
mod fault;
mod happening;
mod head_office;
mod images;
mod notice;
mod operator;
mod tills;

use edgepos::{Input, Notice, Output, RequestId};
use edgepos_core::Persist;
use edgepos_sync::{CloudRequest, UplinkError, UplinkId};

use self::boxes::{Boxes, GoneBack};
use self::end::{Quiet, last_words, why_not_quiet};
use self::fault::{Scene, Strike, strike};
use self::happening::Happening;
use self::head_office::HeadOffice;
use self::images::Images;
use self::notice::{Heard, heard};
use self::operator::{Deed, Operator};
use self::tills::Tills;

use crate::agenda::Agenda;
use crate::check::{Facts, Leadership, Rule, Violation, resolutions};
use crate::cloud::Cloud;
use crate::errand::Ask;
use crate::faults::{Planned, schedule};
use crate::network::{Network, Tell};
use crate::outcome::Outcome;
use crate::plan::{Plan, Purpose, Sabotage};
use crate::station::Station;
use crate::trace::{Entry, Keep, Trace};

/// How often every terminal is asked for its status, in microseconds.
const PROBE_US: u64 = 100_000;

/// More happenings than any run needs: an engine that spins is stopped here.
const MAX_HAPPENINGS: u64 = 20_000_000;

/// More deadlines at one instant than any engine needs.
const MAX_ALARMS_AT_ONCE: u32 = 1_000;

/// Counts for the report.
#[derive(Clone, Copy, Default, Debug)]
struct Counts {
    faults: u64,
    restarts: u64,
    refused: u64,
    overlaps: u64,
}

/// One store with its terminals, network, cloud and customers.
#[derive(Debug)]
pub struct World {
    plan: Plan,
    now_us: u64,
    agenda: Agenda<Happening>,
    stations: Vec<Station>,
    network: Network,
    cloud: Cloud,
    tills: Tills,
    leadership: Leadership,
    faults: Vec<Planned>,
    images: Images,
    boxes: Boxes,
    head_office: HeadOffice,
    operator: Operator,
    trace: Trace,
    counts: Counts,
    healed: bool,
    quiet: Quiet,
    alarms_at_once: u32,
}

impl World {
    /// A store before it opens.
    pub fn new(plan: Plan, keep: Keep) -> Self {
        let faults = schedule(&plan);
        Self {
            now_us: 0,
            agenda: Agenda::new(),
            stations: (0..plan.terminals).map(|place| Station::new(&plan, place)).collect(),
            network: Network::new(plan.terminals, plan.network, plan.rng(Purpose::Network, 0)),
            cloud: Cloud::new(plan.cloud, plan.rng(Purpose::Cloud, 0), plan.sabotage),
            tills: Tills::new(&plan),
            leadership: Leadership::new(),
            faults,
            images: Images::new(&plan),
            boxes: Boxes::new(&plan),
            head_office: HeadOffice::new(&plan),
            operator: Operator::new(&plan),
            trace: Trace::new(keep),
            counts: Counts::default(),
            healed: false,
            quiet: Quiet::default(),
            alarms_at_once: 0,
            plan,
        }
    }

    /// Runs until the store is quiet, a rule is broken, or the deadline has passed.
    pub fn run(mut self) -> Outcome {
        let lived = self.live();
        let ledger = self.tills.into_ledger();
        let mut violations = match lived {
            Ok(()) => {
                let put_back = self.images.put_back() | self.boxes.put_back();
                last_words(self.now_us, &mut self.stations, &self.cloud, &ledger, &put_back)
            }
            Err(violation) => vec![violation],
        };
        violations.sort_by_key(|violation| violation.rule);
        let trace = self.trace.finish();
        let (resolved, overruled) = resolutions(self.cloud.events());
        Outcome {
            seed: self.plan.seed,
            terminals: self.plan.terminals,
            events: self.cloud.events().len() as u64,
            sales: ledger.receipts(),
            returns: ledger.returns(),
            exceptions: Facts::of(self.cloud.events()).exceptions.len() as u64,
            resolved,
            overruled,
            failovers: self.leadership.failovers(),
            terms: self.leadership.terms(),
            faults: self.counts.faults,
            restarts: self.counts.restarts,
            refused: self.counts.refused,
            overlaps: self.counts.overlaps,
            frames: self.network.sent(),
            virtual_ms: self.now_us / 1000,
            trace,
            violations,
        }
    }

    fn live(&mut self) -> Result<(), Violation> {
        for place in 0..self.stations.len() {
            // Terminals are switched on one after the other.
            self.agenda.at(place as u64 * 37_000, Happening::Start(place, true));
        }
        for (number, planned) in self.faults.iter().enumerate() {
            self.agenda.at(planned.at_us, Happening::Fault(number));
        }
        self.images.enter(&mut self.agenda);
        self.boxes.enter(&mut self.agenda);
        self.head_office.enter(&self.plan, &mut self.agenda);
        self.agenda.at(self.plan.faults_us, Happening::Heal);
        self.agenda.at(PROBE_US, Happening::Probe);
        for _ in 0..MAX_HAPPENINGS {
            let Some((at_us, happening)) = self.agenda.pop() else { break };
            if at_us > self.now_us {
                self.alarms_at_once = 0;
            }
            self.now_us = at_us;
            if self.quiet.is_over(self.now_us, &self.plan, &self.stations, &self.cloud) {
                return Ok(());
            }
            if self.quiet.is_overdue(at_us, &self.plan) {
                let why = why_not_quiet(&self.plan, &self.stations, &self.cloud);
                return Err(Violation::new(Rule::Liveness, why));
            }
            self.happen(happening)?;
        }
        Err(Violation::new(Rule::Liveness, format!("{MAX_HAPPENINGS} happenings, and no end")))
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        let Some(happening) = self.unless_stalled(happening) else { return Ok(()) };
        match happening {
            Happening::Alarm(place, number) => self.alarm(place, number),
            Happening::Flushed(place, boot) => self.flushed(place, boot),
            Happening::Read(place, boot, load) => {
                let rows = self.stations[place].read(&load);
                self.tell(place, boot, Input::Loaded(load.id, rows))
            }
            Happening::Wire(wire) => match self.network.happen(self.now_us, wire, &mut self.agenda) {
                Some((place, tell)) => self.tell(place, self.stations[place].boot(), self.input_of(tell)),
                None => Ok(()),
            },
            Happening::CloudGets(request, back) => self.cloud_gets(&request, back),
            Happening::CloudReplies(place, boot, id, reply) => {
                let reply = edgepos_sync::CloudReply::decode(&reply, &edgepos_sync::Limits::DEFAULT)
                    .map_err(|_| UplinkError::Unreadable);
                self.tell(place, boot, Input::Uplink(id, reply))
            }
            Happening::CloudFails(place, boot, id, error) => {
                self.tell(place, boot, Input::Uplink(id, Err(error)))
            }
            Happening::Till(place, turn) => self.till(place, turn),
            Happening::Fault(number) => self.fault(number),
            Happening::Mend(number) => {
                self.note(None, &format!("mended: {}", self.faults[number].fault));
                self.network.mend(self.now_us, number as u64, &mut self.agenda);
                Ok(())
            }
            Happening::Image(number) => {
                self.images.take(number, &self.stations);
                Ok(())
            }
            Happening::BoxImages => {
                self.boxes.take(&self.stations, &self.cloud);
                Ok(())
            }
            Happening::BoxesBack => self.boxes_back(),
            Happening::Publish => self.head_office.publish(self.now_us, &mut self.cloud),
            Happening::Off(number) => {
                self.stop(self.images.who(number), true);
                Ok(())
            }
            Happening::PutBack(number) => self.put_back(number),
            Happening::Start(place, power) => self.start(place, power),
            Happening::Heal => self.heal(),
            Happening::Probe => self.probe(),
        }
    }

    /// What would reach a terminal that stands still reaches it, in order, when it goes on.
    fn unless_stalled(&mut self, happening: Happening) -> Option<Happening> {
        let Some(place) = happening.reaches() else { return Some(happening) };
        let Some(until_us) = self.stations[place].stands_still(self.now_us) else { return Some(happening) };
        self.agenda.at(until_us, happening);
        None
    }

    fn input_of(&self, tell: Tell) -> Input {
        match tell {
            Tell::Up(peer, id) => Input::PeerUp(self.stations[peer].replica(), id),
            Tell::Lost(peer, id) => Input::PeerLost(self.stations[peer].replica(), id),
            Tell::Frame(peer, id, frame) => Input::Frame(self.stations[peer].replica(), id, frame),
        }
    }

    /// Hands an input to a terminal, unless that start of it is gone.
    fn tell(&mut self, place: usize, boot: u64, input: Input) -> Result<(), Violation> {
        if !self.stations[place].runs_since(boot) {
            return Ok(());
        }
        self.trace.note(self.now_us, Some(place), &Entry::In(&input));
        if let Input::Frame(_, _, frame) = &input {
            self.leadership.arrived(frame);
        }
        self.stations[place].handle(self.now_us, input);
        self.drain(place)
    }

    /// Does everything that a terminal asks for.
    fn drain(&mut self, place: usize) -> Result<(), Violation> {
        while let Some(output) = self.stations[place].poll_output(self.now_us) {
            self.trace.note(self.now_us, Some(place), &Entry::Out(&output));
            self.duty(place, output)?;
        }
        let station = &mut self.stations[place];
        self.tills.keep_promises(place, station)?;
        if !station.is_on() {
            return Ok(());
        }
        if station.has_stopped() {
            return Err(Violation::new(Rule::Alive, format!("{} has stopped", station.replica())));
        }
        if let Some((at_us, number)) = station.set_alarm(self.now_us) {
            self.agenda.at(at_us, Happening::Alarm(place, number));
        }
        self.rouse_till(place);
        Ok(())
    }

    fn duty(&mut self, place: usize, output: Output) -> Result<(), Violation> {
        let station = &mut self.stations[place];
        let boot = station.boot();
        match output {
            Output::Persist(persist) => self.write(place, persist, true),
            Output::Write(persist) => self.write(place, persist, false),
            Output::Load(load) => {
                let at_us = self.now_us + station.read_us(self.now_us);
                self.agenda.at(at_us, Happening::Read(place, boot, load));
            }
            Output::Transmit { to, connection, frame } => {
                if frame.len() > edgepos::MAX_FRAME {
                    let what = format!("{} sends a frame of {} bytes", station.replica(), frame.len());
                    return Err(Violation::new(Rule::Alive, what));
                }
                self.leadership.sent(&frame, station.lease_ms())?;
                if let Some(peer) = self.stations.iter().position(|station| station.replica() == to) {
                    self.network.send(self.now_us, (place, peer), connection, frame, &mut self.agenda);
                }
            }
            Output::Uplink(id, request) => self.uplink(place, id, &request),
            Output::Reply(request, reply) => self.tills.hear(self.now_us, station, request, &reply)?,
            Output::Notice(notice) => self.notice(place, notice)?,
        }
        Ok(())
    }

    fn notice(&mut self, place: usize, notice: Notice) -> Result<(), Violation> {
        let station = &mut self.stations[place];
        match heard(station, notice)? {
            Heard::Nothing => Ok(()),
            Heard::Refused => {
                self.counts.refused += 1;
                Ok(())
            }
            Heard::Leader(leader) => self.leadership.claims(station.replica(), leader.replica, leader.term),
            Heard::Recorded(id) => station.records(id),
        }
    }

    fn alarm(&mut self, place: usize, number: u64) -> Result<(), Violation> {
        let station = &mut self.stations[place];
        if !station.rings(number) {
            return Ok(());
        }
        self.alarms_at_once += 1;
        if self.alarms_at_once > MAX_ALARMS_AT_ONCE {
            return Err(Violation::new(
                Rule::Alive,
                format!("{} asks for the same deadline again", station.replica()),
            ));
        }
        let boot = station.boot();
        self.tell(place, boot, Input::Timeout)
    }

    fn write(&mut self, place: usize, persist: Persist, flush: bool) {
        let station = &mut self.stations[place];
        if let Some(at_us) = station.write(self.now_us, persist, flush) {
            self.agenda.at(at_us, Happening::Flushed(place, station.boot()));
        }
    }

    fn flushed(&mut self, place: usize, boot: u64) -> Result<(), Violation> {
        if !self.stations[place].runs_since(boot) {
            return Ok(());
        }
        let (ids, next) = self.stations[place].flushed(self.now_us);
        if let Some(at_us) = next {
            self.agenda.at(at_us, Happening::Flushed(place, boot));
        }
        ids.into_iter().try_for_each(|id| self.tell(place, boot, Input::Persisted(id)))
    }

    fn uplink(&mut self, place: usize, id: UplinkId, request: &CloudRequest) {
        let station = &self.stations[place];
        let boot = station.boot();
        let call = self.cloud.call(self.now_us, station.reaches_cloud(self.now_us));
        let bytes = request.encode();
        for (number, at_us) in call.arrivals.into_iter().enumerate() {
            let back =
                call.reply_after_us.filter(|_| number == 0).map(|after_us| (place, boot, id, after_us));
            self.agenda.at(at_us, Happening::CloudGets(bytes.clone(), back));
        }
        if let Some((at_us, error)) = call.failure {
            self.agenda.at(at_us, Happening::CloudFails(place, boot, id, error));
        }
    }

    fn cloud_gets(
        &mut self,
        request: &[u8],
        back: Option<(usize, u64, UplinkId, u64)>,
    ) -> Result<(), Violation> {
        self.trace.note(self.now_us, None, &Entry::CloudGot(request));
        let reply = self
            .cloud
            .receive(self.now_us, request)
            .map_err(|error| Violation::new(Rule::Alive, error.to_string()))?;
        self.trace.note(self.now_us, None, &Entry::CloudDid(&reply));
        if let Some((place, boot, id, after_us)) = back {
            self.agenda.at(self.now_us + after_us, Happening::CloudReplies(place, boot, id, reply.encode()));
        }
        Ok(())
    }

    fn till(&mut self, place: usize, turn: u64) -> Result<(), Violation> {
        if !self.stations[place].is_on() {
            return Ok(());
        }
        for (id, ask) in self.tills.act(self.now_us, &mut self.stations[place], turn) {
            self.ask(place, id, ask)?;
        }
        self.rouse_till(place);
        Ok(())
    }

    fn ask(&mut self, place: usize, id: RequestId, ask: Ask) -> Result<(), Violation> {
        self.trace.note(self.now_us, Some(place), &Entry::Ask(id, &ask));
        let station = &mut self.stations[place];
        self.tills.asks(station, &ask);
        if let Err(refusal) = station.ask(self.now_us, id, ask) {
            self.trace.note(self.now_us, Some(place), &Entry::Refused(id, &refusal));
            self.tills.hear(self.now_us, station, id, &Err(refusal))?;
        }
        self.drain(place)
    }

    /// While there are faults, managers and clerks do what they do, at each till that moves.
    fn manage(&mut self) -> Result<(), Violation> {
        for place in 0..self.stations.len() {
            if self.healed || self.stations[place].stands_still(self.now_us).is_some() {
                continue;
            }
            for (id, ask) in self.tills.manage(place, &self.stations[place]) {
                self.ask(place, id, ask)?;
            }
        }
        Ok(())
    }

    fn rouse_till(&mut self, place: usize) {
        if let Some((at_us, turn)) = self.stations[place].till_alarm() {
            self.agenda.at(at_us, Happening::Till(place, turn));
        }
    }

    fn start(&mut self, place: usize, power: bool) -> Result<(), Violation> {
        if self.stations[place].is_on() {
            return Ok(());
        }
        self.note(Some(place), "starts");
        let first = self.stations[place].boot() == 0;
        if power && !first {
            let mono_ms = self.now_us % 9_000;
            self.stations[place].power_on(self.now_us, mono_ms);
        }
        if !first {
            self.stations[place].fall_behind();
            for event in self.stations[place].downgrade(self.now_us)? {
                self.tills.records(place, event)?;
            }
        }
        self.stations[place].start(self.now_us)?;
        if self.healed {
            self.stations[place].fall_silent();
        }
        self.network.start(self.now_us, place, &mut self.agenda);
        if !first {
            self.counts.restarts += 1;
            let open = self.stations[place].unresolved();
            self.tills.lists_open(place, &open)?;
            self.stations[place].show_open(self.now_us, &open);
        }
        self.drain(place)?;
        // What was decided before the crash is applied at the start: then memory is ahead of the disk until that is written.
        // With disks that are put back it is still to be seen which of two names an event has.
        if self.stations[place].is_flushed() && !self.plan.goes_back() {
            self.stations[place].view()?.check_counters()?;
        }
        Ok(())
    }

    /// A disk is put back to an older image, and its device is switched on.
    fn put_back(&mut self, number: usize) -> Result<(), Violation> {
        let who = self.images.who(number);
        self.stop(who, true);
        let Some((image, held)) = self.images.put_back_to(number, &self.stations, &self.cloud)? else {
            return Ok(());
        };
        self.note(Some(who), "is put back to an older image");
        self.tills.put_back(who, &held);
        self.stations[who].put_back(image);
        self.start(who, true)
    }

    /// All tills' disks, the cloud, or both, are put back; the tills are switched on one after the other.
    fn boxes_back(&mut self) -> Result<(), Violation> {
        if self.boxes.stops_tills() {
            (0..self.stations.len()).for_each(|place| self.stop(place, true));
            // Nobody is left who was promised anything since the images.
            self.leadership.forget();
            self.tills.all_put_back();
        }
        let gone = self.boxes.go_back(&self.stations, &mut self.cloud, &mut self.agenda)?;
        let Some(GoneBack { tills, held }) = gone else { return Ok(()) };
        self.note(None, "all that was put aside is put back");
        for (place, (image, at_us)) in tills.into_iter().flatten().enumerate() {
            self.tills.put_back(place, &held);
            self.stations[place].put_back(image);
            self.agenda.at(at_us, Happening::Start(place, true));
        }
        Ok(())
    }

    fn stop(&mut self, place: usize, power: bool) {
        if self.stations[place].is_on() {
            self.note(Some(place), "stops");
            self.tills.crashed(place);
            for basket in self.stations[place].stop(power) {
                self.tills.loses_begun(place, basket);
            }
            self.network.stop(self.now_us, place, power, &mut self.agenda);
            self.leadership.stopped(self.stations[place].replica());
        }
    }

    /// Asks every terminal how it is.
    fn probe(&mut self) -> Result<(), Violation> {
        self.agenda.at(self.now_us + PROBE_US, Happening::Probe);
        let mut entitled = 0;
        for station in &self.stations {
            // Who stands still, or has only begun to move again, says what it believed before.
            let silent = station.stands_still(self.now_us - PROBE_US).is_some();
            let Some(status) = station.status().filter(|_| !silent) else { continue };
            entitled += u64::from(status.entitled);
            let voters = self.operator.voters(&status)?;
            self.leadership.observe(station.now(self.now_us).mono.0, &status, &voters)?;
        }
        self.operate()?;
        self.manage()?;
        // An old and a new leader in different terms: raft allows it for the length of a lease, and the cloud fences one of them.
        self.counts.overlaps += u64::from(entitled > 1);
        if self.healed {
            self.settle_what_is_open();
            let put_back = self.images.put_back() | self.boxes.put_back();
            self.quiet.observe(self.now_us, &self.stations, &self.cloud, &put_back)?;
        }
        Ok(())
    }

    /// The operator does what is to be done.
    fn operate(&mut self) -> Result<(), Violation> {
        let Self { now_us, healed, operator, stations, tills, .. } = self;
        for deed in operator.act(*now_us, *healed, stations, tills)? {
            match deed {
                Deed::Told(place, what) => {
                    self.note(Some(place), what);
                    self.drain(place)?;
                }
                Deed::Stop(place) => self.stop(place, true),
                Deed::Start(place, what) => {
                    self.note(Some(place), what);
                    self.start(place, true)?;
                }
                Deed::Generation => self.leadership.forget(),
            }
        }
        Ok(())
    }

    /// Tills that have finished look for baskets that somebody left open.
    fn settle_what_is_open(&mut self) {
        for place in 0..self.stations.len() {
            if self.stations[place].settles(self.now_us) {
                self.rouse_till(place);
            }
        }
    }

    fn fault(&mut self, number: usize) -> Result<(), Violation> {
        let planned = self.faults[number].clone();
        let (until_us, fault) = (planned.until_us, &planned.fault);
        self.note(None, &format!("{fault} until {}.{:03}", until_us / 1_000_000, until_us / 1000 % 1000));
        self.counts.faults += 1;
        let Self { now_us, stations, network, cloud, agenda, .. } = self;
        match strike(Scene { now_us: *now_us, stations, network, cloud, agenda }, number, &planned) {
            Strike::Nothing => {}
            Strike::Stop(devices) => {
                for (who, power, again_us) in devices {
                    self.stop(who, power);
                    self.agenda.at(again_us, Happening::Start(who, power));
                }
            }
            Strike::Told(leader) => self.drain(leader)?,
        }
        Ok(())
    }

    /// The end of all faults.
    fn heal(&mut self) -> Result<(), Violation> {
        self.note(None, "everything heals");
        self.healed = true;
        self.network.heal(self.now_us, &mut self.agenda);
        self.cloud.heal();
        if self.plan.sabotage == Some(Sabotage::CloudStaysAway) {
            self.cloud.away_until(u64::MAX);
        }
        for place in 0..self.stations.len() {
            if self.stations[place].catch_up() {
                self.stop(place, false);
            }
            self.stations[place].heal(self.now_us);
            let after_us = (place as u64 + 1) * 150_000;
            self.agenda.at(self.now_us + after_us, Happening::Start(place, true));
            self.rouse_till(place);
        }
        Ok(())
    }

    fn note(&mut self, who: Option<usize>, text: &str) {
        self.trace.note(self.now_us, who, &Entry::World(text));
    }
}
