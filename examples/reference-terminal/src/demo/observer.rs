//! Looks on: who leads, how far everybody is, how long a failover takes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use edgepos::crdt::VersionVector;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::figures::Figures;
use super::process::Death;
use super::screen::Screen;
use super::seen::SeenStatus;
use super::supervisor::{CLOUD, Supervisor};
use crate::cloud::Head;
use crate::http::CallError;
use crate::names::{NameError, VectorText, parse_vector};

/// Between two looks at the terminals.
const LOOK: Duration = Duration::from_millis(250);
/// Between two looks at the cloud: the resolution of the sync lag.
const LOOK_AT_CLOUD: Duration = Duration::from_millis(50);
/// Between two looks while a failover is timed.
const LOOK_FOR_LEADER: Duration = Duration::from_millis(5);
/// A failover that takes longer is not one.
const FAILOVER_LIMIT: Duration = Duration::from_secs(60);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who leads, as a terminal says that does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Leader {
    pub(super) terminal: usize,
    pub(super) term: u64,
}

/// Who does not hold everything, or does not say what it holds.
#[derive(Debug, Error)]
pub(super) enum Lacking {
    /// It does not answer.
    #[error("{who}: {error}")]
    Silent { who: String, error: CallError },
    /// It answers with what cannot be read.
    #[error("{who}: {error}")]
    Unreadable { who: String, error: NameError },
    /// It has not got everything yet.
    #[error("{who} lacks {lacks} of {all} events")]
    Behind { who: String, lacks: u64, all: u64 },
}

/// What was last seen.
#[derive(Debug)]
pub(super) struct Observer {
    supervisor: Arc<Supervisor>,
    figures: Arc<Figures>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    terminals: Vec<Option<SeenStatus>>,
    cloud: Option<Head>,
    leader: Option<Leader>,
}

impl Observer {
    pub(super) fn new(supervisor: Arc<Supervisor>, figures: Arc<Figures>) -> Arc<Self> {
        let seen = Seen { terminals: vec![None; supervisor.len()], ..Seen::default() };
        Arc::new(Self { supervisor, figures, seen: Mutex::new(seen) })
    }

