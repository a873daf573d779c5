//! Who may call the till's port: programs on this machine, or whoever has the token where one is set, and no web page that a browser shows.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use thiserror::Error;

use super::till_token::TillToken;
use crate::api::{Problem, ProblemCode};

/// Characters of a call that an answer repeats.
const MAX_SHOWN: usize = 200;

/// What the body of a call is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    Json,
    /// JSON's type passes as well: it is none that a web page may send without being asked.
    Picture,
}

/// Refuses a call without the token where there is one; else a call under another name than that of this machine, which is how a page
/// reaches it that has had its own name resolved to a loopback address. Refuses a call that a page of another origin makes.
pub(super) async fn caller(State(token): State<Option<TillToken>>, request: Request, next: Next) -> Response {
    match check_caller(token.as_ref(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => Problem::new(ProblemCode::Forbidden, error.to_string()).into_response(),
    }
}

/// Refuses a body of another type: what a form of a web page can send is never JSON.
pub(super) async fn content_type(State(body): State<Body>, request: Request, next: Next) -> Response {
    if request.method() == Method::POST && !is_right(body, request.headers()) {
        let error = match body {
            Body::Json => "the content type must be application/json",
            Body::Picture => "the content type must be that of a picture, or application/octet-stream",
        };
        return Problem::new(ProblemCode::ContentType, error).into_response();
    }
    next.run(request).await
}

/// Says in JSON what the server itself refuses: a path that is no call, a method that is another's, a body beyond its limit.
pub(super) async fn in_json(request: Request, next: Next) -> Response {
    let call = format!("{} {}", request.method(), request.uri().path());
    let call: String = call.chars().take(MAX_SHOWN).collect();
    let refused = next.run(request).await;
    let problem = match refused.status() {
        _ if refused.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json") => {
            return refused;
        }
        StatusCode::NOT_FOUND => Problem::new(ProblemCode::NotFound, format!("there is no call {call}")),
        // The server adds that header when this is done.
        StatusCode::METHOD_NOT_ALLOWED => {
            let said = format!("{call} is no call: the header Allow names the method of this path");
            Problem::new(ProblemCode::MethodNotAllowed, said)
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(ProblemCode::TooLarge, format!("the body of {call} is over its limit"))
        }
        _ => return refused,
    };
    problem.into_response()
}

/// Why a caller is refused.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(crate) enum CallerError {
    #[error("the call names no host")]
    NoHost,
    #[error("the call does not show the till's token: Authorization: Bearer …")]
    NoToken,
    #[error("{0:?} is no name of this machine: call 127.0.0.1 or localhost")]
    OtherName(String),
    #[error("a page of another origin may not call a till")]
    OtherOrigin,
    #[error("the call has the header {0} twice")]
    Twice(HeaderName),
    #[error("the header {0} is not text")]
    NotText(HeaderName),
}

/// Whether a call may come from where it does.
pub(crate) fn check_caller(
    token: Option<&TillToken>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), CallerError> {
    let host = only(headers, &HOST)?.ok_or(CallerError::NoHost)?;
    match token {
        Some(token) if !token.is_shown(headers) => return Err(CallerError::NoToken),
        Some(_) => {}
        None => {
            let named = uri.authority().map(|authority| authority.as_str());
            for authority in [Some(host), named].into_iter().flatten() {
                if !is_this_machine(authority) {
                    return Err(CallerError::OtherName(authority.chars().take(80).collect()));
                }
            }
        }
    }
    check_origin(headers)
}

/// Refuses what a page of another origin asks for.
pub(crate) fn check_origin(headers: &HeaderMap) -> Result<(), CallerError> {
    let host = only(headers, &HOST)?.ok_or(CallerError::NoHost)?;
    match only(headers, &ORIGIN)? {
        Some(origin) if !origin.eq_ignore_ascii_case(&format!("http://{host}")) => {
            Err(CallerError::OtherOrigin)
        }
        _ => Ok(()),
    }
}

/// The header's value, where it stands there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, CallerError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(CallerError::Twice(name.clone()));
    }
    let unreadable = |_| CallerError::NotText(name.clone());
    first.map(|value| value.to_str().map_err(unreadable)).transpose()
}

