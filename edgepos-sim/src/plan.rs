//! Everything that a seed decides before the first happening: how many terminals, how the network behaves, which faults come.

use edgepos_core::{Jitter, ReplicaId, StoreGeneration, StoreId};

use crate::moments::Moment;

/// What draws random numbers. Each has its own generator, so that one more draw in one place does not change another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum Purpose {
    /// The options of the run.
    Plan = 1,
    /// Delays, losses, reconnects.
    Network = 2,
    /// Flushes and what a crash keeps.
    Disk = 3,
    /// Clocks' offsets and rates.
    Clock = 4,
    /// The cloud's delays and failures.
    Cloud = 5,
    /// What customers and cashiers do.
    Till = 6,
    /// Which faults come when.
    Faults = 7,
    /// The seeds given to the terminals.
    Terminal = 8,
    /// What happens at a restart.
    Restart = 9,
    /// What a later version does and says.
    Later = 10,
    /// Which disks are put back when.
    Images = 11,
    /// What managers decide.
    Manager = 12,
    /// When all boxes, or the cloud, are put back.
    Boxes = 13,
    /// What comes down from the head office.
    HeadOffice = 14,
    /// What clerks do beside sales, and what the head office says but for prices.
    Clerk = 15,
    /// The names of boxes that take the place of others.
    Operator = 16,
}

/// A part that is broken on purpose, so that tests can show that a checker notices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
    /// Disks report a write as durable before it is; a crash then loses it.
    DiskReportsEarly,
    /// A disk leaves out one event of a write and keeps the rest of the write.
    DiskDropsEvent,
    /// One counter row is moved twice by one event.
    CountTwice,
    /// The cloud acknowledges one append and stores none of its events.
    CloudForgets,
    /// The cloud is never reached again after the faults.
    CloudStaysAway,
}

/// How links behave while faults last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetworkStyle {
    /// Frames arrive in order and are not lost while the connection lives, as over TCP. Otherwise as datagrams.
    pub stream: bool,
    /// Shortest way, in microseconds.
    pub delay_us: u64,
    /// Drawn on top for each frame, up to this, in microseconds.
    pub jitter_us: u64,
    /// Frames lost of a million. Over a stream none are.
    pub loss_ppm: u64,
    /// Frames that arrive twice of a million. Over a stream none do.
    pub duplicate_ppm: u64,
    /// Frames that are late by up to half a second of a million.
    pub hiccup_ppm: u64,
}

/// How disks behave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskStyle {
    /// Longest flush, in microseconds; the shortest takes half.
    pub flush_us: u64,
    /// Longest flush of a slow phase, in microseconds; the shortest takes 50 ms.
    pub slow_us: u64,
}

/// How the cloud is reached while faults last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CloudStyle {
    /// Longest way in one direction, in microseconds.
    pub delay_us: u64,
    /// Requests that never arrive, of a million.
    pub lost_request_ppm: u64,
    /// Replies that never arrive, of a million.
    pub lost_reply_ppm: u64,
    /// Requests that arrive twice, of a million.
    pub duplicate_ppm: u64,
    /// Requests that arrive long after the asker has given up, of a million.
    pub late_ppm: u64,
}

/// What the tills do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TillStyle {
    /// Mean pause between two customers of one till, in microseconds.
    pub pause_us: u64,
    /// Replies that the till never sees, of a million.
    pub lost_reply_ppm: u64,
    /// Returns of a hundred wishes.
    pub returns_pct: u64,
    /// Returns that are tried at a second till as well, of a hundred.
    pub twice_pct: u64,
    /// Sales of a hundred whose answer was lost that are asked for at another till.
    pub walks_pct: u64,
    /// Largest body of a vendor's own event, in bytes. A large one makes batches that do not fit one frame.
    pub bulk_bytes: u64,
    /// The moment that plans of prices begin or end at, ms since 1970 UTC.
    pub moment_ms: u64,
    /// Whether disks are put back in this store: a till takes it that its terminal has forgotten, or knows more than it was asked.
    pub forgiving: bool,
}

/// Which faults come, and how often. Each seed takes some kinds and leaves others, so that rare combinations happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultStyle {
    /// Mean time between two faults, in microseconds.
    pub pause_us: u64,
    /// One terminal's process dies.
    pub crash: bool,
    /// One device loses power.
    pub power: bool,
    /// All lose power.
    pub blackout: bool,
    /// The network splits in two.
    pub partition: bool,
    /// One direction of one link fails.
    pub one_way: bool,
    /// Whoever leads is cut off.
    pub isolate_leader: bool,
    /// Connections die without a reason.
    pub cut: bool,
    /// The cloud is away for all.
    pub outage: bool,
    /// The cloud is away for one.
    pub no_uplink: bool,
    /// One disk is slow.
    pub slow_disk: bool,
    /// One wall clock is set.
    pub clock_jump: bool,
    /// One process stands still.
    pub stall: bool,
    /// Whoever leads is asked to hand over.
    pub step_down: bool,
}

