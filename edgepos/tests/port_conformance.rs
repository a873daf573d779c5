//! The ports that ship pass their suites, and what is broken is caught by name.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use edgepos::conformance::{self, CloudAnswer, ScriptedCloud, TransportEnd};
use edgepos::core::{ConnectionId, Now, ReplicaId, StoreGeneration, StoreId};
use edgepos::sync::{CloudReply, CloudRequest, Limits, UplinkError};
use edgepos::{
    Clock, Config, Delivery, Genesis, HttpUplink, SystemClock, TcpConfig, TcpTransport, Transport,
    TransportEvent, Uplink, async_trait,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};

const LOW: ReplicaId = ReplicaId::new(1, 1);
const HIGH: ReplicaId = ReplicaId::new(2, 2);

/// What a suite that must fail says.
async fn complaint(suite: impl Future<Output = ()> + Send + 'static) -> String {
    let error = tokio::spawn(suite).await.expect_err("the suite finds it").into_panic();
    let text = error.downcast_ref::<String>().cloned();
    text.or_else(|| error.downcast_ref::<&str>().map(|text| (*text).to_owned())).expect("a panic has a text")
}

mod clocks {
    use super::*;

    #[test]
    fn the_systems_clock_conforms() {
        conformance::clock(&SystemClock::new());
    }

    struct Scripted(fn(u64) -> u64, AtomicU64);

    impl Clock for Scripted {
        fn now(&self) -> Now {
            Now::new((self.0)(self.1.fetch_add(1, Ordering::Relaxed)), 0)
        }
    }

    fn complaint(script: fn(u64) -> u64) -> String {
        let clock = Scripted(script, AtomicU64::new(0));
        let caught = std::panic::catch_unwind(AssertUnwindSafe(|| conformance::clock(&clock)));
        *caught.unwrap_err().downcast::<String>().unwrap()
    }

    #[test]
    fn one_that_goes_back_does_not() {
        assert!(complaint(|reading| if reading == 5_000 { 1 } else { reading }).contains("went back"));
    }

    /// Another clock on each thread.
    struct ByThread(std::thread::ThreadId);

    impl Clock for ByThread {
        fn now(&self) -> Now {
            Now::new(if std::thread::current().id() == self.0 { 1_000 } else { 1 }, 0)
        }
    }

    #[test]
    fn one_that_is_another_on_another_thread_does_not() {
        let clock = ByThread(std::thread::current().id());
        let caught = std::panic::catch_unwind(AssertUnwindSafe(|| conformance::clock(&clock)));
        let said = *caught.unwrap_err().downcast::<&str>().unwrap();
        assert!(said.contains("another one on another thread"), "{said}");
    }

    #[test]
    fn one_that_stands_still_does_not() {
        struct Still;
        impl Clock for Still {
            fn now(&self) -> Now {
                Now::new(7, 0)
            }
        }
        let caught = std::panic::catch_unwind(AssertUnwindSafe(|| conformance::clock(&Still)));
        let caught = caught.unwrap_err();
        assert!(caught.downcast_ref::<&str>().unwrap().contains("stands still"));
    }
}

mod transports {
    use super::*;

    async fn tcp(
        me: ReplicaId,
        listen: &str,
        peers: &[(ReplicaId, SocketAddr)],
    ) -> (TransportEnd, SocketAddr) {
        let genesis = Genesis {
            store: StoreId([1; 16]),
            generation: StoreGeneration(0),
            voters: vec![LOW, HIGH],
            recovery: None,
        };
        let tcp = TcpConfig {
            listen: listen.parse().unwrap(),
            peers: peers.iter().map(|(peer, address)| (peer.terminal(), address.to_string())).collect(),
        };
        let (transport, events) = TcpTransport::start(&Config::new(me, genesis, 1), tcp).await.unwrap();
        let address = transport.local_addr();
        (TransportEnd { me, transport: Box::new(transport), events }, address)
    }

    #[tokio::test]
    async fn tcp_conforms() {
        let (high, address) = tcp(HIGH, "127.0.0.1:0", &[]).await;
        let (low, _) = tcp(LOW, "127.0.0.1:0", &[(HIGH, address)]).await;
        conformance::transport(low, high, async || tcp(LOW, "127.0.0.1:0", &[(HIGH, address)]).await.0).await;
    }

