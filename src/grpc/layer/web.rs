//! Calls from browsers: gRPC-Web, and CORS for the origins that may call.

use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Uri};
use std::time::Duration;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Headers that a page may send.
const REQUEST_HEADERS: [HeaderName; 9] = [
    CONTENT_TYPE,
    AUTHORIZATION,
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("grpc-accept-encoding"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("steward-actor"),
    HeaderName::from_static("traceparent"),
];

/// Headers that a page may read.
const RESPONSE_HEADERS: [HeaderName; 8] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("deprecation"),
    HeaderName::from_static("sunset"),
    HeaderName::from_static("link"),
];

/// How long a browser may remember a preflight.
const MAX_AGE: Duration = Duration::from_secs(3_600);

/// An origin that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin; write `https://console.example.org`, without a path, or `*` alone for any")]
pub struct BadOrigin(
    /// What was written.
    pub String,
);

/// CORS for pages of these origins, such as `https://console.example.org`; `*`
/// alone means any. `None` if there are none, which keeps all pages out.
///
/// # Errors
/// The first entry that is no origin.
pub fn cors(origins: &[String]) -> Result<Option<CorsLayer>, BadOrigin> {
    let allowed = match origins {
        [] => return Ok(None),
        [any] if any == "*" => AllowOrigin::any(),
        _ => AllowOrigin::list(origins.iter().map(|text| origin(text)).collect::<Result<Vec<_>, _>>()?),
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::POST])
        .allow_headers(REQUEST_HEADERS)
        .expose_headers(RESPONSE_HEADERS)
        .max_age(MAX_AGE);
    Ok(Some(layer))
}

/// A browser sends scheme, host and port, compared as bytes: anything more
/// could never match.
fn origin(text: &str) -> Result<HeaderValue, BadOrigin> {
    let bad = || BadOrigin(text.to_owned());
    let uri: Uri = text.parse().map_err(|_| bad())?;
    let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(bad());
    };
    if !text.ends_with(authority.as_str()) || authority.as_str().contains('@') {
        return Err(bad());
    }
    text.parse().map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn check(origins: &[&str]) -> Result<bool, BadOrigin> {
        let origins: Vec<String> = origins.iter().map(|&origin| origin.to_owned()).collect();
        cors(&origins).map(|layer| layer.is_some())
    }

    #[test]
    fn origins_have_a_scheme_and_a_host_and_nothing_more() {
        assert_eq!(check(&[]), Ok(false));
        assert_eq!(check(&["*"]), Ok(true));
        assert_eq!(check(&["https://console.example.org", "http://localhost:8080"]), Ok(true));
        for bad in
            ["", "console.example.org", "https://a.org/", "https://a.org/x", "ftp://a.org", "https://u@a.org"]
        {
            assert_eq!(check(&["https://a.org", bad]), Err(BadOrigin(bad.to_owned())));
        }
        assert_eq!(check(&["https://a.org", "*"]), Err(BadOrigin("*".to_owned())));
    }
}
