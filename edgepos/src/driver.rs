//! The only async loop: feeds a terminal from its ports and does its duties.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::thread;
use std::time::Duration;

use edgepos_core::{Now, Time};
use edgepos_sync::{CloudReply, UplinkError, UplinkId};
use thiserror::Error;
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet, yield_now};
use tokio::time::sleep;
use tracing::{error, info};

use crate::courier::Board;
use crate::handover::{Done, Handover, Job};
use crate::monitor::Monitor;
use crate::node::{Command, Node};
use crate::ports::{Clock, Ports, StoreError, Transport, TransportEvent, Uplink};
use crate::retention::Retention;
use crate::store_thread;
use crate::terminal::{
    Condition, ConditionKind, Config, ConfigError, Finding, Input, Notice, Output, Refusal, Reply, RequestId,
    RestoreError, Restored, Status, Terminal,
};

/// Calls of nodes that wait for the loop; further ones wait in the node.
const COMMANDS: usize = 256;
/// How often callers who were answered together, or ask together, get to go on before the store is asked for what all of them need.
const MAX_PASSES: usize = 16;
/// Notices that a slow listener may lag behind.
const NOTICES: usize = 1_024;
/// Longest sleep: a wall clock or a suspended device is noticed after this long at the latest.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// How often the cloud is asked how far what it has come down goes: a price is at the tills within a few seconds, for some 400 bytes each.
const FEED_ROUND: Duration = Duration::from_secs(5);

/// A driver cannot start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// What the store holds cannot be read.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// The terminal refuses its configuration, or the disk is another's.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store's thread cannot be started.
    #[error("the store's thread cannot be started")]
    Thread(#[source] std::io::Error),
}

/// A running terminal. Dropping it lets the terminal run on; [`join`](Self::join) waits for its end, and for the files of its store.
#[derive(Debug)]
pub struct Driver {
    task: JoinHandle<Result<(), StoreError>>,
}

impl Driver {
    /// Starts a terminal from what its store holds. Must be called inside a tokio runtime; reads the store before it returns.
    ///
    /// The store runs on a thread of its own, where the writes of concurrent calls share one flush.
    ///
    /// # Errors
    /// When the store cannot be read, or the configuration is refused. Nothing was written then.
    pub fn start(config: Config, ports: Ports) -> Result<(Node, Self), StartError> {
        let Ports { store, transport, transport_events, uplink, clock, alerts } = ports;
        let restored = Restored::from_store(store.as_ref())?;
        let now = clock.now();
        let config = Config { delivery: transport.delivery(), nonce: drawn(), ..config };
        let retention = Retention::new(&config, now.mono);
        let signs = !config.signed_series.is_empty();
        let (board, courier) = Board::new(alerts, config.me, now);
        let terminal = Terminal::new(now, config, restored)?;
        let (jobs, queue) = blocking::channel();
        let (done, store_done) = mpsc::unbounded_channel();
        thread::Builder::new()
            .name("edgepos-store".into())
            .spawn(move || store_thread::serve(store, &queue, done))
            .map_err(StartError::Thread)?;
        let (commands, command_queue) = mpsc::channel(COMMANDS);
        let (notices, _) = broadcast::channel(NOTICES);
        let (replies, uplink_replies) = mpsc::unbounded_channel();
        let (published, feed) = watch::channel(None);
        let (written, writes) = watch::channel(0);
        let to_sign = Arc::new(Notify::new());
        let node = Node::new(commands, notices.clone(), (writes, Arc::clone(&to_sign)), signs);
        let mut calls = JoinSet::new();
        calls.spawn(courier.run());
        let runner = Loop {
            terminal,
            transport,
            uplink,
            clock,
            latest: now,
            handover: Handover::new(jobs),
            answered: 0,
            notices,
            replies,
            calls,
            waiting: BTreeMap::new(),
            monitor: Monitor::new(now),
            board,
            last_request: 0,
            written,
            to_sign,
            promised: 0,
            retention,
            published: Arc::new(published),
            feed,
            feed_at: now.mono + FEED_ROUND,
        };
        let task = tokio::spawn(runner.run(command_queue, transport_events, store_done, uplink_replies));
        Ok((node, Self { task }))
    }

    /// Waits until the terminal was shut down, or until its store failed. The store's files and the transport's address are free
    /// then: another process may open them at once.
    ///
    /// # Errors
    /// The store's error, when it was fatal. Recovery is a restart. A store that is busy or full ends nothing: its writes are
    /// repeated until they go through, and [`Status`](crate::Status) says so.
    pub async fn join(self) -> Result<(), StoreError> {
        match self.task.await {
            Ok(ended) => ended,
            Err(error) => Err(StoreError::new("the driver's task ended", error)),
        }
    }
}

