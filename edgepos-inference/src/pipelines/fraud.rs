//! Fraud: what a till knows about a payment in, a score out.

use std::future::Future;
use std::path::Path;
use std::time::Instant;

use crate::batch::run_rows;
use crate::delegate::{Engines, LoadError, PlacementConfig};
use crate::engine_chain::EngineChain;
use crate::manager::Pipeline;
use crate::manifest::{Manifest, Task};
use crate::outcome::{Action, Outcome, Reason};
use crate::pipelines::shell::Shell;
use crate::pipelines::{find, threshold};
use crate::report::Report;
use crate::stop::Stop;
use crate::tensor::Tensor;
use crate::worker::{Handler, Priority, WorkerConfig};

/// The columns of the model's input, in order. A window ends with the payment itself, which counts.
///
/// | column | meaning | unit |
/// |---|---|---|
/// | `log_amount`, `amount` | the amount, and the natural logarithm of 1 plus it | major unit of the currency |
/// | `is_cnp` | 1 when the card was not at the till | |
/// | `hour_sin`, `hour_cos` | the time of day as a point on a circle | |
/// | `is_night`, `is_weekend` | 1 before six in the morning; 1 on Saturday and Sunday | |
/// | `dist_bill_ship`, `dist_bill_term` | from the billing address to where the goods go, and to the terminal; 0 unless both are known | km |
/// | `cust_n_1d`, `_7d`, `_30d` | payments of this customer in the window | |
/// | `cust_mean_1d`, `_7d`, `_30d` | their mean amount | major unit |
/// | `secs_since_cust` | since this customer's payment before, at most 7 days; 7 days for the first | s |
/// | `ratio_mean_30d` | the amount over `cust_mean_30d` | |
/// | `term_n_7d` | payments at this terminal in 7 days | |
/// | `term_risk_7d`, `term_risk_30d` | share of fraud among this terminal's payments of 7 to 14, and 7 to 37 days ago: later ones are not known yet | 0 to 1 |
///
/// [`Payment::features`] computes them; [`PaymentHistory`](crate::PaymentHistory) keeps the windows.
pub const FRAUD_FEATURES: [&str; 20] = [
    "log_amount",
    "is_cnp",
    "hour_sin",
    "hour_cos",
    "is_night",
    "is_weekend",
    "dist_bill_ship",
    "dist_bill_term",
    "cust_n_1d",
    "cust_mean_1d",
    "cust_n_7d",
    "cust_mean_7d",
    "cust_n_30d",
    "cust_mean_30d",
    "secs_since_cust",
    "ratio_mean_30d",
    "term_n_7d",
    "term_risk_7d",
    "term_risk_30d",
    "amount",
];

/// How payments are scored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FraudConfig {
    /// The model's name in the manifest. Default `None`: the first for the job `fraud`.
    pub model: Option<String>,
    /// A score from here on is suspicious. Default `None`: the manifest's, 0.38 there.
    pub flag_from: Option<f32>,
    /// Deadline, queue and batch.
    pub worker: WorkerConfig,
    /// Engine, budget and threads.
    pub placement: PlacementConfig,
}

/// A payment, as the till and the store's own history know it. No card number, no name.
#[derive(Clone, Debug, PartialEq)]
pub struct Payment {
    /// The amount in the currency's major unit (euros, not cents); at least 0.
    pub amount: f64,
    /// Whether the card was at the till; `false` for an order by telephone or over the net.
    pub card_present: bool,
    /// When, on the store's clock.
    pub time: LocalTime,
    /// Where the bill goes, if known.
    pub billing: Option<Place>,
    /// Where the goods go, if they are sent.
    pub shipping: Option<Place>,
    /// Where the terminal stands, if known.
    pub terminal: Option<Place>,
    /// What this customer paid lately.
    pub customer: CustomerHistory,
    /// What happened at this terminal lately.
    pub at_terminal: TerminalHistory,
}

/// A time of the week on the store's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Days since Monday, 0 to 6.
    pub weekday: u8,
    /// Seconds since midnight, 0 to 86,400.
    pub second_of_day: u32,
}

/// A place on earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Degrees north, −90 to 90.
    pub latitude: f64,
    /// Degrees east, −180 to 180.
    pub longitude: f64,
}

/// What a customer paid in a span of time up to and with this payment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// How many payments; at least 1, since this one counts.
    pub payments: u32,
    /// Their sum in the major unit.
    pub total: f64,
}

/// What a customer paid lately, this payment included. [`PaymentHistory`](crate::PaymentHistory) keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CustomerHistory {
    /// In the last 24 hours.
    pub day: Window,
    /// In the last 7 days.
    pub week: Window,
    /// In the last 30 days.
    pub month: Window,
    /// Seconds since the payment before; `None` for the first. Counts up to 7 days.
    pub seconds_since_last: Option<u64>,
}

