//! Who a terminal is, whom it follows, and how far its events have come.

use edgepos_consensus::{Election, Health, Leader};
use edgepos_core::ReplicaId;
use edgepos_crdt::VersionVector;

use super::condition::{Condition, Conditions};
use super::config::Config;
use super::disk::Disk;
use super::io::MAX_PAGE;
use super::ledger::Ledger;
use super::links::Links;
use crate::monitor::alert::Alert;
use crate::retail::day::shift::OpenShift;
use crate::retail::exception::body::ExceptionRaised;
use crate::retail::sale::fiscal::UnsignedReceipt;
use crate::retail::shop::Shop;

/// Who a terminal is, whom it follows, and how far its events have come.
#[derive(Clone, PartialEq, Debug)]
pub struct Status {
    /// The incarnation that this terminal is.
    pub me: ReplicaId,
    /// Who writes its events: the same, or the incarnation that it became where its disk had been restored, lost or cloned.
    pub author: ReplicaId,
    /// The terminal that leads the store, and its term.
    pub leader: Option<Leader>,
    /// Whether this terminal leads and hears a majority.
    pub entitled: bool,
    /// What the store can do from this terminal's view.
    pub health: Health,
    /// What is on this terminal's disk.
    pub durable: VersionVector,
    /// What the cloud holds, as far as is known here.
    pub cloud: VersionVector,
    /// Events on this terminal that the cloud is not known to hold.
    pub queued: u64,
    /// Peers with a connection.
    pub connected: Vec<ReplicaId>,
    /// The terminals that vote on what the store decides.
    pub voters: Vec<ReplicaId>,
    /// Those that learn: newcomers and further terminals. One with the number of another member is to take its place.
    pub learners: Vec<ReplicaId>,
    /// Baskets that are open, in memory or on disk alone.
    pub open_baskets: usize,
    /// Receipts that are booked and wait for their signatures, the first [`MAX_PAGE`], the oldest first.
    pub unsigned: Vec<UnsignedReceipt>,
    /// How many there are of them.
    pub unsigned_receipts: usize,
    /// By which rules the store decides: see [`Election::level`](crate::consensus::Election::level).
    pub level: u32,
    /// Whether that is a level which this terminal does not know: it sells and exchanges events, and takes no part in what the store
    /// decides.
    pub below_level: bool,
    /// Exceptions that are raised and have not ended, the first [`MAX_PAGE`] by what they are about.
    pub exceptions: Vec<ExceptionRaised>,
    /// How many there are of them.
    pub open_exceptions: usize,
    /// Events that cannot be read here.
    pub quarantined: u64,
    /// Events of branches that lost: taken out of their chains and kept. Each counts under the name that it was given instead.
    pub set_aside: u64,
    /// Free bytes on the disk, in whole MiB; `None` where the store cannot tell.
    pub disk_free: Option<u64>,
    /// Whether this terminal has heard, since its start, of every customer that others know to be erased. Until then it opens no fields.
    pub erasures_known: bool,
    /// The open business day, as yyyymmdd.
    pub business_day: Option<u32>,
    /// The shifts that are open at this terminal.
    pub open_shifts: Vec<OpenShift>,
    /// What someone must act on, while it holds.
    pub conditions: Vec<Condition>,
    /// The figures that are beyond their thresholds, with their latest values. A [`Monitor`](crate::Monitor) judges them: they are in the
    /// status of a [`Node`](crate::Node), and a terminal in a loop of one's own says none.
    pub alerts: Vec<Alert>,
}

/// The parts of a terminal that are asked about it.
pub(super) struct Known<'t> {
    pub(super) config: &'t Config,
    pub(super) ledger: &'t Ledger,
    pub(super) election: &'t Election,
    pub(super) links: &'t Links,
    pub(super) shop: &'t Shop,
    pub(super) disk: &'t Disk,
    pub(super) conditions: &'t Conditions,
}

impl Status {
    pub(super) fn of(known: &Known<'_>) -> Self {
        let Known { config, ledger, election, links, shop, disk, conditions } = *known;
        Self {
            me: config.me,
            author: ledger.author(),
            leader: election.leader(),
            entitled: election.entitled(),
            health: election.health(),
            durable: ledger.durable().clone(),
            cloud: ledger.cloud().clone(),
            queued: ledger.queued(),
            connected: links.peers().collect(),
            voters: election.voters().to_vec(),
            learners: election.learners().to_vec(),
            open_baskets: shop.sales().baskets_open(),
            unsigned: shop.sales().signer().unsigned().take(MAX_PAGE).collect(),
            unsigned_receipts: shop.sales().signer().len(),
            level: election.level(),
            below_level: election.is_below_level(),
            exceptions: shop.exceptions().open_after(None).take(MAX_PAGE).cloned().collect(),
            open_exceptions: shop.exceptions().open_count(),
            quarantined: shop.quarantine().len(),
            set_aside: shop.set_aside().len(),
            disk_free: disk.free,
            erasures_known: ledger.knows_erasures(),
            business_day: shop.day().open(),
            open_shifts: shop.day().open_shifts().collect(),
            conditions: conditions.standing().cloned().collect(),
            alerts: Vec::new(),
        }
    }
}
