//! A child process that is started again whenever it dies, unless it is stopped.

use std::ffi::OsString;
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot, watch};

/// How long a process has to say READY. It makes its tables durable first, which takes seconds on a disk that others keep busy.
const START_TIME: Duration = Duration::from_secs(120);
/// How long a process has to end once it is asked.
const STOP_TIME: Duration = Duration::from_secs(10);
/// Between a death that nobody planned and the next start.
const RESTART_PAUSE: Duration = Duration::from_millis(100);
/// A life shorter than this counts towards [`MAX_SHORT_LIVES`].
const SHORT_LIFE: Duration = Duration::from_secs(2);
/// So many short lives in a row, and the supervisor gives up.
const MAX_SHORT_LIVES: u32 = 50;
/// Bytes of the log's end that are quoted when a start fails.
const QUOTED: u64 = 2_048;

/// What to start.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    /// What people call it.
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    /// Where its standard error goes.
    pub(super) log: PathBuf,
}

/// What a process is doing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// Starting, or between two lives.
    Down,
    /// It was killed, and stays so until it is released.
    Held,
    /// It has said READY.
    Up(Ready),
    /// It was asked to end and did.
    Stopped,
    /// It cannot be started.
    Failed(GaveUp),
}

/// A process that has said READY.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ready {
    pub(super) pid: u32,
    /// The addresses that it named, in order.
    pub(super) addresses: Vec<SocketAddr>,
}

/// A process cannot be started.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{name} does not start: {reason}")]
pub(super) struct GaveUp {
    pub(super) name: String,
    pub(super) reason: String,
    /// Whether it said that its input is at fault: exit status 2.
    pub(super) usage: bool,
}

/// A process died.
#[derive(Clone, Copy, Debug)]
pub(super) struct Death {
    /// The number that [`Process::start`] was given.
    pub(super) number: usize,
    /// When.
    pub(super) at: Instant,
    /// Whether the supervisor killed it.
    pub(super) planned: bool,
}

enum Order {
    Kill { pause: Duration, done: oneshot::Sender<Instant> },
    Hold { done: oneshot::Sender<()> },
    Release,
    Stop,
}

/// A handle on the task that keeps a process alive.
#[derive(Debug)]
pub(super) struct Process {
    orders: mpsc::Sender<Order>,
    state: watch::Receiver<State>,
}

impl Process {
    /// Starts it and keeps it started. Each death is told to `deaths`, under `number`.
    pub(super) fn start(spec: Spec, number: usize, deaths: mpsc::Sender<Death>) -> Self {
        let (orders, ordered) = mpsc::channel(8);
        let (told, state) = watch::channel(State::Down);
        let keeper = Keeper { spec, number, deaths, orders: ordered, told };
        tokio::spawn(keeper.keep());
        Self { orders, state }
    }

    /// To watch its lives.
    pub(super) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Its addresses, once it is up.
    ///
    /// # Errors
    /// When it cannot be started, or was stopped.
    pub(super) async fn ready(&self) -> Result<Ready, GaveUp> {
        let mut state = self.state.clone();
        let settled = state.wait_for(|state| !matches!(state, State::Down | State::Held)).await;
        match settled.as_deref() {
            Ok(State::Up(ready)) => Ok(ready.clone()),
            Ok(State::Failed(gave_up)) => Err(gave_up.clone()),
            _ => Err(GaveUp { name: "the process".into(), reason: "it was stopped".into(), usage: false }),
        }
    }

    /// SIGKILL, and a new start after `pause`. Says when the signal was sent.
    pub(super) async fn kill(&self, pause: Duration) -> Instant {
        let (done, killed) = oneshot::channel();
        let _ = self.orders.send(Order::Kill { pause, done }).await;
        killed.await.unwrap_or_else(|_| Instant::now())
    }

    /// SIGKILL, and no new start before [`release`](Self::release).
    pub(super) async fn hold(&self) {
        let (done, held) = oneshot::channel();
        let _ = self.orders.send(Order::Hold { done }).await;
        let _ = held.await;
    }

    /// Starts it again after [`hold`](Self::hold).
    pub(super) async fn release(&self) {
        let _ = self.orders.send(Order::Release).await;
    }

    /// The number of the running process; `None` while it is down.
    pub(super) fn pid(&self) -> Option<u32> {
        match &*self.state.borrow() {
            State::Up(ready) => Some(ready.pid),
            _ => None,
        }
    }