/// What happened at a terminal lately. Fraud is known late, so the shares leave the last 7 days out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TerminalHistory {
    /// Payments in the last 7 days, this one included.
    pub payments_7d: u32,
    /// Share of payments found to be fraud, of those 7 to 14 days ago; 0 to 1.
    pub fraud_share_7d: f32,
    /// The same of those 7 to 37 days ago.
    pub fraud_share_30d: f32,
}

const WEEK_SECONDS: u64 = 7 * 86_400;
const EARTH_RADIUS_KM: f64 = 6371.0;

impl Payment {
    /// The model's columns, in the order of [`FRAUD_FEATURES`]. `None` when a value is outside its bounds or not a
    /// number: a score computed from nonsense would look like any other.
    #[must_use]
    pub fn features(&self) -> Option<[f32; 20]> {
        let LocalTime { weekday, second_of_day } = self.time;
        let windows = [self.customer.day, self.customer.week, self.customer.month];
        let sound = self.amount >= 0.0
            && self.amount.is_finite()
            && weekday <= 6
            && second_of_day <= 86_400
            && windows.iter().all(|window| window.payments >= 1 && window.total.is_finite())
            && [self.at_terminal.fraud_share_7d, self.at_terminal.fraud_share_30d]
                .iter()
                .all(|share| (0.0..=1.0).contains(share));
        let places = [self.billing, self.shipping, self.terminal];
        if !sound || !places.iter().flatten().all(|place| place.is_sound()) {
            return None;
        }
        let hour = f64::from(second_of_day % 86_400) / 3600.0;
        let angle = hour * std::f64::consts::TAU / 24.0;
        let distance = |from: Option<Place>, to: Option<Place>| match (from, to) {
            (Some(from), Some(to)) => from.kilometres_to(to),
            _ => 0.0,
        };
        let flag = |holds: bool| f64::from(u8::from(holds));
        let [day, week, month] = windows.map(|window| window.total / f64::from(window.payments));
        let since = self.customer.seconds_since_last.unwrap_or(WEEK_SECONDS).min(WEEK_SECONDS);
        let ratio = if month > 0.0 { self.amount / month } else { 1.0 };
        let features = [
            self.amount.ln_1p(),
            flag(!self.card_present),
            angle.sin(),
            angle.cos(),
            flag(hour < 6.0),
            flag(weekday >= 5),
            distance(self.billing, self.shipping),
            distance(self.billing, self.terminal),
            f64::from(self.customer.day.payments),
            day,
            f64::from(self.customer.week.payments),
            week,
            f64::from(self.customer.month.payments),
            month,
            since as f64,
            ratio,
            f64::from(self.at_terminal.payments_7d),
            f64::from(self.at_terminal.fraud_share_7d),
            f64::from(self.at_terminal.fraud_share_30d),
            self.amount,
        ];
        let features = features.map(|feature| feature as f32);
        features.iter().all(|feature| feature.is_finite()).then_some(features)
    }
}

impl Place {
    fn is_sound(self) -> bool {
        (-90.0..=90.0).contains(&self.latitude) && (-180.0..=180.0).contains(&self.longitude)
    }

    /// The great-circle distance (haversine formula) on a sphere of radius 6,371 km.
    fn kilometres_to(self, to: Self) -> f64 {
        let (from_lat, to_lat) = (self.latitude.to_radians(), to.latitude.to_radians());
        let half = |angle: f64| (angle / 2.0).sin().powi(2);
        let chord = half(to_lat - from_lat)
            + from_lat.cos() * to_lat.cos() * half(to.longitude.to_radians() - self.longitude.to_radians());
        2.0 * EARTH_RADIUS_KM * chord.clamp(0.0, 1.0).sqrt().asin()
    }
}

/// How likely a payment is fraud.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct FraudScore {
    /// 0 to 1.
    pub score: f32,
    /// Whether the score reaches the threshold.
    pub suspicious: bool,
}

/// Scores payments.
///
/// ```
/// use std::path::Path;
/// use edgepos_inference::{CustomerHistory, FraudConfig, FraudScorer, LocalTime, Outcome, Payment, TerminalHistory, Window};
/// # use edgepos_inference::WorkerConfig;
/// # let worker = WorkerConfig { deadline: std::time::Duration::from_secs(60), ..WorkerConfig::default() };
/// let models = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../models"));
/// let scorer = FraudScorer::load(models, FraudConfig {
/// #   worker,
///     ..FraudConfig::default()
/// })?;
/// let usual = Window { payments: 12, total: 312.40 };
/// let payment = Payment {
///     amount: 24.90,
///     card_present: true,
///     time: LocalTime { weekday: 2, second_of_day: 16 * 3600 },
///     billing: None,
///     shipping: None,
///     terminal: None,
///     customer: CustomerHistory {
///         day: Window { payments: 1, total: 24.90 },
///         week: Window { payments: 3, total: 71.10 },
///         month: usual,
///         seconds_since_last: Some(2 * 86_400),
///     },
///     at_terminal: TerminalHistory { payments_7d: 40, ..TerminalHistory::default() },
/// };
/// match scorer.score(&payment) {
///     Outcome::Answer(answer) => assert!(!answer.suspicious),
///     Outcome::Fallback { reason, .. } => panic!("{reason}"),
/// }
/// # Ok::<(), edgepos_inference::LoadError>(())
/// ```
#[derive(Debug)]
pub struct FraudScorer {
    shell: Shell<[f32; 20], FraudScore>,
}

