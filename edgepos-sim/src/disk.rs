//! A disk that takes its time and forgets, in a power cut, what it has not reported as durable.

use std::collections::VecDeque;

use edgepos::{MemoryStore, Rows, Store};
use edgepos_core::{Jitter, Load, Persist, PersistId, Space, Write};

use crate::plan::{DiskStyle, Sabotage};

/// How often a disk that lies about flushes really flushes.
const LIE_US: u64 = 700_000;

/// One terminal's disk.
///
/// Writes that come in while a group is being flushed form the next group. A crash keeps a prefix of what was not reported yet,
/// each [`Persist`] whole or not at all; what was reported is safe, but that a power cut also takes what was only written, from some
/// write on.
#[derive(Debug)]
pub(crate) struct Disk {
    /// What was reported.
    durable: MemoryStore,
    /// What of it was written since the last flush, oldest first: which writes, and what was there before.
    loose: Vec<(Persist, Vec<Write>)>,
    queue: VecDeque<Job>,
    flushing: usize,
    style: DiskStyle,
    slow_until_us: u64,
    rng: Jitter,
    sabotage: Option<Sabotage>,
    truth: (u64, MemoryStore),
}

/// A write on its way.
#[derive(Debug)]
struct Job {
    persist: Persist,
    /// Whether it is flushed before it is reported.
    flush: bool,
}

impl Disk {
    /// An empty disk.
    pub(crate) fn new(style: DiskStyle, rng: Jitter, sabotage: Option<Sabotage>) -> Self {
        Self {
            durable: MemoryStore::new(),
            loose: Vec::new(),
            queue: VecDeque::new(),
            flushing: 0,
            style,
            slow_until_us: 0,
            rng,
            sabotage,
            truth: (0, MemoryStore::new()),
        }
    }

    /// Takes a write, which is flushed before it is reported or only written. Some: work begins and ends at that time; call
    /// [`finish`](Self::finish) then.
    pub(crate) fn push(&mut self, now_us: u64, persist: Persist, flush: bool) -> Option<u64> {
        self.queue.push_back(Job { persist, flush });
        (self.flushing == 0).then(|| self.begin(now_us))
    }

    /// The group ends: these writes are reported, in order. Some: the next one ends at that time.
    ///
    /// # Panics
    /// When a store in memory fails, which it never does.
    pub(crate) fn finish(&mut self, now_us: u64) -> (Vec<PersistId>, Option<u64>) {
        let jobs: Vec<Job> = self.queue.drain(..self.flushing).collect();
        let flush = jobs.iter().any(|job| job.flush);
        let mut group: Vec<Persist> = jobs.into_iter().map(|job| job.persist).collect();
        self.flushing = 0;
        self.spoil(now_us, &mut group);
        for persist in &group {
            if !flush {
                let before = persist.writes.iter().map(|write| self.before(write)).collect();
                self.loose.push((persist.clone(), before));
            }
            self.commit(persist);
        }
        if flush {
            self.loose.clear();
        }
        let next = (!self.queue.is_empty()).then(|| self.begin(now_us));
        (group.into_iter().map(|persist| persist.id).collect(), next)
    }

    /// How long a read takes, in microseconds.
    pub(crate) fn read_us(&mut self, now_us: u64) -> u64 {
        self.latency(now_us) / 2 + 50
    }

    /// The rows that were reported.
    ///
    /// # Panics
    /// When a store in memory fails, which it never does.
    pub(crate) fn read(&self, load: &Load) -> Rows {
        self.durable
            .scan(load.space, &load.from, &load.to, load.max_bytes)
            .expect("a store in memory does not fail")
    }

    /// The terminal's process is gone, and so are the writes behind a prefix of those not reported; with the power also those behind one
    /// that were written and not flushed. Which of these were reported.
    pub(crate) fn crash(&mut self, power: bool) -> Vec<Persist> {
        let mut lost = Vec::new();
        if self.sabotage == Some(Sabotage::DiskReportsEarly) {
            self.durable = self.truth.1.clone();
        } else {
            let kept = self.rng.range(0, self.queue.len() as u64 + 1) as usize;
            lost = if power { self.lose_loose() } else { Vec::new() };
            let prefix: Vec<Job> = self.queue.drain(..kept).collect();
            // What came later than something lost is lost as well.
            for job in prefix.into_iter().filter(|_| lost.is_empty()) {
                self.commit(&job.persist);
            }
        }
        self.loose.clear();
        self.queue.clear();
        self.flushing = 0;
        lost
    }

