//! A handle to a running terminal.

use std::sync::Arc;
use std::time::Duration;

use edgepos_consensus::{self as consensus, MembershipError};
use edgepos_core::{EventId, Load, LoadId, Now, ReplicaId, Space};
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::model::{
    BasketId, Counter, CounterRow, CustomerKey, ExceptionRaised, Line, PriceSet, ProductSet, Signature,
};
use crate::monitor::inference::Inference;
use crate::ports::Rows;
use crate::retail::counters::CounterValue;
use crate::retail::exception::open::OpenException;
use crate::retail::exception::resolution::{Advice, Resolution, Resolve};
use crate::retail::exception::resolutions::AuditEntry;
use crate::retail::payment::OpenPayment;
use crate::retail::record::Record;
use crate::retail::sale::receipt::{Commit, Receipt};
use crate::retail::sale::signing::SignatureId;
use crate::retail::sale::unresolved::OpenBasket;
use crate::retail::sale::{beside::Fiscal, draft::Draft, fiscal::SignError};
use crate::terminal::signing::SignatureAsked;
use crate::terminal::{
    ConditionKind, Diagnosis, Finding, LevelError, MAX_PAGE, Notice, Refusal, ReplaceError, Reply, Status,
    Terminal,
};

/// What is asked of the terminal, at a moment, without changing it.
type Question = Box<dyn FnOnce(&Terminal, Now) + Send>;

/// What a node asks the driver.
pub(crate) enum Command {
    Begin(Draft, oneshot::Sender<Result<Reply, Refusal>>),
    Update(Draft, oneshot::Sender<Result<Reply, Refusal>>),
    Commit(Commit, oneshot::Sender<Result<Reply, Refusal>>),
    Abandon(BasketId, oneshot::Sender<Result<Reply, Refusal>>),
    Counter(CounterRow, oneshot::Sender<Result<Reply, Refusal>>),
    Unresolved(Option<BasketId>, oneshot::Sender<Result<Reply, Refusal>>),
    Park(BasketId, oneshot::Sender<Result<Reply, Refusal>>),
    Claim(BasketId, oneshot::Sender<Result<Reply, Refusal>>),
    Record(Record, oneshot::Sender<Result<Reply, Refusal>>),
    KeepKey(CustomerKey, oneshot::Sender<Result<Reply, Refusal>>),
    NextToAdvise(oneshot::Sender<Option<ExceptionRaised>>),
    NextToSign(oneshot::Sender<Option<SignatureAsked>>),
    Signed(Box<(SignatureId, Result<Signature, SignError>)>),
    Advise(Box<(ExceptionRaised, Advice)>),
    Resolve(Box<Resolve>, oneshot::Sender<Result<Reply, Refusal>>),
    Read(Load, oneshot::Sender<Rows>),
    Query(Question),
    Admit(ReplicaId, oneshot::Sender<Result<(), MembershipError>>),
    Retire(ReplicaId, oneshot::Sender<Result<(), MembershipError>>),
    Replace(u16, bool, oneshot::Sender<Result<(), ReplaceError>>),
    WriteOff(u16, oneshot::Sender<Result<(), ReplaceError>>),
    RaiseLevel(oneshot::Sender<Result<u32, LevelError>>),
    Condition(ConditionKind, Option<Finding>),
    Inference(Inference),
    #[cfg(feature = "embedded")]
    Model(edgepos_inference::Notice),
    Metrics(oneshot::Sender<String>),
    Status(oneshot::Sender<Status>),
    Flush,
    StepDown,
    Shutdown,
}

/// An open basket.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Begun {
    /// The number that it holds in its series; 0 in training, and where it gets one [at its commit](crate::NumberAt::Commit).
    pub number: u64,
    /// What the customer owes, in minor units.
    pub total: i64,
}

/// A parked basket that was recalled, and is open here.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Claimed {
    /// The number that it holds in its series.
    pub number: u64,
    /// What the customer owes, in minor units.
    pub total: i64,
    /// What was scanned.
    pub lines: Vec<Line>,
}

/// A booked sale.
#[derive(Clone, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Committed {
    /// Proof of the booked transaction.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub receipt: Receipt,
    /// Whether an earlier call with this key had booked it.
    pub repeated: bool,
    /// What a fiscal device has said of it, where its series is signed: to be printed with it.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub fiscal: Option<Fiscal>,
}