/// What of a store is of a later version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LaterStyle {
    /// Whether one terminal, never the first, is of a later version, and if so a number that says which.
    pub terminal: Option<u64>,
    /// Whether a later version uses a device while it is cut off, before this version starts on its disk again.
    pub downgrades: bool,
    /// Whether terminals are at times started as a version that does not know the store's feature level.
    pub behind: bool,
}

/// The options of one run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Where everything comes from.
    pub seed: u64,
    /// 2 to 7.
    pub terminals: usize,
    /// How long faults last, in microseconds.
    pub faults_us: u64,
    /// How long the healed store may take until it is quiet, in microseconds.
    pub deadline_us: u64,
    /// Where it stands, and which moment its clocks cross.
    pub moment: Moment,
    /// How links behave.
    pub network: NetworkStyle,
    /// How disks behave.
    pub disk: DiskStyle,
    /// How the cloud is reached.
    pub cloud: CloudStyle,
    /// What the tills do.
    pub till: TillStyle,
    /// Which faults come, and how often.
    pub faults: FaultStyle,
    /// What is of a later version.
    pub later: LaterStyle,
    /// Whether disks are put back to older images.
    pub images: bool,
    /// Whether the cloud is put back to an older image, alone or with the disks of all tills.
    pub boxes: bool,
    /// What is broken on purpose; nothing but in tests.
    pub sabotage: Option<Sabotage>,
}

impl Plan {
    /// The options that belong to a seed.
    pub fn from_seed(seed: u64) -> Self {
        let mut rng = Jitter::derive(seed, &[Purpose::Plan as u64]);
        let terminals = pick(&mut rng, &[2, 3, 3, 3, 4, 5, 5, 5, 6, 7]);
        let stream = rng.range(0, 3) > 0;
        Self {
            seed,
            terminals,
            faults_us: 60_000_000,
            deadline_us: 180_000_000,
            moment: Moment::of_seed(seed),
            network: NetworkStyle {
                stream,
                delay_us: rng.range(100, 2_000),
                jitter_us: pick(&mut rng, &[500, 3_000, 20_000]),
                loss_ppm: if stream { 0 } else { pick(&mut rng, &[0, 5_000, 20_000, 80_000]) },
                duplicate_ppm: if stream { 0 } else { pick(&mut rng, &[0, 10_000, 50_000]) },
                hiccup_ppm: pick(&mut rng, &[0, 1_000, 10_000]),
            },
            disk: DiskStyle {
                flush_us: pick(&mut rng, &[300, 2_000, 10_000, 30_000]),
                slow_us: pick(&mut rng, &[100_000, 300_000, 1_000_000]),
            },
            cloud: CloudStyle {
                // Round trips of 10, 80, 160 and 600 ms.
                delay_us: pick(&mut rng, &[5_000, 40_000, 80_000, 300_000]),
                lost_request_ppm: pick(&mut rng, &[0, 20_000, 150_000]),
                lost_reply_ppm: pick(&mut rng, &[0, 20_000, 150_000]),
                duplicate_ppm: pick(&mut rng, &[0, 20_000, 150_000]),
                late_ppm: pick(&mut rng, &[0, 10_000, 50_000]),
            },
            till: TillStyle {
                pause_us: pick(&mut rng, &[60_000, 300_000, 300_000, 1_000_000, 3_000_000]),
                lost_reply_ppm: pick(&mut rng, &[0, 30_000, 150_000]),
                returns_pct: pick(&mut rng, &[5, 10, 25]),
                twice_pct: pick(&mut rng, &[20, 50]),
                walks_pct: 25,
                bulk_bytes: pick(&mut rng, &[100, 2_000, 60_000]),
                moment_ms: Moment::of_seed(seed).at_ms,
                forgiving: false,
            },
            faults: fault_style(&mut rng),
            later: LaterStyle::default(),
            images: false,
            boxes: false,
            sabotage: None,
        }
    }

    /// The same run with something of a later version in it.
    #[must_use]
    pub fn with_later(self) -> Self {
        let mut rng = self.rng(Purpose::Later, usize::MAX);
        let which = rng.next_u64() >> 8;
        let (terminal, downgrades) =
            pick(&mut rng, &[(true, false), (true, true), (true, true), (false, true)]);
        let behind = rng.range(0, 3) == 0;
        // A later version sells by itself: nobody asks it again.
        let till = TillStyle { walks_pct: 0, ..self.till };
        Self { later: LaterStyle { terminal: terminal.then_some(which), downgrades, behind }, till, ..self }
    }