    fn lose_loose(&mut self) -> Vec<Persist> {
        let written = self.loose.len() as u64;
        let kept = if written == 0 { 0 } else { self.rng.range(0, written + 1) as usize };
        let lost = self.loose.split_off(kept);
        for (persist, before) in lost.iter().rev() {
            self.commit(&Persist { id: persist.id, writes: before.clone() });
        }
        lost.into_iter().map(|(persist, _)| persist).collect()
    }

    fn commit(&mut self, persist: &Persist) {
        self.durable.commit(std::slice::from_ref(persist)).expect("a store in memory does not fail");
    }

    /// The write that takes this one back.
    fn before(&self, write: &Write) -> Write {
        let (Write::Put { space, key, .. } | Write::Delete { space, key }) = write;
        let rows = self.durable.scan(*space, key, key, 1).expect("a store in memory does not fail");
        match rows.into_iter().next() {
            Some((key, value)) => Write::put(*space, key, value),
            None => Write::delete(*space, key.clone()),
        }
    }

    /// Each flush takes long until then.
    pub(crate) fn slow_until(&mut self, until_us: u64) {
        self.slow_until_us = self.slow_until_us.max(until_us);
    }

    /// Nothing is slow any more.
    pub(crate) fn heal(&mut self) {
        self.slow_until_us = 0;
    }

    /// Nothing is being written.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// What was reported: while the terminal is off, what is there.
    pub(crate) fn durable(&self) -> &MemoryStore {
        &self.durable
    }

    /// The device stops, and what is on its disk goes for this image.
    pub(crate) fn put_back(&mut self, image: MemoryStore) {
        self.loose.clear();
        self.queue.clear();
        self.flushing = 0;
        self.durable = image;
    }

    /// The same, for whoever else uses the device while its terminal is off.
    pub(crate) fn durable_mut(&mut self) -> &mut MemoryStore {
        &mut self.durable
    }

    fn begin(&mut self, now_us: u64) -> u64 {
        self.flushing = self.queue.len();
        let latency = self.latency(now_us);
        now_us + if self.queue.iter().any(|job| job.flush) { latency } else { latency / 10 + 1 }
    }

    fn latency(&mut self, now_us: u64) -> u64 {
        if self.sabotage == Some(Sabotage::DiskReportsEarly) {
            return 1;
        }
        if now_us < self.slow_until_us {
            return self.rng.range(50_000, self.style.slow_us.max(50_001));
        }
        self.rng.range(self.style.flush_us / 2, self.style.flush_us + 1)
    }

    /// What a broken disk does, for the tests of the checkers.
    fn spoil(&mut self, now_us: u64, group: &mut [Persist]) {
        match self.sabotage {
            Some(Sabotage::DiskReportsEarly) if now_us >= self.truth.0 + LIE_US => {
                self.truth = (now_us, self.durable.clone());
            }
            Some(Sabotage::DiskDropsEvent) if now_us > 10_000_000 => {
                let dropped = group.iter_mut().any(|persist| drop_first_event(&mut persist.writes));
                if dropped {
                    self.sabotage = None;
                }
            }
            Some(Sabotage::CountTwice) if now_us > 10_000_000 => {
                let doubled = group.iter_mut().any(|persist| double_first_counter(&mut persist.writes));
                if doubled {
                    self.sabotage = None;
                }
            }
            _ => {}
        }
    }
}

fn drop_first_event(writes: &mut Vec<Write>) -> bool {
    let found = writes.iter().position(|write| matches!(write, Write::Put { space: Space::Event, .. }));
    found.map(|at| writes.remove(at)).is_some()
}

/// A counter row is `[stamp, plus, minus, floor]`; its `plus` and `minus` are raised by one unit each of what they are.
fn double_first_counter(writes: &mut [Write]) -> bool {
    writes.iter_mut().any(|write| match write {
        Write::Put { space: Space::Counter, value, .. } => match doubled(value) {
            Some(twice) => {
                *value = twice;
                true
            }
            None => false,
        },
        _ => false,
    })
}

