//! Checks of a transport.

use std::time::Duration;

use edgepos_core::{ConnectionId, ReplicaId};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use crate::ports::{Delivery, Transport, TransportEvent};
use crate::terminal::MAX_FRAME;

/// Longest time that anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One end of a transport, as a driver gets it.
pub struct TransportEnd {
    /// The terminal that it belongs to.
    pub me: ReplicaId,
    /// What frames are sent with.
    pub transport: Box<dyn Transport>,
    /// What it tells.
    pub events: Receiver<TransportEvent>,
}

/// Runs every check on two ends that find each other. `again` makes a new one in place of the first, which was dropped: the same terminal
/// after a restart.
///
/// # Panics
/// With what is wrong, when a check fails.
pub async fn transport(
    mut first: TransportEnd,
    mut second: TransportEnd,
    again: impl AsyncFnOnce() -> TransportEnd,
) {
    let (to_second, to_first) = both_are_told(&mut first, &mut second).await;
    frames_arrive_whole(&mut first, to_second, &mut second).await;
    frames_arrive_whole(&mut second, to_first, &mut first).await;
    what_is_for_nobody_is_dropped(&mut first, to_second, &mut second).await;
    let name = first.me;
    drop(first);
    a_lost_end_is_told(name, &mut second, to_first).await;
    let mut first = again().await;
    assert_eq!(first.me, name, "the new end is of the same terminal");
    let (to_second, newer) = both_are_told(&mut first, &mut second).await;
    assert!(newer > to_first, "connection numbers rise: {to_first:?}, then {newer:?}");
    second.transport.send(name, to_first, vec![1]);
    second.transport.send(name, newer, vec![2]);
    assert_eq!(frame(&mut first, to_second).await, [2], "a frame for a connection that is gone is dropped");
}

async fn next(end: &mut TransportEnd, what: &str) -> TransportEvent {
    loop {
        let event = timeout(PATIENCE, end.events.recv()).await;
        let event = event
            .unwrap_or_else(|_| panic!("{what}: nothing within a minute"))
            .unwrap_or_else(|| panic!("{what}: the transport ended"));
        // What somebody must act on may be told at any time.
        if !matches!(event, TransportEvent::Condition(..)) {
            return event;
        }
    }
}

/// The numbers of the connection, at the first end and at the second.
async fn both_are_told(first: &mut TransportEnd, second: &mut TransportEnd) -> (ConnectionId, ConnectionId) {
    let mut numbers = Vec::new();
    let names = (first.me, second.me);
    for (end, peer) in [(first, names.1), (second, names.0)] {
        match next(end, "both ends are told of a connection").await {
            TransportEvent::PeerUp(found, connection) => {
                assert_eq!(found, peer, "an end is told who the other one is");
                numbers.push(connection);
            }
            other => panic!("both ends are told of a connection before anything else: {other:?}"),
        }
    }
    (numbers[0], numbers[1])
}

async fn frame(end: &mut TransportEnd, expected: ConnectionId) -> Vec<u8> {
    match next(end, "a frame arrives").await {
        TransportEvent::Frame(_, connection, frame) => {
            assert_eq!(connection, expected, "a frame is of the connection that was told");
            frame
        }
        other => panic!("a frame arrives: {other:?}"),
    }
}

async fn frames_arrive_whole(from: &mut TransportEnd, connection: ConnectionId, to: &mut TransportEnd) {
    let back = {
        from.transport.send(to.me, connection, vec![0xA5]);
        match next(to, "a frame arrives").await {
            TransportEvent::Frame(peer, back, bytes) => {
                assert_eq!(
                    (peer, bytes),
                    (from.me, vec![0xA5]),
                    "a frame arrives as it was sent, from whom it is"
                );
                back
            }
            other => panic!("a frame arrives: {other:?}"),
        }
    };
    if from.transport.delivery() == Delivery::Lossy {
        return;
    }
    for size in [1, 255, 65_536, 300_000, MAX_FRAME] {
        let bytes: Vec<u8> = (0..size).map(|index| u8::try_from(index % 251).expect("below 256")).collect();
        from.transport.send(to.me, connection, bytes.clone());
        assert!(frame(to, back).await == bytes, "a frame of {size} bytes arrives as it was sent");
    }
    for number in 0..50u8 {
        from.transport.send(to.me, connection, vec![number]);
    }
    for number in 0..50u8 {
        assert_eq!(frame(to, back).await, [number], "frames of a stream arrive in order, each once");
    }
}

async fn what_is_for_nobody_is_dropped(
    from: &mut TransportEnd,
    connection: ConnectionId,
    to: &mut TransportEnd,
) {
    from.transport.send(ReplicaId::new(60_000, 1), connection, vec![1]);
    from.transport.send(to.me, ConnectionId(connection.0 + 1_000), vec![2]);
    from.transport.send(to.me, connection, vec![3]);
    match next(to, "a frame arrives").await {
        TransportEvent::Frame(_, _, bytes) => {
            assert_eq!(bytes, [3], "what is for nobody, or for no connection, is dropped")
        }
        other => panic!("a frame arrives: {other:?}"),
    }
}

async fn a_lost_end_is_told(gone: ReplicaId, end: &mut TransportEnd, connection: ConnectionId) {
    match next(end, "a lost end is told").await {
        TransportEvent::PeerLost(peer, lost) => {
            assert_eq!((peer, lost), (gone, connection), "a lost end is told by its name and connection");
        }
        other => panic!("a lost end is told: {other:?}"),
    }
    // Nobody is there: this must neither block nor fail.
    for _ in 0..1_000 {
        end.transport.send(gone, connection, vec![0; 1_000]);
    }
}
