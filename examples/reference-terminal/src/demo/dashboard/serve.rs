//! The server of the page: its files, the stream, the buttons.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use edgepos::forms;
use futures_core::Stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::act::{Act, act};
use super::bulletins::{Bulletins, Told};
use super::floor::Floor;
use super::gate::{Gate, gate};
use super::manager;
use super::served::{Served, answer};
use super::view::Composer;
use crate::demo::draw::draw;
use crate::demo::error::DemoError;
use crate::demo::register::percent;
use crate::demo::seen::SeenCounter;
use crate::doctor;
use crate::names::hex;
use crate::run::{TillToken, WebhookUrl};

/// Between two looks of the page.
const TICK: Duration = Duration::from_millis(500);
/// Between two looks at the stock.
const COUNT: Duration = Duration::from_secs(2);
/// Browsers that watch at a time.
const MAX_BROWSERS: usize = 16;
/// Largest body of a button.
const MAX_BODY: usize = 64 * 1024;
/// How long a browser has to read how it ended.
const LAST_LOOK: Duration = Duration::from_millis(1_500);

/// A port that is open, and serves nothing yet.
#[derive(Debug)]
pub(in crate::demo) struct Dashboard {
    listener: TcpListener,
    address: SocketAddr,
    /// What others than this machine must show.
    token: Option<String>,
    /// The path that terminals tell their manager at.
    secret: String,
    bulletins: Arc<Bulletins>,
}

/// A dashboard that is served until it is dropped.
#[derive(Debug)]
pub(in crate::demo) struct Shown {
    // Dropped with this, and so ended.
    _tasks: JoinSet<()>,
    verdict: Arc<Mutex<Option<Value>>>,
}

impl Dashboard {
    /// Opens the port. Where others than this machine can reach it a token is drawn, which [`url`](Self::url) has.
    pub(in crate::demo) async fn bind(address: SocketAddr) -> Result<Self, DemoError> {
        let taken = |source| DemoError::Port { address, source };
        let listener = TcpListener::bind(address).await.map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        let token = (!address.ip().is_loopback()).then(draw).transpose()?.map(|token| hex(&token));
        Ok(Self { listener, address, token, secret: hex(&draw()?), bulletins: Arc::default() })
    }

    /// What to open in a browser.
    pub(in crate::demo) fn url(&self) -> String {
        let address = self.address;
        match &self.token {
            Some(token) => format!("http://{address}/?token={token}"),
            None => format!("http://{address}/"),
        }
    }

    /// Where terminals tell what somebody must act on.
    pub(in crate::demo) fn alerts(&self) -> Option<WebhookUrl> {
        let ip =
            if self.address.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { self.address.ip() };
        format!("http://{}/bulletin/{}", SocketAddr::new(ip, self.address.port()), self.secret).parse().ok()
    }

    /// Serves the page.
    pub(in crate::demo) fn serve(self, floor: Arc<Floor>, models: PathBuf) -> Shown {
        let verdict: Arc<Mutex<Option<Value>>> = Arc::default();
        let inference: Arc<Mutex<Option<Value>>> = Arc::default();
        let (told, state) = watch::channel(Arc::from("{}"));
        let mut tasks = JoinSet::new();
        let composer = Arc::new(Mutex::new(Composer::new(Arc::clone(&floor), Arc::clone(&self.bulletins))));
        tasks.spawn(count(Arc::clone(&floor), Arc::clone(&composer)));
        tasks.spawn(look(composer, told, Arc::clone(&inference), Arc::clone(&verdict)));
        tasks.spawn(async move {
            let examined = tokio::task::spawn_blocking(move || {
                doctor::examine(&doctor::Options { models, library: None })
            });
            if let Ok(found) = examined.await {
                *inference.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.json());
            }
        });
        let served = Served {
            floor,
            bulletins: self.bulletins,
            secret: self.secret.into(),
            state,
            browsers: Arc::new(Semaphore::new(MAX_BROWSERS)),
        };
        let app = router(served, Gate { token: self.token.map(|token| TillToken::of(token.as_bytes())) });
        let listener = self.listener;
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::warn!(%error, "the dashboard is no longer served");
            }
        });
        Shown { _tasks: tasks, verdict }
    }
}

impl Shown {
    /// Shows what the comparison of the files found, and waits until browsers have it.
    pub(in crate::demo) async fn prove(&self, verdict: Value) {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        sleep(LAST_LOOK).await;
    }
}

