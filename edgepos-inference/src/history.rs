//! What a terminal remembers of payments, for the windows that the fraud model asks for: one pass, kept through restarts.
//!
//! A plain value: told the time, without threads or files. A window of so many days reaches from just after the moment that
//! long ago to the payment itself, which counts. Times that go back are taken as the latest seen.

use std::collections::{BTreeMap, VecDeque};

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::pipelines::fraud::{CustomerHistory, TerminalHistory, Window};

const DAY: u64 = 86_400;
const WEEK: u64 = 7 * DAY;
/// Fraud is known after a week: the shares are of payments older than that.
const FRAUD_KNOWN_AFTER: u64 = WEEK;
const CUSTOMER_MEMORY: u64 = 30 * DAY;
const TERMINAL_MEMORY: u64 = FRAUD_KNOWN_AFTER + 30 * DAY;

/// Who pays, without saying who: sixteen bytes that are the same for the same card or account, such as a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CustomerKey(pub [u8; 16]);

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryConfig {
    /// Most customers; whoever paid longest ago is forgotten first. Default 50,000 (10 MB at ten payments each).
    pub max_customers: usize,
    /// Most payments of one customer that are remembered; the oldest go. Default 300: ten a day.
    pub max_payments_per_customer: usize,
    /// Most terminals; one more is not remembered. Default 64.
    pub max_terminals: usize,
    /// Most payments of one terminal that are remembered; the oldest go. Default 100,000: 2,700 a day.
    pub max_payments_per_terminal: usize,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self {
            max_customers: 50_000,
            max_payments_per_customer: 300,
            max_terminals: 64,
            max_payments_per_terminal: 100_000,
        }
    }
}

