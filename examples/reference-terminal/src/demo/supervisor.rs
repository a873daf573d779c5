//! A store of processes on this machine: a cloud, its terminals, and a link of its own for each pair that talks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use edgepos::core::{ReplicaId, StoreId};
use edgepos::{Clock, LabelCountry, Labels, Setup, SystemClock, TerminalName};
use edgepos_authority::{Authority, Holder};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, mpsc};
use tokio::task::JoinSet;

use super::draw::draw;
use super::error::DemoError;
use super::options::Options;
use super::places::{authority_dir, db_path, identity_dir};
use super::process::{Death, GaveUp, Process, Spec, State};
use super::proxy::{Link, Weather};
use super::seen::SeenStatus;
use crate::cloud::Head;
use crate::http::{CallError, Client};
use crate::run::{ConfigFile, OwnConfig, WebhookUrl};

/// The number that the cloud's deaths are told under; terminals have their index.
pub(super) const CLOUD: usize = usize::MAX;
/// Deaths that nobody has looked at yet; further ones are restarted all the same.
const MAX_DEATHS: usize = 256;

/// How long a model may take here: all terminals of the store share the cores of one machine, and nobody stands at the till.
const RECOGNITION_MS: u64 = 3_000;

/// The store, running.
#[derive(Debug)]
pub(super) struct Supervisor {
    pub(super) store: StoreId,
    pub(super) client: Client,
    terminals: Vec<Terminal>,
    cloud: Process,
    /// Between terminal `.0` and terminal `.1`, which is dialled by the former.
    between: BTreeMap<(usize, usize), Link>,
    to_cloud: Vec<Link>,
    cut: Mutex<BTreeSet<usize>>,
}

#[derive(Debug)]
struct Terminal {
    id: ReplicaId,
    process: Process,
    /// One customer at a time.
    register: AsyncMutex<()>,
}

impl Supervisor {
    /// Starts the links, the cloud and the terminals, and waits until all are up.
    pub(super) async fn start(
        options: &Options,
        ports: &Ports,
        dir: &Path,
        alerts: Option<WebhookUrl>,
    ) -> Result<(Arc<Self>, mpsc::Receiver<Death>), DemoError> {
        let count = usize::from(options.terminals);
        let program =
            std::env::current_exe().map_err(|error| DemoError::io("this program's own file", error))?;
        let (deaths, died) = mpsc::channel(MAX_DEATHS);
        let store = StoreId(draw()?);
        let ids = (1..=options.terminals)
            .map(|number| Ok(ReplicaId::new(number, u64::from_be_bytes(first_8(draw()?)))))
            .collect::<Result<Vec<_>, DemoError>>()?;
        let no_port = |error| DemoError::io("a port for a link", error);
        let mut between = BTreeMap::new();
        let mut to_cloud = Vec::with_capacity(count);
        for low in 0..count {
            to_cloud.push(Link::start().await.map_err(no_port)?);
            for high in low + 1..count {
                between.insert((low, high), Link::start().await.map_err(no_port)?);
            }
        }
        let spec = Spec {
            name: "the cloud".into(),
            program: program.clone(),
            args: vec![
                "cloud".into(),
                "--supervised".into(),
                "--listen".into(),
                ports.cloud().to_string().into(),
                "--db".into(),
                db_path(dir, None).into(),
            ],
            log: dir.join("cloud.log"),
        };
        let cloud = Process::start(spec, CLOUD, deaths.clone());
        enrol(dir, store, options.terminals)?;
        let mut terminals = Vec::with_capacity(count);
        for (index, &id) in ids.iter().enumerate() {
            let name = format!("terminal-{}", index + 1);
            let config = dir.join(format!("{name}.toml"));
            let peers = between.iter().filter(|((low, _), _)| *low == index);
            let cloud = format!("http://{}", to_cloud[index].address());
            let setup = Setup {
                voters: Some(ids.iter().copied().map(TerminalName::from).collect()),
                peers: peers
                    .map(|((_, high), link)| (TerminalName::from(ids[*high]), link.address().to_string()))
                    .collect(),
                identity: Some(identity_dir(dir, index)),
                seed: Some(options.seed),
                // A week passes in half a minute here: five seconds of batching would be a quarter of a day.
                flush_ms: Some(250),
                labels: Labels::of(LabelCountry::Fi),
                ..Setup::new(id.into(), store, db_path(dir, Some(index)), ports.peer(index), cloud)
            };
            let own = OwnConfig {
                till: ports.till(index).to_string(),
                till_token: None,
                // All that was sold is in the cloud before a terminal is stopped, unless it is to be found missing.
                stop_patience_ms: Some(1_000),
                recognition_deadline_ms: Some(RECOGNITION_MS),
                models: Some(options.models.clone()),
                alerts_webhook: alerts.clone(),
                signer: None,
            };
            let file = ConfigFile { own, setup };
            let text = toml::to_string(&file).expect("a plain struct with its table last");
            std::fs::write(&config, text).map_err(|error| DemoError::io(config.display(), error))?;
            let spec = Spec {
                name: name.clone(),
                program: program.clone(),
                args: vec!["run".into(), "--supervised".into(), "--config".into(), config.into()],
                log: dir.join(format!("{name}.log")),
            };
            let process = Process::start(spec, index, deaths.clone());
            terminals.push(Terminal { id, process, register: AsyncMutex::new(()) });
        }
        let this = Arc::new(Self {
            store,
            client: Client::new(),
            terminals,
            cloud,
            between,
            to_cloud,
            cut: Mutex::default(),
        });
        this.follow_restarts();
        match this.all_ready().await {
            Ok(()) => Ok((this, died)),
            Err(gave_up) => {
                this.stop().await;
                Err(gave_up.into())
            }
        }
    }