/// A random number: what the standard library seeds its hash maps with comes from the system.
fn drawn() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

type ReplySender = oneshot::Sender<Result<Reply, Refusal>>;

struct Loop {
    terminal: Terminal,
    transport: Box<dyn Transport>,
    uplink: Arc<dyn Uplink>,
    clock: Arc<dyn Clock>,
    latest: Now,
    /// What the store's thread is asked.
    handover: Handover,
    /// Callers that were answered since it was asked last.
    answered: usize,
    notices: broadcast::Sender<Notice>,
    replies: mpsc::UnboundedSender<(UplinkId, Result<CloudReply, UplinkError>)>,
    /// Requests that are under way, and who tells of alerts: they end with the loop.
    calls: JoinSet<()>,
    waiting: BTreeMap<RequestId, ReplySender>,
    monitor: Monitor,
    /// What someone must act on, for whoever is told.
    board: Board,
    last_request: u64,
    /// Changes with each write that is durable, for whoever reads back.
    written: watch::Sender<u64>,
    /// Told where a fiscal signer is to be asked.
    to_sign: Arc<Notify>,
    /// What the store's thread was last told that open baskets may still write.
    promised: u64,
    /// Which old events the store may put closer together.
    retention: Retention,
    /// How far what comes down goes, as the cloud has said last; and when it is asked again.
    published: Arc<watch::Sender<Option<u64>>>,
    feed: watch::Receiver<Option<u64>>,
    feed_at: Time,
}

impl Loop {
    async fn run(
        mut self,
        commands: mpsc::Receiver<Command>,
        transport: mpsc::Receiver<TransportEvent>,
        mut store: mpsc::UnboundedReceiver<Vec<Done>>,
        cloud: mpsc::UnboundedReceiver<(UplinkId, Result<CloudReply, UplinkError>)>,
    ) -> Result<(), StoreError> {
        let ended = self.turns(commands, transport, &mut store, cloud).await;
        // Whoever starts the terminal again may listen where this one did.
        self.transport.close().await;
        // Without a sender the store's thread does what it was given, and lets go of the files.
        drop(self);
        while store.recv().await.is_some() {}
        ended
    }

    async fn turns(
        &mut self,
        mut commands: mpsc::Receiver<Command>,
        mut transport: mpsc::Receiver<TransportEvent>,
        store: &mut mpsc::UnboundedReceiver<Vec<Done>>,
        mut cloud: mpsc::UnboundedReceiver<(UplinkId, Result<CloudReply, UplinkError>)>,
    ) -> Result<(), StoreError> {
        let mut transport_open = true;
        loop {
            self.do_duties();
            self.watch();
            self.hand_over();
            let nap = self.nap();
            tokio::select! {
                done = store.recv() => match done {
                    Some(done) => self.hear(done)?,
                    None => return Err(self.failed(StoreError::plain("the store's thread ended"))),
                },
                event = transport.recv(), if transport_open => match event {
                    Some(TransportEvent::PeerUp(peer, connection)) => self.tell(Input::PeerUp(peer, connection)),
                    Some(TransportEvent::PeerLost(peer, connection)) => self.tell(Input::PeerLost(peer, connection)),
                    Some(TransportEvent::Frame(peer, connection, frame)) => {
                        self.tell(Input::Frame(peer, connection, frame));
                    }
                    Some(TransportEvent::Condition(kind, found)) => {
                        let now = self.now();
                        self.terminal.report_condition(now, kind, found);
                    }
                    None => transport_open = false,
                },
                Some((id, reply)) = cloud.recv() => {
                    if let Some(time) = self.uplink.take_time() {
                        self.tell(Input::CloudTime(time));
                    }
                    self.tell(Input::Uplink(id, reply));
                }
                Ok(()) = self.feed.changed() => {
                    let now = self.now();
                    self.terminal.flush(now);
                }
                command = commands.recv() => match command {
                    Some(Command::Shutdown) | None => {
                        self.shut_down();
                        return Ok(());
                    }
                    Some(command) => self.command(command),
                },
                () = sleep(nap) => self.tell(Input::Timeout),
            }
            if !self.gather(&mut commands, store).await? {
                self.shut_down();
                return Ok(());
            }
        }
    }

