//! Who may see the page and press its buttons: this machine, or whoever has the token where the page is served to others.

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, COOKIE, HeaderName, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::run::{CallerError, TillToken, check_caller, check_origin};

/// The cookie that the token becomes: an `EventSource` cannot send a header.
const COOKIE_NAME: &str = "edgepos-demo";

/// What a browser may do with what it gets: nothing from elsewhere, no frame around it, no script but ours.
const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// What a caller must show.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) token: Option<TillToken>,
}

/// Lets a call in or refuses it, and says what a browser may do with the answer.
pub(super) async fn gate(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let mut response = match gate.admit(request.method(), request.uri(), request.headers()) {
        Ok(None) => next.run(request).await,
        Ok(Some(cookie)) => {
            let value = format!("{COOKIE_NAME}={cookie}; HttpOnly; SameSite=Strict; Path=/");
            (StatusCode::SEE_OTHER, [(LOCATION, "/".to_owned()), (SET_COOKIE, value)]).into_response()
        }
        Err(said) => (StatusCode::FORBIDDEN, format!("{said}\n")).into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

impl Gate {
    /// `Some` of the token where the call brings it in its address.
    fn admit(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Option<String>, CallerError> {
        match &self.token {
            None => check_caller(None, uri, headers)?,
            Some(token) => {
                check_origin(headers)?;
                let brought = uri.query().and_then(|query| query.strip_prefix("token="));
                let brought = brought
                    .filter(|shown| *method == Method::GET && TillToken::of(shown.as_bytes()) == *token);
                if let Some(brought) = brought {
                    return Ok(Some(brought.to_owned()));
                }
                if !shows(headers, token) {
                    return Err(CallerError::NoToken);
                }
            }
        }
        let json =
            headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        if *method == Method::POST && !json {
            // What a form of a web page can send is never JSON.
            return Err(CallerError::OtherOrigin);
        }
        Ok(None)
    }
}

fn shows(headers: &HeaderMap, token: &TillToken) -> bool {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    values.any(|(name, value)| name == COOKIE_NAME && TillToken::of(value.as_bytes()) == *token)
        || token.is_shown(headers)
}

#[cfg(test)]
mod tests {
    use axum::http::header::{HOST, ORIGIN};

    use super::*;

    fn admits(
        token: Option<&str>,
        method: &Method,
        uri: &'static str,
        pairs: &[(HeaderName, &'static str)],
    ) -> Option<bool> {
        let gate = Gate { token: token.map(|token| TillToken::of(token.as_bytes())) };
        let headers =
            pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        gate.admit(method, &Uri::from_static(uri), &headers).ok().map(|cookie| cookie.is_some())
    }

    const JSON: (HeaderName, &str) = (CONTENT_TYPE, "application/json");

    #[test]
    fn on_loopback_only_this_machine_and_its_own_page() {
        let here = (HOST, "127.0.0.1:7080");
        assert_eq!(admits(None, &Method::GET, "/", std::slice::from_ref(&here)), Some(false));
        assert_eq!(admits(None, &Method::POST, "/act", &[here.clone(), JSON]), Some(false));
        assert_eq!(admits(None, &Method::POST, "/act", std::slice::from_ref(&here)), None, "a form");
        assert_eq!(admits(None, &Method::GET, "/", &[(HOST, "shop.example:7080")]), None);
        assert_eq!(admits(None, &Method::POST, "/act", &[here, JSON, (ORIGIN, "http://shop.example")]), None);
    }

    #[test]
    fn elsewhere_whoever_has_the_token() {
        let there = (HOST, "192.168.0.2:7080");
        let get = |uri, more: &[(HeaderName, &'static str)]| {
            let headers = [std::slice::from_ref(&there), more].concat();
            admits(Some("0123456789abcdef"), &Method::GET, uri, &headers)
        };
        assert_eq!(get("/", &[]), None);
        assert_eq!(get("/?token=0123456789abcdef", &[]), Some(true));
        assert_eq!(get("/?token=0123456789abcdeF", &[]), None);
        assert_eq!(get("/stream", &[(COOKIE, "a=b; edgepos-demo=0123456789abcdef")]), Some(false));
        assert_eq!(get("/stream", &[(COOKIE, "edgepos-demo=0")]), None);
        let cookie = (COOKIE, "edgepos-demo=0123456789abcdef");
        assert_eq!(get("/stream", &[cookie, (ORIGIN, "http://shop.example")]), None);
    }
}