fn doubled(row: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = minicbor::Decoder::new(row);
    let length = decoder.array().ok()??;
    let (stamp, plus, minus) = (decoder.u64().ok()?, decoder.u64().ok()?, decoder.u64().ok()?);
    if plus == minus {
        return None;
    }
    let rest = &row[decoder.position()..];
    let mut encoder = minicbor::Encoder::new(Vec::new());
    encoder.array(length).ok()?.u64(stamp).ok()?.u64(plus * 2).ok()?.u64(minus * 2).ok()?;
    let mut twice = encoder.into_writer();
    twice.extend_from_slice(rest);
    Some(twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(id: u64, key: u8) -> Persist {
        Persist { id: PersistId(id), writes: vec![Write::put(Space::Day, [key], [1])] }
    }

    fn disk(seed: u64) -> Disk {
        Disk::new(DiskStyle { flush_us: 1_000, slow_us: 200_000 }, Jitter::new(seed), None)
    }

    fn keys(disk: &Disk) -> Vec<u8> {
        let load = Load {
            id: Default::default(),
            space: Space::Day,
            from: vec![0],
            to: vec![255],
            max_bytes: 1 << 20,
        };
        disk.read(&load).into_iter().map(|(key, _)| key[0]).collect()
    }

    #[test]
    fn a_write_is_durable_when_its_flush_has_ended_and_writes_meanwhile_form_one_group() {
        let mut disk = disk(1);
        let end = disk.push(0, put(1, 1), true).unwrap();
        assert!((500..=1_000).contains(&end));
        assert_eq!(disk.push(10, put(2, 2), true), None);
        assert_eq!(disk.push(20, put(3, 3), true), None);
        assert_eq!(keys(&disk), [] as [u8; 0]);
        let (ids, next) = disk.finish(end);
        assert_eq!(ids, [PersistId(1)]);
        assert_eq!(keys(&disk), [1]);
        let (ids, next) = disk.finish(next.unwrap());
        assert_eq!(ids, [PersistId(2), PersistId(3)]);
        assert_eq!(next, None);
    }

    #[test]
    fn a_crash_keeps_what_was_reported_and_a_prefix_of_the_rest() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..64 {
            let mut disk = disk(seed);
            let end = disk.push(0, put(1, 1), true).unwrap();
            disk.finish(end);
            for id in 2..=4 {
                disk.push(end, put(id, id as u8), true);
            }
            disk.crash(true);
            let kept = keys(&disk);
            assert!([1, 2, 3, 4].starts_with(&kept) && !kept.is_empty(), "{kept:?}");
            seen.insert(kept.len());
        }
        assert_eq!(seen.len(), 4, "every prefix happens: {seen:?}");
    }

    /// The end of the process takes nothing that was written; a power cut takes from some write on what no flush came after.
    #[test]
    fn what_is_only_written_is_safe_from_the_next_flush_on() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..64 {
            for (power, flush) in [(false, false), (true, false), (true, true)] {
                let mut disk = disk(seed);
                for (id, key) in [(1, 1), (2, 2), (3, 1)] {
                    let end = disk.push(0, put(id, key), false).unwrap();
                    assert!(end <= 101);
                    assert_eq!(disk.finish(end).0, [PersistId(id)]);
                }
                assert_eq!(keys(&disk), [1, 2]);
                if flush {
                    let end = disk.push(0, Persist { id: PersistId(4), writes: Vec::new() }, true).unwrap();
                    disk.finish(end);
                }
                let lost = disk.crash(power).len();
                assert!(lost == 0 || (power && !flush));
                assert_eq!(keys(&disk), [vec![1, 2], vec![1, 2], vec![1], vec![]][lost]);
                seen.insert(lost);
            }
        }
        assert_eq!(seen.len(), 4, "every part is lost: {seen:?}");
    }

    #[test]
    fn a_slow_disk_is_slow_until_it_heals() {
        let mut disk = disk(3);
        disk.slow_until(10_000_000);
        assert!(disk.push(0, put(1, 1), true).unwrap() >= 50_000);
        disk.finish(60_000);
        disk.heal();
        assert!(disk.push(60_000, put(2, 2), true).unwrap() <= 61_000);
    }

    #[test]
    fn a_lying_disk_loses_what_it_reported() {
        let mut disk = Disk::new(
            DiskStyle { flush_us: 1_000, slow_us: 200_000 },
            Jitter::new(1),
            Some(Sabotage::DiskReportsEarly),
        );
        let end = disk.push(0, put(1, 1), true).unwrap();
        assert_eq!(disk.finish(end).0, [PersistId(1)]);
        assert_eq!(keys(&disk), [1]);
        disk.crash(true);
        assert_eq!(keys(&disk), [] as [u8; 0]);
    }

    #[test]
    fn a_row_of_a_counter_is_doubled() {
        let mut encoder = minicbor::Encoder::new(Vec::new());
        encoder.array(4).unwrap().u64(7).unwrap().u64(5).unwrap().u64(2).unwrap().null().unwrap();
        let row = encoder.into_writer();
        assert_eq!(doubled(&row).unwrap(), [0x84, 7, 10, 4, 0xF6]);
        assert_eq!(doubled(&[0x84, 7, 0, 0, 0xF6]), None);
        assert_eq!(doubled(b"no row"), None);
    }
}
