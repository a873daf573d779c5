//! Gateways keep nothing: two behind one address are one cloud. A store speaks for itself alone, and whoever is too many comes back.
#![cfg(all(feature = "gateway", feature = "sqlite"))]
#![allow(clippy::unwrap_used, reason = "a test")]

mod uploader;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use edgepos::model::Envelope;
use edgepos::{HttpUplink, Uplink};
use edgepos_cloud::gateway::{Credentials, Options, router};
use edgepos_cloud::{Ingest, IngestError, IngestStore, SqliteIngest, Step};
use edgepos_core::{EventId, Seq, StoreId};
use edgepos_sync::{Batch, CloudReply, CloudRequest, Hash, IngestState, Limits, UplinkError};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::uploader::Uploader;

async fn serve(ingest: Ingest, options: Options) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router(ingest, options)).await });
    address
}

/// One address before several gateways: each connection goes to the next one. How many went.
async fn balancer(gateways: Vec<SocketAddr>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let gateway = gateways[count.fetch_add(1, Ordering::Relaxed) % gateways.len()];
            tokio::spawn(async move {
                let mut gateway = TcpStream::connect(gateway).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut caller, &mut gateway).await);
            });
        }
    });
    (address, taken)
}

fn sqlite(folder: &Path) -> Ingest {
    Ingest::new(Arc::new(SqliteIngest::open(&folder.join("cloud.db")).unwrap()))
}

fn token(store: u8) -> String {
    format!("the-token-of-store-{store:0>20}")
}

fn line(store: u8, token: &str) -> String {
    let hash: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{} {hash}\n", StoreId([store; 16]))
}

fn uplink(address: SocketAddr, store: u8) -> HttpUplink {
    HttpUplink::new(&format!("http://{address}"), StoreId([store; 16])).unwrap()
}