/// A running terminal, to sell through. Cheap to clone.
///
/// A call whose future is dropped may still be carried out: what was asked is not taken back. Ask again with the same key. Every
/// call fails with [`Refusal::Stopped`] once the terminal has stopped.
#[derive(Clone, Debug)]
pub struct Node {
    commands: mpsc::Sender<Command>,
    notices: broadcast::Sender<Notice>,
    written: watch::Receiver<u64>,
    to_sign: Arc<Notify>,
    /// Whether receipts of this terminal are signed.
    signs: bool,
}

impl Node {
    pub(crate) fn new(
        commands: mpsc::Sender<Command>,
        notices: broadcast::Sender<Notice>,
        (written, to_sign): (watch::Receiver<u64>, Arc<Notify>),
        signs: bool,
    ) -> Self {
        Self { commands, notices, written, to_sign, signs }
    }

    /// Opens a basket and reserves its receipt number: see [`Terminal::begin`].
    ///
    /// # Errors
    /// Whatever may be refused of a sale.
    pub async fn begin(&self, draft: Draft) -> Result<Begun, Refusal> {
        match self.ask(|reply| Command::Begin(draft, reply)).await? {
            Reply::Begun { number, total } => Ok(Begun { number, total }),
            other => Err(mixed_up(&other)),
        }
    }

    /// Changes an open basket as the cashier scans: see [`Terminal::update`].
    ///
    /// # Errors
    /// Whatever may be refused of a sale, and when the basket is not open.
    pub async fn update(&self, draft: Draft) -> Result<Begun, Refusal> {
        match self.ask(|reply| Command::Update(draft, reply)).await? {
            Reply::Begun { number, total } => Ok(Begun { number, total }),
            other => Err(mixed_up(&other)),
        }
    }

    /// Books a paid basket; returns when it is on disk: see [`Terminal::commit`].
    ///
    /// # Errors
    /// When the basket is not open, or too much is under way.
    pub async fn commit(&self, commit: Commit) -> Result<Committed, Refusal> {
        match self.ask(|reply| Command::Commit(commit, reply)).await? {
            Reply::Committed { receipt, repeated } => Ok(self.committed(receipt, repeated, self.signs).await),
            other => Err(mixed_up(&other)),
        }
    }

    /// Gives up an open basket: see [`Terminal::abandon`].
    ///
    /// # Errors
    /// When it is not open.
    pub async fn abandon(&self, basket: BasketId) -> Result<(), Refusal> {
        match self.ask(|reply| Command::Abandon(basket, reply)).await? {
            Reply::Abandoned => Ok(()),
            other => Err(mixed_up(&other)),
        }
    }

    /// Puts an open basket aside, for whichever till recalls it: see [`Terminal::park`].
    ///
    /// # Errors
    /// When it is neither open nor parked.
    pub async fn park(&self, basket: BasketId) -> Result<(), Refusal> {
        match self.ask(|reply| Command::Park(basket, reply)).await? {
            Reply::Parked => Ok(()),
            other => Err(mixed_up(&other)),
        }
    }

    /// Recalls a parked basket: see [`Terminal::claim`].
    ///
    /// # Errors
    /// When it is not parked as far as this terminal has heard, or another till has recalled it.
    pub async fn claim(&self, basket: BasketId) -> Result<Claimed, Refusal> {
        match self.ask(|reply| Command::Claim(basket, reply)).await? {
            Reply::Claimed { number, total, lines } => Ok(Claimed { number, total, lines }),
            other => Err(mixed_up(&other)),
        }
    }

    /// Records an event that is no sale; returns when it is on disk: see [`Terminal::record`].
    ///
    /// # Errors
    /// When it is over a limit, or the business day does not allow it.
    pub async fn record(&self, record: Record) -> Result<EventId, Refusal> {
        match self.ask(|reply| Command::Record(record, reply)).await? {
            Reply::Recorded(id) => Ok(id),
            other => Err(mixed_up(&other)),
        }
    }

