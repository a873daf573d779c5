//! What the browser is shown of the store: one value, made anew twice a second from what was last seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use edgepos::crdt::VersionVector;
use edgepos::model::{CounterRow, DocType};
use serde::Serialize;
use serde_json::Value;

use super::bulletins::{Alert, Bulletins};
use super::floor::{Floor, Stage};
use super::lanes::{LaneView, Lanes};
use super::shelf::Product;
use super::timeline::{Band, Being, Timeline};
use crate::cloud::Head;
use crate::demo::faults::CloudState;
use crate::demo::ledger::Entry;
use crate::demo::observer::Leader;
use crate::demo::seen::{SeenException, SeenStatus};
use crate::demo::story::{Line, Phase, wall_ms};
use crate::names::{parse_event, parse_vector};

/// Newest sales that are shown.
const SALES: usize = 12;
/// Newest lines of the story that are shown.
const LINES: usize = 80;
/// How much of the past the time line shows, in ms.
const WINDOW_MS: u64 = 180_000;

/// Everything.
#[derive(Debug, Serialize)]
pub(super) struct View {
    stage: &'static str,
    phase: Phase,
    now_ms: u64,
    window_ms: u64,
    store: String,
    leader: Option<LeaderView>,
    customers: bool,
    terminals: Vec<TerminalView>,
    cloud: CloudView,
    stock: Vec<StockView>,
    sales: Vec<SaleView>,
    exceptions: Vec<ExceptionView>,
    alerts: Vec<Alert>,
    story: Vec<Line>,
    bands: Vec<Vec<Band>>,
    failovers_ms: Vec<f64>,
    inference: Option<Value>,
    verdict: Option<Value>,
}

#[derive(Debug, Serialize)]
struct LeaderView {
    terminal: u16,
    term: u64,
}

#[derive(Debug, Serialize)]
struct TerminalView {
    number: u16,
    is: Being,
    /// What the store can do from its view; absent where it does not say.
    mode: Option<String>,
    term: Option<u64>,
    author: Option<String>,
    business_day: Option<u32>,
    peers: usize,
    voters: usize,
    sales: usize,
    queued: u64,
    lag_s: f64,
    lanes: Vec<LaneView>,
    conditions: Vec<crate::demo::seen::SeenCondition>,
}

#[derive(Debug, Serialize)]
struct CloudView {
    state: CloudState,
    events: u64,
    epoch: u64,
    holder: Option<String>,
    waiting: usize,
}

#[derive(Debug, Serialize)]
struct StockView {
    #[serde(flatten)]
    product: Product,
    stock: Option<i64>,
}

#[derive(Debug, Serialize)]
struct SaleView {
    event: String,
    terminal: u16,
    series: String,
    number: u64,
    total: i64,
    kind: DocType,
    repeated: bool,
    at_leader: bool,
    in_cloud: bool,
}

#[derive(Debug, Serialize)]
struct ExceptionView {
    #[serde(flatten)]
    raised: SeenException,
    /// The counter that fell below its floor, where it is one.
    counter: Option<CounterRow>,
}

/// Makes views.
#[derive(Debug)]
pub(super) struct Composer {
    floor: Arc<Floor>,
    bulletins: Arc<Bulletins>,
    lanes: Lanes,
    timeline: Timeline,
    stock: BTreeMap<String, i64>,
}

impl Composer {
    pub(super) fn new(floor: Arc<Floor>, bulletins: Arc<Bulletins>) -> Self {
        let timeline = Timeline::new(floor.terminals());
        Self { floor, bulletins, lanes: Lanes::default(), timeline, stock: BTreeMap::new() }
    }

    /// A product's stock was read.
    pub(super) fn counted(&mut self, product: &str, stock: i64) {
        self.stock.insert(product.to_owned(), stock);
    }

    /// What the store looks like.
    pub(super) fn compose(&mut self, inference: Option<Value>, verdict: Option<Value>) -> View {
        let floor = Arc::clone(&self.floor);
        let statuses = floor.observer.terminals();
        let head = floor.observer.cloud();
        let cloud = head.as_ref().and_then(|head| parse_vector(&head.vector).ok()).unwrap_or_default();
        let (now, now_ms) = (Instant::now(), wall_ms());
        let sales = floor.registers.ledger.receipts_by_terminal(floor.terminals());
        let mut terminals = Vec::with_capacity(statuses.len());
        for (terminal, status) in statuses.iter().enumerate() {
            if let Some(durable) = status.as_ref().and_then(|status| parse_vector(&status.durable).ok()) {
                self.lanes.look(floor.number(terminal), &durable, &cloud, now);
            }
            let is = being(&floor, terminal, status.as_ref());
            let term = status.as_ref().and_then(|status| status.term);
            self.timeline.see(terminal, now_ms, is, term);
            terminals.push(self.terminal(terminal, is, status.as_ref(), sales[terminal], now));
        }
        let leader = leader(&floor, &statuses);
        let leads = leader.and_then(|leader| statuses[leader.terminal].as_ref());
        View {
            stage: match (verdict.is_some(), floor.stage()) {
                (true, _) => "proved",
                (false, Stage::Replaying) => "replaying",
                (false, Stage::Open) => "open",
                (false, Stage::Finishing) => "finishing",
            },
            phase: floor.screen.story().now(),
            now_ms,
            window_ms: WINDOW_MS,
            store: floor.registers.supervisor.store.to_string(),
            leader: leader
                .map(|leader| LeaderView { terminal: floor.number(leader.terminal), term: leader.term }),
            customers: floor.customers_come(),
            alerts: self.alerts(&statuses),
            terminals,
            cloud: cloud_view(&floor, head.as_ref()),
            stock: self.stock(),
            sales: recent(&floor, leads, &cloud),
            exceptions: exceptions(leads.into_iter().chain(statuses.iter().flatten())),
            story: floor.screen.story().latest(LINES),
            bands: self.timeline.since(now_ms.saturating_sub(WINDOW_MS)),
            failovers_ms: floor.registers.figures.failovers(),
            inference,
            verdict,
        }
    }

