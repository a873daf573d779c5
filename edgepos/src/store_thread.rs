//! The thread that the store lives on: groups what waits into one flush, and repeats what can be repeated.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use edgepos_core::{Load, Persist};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tracing::{info, warn};

use crate::handover::{Done, Job, Round};
use crate::ports::{Rows, Sealing, Store, StoreError, StoreFailure};
use crate::terminal::Disk;

/// Writes that share one flush at most.
const MAX_GROUP: usize = 256;
/// Rounds of the driver that a group waits for at most: two are what a sale takes from one flush to the next, a read and a write.
const MAX_ROUNDS: u32 = 6;
/// How long it waits for a driver that says nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a thread with nothing to do waits before it looks at the disk's room again.
const LOOK: Duration = Duration::from_secs(1);
/// What free space is told in.
const MIB: u64 = 1 << 20;
/// How long sales have the disk to themselves between two calls that seal old events.
const SEALING_PAUSE: Duration = Duration::from_millis(200);
/// First and longest wait before a group is committed again.
const RETRY: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// Why the thread ends.
enum End {
    /// The driver has gone: nobody hears the answers.
    Gone,
    /// The store failed for good.
    Failed(StoreError),
}

/// The store and what it has still to do.
struct Worker {
    store: Box<dyn Store>,
    done: UnboundedSender<Vec<Done>>,
    /// Answers that are told together.
    answers: Vec<Done>,
    /// How many batches of answers were told, and how many of them the driver has heard.
    told: u64,
    heard: u64,
    /// How many rounds of the driver `waiting` has waited for.
    rounds: u32,
    waiting: VecDeque<Persist>,
    /// How many of `waiting`, from its front, were tried together and are tried together again.
    group: usize,
    /// How many of `waiting`, from its front, there are up to the last one that must be durable before it is reported.
    urgent: usize,
    loads: VecDeque<(Load, Asker)>,
    promised: u64,
    disk: Disk,
    damage: Option<String>,
    looked: Option<Instant>,
    /// Whether it was said that the store cannot tell how much is free.
    cannot_tell: bool,
    retry: Option<Retry>,
    /// A round of sealing that is under way, and when it goes on.
    sealing: Option<(Sealing, Instant)>,
}

/// Who is told what a read brought.
enum Asker {
    Terminal,
    Reader(oneshot::Sender<Rows>),
}

/// A group is tried again.
struct Retry {
    at: Instant,
    wait: Duration,
}

/// Serves the store until the driver is gone or something fatal happens.
pub(crate) fn serve(store: Box<dyn Store>, queue: &Receiver<Round>, done: UnboundedSender<Vec<Done>>) {
    let mut worker = Worker {
        store,
        done,
        answers: Vec::new(),
        told: 0,
        heard: 0,
        rounds: 0,
        waiting: VecDeque::new(),
        group: 0,
        urgent: 0,
        loads: VecDeque::new(),
        promised: 0,
        disk: Disk::default(),
        damage: None,
        looked: None,
        cannot_tell: false,
        retry: None,
        sealing: None,
    };
    while worker.take(queue) {
        match worker.work() {
            Ok(()) => {}
            Err(End::Failed(error)) => return worker.fail(error),
            Err(End::Gone) => break,
        }
    }
    worker.end();
}