/// Whether a host, with or without a port, is a loopback address or `localhost`.
fn is_this_machine(authority: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let (name, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, "")) => (name, None),
            Some((name, port)) => (name, Some(port.strip_prefix(':').unwrap_or(""))),
            None => return false,
        },
        None => match authority.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (authority, None),
        },
    };
    port.is_none_or(is_port)
        && (name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

fn is_right(body: Body, headers: &HeaderMap) -> bool {
    let Ok(Some(value)) = only(headers, &CONTENT_TYPE) else { return false };
    let kind = value.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match body {
        Body::Json => kind == "application/json",
        Body::Picture => {
            kind == "application/json" || kind == "application/octet-stream" || kind.starts_with("image/")
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::AUTHORIZATION;

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    fn called(pairs: &[(HeaderName, &'static str)]) -> bool {
        check_caller(None, &Uri::from_static("/begin"), &headers(pairs)).is_ok()
    }

    #[test]
    fn programs_on_this_machine_may_call() {
        for host in
            ["127.0.0.1:7101", "127.0.0.1", "localhost:7101", "LOCALHOST", "[::1]:7101", "127.9.9.9:1"]
        {
            assert!(called(&[(HOST, host)]), "{host}");
        }
        assert!(called(&[(HOST, "localhost:7101"), (ORIGIN, "http://localhost:7101")]), "its own origin");
    }

    #[test]
    fn other_names_and_other_origins_may_not() {
        for host in [
            "",
            "shop.example:7101",
            "127.0.0.1.example",
            "localhost.example:1",
            "192.168.0.2:7101",
            "[::1",
            "0.0.0.0",
        ] {
            assert!(!called(&[(HOST, host)]), "{host}");
        }
        for origin in ["null", "http://shop.example", "http://localhost:7102", "https://127.0.0.1:7101", ""] {
            assert!(!called(&[(HOST, "127.0.0.1:7101"), (ORIGIN, origin)]), "{origin}");
        }
        assert!(!called(&[]));
        let mut twice = headers(&[(HOST, "127.0.0.1")]);
        twice.append(HOST, HeaderValue::from_static("shop.example"));
        assert!(check_caller(None, &Uri::from_static("/"), &twice).is_err());
        let absolute = Uri::from_static("http://shop.example/begin");
        assert!(check_caller(None, &absolute, &headers(&[(HOST, "127.0.0.1")])).is_err());
    }

    #[test]
    fn where_there_is_a_token_it_is_what_counts() {
        let token = TillToken::of(b"0123456789abcdef0123456789abcdef");
        let called = |pairs: &[(HeaderName, &'static str)]| {
            check_caller(Some(&token), &Uri::from_static("/begin"), &headers(pairs)).is_ok()
        };
        let right = (AUTHORIZATION, "Bearer 0123456789abcdef0123456789abcdef");
        assert!(called(&[(HOST, "till-2:7101"), right.clone()]));
        assert!(called(&[(HOST, "127.0.0.1:7101"), right.clone()]));
        assert!(!called(&[(HOST, "127.0.0.1:7101")]), "this machine alone is not enough");
        assert!(!called(&[
            (HOST, "till-2:7101"),
            (AUTHORIZATION, "Bearer 0123456789abcdef0123456789abcdeF")
        ]));
        assert!(!called(&[(HOST, "till-2:7101"), (ORIGIN, "http://shop.example"), right]));
    }

    #[test]
    fn what_a_form_can_send_is_not_taken() {
        let right = |body, value| is_right(body, &headers(&[(CONTENT_TYPE, value)]));
        assert!(right(Body::Json, "application/json"));
        assert!(right(Body::Json, "Application/JSON; charset=utf-8"));
        assert!(right(Body::Picture, "image/png"));
        for value in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
        {
            assert!(!right(Body::Json, value) && !right(Body::Picture, value), "{value}");
        }
        assert!(!right(Body::Json, "image/png"));
        assert!(!is_right(Body::Json, &HeaderMap::new()));
    }
}