fn router(served: Served, guarded: Gate) -> Router {
    let page =
        |kind: &'static str, text: &'static str| get(move || async move { ([(CONTENT_TYPE, kind)], text) });
    let bulletin = Router::new().route("/bulletin/{secret}", post(bulletin)).with_state(served.clone());
    Router::new()
        .route("/", page("text/html; charset=utf-8", include_str!("page/index.html")))
        .route("/style.css", page("text/css; charset=utf-8", include_str!("page/style.css")))
        .route("/receipt.css", page("text/css; charset=utf-8", include_str!("page/receipt.css")))
        .route("/app.js", page("text/javascript; charset=utf-8", include_str!("page/app.js")))
        .route("/draw.js", page("text/javascript; charset=utf-8", include_str!("page/draw.js")))
        .route("/print.js", page("text/javascript; charset=utf-8", include_str!("page/print.js")))
        .route("/state", get(state))
        .route("/stream", get(stream))
        .route("/act", post(press))
        .route("/finish", post(finish))
        .route("/receipts", get(manager::receipts))
        .route("/receipt", get(manager::receipt))
        .route("/drawers", get(manager::drawers))
        .route("/export.jsonl", get(manager::export_lines))
        .route("/export.csv", get(manager::export_csv))
        .with_state(served)
        .layer(from_fn_with_state(guarded, gate))
        .merge(bulletin)
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

/// Composes a view twice a second.
async fn look(
    composer: Arc<Mutex<Composer>>,
    told: watch::Sender<Arc<str>>,
    inference: Arc<Mutex<Option<Value>>>,
    verdict: Arc<Mutex<Option<Value>>>,
) {
    let known = |value: &Mutex<Option<Value>>| value.lock().unwrap_or_else(PoisonError::into_inner).clone();
    loop {
        let text = {
            let mut composer = composer.lock().unwrap_or_else(PoisonError::into_inner);
            let view = composer.compose(known(&inference), known(&verdict));
            serde_json::to_string(&view).expect("plain structs with text keys")
        };
        told.send_replace(text.into());
        sleep(TICK).await;
    }
}

/// Reads the stock of the shown products at whoever answers.
async fn count(floor: Arc<Floor>, composer: Arc<Mutex<Composer>>) {
    loop {
        let terminal = (0..floor.terminals())
            .find(|terminal| floor.is_usable(*terminal) && !floor.registers.supervisor.is_cut_off(*terminal));
        if let Some(terminal) = terminal
            && let Ok(Ok(address)) =
                tokio::time::timeout(COUNT, floor.registers.supervisor.till(terminal)).await
        {
            for product in &floor.products {
                let path = format!("/counters?product={}", percent(&product.code));
                let counters: Result<Vec<SeenCounter>, _> =
                    floor.registers.supervisor.client.get_within(address, &path, COUNT).await;
                let Ok(counters) = counters else { break };
                if let Some(counter) = counters.first() {
                    let mut composer = composer.lock().unwrap_or_else(PoisonError::into_inner);
                    composer.counted(&product.code, counter.value);
                }
            }
        }
        sleep(COUNT).await;
    }
}

async fn state(State(served): State<Served>) -> Response {
    let text = served.state.borrow().to_string();
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

/// What is on its way to one browser. It sees the newest state: a slow one misses those in between.
struct Updates(mpsc::Receiver<Event>);

impl Stream for Updates {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

async fn stream(State(served): State<Served>) -> Response {
    let Ok(place) = Arc::clone(&served.browsers).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many browsers watch already\n").into_response();
    };
    let (updates, updated) = mpsc::channel(1);
    let mut state = served.state.clone();
    tokio::spawn(async move {
        let _place = place;
        loop {
            let text = state.borrow_and_update().to_string();
            if updates.send(Event::default().data(text)).await.is_err() || state.changed().await.is_err() {
                return;
            }
        }
    });
    Sse::new(Updates(updated)).keep_alive(KeepAlive::default()).into_response()
}

async fn press(State(served): State<Served>, body: Bytes) -> Response {
    let asked: Act = match forms::read(&body) {
        Ok(asked) => asked,
        Err(error) => {
            return answer(StatusCode::BAD_REQUEST, &json!({ "done": false, "said": [error.to_string()] }));
        }
    };
    let floor = Arc::clone(&served.floor);
    // On a thread of its own: what was begun comes to its end, also where the browser has gone. There is one at a time.
    let runtime = Handle::current();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(act(&floor, asked))).await;
    match done {
        Ok(Ok(told)) => {
            let mut body = serde_json::to_value(&told).expect("a plain struct with text keys");
            body["done"] = json!(true);
            answer(StatusCode::OK, &body)
        }
        Ok(Err(error)) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::CONFLICT);
            answer(status, &json!({ "done": false, "said": [error.to_string()] }))
        }
        Err(error) => {
            answer(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "done": false, "said": [error.to_string()] }))
        }
    }
}

async fn finish(State(served): State<Served>) -> Response {
    let said = if served.floor.finish() {
        "Everything is being mended and closed; then every file is compared."
    } else {
        "Not yet, or already: the week is still being replayed, or the store is closing."
    };
    answer(StatusCode::OK, &json!({ "done": true, "said": [said] }))
}

async fn bulletin(State(served): State<Served>, Path(secret): Path<String>, body: Bytes) -> StatusCode {
    if *secret != *served.secret {
        return StatusCode::NOT_FOUND;
    }
    match forms::read::<Told>(&body) {
        Ok(told) => {
            served.bulletins.take(told);
            StatusCode::NO_CONTENT
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}
