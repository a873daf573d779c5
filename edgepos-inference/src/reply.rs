//! Where the answer to one request arrives: for a caller who blocks, and for one who polls.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::alarm::Alarm;
use crate::outcome::Reason;

/// The caller's end.
pub(crate) struct Reply<A>(Arc<Slot<A>>);

/// The worker's end. Dropped without an answer it says [`Reason::Unavailable`], so that no caller waits in vain.
pub(crate) struct Replier<A>(Arc<Slot<A>>);

struct Slot<A> {
    state: Mutex<State<A>>,
    arrived: Condvar,
}

struct State<A> {
    answer: Option<Result<A, Reason>>,
    /// The first answer counts: a timeout, or the model's, whichever comes first.
    answered: bool,
    waker: Option<Waker>,
}

/// Both ends of one answer.
pub(crate) fn reply<A>() -> (Replier<A>, Reply<A>) {
    let state = State { answer: None, answered: false, waker: None };
    let slot = Arc::new(Slot { state: Mutex::new(state), arrived: Condvar::new() });
    (Replier(Arc::clone(&slot)), Reply(slot))
}

impl<A> Slot<A> {
    fn lock(&self) -> MutexGuard<'_, State<A>> {
        // Every section leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, answer: Result<A, Reason>) {
        let mut state = self.lock();
        if state.answered {
            return;
        }
        state.answered = true;
        state.answer = Some(answer);
        let waker = state.waker.take();
        drop(state);
        self.arrived.notify_all();
        // Outside the lock: a waker may poll at once.
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<A> Replier<A> {
    pub(crate) fn send(self, answer: Result<A, Reason>) {
        self.0.put(answer);
    }
}

impl<A> Drop for Replier<A> {
    fn drop(&mut self) {
        self.0.put(Err(Reason::Unavailable));
    }
}

impl<A> Reply<A> {
    /// Blocks until the answer is there, at most until `deadline`.
    pub(crate) fn wait(&self, deadline: Instant) -> Option<Result<A, Reason>> {
        let mut state = self.0.lock();
        loop {
            if let Some(answer) = state.answer.take() {
                return Some(answer);
            }
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            state = self.0.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The answer for a caller who polls: at the deadline at the latest it is there, and is [`Reason::Timeout`].
    /// `give_up` tells the worker that nobody waits any more, when the deadline passes and when the future is dropped.
    pub(crate) fn within(self, deadline: Instant, give_up: impl Fn() + Send + Sync + 'static) -> Answering<A>
    where
        A: Send + 'static,
    {
        let give_up: Arc<dyn Fn() + Send + Sync> = Arc::new(give_up);
        let (slot, late) = (Arc::downgrade(&self.0), Arc::clone(&give_up));
        let alarm = Alarm::set(deadline, move || {
            let Some(slot) = slot.upgrade() else { return };
            slot.put(Err(Reason::Timeout));
            late();
        });
        if alarm.is_err() {
            // Without an alarm the future might never end.
            self.0.put(Err(Reason::Unavailable));
        }
        Answering { reply: self, give_up, alarm: alarm.ok(), done: false }
    }
}

/// An answer that will come.
pub(crate) struct Answering<A> {
    reply: Reply<A>,
    give_up: Arc<dyn Fn() + Send + Sync>,
    alarm: Option<Alarm>,
    done: bool,
}

impl<A> Future for Answering<A> {
    type Output = Result<A, Reason>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.reply.0.lock();
        let Some(answer) = state.answer.take() else {
            match &mut state.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            return Poll::Pending;
        };
        drop(state);
        self.done = true;
        self.alarm = None;
        Poll::Ready(answer)
    }
}

impl<A> Drop for Answering<A> {
    fn drop(&mut self) {
        if !self.done {
            (self.give_up)();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::time::Duration;

    use super::*;

    struct Park(std::thread::Thread);

    impl Wake for Park {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut future = Box::pin(future);
        let waker = Waker::from(Arc::new(Park(std::thread::current())));
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return value;
            }
            std::thread::park();
        }
    }

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    #[test]
    fn both_ways_of_waiting_get_the_first_answer_and_a_lost_worker_is_one() {
        let (send, answer) = reply();
        send.send(Ok(1));
        assert_eq!(answer.wait(far()), Some(Ok(1)));
        let (send, answer) = reply();
        let thread = std::thread::spawn(move || block_on(answer.within(far(), || ())));
        send.send(Ok(2));
        assert_eq!(thread.join().unwrap(), Ok(2));
        let (send, answer) = reply::<u8>();
        drop(send);
        assert_eq!(answer.wait(far()), Some(Err(Reason::Unavailable)));
        let (_send, answer) = reply::<u8>();
        assert_eq!(answer.wait(Instant::now()), None);
    }

    #[test]
    fn a_future_ends_at_its_deadline_and_a_dropped_one_gives_up_once() {
        let given_up = Arc::new(AtomicUsize::new(0));
        let count = || {
            let given_up = Arc::clone(&given_up);
            move || {
                given_up.fetch_add(1, Ordering::SeqCst);
            }
        };
        let (send, answer) = reply::<u8>();
        let late = answer.within(Instant::now() + Duration::from_millis(5), count());
        assert_eq!(block_on(late), Err(Reason::Timeout));
        send.send(Ok(1));
        let (_send, answer) = reply::<u8>();
        let dropped = answer.within(far(), count());
        drop(dropped);
        let (send, answer) = reply();
        send.send(Ok(3_u8));
        assert_eq!(block_on(answer.within(far(), count())), Ok(3));
        // The ring of the first one may still be under way.
        while given_up.load(Ordering::SeqCst) < 2 {
            std::thread::yield_now();
        }
        assert_eq!(given_up.load(Ordering::SeqCst), 2);
    }
}