    fn terminal(
        &self,
        terminal: usize,
        is: Being,
        status: Option<&SeenStatus>,
        sales: usize,
        now: Instant,
    ) -> TerminalView {
        let number = self.floor.number(terminal);
        let silent = matches!(is, Being::Down | Being::Frozen);
        let status = status.filter(|_| !silent);
        let lag = self.floor.registers.figures.lag_of(number).as_secs_f64();
        TerminalView {
            number,
            is,
            mode: status.map(|status| status.mode.clone()),
            term: status.and_then(|status| status.term),
            author: status.filter(|status| status.author != status.me).map(|status| status.author.clone()),
            business_day: status.and_then(|status| status.business_day),
            peers: status.map_or(0, |status| status.connected.len()),
            voters: status.map_or(0, |status| status.voters.len()),
            sales,
            queued: status.map_or(0, |status| status.queued),
            lag_s: (lag * 10.0).round() / 10.0,
            lanes: self.lanes.of(number, now),
            conditions: status.map_or_else(Vec::new, |status| status.conditions.clone()),
        }
    }

    /// Those of terminals that are there: what a dead one told last may be over.
    fn alerts(&self, statuses: &[Option<SeenStatus>]) -> Vec<Alert> {
        let there = |alert: &Alert| statuses.iter().flatten().any(|status| alert.is_of(&status.me));
        self.bulletins.standing().into_iter().filter(there).collect()
    }

    fn stock(&self) -> Vec<StockView> {
        let view = |product: &Product| StockView {
            stock: self.stock.get(&product.code).copied(),
            product: product.clone(),
        };
        self.floor.products.iter().map(view).collect()
    }
}

fn being(floor: &Floor, terminal: usize, status: Option<&SeenStatus>) -> Being {
    match status {
        _ if floor.faults.is_frozen(terminal) => Being::Frozen,
        _ if !floor.registers.supervisor.is_up(terminal) => Being::Down,
        _ if floor.registers.supervisor.is_cut_off(terminal) => Being::CutOff,
        Some(status) if status.leads => Being::Leads,
        _ => Being::Follows,
    }
}

/// Who leads at this moment, among those that can be asked.
fn leader(floor: &Floor, statuses: &[Option<SeenStatus>]) -> Option<Leader> {
    let leading = statuses.iter().enumerate().filter_map(|(terminal, status)| {
        let status = status.as_ref().filter(|status| status.leads && floor.is_usable(terminal))?;
        Some(Leader { terminal, term: status.term? })
    });
    leading.max_by_key(|leader| leader.term)
}

fn cloud_view(floor: &Floor, head: Option<&Head>) -> CloudView {
    CloudView {
        state: floor.faults.cloud(),
        events: head.map_or(0, |head| head.events),
        epoch: head.map_or(0, |head| head.epoch),
        holder: head.and_then(|head| head.holder.clone()),
        waiting: floor.registers.figures.on_the_way(),
    }
}

/// The newest sales, each with how far it has come.
fn recent(floor: &Floor, leads: Option<&SeenStatus>, cloud: &VersionVector) -> Vec<SaleView> {
    let at_leader = leads.and_then(|status| parse_vector(&status.durable).ok()).unwrap_or_default();
    let view = |entry: Entry| {
        let id = parse_event(&entry.event).ok();
        let in_cloud = id.is_some_and(|id| cloud.covers(id));
        SaleView {
            // What is in the cloud went through the leader.
            at_leader: in_cloud || id.is_some_and(|id| at_leader.covers(id)),
            in_cloud,
            event: entry.event,
            terminal: entry.terminal,
            series: entry.series,
            number: entry.number,
            total: entry.total,
            kind: entry.kind,
            repeated: entry.repeated,
        }
    };
    floor.registers.ledger.latest(SALES).into_iter().map(view).collect()
}

/// Each once, though every terminal shows it.
fn exceptions<'a>(statuses: impl Iterator<Item = &'a SeenStatus>) -> Vec<ExceptionView> {
    let mut seen: BTreeMap<(&str, &str), &SeenException> = BTreeMap::new();
    for raised in statuses.flat_map(|status| &status.exceptions) {
        seen.entry((&raised.exception, &raised.row)).or_insert(raised);
    }
    let view = |raised: &SeenException| ExceptionView {
        counter: bytes(&raised.row).and_then(|row| CounterRow::from_key(&row)),
        raised: raised.clone(),
    };
    seen.into_values().map(view).collect()
}

fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    let pairs = (0..hexadecimal.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(hexadecimal.get(at..at + 2)?, 16).ok()).collect()
}
