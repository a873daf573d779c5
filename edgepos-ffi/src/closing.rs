//! Closing a terminal, by one caller or several, whether or not it comes to an end while they wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use edgepos::Node;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// What is known of the calls that close a terminal.
#[derive(Debug, Default)]
pub(crate) struct Closing(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// How many stop it. Each comes to its end once one of them has stopped it.
    under_way: watch::Sender<u32>,
    left: Mutex<Option<Left>>,
}

/// How many events the cloud is not known to hold, as the call was told that stopped it.
#[derive(Debug)]
struct Left {
    queued: u64,
    /// Whether its caller waits for that.
    awaited: Arc<AtomicBool>,
}

/// One call.
pub(crate) struct Call {
    state: Arc<State>,
    awaited: Arc<AtomicBool>,
}

/// Counts as under way until it is dropped.
struct UnderWay(Arc<State>);

impl Closing {
    /// Begins to stop a terminal, in a task: what hangs goes on by itself where nobody waits for it any more.
    pub(crate) fn begin(&self, node: Node, patience: Duration, runtime: &Handle) -> Call {
        let call = Call { state: Arc::clone(&self.0), awaited: Arc::new(AtomicBool::new(true)) };
        let (under_way, awaited) = (UnderWay::new(&self.0), Arc::clone(&call.awaited));
        runtime.spawn(async move {
            if let Ok(stopped) = node.stop(patience).await {
                under_way.0.left().get_or_insert(Left { queued: stopped.queued, awaited });
            }
            // One that could not be asked is ended all the same.
            node.shutdown().await;
        });
        call
    }
}

impl Call {
    /// Waits until nobody stops it any more.
    pub(crate) async fn is_over(&self) {
        let mut under_way = self.state.under_way.subscribe();
        // The sender lives as long as this.
        let _ = under_way.wait_for(|calls| *calls == 0).await;
    }

    /// How many events are left, where this call has stopped it, or one did that nobody waited for. It is told once.
    pub(crate) fn left(&self) -> Option<u64> {
        let mut left = self.state.left();
        let told = |left: &mut Left| {
            Arc::ptr_eq(&left.awaited, &self.awaited) || !left.awaited.load(Ordering::Acquire)
        };
        left.take_if(told).map(|left| left.queued)
    }

    /// Waits no longer: whoever asks next is told.
    pub(crate) fn give_up(self) {
        self.awaited.store(false, Ordering::Release);
    }
}

impl State {
    fn left(&self) -> MutexGuard<'_, Option<Left>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    fn new(state: &Arc<State>) -> Self {
        state.under_way.send_modify(|calls| *calls += 1);
        Self(Arc::clone(state))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|calls| *calls -= 1);
    }
}