impl Worker {
    /// Takes what waits, or waits for it. Whether the driver is still there.
    fn take(&mut self, queue: &Receiver<Round>) -> bool {
        let nap = match &self.retry {
            Some(retry) => retry.at.saturating_duration_since(Instant::now()),
            None if !self.waiting.is_empty() && !self.awaits_driver() => Duration::ZERO,
            None if !self.waiting.is_empty() => PATIENCE,
            None => {
                self.sealing.as_ref().map_or(LOOK, |(_, at)| at.saturating_duration_since(Instant::now()))
            }
        };
        match queue.recv_timeout(nap) {
            Ok(round) => self.put_round(round),
            // A driver that stands still keeps no write from the disk.
            Err(RecvTimeoutError::Timeout) if !self.waiting.is_empty() => self.rounds = MAX_ROUNDS,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        queue.try_iter().take(MAX_GROUP - 1).for_each(|round| self.put_round(round));
        true
    }

    fn put_round(&mut self, round: Round) {
        self.heard = round.heard;
        self.rounds += u32::from(!self.waiting.is_empty());
        round.jobs.into_iter().for_each(|job| self.put(job));
    }

    /// Whether the driver has answers that it has not heard. Callers go on with them, and their writes are to share the next flush. It
    /// is never long: the driver does what is ready and says so, however little that is.
    fn awaits_driver(&self) -> bool {
        self.heard < self.told && self.rounds < MAX_ROUNDS
    }

    fn put(&mut self, job: Job) {
        match job {
            Job::Commit(persist) => {
                self.waiting.push_back(persist);
                self.urgent = self.waiting.len();
            }
            Job::Write(persist) => self.waiting.push_back(persist),
            Job::Load(load) => self.loads.push_back((load, Asker::Terminal)),
            Job::Read(load, reader) => self.loads.push_back((load, Asker::Reader(reader))),
            Job::Promise(promised) => {
                self.promised = promised;
                self.looked = None;
            }
            Job::Seal(sealing) => {
                let at = self.sealing.take().map_or_else(Instant::now, |(_, at)| at);
                self.sealing = Some((sealing, at));
            }
        }
    }

    /// One turn: the reads, then the writes. A read need not see what was not reported as durable, so it does not wait for a flush: a
    /// commit that asks for its key would queue behind those of other callers, and behind a write that is being repeated.
    fn work(&mut self) -> Result<(), End> {
        self.read()?;
        self.tell()?;
        let mut waits = self.disk.waits;
        let is_due = match &self.retry {
            Some(retry) => Instant::now() >= retry.at,
            None => !self.awaits_driver(),
        };
        if is_due {
            waits = self.commit()?;
        }
        self.look(waits);
        self.tell()?;
        self.seal()
    }

    /// Goes on with a round of sealing, where nothing else is to be done.
    fn seal(&mut self) -> Result<(), End> {
        if !self.waiting.is_empty() || self.retry.is_some() {
            return Ok(());
        }
        let now = Instant::now();
        let Some((sealing, _)) = self.sealing.take_if(|(_, at)| *at <= now) else { return Ok(()) };
        match self.store.seal(&sealing) {
            Ok(true) => self.sealing = Some((sealing, Instant::now() + SEALING_PAUSE)),
            Ok(false) => {}
            Err(error) if error.failure == StoreFailure::Fatal => return Err(End::Failed(error)),
            // The next round tries again.
            Err(error) => warn!(%error, "old events stay as they are for now"),
        }
        Ok(())
    }

    /// Tells what there are answers to, all at once.
    fn tell(&mut self) -> Result<(), End> {
        if self.answers.is_empty() {
            return Ok(());
        }
        self.told += 1;
        self.done.send(std::mem::take(&mut self.answers)).map_err(|_| End::Gone)
    }

    /// Commits the next group, or the one that failed before. Why it must be tried again, where it must.
    fn commit(&mut self) -> Result<Option<StoreFailure>, End> {
        if self.group == 0 {
            self.group = self.waiting.len().min(MAX_GROUP);
        }
        let group = &self.waiting.make_contiguous()[..self.group];
        let committed = match (group, self.urgent) {
            ([], _) => Ok(()),
            (group, 0) => self.store.write(group),
            (group, _) => self.store.commit(group),
        };
        match committed {
            Ok(()) => {
                (self.retry, self.rounds) = (None, 0);
                self.urgent = self.urgent.saturating_sub(self.group);
                let group = self.waiting.drain(..std::mem::take(&mut self.group));
                self.answers.extend(group.map(|persist| Done::Persisted(persist.id)));
                self.tell()?;
                Ok(None)
            }
            Err(error) if error.failure == StoreFailure::Fatal => Err(End::Failed(error)),
            Err(error) => {
                let wait = self.retry.as_ref().map_or(RETRY.0, |retry| (retry.wait * 2).min(RETRY.1));
                self.retry = Some(Retry { at: Instant::now() + wait, wait });
                Ok(Some(error.failure))
            }
        }
    }

    /// Answers the reads. One that the store cannot do at the moment is done later.
    fn read(&mut self) -> Result<(), End> {
        while let Some((load, _)) = self.loads.front() {
            match self.store.scan(load.space, &load.from, &load.to, load.max_bytes) {
                Ok(rows) => {
                    match self.loads.pop_front() {
                        // A reader that has gone does not need its answer.
                        Some((_, Asker::Reader(reader))) => drop(reader.send(rows)),
                        Some((load, Asker::Terminal)) => self.answers.push(Done::Loaded(load.id, rows)),
                        None => {}
                    }
                }
                Err(error) if error.failure == StoreFailure::Fatal => return Err(End::Failed(error)),
                Err(_) => {
                    let wait = RETRY.1;
                    self.retry.get_or_insert_with(|| Retry { at: Instant::now() + wait, wait });
                    break;
                }
            }
        }
        Ok(())
    }

    /// Tells how the disk is, where that has changed.
    fn look(&mut self, waits: Option<StoreFailure>) {
        let mut disk = Disk { waits, ..self.disk };
        if waits == Some(StoreFailure::Full) || self.looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
            self.looked = Some(Instant::now());
            disk.room = self.store.set_aside(self.promised);
            // In whole MiB: what every write changes a little is no news.
            disk.free = self.store.free_bytes().map(|free| free & !(MIB - 1));
            if disk.free.is_none() && !std::mem::replace(&mut self.cannot_tell, true) {
                info!("the store cannot tell how much of its disk is free: a low one is not told");
            }
        }
        let damage = self.store.damage();
        if damage != self.damage {
            self.damage.clone_from(&damage);
            self.answers.push(Done::Damage(damage));
        }
        if disk != self.disk {
            self.disk = disk;
            self.answers.push(Done::Disk(disk));
        }
    }