    /// Looks until it is dropped.
    pub(super) fn watch(self: &Arc<Self>, deaths: mpsc::Receiver<Death>, screen: Screen) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for terminal in 0..self.supervisor.len() {
            let this = Arc::clone(self);
            tasks.spawn(async move {
                loop {
                    this.look_at(terminal).await;
                    sleep(LOOK).await;
                }
            });
        }
        let this = Arc::clone(self);
        tasks.spawn(async move {
            loop {
                this.look_at_cloud().await;
                sleep(LOOK_AT_CLOUD).await;
            }
        });
        tasks.spawn(Arc::clone(self).mourn(deaths, screen));
        tasks
    }

    async fn look_at(&self, terminal: usize) {
        let status = self.supervisor.status(terminal, PATIENCE).await.ok();
        let mut seen = self.seen();
        if let Some(term) = status.as_ref().filter(|status| status.leads).and_then(|status| status.term)
            && seen.leader.is_none_or(|leader| term >= leader.term)
        {
            seen.leader = Some(Leader { terminal, term });
        }
        seen.terminals[terminal] = status;
    }

    async fn look_at_cloud(&self) {
        // What the cloud says was true when it was asked, at the latest when it answered.
        let head = self.supervisor.head().await.ok();
        let at = Instant::now();
        if let Some(vector) = head.as_ref().and_then(|head| parse_vector(&head.vector).ok()) {
            self.figures.cloud_holds(&vector, at);
        }
        if head.is_some() {
            self.seen().cloud = head;
        }
    }

    /// What each terminal last said; `None` where it said nothing.
    pub(super) fn terminals(&self) -> Vec<Option<SeenStatus>> {
        self.seen().terminals.clone()
    }

    /// What the cloud last said.
    pub(super) fn cloud(&self) -> Option<Head> {
        self.seen().cloud.clone()
    }

    /// The newest leader that was seen, whether it still lives or not.
    pub(super) fn leader(&self) -> Option<Leader> {
        self.seen().leader
    }

    /// Looks at all terminals at once, and says who leads among those that answer.
    pub(super) async fn find_leader(self: &Arc<Self>) -> Option<Leader> {
        let mut looks = JoinSet::new();
        for terminal in 0..self.supervisor.len() {
            let this = Arc::clone(self);
            looks.spawn(async move { this.look_at(terminal).await });
        }
        while looks.join_next().await.is_some() {}
        let seen = self.seen();
        let leading = seen.terminals.iter().enumerate().filter_map(|(terminal, status)| {
            let status = status.as_ref().filter(|status| status.leads)?;
            Some(Leader { terminal, term: status.term? })
        });
        leading.max_by_key(|leader| leader.term)
    }

    /// Notes each death, and times the failover where a leader died that others can replace.
    async fn mourn(self: Arc<Self>, mut deaths: mpsc::Receiver<Death>, screen: Screen) {
        let mut failovers = JoinSet::new();
        while let Some(death) = deaths.recv().await {
            let name = match death.number {
                CLOUD => "the cloud".to_owned(),
                terminal => format!("terminal {}", terminal + 1),
            };
            if !death.planned {
                self.figures.restarted();
                screen.say(&format!("{name} died unexpectedly and is started again"));
            }
            let leader = self.leader().filter(|leader| leader.terminal == death.number);
            if let Some(leader) = leader.filter(|_| self.supervisor.len() >= 3) {
                let (this, screen) = (Arc::clone(&self), screen.clone());
                failovers.spawn(async move { this.time_failover(leader, death.at, &screen).await });
            }
        }
        while failovers.join_next().await.is_some() {}
    }

    /// From the kill until another terminal says that it leads, in a later term.
    async fn time_failover(self: &Arc<Self>, old: Leader, killed: Instant, screen: &Screen) {
        let mut looks = JoinSet::new();
        for terminal in (0..self.supervisor.len()).filter(|terminal| *terminal != old.terminal) {
            let this = Arc::clone(self);
            looks.spawn(async move {
                loop {
                    if let Ok(status) = this.supervisor.status(terminal, PATIENCE).await
                        && status.leads
                        && let Some(term) = status.term.filter(|term| *term > old.term)
                    {
                        return Leader { terminal, term };
                    }
                    sleep(LOOK_FOR_LEADER).await;
                }
            });
        }
        let found = tokio::time::timeout(FAILOVER_LIMIT, looks.join_next()).await;
        let took = killed.elapsed();
        match found {
            Ok(Some(Ok(new))) => {
                self.figures.failover(took);
                screen.say(&format!(
                    "terminal {} leads in term {}, {} ms after terminal {} died",
                    new.terminal + 1,
                    new.term,
                    took.as_millis(),
                    old.terminal + 1
                ));
            }
            // A dead leader that is back at once may win the next term itself.
            _ => screen.say(&format!("no other terminal took over from terminal {}", old.terminal + 1)),
        }
    }

    /// Whether every terminal and the cloud hold the same, and nothing is under way. `Err` says who does not answer or lacks what.
    pub(super) async fn converged(self: &Arc<Self>, with_cloud: bool) -> Result<VersionVector, Lacking> {
        let mut looks = JoinSet::new();
        for terminal in 0..self.supervisor.len() {
            let this = Arc::clone(self);
            looks.spawn(async move { (terminal, this.supervisor.status(terminal, PATIENCE).await) });
        }
        let mut vectors = Vec::new();
        while let Some(look) = looks.join_next().await {
            let Ok((terminal, status)) = look else { continue };
            let who = format!("terminal {}", terminal + 1);
            let status = status.map_err(|error| Lacking::Silent { who: who.clone(), error })?;
            vectors.push(vector_of(who, &status.durable)?);
        }
        if with_cloud {
            let who = || "the cloud".to_owned();
            let head = self.supervisor.head().await.map_err(|error| Lacking::Silent { who: who(), error })?;
            vectors.push(vector_of(who(), &head.vector)?);
        }
        let mut all = VersionVector::new();
        vectors.iter().for_each(|(_, vector)| all.join(vector));
        match vectors.iter().find(|(_, vector)| *vector != all) {
            None => Ok(all),
            Some((who, vector)) => {
                let lacks = all.iter().map(|(chain, seq)| seq.0 - vector.get(chain).0).sum();
                let all = all.iter().map(|(_, seq)| seq.0).sum();
                Err(Lacking::Behind { who: who.clone(), lacks, all })
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn vector_of(who: String, text: &VectorText) -> Result<(String, VersionVector), Lacking> {
    match parse_vector(text) {
        Ok(vector) => Ok((who, vector)),
        Err(error) => Err(Lacking::Unreadable { who, error }),
    }
}