    /// Lets callers go on that were answered together, or ask together, and hears what they ask and what the store has answered
    /// meanwhile: their writes are to share a flush. Nobody waits for anything but the tasks that are ready, and one caller alone not
    /// even for those. Whether the terminal goes on.
    async fn gather(
        &mut self,
        commands: &mut mpsc::Receiver<Command>,
        store: &mut mpsc::UnboundedReceiver<Vec<Done>>,
    ) -> Result<bool, StoreError> {
        for _ in 0..MAX_PASSES {
            self.do_duties();
            if self.answered + self.waiting.len() < 2 {
                break;
            }
            yield_now().await;
            let mut quiet = true;
            while let Ok(done) = store.try_recv() {
                quiet = false;
                self.hear(done)?;
            }
            for _ in 0..COMMANDS {
                match commands.try_recv() {
                    Ok(Command::Shutdown) => return Ok(false),
                    Ok(command) => self.command(command),
                    Err(_) => break,
                }
                quiet = false;
            }
            if quiet {
                break;
            }
        }
        Ok(true)
    }

    /// Answers of the store.
    fn hear(&mut self, batch: Vec<Done>) -> Result<(), StoreError> {
        self.handover.hear(&batch);
        for done in batch {
            match done {
                Done::Persisted(id) => {
                    self.tell(Input::Persisted(id));
                    self.written.send_modify(|written| *written = written.wrapping_add(1));
                }
                Done::Loaded(id, rows) => self.tell(Input::Loaded(id, rows)),
                Done::Disk(disk) => self.tell(Input::Disk(disk)),
                Done::Damage(about) => {
                    let (now, found) = (self.now(), about.map(|about| Finding { count: 1, about }));
                    self.terminal.report_condition(now, ConditionKind::DatabaseDamaged, found);
                }
                Done::Failed(error) => return Err(self.failed(error)),
            }
            self.do_duties();
        }
        Ok(())
    }

    fn hand_over(&mut self) {
        self.answered = 0;
        self.handover.hand_over();
    }

    fn shut_down(&mut self) {
        info!("shut down");
        self.terminal.write_rows();
        self.do_duties();
        self.terminal.stop("it was shut down".into());
        self.do_duties();
        self.hand_over();
    }

    fn now(&mut self) -> Now {
        let told = self.clock.now();
        // The contract of the engines, whatever a vendor's clock does.
        self.latest = Now { mono: told.mono.max(self.latest.mono), wall: told.wall };
        self.latest
    }

    fn nap(&mut self) -> Duration {
        let Some(deadline) = self.terminal.poll_timeout() else { return LONGEST_SLEEP };
        (deadline - self.now().mono).min(LONGEST_SLEEP)
    }

    fn tell(&mut self, input: Input) {
        let now = self.now();
        self.terminal.handle(now, input);
    }