impl FraudScorer {
    /// Loads the model from `models_dir` onto the best of [`Engines::standard`].
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(models_dir: &Path, config: FraudConfig) -> Result<Self, LoadError> {
        Self::load_with(models_dir, config, &Engines::standard())
    }

    /// As [`FraudScorer::load`], with the engines to try.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load_with(models_dir: &Path, config: FraudConfig, engines: &Engines) -> Result<Self, LoadError> {
        let manifest = Manifest::read(models_dir)?;
        let entry = find(&manifest, config.model.as_deref(), Task::FRAUD)?;
        let unsuitable = |problem| LoadError::Unsuitable { model: entry.name.clone(), problem };
        let features =
            entry.features.as_deref().ok_or_else(|| unsuitable("it does not name its features"))?;
        if features != FRAUD_FEATURES {
            return Err(unsuitable("its features are not the ones this pipeline computes"));
        }
        let output = entry
            .outputs
            .iter()
            .find(|port| port.shape.len() == 2 && port.shape[1] == Some(2))
            .map(|port| port.name.clone())
            .ok_or_else(|| unsuitable("it has no output of two probabilities"))?;
        if entry.known_answer.as_ref().is_some_and(|answer| answer.values.is_none()) {
            return Err(unsuitable("its known answer has a sample instead of values"));
        }
        let values = entry.known_answer.as_ref().and_then(|answer| answer.values.clone());
        let sample = values
            .map(|values| Tensor::f32([1, FRAUD_FEATURES.len()], values))
            .transpose()
            .map_err(|_| unsuitable("its known answer has not 20 values"))?;
        let placement = PlacementConfig { threads: 1, ..config.placement };
        let session = EngineChain::start(models_dir, &entry, engines, &placement, sample)?;
        let shell = Shell::start(&entry, session, config.worker, Action::ProceedUnscored, |session| {
            let flag_from = threshold(config.flag_from, entry.thresholds.flag_from, &entry)?;
            Ok(Score { session, input: entry.inputs[0].name.clone(), output, flag_from })
        })?;
        Ok(Self { shell })
    }

    /// Scores a payment. Returns within the deadline, whatever happens; without a score the sale goes on by the
    /// shop's rules ([`Action::ProceedUnscored`]).
    pub fn score(&self, payment: &Payment) -> Outcome<FraudScore> {
        self.score_as(Priority::Checkout, payment)
    }

    /// As [`FraudScorer::score`], for a caller who is not a customer at the till.
    pub fn score_as(&self, priority: Priority, payment: &Payment) -> Outcome<FraudScore> {
        self.shell.ask(Instant::now(), priority, payment.features().ok_or(Reason::Input))
    }

    /// As [`FraudScorer::score_as`], without blocking, on any executor or none: the request is on its way when this
    /// returns, and the deadline runs from then on. Dropping the future takes the request back.
    pub fn score_async(
        &self,
        priority: Priority,
        payment: &Payment,
    ) -> impl Future<Output = Outcome<FraudScore>> + Send + use<> {
        self.shell.ask_async(Instant::now(), priority, payment.features().ok_or(Reason::Input))
    }

    /// Which engine ran which file when the model was loaded, and why the others did not.
    #[must_use]
    pub fn report(&self) -> &Report {
        self.shell.report()
    }

    /// The same at present: the engine changes when it fails at run time.
    #[must_use]
    pub fn live_report(&self) -> Report {
        self.shell.live_report()
    }
}

impl Pipeline for FraudScorer {
    type Config = FraudConfig;
    const TASK: &'static str = Task::FRAUD;

    fn load(dir: &Path, config: FraudConfig, engines: &Engines) -> Result<Self, LoadError> {
        Self::load_with(dir, config, engines)
    }
}

/// The worker's side.
struct Score {
    session: EngineChain,
    input: String,
    output: String,
    flag_from: f32,
}

impl Handler<[f32; 20], FraudScore> for Score {
    fn handle(&mut self, requests: &[[f32; 20]], stop: &Stop) -> Vec<Result<FraudScore, Reason>> {
        let rows: Vec<&[f32]> = requests.iter().map(|row| &row[..]).collect();
        let outputs = [self.output.as_str()];
        run_rows(&mut self.session, &self.input, &[FRAUD_FEATURES.len()], &rows, &outputs, stop)
            .into_iter()
            .map(|answer| {
                let score = answer?.first().and_then(|scores| scores.get(1)).copied().unwrap_or(f32::NAN);
                if !(0.0..=1.0).contains(&score) {
                    return Err(Reason::Unsure);
                }
                Ok(FraudScore { score, suspicious: score >= self.flag_from })
            })
            .collect()
    }

    fn idle(&mut self) {
        self.session.idle(Instant::now());
    }
}