    async fn all_ready(&self) -> Result<(), GaveUp> {
        let cloud = self.cloud.ready().await?;
        self.lead_cloud_links(cloud.addresses[0]);
        for (index, terminal) in self.terminals.iter().enumerate() {
            self.lead_links(index, terminal.process.ready().await?.addresses[1]);
        }
        Ok(())
    }

    /// Follows restarts: a process has new ports in each of its lives. Each task ends with its process.
    fn follow_restarts(self: &Arc<Self>) {
        let this = Arc::clone(self);
        let mut state = self.cloud.state();
        tokio::spawn(async move {
            while state.changed().await.is_ok() {
                if let State::Up(ready) = state.borrow_and_update().clone() {
                    this.lead_cloud_links(ready.addresses[0]);
                }
            }
        });
        for (index, terminal) in self.terminals.iter().enumerate() {
            let this = Arc::clone(self);
            let mut state = terminal.process.state();
            tokio::spawn(async move {
                while state.changed().await.is_ok() {
                    if let State::Up(ready) = state.borrow_and_update().clone() {
                        this.lead_links(index, ready.addresses[1]);
                    }
                }
            });
        }
    }

    fn lead_cloud_links(&self, target: SocketAddr) {
        self.to_cloud.iter().for_each(|link| link.lead_to(target));
    }

    fn lead_links(&self, terminal: usize, target: SocketAddr) {
        for ((_, high), link) in &self.between {
            if *high == terminal {
                link.lead_to(target);
            }
        }
    }

    /// How many terminals there are.
    pub(super) fn len(&self) -> usize {
        self.terminals.len()
    }

    /// Its incarnation.
    pub(super) fn id(&self, terminal: usize) -> ReplicaId {
        self.terminals[terminal].id
    }

    /// Where a till calls, once the terminal is up.
    pub(super) async fn till(&self, terminal: usize) -> Result<SocketAddr, GaveUp> {
        Ok(self.terminals[terminal].process.ready().await?.addresses[0])
    }

    /// Whether the process is up at this moment.
    pub(super) fn is_up(&self, terminal: usize) -> bool {
        matches!(*self.terminals[terminal].process.state().borrow(), State::Up(_))
    }

    /// Why the store cannot go on: a process that cannot be started.
    pub(super) fn gave_up(&self) -> Option<GaveUp> {
        let processes = self.terminals.iter().map(|terminal| &terminal.process).chain([&self.cloud]);
        processes.into_iter().find_map(|process| match &*process.state().borrow() {
            State::Failed(gave_up) => Some(gave_up.clone()),
            _ => None,
        })
    }

