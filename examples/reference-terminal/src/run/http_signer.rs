//! A fiscal device that is asked over HTTP: one POST of JSON for each receipt.

use edgepos::model::Signature;
use edgepos::{SignError, Signer, ToSign, async_trait};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::webhook::WebhookUrl;
use crate::signer::Said;

/// Largest answer that is read: the longest signature fits some times over.
const MAX_ANSWER: usize = 64 << 10;

/// A device over plain HTTP. Status 200 with [`Said`] is a signature; 422 refuses the receipt for good, with the reason as the answer's
/// text; whatever else comes, or does not, counts as a device that is away.
#[derive(Debug)]
pub(super) struct HttpSigner {
    url: WebhookUrl,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl HttpSigner {
    pub(super) fn new(url: WebhookUrl) -> Self {
        Self { url, client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()) }
    }

    fn away(&self, what: &str) -> SignError {
        SignError::Away(format!("the signer {} {what}", self.url))
    }
}

#[async_trait]
impl Signer for HttpSigner {
    async fn sign(&self, receipt: &ToSign) -> Result<Signature, SignError> {
        let body = serde_json::to_vec(receipt).expect("a plain struct with text keys");
        let request = Request::post(self.url.uri())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| self.away("cannot be asked"))?;
        let answer = self.client.request(request).await.map_err(|_| self.away("is not reached"))?;
        let status = answer.status();
        let read = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
        let text = read.map_err(|_| self.away("breaks off its answer"))?.to_bytes();
        match status {
            StatusCode::OK => {}
            StatusCode::UNPROCESSABLE_ENTITY => {
                return Err(SignError::Refused(String::from_utf8_lossy(&text).into_owned()));
            }
            other => return Err(self.away(&format!("answers with status {}", other.as_u16()))),
        }
        let said: Said =
            serde_json::from_slice(&text).map_err(|_| self.away("answers what is no signature"))?;
        said.into_signature().map_err(|reason| self.away(&reason.to_string()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use axum::Router;
    use axum::routing::post;
    use edgepos::conformance;
    use edgepos::model::{BasketId, Currency};
    use tokio::net::TcpListener;

    use super::*;

    async fn device(app: Router) -> HttpSigner {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/sign", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        HttpSigner::new(url)
    }

    #[tokio::test]
    async fn the_stand_in_conforms() {
        let device = device(crate::signer::router()).await;
        let nowhere = HttpSigner::new("http://127.0.0.1:9/sign".parse().unwrap());
        conformance::signer(&device, &nowhere).await;
    }

    #[tokio::test]
    async fn what_is_no_signature_is_no_answer_and_a_refusal_is_for_good() {
        let receipt = ToSign {
            basket: BasketId([1; 16]),
            series: "S".into(),
            number: 1,
            total: 1,
            currency: Currency::EUR,
            body: vec![1],
            event: None,
        };
        for (status, text, said) in [
            (StatusCode::OK, "{}".to_owned(), "answers what is no signature"),
            (
                StatusCode::OK,
                format!(r#"{{"series":"S","number":1,"signature":"{}"}}"#, "00".repeat(4_097)),
                "longer than 4096",
            ),
            (StatusCode::OK, r#"{"series":"S","number":1,"signature":"0g"}"#.to_owned(), "no signature"),
            (StatusCode::SERVICE_UNAVAILABLE, String::new(), "answers with status 503"),
            (StatusCode::OK, "x".repeat(MAX_ANSWER + 1), "breaks off its answer"),
        ] {
            let answer = text.clone();
            let device = device(Router::new().route("/sign", post(async move || (status, answer)))).await;
            let Err(SignError::Away(reason)) = device.sign(&receipt).await else { panic!("{text}") };
            assert!(reason.contains(said), "{reason}");
        }
        let refuses = post(async || (StatusCode::UNPROCESSABLE_ENTITY, "the certificate has run out"));
        let device = device(Router::new().route("/sign", refuses)).await;
        let refused = Err(SignError::Refused("the certificate has run out".into()));
        assert_eq!(device.sign(&receipt).await, refused);
    }
}