    /// The same run with disks that are put back to older images.
    #[must_use]
    pub fn with_images(self) -> Self {
        let till = TillStyle { forgiving: true, ..self.till };
        // Two voters of which one's disk was put back decide nothing until somebody replaces it.
        Self { images: true, till, terminals: self.terminals.max(3), ..self }
    }

    /// The same run with a cloud that is put back, alone or with all tills.
    #[must_use]
    pub fn with_boxes(self) -> Self {
        let till = TillStyle { forgiving: true, ..self.till };
        Self { boxes: true, till, terminals: self.terminals.max(3), ..self }
    }

    /// Whether anything is put back, so that two histories of one chain are no wonder.
    pub fn goes_back(&self) -> bool {
        self.images || self.boxes
    }

    /// The place of the terminal that is of a later version.
    pub fn later_place(&self) -> Option<usize> {
        self.later.terminal.map(|which| 1 + (which % (self.terminals as u64 - 1)) as usize)
    }

    /// The same run with something broken on purpose.
    #[must_use]
    pub fn with_sabotage(self, sabotage: Sabotage) -> Self {
        Self { sabotage: Some(sabotage), ..self }
    }

    /// A generator for one purpose of one terminal; `who` is 0 where there is only one.
    pub fn rng(&self, purpose: Purpose, who: usize) -> Jitter {
        Jitter::derive(self.seed, &[purpose as u64, who as u64])
    }

    /// The store's id.
    pub fn store(&self) -> StoreId {
        let mut id = *b"simulated-store-";
        id[8..].copy_from_slice(&self.seed.to_be_bytes());
        StoreId(id)
    }

    /// The store's generation.
    pub fn generation(&self) -> StoreGeneration {
        StoreGeneration(0)
    }

    /// The incarnations, by the terminals' numbers from 1 on.
    pub fn replicas(&self) -> Vec<ReplicaId> {
        let mut rng = self.rng(Purpose::Terminal, usize::MAX);
        (1..=self.terminals).map(|number| ReplicaId::new(number as u16, rng.next_u64())).collect()
    }

    /// How many of the terminals vote: the first five by rising id.
    pub fn voters(&self) -> usize {
        self.terminals.min(5)
    }
}

/// Each kind with its own chance, drawn anew for each seed.
fn fault_style(rng: &mut Jitter) -> FaultStyle {
    let mut on = |pct: u64| rng.range(0, 100) < pct;
    let mut style = FaultStyle {
        pause_us: 0,
        crash: on(70),
        power: on(50),
        blackout: on(25),
        partition: on(60),
        one_way: on(40),
        isolate_leader: on(50),
        cut: on(50),
        outage: on(40),
        no_uplink: on(40),
        slow_disk: on(40),
        clock_jump: on(40),
        stall: on(40),
        step_down: on(20),
    };
    style.pause_us = pick(rng, &[1_500_000, 4_000_000, 10_000_000]);
    style
}

/// One of the choices.
///
/// # Panics
/// When there is none.
pub(crate) fn pick<T: Copy>(rng: &mut Jitter, choices: &[T]) -> T {
    choices[rng.range(0, choices.len() as u64) as usize]
}

/// Whether something of so many in a million happens this time.
pub(crate) fn happens(rng: &mut Jitter, ppm: u64) -> bool {
    ppm > 0 && rng.range(0, 1_000_000) < ppm
}

/// An exponential pause in microseconds, cut at eight times the mean.
pub(crate) fn pause(rng: &mut Jitter, mean_us: u64) -> u64 {
    // The logarithm of a uniform draw, in halves: integer arithmetic gives the same on every platform.
    let halvings = u64::from(rng.next_u64().leading_zeros()).min(11);
    let half_life = mean_us * 7 / 10;
    halvings * half_life + rng.range(0, half_life.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_plan() {
        assert_eq!(Plan::from_seed(7), Plan::from_seed(7));
        let sizes: std::collections::BTreeSet<_> =
            (0..200).map(|seed| Plan::from_seed(seed).terminals).collect();
        assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn every_fault_is_left_out_by_some_seed_and_taken_by_another() {
        let styles: Vec<_> = (0..200).map(|seed| Plan::from_seed(seed).faults).collect();
        let kinds: [fn(&FaultStyle) -> bool; 5] =
            [|f| f.crash, |f| f.blackout, |f| f.one_way, |f| f.step_down, |f| f.stall];
        for kind in kinds {
            let taken = styles.iter().filter(|style| kind(style)).count();
            assert!((10..190).contains(&taken), "{taken}");
        }
    }

    #[test]
    fn pauses_have_about_their_mean() {
        let mut rng = Jitter::new(1);
        let total: u64 = (0..10_000).map(|_| pause(&mut rng, 1_000)).sum();
        assert!((8_000_000..12_000_000).contains(&total), "{total}");
    }
}
