//! The store while a person looks at it: the sales that go on by themselves, and what every button needs.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use edgepos::core::Jitter;
use edgepos::model::DocType;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::shelf::Product;
use crate::api::{BeginLine, KeyedRecord, RecordEvent, Recorded};
use crate::demo::draw::draw;
use crate::demo::error::DemoError;
use crate::demo::faults::Faults;
use crate::demo::ledger::Entry;
use crate::demo::observer::Observer;
use crate::demo::plan::{Mishap, Sale};
use crate::demo::register::{RegisterError, Registers, Sold};
use crate::demo::screen::Screen;
use crate::http::CallError;
use crate::names::{hex, parse_event, parse_vector};
use crate::replay::Basket;

/// Between two customers of one till, in ms.
const CUSTOMERS: (u64, u64) = (6_000, 14_000);
/// Most lines of such a customer.
const MAX_LINES: u64 = 4;
/// Quantities above this are weights and litres.
const MOST_PIECES: i64 = 20;
/// Sales whose lines are remembered, so that they can come back.
const REMEMBERED: usize = 100;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// Between two attempts.
const RETRY: Duration = Duration::from_millis(100);
/// How long a record may be repeated.
const RECORD_TIME: Duration = Duration::from_secs(20);

/// What the store is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// The week is replayed: nobody else breaks anything.
    Replaying,
    /// Buttons work.
    Open,
    /// Everything is mended, and compared in the end.
    Finishing,
}

/// What every button needs.
#[derive(Debug)]
pub(in crate::demo) struct Floor {
    pub(super) registers: Registers,
    pub(super) observer: Arc<Observer>,
    pub(super) faults: Faults,
    pub(super) screen: Screen,
    pub(super) products: Vec<Product>,
    /// The business day that everybody sells on.
    day: u32,
    seed: u64,
    goods: Vec<BeginLine>,
    stage: watch::Sender<Stage>,
    customers: AtomicBool,
    remembered: Mutex<VecDeque<Sale>>,
    /// One button at a time.
    pub(super) busy: AsyncMutex<()>,
}

/// What a floor is made of.
pub(in crate::demo) struct Parts<'a> {
    pub(in crate::demo) registers: Registers,
    pub(in crate::demo) observer: Arc<Observer>,
    pub(in crate::demo) faults: Faults,
    pub(in crate::demo) screen: Screen,
    pub(in crate::demo) baskets: &'a [Basket],
    pub(in crate::demo) products: Vec<Product>,
    pub(in crate::demo) day: u32,
    pub(in crate::demo) seed: u64,
}

impl Floor {
    pub(in crate::demo) fn new(parts: Parts<'_>) -> Arc<Self> {
        let Parts { registers, observer, faults, screen, baskets, products, day, seed } = parts;
        let lines = baskets.iter().flat_map(|basket| &basket.lines);
        let goods = lines
            .filter(|line| (1..=MOST_PIECES).contains(&line.quantity) && line.unit_price() > 0)
            .map(|line| line_of(&crate::demo::plan::own_code(&line.product), 1, line.unit_price()));
        let goods = goods.collect();
        Arc::new(Self {
            registers,
            observer,
            faults,
            screen,
            products,
            day,
            seed,
            goods,
            stage: watch::channel(Stage::Replaying).0,
            customers: AtomicBool::new(true),
            remembered: Mutex::default(),
            busy: AsyncMutex::new(()),
        })
    }

    /// Lets buttons work until somebody has seen enough; then mends what they broke.
    pub(in crate::demo) async fn open(self: &Arc<Self>) -> Result<(), DemoError> {
        let this = Arc::clone(self);
        let copied = tokio::task::spawn_blocking(move || this.faults.copy_disks()).await;
        if let Ok(Err(error)) = copied {
            self.screen.say(&format!("no disk was copied, so that none can be put back: {error}"));
        }
        self.stage.send_if_modified(|stage| {
            let replaying = *stage == Stage::Replaying;
            *stage = if replaying { Stage::Open } else { *stage };
            replaying
        });
        let mut tills = JoinSet::new();
        for terminal in 0..self.terminals() {
            let this = Arc::clone(self);
            tills.spawn(async move { this.serve(terminal).await });
        }
        let mut stage = self.stage.subscribe();
        let _ = stage.wait_for(|stage| *stage == Stage::Finishing).await;
        // The button at work comes to its end; no other begins.
        let _last = self.busy.lock().await;
        self.mend().await;
        while tills.join_next().await.is_some() {}
        Ok(())
    }

    /// Mends what buttons broke.
    pub(in crate::demo) async fn mend(&self) {
        self.faults.mend().await;
    }

    /// Somebody has seen enough. `false` where that was said before, or the week is still replayed.
    pub(in crate::demo) fn finish(&self) -> bool {
        self.stage.send_if_modified(|stage| {
            let open = *stage == Stage::Open;
            *stage = if open { Stage::Finishing } else { *stage };
            open
        })
    }

    pub(super) fn stage(&self) -> Stage {
        *self.stage.borrow()
    }

    pub(super) fn set_customers(&self, come: bool) {
        self.customers.store(come, Ordering::Relaxed);
    }

    pub(super) fn customers_come(&self) -> bool {
        self.customers.load(Ordering::Relaxed)
    }

    pub(super) fn terminals(&self) -> usize {
        self.registers.supervisor.len()
    }

    /// The number of the terminal in the store.
    pub(super) fn number(&self, terminal: usize) -> u16 {
        self.registers.supervisor.id(terminal).terminal()
    }

    /// Whether a cashier could work at the till.
    pub(super) fn is_usable(&self, terminal: usize) -> bool {
        self.registers.supervisor.is_up(terminal) && !self.faults.is_frozen(terminal)
    }