    /// The store is not touched again: dropping it frees its files.
    fn fail(self, error: StoreError) {
        let Self { store, done, .. } = self;
        drop(store);
        // The driver may be gone.
        let _ = done.send(vec![Done::Failed(error)]);
    }

    /// A clean stop. What was not acknowledged may be lost, as in a crash: it is tried once more.
    fn end(mut self) {
        while !self.waiting.is_empty() {
            if !matches!(self.commit(), Ok(None)) {
                break;
            }
        }
        let Self { store, done, .. } = self;
        if let Err(error) = store.close() {
            warn!(%error, "the store could not be tidied up");
        }
        // Only here: the driver takes the end of the channel for the end of the thread.
        drop(done);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Arc, Mutex};

    use edgepos_core::{LoadId, PersistId, Space, Write};
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::ports::MemoryStore;

    /// Fails as it is told, and remembers what it was asked to commit.
    #[derive(Clone, Default)]
    struct Scripted {
        failure: Arc<Mutex<Option<StoreFailure>>>,
        tried: Arc<Mutex<Vec<Vec<u64>>>>,
        closed: Arc<Mutex<bool>>,
        rows: Arc<Mutex<MemoryStore>>,
    }

    impl Store for Scripted {
        fn commit(&mut self, group: &[Persist]) -> Result<(), StoreError> {
            self.tried.lock().unwrap().push(group.iter().map(|persist| persist.id.0).collect());
            match *self.failure.lock().unwrap() {
                Some(failure) => Err(StoreError::plain("scripted").of_kind(failure)),
                None => self.rows.lock().unwrap().commit(group),
            }
        }

        fn scan(&self, space: Space, from: &[u8], to: &[u8], max_bytes: u32) -> Result<Rows, StoreError> {
            self.rows.lock().unwrap().scan(space, from, to, max_bytes)
        }

        fn set_aside(&mut self, promised: u64) -> u64 {
            if *self.failure.lock().unwrap() == Some(StoreFailure::Full) { 0 } else { 1_000 + promised }
        }

        fn close(self: Box<Self>) -> Result<(), StoreError> {
            *self.closed.lock().unwrap() = true;
            Ok(())
        }
    }

    fn start(store: &Scripted) -> (Sender<Round>, UnboundedReceiver<Vec<Done>>) {
        let (jobs, queue) = channel();
        let (done, answers) = unbounded_channel();
        let store = Box::new(store.clone());
        std::thread::spawn(move || serve(store, &queue, done));
        (jobs, answers)
    }

    fn persist(id: u64) -> Job {
        let writes = vec![Write::put(Space::Series, [1], id.to_be_bytes())];
        Job::Commit(Persist { id: PersistId(id), writes })
    }

    fn load(id: u64) -> Job {
        Job::Load(Load { id: LoadId(id), space: Space::Series, from: vec![1], to: vec![1], max_bytes: 9 })
    }

    /// From a driver that hears everything at once.
    fn round(job: Job) -> Round {
        Round { jobs: vec![job], heard: u64::MAX }
    }

    /// The answers in words, until one that ends it.
    fn hear(answers: &mut UnboundedReceiver<Vec<Done>>, until: &str) -> Vec<String> {
        let mut heard: Vec<String> = Vec::new();
        while heard.last().is_none_or(|last| last != until) {
            let Some(batch) = answers.blocking_recv() else {
                heard.push("closed".into());
                continue;
            };
            heard.extend(batch.into_iter().map(|done| match done {
                Done::Persisted(id) => format!("persisted {}", id.0),
                Done::Loaded(id, rows) => format!("loaded {} {}", id.0, rows.len()),
                Done::Disk(disk) => format!("disk {} {:?}", disk.room, disk.waits),
                Done::Damage(damage) => format!("damage {damage:?}"),
                Done::Failed(error) => format!("failed {error}"),
            }));
        }
        heard
    }