    fn command(&mut self, command: Command) {
        let now = self.now();
        self.last_request += 1;
        let request = RequestId(self.last_request);
        let (made, reply) = match command {
            Command::Begin(draft, reply) => (self.terminal.begin(now, request, draft), reply),
            Command::Update(draft, reply) => (self.terminal.update(now, request, draft), reply),
            Command::Commit(commit, reply) => (self.terminal.commit(now, request, commit), reply),
            Command::Abandon(basket, reply) => (self.terminal.abandon(now, request, basket), reply),
            Command::Counter(row, reply) => (self.terminal.ask_counter(now, request, row), reply),
            Command::Unresolved(after, reply) => (self.terminal.ask_baskets(now, request, after), reply),
            Command::Park(basket, reply) => (self.terminal.park(now, request, basket), reply),
            Command::Claim(basket, reply) => (self.terminal.claim(now, request, basket), reply),
            Command::Record(record, reply) => (self.terminal.record(now, request, record), reply),
            Command::KeepKey(key, reply) => (self.terminal.keep_key(now, request, &key), reply),
            Command::Resolve(call, reply) => (self.terminal.resolve(now, request, &call), reply),
            Command::Advise(said) => return self.terminal.advise(now, &said.0, said.1),
            // A caller that has gone does not need its answer.
            Command::NextToAdvise(reply) => return drop(reply.send(self.terminal.next_to_advise())),
            Command::NextToSign(reply) => return drop(reply.send(self.terminal.next_to_sign(now))),
            Command::Signed(said) => return self.terminal.signed(now, said.0, said.1),
            Command::Admit(replica, reply) => return drop(reply.send(self.terminal.admit(now, replica))),
            Command::Retire(replica, reply) => return drop(reply.send(self.terminal.retire(now, replica))),
            Command::Replace(terminal, planned, reply) => {
                return drop(reply.send(self.terminal.replace(now, terminal, planned)));
            }
            Command::WriteOff(terminal, reply) => {
                return drop(reply.send(self.terminal.write_off(now, terminal)));
            }
            Command::Inference(what) => return self.monitor.inference(now, what),
            #[cfg(feature = "embedded")]
            Command::Model(notice) => return self.monitor.model(&notice),
            // A caller that has gone does not need its answer.
            Command::Metrics(reply) => return drop(reply.send(self.monitor.text())),
            Command::Status(reply) => {
                let status = Status { alerts: self.monitor.alerts(), ..self.terminal.status() };
                return drop(reply.send(status));
            }
            Command::Condition(kind, found) => return self.terminal.report_condition(now, kind, found),
            Command::RaiseLevel(reply) => return drop(reply.send(self.terminal.raise_level(now))),
            Command::Flush => return self.terminal.flush(now),
            Command::StepDown => return self.terminal.step_down(now),
            Command::Read(load, reader) => return self.handover.put(Job::Read(load, reader)),
            Command::Query(query) => return query(&self.terminal, now),
            Command::Shutdown => return,
        };
        match made {
            Ok(()) => {
                self.waiting.insert(request, reply);
            }
            // A caller that has gone does not need its answer.
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    fn do_duties(&mut self) {
        while let Some(output) = self.terminal.poll_output() {
            match output {
                Output::Persist(persist) => self.handover.put(Job::Commit(persist)),
                Output::Write(persist) => self.handover.put(Job::Write(persist)),
                Output::Load(load) => self.handover.put(Job::Load(load)),
                Output::Transmit { to, connection, frame } => self.transport.send(to, connection, frame),
                Output::Uplink(id, request) => {
                    let (uplink, replies) = (Arc::clone(&self.uplink), self.replies.clone());
                    while self.calls.try_join_next().is_some() {}
                    self.calls.spawn(async move {
                        let reply = uplink.call(request).await;
                        // The loop has ended: nobody waits for it.
                        let _ = replies.send((id, reply));
                    });
                }
                Output::Reply(request, reply) => {
                    if let Some(waiting) = self.waiting.remove(&request) {
                        self.answered += 1;
                        drop(waiting.send(reply));
                    }
                }
                Output::Notice(notice) => self.notice(notice),
            }
        }
        if self.terminal.shop().sales().signer().wants(self.latest) {
            self.to_sign.notify_one();
        }
        let promised = self.terminal.promised();
        if promised != self.promised {
            self.promised = promised;
            self.handover.put(Job::Promise(promised));
        }
    }

    /// Shows what happened, and hands it to whoever listens; nobody need.
    fn notice(&mut self, notice: Notice) {
        let now = self.now();
        self.monitor.notice(now, &notice);
        self.board.notice(now, &notice);
        if matches!(
            notice,
            Notice::ExceptionRaised(_)
                | Notice::ExceptionEnded(_)
                | Notice::ResolutionProposed(_)
                | Notice::ExceptionResolved(_)
        ) {
            // One that holds already begins no more, and each exception is news.
            let conditions = self.terminal.status().conditions;
            let exceptions = |condition: &&Condition| condition.kind == ConditionKind::Exceptions;
            conditions.iter().filter(exceptions).for_each(|condition| self.board.changed(condition));
        }
        drop(self.notices.send(notice));
    }

    fn watch(&mut self) {
        let now = self.now();
        if self.monitor.is_due(now) {
            let (status, elections) = (self.terminal.status(), self.terminal.elections(now));
            self.board.refresh(&status.conditions);
            for alert in self.monitor.sample(now, &status, &elections) {
                self.notice(Notice::Alert(alert));
            }
        }
        if self.feed_at <= now.mono {
            self.feed_at = now.mono + FEED_ROUND;
            self.ask_feed();
        }
        if self.retention.is_due(now.mono) {
            self.seal(now);
        }
    }

    /// Has the cloud asked, by the terminal that uploads, whether something was published: it asks for it then.
    fn ask_feed(&mut self) {
        if !self.terminal.status().entitled {
            return;
        }
        let (uplink, published) = (Arc::clone(&self.uplink), Arc::clone(&self.published));
        self.calls.spawn(async move {
            if let Some(last) = uplink.published().await {
                // The first answer counts as well: something may have been published since the terminal began to lead.
                published.send_if_modified(|known| known.replace(last) != Some(last));
            }
        });
    }

    /// Lets the store put closer together what is old, and while the disk is low whatever the cloud has.
    fn seal(&mut self, now: Now) {
        let is_short = self.terminal.status().conditions.iter().any(|it| it.kind == ConditionKind::DiskLow);
        let floor = self.terminal.diagnosis(now).in_cloud;
        if let Some(sealing) = self.retention.sealing(now, floor, is_short) {
            self.handover.put(Job::Seal(sealing));
        }
    }

    fn failed(&mut self, error: StoreError) -> StoreError {
        error!(error = %error, "the store failed: this terminal stops");
        self.terminal.stop(error.to_string());
        self.do_duties();
        error
    }
}
