//! The counter where a customer is served, and what is told of it.

use std::sync::Arc;
use std::time::Duration;

use edgepos::model::DocType;
use edgepos::{Begun, Committed};
use tokio::time::{Instant, sleep};

use crate::api::{Begin, BeginLine, Pay, RecordEvent, TenderKind, TenderPart};
use crate::demo::draw::draw;
use crate::demo::error::DemoError;
use crate::demo::observer::Observer;
use crate::demo::plan::{CURRENCY, Sale};
use crate::demo::register::{Registers, begin, pay};
use crate::demo::replayer;
use crate::demo::screen::Screen;
use crate::names::hex;

/// How long something may take that happens by itself.
const LIMIT: Duration = Duration::from_secs(60);
/// How long everybody may take to hold everything.
const SETTLE: Duration = Duration::from_secs(180);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// All tills of the store, and who hears what happens there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counter<'a> {
    pub(super) registers: &'a Registers,
    pub(super) observer: &'a Arc<Observer>,
    pub(super) screen: &'a Screen,
}

impl Counter<'_> {
    /// When what happens by itself must have happened.
    pub(super) fn limit() -> Instant {
        Instant::now() + LIMIT
    }

    pub(super) async fn record(&self, terminal: usize, event: &RecordEvent) -> Result<(), DemoError> {
        Ok(self.registers.record(terminal, event).await?)
    }

    /// A customer pays in cash for these lines.
    pub(super) async fn sell(
        &self,
        terminal: usize,
        what: &str,
        lines: Vec<BeginLine>,
        change: impl FnOnce(&mut Begin),
    ) -> Result<Committed, DemoError> {
        let customer = customer(what)?;
        let mut begin = basket(&customer, lines);
        change(&mut begin);
        self.buy(terminal, &begin, &customer, |total| vec![tender(TenderKind::Cash, total)]).await
    }

    pub(super) async fn buy(
        &self,
        terminal: usize,
        begin: &Begin,
        customer: &Sale,
        tenders: impl FnOnce(i64) -> Vec<TenderPart>,
    ) -> Result<Committed, DemoError> {
        let begun: Begun = self.registers.insist(terminal, "/begin", begin, &customer.source).await?;
        self.pay(terminal, customer, begun.total, tenders).await
    }

    pub(super) async fn pay(
        &self,
        terminal: usize,
        customer: &Sale,
        total: i64,
        tenders: impl FnOnce(i64) -> Vec<TenderPart>,
    ) -> Result<Committed, DemoError> {
        let pay = Pay { tenders: tenders(total), ..pay(customer, total) };
        Ok(self.registers.commit(terminal, &pay, &customer.source).await?)
    }

    /// Waits a moment for something that is to happen by itself.
    pub(super) async fn still(&self, until: Instant, missing: &str) -> Result<(), DemoError> {
        if Instant::now() > until {
            return Err(broken(format!("{missing} within {LIMIT:?}")));
        }
        sleep(LOOK).await;
        Ok(())
    }

    pub(super) async fn settle(&self) -> Result<(), DemoError> {
        let settled = replayer::settle(self.registers, self.observer, true, SETTLE).await.map_err(broken)?;
        if let Err(lacking) = settled {
            self.find(&format!("not everybody held everything after {SETTLE:?}: {lacking}"));
        }
        Ok(())
    }

    pub(super) fn find(&self, what: &str) {
        self.registers.figures.find(what);
    }

    pub(super) fn tell(&self, what: String) {
        self.screen.say(&what);
        self.registers.figures.tell(what);
    }
}

pub(super) fn broken(error: impl std::fmt::Display) -> DemoError {
    DemoError::Broken(error.to_string())
}

/// Somebody who buys something, with names that no other basket has.
pub(super) fn customer(what: &str) -> Result<Sale, DemoError> {
    Ok(Sale {
        basket: hex(&draw()?),
        key: hex(&draw()?),
        source: what.to_owned(),
        kind: DocType::Sale,
        customer: String::from("somebody"),
        lines: Vec::new(),
        coupons: 0,
        cash: true,
    })
}

pub(super) fn basket(customer: &Sale, lines: Vec<BeginLine>) -> Begin {
    Begin { lines, ..begin(customer) }
}

/// So much of a product, for so much.
pub(super) fn goods(product: &str, quantity: i64, amount: i64) -> BeginLine {
    BeginLine { no: 1, product: product.into(), quantity, unit_price: amount, amount, ..BeginLine::default() }
}

pub(super) fn tender(kind: TenderKind, amount: i64) -> TenderPart {
    TenderPart { kind, amount, external_ref: None, payment: None, card: None }
}

/// An amount in the currency of the demo.
pub(super) fn money(amount: impl Into<i128>) -> String {
    let amount = amount.into();
    let sign = if amount < 0 { "-" } else { "" };
    format!("{sign}{}.{:02} {CURRENCY}", amount.abs() / 100, amount.abs() % 100)
}
