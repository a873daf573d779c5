//! A small world while it runs: what can happen next, and what happens then.

use std::collections::BTreeSet;

use edgepos::{Input, Output, ReplaceError};
use edgepos_core::{Jitter, Now, Persist};
use edgepos_sync::UplinkError;
use sha2::{Digest, Sha256};

use super::device::Device;
use super::images::{Images, held};
use super::links::{Arrived, Links, namesake};
use super::rights::{ELECTION, Rights};
use super::seats::Seats;
use super::setup::{raise, words};
use super::stamps::AHEAD_MS;
use super::step::Step;
use super::tills::{Next, Tills};
use super::watch::Watch;
use super::worlds::{Fault, World};
use crate::check::{Rule, StoreView, Violation};
use crate::cloud::Cloud;
use crate::errand::Ask;
use crate::plan::CloudStyle;

/// What the wall clocks show when the world begins: 2026-09-21T14:13:20Z.
const EPOCH_MS: u64 = 1_790_000_000_000;

/// How long a connection of one name is kept before another device of that name may take its place, in milliseconds.
const TURN_AFTER_MS: u64 = 5_000;

/// How often somebody may hear the other of two devices with one name while a world is explored.
const TURNS: u8 = 2;

/// The nonce of a box that takes the place of another.
const NEWCOMER: u64 = 0xB0B;

/// One store with its devices, its cloud and what was promised.
pub(super) struct Store {
    world: World,
    now_ms: u64,
    devices: Vec<Device>,
    links: Links,
    cloud: Cloud,
    /// Everything that the cloud was asked, in a hash.
    cloud_history: [u8; 32],
    tills: Tills,
    fault: Fault,
    images: Images,
    claims_too_high: bool,
    loses_request: bool,
    /// Whether a till waits until everything is everywhere.
    rests: bool,
    /// Mishaps that are left.
    left: u8,
    /// How often somebody may hear the other of two devices with one name before time moves, and when that was last.
    turns: (u8, u64),
    /// Whose cable is out.
    unplugged: Option<usize>,
    watch: Watch,
    rights: Rights,
    seats: Seats,
    put_back: BTreeSet<u16>,
    /// What happens, in lines, where somebody wants to read it.
    lines: Option<Vec<String>>,
}

impl Store {
    /// A store whose devices are off and whose disks are empty. `told`: what happens is written down in lines.
    pub(super) fn new(world: World, told: bool) -> Self {
        Self {
            now_ms: 1_000,
            devices: Device::all(world.terminals),
            links: Links::default(),
            cloud: Cloud::new(CloudStyle::NONE, Jitter::new(1), None),
            cloud_history: [0; 32],
            tills: Tills::new(world.terminals),
            fault: Fault::Nothing,
            images: Images::default(),
            claims_too_high: false,
            loses_request: false,
            rests: false,
            left: 0,
            turns: (0, 0),
            unplugged: None,
            watch: Watch::default(),
            rights: Rights::default(),
            seats: Seats::default(),
            put_back: BTreeSet::new(),
            lines: told.then(Vec::new),
            world,
        }
    }

    pub(super) fn world(&self) -> &World {
        &self.world
    }

    pub(super) fn tills(&self) -> &Tills {
        &self.tills
    }

    pub(super) fn devices(&self) -> &[Device] {
        &self.devices
    }

    pub(super) fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// What has happened, in lines.
    pub(super) fn lines(&mut self) -> Vec<String> {
        self.lines.take().unwrap_or_default()
    }

    /// What the checkers see.
    ///
    /// # Errors
    /// When a disk holds a row that cannot be read.
    pub(super) fn view(&self) -> Result<StoreView, Violation> {
        Ok(StoreView {
            terminals: self.devices.iter().filter_map(|device| device.view()).collect::<Result<_, _>>()?,
            cloud: self.cloud.view(),
            put_back: self.put_back.clone(),
        })
    }

