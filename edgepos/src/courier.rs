//! What someone must act on, on its way to whoever is told: the latest state of each name, told from a task of its own.
//!
//! The driver writes states down and goes on. However long nobody can be told, what is kept is one state a name, so that it is bounded,
//! and what is still true is told when somebody listens again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use edgepos_core::{Now, ReplicaId};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use crate::monitor::alert::Alert;
use crate::ports::{AlertError, Alerts, Bulletin, Incident, IncidentKind};
use crate::terminal::{Condition, Notice};

/// Incidents that are kept, one for each name of a condition or an alert: what a name says later replaces what it said before.
pub const MAX_INCIDENTS: usize = 64;
/// How long one call of the port may take.
const TELL_WITHIN: Duration = Duration::from_secs(30);
/// First and longest wait before another attempt; each is twice the one before it.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

type Name = (IncidentKind, &'static str);

/// The latest state of each name that ever was something to act on.
#[derive(Clone, Debug, Default)]
struct Incidents(BTreeMap<Name, Latest>);

#[derive(Clone, Debug)]
struct Latest {
    incident: Incident,
    /// How often it has begun or ended.
    changes: u64,
}

/// Where the driver writes states down.
#[derive(Debug)]
pub(crate) struct Board {
    incidents: watch::Sender<Incidents>,
}

/// Carries what the board says to the port, until the board is gone.
pub(crate) struct Courier {
    alerts: Arc<dyn Alerts>,
    incidents: watch::Receiver<Incidents>,
    terminal: ReplicaId,
    started_ms: u64,
    number: u64,
    /// How many changes of each name were told.
    told: BTreeMap<Name, u64>,
    waits: (Duration, Duration),
}

impl Board {
    /// An empty one, and who carries what it will say.
    pub(crate) fn new(alerts: Arc<dyn Alerts>, terminal: ReplicaId, now: Now) -> (Self, Courier) {
        let (incidents, receiver) = watch::channel(Incidents::default());
        let courier = Courier {
            alerts,
            incidents: receiver,
            terminal,
            started_ms: now.wall.0,
            number: 0,
            told: BTreeMap::new(),
            waits: WAITS,
        };
        (Self { incidents }, courier)
    }

    /// Writes down what a notice says of something to act on. Others say nothing of that.
    pub(crate) fn notice(&self, now: Now, notice: &Notice) {
        let mut incident = match notice {
            Notice::Condition { condition, holds } => Incident { holds: *holds, ..of_condition(condition) },
            Notice::Alert(alert) => of_alert(now, alert),
            _ => return,
        };
        self.incidents.send_modify(|Incidents(latest)| {
            let name = (incident.kind, incident.name);
            let before = latest.get(&name);
            if !incident.holds {
                incident.until_ms = Some(now.wall.0);
                incident.since_ms = before.map_or(incident.since_ms, |latest| latest.incident.since_ms);
            }
            let changes = before.map_or(0, |latest| latest.changes) + 1;
            if before.is_some() || latest.len() < MAX_INCIDENTS {
                latest.insert(name, Latest { incident, changes });
            }
        });
    }

    /// What a condition that holds is about has changed so that it is to be told again.
    pub(crate) fn changed(&self, condition: &Condition) {
        self.incidents.send_if_modified(|Incidents(latest)| {
            let name = (IncidentKind::Condition, condition.kind.name());
            let Some(latest) = latest.get_mut(&name).filter(|latest| latest.incident.holds) else {
                return false;
            };
            let incident = of_condition(condition);
            let is_news = latest.incident != incident;
            latest.changes += u64::from(is_news);
            latest.incident = incident;
            is_news
        });
    }

    /// Takes how many are concerned of what holds, and what it is about. That alone is no reason to tell anybody.
    pub(crate) fn refresh(&self, conditions: &[Condition]) {
        self.incidents.send_if_modified(|Incidents(latest)| {
            for condition in conditions {
                let name = (IncidentKind::Condition, condition.kind.name());
                if let Some(latest) = latest.get_mut(&name).filter(|latest| latest.incident.holds) {
                    latest.incident = of_condition(condition);
                }
            }
            false
        });
    }
}

fn of_condition(condition: &Condition) -> Incident {
    let Condition { kind, since_ms, count, about } = condition;
    Incident {
        kind: IncidentKind::Condition,
        name: kind.name(),
        holds: true,
        since_ms: *since_ms,
        until_ms: None,
        count: *count,
        says: kind.says(),
        about: about.clone(),
        remedy: kind.remedy(),
    }
}

fn of_alert(now: Now, alert: &Alert) -> Incident {
    let Alert { name, firing, value, threshold, says, remedy } = *alert;
    Incident {
        kind: IncidentKind::Alert,
        name,
        holds: firing,
        since_ms: now.wall.0,
        until_ms: None,
        count: 1,
        says,
        about: format!("{value}, with a threshold of {threshold}"),
        remedy,
    }
}

impl Courier {
    /// Tells what changes, and again what did not get through, until the board is gone.
    pub(crate) async fn run(mut self) {
        let mut failed: Option<Duration> = None;
        loop {
            let (bulletin, told) = self.bulletin();
            match self.tell(&bulletin).await {
                Ok(()) => {
                    if failed.take().is_some() {
                        info!(skipped = bulletin.skipped, "whoever is told of alerts is reached again");
                    }
                    self.told = told;
                    if self.incidents.changed().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    let wait = failed.map_or(self.waits.0, |wait| (wait * 2).min(self.waits.1));
                    // The first failure is told, and those that follow are the same story.
                    match failed {
                        None => {
                            warn!(%error, "whoever is told of alerts is not reached; what holds is told later")
                        }
                        Some(_) => debug!(%error, "whoever is told of alerts is still not reached"),
                    }
                    failed = Some(wait);
                    sleep(error.retry_after.map_or(wait, |asked| asked.min(self.waits.1))).await;
                }
            }
        }
    }

    async fn tell(&self, bulletin: &Bulletin) -> Result<(), AlertError> {
        match timeout(TELL_WITHIN, self.alerts.tell(bulletin)).await {
            Ok(told) => told,
            Err(_) => Err(AlertError::new("there was no answer in time")),
        }
    }

    /// What is to be told, and how many changes of each name were told once it has got through.
    fn bulletin(&mut self) -> (Bulletin, BTreeMap<Name, u64>) {
        let Incidents(latest) = self.incidents.borrow_and_update().clone();
        let (mut changes, mut skipped) = (Vec::new(), 0);
        for (name, latest) in &latest {
            let untold = latest.changes - self.told.get(name).copied().unwrap_or(0);
            if untold > 0 {
                changes.push(latest.incident.clone());
                skipped += untold - 1;
            }
        }
        let standing = latest.values().filter(|latest| latest.incident.holds);
        self.number += 1;
        let bulletin = Bulletin {
            terminal: self.terminal,
            started_ms: self.started_ms,
            number: self.number,
            changes,
            skipped,
            standing: standing.map(|latest| latest.incident.clone()).collect(),
        };
        (bulletin, latest.iter().map(|(name, latest)| (*name, latest.changes)).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::collections::VecDeque;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use tokio::sync::mpsc;

    use super::*;
    use crate::monitor::RULE_NAMES;
    use crate::terminal::ConditionKind;

    const ME: ReplicaId = ReplicaId::new(1, 5);

    /// Answers as it is told, and hands on what it heard.
    struct Scripted {
        answers: Mutex<VecDeque<Result<(), AlertError>>>,
        heard: mpsc::UnboundedSender<Bulletin>,
    }

    #[async_trait]
    impl Alerts for Scripted {
        async fn tell(&self, bulletin: &Bulletin) -> Result<(), AlertError> {
            self.heard.send(bulletin.clone()).unwrap();
            let answer = self.answers.lock().unwrap().pop_front();
            match answer {
                Some(answer) => answer,
                None => Ok(()),
            }
        }
    }

    /// A board whose courier fails as often as it is said, and waits for milliseconds in between.
    fn start(failures: usize) -> (Board, mpsc::UnboundedReceiver<Bulletin>) {
        let (heard, hears) = mpsc::unbounded_channel();
        let answers = Mutex::new(vec![Err(AlertError::new("away")); failures].into());
        let (board, mut courier) = Board::new(Arc::new(Scripted { answers, heard }), ME, Now::new(0, 1_000));
        courier.waits = (Duration::from_millis(1), Duration::from_millis(4));
        tokio::spawn(courier.run());
        (board, hears)
    }

    fn condition(kind: ConditionKind, holds: bool, since_ms: u64) -> Notice {
        Notice::Condition { condition: Condition { kind, since_ms, count: 1, about: "it".into() }, holds }
    }

    fn names(incidents: &[Incident]) -> Vec<(&'static str, bool)> {
        incidents.iter().map(|incident| (incident.name, incident.holds)).collect()
    }

    #[test]
    fn every_name_has_its_place() {
        let names: std::collections::BTreeSet<_> =
            ConditionKind::ALL.iter().map(|kind| kind.name()).chain(RULE_NAMES).collect();
        assert_eq!(names.len(), ConditionKind::ALL.len() + RULE_NAMES.len(), "no name is given twice");
        assert!(names.len() <= MAX_INCIDENTS, "there is a place for each");
    }

    #[tokio::test]
    async fn a_start_is_told_and_then_each_change_with_all_that_holds() {
        let (board, mut hears) = start(0);
        let first = hears.recv().await.unwrap();
        assert_eq!((first.number, first.started_ms, first.terminal), (1, 1_000, ME));
        assert_eq!((first.changes, first.standing), (vec![], vec![]), "so that what was told before ends");
        board.notice(Now::new(5, 1_005), &condition(ConditionKind::DiskFull, true, 1_005));
        let began = hears.recv().await.unwrap();
        assert_eq!(names(&began.changes), [("disk_full", true)]);
        assert_eq!(began.changes, began.standing);
        board.notice(Now::new(9, 1_009), &condition(ConditionKind::DiskFull, false, 1_005));
        let ended = hears.recv().await.unwrap();
        assert_eq!(names(&ended.changes), [("disk_full", false)]);
        assert_eq!((ended.changes[0].since_ms, ended.changes[0].until_ms), (1_005, Some(1_009)));
        assert_eq!((ended.standing, ended.skipped), (vec![], 0));
    }

    #[tokio::test]
    async fn what_is_still_true_is_told_once_somebody_listens_again() {
        let (board, mut hears) = start(6);
        hears.recv().await.unwrap();
        for (kind, holds) in [
            (ConditionKind::DiskFull, true),
            (ConditionKind::DiskFull, false),
            (ConditionKind::DiskFull, true),
            (ConditionKind::Forked, true),
            (ConditionKind::Forked, false),
        ] {
            board.notice(Now::new(5, 2_000), &condition(kind, holds, 2_000));
        }
        let mut last = hears.recv().await.unwrap();
        while last.number < 7 {
            last = hears.recv().await.unwrap();
        }
        assert_eq!(names(&last.changes), [("disk_full", true), ("forked", false)], "{last:?}");
        assert_eq!(names(&last.standing), [("disk_full", true)]);
        assert_eq!(last.skipped, 3, "what was replaced is counted");
        board.notice(Now::new(6, 3_000), &condition(ConditionKind::DiskFull, false, 2_000));
        let ended = hears.recv().await.unwrap();
        assert_eq!((names(&ended.changes), ended.skipped), (vec![("disk_full", false)], 0));
    }

    #[tokio::test]
    async fn how_many_there_are_is_kept_up_to_date_and_wakes_nobody() {
        let (board, mut hears) = start(0);
        hears.recv().await.unwrap();
        board.notice(Now::new(5, 1_005), &condition(ConditionKind::Quarantined, true, 1_005));
        hears.recv().await.unwrap();
        let more =
            Condition { kind: ConditionKind::Quarantined, since_ms: 1_005, count: 9, about: "nine".into() };
        board.refresh(&[more]);
        assert!(hears.try_recv().is_err());
        board.notice(Now::new(6, 1_006), &condition(ConditionKind::DiskLow, true, 1_006));
        let told = hears.recv().await.unwrap();
        assert_eq!(names(&told.changes), [("disk_low", true)]);
        assert_eq!((told.standing[1].count, told.standing[1].about.as_str()), (9, "nine"));
    }
}