    /// Baskets that a crash or a distracted cashier left open, by rising id, asked for in pages: also those that
    /// [left memory](crate::Config::max_open_baskets). Sales go on in between, so that it is no picture of one moment.
    ///
    /// # Errors
    /// When the terminal has stopped, or a basket cannot be read.
    pub async fn unresolved(&self) -> Result<Vec<OpenBasket>, Refusal> {
        let (mut all, mut after): (Vec<OpenBasket>, Option<BasketId>) = (Vec::new(), None);
        loop {
            match self.ask(|reply| Command::Unresolved(after, reply)).await? {
                Reply::Unresolved { baskets, next } => {
                    all.extend(baskets);
                    if next.is_none() {
                        return Ok(all);
                    }
                    after = next;
                }
                other => return Err(mixed_up(&other)),
            }
        }
    }

    /// Payments whose outcome nobody has said, and money that no sale has: what a crash or a distracted cashier left.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn unresolved_payments(&self) -> Result<Vec<OpenPayment>, Refusal> {
        self.query(Terminal::unresolved_payments).await
    }

    /// At most [`MAX_PAGE`] exceptions that are raised and have not ended, by what they are about, behind the one about `after`: the
    /// [`subject`](ExceptionRaised::subject) of the last one of the page before.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn exceptions_after(&self, after: Option<Vec<u8>>) -> Result<Vec<ExceptionRaised>, Refusal> {
        self.query(move |terminal| {
            terminal.shop().exceptions().open_after(after.as_deref()).take(MAX_PAGE).cloned().collect()
        })
        .await
    }

    /// The same with what is proposed and decided about each.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn open_exceptions_after(&self, after: Option<Vec<u8>>) -> Result<Vec<OpenException>, Refusal> {
        self.query(move |terminal| terminal.open_exceptions(after.as_deref())).await
    }

    /// Resolves an exception for the whole store; returns when that is decided and on disk: see [`Terminal::resolve`]. To be asked at any
    /// terminal. A future that is dropped takes nothing back: ask again under the same key.
    ///
    /// # Errors
    /// When the exception is not open, is resolved, or something was decided that the caller has not seen; when the call does not fit it;
    /// when the store decides nothing, or has not within 10 s. All but the last mean that nothing was done.
    pub async fn resolve(&self, call: Resolve) -> Result<Resolution, Refusal> {
        match self.ask(|reply| Command::Resolve(Box::new(call), reply)).await? {
            Reply::Resolved(resolution) => Ok(*resolution),
            other => Err(mixed_up(&other)),
        }
    }

    /// At most [`MAX_PAGE`] lines of the audit record of resolutions behind an event, in the order in which the store decided: what was
    /// proposed, what was decided, and what has become of it.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn resolutions(&self, after: Option<EventId>) -> Result<Vec<AuditEntry>, Refusal> {
        self.query(move |terminal| terminal.resolutions(after)).await
    }

    /// The next exception about which a resolver is to be asked here.
    pub(crate) async fn next_to_advise(&self) -> Result<Option<ExceptionRaised>, Refusal> {
        let (reply, next) = oneshot::channel();
        self.tell(Command::NextToAdvise(reply)).await?;
        next.await.map_err(|_| gone())
    }

    /// What a fiscal signer is to be asked next; waits for it for so long, and not where there was something before.
    pub(crate) async fn next_to_sign(&self, patience: Duration) -> Result<Option<SignatureAsked>, Refusal> {
        let _ = timeout(patience, self.to_sign.notified()).await;
        let (reply, next) = oneshot::channel();
        self.tell(Command::NextToSign(reply)).await?;
        next.await.map_err(|_| gone())
    }

    /// Reports a condition that the application alone can see, or that it is over: see [`Terminal::report_condition`].
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn report_condition(&self, kind: ConditionKind, found: Option<Finding>) -> Result<(), Refusal> {
        self.tell(Command::Condition(kind, found)).await
    }

    /// Reports what a model did, for the metrics and alerts of [`metrics`](Self::metrics).
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn report_inference(&self, what: Inference) -> Result<(), Refusal> {
        self.tell(Command::Inference(what)).await
    }

    /// Gauges of the last second, alerts and counts of notices as text in Prometheus' exposition format, version 0.0.4. Which there are
    /// is in `docs/monitoring.md`.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn metrics(&self) -> Result<String, Refusal> {
        let (reply, text) = oneshot::channel();
        self.tell(Command::Metrics(reply)).await?;
        text.await.map_err(|_| gone())
    }

    /// Events whose bytes are lost, for the manager: see [`Terminal::lost`].
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn lost(&self) -> Result<edgepos_sync::Lost, Refusal> {
        self.query(Terminal::lost).await
    }

    /// Who the terminal is, whom it follows, how far its events have come, and what someone must act on: its conditions, and the alerts
    /// that are on.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn status(&self) -> Result<Status, Refusal> {
        let (reply, status) = oneshot::channel();
        self.tell(Command::Status(reply)).await?;
        status.await.map_err(|_| gone())
    }

    /// How the elections of the store went, as this terminal saw them since its start.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn elections(&self) -> Result<consensus::Report, Refusal> {
        self.query_at(Terminal::elections).await
    }

    /// How the terminal's engines are, for whoever looks for a fault: elections, what was dropped, what may be pruned, peers.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn diagnosis(&self) -> Result<Diagnosis, Refusal> {
        self.query_at(Terminal::diagnosis).await
    }

    /// One counter; `None` when nothing ever moved it: see [`Terminal::ask_counter`]. The stock of a label that nothing was counted under
    /// is that of its item.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn counter(&self, row: CounterRow) -> Result<Option<i64>, Refusal> {
        match self.ask(|reply| Command::Counter(row, reply)).await? {
            Reply::Counter(value) => Ok(value),
            other => Err(mixed_up(&other)),
        }
    }

    /// Every counter that has a row, by rising key, asked for in pages: sales go on in between, so that it is no picture of one moment.
    /// Lines of which nothing has come back have no row.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn counters(&self) -> Result<Vec<CounterValue>, Refusal> {
        let mut all: Vec<CounterValue> = Vec::new();
        loop {
            let page = self.counters_after(None, all.last().map(|last| last.row.clone())).await?;
            let is_last = page.len() < MAX_PAGE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// At most [`MAX_PAGE`] counters of one kind, or of all, behind a row: see [`Terminal::counters_after`].
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn counters_after(
        &self,
        kind: Option<Counter>,
        after: Option<CounterRow>,
    ) -> Result<Vec<CounterValue>, Refusal> {
        self.query(move |terminal| terminal.counters_after(kind, after.as_ref())).await
    }

    /// What was last said of a product, also where it is not in force yet.
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn product(&self, product: String) -> Result<Option<ProductSet>, Refusal> {
        self.query(move |terminal| terminal.product(&product).cloned()).await
    }

    /// A product's master data that is in force at `at_ms` (milliseconds since 1970 UTC).
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn product_at(&self, product: String, at_ms: u64) -> Result<Option<ProductSet>, Refusal> {
        self.query(move |terminal| terminal.product_at(&product, at_ms).cloned()).await
    }

    /// The price of a product on a list that is in force at `at_ms` (milliseconds since 1970 UTC).
    ///
    /// # Errors
    /// When the terminal has stopped.
    pub async fn price(&self, product: String, list: u16, at_ms: u64) -> Result<Option<PriceSet>, Refusal> {
        self.query(move |terminal| terminal.price(&product, list, at_ms).cloned()).await
    }

    /// Lets another incarnation take part in what the store decides: see [`Terminal::admit`].
    ///
    /// # Errors
    /// When this terminal is not the entitled leader, the other cannot be admitted, or the terminal has stopped.
    pub async fn admit(&self, replica: ReplicaId) -> Result<(), MembershipError> {
        self.change_members(|reply| Command::Admit(replica, reply)).await
    }

    /// Takes an incarnation out of what the store decides, for good: see [`Terminal::retire`].
    ///
    /// # Errors
    /// When this terminal is not the entitled leader, the other cannot be retired, or the terminal has stopped.
    pub async fn retire(&self, replica: ReplicaId) -> Result<(), MembershipError> {
        self.change_members(|reply| Command::Retire(replica, reply)).await
    }

    /// Another box takes the place of the terminal of this number, once it is there and the old one is silent; where `planned`, it votes
    /// before the old one goes. To be asked at any terminal of the store; [`ConditionKind::Replacing`] holds while somebody is waited for.
    /// A future that is dropped takes nothing back; asked twice is asked once.
    ///
    /// # Errors
    /// When no member has this number, the old one is connected and nothing was `planned`, the store decides nothing, or the terminal
    /// has stopped.
    pub async fn replace(&self, terminal: u16, planned: bool) -> Result<(), ReplaceError> {
        self.propose(|reply| Command::Replace(terminal, planned, reply)).await
    }

    /// The store gives up what the retired incarnations of this number are known to have left and nobody has, which
    /// [`ConditionKind::Unsent`] tells. To be asked at any terminal of the store. What turns up afterwards is taken and counted all the same,
    /// once. A future that is dropped takes nothing back; asked twice is asked once.
    ///
    /// # Errors
    /// When nothing is known to be missing, the store decides nothing, or the terminal has stopped.
    pub async fn write_off(&self, terminal: u16) -> Result<(), ReplaceError> {
        self.propose(|reply| Command::WriteOff(terminal, reply)).await
    }

    async fn propose(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<(), ReplaceError>>) -> Command,
    ) -> Result<(), ReplaceError> {
        let (reply, answer) = oneshot::channel();
        let stopped = ReplaceError::Election(edgepos_consensus::ProposeError::Halted);
        self.commands.send(command(reply)).await.map_err(|_| stopped.clone())?;
        answer.await.map_err(|_| stopped)?
    }

    /// Raises the store to the highest feature level that every member has announced: see [`Terminal::raise_level`].
    ///
    /// # Errors
    /// When this terminal is not the entitled leader, not all members have announced a higher level, or the terminal has stopped.
    pub async fn raise_level(&self) -> Result<u32, LevelError> {
        let (reply, answer) = oneshot::channel();
        // Whoever does not run is entitled to nothing.
        self.commands.send(Command::RaiseLevel(reply)).await.map_err(|_| LevelError::NotEntitled)?;
        answer.await.map_err(|_| LevelError::NotEntitled)?
    }

    /// Sends at once what is batched.
    pub async fn flush(&self) {
        // A terminal that has stopped has nothing to do any more.
        let _ = self.tell(Command::Flush).await;
    }

    /// Hands the leadership over, where this terminal has it.
    pub async fn step_down(&self) {
        // A terminal that has stopped has nothing to do any more.
        let _ = self.tell(Command::StepDown).await;
    }

    /// Ends the terminal, as a crash would: what was acknowledged is on disk.
    pub async fn shutdown(&self) {
        // A terminal that has stopped has nothing to do any more.
        let _ = self.tell(Command::Shutdown).await;
    }

    /// What happens from here on. A listener that lags loses the oldest.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    async fn change_members(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<(), MembershipError>>) -> Command,
    ) -> Result<(), MembershipError> {
        let (reply, answer) = oneshot::channel();
        // Whoever does not run is entitled to nothing.
        self.commands.send(command(reply)).await.map_err(|_| MembershipError::NotEntitled)?;
        answer.await.map_err(|_| MembershipError::NotEntitled)?
    }

    pub(crate) async fn ask(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<Reply, Refusal>>) -> Command,
    ) -> Result<Reply, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Changes with each write that is durable.
    pub(crate) fn written(&self) -> watch::Receiver<u64> {
        self.written.clone()
    }

    /// Rows of the store, read on its thread.
    pub(crate) async fn rows(&self, load: Load) -> Result<Rows, Refusal> {
        let (reply, rows) = oneshot::channel();
        self.tell(Command::Read(load, reply)).await?;
        rows.await.map_err(|_| gone())
    }

    /// Rows of a space between two keys, read on the store's thread.
    pub(crate) async fn rows_of(
        &self,
        space: Space,
        from: Vec<u8>,
        to: Vec<u8>,
        max_bytes: u32,
    ) -> Result<Rows, Refusal> {
        self.rows(Load { id: LoadId(0), space, from, to, max_bytes }).await
    }

    pub(crate) async fn query<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Terminal) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        self.query_at(|terminal, _| question(terminal)).await
    }

    async fn query_at<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Terminal, Now) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        // A caller that has gone does not need its answer.
        let query = Box::new(move |terminal: &Terminal, now: Now| drop(reply.send(question(terminal, now))));
        self.commands.send(Command::Query(query)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }

    /// Hands on what became of a model, without waiting.
    #[cfg(feature = "embedded")]
    pub(crate) fn tell_of_model(&self, notice: edgepos_inference::Notice) {
        // Notices may be dropped.
        let _ = self.commands.try_send(Command::Model(notice));
    }

    pub(crate) async fn tell(&self, command: Command) -> Result<(), Refusal> {
        self.commands.send(command).await.map_err(|_| gone())
    }
}

fn gone() -> Refusal {
    Refusal::Stopped("it is not running".into())
}

fn mixed_up(reply: &Reply) -> Refusal {
    Refusal::MixedUp(format!("{reply:?}"))
}