    /// From here on the tills ask and things go wrong.
    ///
    /// # Errors
    /// When a disk holds a row that cannot be read.
    pub(super) fn open(&mut self) -> Result<(), Violation> {
        self.tills.open(&self.world);
        self.fault = self.world.fault;
        // Where the script has the fault, what breaks breaks behind it: before it other worlds are the same.
        self.left = if let Fault::InScript(_) = self.fault { 0 } else { self.world.mishaps };
        match self.fault {
            Fault::PutBack(place)
            | Fault::PutBackTwice(place)
            | Fault::AllPutBack(place)
            | Fault::InScript(place) => {
                self.images.take(&self.devices[place], &self.cloud);
            }
            Fault::CloudPutBack => self.images.take(&self.devices[0], &self.cloud),
            Fault::ClaimStands(_) => self.claims_too_high = true,
            Fault::Clone(place) => {
                self.put_back.insert(self.devices[place].me().terminal());
                let held = held(&self.devices, &self.cloud, self.devices[place].disk(), place)?;
                self.tills.put_back(place, &held);
                self.devices.push(self.devices[place].copy());
                self.turns.0 = TURNS;
            }
            Fault::OldBox(place) | Fault::NewBox(place) => {
                self.tills.has_another_box(place);
                self.devices.push(self.devices[place].another(NEWCOMER));
            }
            Fault::ClockAhead(place) => {
                let now = self.now();
                self.devices[place].set_clock(now, AHEAD_MS);
                self.tills.has_wrong_clock(place);
            }
            Fault::ClaimTooHigh(_) | Fault::RequestLost | Fault::Branches(_) | Fault::Nothing => {}
        }
        if !self.fault.strikes() {
            self.fault = Fault::Nothing;
        }
        Ok(())
    }

    /// Who was carried off is found and switched on.
    pub(super) fn find(&mut self) {
        let now = self.now();
        self.devices.iter_mut().filter(|device| device.is_gone()).for_each(|device| device.returns(now));
    }

    /// A device has its cable out, or nobody has.
    ///
    /// # Errors
    /// When losing it makes somebody break a promise.
    pub(super) fn unplug(&mut self, who: Option<usize>) -> Result<(), Violation> {
        self.unplugged = who;
        let pairs: Vec<_> = self.links.pairs().filter(|(a, b)| who == Some(*a) || who == Some(*b)).collect();
        pairs.into_iter().try_for_each(|(a, b)| self.disconnect(a, b))
    }

    /// A device dies with its last writes on the disk, and is carried off.
    ///
    /// # Errors
    /// When that makes somebody break a promise.
    pub(super) fn carry_off(&mut self, who: usize) -> Result<(), Violation> {
        self.die(who, true)?;
        let now = self.now();
        self.devices[who].goes(now);
        Ok(())
    }

    /// Somebody takes an image of the disk of this device.
    pub(super) fn keep_image(&mut self, who: usize) {
        let now = self.now();
        self.images.take(&self.devices[who], &self.cloud);
        self.devices[who].was_copied(now);
    }

    /// Whether a till waits until everything is everywhere, which it is from here on.
    pub(super) fn take_rest(&mut self) -> bool {
        std::mem::take(&mut self.rests)
    }

    /// From here on nothing goes wrong, and no till asks for anything new.
    pub(super) fn close(&mut self) {
        self.tills.close();
        self.left = 0;
        self.turns.0 = 0;
        self.fault = Fault::Nothing;
        self.claims_too_high = false;
        self.loses_request = false;
        self.find();
    }

    pub(super) fn now(&self) -> Now {
        Now::new(self.now_ms, EPOCH_MS + self.now_ms)
    }

