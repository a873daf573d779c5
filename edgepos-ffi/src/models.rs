//! The models of a till: what they are asked, and what they answer, as JSON.

use std::panic::resume_unwind;
use std::path::{self, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use edgepos::inference::{
    Action, BoundingBox, Candidate, Clip, CustomerHistory, FraudScore, Heard, LocalTime, Outcome, Payment,
    Place, Recognition, Region, Scan, Symbology, Task, TerminalHistory, Window,
};
use edgepos::model::Currency;
use edgepos::{Adviser, NoModel, Node, TillModels};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::status::{EDGEPOS_NO_MODEL, Failure};

/// How long a model may take for an answer where nothing is said, in ms.
const DEADLINE_MS: u64 = 300;
/// The jobs that C can ask for.
const JOBS: [&str; 4] = [Task::PRODUCT, Task::BARCODE, Task::FRAUD, Task::VOICE];

/// Which models are used.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Used {
    folder: PathBuf,
    jobs: Option<Vec<String>>,
    deadline_ms: Option<u64>,
}

/// The models of one node.
pub(crate) struct Models {
    models: TillModels,
    node: Node,
    runtime: Handle,
    scores: bool,
}

impl Models {
    /// Nothing is loaded and nothing runs yet.
    pub(crate) fn new(node: &Node, runtime: &Handle, used: Used) -> Result<Self, Failure> {
        let jobs = used.jobs.unwrap_or_else(|| JOBS.map(String::from).to_vec());
        if let Some(other) = jobs.iter().find(|job| !JOBS.contains(&job.as_str())) {
            return Err(Failure::bad_request(format!("jobs: {other:?} is none of {JOBS:?}")));
        }
        let scores = jobs.iter().any(|job| job == Task::FRAUD);
        let deadline = Duration::from_millis(used.deadline_ms.unwrap_or(DEADLINE_MS));
        // Models are loaded when they are first asked: the program may work in another directory by then.
        let folder = path::absolute(&used.folder)
            .map_err(|error| Failure::bad_request(format!("folder {:?}: {error}", used.folder)))?;
        let models = TillModels::new(folder, jobs, deadline, node.clone());
        Ok(Self { models, node: node.clone(), runtime: runtime.clone(), scores })
    }

    /// Looks after them until the terminal stops. Where it is `advised`, the one for fraud looks at exceptions.
    pub(crate) fn start(&self, advised: bool) {
        self.runtime.spawn(self.models.watch().run(self.node.clone()));
        if advised && self.scores {
            let (adviser, node) = (Adviser::new(Arc::new(self.models.clone())), self.node.clone());
            self.runtime.spawn(async move { adviser.run(&node).await });
        }
    }

    pub(crate) fn recognise(&self, picture: &[u8], patience: Duration) -> Result<Told<Product>, Failure> {
        let picture = picture.to_vec();
        let asked = self.ask(|models| async move { models.recognise(picture, patience).await })?;
        Ok(Told::of(asked, Product::of))
    }

    pub(crate) fn read_barcode(&self, picture: &[u8], patience: Duration) -> Result<Told<Barcode>, Failure> {
        let picture = picture.to_vec();
        let asked = self.ask(|models| async move { models.read_barcode(picture, patience).await })?;
        Ok(Told::of(asked, Barcode::of))
    }

    pub(crate) fn score(&self, payment: AskedPayment, patience: Duration) -> Result<Told<Score>, Failure> {
        let payment = payment.into_payment();
        let asked = self.ask(|models| async move { models.score(&payment, patience).await })?;
        Ok(Told::of(asked, |FraudScore { score, suspicious, .. }| Score { score, suspicious }))
    }

    pub(crate) fn hear(&self, clip: &[u8], patience: Duration) -> Result<Told<Said>, Failure> {
        let clip = Clip::from_wav(clip).map_err(|error| Failure::bad_request(format!("clip: {error}")))?;
        let asked = self.ask(|models| async move { models.hear(&clip, patience).await })?;
        Ok(Told::of(asked, Said::of))
    }