    /// Holds the register of a terminal: nobody else sells there meanwhile.
    pub(super) async fn register(&self, terminal: usize) -> AsyncMutexGuard<'_, ()> {
        self.terminals[terminal].register.lock().await
    }

    /// What a terminal says of itself, or why it does not.
    pub(super) async fn status(&self, terminal: usize, within: Duration) -> Result<SeenStatus, CallError> {
        let address = match &*self.terminals[terminal].process.state().borrow() {
            State::Up(ready) => ready.addresses[0],
            _ => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                return Err(CallError::NoAnswer { address, reason: "it is down".into() });
            }
        };
        self.client.get_within(address, "/status", within).await
    }

    /// What the cloud holds, or why it does not say.
    pub(super) async fn head(&self) -> Result<Head, CallError> {
        let address = match &*self.cloud.state().borrow() {
            State::Up(ready) => ready.addresses[0],
            _ => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                return Err(CallError::NoAnswer { address, reason: "it is down".into() });
            }
        };
        let path = format!("/v1/stores/{}/head", self.store);
        self.client.get_within(address, &path, Duration::from_secs(2)).await
    }

    /// SIGKILL, and a new start after `pause`. Says when.
    pub(super) async fn kill(&self, terminal: usize, pause: Duration) -> Instant {
        self.terminals[terminal].process.kill(pause).await
    }

    /// The process of a terminal.
    pub(super) fn process(&self, terminal: usize) -> &Process {
        &self.terminals[terminal].process
    }

    /// The process of the cloud.
    pub(super) fn cloud_process(&self) -> &Process {
        &self.cloud
    }

    /// How the cloud is reached, by every terminal that is not cut off.
    pub(super) fn set_cloud_weather(&self, weather: Weather) {
        self.to_cloud.iter().for_each(|link| link.set_weather(weather));
    }

    /// Cuts every link of a terminal: to each other one and to the cloud.
    pub(super) fn cut_off(&self, terminal: usize) {
        self.set_cut(|cut| cut.insert(terminal));
    }

    /// Mends the links of a terminal, but for those to one that is still cut off.
    pub(super) fn heal(&self, terminal: usize) {
        self.set_cut(|cut| cut.remove(&terminal));
    }

    fn set_cut(&self, change: impl FnOnce(&mut BTreeSet<usize>) -> bool) {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut cut);
        for ((low, high), link) in &self.between {
            link.set_open(!cut.contains(low) && !cut.contains(high));
        }
        for (index, link) in self.to_cloud.iter().enumerate() {
            link.set_open(!cut.contains(&index));
        }
    }

    /// Whether the terminal is cut off.
    pub(super) fn is_cut_off(&self, terminal: usize) -> bool {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).contains(&terminal)
    }

    /// Bytes that went between terminals, and between terminals and the cloud, both ways.
    pub(super) fn bytes_on_wire(&self) -> (u64, u64) {
        (self.between.values().map(Link::bytes).sum(), self.to_cloud.iter().map(Link::bytes).sum())
    }

    /// Ends all processes, terminals first.
    pub(super) async fn stop(self: &Arc<Self>) {
        let mut stops = JoinSet::new();
        for index in 0..self.terminals.len() {
            let this = Arc::clone(self);
            stops.spawn(async move { this.terminals[index].process.stop().await });
        }
        while stops.join_next().await.is_some() {}
        self.cloud.stop().await;
    }
}

/// Makes the authority of the store, and an identity for each of its terminals.
fn enrol(dir: &Path, store: StoreId, terminals: u16) -> Result<(), DemoError> {
    let now = SystemClock::new().now().wall;
    let mut authority = Authority::create(&authority_dir(dir), store, now)?;
    for index in 0..terminals {
        authority.issue(index + 1, Holder::First, &identity_dir(dir, usize::from(index)), now)?;
    }
    Ok(())
}

fn first_8(bytes: [u8; 16]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = bytes;
    [a, b, c, d, e, f, g, h]
}

/// Which ports the processes take.
pub(super) struct Ports {
    base: u16,
}

impl Ports {
    /// Checks that fixed ports exist and are free. A port that somebody takes between here and the start is found by the process.
    pub(super) fn new(base: u16, terminals: usize) -> Result<Self, DemoError> {
        let this = Self { base };
        if base == 0 {
            return Ok(this);
        }
        if usize::from(base) + 2 * terminals > usize::from(u16::MAX) {
            return Err(DemoError::NoSuchPorts { base, terminals });
        }
        let wanted = (0..terminals).flat_map(|index| [this.till(index), this.peer(index)]);
        for address in [this.cloud()].into_iter().chain(wanted) {
            TcpListener::bind(address).map_err(|source| DemoError::Port { address, source })?;
        }
        Ok(this)
    }

    fn cloud(&self) -> SocketAddr {
        self.address(0)
    }

    fn till(&self, terminal: usize) -> SocketAddr {
        self.address(1 + 2 * terminal)
    }

    fn peer(&self, terminal: usize) -> SocketAddr {
        self.address(2 + 2 * terminal)
    }

    fn address(&self, offset: usize) -> SocketAddr {
        let offset = u16::try_from(offset).expect("at most 31");
        let port = if self.base == 0 { 0 } else { self.base + offset };
        (Ipv4Addr::LOCALHOST, port).into()
    }
}
