//! The uplink over HTTP: one POST for each request.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use edgepos_core::{StoreId, WallMs};
use edgepos_sync::{CloudReply, CloudRequest, Limits, UplinkError};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue, RETRY_AFTER};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use thiserror::Error;

use crate::http_date;
use crate::ports::Uplink;
use crate::tls::cloud::{CloudRoots, client};

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the body may take for the date before it to be taken.
const DATE_HOLDS: Duration = Duration::from_secs(1);
/// Bytes of the answer that says how far what comes down goes.
const MAX_FEED_HEAD: usize = 4 << 10;
/// What is waited for when a busy cloud does not say.
const BUSY: Duration = Duration::from_secs(1);
/// What a cloud may ask to wait at most.
const LONGEST_BUSY: Duration = Duration::from_secs(300);

/// Asks a cloud at `{base}/v1/stores/{store}/uplink`: [`CloudRequest::encode`] there, [`CloudReply::encode`] back with status 200.
///
/// At `https` over TLS 1.3, with a certificate that the system trusts or that a file pins; `http` is for a cloud on this machine, or behind
/// a tunnel.
#[derive(Clone, Debug)]
pub struct HttpUplink {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    uri: Uri,
    /// Where is asked how far what comes down goes.
    feed: Uri,
    /// What says for which store this speaks.
    credential: Option<HeaderValue>,
    /// The date of the latest answer, in ms since 1970; 0 where it was taken, or said nothing.
    date: Arc<AtomicU64>,
}

/// The URL of the cloud is invalid.
#[derive(Debug, Error)]
#[error("invalid cloud URL {url:?}: {reason}")]
pub struct BadAddress {
    url: String,
    reason: String,
}

impl HttpUplink {
    /// `base` is `https://host` or `http://host:port`, with a path behind it where there is one. At `https`, whom the system trusts may
    /// vouch for the cloud.
    ///
    /// # Errors
    /// When it is no such address, or the system trusts nobody.
    pub fn new(base: &str, store: StoreId) -> Result<Self, BadAddress> {
        Self::with_roots(base, store, None)
    }

    /// The same where the certificates of a PEM file alone may vouch for a cloud at `https`. They are read now.
    ///
    /// # Errors
    /// When `base` is no such address, or the file holds no certificate.
    pub fn with_roots(base: &str, store: StoreId, roots: Option<&Path>) -> Result<Self, BadAddress> {
        let bad = |reason: String| BadAddress { url: base.to_owned(), reason };
        let uri = Self::check(base, store)?;
        let feed = Self::place(base, store, "feed")?;
        let mut plain = HttpConnector::new();
        plain.enforce_http(false);
        let tls = if uri.scheme_str() == Some("https") {
            client(roots.map_or(CloudRoots::System, CloudRoots::Pinned))
        } else {
            client(CloudRoots::Nobody)
        };
        let tls = tls.map_err(|error| match roots {
            Some(path) => bad(format!("{}: {error}", path.display())),
            None => bad(error.to_string()),
        })?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(plain);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, uri, feed, credential: None, date: Arc::default() })
    }

    /// The same, which shows the cloud this token with each request, as `Authorization: Bearer TOKEN`. It is never logged or shown.
    ///
    /// # Errors
    /// When no header can carry it, or it would go to another machine in the clear.
    pub fn with_credential(mut self, token: &str) -> Result<Self, BadAddress> {
        let bad = |reason: &str| BadAddress { url: self.uri.to_string(), reason: reason.to_owned() };
        let host = self.uri.host().unwrap_or_default();
        let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        if self.uri.scheme_str() != Some("https") && !is_here {
            return Err(bad("a credential goes to another machine by https alone"));
        }
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let mut value = value.map_err(|_| bad("the credential has characters that no header carries"))?;
        value.set_sensitive(true);
        self.credential = Some(value);
        Ok(self)
    }

    /// Where requests go.
    pub(crate) fn check(base: &str, store: StoreId) -> Result<Uri, BadAddress> {
        Self::place(base, store, "uplink")
    }

    fn place(base: &str, store: StoreId, what: &str) -> Result<Uri, BadAddress> {
        let bad = |reason: &str| BadAddress { url: base.to_owned(), reason: reason.to_owned() };
        let uri: Uri = format!("{}/v1/stores/{store}/{what}", base.trim_end_matches('/'))
            .parse()
            .map_err(|error: hyper::http::uri::InvalidUri| bad(&error.to_string()))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(bad("expected https://host or http://host:port"));
        }
        // What stands behind the host's colon, and no name and password before it.
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let behind = authority.rsplit(['@', ']']).next().unwrap_or_default();
        if behind.contains(':') && uri.port_u16().is_none_or(|port| port == 0) {
            return Err(bad("the port is no number from 1 to 65535"));
        }
        Ok(uri)
    }
}