/// Payments lately, by customer and by terminal.
///
/// ```
/// use edgepos_inference::{CustomerKey, HistoryConfig, PaymentHistory};
///
/// let mut history = PaymentHistory::new(HistoryConfig::default());
/// let somebody = CustomerKey([7; 16]);
/// history.observe(1_000_000, somebody, 1, 20.0);
/// let (customer, terminal) = history.observe(1_000_060, somebody, 1, 40.0);
/// assert_eq!((customer.day.payments, customer.day.total), (2, 60.0));
/// assert_eq!((customer.seconds_since_last, terminal.payments_7d), (Some(60), 2));
/// // Weeks later the first one turns out to be fraud.
/// history.mark_fraud(1, 1_000_000);
/// let restarted = PaymentHistory::from_bytes(HistoryConfig::default(), &history.to_bytes())?;
/// assert_eq!(restarted, history);
/// # Ok::<(), edgepos_inference::HistoryError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PaymentHistory {
    config: HistoryConfig,
    customers: BTreeMap<CustomerKey, Customer>,
    terminals: BTreeMap<u32, Till>,
    latest: u64,
    position: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Customer {
    /// When, and how much; oldest first.
    payments: VecDeque<(u64, f64)>,
    /// When the last one was, also after it has left the memory.
    last: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Till {
    /// When; oldest first.
    payments: VecDeque<u64>,
    /// When those were that turned out to be fraud; oldest first.
    frauds: VecDeque<u64>,
}

impl PaymentHistory {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(config: HistoryConfig) -> Self {
        Self { config, customers: BTreeMap::new(), terminals: BTreeMap::new(), latest: 0, position: 0 }
    }

    /// Takes in a payment `at` (seconds on any clock that all terminals share, such as Unix time) of `amount` in the
    /// currency's major unit, and gives the windows that end with it. A retry is a payment too: the model learnt so.
    ///
    /// A time before the latest seen counts as that. One that is far ahead therefore draws all later payments into its
    /// windows until it is reached: give no time that another clock of the store does not confirm.
    ///
    /// An amount that is not a number counts as 0.
    pub fn observe(
        &mut self,
        at: u64,
        customer: CustomerKey,
        terminal: u32,
        amount: f64,
    ) -> (CustomerHistory, TerminalHistory) {
        self.latest = self.latest.max(at);
        let now = self.latest;
        let amount = if amount.is_finite() { amount } else { 0.0 };
        (self.customer(now, customer, amount), self.terminal(now, terminal))
    }

    fn customer(&mut self, now: u64, key: CustomerKey, amount: f64) -> CustomerHistory {
        if !self.customers.contains_key(&key) && self.customers.len() >= self.config.max_customers.max(1) {
            self.forget_a_customer(now);
        }
        let customer = self.customers.entry(key).or_default();
        let seconds_since_last = customer.last.replace(now).map(|last| now - last);
        let payments = &mut customer.payments;
        payments.push_back((now, amount));
        while payments.front().is_some_and(|(when, _)| when.saturating_add(CUSTOMER_MEMORY) <= now)
            || payments.len() > self.config.max_payments_per_customer.max(1)
        {
            payments.pop_front();
        }
        let window = |length: u64| {
            let inside = payments.iter().rev().take_while(|(when, _)| when.saturating_add(length) > now);
            let (count, total) = inside.fold((0, 0.0), |(count, total), (_, paid)| (count + 1, total + paid));
            Window { payments: count, total }
        };
        CustomerHistory {
            day: window(DAY),
            week: window(WEEK),
            month: window(CUSTOMER_MEMORY),
            seconds_since_last,
        }
    }

    /// Those whose payments have all left the memory, or else whoever paid longest ago.
    fn forget_a_customer(&mut self, now: u64) {
        let before = self.customers.len();
        self.customers.retain(|_, customer| {
            customer.last.is_some_and(|last| last.saturating_add(CUSTOMER_MEMORY) > now)
        });
        if self.customers.len() == before
            && let Some((&key, _)) = self.customers.iter().min_by_key(|(_, customer)| customer.last)
        {
            self.customers.remove(&key);
        }
    }

    fn terminal(&mut self, now: u64, number: u32) -> TerminalHistory {
        let known = self.terminals.contains_key(&number);
        if !known && self.terminals.len() >= self.config.max_terminals.max(1) {
            return TerminalHistory { payments_7d: 1, ..TerminalHistory::default() };
        }
        let till = self.terminals.entry(number).or_default();
        till.payments.push_back(now);
        let limit = self.config.max_payments_per_terminal.max(1);
        for times in [&mut till.payments, &mut till.frauds] {
            while times.front().is_some_and(|when| when.saturating_add(TERMINAL_MEMORY) <= now)
                || times.len() > limit
            {
                times.pop_front();
            }
        }
        let since = |times: &VecDeque<u64>, length: u64| {
            times.len() - times.partition_point(|when| when.saturating_add(length) <= now)
        };
        let share = |days: u64| {
            let (from, to) = (FRAUD_KNOWN_AFTER + days * DAY, FRAUD_KNOWN_AFTER);
            let between = |times: &VecDeque<u64>| (since(times, from) - since(times, to)) as f32;
            let share = between(&till.frauds) / between(&till.payments).max(1.0);
            // Payments may have been forgotten for want of room while their frauds were not.
            share.min(1.0)
        };
        TerminalHistory {
            payments_7d: u32::try_from(since(&till.payments, WEEK)).unwrap_or(u32::MAX),
            fraud_share_7d: share(7),
            fraud_share_30d: share(30),
        }
    }

    /// Tells that a payment at `terminal` at the time `at` was fraud. What is too old to matter, or was at a terminal that is
    /// not known, is ignored.
    pub fn mark_fraud(&mut self, terminal: u32, at: u64) {
        let limit = self.config.max_payments_per_terminal.max(1);
        let Some(till) = self.terminals.get_mut(&terminal) else { return };
        if at.saturating_add(TERMINAL_MEMORY) > self.latest && till.frauds.len() < limit {
            let place = till.frauds.partition_point(|when| *when <= at);
            till.frauds.insert(place, at);
        }
    }

    /// Where in the application's own log of payments this stands; 0 at first. After a restart the application observes
    /// what comes after it, and the windows are as if nothing had happened.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Notes the position, before [`PaymentHistory::to_bytes`].
    pub fn set_position(&mut self, position: u64) {
        self.position = position;
    }

    /// The history as bytes, with a digest at the end; `docs/formats-models.md` describes them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        put(&mut bytes, self.position);
        put(&mut bytes, self.latest);
        put(&mut bytes, self.customers.len() as u64);
        for (key, customer) in &self.customers {
            bytes.extend_from_slice(&key.0);
            // 0 stands for "never": a time is put one higher.
            put(&mut bytes, customer.last.map_or(0, |last| last.saturating_add(1)));
            put(&mut bytes, customer.payments.len() as u64);
            for (when, amount) in &customer.payments {
                put(&mut bytes, *when);
                put(&mut bytes, amount.to_bits());
            }
        }
        put(&mut bytes, self.terminals.len() as u64);
        for (number, till) in &self.terminals {
            put(&mut bytes, u64::from(*number));
            for times in [&till.payments, &till.frauds] {
                put(&mut bytes, times.len() as u64);
                times.iter().for_each(|when| put(&mut bytes, *when));
            }
        }
        let digest = Sha256::digest(&bytes);
        bytes.extend_from_slice(&digest);
        bytes
    }

    /// A history from [`PaymentHistory::to_bytes`]. What is beyond the limits of `config` is forgotten, oldest first.
    ///
    /// # Errors
    /// [`HistoryError`]; start with an empty history then, and observe the log from its start.
    pub fn from_bytes(config: HistoryConfig, bytes: &[u8]) -> Result<Self, HistoryError> {
        let (content, digest) = bytes.split_last_chunk::<32>().ok_or(HistoryError::Damaged)?;
        if Sha256::digest(content).as_slice() != digest {
            return Err(HistoryError::Damaged);
        }
        let mut rest = content.strip_prefix(MAGIC).ok_or(HistoryError::Format)?;
        let mut history = Self::new(config);
        history.position = take(&mut rest)?;
        history.latest = take(&mut rest)?;
        for _ in 0..take(&mut rest)? {
            let (key, after) = rest.split_first_chunk::<16>().ok_or(HistoryError::Damaged)?;
            rest = after;
            let mut customer = Customer { last: take(&mut rest)?.checked_sub(1), payments: VecDeque::new() };
            for _ in 0..take(&mut rest)? {
                customer.payments.push_back((take(&mut rest)?, f64::from_bits(take(&mut rest)?)));
            }
            let times = customer.payments.iter().map(|(when, _)| *when).chain(customer.last);
            let numbers = customer.payments.iter().all(|(_, amount)| amount.is_finite());
            if !numbers || !times.chain([history.latest]).is_sorted() {
                return Err(HistoryError::Damaged);
            }
            let room = config.max_payments_per_customer.max(1);
            customer.payments.drain(..customer.payments.len().saturating_sub(room));
            history.customers.insert(CustomerKey(*key), customer);
        }
        while history.customers.len() > config.max_customers.max(1) {
            history.forget_a_customer(history.latest);
        }
        for _ in 0..take(&mut rest)? {
            let number = u32::try_from(take(&mut rest)?).map_err(|_| HistoryError::Damaged)?;
            let mut till = Till::default();
            for times in [&mut till.payments, &mut till.frauds] {
                for _ in 0..take(&mut rest)? {
                    times.push_back(take(&mut rest)?);
                }
                if !times.iter().is_sorted() {
                    return Err(HistoryError::Damaged);
                }
                times.drain(..times.len().saturating_sub(config.max_payments_per_terminal.max(1)));
            }
            if history.terminals.len() < config.max_terminals.max(1) {
                history.terminals.insert(number, till);
            }
        }
        if rest.is_empty() { Ok(history) } else { Err(HistoryError::Damaged) }
    }
}