    /// How a transport in memory is broken.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Fault {
        None,
        CutsFrames,
        SwapsFrames,
        RepeatsFrames,
        ForgetsTheLost,
        SendsToAnyConnection,
        NumbersFall,
        NamesItself,
        BeginsWithAFrame,
        LosesAnotherConnection,
        KeepsOldConnections,
    }

    /// Each end: whom to tell, and the number of its connection.
    type Ends = BTreeMap<ReplicaId, (Sender<TransportEvent>, ConnectionId)>;

    /// What connects ends in memory.
    #[derive(Clone)]
    struct Wire {
        ends: Arc<Mutex<Ends>>,
        numbers: Arc<AtomicU64>,
        fault: Fault,
    }

    impl Wire {
        fn new(fault: Fault) -> Self {
            Self { ends: Arc::default(), numbers: Arc::new(AtomicU64::new(1_000)), fault }
        }

        fn number(&self) -> ConnectionId {
            let falls = self.fault == Fault::NumbersFall;
            let number = if falls {
                self.numbers.fetch_sub(1, Ordering::Relaxed)
            } else {
                self.numbers.fetch_add(1, Ordering::Relaxed)
            };
            ConnectionId(number)
        }

        fn join(&self, me: ReplicaId) -> TransportEnd {
            let (events, receiver): (_, Receiver<_>) = channel(10_000);
            let mut ends = self.ends.lock().unwrap();
            let mine = self.number();
            if let Some((&peer, (other, theirs))) = ends.iter_mut().next() {
                *theirs = self.number();
                if self.fault == Fault::BeginsWithAFrame {
                    other.try_send(TransportEvent::Frame(me, *theirs, vec![9])).unwrap();
                }
                let named = if self.fault == Fault::NamesItself { peer } else { me };
                other.try_send(TransportEvent::PeerUp(named, *theirs)).unwrap();
                events.try_send(TransportEvent::PeerUp(peer, mine)).unwrap();
            }
            ends.insert(me, (events, mine));
            let transport = Memory { me, wire: self.clone(), held: VecDeque::new() };
            TransportEnd { me, transport: Box::new(transport), events: receiver }
        }
    }

    struct Memory {
        me: ReplicaId,
        wire: Wire,
        held: VecDeque<Vec<u8>>,
    }

    impl Transport for Memory {
        fn delivery(&self) -> Delivery {
            Delivery::Stream
        }

        fn send(&mut self, to: ReplicaId, connection: ConnectionId, mut frame: Vec<u8>) {
            let ends = self.wire.ends.lock().unwrap();
            let (Some((other, theirs)), Some((_, mine))) = (ends.get(&to), ends.get(&self.me)) else {
                return;
            };
            let is_old = self.wire.fault == Fault::KeepsOldConnections && connection < *mine;
            if connection != *mine && self.wire.fault != Fault::SendsToAnyConnection && !is_old {
                return;
            }
            match self.wire.fault {
                Fault::CutsFrames => frame.truncate(65_535),
                Fault::RepeatsFrames => {
                    drop(other.try_send(TransportEvent::Frame(self.me, *theirs, frame.clone())))
                }
                // Holds every second one back, behind the next.
                Fault::SwapsFrames if frame.len() == 1 && frame[0] > 0 && frame[0].is_multiple_of(2) => {
                    return self.held.push_back(frame);
                }
                _ => {}
            }
            let _ = other.try_send(TransportEvent::Frame(self.me, *theirs, frame));
            while let Some(held) = self.held.pop_front() {
                let _ = other.try_send(TransportEvent::Frame(self.me, *theirs, held));
            }
        }
    }

    impl Drop for Memory {
        fn drop(&mut self) {
            let mut ends = self.wire.ends.lock().unwrap();
            ends.remove(&self.me);
            for (other, theirs) in ends.values() {
                if self.wire.fault == Fault::LosesAnotherConnection {
                    let another = ConnectionId(theirs.0 + 1);
                    let _ = other.try_send(TransportEvent::PeerLost(self.me, another));
                } else if self.wire.fault != Fault::ForgetsTheLost {
                    let _ = other.try_send(TransportEvent::PeerLost(self.me, *theirs));
                } else {
                    let _ = other.try_send(TransportEvent::Frame(self.me, *theirs, vec![]));
                }
            }
        }
    }

    async fn run(fault: Fault) {
        let wire = Wire::new(fault);
        let high = wire.join(HIGH);
        let low = wire.join(LOW);
        conformance::transport(low, high, async || wire.join(LOW)).await;
    }

    #[tokio::test]
    async fn one_in_memory_conforms() {
        run(Fault::None).await;
    }

    #[tokio::test]
    async fn what_is_broken_is_caught_by_name() {
        for (fault, name) in [
            (Fault::CutsFrames, "arrives as it was sent"),
            (Fault::SwapsFrames, "in order, each once"),
            (Fault::RepeatsFrames, "arrives as it was sent"),
            (Fault::ForgetsTheLost, "a lost end is told"),
            (Fault::SendsToAnyConnection, "is dropped"),
            (Fault::NumbersFall, "connection numbers rise"),
            (Fault::NamesItself, "an end is told who the other one is"),
            (Fault::BeginsWithAFrame, "both ends are told of a connection before anything else"),
            (Fault::LosesAnotherConnection, "a lost end is told by its name and connection"),
            (Fault::KeepsOldConnections, "a frame for a connection that is gone is dropped"),
        ] {
            let said = complaint(run(fault)).await;
            assert!(said.contains(name), "expected {name}: {said}");
        }
    }
}