/// Status and body of one plain request.
async fn http(address: SocketAddr, head: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!("{head}\r\nHost: cloud\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    // A server that has refused already reads no body.
    drop(stream.write_all(body).await);
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer.split(' ').nth(1).unwrap_or("0").parse().unwrap(), answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_behind_one_address_are_one_cloud() {
    let folder = tempfile::tempdir().unwrap();
    // Two processes on one file.
    let (one, other) = (sqlite(folder.path()), sqlite(folder.path()));
    let gateways = vec![serve(one.clone(), Options::default()).await, serve(other, Options::default()).await];
    let (address, taken) = balancer(gateways).await;
    let mut uploader = Uploader::new(9);
    for _ in 0..20 {
        // A connection for each request.
        let reply = uplink(address, 9).call(uploader.next()).await.unwrap();
        uploader.hear(&reply);
    }
    assert_eq!(taken.load(Ordering::Relaxed), 20);
    assert_eq!(uploader.acknowledged().0, Seq(190), "a lease, and 19 batches of ten");
    let state = one.store().load(uploader.store).await.unwrap();
    assert_eq!(state.batches(), 19);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_speaks_for_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    std::fs::write(&file, line(1, &token(1)) + &line(2, &token(2))).unwrap();
    let credentials = Arc::new(Credentials::read(&file).unwrap());
    let options = Options { credentials: Some(Arc::clone(&credentials)), ..Options::default() };
    let address = serve(sqlite(folder.path()), options).await;
    let with = |store: u8, token: &str| uplink(address, store).with_credential(token).unwrap();
    let mut uploader = Uploader::new(1);
    for _ in 0..3 {
        uploader.hear(&with(1, &token(1)).call(uploader.next()).await.unwrap());
    }
    assert_eq!(uploader.acknowledged().0, Seq(20));
    // Another store's, none, and a store that nobody knows: nothing is read, leased, fenced or written.
    let refused = Err(UplinkError::Rejected { status: 401 });
    assert_eq!(with(1, &token(2)).call(uploader.next()).await, refused);
    assert_eq!(uplink(address, 1).call(uploader.next()).await, refused);
    assert_eq!(with(3, &token(1)).call(Uploader::new(3).next()).await, refused);
    let head = CloudRequest::Head { store: StoreId([1; 16]) };
    assert_eq!(with(1, &token(2)).call(head.clone()).await, refused);
    // Its own credential does not open another store through a request about that one.
    let smuggled = with(2, &token(2)).call(uploader.next()).await;
    assert_eq!(smuggled, Err(UplinkError::Rejected { status: 400 }));
    for path in ["head", "hash?event=1-000000000001/0:1"] {
        let store = StoreId([1; 16]);
        let bare = http(address, &format!("GET /v1/stores/{store}/{path} HTTP/1.1"), b"").await;
        assert_eq!(bare.0, 401, "{path}");
        let bearer = format!("Authorization: Bearer {}", token(1));
        let shown = http(address, &format!("GET /v1/stores/{store}/{path} HTTP/1.1\r\n{bearer}"), b"").await;
        assert_eq!(shown.0, 200, "{path}: {}", shown.1);
    }
    let CloudReply::Head { epoch, held } = with(1, &token(1)).call(head).await.unwrap() else {
        panic!("a head")
    };
    assert_eq!((epoch.0, held.vector.get(uploader.chain)), (1, Seq(20)), "nobody else did anything");
    // The credential is changed: both count for a while, and then the old one does not.
    std::fs::write(&file, line(1, &token(1)) + &line(1, &token(7))).unwrap();
    credentials.reread().unwrap();
    uploader.hear(&with(1, &token(7)).call(uploader.next()).await.unwrap());
    uploader.hear(&with(1, &token(1)).call(uploader.next()).await.unwrap());
    std::fs::write(&file, line(1, &token(7))).unwrap();
    credentials.reread().unwrap();
    assert_eq!(with(1, &token(1)).call(uploader.next()).await, refused);
    uploader.hear(&with(1, &token(7)).call(uploader.next()).await.unwrap());
}

/// What the head office posts for a store is in its chain, stamped upwards, once; nobody else's credential does, and nothing is half taken.
#[tokio::test(flavor = "multi_thread")]
async fn the_head_office_publishes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    std::fs::write(&file, line(1, &token(1)) + line(1, "office").trim_end() + " feed\n").unwrap();
    let credentials = Arc::new(Credentials::read(&file).unwrap());
    let ingest = sqlite(folder.path());
    let options = Options { credentials: Some(credentials), ..Options::default() };
    let address = serve(ingest.clone(), options).await;
    let store = StoreId([1; 16]);
    let post = async |token: &str, body: &str| {
        let head = format!(
            "POST /v1/stores/{store}/feed HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json"
        );
        http(address, &head, body.as_bytes()).await
    };
    let price = |amount: i64| {
        format!(
            r#"{{"type": "price_set", "product": "4006381333931", "amount": {amount}, "currency": "EUR"}}"#
        )
    };
    let milk = r#"{"type": "product_set", "product": "4006381333931", "name": "milk", "base_unit": "piece"}"#;
    let refused = [
        ("office", format!(r#"{{"documents": [{milk}, {{"type": "price_set", "product": "a", "amont": 1, "currency": "EUR"}}]}}"#),
            400, "documents[1].amont: unknown field `amont`"),
        ("office", format!(r#"{{"documents": [{milk}], "afther": 1}}"#), 400, "did you mean `after`?"),
        ("office", r#"{"documents": [{"type": "custom", "body": "x"}]}"#.to_owned(), 400, "documents[0]: what comes down"),
        ("office", r#"{"documents": [{"type": "price_set", "product": "a", "amount": 1, "currency": "EUX"}]}"#.to_owned(), 400,
            "documents[0]: currency \"EUX\""),
        ("office", r#"{"documents": [{"type": "price_set", "product": "a", "amount": 1, "currency": "EUR", "valid_from": 9, "valid_to": 9}]}"#
            .to_owned(), 400, "documents[0]: "),
        ("office", format!(r#"{{"documents": [{milk}], "by": "Anna 4111 1111 1111 1111"}}"#), 400, "by: it is a card number"),
        ("office", format!(r#"{{"documents": [{milk}], "by": "a\u0007"}}"#), 400, "by: it has control characters"),
        ("office", format!("[[{milk}]]"), 400, "expected an object"),
        ("office", r#"{"documents": [["custom", "x"]]}"#.to_owned(), 400, "expected an object"),
        ("office", format!(r#"{{"documents": [{milk}, {}]}}"#, milk.replace("piece", "g")), 400,
            "documents[1]: \"4006381333931\" is counted in another way in documents[0]"),
        ("office", format!(r#"{{"documents": [{}]}}"#, vec![milk; 1_001].join(",")), 400, "more than 1000"),
        ("office", format!("{{{}", " ".repeat(1 << 20)), 413, ""),
        ("office", format!(r#"{{"documents": [{milk}], "after": 3}}"#), 409, "the feed goes to 0"),
        ("nobody", format!(r#"{{"documents": [{milk}]}}"#), 401, ""),
        (&token(1), format!(r#"{{"documents": [{milk}]}}"#), 403, ""),
    ];
    for (token, body, status, text) in refused {
        let (answered, said) = post(token, &body).await;
        assert!(answered == status && said.contains(text), "{status} {text}: {said}");
    }
    assert_eq!(ingest.feed(store).await.unwrap(), None, "nothing was written");
    let first = post("office", &format!(r#"{{"documents": [{milk}, {}], "by": "anna"}}"#, price(129))).await;
    assert!(first.0 == 200 && first.1.contains(r#""last":2"#), "{}", first.1);
    let second = format!(r#"{{"documents": [{}], "after": 2}}"#, price(139));
    assert_eq!(post("office", &second).await.0, 200);
    assert_eq!(post("office", &second).await.0, 409, "a repeat writes nothing twice");
    let (chain, last) = ingest.feed(store).await.unwrap().unwrap();
    assert!(chain.replica.is_cloud() && last == Seq(3));
    let batch = ingest.store().events(store, EventId::new(chain, Seq(1)), last).await.unwrap().unwrap();
    let run = Batch::decode(&batch, &Limits::DEFAULT).unwrap().runs.remove(0);
    let read: Vec<_> = run.payloads.iter().map(|payload| Envelope::decode(payload).unwrap()).collect();
    assert!(read.is_sorted_by_key(Envelope::hlc) && read[0].hlc() < read[2].hlc());
    assert_eq!(read[1].operator.as_deref(), Some("anna"));
    assert_eq!(
        read.iter().map(|envelope| envelope.kind.name()).collect::<Vec<_>>(),
        ["product_set", "price_set", "price_set"]
    );
    // The till's own credential reads how far it goes, and hears of it with its lease.
    let uploader = Uploader::new(1);
    let leased = uplink(address, 1).with_credential(&token(1)).unwrap().call(uploader.next()).await.unwrap();
    let CloudReply::Lease { held, .. } = leased else { panic!("a lease") };
    assert_eq!(held.vector.get(chain), Seq(3));
    let head = format!("GET /v1/stores/{store}/feed HTTP/1.1\r\nAuthorization: Bearer {}", token(1));
    let (status, said) = http(address, &head, b"").await;
    assert!(status == 200 && said.contains(r#""last":3"#) && said.contains(&chain.to_string()), "{said}");
}

/// A place whose reads wait until they are let go.
struct Slow {
    inner: SqliteIngest,
    gate: Arc<Semaphore>,
}

#[async_trait::async_trait]
impl IngestStore for Slow {
    async fn load(&self, store: StoreId) -> Result<IngestState, IngestError> {
        drop(self.gate.acquire().await);
        self.inner.load(store).await
    }

    async fn commit(&self, step: &Step) -> Result<bool, IngestError> {
        self.inner.commit(step).await
    }

    async fn hash(&self, store: StoreId, event: EventId) -> Result<Option<Hash>, IngestError> {
        self.inner.hash(store, event).await
    }

    async fn events(
        &self,
        store: StoreId,
        first: EventId,
        last: Seq,
    ) -> Result<Option<Vec<u8>>, IngestError> {
        self.inner.events(store, first, last).await
    }

    async fn close(&self) -> Result<(), IngestError> {
        self.inner.close().await
    }
}

/// Asks until it is not turned away.
async fn until_let_in(address: SocketAddr, store: u8) -> Result<CloudReply, UplinkError> {
    loop {
        let answer = uplink(address, store).call(Uploader::new(store).next()).await;
        if !matches!(answer, Err(UplinkError::Overloaded { .. })) {
            return answer;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_too_many_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Arc::new(Semaphore::new(0));
    let inner = SqliteIngest::open(&folder.path().join("cloud.db")).unwrap();
    let ingest = Ingest::new(Arc::new(Slow { inner, gate: Arc::clone(&gate) }));
    let address = serve(ingest, Options { in_flight: 2, ..Options::default() }).await;
    let waiting: Vec<_> = (1..=2).map(|store| tokio::spawn(until_let_in(address, store))).collect();
    // Until both are under way, a third one may be let in and wait: what counts is that none is let in after that.
    let overloaded = loop {
        let call = uplink(address, 3);
        let asked = call.call(Uploader::new(3).next());
        match tokio::time::timeout(std::time::Duration::from_millis(200), asked).await {
            Ok(answer) => break answer,
            Err(_) => continue,
        }
    };
    let Err(UplinkError::Overloaded { retry_after }) = overloaded else { panic!("{overloaded:?}") };
    assert_eq!(retry_after.as_secs(), 1);
    assert_eq!(http(address, "GET /health HTTP/1.1", b"").await.0, 200, "it lives, however busy it is");
    gate.add_permits(1_000);
    for answer in waiting {
        let answer = answer.await.unwrap();
        assert!(matches!(answer, Ok(CloudReply::Lease { .. })), "{answer:?}");
    }
    let mut uploader = Uploader::new(3);
    let answered = loop {
        if let Ok(reply) = uplink(address, 3).call(uploader.next()).await {
            break reply;
        }
    };
    uploader.hear(&answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_told_why() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(sqlite(folder.path()), Options::default()).await;
    let store = StoreId([5; 16]);
    let post = format!("POST /v1/stores/{store}/uplink HTTP/1.1");
    assert_eq!(http(address, &post, b"no request").await.0, 400);
    assert_eq!(http(address, "POST /v1/stores/shop/uplink HTTP/1.1", b"").await.0, 404);
    assert_eq!(http(address, "GET /v1/stores HTTP/1.1", b"").await.0, 404);
    assert_eq!(http(address, &format!("GET /v1/stores/{store}/hash?event=17 HTTP/1.1"), b"").await.0, 400);
    let too_long = vec![0; edgepos_sync::Limits::DEFAULT.max_message_bytes as usize + 1];
    assert_eq!(http(address, &post, &too_long).await.0, 413);
    let (status, head) = http(address, &format!("GET /v1/stores/{store}/head HTTP/1.1"), b"").await;
    assert_eq!(status, 200);
    assert!(head.contains("\"events\":0"), "{head}");
}
