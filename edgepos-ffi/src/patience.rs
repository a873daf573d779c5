//! Waiting for something for a time, whether or not the runtime that it comes from still lives.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Wakes a thread that is parked.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What a future comes to within `patience`; `None` where it came to nothing, and is dropped.
pub(crate) fn wait_for<F: Future>(future: F, patience: Duration) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    // A time that no clock reaches is as good as none.
    let end = Instant::now().checked_add(patience);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        match end.map(|end| end.saturating_duration_since(Instant::now())) {
            Some(Duration::ZERO) => return None,
            Some(left) => thread::park_timeout(left),
            None => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_time_is_answered_and_what_never_comes_is_given_up() {
        assert_eq!(wait_for(std::future::ready(7), Duration::ZERO), Some(7));
        assert_eq!(wait_for(std::future::pending::<u8>(), Duration::from_millis(1)), None);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let sent = thread::spawn(move || sender.send(8));
        assert_eq!(wait_for(receiver, Duration::MAX).and_then(Result::ok), Some(8));
        assert!(sent.join().is_ok());
    }
}
