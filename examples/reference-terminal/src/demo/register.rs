//! What a cashier does, and does again until the terminal has said that it is booked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use edgepos::model::{DocType, Mode};
use edgepos::{Begun, Committed};
use thiserror::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::error::DemoError;
use super::figures::Figures;
use super::ledger::{Entry, Ledger};
use super::plan::{CURRENCY, Mishap, Sale};
use super::process::GaveUp;
use super::seen::{SeenCounter, SeenStatus};
use super::supervisor::Supervisor;
use crate::api::{Begin, Pay, Problem, ProblemCode, RecordEvent, Recorded, TenderKind, TenderPart};
use crate::http::CallError;

/// Between two attempts.
const RETRY: Duration = Duration::from_millis(50);
/// How long the answer to a commit may take before the terminal is killed for the lack of it.
const ANSWER: Duration = Duration::from_secs(5);
/// Between a mishap's kill and the next start.
const MISHAP_PAUSE: Duration = Duration::from_millis(300);
/// Cash in a drawer in the morning, in cents.
const FLOAT: i64 = 20_000;

/// A sale or a record did not come about. An answer that is lost is no reason: it is asked for again.
#[derive(Debug, Error)]
pub(super) enum RegisterError {
    #[error("{what} was refused: {}", problem.error)]
    Refused { what: String, problem: Problem },
    #[error("{what}: {answer}")]
    Nonsense { what: String, answer: CallError },
    #[error("{0}")]
    Gone(#[from] GaveUp),
    #[error("the ledger cannot be written: {0}")]
    Ledger(#[from] std::io::Error),
}

impl From<RegisterError> for DemoError {
    fn from(error: RegisterError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// A sale that is acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sold {
    /// Whether an earlier call with its key had booked it.
    pub(super) repeated: bool,
    /// Whether an answer to such a call had arrived and was left unread.
    pub(super) unread: bool,
    /// How long the call took that was answered.
    pub(super) took: Duration,
}

/// All tills of the store, and the ledger beside them.
#[derive(Clone, Debug)]
pub(super) struct Registers {
    pub(super) supervisor: Arc<Supervisor>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) figures: Arc<Figures>,
}

impl Registers {
    /// Sells: `begin`, payment, `commit` with one key until it is acknowledged.
    pub(super) async fn sell(
        &self,
        terminal: usize,
        sale: &Sale,
        mishap: Option<Mishap>,
    ) -> Result<Sold, RegisterError> {
        let _one_at_a_time = self.supervisor.register(terminal).await;
        let what = format!("begin of basket {} at terminal {}", sale.source, terminal + 1);
        let begun: Begun = self.insist(terminal, "/begin", &begin(sale), &what).await?;
        self.pay(terminal, sale, begun.total, mishap).await
    }

    /// Pays for a basket that is open at the terminal, whose register the caller holds.
    pub(super) async fn pay(
        &self,
        terminal: usize,
        sale: &Sale,
        total: i64,
        mishap: Option<Mishap>,
    ) -> Result<Sold, RegisterError> {
        let what = format!("commit of basket {} at terminal {}", sale.source, terminal + 1);
        let pay = pay(sale, total);
        let mut attempts = 0;
        let mut unread = false;
        if let Some(mishap) = mishap {
            attempts += 1;
            unread = self.commit_and_kill(terminal, &pay, mishap).await?;
        }
        let (Committed { receipt, repeated, .. }, took) = loop {
            attempts += 1;
            let address = self.supervisor.till(terminal).await?;
            let asked = Instant::now();
            match self.supervisor.client.post::<Committed>(address, "/commit", &pay).await {
                Ok(committed) => break (committed, asked.elapsed()),
                Err(error) => again(error, &what).await?,
            }
        };
        let entry = Entry {
            basket: receipt.basket.to_string(),
            source: sale.source.clone(),
            kind: sale.kind,
            key: sale.key.clone(),
            terminal: self.supervisor.id(terminal).terminal(),
            event: receipt.event.to_string(),
            series: receipt.series,
            number: receipt.number,
            total: receipt.total,
            attempts,
            repeated,
        };
        self.booked(entry, took)?;
        Ok(Sold { repeated, unread, took })
    }

    /// Pays for a basket that is open at the terminal as somebody says, and notes its receipt under the name `source`.
    pub(super) async fn commit(
        &self,
        terminal: usize,
        pay: &Pay,
        source: &str,
    ) -> Result<Committed, RegisterError> {
        let asked = Instant::now();
        let committed: Committed = self.insist(terminal, "/commit", pay, source).await?;
        let receipt = committed.receipt.clone();
        let entry = Entry {
            basket: pay.basket.clone(),
            source: source.to_owned(),
            kind: DocType::Sale,
            key: pay.key.clone(),
            terminal: self.supervisor.id(terminal).terminal(),
            event: receipt.event.to_string(),
            series: receipt.series,
            number: receipt.number,
            total: receipt.total,
            attempts: 1,
            repeated: committed.repeated,
        };
        self.booked(entry, asked.elapsed())?;
        Ok(committed)
    }

    fn booked(&self, entry: Entry, took: Duration) -> Result<(), RegisterError> {
        self.figures.sold(&entry.event, took);
        Ok(self.ledger.receipt(entry)?)
    }

    /// Sends `commit`, and kills the terminal without having read the answer. Says whether there was one.
    async fn commit_and_kill(
        &self,
        terminal: usize,
        pay: &Pay,
        mishap: Mishap,
    ) -> Result<bool, RegisterError> {
        let address = self.supervisor.till(terminal).await?;
        let mut unread = false;
        // Whether the call comes through is what must not matter.
        if let Ok(stream) = send_commit(address, pay).await
            && mishap == Mishap::KilledAfterBooking
        {
            // Something is there, and nobody takes it.
            unread = matches!(timeout(ANSWER, stream.peek(&mut [0])).await, Ok(Ok(1)));
        }
        self.supervisor.kill(terminal, MISHAP_PAUSE).await;
        Ok(unread)
    }

    /// Brings the till to a business day; it never goes back to an earlier one.
    pub(super) async fn open_day(&self, terminal: usize, day: u32) -> Result<(), RegisterError> {
        let _nobody_sells = self.supervisor.register(terminal).await;
        loop {
            let event = match self.status(terminal).await?.business_day {
                Some(open) if open >= day => return Ok(()),
                Some(_) => closes(),
                None => RecordEvent::DayOpened {
                    day,
                    float: FLOAT,
                    currency: Some(CURRENCY.into()),
                    cash: Vec::new(),
                },
            };
            self.record_day(terminal, &event).await?;
        }
    }

    /// Begins a basket that is to be refused: why it is, and nothing where it begins.
    pub(super) async fn refusal(
        &self,
        terminal: usize,
        begin: &Begin,
    ) -> Result<Option<Problem>, RegisterError> {
        let begun: Result<Begun, RegisterError> = self.insist(terminal, "/begin", begin, "a basket").await;
        match begun {
            Ok(_) => Ok(None),
            Err(RegisterError::Refused { problem, .. }) => Ok(Some(problem)),
            Err(error) => Err(error),
        }
    }

    /// What a question at a terminal answers, as soon as it answers.
    pub(super) async fn ask<A: serde::de::DeserializeOwned>(
        &self,
        terminal: usize,
        path: &str,
    ) -> Result<A, RegisterError> {
        loop {
            let address = self.supervisor.till(terminal).await?;
            match self.supervisor.client.get(address, path).await {
                Ok(answer) => return Ok(answer),
                Err(error) => again(error, path).await?,
            }
        }
    }

    /// Ends the open business day, if one is.
    pub(super) async fn close_day(&self, terminal: usize) -> Result<(), RegisterError> {
        let _nobody_sells = self.supervisor.register(terminal).await;
        while self.status(terminal).await?.business_day.is_some() {
            self.record_day(terminal, &closes()).await?;
        }
        Ok(())
    }

    /// One attempt: whether it came through is read from the status.
    async fn record_day(&self, terminal: usize, event: &RecordEvent) -> Result<(), RegisterError> {
        let address = self.supervisor.till(terminal).await?;
        match self.supervisor.client.post::<Recorded>(address, "/record", event).await {
            Ok(recorded) => Ok(self.ledger.event(recorded.event)?),
            Err(CallError::Refused(problem)) if problem.code == ProblemCode::Day => {
                sleep(RETRY).await;
                Ok(())
            }
            Err(error) => again(error, "a business day").await,
        }
    }

    /// Records master data or a goods receipt. A record has no key: where the answer is lost, the terminal is asked what it has. A
    /// product or a price may stand there twice, which changes nothing; goods may not.
    pub(super) async fn record(&self, terminal: usize, event: &RecordEvent) -> Result<(), RegisterError> {
        loop {
            let address = self.supervisor.till(terminal).await?;
            match self.supervisor.client.post::<Recorded>(address, "/record", event).await {
                Ok(recorded) => return Ok(self.ledger.event(recorded.event)?),
                Err(error) => again(error, "a record").await?,
            }
            if self.has_received(terminal, event).await? {
                return Ok(());
            }
        }
    }

    /// Whether the terminal's stock shows the goods of a receipt. Before the first sale, nothing else moves it.
    async fn has_received(&self, terminal: usize, event: &RecordEvent) -> Result<bool, RegisterError> {
        let RecordEvent::StockReceived { lines, .. } = event else { return Ok(false) };
        let Some(first) = lines.first() else { return Ok(false) };
        let path = format!("/counters?product={}", percent(&first.product));
        loop {
            let address = self.supervisor.till(terminal).await?;
            match self.supervisor.client.get::<Vec<SeenCounter>>(address, &path).await {
                Ok(counters) => return Ok(counters.iter().any(|counter| counter.value > 0)),
                Err(error) => again(error, "a look at the stock").await?,
            }
        }
    }

    /// What the terminal says of itself, as soon as it says anything.
    pub(super) async fn status(&self, terminal: usize) -> Result<SeenStatus, RegisterError> {
        self.ask(terminal, "/status").await
    }

    /// Calls until there is an answer.
    pub(super) async fn insist<A: serde::de::DeserializeOwned>(
        &self,
        terminal: usize,
        path: &str,
        body: &impl serde::Serialize,
        what: &str,
    ) -> Result<A, RegisterError> {
        loop {
            let address = self.supervisor.till(terminal).await?;
            match self.supervisor.client.post(address, path, body).await {
                Ok(answer) => return Ok(answer),
                Err(error) => again(error, what).await?,
            }
        }
    }
}

/// What the till asks for when the goods are scanned.
pub(super) fn begin(sale: &Sale) -> Begin {
    Begin {
        basket: sale.basket.clone(),
        doc_type: sale.kind,
        currency: CURRENCY.into(),
        customer: Some(sale.customer.clone()),
        operator: None,
        mode: Mode::Live,
        series: None,
        lines: sale.lines.clone(),
        taxes: Vec::new(),
        rounding: 0,
        effects: Vec::new(),
        unreferenced: false,
        voids: None,
        anyway: false,
        key: None,
    }
}

/// What the till pays with.
pub(super) fn pay(sale: &Sale, total: i64) -> Pay {
    Pay {
        basket: sale.basket.clone(),
        key: sale.key.clone(),
        tenders: tenders(sale, total),
        change: 0,
        drawer: None,
        operator: None,
        effects: Vec::new(),
        ext: BTreeMap::new(),
    }
}

/// Waits before another attempt, where one can help.
async fn again(error: CallError, what: &str) -> Result<(), RegisterError> {
    match error {
        CallError::Refused(problem)
            if !matches!(problem.code, ProblemCode::Busy | ProblemCode::DiskFull | ProblemCode::Stopped) =>
        {
            Err(RegisterError::Refused { what: what.to_owned(), problem })
        }
        answer @ CallError::Nonsense { .. } => Err(RegisterError::Nonsense { what: what.to_owned(), answer }),
        error => {
            tracing::debug!(%error, what, "again");
            sleep(RETRY).await;
            Ok(())
        }
    }
}

/// The end of a business day: what the customers paid has gone to the safe.
fn closes() -> RecordEvent {
    RecordEvent::DayClosed {
        day: None,
        counted: FLOAT,
        currency: Some(CURRENCY.into()),
        cash: Vec::new(),
        park: false,
    }
}

/// Coupons first, the rest by card or in cash.
fn tenders(sale: &Sale, total: i64) -> Vec<TenderPart> {
    let coupons = if sale.kind == DocType::Sale { sale.coupons } else { 0 };
    let kind = if sale.cash { TenderKind::Cash } else { TenderKind::Card };
    [(TenderKind::Other, coupons), (kind, total - coupons)]
        .into_iter()
        .filter(|(_, amount)| *amount != 0)
        .map(|(kind, amount)| TenderPart { kind, amount, external_ref: None, payment: None, card: None })
        .collect()
}

/// Writes the call by hand: the client that everybody else uses would read the answer.
async fn send_commit(address: SocketAddr, pay: &Pay) -> std::io::Result<TcpStream> {
    let body = serde_json::to_string(pay).expect("a plain struct with text keys");
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let call = format!(
        "POST /commit HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(call.as_bytes()).await?;
    Ok(stream)
}

/// A product's code in a URL (RFC 3986, section 2.1).
pub(super) fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut url, byte| {
        if byte.is_ascii_alphanumeric() {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
        url
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_a_url() {
        assert_eq!(percent("818980"), "818980");
        assert_eq!(percent("a b&c=é"), "a%20b%26c%3D%C3%A9");
    }
}