    /// Customers of one till, one after the other.
    async fn serve(&self, terminal: usize) {
        let mut jitter = Jitter::derive(self.seed, &[0xC057, terminal as u64]);
        let mut stage = self.stage.subscribe();
        loop {
            let pause = Duration::from_millis(jitter.range(CUSTOMERS.0, CUSTOMERS.1));
            tokio::select! {
                () = sleep(pause) => {}
                _ = stage.wait_for(|stage| *stage == Stage::Finishing) => return,
            }
            if !self.customers_come() || !self.is_usable(terminal) || self.goods.is_empty() {
                continue;
            }
            let lines = (1..=jitter.range(1, MAX_LINES + 1)).zip(1u16..).map(|(_, no)| {
                let place = jitter.range(0, self.goods.len() as u64) as usize;
                BeginLine { no, ..self.goods[place].clone() }
            });
            let lines = lines.collect();
            if let Err(error) = self.sell(terminal, lines, "a customer", None).await {
                self.screen.say(&format!("terminal {}: {error}", terminal + 1));
            }
        }
    }

    /// One sale, on the day that the store is at.
    pub(super) async fn sell(
        &self,
        terminal: usize,
        lines: Vec<BeginLine>,
        source: &str,
        mishap: Option<Mishap>,
    ) -> Result<(Entry, Sold), RegisterError> {
        let sale = self.sale(lines, source)?;
        self.book(terminal, &sale, mishap).await
    }

    /// Books a sale or a return, and remembers a sale.
    pub(super) async fn book(
        &self,
        terminal: usize,
        sale: &Sale,
        mishap: Option<Mishap>,
    ) -> Result<(Entry, Sold), RegisterError> {
        self.registers.open_day(terminal, self.day).await?;
        let sold = self.registers.sell(terminal, sale, mishap).await?;
        Ok((self.booked(sale), sold))
    }

    /// The ledger's entry of what was just booked.
    pub(super) fn booked(&self, sale: &Sale) -> Entry {
        if sale.kind == DocType::Sale {
            let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            remembered.truncate(REMEMBERED - 1);
            remembered.push_front(sale.clone());
        }
        self.registers.ledger.of_basket(&sale.basket).expect("what was acknowledged is in the ledger")
    }

    pub(super) async fn open_day(&self, terminal: usize) -> Result<(), RegisterError> {
        self.registers.open_day(terminal, self.day).await
    }

    /// A basket with a name and a key of its own.
    pub(super) fn sale(&self, lines: Vec<BeginLine>, source: &str) -> Result<Sale, RegisterError> {
        let drawn =
            || draw().map(|bytes| hex(&bytes)).map_err(|error| std::io::Error::other(error.to_string()));
        Ok(Sale {
            basket: drawn()?,
            key: drawn()?,
            source: source.to_owned(),
            kind: DocType::Sale,
            customer: "dashboard".into(),
            lines,
            coupons: 0,
            cash: true,
        })
    }

    /// Sales that could come back at the terminal: newest first, those that it holds.
    pub(super) fn returnable_at(&self, terminal: usize) -> Vec<Sale> {
        let held = self.observer.terminals().get(terminal).cloned().flatten();
        let held = held.and_then(|status| parse_vector(&status.durable).ok()).unwrap_or_default();
        let knows = |sale: &&Sale| {
            let entry = self.registers.ledger.of_basket(&sale.basket);
            entry.and_then(|entry| parse_event(&entry.event).ok()).is_some_and(|event| held.covers(event))
        };
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.iter().filter(knows).cloned().collect()
    }

    /// It came back, and does not come back again.
    pub(super) fn forget(&self, basket: &str) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.retain(|sale| sale.basket != basket);
    }

    /// Records an event beside the receipts, again with the same key until it is answered. Says its name.
    pub(super) async fn record(&self, terminal: usize, event: RecordEvent) -> Result<String, RegisterError> {
        let key = draw().map_err(|error| std::io::Error::other(error.to_string()))?;
        let keyed =
            KeyedRecord { key: Some(hex(&key)), repair: false, whatever_clock: false, base: None, event };
        let until = Instant::now() + RECORD_TIME;
        loop {
            let address = self.registers.supervisor.till(terminal).await?;
            match self.registers.supervisor.client.post::<Recorded>(address, "/record", &keyed).await {
                Ok(recorded) => {
                    self.registers.ledger.event(recorded.event.clone())?;
                    return Ok(recorded.event);
                }
                Err(CallError::Refused(problem)) => {
                    let what = format!("a record at terminal {}", terminal + 1);
                    return Err(RegisterError::Refused { what, problem });
                }
                Err(answer) if Instant::now() > until => {
                    return Err(RegisterError::Nonsense { what: "a record".into(), answer });
                }
                Err(_) => sleep(RETRY).await,
            }
        }
    }

    /// Waits until `holds`, at most so long. Says how long that took, or that it did not come about.
    pub(super) async fn until(
        &self,
        limit: Duration,
        mut holds: impl AsyncFnMut() -> bool,
    ) -> Option<Duration> {
        let began = Instant::now();
        loop {
            if holds().await {
                return Some(began.elapsed());
            }
            if began.elapsed() > limit {
                return None;
            }
            sleep(LOOK).await;
        }
    }
}

/// A line over so many pieces at a price.
pub(super) fn line_of(product: &str, quantity: i64, unit_price: i64) -> BeginLine {
    let amount = quantity.saturating_mul(unit_price);
    BeginLine { no: 1, product: product.to_owned(), quantity, unit_price, amount, ..BeginLine::default() }
}
