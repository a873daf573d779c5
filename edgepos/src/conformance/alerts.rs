//! Checks of who tells of alerts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use edgepos_core::ReplicaId;
use tokio::time::timeout;

use crate::ports::{AlertError, Alerts, Bulletin, Incident, IncidentKind};

/// Longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The bulletin of this number finds a manager that fails.
const FAILING: u64 = 503;

/// What has arrived of a [`Bulletin`], as whoever serves the port's other side reads it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Arrived {
    /// The number that it bears.
    pub number: u64,
    /// The names of what began or ended, and whether each holds, in order.
    pub changes: Vec<(String, bool)>,
    /// The names of all that holds, in order.
    pub standing: Vec<String>,
}

/// The manager of the checks: whoever tests a port serves it in the way of that port, and hands each bulletin that arrives to
/// [`hear`](Self::hear).
#[derive(Clone, Debug, Default)]
pub struct ScriptedManager {
    heard: Arc<Mutex<Vec<Arrived>>>,
}

impl ScriptedManager {
    /// Whether it takes the bulletin; `false`: it fails, over HTTP with status 503.
    pub fn hear(&self, arrived: Arrived) -> bool {
        let takes = arrived.number != FAILING;
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(arrived);
        takes
    }

    fn heard(&self) -> Vec<Arrived> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Runs every check on a port whose bulletins reach `manager`, and on one that reaches nobody.
///
/// # Panics
/// With what is wrong, when a check fails.
pub async fn alerts(alerts: &dyn Alerts, manager: &ScriptedManager, nowhere: &dyn Alerts) {
    what_changes_and_what_holds_arrives_once(alerts, manager, 1).await;
    let failed = tell(alerts, &bulletin(FAILING)).await;
    assert!(failed.is_err(), "a manager that fails is an error, so that it is told again");
    assert!(manager.heard().len() <= 1, "a call tells once: who calls tells again");
    let away = tell(nowhere, &bulletin(1)).await;
    assert!(away.is_err(), "a manager that is away is an error, so that it is told again");
    // A call that nobody waits for any more does no harm.
    drop(alerts.tell(&bulletin(2)));
    manager.heard();
    what_changes_and_what_holds_arrives_once(alerts, manager, 3).await;
    let nothing = Bulletin { changes: Vec::new(), standing: Vec::new(), ..bulletin(4) };
    assert_eq!(tell(alerts, &nothing).await, Ok(()), "a bulletin that says that nothing holds is told");
    let arrived = Arrived { number: 4, ..Arrived::default() };
    assert_eq!(manager.heard(), [arrived], "a bulletin that says that nothing holds is told");
}

async fn tell(alerts: &dyn Alerts, bulletin: &Bulletin) -> Result<(), AlertError> {
    timeout(PATIENCE, alerts.tell(bulletin)).await.expect("a call ends within a bounded time")
}

async fn what_changes_and_what_holds_arrives_once(
    alerts: &dyn Alerts,
    manager: &ScriptedManager,
    number: u64,
) {
    manager.heard();
    assert_eq!(tell(alerts, &bulletin(number)).await, Ok(()), "a bulletin that is taken is no error");
    let heard = manager.heard();
    assert_eq!(heard.len(), 1, "a bulletin arrives, once");
    let changes = [("disk_full", true), ("queue", false)].map(|(name, holds)| (name.to_owned(), holds));
    assert_eq!(heard[0].changes, changes, "what began and what ended arrives");
    assert_eq!(heard[0].standing, ["disk_full", "forked"], "all that holds arrives");
    assert_eq!(heard[0].number, number, "the number arrives, by which a late one is told");
}

fn bulletin(number: u64) -> Bulletin {
    let incident = |kind, name, holds: bool| Incident {
        kind,
        name,
        holds,
        since_ms: 1_700_000_000_000,
        until_ms: (!holds).then_some(1_700_000_060_000),
        count: 2,
        says: "Something is wrong.",
        about: "a line of \"text\", and a second one\nwith 100 % of ü".into(),
        remedy: "Mend it.",
    };
    let full = incident(IncidentKind::Condition, "disk_full", true);
    Bulletin {
        terminal: ReplicaId::new(1, 5),
        started_ms: 1_699_999_999_000,
        number,
        changes: vec![full.clone(), incident(IncidentKind::Alert, "queue", false)],
        skipped: 1,
        standing: vec![full, incident(IncidentKind::Condition, "forked", true)],
    }
}