impl PartialEq for PaymentHistory {
    /// Equal memories; the limits may differ.
    fn eq(&self, other: &Self) -> bool {
        let parts = |history: &Self| (history.latest, history.position);
        parts(self) == parts(other) && self.customers == other.customers && self.terminals == other.terminals
    }
}

/// Bytes that are no history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// Torn or changed: the digest does not match, a length leads beyond the end, or times are out of order.
    #[error("the payment history is damaged")]
    Damaged,
    /// Of another version, or something else.
    #[error("not a payment history of this version")]
    Format,
}

/// Name and version.
const MAGIC: &[u8] = b"edgepos payments 1\n";

fn put(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend_from_slice(&number.to_le_bytes());
}

fn take(rest: &mut &[u8]) -> Result<u64, HistoryError> {
    let (number, after) = rest.split_first_chunk::<8>().ok_or(HistoryError::Damaged)?;
    *rest = after;
    Ok(u64::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> CustomerKey {
        CustomerKey([number; 16])
    }

    #[test]
    fn every_list_has_its_limit() {
        let config = HistoryConfig {
            max_customers: 3,
            max_payments_per_customer: 2,
            max_terminals: 2,
            max_payments_per_terminal: 4,
        };
        let mut history = PaymentHistory::new(config);
        for turn in 0..200_u64 {
            history.observe(turn * 10, key((turn % 7) as u8), (turn % 5) as u32, 1.0);
            history.mark_fraud(0, turn * 10);
        }
        assert_eq!((history.customers.len(), history.terminals.len()), (3, 2));
        assert!(history.customers.values().all(|customer| customer.payments.len() <= 2));
        assert!(history.terminals.values().all(|till| till.payments.len() <= 4 && till.frauds.len() <= 4));
        // The last three to pay are the ones who are remembered.
        assert!([2, 3].into_iter().all(|number| history.customers.contains_key(&key(number))));
        let (_, unknown) = history.observe(2000, key(1), 4, 1.0);
        assert_eq!(unknown, TerminalHistory { payments_7d: 1, ..TerminalHistory::default() });
    }

    #[test]
    fn a_clock_that_goes_back_and_an_amount_that_is_no_number_do_no_harm() {
        let mut history = PaymentHistory::new(HistoryConfig::default());
        history.observe(1000, key(1), 1, 5.0);
        let (customer, _) = history.observe(10, key(1), 1, f64::NAN);
        assert_eq!((customer.day.payments, customer.day.total), (2, 5.0));
        assert_eq!(customer.seconds_since_last, Some(0));
        history.observe(u64::MAX - 5, key(1), 1, 1.0);
        history.mark_fraud(1, u64::MAX);
        history.observe(u64::MAX, key(1), 1, 1.0);
    }

    /// Windows are differences of ordered times: others would overflow.
    #[test]
    fn times_out_of_order_and_amounts_that_are_no_numbers_are_refused() {
        let read = |last: u64, paid: u64, amount: f64, till: [u64; 2]| {
            let mut bytes = MAGIC.to_vec();
            for number in [0, 1000, 1] {
                put(&mut bytes, number);
            }
            bytes.extend_from_slice(&[7; 16]);
            for number in [last + 1, 1, paid, amount.to_bits(), 1, 4, 2, till[0], till[1], 0] {
                put(&mut bytes, number);
            }
            let digest = Sha256::digest(&bytes);
            bytes.extend_from_slice(&digest);
            PaymentHistory::from_bytes(HistoryConfig::default(), &bytes).map(|history| history.latest)
        };
        assert_eq!(read(900, 900, 5.0, [800, 900]), Ok(1000));
        assert_eq!(read(2000, 900, 5.0, [800, 900]), Err(HistoryError::Damaged));
        assert_eq!(read(900, 950, 5.0, [800, 900]), Err(HistoryError::Damaged));
        assert_eq!(read(900, 900, f64::NAN, [800, 900]), Err(HistoryError::Damaged));
        assert_eq!(read(900, 900, 5.0, [900, 800]), Err(HistoryError::Damaged));
    }

    #[test]
    fn bytes_that_were_torn_or_changed_are_refused() {
        let mut history = PaymentHistory::new(HistoryConfig::default());
        for turn in 0..20 {
            history.observe(turn * 1000, key((turn % 3) as u8), 1, turn as f64);
        }
        let bytes = history.to_bytes();
        for length in 0..bytes.len() {
            assert!(PaymentHistory::from_bytes(HistoryConfig::default(), &bytes[..length]).is_err());
        }
        for place in (0..bytes.len()).step_by(7) {
            let mut bytes = bytes.clone();
            bytes[place] ^= 4;
            let error = PaymentHistory::from_bytes(HistoryConfig::default(), &bytes);
            assert_eq!(error, Err(HistoryError::Damaged), "byte {place}");
        }
    }
}
