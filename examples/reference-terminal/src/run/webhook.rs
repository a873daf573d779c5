//! Tells a manager's system of what someone must act on: one POST of JSON for each bulletin.
//!
//! What the address says behind its host may be a password of that system: no log line, error or status has it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use edgepos::{AlertError, Alerts, Bulletin, async_trait};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, RETRY_AFTER};
use hyper::{Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How long one call may take.
const CALL_TIME: Duration = Duration::from_secs(10);
/// Most of an answer that is read: nothing is done with it, and the connection is used again.
const MAX_ANSWER: usize = 64 << 10;

/// Where a webhook is, `http://host:port/path`. Shown without what is behind the host.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl(Uri);

/// It is no address of a webhook.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("expected http://host:port/path without a user name, and a proxy in front for https")]
pub struct NotAWebhook;

impl WebhookUrl {
    /// The whole address, to be asked and never to be shown.
    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }
}

impl FromStr for WebhookUrl {
    type Err = NotAWebhook;

    fn from_str(text: &str) -> Result<Self, NotAWebhook> {
        let uri: Uri = text.parse().map_err(|_| NotAWebhook)?;
        let plain = uri.authority().is_some_and(|authority| {
            // A colon with nothing behind it is no port either; what stands in brackets has colons of its own.
            let has_port = authority.as_str().rsplit(']').next().is_some_and(|end| end.contains(':'));
            let is_port = authority.port_u16().is_some_and(|port| port > 0);
            !authority.as_str().contains('@') && (is_port || !has_port)
        });
        if uri.scheme_str() == Some("http") && plain { Ok(Self(uri)) } else { Err(NotAWebhook) }
    }
}

impl TryFrom<String> for WebhookUrl {
    type Error = NotAWebhook;

    fn try_from(text: String) -> Result<Self, NotAWebhook> {
        text.parse()
    }
}

impl From<WebhookUrl> for String {
    fn from(url: WebhookUrl) -> Self {
        url.0.to_string()
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}/…", self.0.authority().map_or("", |authority| authority.as_str()))
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A webhook over plain HTTP.
#[derive(Debug)]
pub(super) struct Webhook {
    url: WebhookUrl,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Webhook {
    pub(super) fn new(url: WebhookUrl) -> Self {
        Self { url, client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()) }
    }

    async fn post(&self, body: Vec<u8>) -> Result<(), AlertError> {
        let request = Request::post(self.url.0.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| self.error("cannot be asked"))?;
        let answer = self.client.request(request).await.map_err(|_| self.error("is not reached"))?;
        let status = answer.status();
        let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let asked = asked.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        // Whatever it says beside its status: read, so that the connection is used again.
        drop(Limited::new(answer.into_body(), MAX_ANSWER).collect().await);
        if status.is_success() {
            return Ok(());
        }
        let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let error = self.error(&format!("answers with status {}", status.as_u16()));
        Err(AlertError { retry_after: asked.filter(|_| busy), ..error })
    }

    fn error(&self, what: &str) -> AlertError {
        AlertError::new(format!("the webhook {} {what}", self.url))
    }
}

#[async_trait]
impl Alerts for Webhook {
    async fn tell(&self, bulletin: &Bulletin) -> Result<(), AlertError> {
        let body = serde_json::to_vec(bulletin).expect("a bulletin is a plain struct with text keys");
        tokio::time::timeout(CALL_TIME, self.post(body))
            .await
            .map_err(|_| self.error("does not answer in time"))?
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use axum::Router;
    use axum::extract::State;
    use axum::response::{IntoResponse, Json, Response};
    use axum::routing::post;
    use edgepos::conformance::{self, Arrived, ScriptedManager};
    use serde_json::Value;
    use tokio::net::TcpListener;

    use super::*;

    async fn serve(State(manager): State<ScriptedManager>, Json(bulletin): Json<Value>) -> Response {
        let name = |incident: &Value| incident["name"].as_str().unwrap().to_owned();
        let list = |field: &str| bulletin[field].as_array().unwrap().clone();
        let arrived = Arrived {
            number: bulletin["number"].as_u64().unwrap(),
            changes: list("changes")
                .iter()
                .map(|change| (name(change), change["holds"].as_bool().unwrap()))
                .collect(),
            standing: list("standing").iter().map(name).collect(),
        };
        let status =
            if manager.hear(arrived) { StatusCode::NO_CONTENT } else { StatusCode::SERVICE_UNAVAILABLE };
        (status, [(RETRY_AFTER, "7")]).into_response()
    }

    #[tokio::test]
    async fn it_conforms() {
        let manager = ScriptedManager::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/hook", post(serve)).with_state(manager.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let webhook = |url: String| Webhook::new(url.parse().unwrap());
        let nowhere = webhook("http://127.0.0.1:9/hook".into());
        conformance::alerts(&webhook(format!("http://{address}/hook")), &manager, &nowhere).await;
    }

    #[test]
    fn what_is_behind_the_host_is_shown_nowhere() {
        let url: WebhookUrl = "http://alerts.example:8080/hook/SecretToken?key=SecretKey".parse().unwrap();
        let error = Webhook::new(url.clone()).error("is not reached");
        for shown in
            [format!("{url} {url:?}"), format!("{error} {error:?}"), format!("{:?}", Webhook::new(url))]
        {
            assert!(shown.contains("alerts.example:8080") && !shown.contains("Secret"), "{shown}");
        }
    }

    #[test]
    fn an_address_is_checked_when_it_is_read() {
        assert!("http://127.0.0.1:1/".parse::<WebhookUrl>().is_ok());
        for bad in [
            "",
            "alerts.example",
            "https://alerts.example/",
            "http://me:SecretWord@alerts.example/",
            "http://",
        ] {
            let error = bad.parse::<WebhookUrl>().unwrap_err().to_string();
            assert!(error.contains("expected http://host:port/path") && !error.contains("Secret"), "{bad}");
        }
    }
}
