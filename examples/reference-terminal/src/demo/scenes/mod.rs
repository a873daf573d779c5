//! A day at the counter, once the boxes have been through theirs: what a till does besides selling and taking back.
//!
//! The store has one business day for all from here on, and a fiscal device for one of its series: each terminal is started again for
//! that, one after the other.

mod counter;
mod day;

use std::time::Duration;

use edgepos::Begun;
use edgepos::model::{PriceSet, SigningState};
use serde_json::Value;
use tokio::net::TcpListener;
use toml::Value as Toml;

use self::counter::{Counter, basket, broken, customer, goods, money, tender};
use self::day::StoreDay;
use super::error::DemoError;
use super::faults::Faults;
use super::observer::Observer;
use super::plan::CURRENCY;
use super::register::Registers;
use super::replayer;
use super::screen::Screen;
use super::story::wall_ms;
use crate::api::{
    Begin, BeginLine, Claimed, Done, EffectPart, Park, ProblemCode, RecordEvent, StockPart, TenderKind,
};
use crate::signer;

/// How far ahead tomorrow is, where a week passes in half a minute.
const TOMORROW: Duration = Duration::from_millis(1_500);
/// The series whose receipts the fiscal device signs.
const SIGNED: &str = "F";
/// Cheese, and what the scale prints on 345 g of it: see `labels` in [`Supervisor`](super::supervisor::Supervisor).
const CHEESE: (&str, &str) = ("02300123400007", "2300123403459");
/// A gift card, by its number: [`Counter::STORED_VALUE`](edgepos::model::Counter::STORED_VALUE).
const GIFT_CARD: (u16, &str) = (3, "gift-card-17");

/// What happens at the counter, one after the other.
pub(super) struct Scenes<'a> {
    counter: Counter<'a>,
    registers: &'a Registers,
    faults: &'a Faults,
}

impl<'a> Scenes<'a> {
    pub(super) fn new(
        registers: &'a Registers,
        observer: &'a std::sync::Arc<Observer>,
        screen: &'a Screen,
        faults: &'a Faults,
    ) -> Self {
        Self { counter: Counter { registers, observer, screen }, registers, faults }
    }

    /// One after the other. What does not come about is a finding. `goes_on`: whether the store sells on after the close.
    pub(super) async fn all(&self, goes_on: bool) -> Result<(), DemoError> {
        if self.registers.supervisor.len() < 3 {
            self.registers.figures.skip("a day at the counter: it takes three terminals");
            return Ok(());
        }
        let day = self.next_day().await?;
        self.start_again().await?;
        let day = StoreDay(day);
        day.open(&self.counter).await?;
        self.tomorrows_price().await?;
        self.weighed().await?;
        self.gift_card().await?;
        self.parked().await?;
        self.signed().await?;
        day.close(&self.counter).await?;
        if goes_on {
            StoreDay(self.offered(0).await?).open(&self.counter).await?;
        }
        Ok(())
    }

    /// Closes the day of each terminal. The day that a till offers to open then.
    async fn next_day(&self) -> Result<u32, DemoError> {
        replayer::close(self.registers).await?;
        self.offered(0).await
    }

    /// The day that a till offers to open, when it shall sell on one that is closed.
    async fn offered(&self, terminal: usize) -> Result<u32, DemoError> {
        let late = basket(&customer("a customer after the close")?, vec![goods("N-late", 1, 100)]);
        let refused = self.registers.refusal(terminal, &late).await?;
        let closed = refused.filter(|problem| problem.code == ProblemCode::DayClosed);
        let next = closed.and_then(|problem| problem.next_day);
        next.ok_or_else(|| broken("a closed day is not refused with the one that may be opened"))
    }

