//! Deadlines of callers who do not block: one thread for the whole process wakes them, whatever runtime they are on.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

type Ring = Box<dyn FnOnce() + Send>;

/// Something that happens at a time, unless this is dropped before.
pub(crate) struct Alarm {
    bells: Arc<Bells>,
    key: (Instant, u64),
}

/// As many entries as there are unanswered asynchronous calls, which the workers' queues limit.
#[derive(Default)]
struct Bells {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pending: BTreeMap<(Instant, u64), Ring>,
    next: u64,
}

/// Started by the first asynchronous call; a failed start leaves the slot empty, so that the next call tries again.
static BELLS: Mutex<Option<Arc<Bells>>> = Mutex::new(None);

impl Alarm {
    /// Calls `ring` at `at`, on the alarms' own thread: it must be short.
    ///
    /// # Errors
    /// The system's, when it gives no thread.
    pub(crate) fn set(at: Instant, ring: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let bells = Bells::shared()?;
        let mut state = bells.lock();
        let key = (at, state.next);
        state.next += 1;
        state.pending.insert(key, Box::new(ring));
        drop(state);
        bells.changed.notify_one();
        Ok(Self { bells, key })
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        // Outside the lock: what the ring holds may have a destructor of its own.
        let gone = self.bells.lock().pending.remove(&self.key);
        drop(gone);
    }
}

impl Bells {
    fn shared() -> io::Result<Arc<Self>> {
        let mut slot = BELLS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bells) = &*slot {
            return Ok(Arc::clone(bells));
        }
        let bells = Arc::new(Self::default());
        let own = Arc::clone(&bells);
        std::thread::Builder::new().name("edgepos-alarms".to_owned()).spawn(move || own.serve())?;
        *slot = Some(Arc::clone(&bells));
        Ok(bells)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic happens under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let next = state.pending.first_key_value().map(|(key, _)| key.0);
            state = match next {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(at) if at > now => {
                    self.changed.wait_timeout(state, at - now).unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) => {
                    let due = state.pending.pop_first();
                    drop(state);
                    if let Some((_, ring)) = due {
                        // A panic of one caller's waker must not cost the others their deadlines.
                        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(ring));
                    }
                    self.lock()
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn alarms_ring_in_order_of_time_and_not_when_taken_back() {
        let (rung, heard) = channel();
        let start = Instant::now();
        let set = |after: u64, name: &'static str| {
            let rung = rung.clone();
            Alarm::set(start + Duration::from_millis(after), move || rung.send(name).unwrap()).unwrap()
        };
        let kept = [set(60, "last"), set(20, "first"), set(40, "second")];
        let panics = Alarm::set(start + Duration::from_millis(30), || panic!("a waker that panics")).unwrap();
        drop(set(10, "taken back"));
        assert_eq!(heard.recv().unwrap(), "first");
        assert_eq!(heard.recv().unwrap(), "second");
        assert_eq!(heard.recv().unwrap(), "last");
        assert!(start.elapsed() >= Duration::from_millis(60));
        drop((kept, panics));
        assert!(heard.try_recv().is_err());
    }
}
