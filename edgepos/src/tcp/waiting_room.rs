//! Those who have called and have not yet said who they are: few at once, few of one address, and a crowd pushes out its own.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

/// Connections that have not yet said who they are. One more, and the oldest of the address that has most of them is dropped: whoever is
/// honest is through within moments, and a crowd of silent ones keeps nobody out.
const MAX_WAITING: usize = 64;
/// The same, of one address.
const MAX_OF_ADDRESS: usize = 16;

/// Who waits, the oldest first.
#[derive(Debug, Default)]
pub(super) struct WaitingRoom {
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    last: u64,
    guests: VecDeque<Guest>,
}

#[derive(Debug)]
struct Guest {
    number: u64,
    from: IpAddr,
    task: AbortHandle,
}

impl WaitingRoom {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Every change of the queue is one call: a panic elsewhere leaves it whole.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in who has called from an address. `start` starts its task, which is told its number. Whether another one was dropped.
    pub(super) fn enter(&self, from: IpAddr, start: impl FnOnce(u64) -> AbortHandle) -> bool {
        let mut inside = self.inside();
        inside.last += 1;
        let number = inside.last;
        let task = start(number);
        inside.guests.push_back(Guest { number, from, task });
        let Some(place) = inside.one_too_many(from) else { return false };
        if let Some(dropped) = inside.guests.remove(place) {
            dropped.task.abort();
        }
        true
    }

    /// Lets one go who has said who it is, or has hung up.
    pub(super) fn leave(&self, number: u64) {
        self.inside().guests.retain(|guest| guest.number != number);
    }
}

impl Inside {
    fn of(&self, address: IpAddr) -> usize {
        self.guests.iter().filter(|guest| guest.from == address).count()
    }

    /// The place of whoever has to go.
    fn one_too_many(&self, newest: IpAddr) -> Option<usize> {
        let crowd = if self.of(newest) > MAX_OF_ADDRESS {
            newest
        } else if self.guests.len() > MAX_WAITING {
            self.guests.iter().map(|guest| guest.from).max_by_key(|address| self.of(*address))?
        } else {
            return None;
        };
        self.guests.iter().position(|guest| guest.from == crowd)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 168, 0, last).into()
    }

    fn silent(_: u64) -> AbortHandle {
        tokio::spawn(std::future::pending::<()>()).abort_handle()
    }

    #[tokio::test]
    async fn a_crowd_of_one_address_pushes_out_its_own() {
        let room = WaitingRoom::default();
        assert!(!room.enter(address(1), silent), "the honest one");
        for _ in 0..1_000 {
            room.enter(address(2), silent);
        }
        let inside = room.inside();
        assert_eq!((inside.of(address(1)), inside.of(address(2))), (1, MAX_OF_ADDRESS));
    }

    #[tokio::test]
    async fn a_crowd_of_many_addresses_stays_small_and_the_newest_is_heard() {
        let room = WaitingRoom::default();
        for round in 0..10_000u32 {
            room.enter(address((round % 20) as u8), silent);
        }
        room.enter(address(99), silent);
        let inside = room.inside();
        assert_eq!((inside.guests.len(), inside.of(address(99))), (MAX_WAITING, 1));
    }

    #[tokio::test]
    async fn whoever_has_left_is_not_dropped() {
        let room = WaitingRoom::default();
        let mut first = 0;
        let mut task = None;
        room.enter(address(1), |number| {
            first = number;
            task = Some(silent(number));
            task.clone().unwrap()
        });
        room.leave(first);
        for _ in 0..100 {
            room.enter(address(1), silent);
        }
        tokio::task::yield_now().await;
        assert!(!task.unwrap().is_finished());
    }
}