    /// Each terminal starts with one business day for the store, and with a fiscal device: those that do not lead first.
    async fn start_again(&self) -> Result<(), DemoError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.map_err(|error| DemoError::io("a port for the fiscal device", error))?;
        let device = listener.local_addr().map_err(|error| DemoError::io("the fiscal device", error))?;
        // It answers until the program ends: a receipt may wait for it.
        tokio::spawn(async move { axum::serve(listener, signer::router()).await });
        let leader = self.counter.observer.find_leader().await.map(|leader| leader.terminal);
        let mut order: Vec<usize> = (0..self.registers.supervisor.len()).collect();
        order.sort_by_key(|terminal| Some(*terminal) == leader);
        for terminal in order {
            let _nobody_sells = self.registers.supervisor.register(terminal).await;
            self.faults.hold(terminal).await;
            let changed = self.faults.configure(terminal, |config| {
                config.insert("business_day_of".into(), Toml::String("store".into()));
                config.insert("signed_series".into(), Toml::Array(vec![Toml::String(SIGNED.into())]));
                config.insert("signer".into(), Toml::String(format!("http://{device}/sign")));
            });
            self.faults.start(terminal).await;
            changed.map_err(broken)?;
            self.registers.status(terminal).await?;
        }
        Ok(())
    }

    /// A price that is said before it is in force takes nothing away, and every till changes over by itself.
    async fn tomorrows_price(&self) -> Result<(), DemoError> {
        let coffee = "N-coffee";
        self.stock((coffee, "coffee"), ("piece", 0), 20, 500).await?;
        self.counter.settle().await?;
        let tomorrow = wall_ms() + u64::try_from(TOMORROW.as_millis()).unwrap_or_default();
        self.counter.record(0, &price(coffee, 450, Some(tomorrow), 2)).await?;
        let at = |at_ms: u64| format!("/price?product={coffee}&at_ms={at_ms}");
        let until = Counter::limit();
        let is = |price: &PriceSet, amount| price.amount == amount;
        while !is(&self.registers.ask::<PriceSet>(1, &at(tomorrow)).await?, 450) {
            self.counter.still(until, "a price for tomorrow did not come to the next till").await?;
        }
        if !is(&self.registers.ask::<PriceSet>(1, &at(tomorrow - 1)).await?, 500) {
            self.counter.find("a price for tomorrow took today's away");
        }
        let now = format!("/price?product={coffee}");
        let until = Counter::limit();
        let price = loop {
            let price: PriceSet = self.registers.ask(1, &now).await?;
            if is(&price, 450) {
                break price;
            }
            self.counter.still(until, "tomorrow's price did not come into force").await?;
        };
        let line = BeginLine { price_version: price.version, ..goods(coffee, 1, price.amount) };
        let sold = self.counter.sell(1, "coffee at tomorrow's price", vec![line], |_| {}).await?;
        self.counter.tell(format!(
            "a price that terminal 1 had set for later came into force at terminal 2 by itself: coffee 5.00 until then, and {} after",
            money(sold.receipt.total)
        ));
        Ok(())
    }

    /// 345 g of what is counted by the gram, as the label of the scale says: neither the goods nor what they cost is keyed in.
    async fn weighed(&self) -> Result<(), DemoError> {
        let (cheese, label) = CHEESE;
        self.stock((cheese, "cheese"), ("kg", 3), 5_000, 1_990).await?;
        let line = goods(label, 0, 0);
        let sold = self.counter.sell(0, "0.345 kg of cheese", vec![line], |_| {}).await?;
        let left: Vec<Value> = self.registers.ask(0, &format!("/counters?product={cheese}")).await?;
        if left.first().and_then(|row| row["value"].as_i64()) != Some(5_000 - 345) {
            self.counter.find(&format!("0.345 kg of 5.000 kg were sold, and what is left is {left:?}"));
        }
        self.counter.tell(format!(
            "0.345 kg of cheese at 19.90 a kg were sold by the label {label} for {}, and 4.655 kg are left",
            money(sold.receipt.total)
        ));
        Ok(())
    }

    /// A card of 50.00 pays a part, at another till than the one that has sold it, and no more than is on it.
    async fn gift_card(&self) -> Result<(), DemoError> {
        let (counter, key) = GIFT_CARD;
        let moves = |delta| vec![EffectPart { counter, key: key.into(), delta, floor: Some(0) }];
        let card = vec![goods("N-gift-card", 1, 5_000)];
        self.counter.sell(0, "a gift card of 50.00", card, |begin| begin.effects = moves(5_000)).await?;
        self.counter.settle().await?;
        let customer = customer("coffee on a gift card")?;
        let too_much =
            Begin { effects: moves(-5_001), ..basket(&customer, vec![goods("N-coffee", 12, 5_400)]) };
        let refused = self.registers.refusal(1, &too_much).await?;
        if !refused.as_ref().is_some_and(|problem| problem.code == ProblemCode::Overdrawn) {
            self.counter.find(&format!("more than is on a gift card was not refused: {refused:?}"));
        }
        let begin = Begin { effects: moves(-1_350), ..basket(&customer, vec![goods("N-coffee", 3, 1_350)]) };
        let by_card = |total| vec![tender(TenderKind::StoredValue, total)];
        self.counter.buy(1, &begin, &customer, by_card).await?;
        self.counter.tell(
            "a gift card of 50.00 from terminal 1 paid 13.50 at terminal 2, which had refused to take 50.01 from it".into(),
        );
        Ok(())
    }

    /// A basket that was put aside at one till goes on at another, under a number of that one.
    async fn parked(&self) -> Result<(), DemoError> {
        let customer = customer("a basket that was parked")?;
        let begin = basket(&customer, vec![goods("N-coffee", 2, 900)]);
        let parked = Park { basket: begin.basket.clone() };
        let what = "a basket that is parked";
        let first: Begun = self.registers.insist(0, "/begin", &begin, what).await?;
        let _: Done = self.registers.insist(0, "/park", &parked, what).await?;
        let until = Counter::limit();
        let claimed = loop {
            let address = self.registers.supervisor.till(1).await.map_err(broken)?;
            match self.registers.supervisor.client.post::<Claimed>(address, "/claim", &parked).await {
                Ok(claimed) => break claimed,
                Err(_) => {
                    self.counter.still(until, "a parked basket was not recalled at the next till").await?
                }
            }
        };
        self.counter.pay(1, &customer, claimed.total, |total| vec![tender(TenderKind::Cash, total)]).await?;
        self.counter.tell(format!(
            "a basket that terminal 1 had parked, number {} there, was recalled and paid at terminal 2: {} line, {}",
            first.number,
            claimed.lines.len(),
            money(claimed.total)
        ));
        Ok(())
    }

    /// A receipt of a series that a fiscal device signs.
    async fn signed(&self) -> Result<(), DemoError> {
        let line = vec![goods("N-coffee", 1, 450)];
        let sold =
            self.counter.sell(0, "coffee, signed", line, |begin| begin.series = Some(SIGNED.into())).await?;
        match sold.fiscal.filter(|fiscal| fiscal.state == SigningState::SIGNED) {
            Some(_) => self.counter.tell(format!(
                "receipt {} {} was signed by a fiscal device before it was booked",
                sold.receipt.series, sold.receipt.number
            )),
            None => self.counter.find("the fiscal device has not signed a receipt"),
        }
        Ok(())
    }

    /// A product with its price, and goods to sell.
    async fn stock(
        &self,
        (product, name): (&str, &str),
        (unit, scale): (&str, u8),
        received: i64,
        amount: i64,
    ) -> Result<(), DemoError> {
        let set = RecordEvent::ProductSet {
            product: product.into(),
            name: name.into(),
            counted: None,
            floor: None,
            base_unit: unit.into(),
            scale,
            tax_code: None,
            valid_from: None,
            valid_to: None,
            version: None,
        };
        self.counter.record(0, &set).await?;
        self.counter.record(0, &price(product, amount, None, 1)).await?;
        let lines = vec![StockPart { product: product.into(), quantity: received }];
        self.counter.record(0, &RecordEvent::StockReceived { from: "warehouse".into(), lines }).await
    }
}

fn price(product: &str, amount: i64, valid_from: Option<u64>, version: u64) -> RecordEvent {
    RecordEvent::PriceSet {
        product: product.into(),
        amount,
        currency: CURRENCY.into(),
        list: 0,
        tax_included: false,
        valid_from,
        valid_to: None,
        version: Some(version),
    }
}