    /// Asks on a thread of the runtime: what a model starts there has that thread's signals, and not the caller's.
    fn ask<F, T>(&self, question: impl FnOnce(TillModels) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, NoModel>> + Send + 'static,
        T: Send + 'static,
    {
        let answered = self.runtime.block_on(self.runtime.spawn(question(self.models.clone())));
        match answered {
            Ok(answer) => Ok(answer?),
            Err(ended) => match ended.try_into_panic() {
                Ok(fault) => resume_unwind(fault),
                Err(_) => Err(Failure::closed()),
            },
        }
    }
}

impl From<NoModel> for Failure {
    fn from(error: NoModel) -> Self {
        match error {
            NoModel::Stopped(refusal) => refusal.into(),
            error => Self::of(EDGEPOS_NO_MODEL, &error),
        }
    }
}

/// What a model answers, or what to do without.
#[derive(Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum Told<T> {
    Answer(T),
    Fallback { action: Action, code: &'static str, reason: String },
}

impl<T> Told<T> {
    fn of<A>(outcome: Outcome<A>, show: impl FnOnce(A) -> T) -> Self {
        match outcome {
            Outcome::Answer(answer) => Self::Answer(show(answer)),
            Outcome::Fallback { action, reason } => {
                Self::Fallback { action, code: reason.label(), reason: reason.to_string() }
            }
        }
    }
}

/// A product on a picture.
#[derive(Serialize)]
pub(crate) struct Product {
    label: String,
    confidence: f32,
    requires_confirmation: bool,
    candidates: Vec<Likely>,
    region: Option<Rectangle>,
    total_us: u64,
}

#[derive(Serialize)]
struct Likely {
    label: String,
    confidence: f32,
}

/// In pixels from the upper left corner.
#[derive(Serialize)]
struct Rectangle {
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

impl Product {
    fn of(answer: Recognition) -> Self {
        let best = answer.best();
        let (label, confidence) = (best.label.clone(), best.confidence);
        let likely = |Candidate { label, confidence, .. }| Likely { label, confidence };
        let region = |BoundingBox { left, top, width, height }| Rectangle { left, top, width, height };
        Self {
            label,
            confidence,
            requires_confirmation: answer.requires_confirmation,
            region: answer.region.map(region),
            total_us: answer.timing.total_us,
            candidates: answer.candidates.into_iter().map(likely).collect(),
        }
    }
}

/// A code on a picture.
#[derive(Serialize)]
pub(crate) struct Barcode {
    text: String,
    symbology: &'static str,
    gtin: Option<String>,
    add_on: Option<String>,
    gs1: Option<String>,
    confidence: f32,
    requires_confirmation: bool,
    region: Option<Turned>,
}

/// A rectangle that is turned: its middle, in pixels from the upper left corner, and its angle, counter-clockwise.
#[derive(Serialize)]
struct Turned {
    x: f32,
    y: f32,
    length: f32,
    height: f32,
    angle: f32,
}

impl Barcode {
    fn of(scan: Scan) -> Self {
        let region =
            |Region { centre: (x, y), length, height, angle }| Turned { x, y, length, height, angle };
        Self {
            symbology: name(scan.symbology),
            text: scan.text,
            gtin: scan.gtin.map(|gtin| gtin.to_string()),
            add_on: scan.add_on,
            gs1: scan.gs1.map(|gs1| gs1.to_string()),
            confidence: scan.confidence,
            requires_confirmation: scan.requires_confirmation,
            region: scan.region.map(region),
        }
    }
}

fn name(symbology: Symbology) -> &'static str {
    match symbology {
        Symbology::Ean13 => "ean_13",
        Symbology::Ean8 => "ean_8",
        Symbology::UpcE => "upc_e",
        Symbology::Code128 => "code_128",
        Symbology::Itf14 => "itf_14",
        Symbology::DataBar => "databar",
        Symbology::DataBarExpanded => "databar_expanded",
        Symbology::Qr => "qr",
        Symbology::DataMatrix => "data_matrix",
        // The kinds of a later version have no name here yet.
        _ => "other",
    }
}

/// How likely a payment is fraud.
#[derive(Serialize)]
pub(crate) struct Score {
    score: f32,
    suspicious: bool,
}

/// What somebody said.
#[derive(Serialize)]
#[serde(tag = "heard", rename_all = "snake_case")]
pub(crate) enum Said {
    Silence,
    Unknown,
    Command { word: String, confidence: f32, requires_confirmation: bool },
}

impl Said {
    fn of(heard: Heard) -> Self {
        match heard {
            Heard::Silence => Self::Silence,
            Heard::Command { word, confidence, requires_confirmation } => {
                Self::Command { word, confidence, requires_confirmation }
            }
            // Nothing that a till could do.
            _ => Self::Unknown,
        }
    }
}

/// A payment, as the till knows it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedPayment {
    amount: i64,
    currency: Currency,
    card_present: bool,
    weekday: u8,
    second_of_day: u32,
    billing: Option<AskedPlace>,
    shipping: Option<AskedPlace>,
    terminal: Option<AskedPlace>,
    customer: Option<AskedCustomer>,
    at_terminal: Option<AskedTerminal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedPlace {
    latitude: f64,
    longitude: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedCustomer {
    day: AskedWindow,
    week: AskedWindow,
    month: AskedWindow,
    seconds_since_last: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedWindow {
    payments: u32,
    total: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedTerminal {
    payments_7d: u32,
    fraud_share_7d: f32,
    fraud_share_30d: f32,
}

impl AskedPayment {
    fn into_payment(self) -> Payment {
        let exponent = self.currency.exponent();
        // Exact up to 90 trillion of the major unit.
        let major = |minor: i64| minor as f64 / 10f64.powi(exponent.into());
        let window = |AskedWindow { payments, total }| Window { payments, total: major(total) };
        let place = |AskedPlace { latitude, longitude }| Place { latitude, longitude };
        let first = Window { payments: 1, total: major(self.amount) };
        let customer = match self.customer {
            Some(AskedCustomer { day, week, month, seconds_since_last }) => CustomerHistory {
                day: window(day),
                week: window(week),
                month: window(month),
                seconds_since_last,
            },
            None => CustomerHistory { day: first, week: first, month: first, seconds_since_last: None },
        };
        let at_terminal = match self.at_terminal {
            Some(AskedTerminal { payments_7d, fraud_share_7d, fraud_share_30d }) => {
                TerminalHistory { payments_7d, fraud_share_7d, fraud_share_30d }
            }
            None => TerminalHistory { payments_7d: 1, ..TerminalHistory::default() },
        };
        Payment {
            amount: major(self.amount),
            card_present: self.card_present,
            time: LocalTime { weekday: self.weekday, second_of_day: self.second_of_day },
            billing: self.billing.map(place),
            shipping: self.shipping.map(place),
            terminal: self.terminal.map(place),
            customer,
            at_terminal,
        }
    }
}