    /// Asks it to end, and sees to it that it does.
    pub(super) async fn stop(&self) {
        let _ = self.orders.send(Order::Stop).await;
        let mut state = self.state.clone();
        let _ = state.wait_for(|state| matches!(state, State::Stopped | State::Failed(_))).await;
    }
}

/// The task.
struct Keeper {
    spec: Spec,
    number: usize,
    deaths: mpsc::Sender<Death>,
    orders: mpsc::Receiver<Order>,
    told: watch::Sender<State>,
}

/// How a life ended.
enum End {
    Died,
    Killed(Duration),
    Held,
    Stopped,
}

impl Keeper {
    async fn keep(mut self) {
        let mut short_lives = 0;
        let mut first = true;
        loop {
            let born = Instant::now();
            let end = match self.birth().await {
                Ok((child, ready)) => {
                    first = false;
                    self.told.send_replace(State::Up(ready));
                    self.life(child).await
                }
                Err(gave_up) if (first && gave_up.usage) || short_lives >= MAX_SHORT_LIVES => {
                    self.told.send_replace(State::Failed(gave_up));
                    return;
                }
                Err(gave_up) => {
                    tracing::warn!(%gave_up, "trying again");
                    End::Died
                }
            };
            short_lives = if born.elapsed() < SHORT_LIFE { short_lives + 1 } else { 0 };
            let pause = match end {
                End::Stopped => {
                    self.told.send_replace(State::Stopped);
                    return;
                }
                End::Killed(pause) => {
                    short_lives = 0;
                    pause
                }
                End::Held => {
                    short_lives = 0;
                    self.told.send_replace(State::Held);
                    if self.stopped_while_held().await {
                        self.told.send_replace(State::Stopped);
                        return;
                    }
                    Duration::ZERO
                }
                End::Died => RESTART_PAUSE,
            };
            self.told.send_replace(State::Down);
            if self.stopped_within(pause).await {
                self.told.send_replace(State::Stopped);
                return;
            }
        }
    }

    /// Starts the process and waits for READY.
    async fn birth(&self) -> Result<((Child, ChildStdin), Ready), GaveUp> {
        let failed = |reason: String, usage| GaveUp { name: self.spec.name.clone(), reason, usage };
        let log = File::options().create(true).append(true).open(&self.spec.log);
        let log = log.map_err(|error| failed(format!("{}: {error}", self.spec.log.display()), false))?;
        let mut command = Command::new(&self.spec.program);
        command
            .args(&self.spec.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        // A group of its own: Ctrl-C is for the supervisor, which then ends the children in order.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(|error| failed(error.to_string(), false))?;
        let input = child.stdin.take().expect("standard input is piped");
        let output = child.stdout.take().expect("standard output is piped");
        let pid = child.id().unwrap_or_default();
        let mut lines = BufReader::new(output).lines();
        match tokio::time::timeout(START_TIME, lines.next_line()).await {
            Ok(Ok(Some(line))) if line.starts_with("READY ") => {
                let addresses = line.split_whitespace().filter_map(address).collect();
                Ok(((child, input), Ready { pid, addresses }))
            }
            Err(_) => {
                // Gone for good before the next one starts: its files are locked while it lives.
                let _ = child.kill().await;
                Err(failed(format!("it is not ready after {START_TIME:?}"), false))
            }
            _ => {
                let status = child.wait().await.map_err(|error| failed(error.to_string(), false))?;
                Err(failed(self.last_words().unwrap_or_else(|| status.to_string()), status.code() == Some(2)))
            }
        }
    }

    /// Until it dies, is killed, or is stopped.
    async fn life(&mut self, (mut child, input): (Child, ChildStdin)) -> End {
        let order = loop {
            let order = tokio::select! {
                _ = child.wait() => None,
                order = self.orders.recv() => Some(order),
            };
            // Who lives needs no release.
            if !matches!(order, Some(Some(Order::Release))) {
                break order;
            }
        };
        match order {
            None => {
                self.tell_death(Instant::now(), false);
                End::Died
            }
            Some(Some(Order::Kill { pause, done })) => {
                let _ = child.start_kill();
                let at = Instant::now();
                self.tell_death(at, true);
                let _ = child.wait().await;
                let _ = done.send(at);
                End::Killed(pause)
            }
            Some(Some(Order::Hold { done })) => {
                let _ = child.start_kill();
                self.tell_death(Instant::now(), true);
                let _ = child.wait().await;
                self.told.send_replace(State::Held);
                let _ = done.send(());
                End::Held
            }
            Some(Some(Order::Release | Order::Stop) | None) => {
                drop(input);
                if tokio::time::timeout(STOP_TIME, child.wait()).await.is_err() {
                    tracing::warn!(name = self.spec.name, "did not end in time and is killed");
                    let _ = child.kill().await;
                }
                End::Stopped
            }
        }
    }

    /// Waits, unless it is stopped meanwhile. What is dead cannot be killed: such an order is done at once.
    async fn stopped_within(&mut self, pause: Duration) -> bool {
        let until = tokio::time::sleep(pause);
        tokio::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return false,
                order = self.orders.recv() => match order {
                    Some(Order::Kill { done, .. }) => drop(done.send(Instant::now())),
                    Some(Order::Hold { done }) => {
                        self.told.send_replace(State::Held);
                        let _ = done.send(());
                        return self.stopped_while_held().await;
                    }
                    Some(Order::Release) => {}
                    Some(Order::Stop) | None => return true,
                },
            }
        }
    }

    /// Until it is released, `false`, or stopped.
    async fn stopped_while_held(&mut self) -> bool {
        loop {
            match self.orders.recv().await {
                Some(Order::Release) => {
                    self.told.send_replace(State::Down);
                    return false;
                }
                Some(Order::Kill { done, .. }) => drop(done.send(Instant::now())),
                Some(Order::Hold { done }) => drop(done.send(())),
                Some(Order::Stop) | None => return true,
            }
        }
    }

    fn tell_death(&self, at: Instant, planned: bool) {
        let _ = self.deaths.try_send(Death { number: self.number, at, planned });
    }

    /// The last line of the log that says `error:`, without that word.
    fn last_words(&self) -> Option<String> {
        use std::io::{Read, Seek, SeekFrom};
        let mut log = File::open(&self.spec.log).ok()?;
        let length = log.metadata().ok()?.len();
        log.seek(SeekFrom::Start(length.saturating_sub(QUOTED))).ok()?;
        let mut end = Vec::new();
        log.read_to_end(&mut end).ok()?;
        let end = String::from_utf8_lossy(&end);
        end.lines().rev().find_map(|line| line.strip_prefix("error: ")).map(str::to_owned)
    }
}