    /// What can happen, in the order in which a healed store does it; time moves on only where nothing is on its way.
    pub(super) fn steps(&self) -> Vec<Step> {
        let count = self.devices.len();
        let on = |place: &usize| self.devices[*place].is_on();
        let off = |place: &usize| !on(place) && !self.devices[*place].is_gone();
        let mut steps: Vec<Step> = (0..count).filter(off).map(Step::Start).collect();
        let pairs = || (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b)));
        let apart = |(a, b): &(usize, usize)| {
            let both = on(a) && on(b) && self.unplugged != Some(*a) && self.unplugged != Some(*b);
            both && !self.links.is_connected(*a, *b) && self.devices[*a].me() != self.devices[*b].me()
        };
        let free = |(a, b): &(usize, usize)| namesake(&self.devices, &self.links, *a, *b).is_none();
        steps.extend(pairs().filter(|pair| apart(pair) && free(pair)).map(|(a, b)| Step::Connect(a, b)));
        steps.extend(self.links.busy().map(|(from, to)| Step::Deliver(from, to)));
        steps.extend((0..count).filter(|place| self.devices[*place].is_writing()).map(Step::Flush));
        let asks = || (0..count).filter(|place| self.devices[*place].has_request());
        steps.extend(asks().map(Step::Cloud));
        let turns = pairs().filter(|pair| apart(pair) && !free(pair)).map(|(a, b)| Step::Turn(a, b));
        if self.turns.0 > 0 || (steps.is_empty() && self.now_ms >= self.turns.1 + TURN_AFTER_MS) {
            steps.extend(turns);
        }
        if steps.iter().all(|step| matches!(step, Step::Turn(..))) && (steps.is_empty() || self.turns.0 > 0) {
            steps.push(Step::Tick);
        }
        steps.extend((0..count).filter(|place| on(place) && self.tills.has_next(*place)).map(Step::Ask));
        steps.extend((self.fault != Fault::Nothing).then_some(Step::Fault));
        if self.left > 0 {
            steps.extend(asks().map(Step::LoseAnswer));
            if self.world.repeats {
                steps.extend(self.links.busy().map(|(from, to)| Step::Repeat(from, to)));
            }
            steps.extend(self.links.pairs().map(|(a, b)| Step::Break(a, b)));
            for who in (0..count).filter(on) {
                steps.push(Step::Crash { who, kept: false });
                steps.extend(self.devices[who].is_writing().then_some(Step::Crash { who, kept: true }));
            }
        }
        steps
    }

    /// Does one of [`steps`](Self::steps).
    ///
    /// # Errors
    /// When a promise is broken.
    pub(super) fn take(&mut self, step: Step) -> Result<(), Violation> {
        self.note(|| format!("— {step}"));
        self.left -= u8::from(step.is_mishap());
        match step {
            Step::Start(who) => self.start(who),
            Step::Connect(a, b) => self.connect(a, b),
            Step::Flush(who) => self.flush(who),
            Step::Deliver(from, to) => {
                let arrived = self.links.arrive(from, to);
                self.deliver(from, to, arrived)
            }
            Step::Repeat(from, to) => {
                let arrived = self.links.repeat(from, to);
                self.deliver(from, to, arrived)
            }
            Step::Cloud(who) => self.ask_cloud(who, false),
            Step::LoseAnswer(who) => self.ask_cloud(who, true),
            Step::Break(a, b) => self.disconnect(a, b),
            Step::Crash { who, kept } => self.die(who, kept),
            Step::Ask(who) => match self.tills.next(who) {
                Some(Next::Ask(ask)) => self.ask(who, *ask),
                Some(Next::Replace { number, planned }) => self.replace(who, number, planned),
                Some(Next::Image) => {
                    self.keep_image(who);
                    Ok(())
                }
                Some(Next::PutBack) => self.goes_back(who),
                Some(Next::LoseDisk) => {
                    self.images.lose();
                    self.goes_back(who)
                }
                Some(Next::Rest) => {
                    self.rests = true;
                    Ok(())
                }
                Some(Next::PowerCut) => self.die(who, false),
                None => Ok(()),
            },
            Step::Turn(a, b) => self.turn(a, b),
            Step::Fault => self.go_wrong(),
            Step::Tick => self.tick(),
        }?;
        self.look(step)
    }

    /// What holds after each step, and not only when everything is at rest.
    fn look(&mut self, step: Step) -> Result<(), Violation> {
        let Self { watch, seats, devices, links, cloud, now_ms, world, .. } = self;
        if world.replaces() {
            seats.look(devices)?;
        }
        // What two hold has changed, or who hears whom.
        if world.may_fork()
            && matches!(step, Step::Flush(_) | Step::Cloud(_) | Step::Connect(..) | Step::Turn(..))
        {
            watch.see_forks(*now_ms, devices, links.pairs(), cloud.events())?;
        }
        Ok(())
    }

    /// What tells this state from another: what everybody was told, and what is on its way.
    pub(super) fn key(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        self.devices.iter().for_each(|device| hash.update(device.history()));
        hash.update(self.cloud_history);
        self.links.hash(&mut hash);
        hash.update(self.tills.left());
        let to_come = self.fault != Fault::Nothing;
        hash.update([self.left, self.turns.0, u8::from(to_come), u8::from(self.claims_too_high)]);
        hash.update([u8::from(self.fault == self.world.fault), u8::from(self.loses_request)]);
        hash.update(self.turns.1.to_le_bytes());
        hash.update(self.now_ms.to_le_bytes());
        hash.finalize().into()
    }

    /// A till asks.
    ///
    /// # Errors
    /// When the answer breaks a promise.
    pub(super) fn ask(&mut self, place: usize, ask: Ask) -> Result<(), Violation> {
        let (now, device) = (self.now(), &mut self.devices[place]);
        let request = self.tills.asks(place, &ask, device.status().map(|status| status.durable).as_ref());
        if let Err(refusal) = device.ask(now, request, ask) {
            self.tills.answered(request, &Err(refusal), |event, basket| device.holds(event, basket))?;
        }
        self.drain(place)
    }

    fn start(&mut self, who: usize) -> Result<(), Violation> {
        let now = self.now();
        let open = self.devices[who].start(now)?;
        if let Some(status) = self.devices[who].status() {
            self.rights.starts(who, self.now_ms, status.author);
        }
        self.tills.lists_open(who, &open)?;
        self.drain(who)
    }

    fn connect(&mut self, a: usize, b: usize) -> Result<(), Violation> {
        let id = self.links.connect(a, b);
        let (at_a, at_b) = (self.devices[a].me(), self.devices[b].me());
        self.tell(a, Input::PeerUp(at_b, id))?;
        self.tell(b, Input::PeerUp(at_a, id))
    }

    fn disconnect(&mut self, a: usize, b: usize) -> Result<(), Violation> {
        let Some(id) = self.links.disconnect(a, b) else { return Ok(()) };
        self.seats.part(a, b);
        let (at_a, at_b) = (self.devices[a].me(), self.devices[b].me());
        self.tell(a, Input::PeerLost(at_b, id))?;
        self.tell(b, Input::PeerLost(at_a, id))
    }

    fn flush(&mut self, who: usize) -> Result<(), Violation> {
        let ids = self.devices[who].flush();
        if self.world.disks_lie {
            return Ok(());
        }
        ids.into_iter().try_for_each(|id| self.tell(who, Input::Persisted(id)))
    }

    fn deliver(&mut self, from: usize, to: usize, arrived: Option<Arrived>) -> Result<(), Violation> {
        let Some((id, frames)) = arrived else { return Ok(()) };
        let peer = self.devices[from].me();
        for frame in frames {
            self.rights.hears(to, peer, &frame);
            if frame.first() == Some(&ELECTION) {
                self.seats.hears(to, from);
            }
            self.tell(to, Input::Frame(peer, id, frame))?;
        }
        Ok(())
    }

    fn ask_cloud(&mut self, who: usize, lost: bool) -> Result<(), Violation> {
        let Some((id, request)) = self.devices[who].request() else { return Ok(()) };
        if std::mem::take(&mut self.loses_request) {
            return self.tell(who, Input::Uplink(id, Err(UplinkError::TimedOut)));
        }
        let bytes = request.encode();
        let mut hash = Sha256::new();
        hash.update(self.cloud_history);
        hash.update(self.now_ms.to_le_bytes());
        hash.update(&bytes);
        self.cloud_history = hash.finalize().into();
        let reply = self.cloud.receive(self.now_ms * 1_000, &bytes);
        let mut reply = reply.map_err(|error| Violation::new(Rule::Alive, error.to_string()))?;
        if let Fault::ClaimTooHigh(place) | Fault::ClaimStands(place) = self.world.fault
            && self.claims_too_high
            && raise(&mut reply, self.devices[place].me())
        {
            self.claims_too_high = matches!(self.world.fault, Fault::ClaimStands(_));
        }
        if !lost {
            self.rights.cloud_answers(who, &reply);
        }
        let reply = if lost { Err(UplinkError::TimedOut) } else { Ok(reply) };
        self.tell(who, Input::Uplink(id, reply))
    }

    /// A device dies, and who was connected to it notices.
    fn die(&mut self, who: usize, kept: bool) -> Result<(), Violation> {
        let now = self.now();
        self.devices[who].die(now, kept);
        self.watch.ends(who);
        self.tills.crashed(who);
        let ends: Vec<_> = self.links.pairs().filter(|(a, b)| *a == who || *b == who).collect();
        ends.into_iter().try_for_each(|(a, b)| self.disconnect(a, b))
    }

    fn go_wrong(&mut self) -> Result<(), Violation> {
        match std::mem::replace(&mut self.fault, Fault::Nothing) {
            Fault::Nothing
            | Fault::ClaimStands(_)
            | Fault::Clone(_)
            | Fault::NewBox(_)
            | Fault::ClockAhead(_)
            | Fault::InScript(_) => Ok(()),
            Fault::RequestLost => {
                self.loses_request = true;
                Ok(())
            }
            Fault::ClaimTooHigh(_) => {
                self.claims_too_high = true;
                Ok(())
            }
            Fault::PutBack(who) => self.goes_back(who),
            Fault::PutBackTwice(who) => {
                self.fault = Fault::PutBack(who);
                self.goes_back(who)
            }
            Fault::AllPutBack(who) => {
                self.cloud_goes_back();
                self.goes_back(who)
            }
            Fault::CloudPutBack => {
                self.cloud_goes_back();
                Ok(())
            }
            Fault::OldBox(_) | Fault::Branches(_) => {
                self.find();
                Ok(())
            }
        }
    }

    fn cloud_goes_back(&mut self) {
        if let Some(image) = self.images.cloud() {
            self.cloud.put_back(image);
            self.cloud_history = Sha256::digest(self.cloud_history).into();
        }
    }

    /// A disk goes for its image.
    ///
    /// # Errors
    /// When a disk holds a row that cannot be read.
    pub(super) fn goes_back(&mut self, who: usize) -> Result<(), Violation> {
        self.die(who, false)?;
        if let Fault::InScript(_) = self.world.fault {
            self.left = self.world.mishaps;
        }
        let image = self.images.disk();
        let held = held(&self.devices, &self.cloud, &image, who)?;
        self.tills.put_back(who, &held);
        self.put_back.insert(self.devices[who].me().terminal());
        let now = self.now();
        self.devices[who].put_back(now, image);
        Ok(())
    }

    /// An operator speaks, and is refused where the store decides nothing: it is said again.
    fn replace(&mut self, who: usize, number: u16, planned: bool) -> Result<(), Violation> {
        let now = self.now();
        match self.devices[who].replace(now, number, planned) {
            // The old box is heard: nobody takes its place then.
            Ok(()) | Err(ReplaceError::Connected { .. }) => {}
            Err(_) => self.tills.says_again(who, number, planned),
        }
        self.drain(who)
    }

    fn turn(&mut self, a: usize, b: usize) -> Result<(), Violation> {
        self.turns = (self.turns.0.saturating_sub(1), self.now_ms);
        if let Some((a, b)) = namesake(&self.devices, &self.links, a, b) {
            self.disconnect(a, b)?;
        }
        self.connect(a, b)
    }

    fn tick(&mut self) -> Result<(), Violation> {
        let Self { watch, rights, devices, links, cloud, now_ms, .. } = self;
        watch.look(*now_ms, devices, links.pairs(), cloud.events(), rights)?;
        let due = self.devices.iter().filter_map(Device::deadline).min();
        self.now_ms = due.map_or(self.now_ms + 1, |due| due.0.max(self.now_ms));
        for place in 0..self.devices.len() {
            if self.devices[place].deadline().is_some_and(|deadline| deadline.0 <= self.now_ms) {
                self.tell(place, Input::Timeout)?;
            }
        }
        Ok(())
    }

    /// Who is off hears nothing.
    fn tell(&mut self, place: usize, input: Input) -> Result<(), Violation> {
        if !self.devices[place].is_on() {
            return Ok(());
        }
        let now = self.now();
        self.devices[place].tell(now, input);
        self.drain(place)
    }

    /// Does everything that a terminal asks for; reads are answered at once.
    fn drain(&mut self, place: usize) -> Result<(), Violation> {
        while let Some(output) = self.devices[place].poll_output() {
            self.note(|| format!("    T{} > {}", place + 1, words(&output)));
            match output {
                Output::Persist(persist) | Output::Write(persist) => self.write(place, persist),
                Output::Load(load) => {
                    let rows = self.devices[place].read(&load);
                    let now = self.now();
                    self.devices[place].tell(now, Input::Loaded(load.id, rows));
                }
                Output::Transmit { connection, frame, .. } => {
                    let device = &self.devices[place];
                    self.rights.sends(place, self.now_ms, &frame, || device.status())?;
                    self.links.send(place, connection, frame);
                }
                Output::Uplink(id, request) => {
                    let device = &mut self.devices[place];
                    self.rights.asks_cloud(place, &request, || device.status())?;
                    device.asks_cloud(id, request);
                }
                Output::Reply(request, reply) => {
                    let device = &self.devices[place];
                    self.tills.answered(request, &reply, |event, basket| device.holds(event, basket))?;
                }
                Output::Notice(notice) => {
                    let me = self.devices[place].me();
                    self.watch.notice(&self.world, place, me, &notice)?;
                }
            }
        }
        if self.devices[place].has_stopped() {
            return Err(Violation::new(Rule::Alive, format!("{} has stopped", self.devices[place].me())));
        }
        Ok(())
    }

    fn write(&mut self, place: usize, persist: Persist) {
        let (id, now) = (persist.id, self.now());
        self.devices[place].write(persist);
        if self.world.disks_lie {
            self.devices[place].tell(now, Input::Persisted(id));
        }
    }

    fn note(&mut self, line: impl FnOnce() -> String) {
        let now_ms = self.now_ms;
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:8.3} {}", now_ms as f64 / 1_000.0, line()));
        }
    }
}
