//! The live table: who leads, sells, waits or is down.

use std::sync::Arc;

use super::figures::Figures;
use super::ledger::Ledger;
use super::observer::Observer;
use super::supervisor::Supervisor;

/// What the table is made of.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) observer: Arc<Observer>,
    pub(super) figures: Arc<Figures>,
    pub(super) ledger: Arc<Ledger>,
}

impl Table {
    /// The heading, a line for each terminal, the cloud.
    pub(super) fn lines(&self) -> Vec<String> {
        let Self { supervisor, observer, figures, ledger } = self;
        let mut lines = vec![format!(
            "{:<14}{:<8}{:>6}{:>8}{:>8}{:>9}  {}",
            "", "leads", "term", "sales", "queue", "lag", "state"
        )];
        let sales = ledger.receipts_by_terminal(supervisor.len());
        for (terminal, status) in observer.terminals().iter().enumerate() {
            let lag = figures.lag_of(supervisor.id(terminal).terminal()).as_secs_f64();
            let cut_off = supervisor.is_cut_off(terminal);
            let (leads, term, queue, state) = match status {
                Some(status) if supervisor.is_up(terminal) => (
                    if status.leads { "  ★" } else { "" },
                    status.term.map_or("-".into(), |term| term.to_string()),
                    status.queued.to_string(),
                    if cut_off { format!("cut off, {}", status.mode) } else { status.mode.clone() },
                ),
                _ => ("", "-".into(), "-".into(), "down".into()),
            };
            lines.push(format!(
                "{:<14}{leads:<8}{term:>6}{:>8}{queue:>8}{:>9}  {state}",
                format!("terminal {}", terminal + 1),
                sales[terminal],
                format!("{lag:.1} s"),
            ));
        }
        let (cloud, waiting) = (observer.cloud(), figures.on_the_way());
        let (epoch, events) = cloud.map_or((0, 0), |head| (head.epoch, head.events));
        lines.push(format!(
            "{:<14}{events} events in upload epoch {epoch}, {waiting} receipts on their way",
            "cloud"
        ));
        lines
    }
}