/// The address in a word of the READY line: `till=127.0.0.1:1`, `http://127.0.0.1:2`.
fn address(word: &str) -> Option<SocketAddr> {
    word.rsplit(['=', '/']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(dir: &tempfile::TempDir, script: &str) -> Process {
        let spec = Spec {
            name: "sh".into(),
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            log: dir.path().join("log"),
        };
        Process::start(spec, 0, mpsc::channel(8).0)
    }

    #[tokio::test]
    async fn a_killed_process_lives_again_and_a_stopped_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let process = shell(&dir, "echo READY a=127.0.0.1:7 http://127.0.0.1:8; read line");
        let before = process.ready().await.unwrap();
        assert_eq!(before.addresses, ["127.0.0.1:7".parse().unwrap(), "127.0.0.1:8".parse().unwrap()]);
        process.kill(Duration::ZERO).await;
        let mut state = process.state();
        let again = |state: &State| matches!(state, State::Up(ready) if ready.pid != before.pid);
        state.wait_for(again).await.unwrap();
        // End of standard input ends `read`.
        process.stop().await;
        assert_eq!(*process.state().borrow(), State::Stopped);
    }

    #[tokio::test]
    async fn a_held_process_stays_dead_until_it_is_released() {
        let dir = tempfile::tempdir().unwrap();
        let process = shell(&dir, "echo READY a=127.0.0.1:7; read line");
        let before = process.ready().await.unwrap();
        process.hold().await;
        assert_eq!((process.pid(), process.state().borrow().clone()), (None, State::Held));
        tokio::time::sleep(RESTART_PAUSE * 3).await;
        assert_eq!(*process.state().borrow(), State::Held);
        process.release().await;
        assert_ne!(process.ready().await.unwrap().pid, before.pid);
        process.hold().await;
        process.stop().await;
        assert_eq!(*process.state().borrow(), State::Stopped);
    }

    #[tokio::test]
    async fn a_process_that_blames_its_input_is_not_started_again() {
        let dir = tempfile::tempdir().unwrap();
        let process = shell(&dir, "echo starting >&2; echo 'error: port 7 is taken' >&2; exit 2");
        let gave_up = process.ready().await.unwrap_err();
        assert_eq!(gave_up.to_string(), "sh does not start: port 7 is taken");
        assert!(gave_up.usage);
    }
}