#[async_trait]
impl Uplink for HttpUplink {
    async fn call(&self, request: CloudRequest) -> Result<CloudReply, UplinkError> {
        tokio::time::timeout(TIMEOUT, self.post(&request)).await.map_err(|_| UplinkError::TimedOut)?
    }

    async fn published(&self) -> Option<u64> {
        tokio::time::timeout(TIMEOUT, self.ask_feed()).await.ok()?
    }

    fn take_time(&self) -> Option<WallMs> {
        Some(WallMs(self.date.swap(0, Ordering::Relaxed))).filter(|wall| wall.0 > 0)
    }
}

impl HttpUplink {
    /// A cloud of an earlier version does not know the path.
    async fn ask_feed(&self) -> Option<u64> {
        let mut builder = Request::get(self.feed.clone());
        if let Some(credential) = &self.credential {
            builder = builder.header(AUTHORIZATION, credential);
        }
        let response = self.client.request(builder.body(Full::default()).ok()?).await.ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        let body = Limited::new(response.into_body(), MAX_FEED_HEAD).collect().await.ok()?.to_bytes();
        last_of(std::str::from_utf8(&body).ok()?)
    }

    async fn post(&self, request: &CloudRequest) -> Result<CloudReply, UplinkError> {
        let limits = Limits::DEFAULT;
        let mut builder = Request::post(self.uri.clone()).header(CONTENT_TYPE, "application/cbor");
        if let Some(credential) = &self.credential {
            builder = builder.header(AUTHORIZATION, credential);
        }
        let request =
            builder.body(Full::new(Bytes::from(request.encode()))).map_err(|_| UplinkError::Unreachable)?;
        let response = self.client.request(request).await.map_err(|_| UplinkError::Unreachable)?;
        let date = match response.status() {
            StatusCode::OK => {
                let date = response.headers().get(DATE).and_then(|value| value.to_str().ok());
                date.and_then(http_date::parse)
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let asked = asked.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
                let retry_after = asked.unwrap_or(BUSY).min(LONGEST_BUSY);
                return Err(UplinkError::Overloaded { retry_after });
            }
            // A proxy's or a router's page, or a cloud that does not want us: whatever it says, somebody must be able to see it.
            status => return Err(UplinkError::Rejected { status: status.as_u16() }),
        };
        let read = Instant::now();
        let body = Limited::new(response.into_body(), limits.max_message_bytes as usize);
        let body = body.collect().await.map_err(|_| UplinkError::Unreadable)?.to_bytes();
        // The date is of before the body: behind a slow one it would make the cloud's clock look late.
        let date = date.filter(|_| read.elapsed() < DATE_HOLDS).map_or(0, |wall| wall.0);
        self.date.store(date, Ordering::Relaxed);
        CloudReply::decode(&body, &limits).map_err(|_| UplinkError::Unreadable)
    }
}

/// The number behind `last` in a small object of JSON: the crate has no reader of JSON without the feature `serde`.
fn last_of(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("\"last\"")?;
    let digits = rest.trim_start().strip_prefix(':')?.trim_start();
    let end = digits.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_the_feed_goes_is_read() {
        assert_eq!(last_of(r#"{"chain":"65535-223344556677/2","last":17}"#), Some(17));
        assert_eq!(last_of(r#"{ "last" : 0 }"#), Some(0));
        for bad in ["", "{}", r#"{"last":null}"#, r#"{"last":99999999999999999999}"#, r#""last""#] {
            assert_eq!(last_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_are_checked_when_made() {
        let store = StoreId([1; 16]);
        assert!(HttpUplink::new("http://127.0.0.1:8080/edge/", store).is_ok());
        for bad in ["", "127.0.0.1:8080", "ftp://cloud.example", "http://", "https://", "http://a b"] {
            assert!(HttpUplink::new(bad, store).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_credential_stays_on_this_machine_or_is_encrypted() {
        let store = StoreId([1; 16]);
        let with = |base: &str| {
            HttpUplink::new(base, store).map(|uplink| uplink.with_credential("a-secret-of-the-store"))
        };
        for good in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:8080/edge"] {
            let shown = with(good).map(|uplink| format!("{uplink:?}"));
            assert!(shown.is_ok_and(|shown| !shown.contains("a-secret")), "{good}");
        }
        for bad in ["http://192.168.0.9:8080", "http://cloud.example"] {
            assert!(with(bad).is_ok_and(|uplink| uplink.is_err()), "{bad}");
        }
    }
}