    #[test]
    fn a_group_is_repeated_in_order_while_reads_are_answered() {
        for (failure, told) in
            [(StoreFailure::Busy, "disk 1000 Some(Busy)"), (StoreFailure::Full, "disk 0 Some(Full)")]
        {
            let store = Scripted::default();
            let (jobs, mut answers) = start(&store);
            jobs.send(round(persist(1))).unwrap();
            hear(&mut answers, "disk 1000 None");
            *store.failure.lock().unwrap() = Some(failure);
            jobs.send(round(persist(2))).unwrap();
            hear(&mut answers, told);
            jobs.send(round(persist(3))).unwrap();
            jobs.send(round(load(1))).unwrap();
            assert_eq!(hear(&mut answers, "loaded 1 1"), ["loaded 1 1"], "nothing else is told meanwhile");
            *store.failure.lock().unwrap() = None;
            let heard = hear(&mut answers, "disk 1000 None");
            assert!(heard.contains(&"persisted 2".to_owned()), "{heard:?}");
            let tried = store.tried.lock().unwrap().clone();
            assert!(
                tried.iter().filter(|group| **group == [2]).count() >= 2,
                "the same group again: {tried:?}"
            );
            if !heard.contains(&"persisted 3".to_owned()) {
                hear(&mut answers, "persisted 3");
            }
            drop(jobs);
            assert_eq!(hear(&mut answers, "closed"), ["closed"]);
            assert!(*store.closed.lock().unwrap());
        }
    }

    #[test]
    fn what_is_fatal_ends_it_and_a_stop_does_not_wait_for_what_cannot_be_written() {
        let store = Scripted::default();
        *store.failure.lock().unwrap() = Some(StoreFailure::Busy);
        let (jobs, mut answers) = start(&store);
        jobs.send(round(persist(1))).unwrap();
        drop(jobs);
        assert!(!hear(&mut answers, "closed").contains(&"persisted 1".to_owned()));
        assert!(*store.closed.lock().unwrap());

        let store = Scripted::default();
        *store.failure.lock().unwrap() = Some(StoreFailure::Fatal);
        let (jobs, mut answers) = start(&store);
        jobs.send(round(persist(1))).unwrap();
        assert_eq!(hear(&mut answers, "closed"), ["failed scripted", "closed"]);
        assert!(!*store.closed.lock().unwrap(), "nothing is tidied up in doubt");
        drop(jobs);
    }

    /// Callers who are answered together come back one by one: the first of them does not begin a flush of its own.
    #[test]
    fn a_group_waits_for_what_the_driver_makes_of_its_answers() {
        let store = Scripted::default();
        let (jobs, mut answers) = start(&store);
        jobs.send(Round { jobs: vec![persist(1), load(1)], heard: 0 }).unwrap();
        // A batch each: what was read, and how the disk is.
        hear(&mut answers, "disk 1000 None");
        assert_eq!(store.tried.lock().unwrap().len(), 0, "its answer may bring more");
        jobs.send(Round { jobs: vec![persist(2)], heard: 2 }).unwrap();
        hear(&mut answers, "persisted 2");
        jobs.send(Round { jobs: vec![persist(3)], heard: 2 }).unwrap();
        jobs.send(Round { jobs: Vec::new(), heard: 3 }).unwrap();
        hear(&mut answers, "persisted 3");
        assert_eq!(*store.tried.lock().unwrap(), [vec![1, 2], vec![3]]);
        drop(jobs);
        hear(&mut answers, "closed");
    }

    #[test]
    fn a_group_does_not_wait_without_end() {
        let store = Scripted::default();
        let (jobs, mut answers) = start(&store);
        jobs.send(Round { jobs: vec![persist(1), load(1)], heard: 0 }).unwrap();
        for id in 2..=u64::from(MAX_ROUNDS) + 1 {
            hear(&mut answers, &format!("loaded {} 0", id - 1));
            jobs.send(Round { jobs: vec![load(id)], heard: 0 }).unwrap();
        }
        hear(&mut answers, "persisted 1");
        drop(jobs);
        hear(&mut answers, "closed");
    }

    #[test]
    fn what_is_promised_is_set_aside_at_once() {
        let store = Scripted::default();
        let (jobs, mut answers) = start(&store);
        jobs.send(round(Job::Promise(77))).unwrap();
        hear(&mut answers, "disk 1077 None");
        drop(jobs);
    }
}
