//! Looks on after a button: how far a sale has come, who leads, who has caught up.

use std::time::{Duration, Instant};

use crate::demo::dashboard::floor::Floor;
use crate::demo::seen::SeenStatus;
use crate::names::{parse_event, parse_vector};

use super::told::ActError;

/// How long a sale is followed.
const FOLLOW: Duration = Duration::from_secs(4);
/// How long a status may take where others wait for it.
const PATIENCE: Duration = Duration::from_millis(500);

/// Says at which of the three levels an event is, and when it came there, from the moment that it was acknowledged.
pub(super) async fn durability(floor: &Floor, terminal: usize, event: &str, since: Instant) -> String {
    let Ok(id) = parse_event(event) else { return String::new() };
    let (mut at_leader, mut in_cloud) = (None, None);
    floor
        .until(FOLLOW, async || {
            let statuses = floor.observer.terminals();
            let leads = floor.observer.leader().filter(|leader| floor.is_usable(leader.terminal));
            let leads = leads.and_then(|leader| statuses[leader.terminal].clone());
            if at_leader.is_none() && leads.is_some_and(|status| holds(&status, id)) {
                at_leader = Some(since.elapsed());
            }
            let cloud = floor.observer.cloud().and_then(|head| parse_vector(&head.vector).ok());
            if in_cloud.is_none() && cloud.is_some_and(|vector| vector.covers(id)) {
                in_cloud = Some(since.elapsed());
            }
            at_leader.is_some() && in_cloud.is_some()
        })
        .await;
    let ms = |took: Duration| took.as_millis();
    match (at_leader, in_cloud) {
        (Some(leader), Some(cloud)) => {
            format!("The leader had it after {} ms, the cloud after {} ms.", ms(leader), ms(cloud))
        }
        (Some(leader), None) => format!("The leader had it after {} ms; it waits for the cloud.", ms(leader)),
        (None, Some(cloud)) => format!("The cloud had it after {} ms.", ms(cloud)),
        (None, None) => format!(
            "It is on the disk of terminal {} alone, and goes on as soon as somebody is in reach.",
            terminal + 1
        ),
    }
}

fn holds(status: &SeenStatus, id: edgepos::core::EventId) -> bool {
    parse_vector(&status.durable).is_ok_and(|vector| vector.covers(id))
}

/// Waits until another terminal than this one leads, and says who and in which term.
pub(super) async fn leader_beside(floor: &Floor, terminal: usize, limit: Duration) -> Option<(usize, u64)> {
    let mut found = None;
    floor
        .until(limit, async || {
            for other in (0..floor.terminals()).filter(|other| *other != terminal && floor.is_usable(*other))
            {
                let status = floor.registers.supervisor.status(other, PATIENCE).await;
                if let Ok(SeenStatus { leads: true, term: Some(term), .. }) = status {
                    found = Some((other, term));
                }
            }
            found.is_some()
        })
        .await;
    found
}

/// Whether the terminal leads, by its own word.
pub(super) async fn leads(floor: &Floor, terminal: usize) -> bool {
    floor.registers.supervisor.status(terminal, PATIENCE).await.is_ok_and(|status| status.leads)
}

/// Waits until the terminal holds all that some other usable one holds. Says how many events it lacked and how long it took.
pub(super) async fn caught_up(floor: &Floor, terminal: usize, limit: Duration) -> Option<(u64, Duration)> {
    let mut lacked = 0;
    let took = floor
        .until(limit, async || {
            let Ok(own) = floor.registers.supervisor.status(terminal, PATIENCE).await else { return false };
            let Ok(own) = parse_vector(&own.durable) else { return false };
            let mut lacks = 0;
            for other in (0..floor.terminals()).filter(|other| *other != terminal && reachable(floor, *other))
            {
                let Ok(status) = floor.registers.supervisor.status(other, PATIENCE).await else { continue };
                let Ok(vector) = parse_vector(&status.durable) else { continue };
                let missing = |(chain, seq): (_, edgepos::core::Seq)| seq.0.saturating_sub(own.get(chain).0);
                lacks = lacks.max(vector.iter().map(missing).sum());
            }
            lacked = lacked.max(lacks);
            lacks == 0
        })
        .await;
    took.map(|took| (lacked, took))
}

/// Whether others can exchange events with the terminal.
pub(super) fn reachable(floor: &Floor, terminal: usize) -> bool {
    floor.is_usable(terminal) && !floor.registers.supervisor.is_cut_off(terminal)
}

/// Waits until the cloud holds all that the terminal has written: until then nobody else may have it, and taking its disk loses sales.
pub(super) async fn safe_elsewhere(floor: &Floor, terminal: usize) -> Result<(), ActError> {
    let safe = floor
        .until(Duration::from_secs(20), async || {
            let Ok(own) = floor.registers.supervisor.status(terminal, PATIENCE).await else { return false };
            let held = parse_vector(&own.durable).unwrap_or_default();
            let cloud = floor.observer.cloud().and_then(|head| parse_vector(&head.vector).ok());
            let cloud = cloud.unwrap_or_default();
            held.iter().all(|(chain, seq)| {
                chain.replica.terminal() != floor.number(terminal) || cloud.get(chain) >= seq
            })
        })
        .await;
    let number = terminal + 1;
    safe.map(drop).ok_or_else(|| {
        ActError::NotNow(format!(
            "Terminal {number} has events that the cloud does not hold. Its disk is the only one that is sure to have them: mend the way \
             to the cloud first, or they are lost with the disk."
        ))
    })
}