mod uplinks {
    use super::*;

    async fn serve(State(cloud): State<ScriptedCloud>, body: Bytes) -> Response {
        let Ok(request) = CloudRequest::decode(&body, &Limits::DEFAULT) else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        match cloud.answer(request) {
            CloudAnswer::Reply(reply) => reply.encode().into_response(),
            CloudAnswer::Overloaded { retry_after } => {
                let seconds = retry_after.as_secs().to_string();
                (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds)]).into_response()
            }
            CloudAnswer::Broken => StatusCode::FORBIDDEN.into_response(),
            CloudAnswer::Garbage => b"<html>".to_vec().into_response(),
        }
    }

    #[tokio::test]
    async fn http_conforms() {
        let cloud = ScriptedCloud::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let path = "/v1/stores/{store}/uplink";
        let app = Router::new().route(path, post(serve)).layer(axum::extract::DefaultBodyLimit::disable());
        let app = app.with_state(cloud.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let store = StoreId([7; 16]);
        let uplink = HttpUplink::new(&format!("http://{address}"), store).unwrap();
        let nowhere = HttpUplink::new("http://127.0.0.1:9", store).unwrap();
        conformance::uplink(&uplink, &cloud, &nowhere).await;
        let forbidden = uplink.call(CloudRequest::Head { store: StoreId([2; 16]) }).await;
        assert_eq!(forbidden, Err(UplinkError::Rejected { status: 403 }), "a person can see what it says");
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Fault {
        None,
        HidesOverload,
        BelievesGarbage,
        AsksTwice,
        CutsBatches,
        SwallowsAbsence,
        BelievesFailures,
        ChangesReplies,
        MixesUpReplies,
    }

    /// An uplink without a network.
    struct Direct {
        cloud: Option<ScriptedCloud>,
        fault: Fault,
    }

    #[async_trait]
    impl Uplink for Direct {
        async fn call(&self, mut request: CloudRequest) -> Result<CloudReply, UplinkError> {
            let Some(cloud) = &self.cloud else {
                return match self.fault {
                    Fault::SwallowsAbsence => Ok(CloudReply::Busy { retry_after_ms: 1 }),
                    _ => Err(UplinkError::Unreachable),
                };
            };
            if self.fault == Fault::CutsBatches
                && let CloudRequest::Append { batch, .. } = &mut request
            {
                batch.truncate(1 << 20);
            }
            if self.fault == Fault::AsksTwice {
                cloud.answer(request.clone());
            }
            let is_lease = matches!(request, CloudRequest::Lease { leader: false, .. });
            match cloud.answer(request) {
                CloudAnswer::Reply(_) if self.fault == Fault::ChangesReplies => {
                    Ok(CloudReply::Busy { retry_after_ms: 1 })
                }
                // Only the calls at once ask for a lease as no leader.
                CloudAnswer::Reply(_) if self.fault == Fault::MixesUpReplies && is_lease => {
                    Ok(CloudReply::Refused { reason: edgepos::sync::RefusedReason::TooLarge })
                }
                CloudAnswer::Broken if self.fault == Fault::BelievesFailures => {
                    Ok(CloudReply::Busy { retry_after_ms: 1 })
                }
                CloudAnswer::Reply(reply) => Ok(reply),
                CloudAnswer::Overloaded { .. } if self.fault == Fault::HidesOverload => {
                    Err(UplinkError::Unreachable)
                }
                CloudAnswer::Overloaded { retry_after } => Err(UplinkError::Overloaded { retry_after }),
                CloudAnswer::Garbage if self.fault == Fault::BelievesGarbage => {
                    Ok(CloudReply::Busy { retry_after_ms: 0 })
                }
                CloudAnswer::Garbage => Err(UplinkError::Unreadable),
                CloudAnswer::Broken => Err(UplinkError::Unreachable),
            }
        }
    }

    async fn run(fault: Fault) {
        let cloud = ScriptedCloud::default();
        let uplink = Direct { cloud: Some(cloud.clone()), fault };
        conformance::uplink(&uplink, &cloud, &Direct { cloud: None, fault }).await;
    }

    #[tokio::test]
    async fn what_is_broken_is_caught_by_name() {
        run(Fault::None).await;
        for (fault, name) in [
            (Fault::HidesOverload, "asks for patience"),
            (Fault::BelievesGarbage, "no reply"),
            (Fault::AsksTwice, "passes unchanged, once"),
            (Fault::CutsBatches, "passes unchanged, once"),
            (Fault::SwallowsAbsence, "away is an error"),
            (Fault::BelievesFailures, "a cloud that fails is an error"),
            (Fault::ChangesReplies, "a reply passes unchanged"),
            (Fault::MixesUpReplies, "each call gets its own reply"),
        ] {
            let said = complaint(run(fault)).await;
            assert!(said.contains(name), "expected {name}: {said}");
        }
    }
}

mod managers {
    use edgepos::conformance::{Arrived, ScriptedManager};
    use edgepos::{AlertError, Alerts, Bulletin};

    use super::*;

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Fault {
        None,
        TellsTwice,
        ForgetsEnds,
        ForgetsWhatHolds,
        NumbersAnew,
        BelievesFailures,
        TriesAgainItself,
        SwallowsAbsence,
        TellsOnlyChanges,
        ComplainsOfSuccess,
        StopsAfterAFailure,
    }

    /// A port without a network.
    struct Direct {
        manager: Option<ScriptedManager>,
        fault: Fault,
        failed: AtomicU64,
    }

    impl Direct {
        fn new(manager: Option<ScriptedManager>, fault: Fault) -> Self {
            Self { manager, fault, failed: AtomicU64::new(0) }
        }
    }

    #[async_trait]
    impl Alerts for Direct {
        async fn tell(&self, bulletin: &Bulletin) -> Result<(), AlertError> {
            let Some(manager) = &self.manager else {
                let swallows = self.fault == Fault::SwallowsAbsence;
                return if swallows { Ok(()) } else { Err(AlertError::new("nobody is there")) };
            };
            if self.fault == Fault::TellsOnlyChanges && bulletin.changes.is_empty() {
                return Ok(());
            }
            if self.fault == Fault::StopsAfterAFailure && self.failed.load(Ordering::Relaxed) > 0 {
                return Err(AlertError::new("it has stopped"));
            }
            let ends = self.fault == Fault::ForgetsEnds;
            let changes = bulletin.changes.iter().filter(|change| change.holds || !ends);
            let arrived = Arrived {
                number: match (self.fault, bulletin.number) {
                    (Fault::NumbersAnew, 3) => 1,
                    (_, number) => number,
                },
                changes: changes.map(|change| (change.name.to_owned(), change.holds)).collect(),
                standing: match self.fault {
                    Fault::ForgetsWhatHolds => Vec::new(),
                    _ => bulletin.standing.iter().map(|incident| incident.name.to_owned()).collect(),
                },
            };
            let taken = manager.hear(arrived.clone());
            if self.fault == Fault::TellsTwice || self.fault == Fault::TriesAgainItself && !taken {
                manager.hear(arrived);
            }
            self.failed.fetch_add(u64::from(!taken), Ordering::Relaxed);
            if taken && self.fault == Fault::ComplainsOfSuccess {
                return Err(AlertError::new("what was taken is no failure"));
            }
            if taken || self.fault == Fault::BelievesFailures {
                return Ok(());
            }
            Err(AlertError::new("the manager fails"))
        }
    }

    async fn run(fault: Fault) {
        let manager = ScriptedManager::default();
        let port = Direct::new(Some(manager.clone()), fault);
        conformance::alerts(&port, &manager, &Direct::new(None, fault)).await;
    }

    #[tokio::test]
    async fn what_is_broken_is_caught_by_name() {
        run(Fault::None).await;
        for (fault, name) in [
            (Fault::TellsTwice, "a bulletin arrives, once"),
            (Fault::ForgetsEnds, "what began and what ended arrives"),
            (Fault::ForgetsWhatHolds, "all that holds arrives"),
            (Fault::NumbersAnew, "the number arrives"),
            (Fault::BelievesFailures, "a manager that fails is an error"),
            (Fault::TriesAgainItself, "a call tells once"),
            (Fault::SwallowsAbsence, "a manager that is away is an error"),
            (Fault::TellsOnlyChanges, "that nothing holds is told"),
            (Fault::ComplainsOfSuccess, "a bulletin that is taken is no error"),
            (Fault::StopsAfterAFailure, "a bulletin that is taken is no error"),
        ] {
            let said = complaint(run(fault)).await;
            assert!(said.contains(name), "expected {name}: {said}");
        }
    }
}

mod signers {
    use edgepos::model::Signature;
    use edgepos::{SignError, Signer, ToSign};

    use super::*;

    /// A device that counts what it signs, and what is wrong with it.
    struct Device {
        signed: Mutex<BTreeMap<(String, u64), u64>>,
        fault: Fault,
    }

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Fault {
        None,
        Away,
        RefusesWhereAway,
        SignsAgain,
        SignsAlike,
        NamesAnother,
        SaysNothing,
        SignsWhatIsBookedAgain,
    }

    fn device(fault: Fault) -> Device {
        Device { signed: Mutex::default(), fault }
    }

    #[async_trait]
    impl Signer for Device {
        async fn sign(&self, receipt: &ToSign) -> Result<Signature, SignError> {
            match self.fault {
                Fault::Away => return Err(SignError::Away("its cable is out".into())),
                Fault::RefusesWhereAway => return Err(SignError::Refused("its cable is out".into())),
                _ => {}
            }
            let mut signed = self.signed.lock().unwrap();
            let next = signed.len() as u64 + 1;
            let name = (receipt.series.clone(), receipt.number);
            let counter = match self.fault {
                Fault::SignsAgain => {
                    signed.insert((String::new(), next), next);
                    next
                }
                Fault::SignsWhatIsBookedAgain if receipt.event.is_some() => next,
                Fault::SignsAlike => 7,
                _ => *signed.entry(name).or_insert(next),
            };
            let said =
                if self.fault == Fault::SaysNothing { Vec::new() } else { counter.to_be_bytes().to_vec() };
            let named = receipt.number + u64::from(self.fault == Fault::NamesAnother);
            Ok(Signature::new(&receipt.series, named, said).unwrap())
        }
    }

    async fn check(here: Fault, away: Fault) {
        conformance::signer(&device(here), &device(away)).await;
    }

    #[tokio::test]
    async fn a_device_that_remembers_conforms() {
        check(Fault::None, Fault::Away).await;
    }

    #[tokio::test]
    async fn broken_ones_are_caught_by_name() {
        for (here, away, said) in [
            (Fault::SignsAgain, Fault::Away, "asked for again gets the signature that it has"),
            (Fault::SignsWhatIsBookedAgain, Fault::Away, "booked by now gets the signature that it has"),
            (Fault::SignsAlike, Fault::Away, "two receipts have one signature"),
            (Fault::NamesAnother, Fault::Away, "names the receipt that was asked for"),
            (Fault::SaysNothing, Fault::Away, "at least one byte"),
            (Fault::Away, Fault::Away, "a device that is there signs"),
            (Fault::None, Fault::RefusesWhereAway, "a device that is away is no answer"),
            (Fault::None, Fault::None, "a device that is away is no answer"),
        ] {
            let complaint = complaint(check(here, away)).await;
            assert!(complaint.contains(said), "{complaint}");
        }
    }
}
