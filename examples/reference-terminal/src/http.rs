//! A small HTTP client for JSON, to tills.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::api::Problem;

/// Largest answer that is read.
const MAX_ANSWER: usize = 16 << 20;
/// How long one call may take. A flush takes milliseconds, and seconds where something else keeps the disk busy.
const CALL_TIME: Duration = Duration::from_secs(30);

/// A call did not do what it should.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    /// No answer came, so nobody knows whether the call was done.
    #[error("no answer from {address}: {reason}")]
    NoAnswer { address: SocketAddr, reason: String },
    /// It was refused.
    #[error("{}", .0.error)]
    Refused(Problem),
    /// The answer makes no sense.
    #[error("{address} answered {status}: {text:?}")]
    Nonsense { address: SocketAddr, status: StatusCode, text: String },
}

/// Keeps connections open between calls. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    /// What a till asks for that has a token.
    token: Option<String>,
}

impl Client {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        let pool =
            Pool::builder(TokioExecutor::new()).pool_idle_timeout(Duration::from_secs(20)).build(connector);
        Self { pool, token: None }
    }

    /// One that shows a token with each call.
    pub(crate) fn with_token(token: Option<String>) -> Self {
        Self { token, ..Self::new() }
    }

    pub(crate) async fn get<A: DeserializeOwned>(
        &self,
        address: SocketAddr,
        path: &str,
    ) -> Result<A, CallError> {
        self.call(Method::GET, address, path, Bytes::new(), CALL_TIME).await
    }

    /// As [`get`](Self::get), for a caller that asks again soon.
    pub(crate) async fn get_within<A: DeserializeOwned>(
        &self,
        address: SocketAddr,
        path: &str,
        time: Duration,
    ) -> Result<A, CallError> {
        self.call(Method::GET, address, path, Bytes::new(), time).await
    }

    pub(crate) async fn post<A: DeserializeOwned>(
        &self,
        address: SocketAddr,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        let body = serde_json::to_vec(body).expect("requests are plain structs with text keys");
        self.call(Method::POST, address, path, body.into(), CALL_TIME).await
    }

    pub(crate) async fn post_bytes<A: DeserializeOwned>(
        &self,
        address: SocketAddr,
        path: &str,
        body: Bytes,
    ) -> Result<A, CallError> {
        self.call(Method::POST, address, path, body, CALL_TIME).await
    }

    async fn call<A: DeserializeOwned>(
        &self,
        method: Method,
        address: SocketAddr,
        path: &str,
        body: Bytes,
        time: Duration,
    ) -> Result<A, CallError> {
        let no_answer = |reason: String| CallError::NoAnswer { address, reason };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{address}{path}"))
            .header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::new(body)).map_err(|error| no_answer(error.to_string()))?;
        let exchange = async {
            let answer = self.pool.request(request).await.map_err(|error| no_answer(error.to_string()))?;
            let status = answer.status();
            let bytes = Limited::new(answer.into_body(), MAX_ANSWER)
                .collect()
                .await
                .map_err(|error| no_answer(error.to_string()))?
                .to_bytes();
            Ok((status, bytes))
        };
        let (status, bytes) = tokio::time::timeout(time, exchange)
            .await
            .map_err(|_| no_answer(format!("timed out after {time:?}")))??;
        read_answer(address, status, &bytes)
    }
}

fn read_answer<A: DeserializeOwned>(
    address: SocketAddr,
    status: StatusCode,
    bytes: &[u8],
) -> Result<A, CallError> {
    let nonsense = || CallError::Nonsense {
        address,
        status,
        text: String::from_utf8_lossy(bytes).chars().take(200).collect(),
    };
    if status.is_success() {
        return serde_json::from_slice(bytes).map_err(|_| nonsense());
    }
    Err(serde_json::from_slice(bytes).map_or_else(|_| nonsense(), CallError::Refused))
}
