//! What pages of other origins may do: read what is public (Fetch, section 3.3).
//!
//! Whatever headers they ask with. Clients send some that change nothing here (every call of `@atproto/api` has
//! `atproto-accept-labelers`), and a browser that is refused one of them does not ask at all. This opens nothing: no answer
//! allows credentials, so that a browser shows no page what a cookie was sent for, and a page that has somebody's bearer
//! could use it anywhere.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::route::Kind;

/// The headers of answers that pages may read, beside those that Fetch lets through by itself.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "age, allow, etag, location, namesake-checked-at, namesake-request-id, namesake-stale, ratelimit, ratelimit-policy, \
     retry-after",
);

/// The most headers that one preflight is allowed. Clients ask for a handful.
const MOST_HEADERS: usize = 64;

/// Lets any origin read an answer.
pub(super) fn allow_any_origin(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

/// Answers a browser's question whether a page of another origin may ask a public route (CORS preflight).
pub(super) fn allow_preflight(headers: &mut HeaderMap, kind: Kind, asked: &HeaderMap) {
    headers.insert(header::VARY, HeaderValue::from_static("access-control-request-headers"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    let wanted = wanted(asked).filter(|wanted| !wanted.is_empty());
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_METHODS, Some(kind.allow())),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.map(|wanted| wanted.join(", "))),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    }
}

/// The headers that a page would send, each once and in lower case; what is no name of a header is left out. `None` when
/// there are more than anybody means.
fn wanted(asked: &HeaderMap) -> Option<Vec<String>> {
    let mut wanted: Vec<String> = Vec::new();
    let lines = asked.get_all(header::ACCESS_CONTROL_REQUEST_HEADERS).into_iter();
    for text in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')) {
        let Ok(name) = HeaderName::from_bytes(text.trim_ascii()) else { continue };
        if wanted.iter().any(|known| known == name.as_str()) {
            continue;
        }
        if wanted.len() == MOST_HEADERS {
            return None;
        }
        wanted.push(name.as_str().to_owned());
    }
    Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(asked: &[&str]) -> Option<String> {
        let name = header::ACCESS_CONTROL_REQUEST_HEADERS;
        let asked =
            asked.iter().map(|value| (name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap()));
        let mut headers = HeaderMap::new();
        allow_preflight(&mut headers, Kind::ResolveHandle, &asked.collect());
        assert_eq!(headers[header::VARY], "access-control-request-headers");
        headers.get(header::ACCESS_CONTROL_ALLOW_HEADERS).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_asked_for_is_allowed_if_it_is_the_name_of_a_header() {
        for (asked, expected) in [
            (&["atproto-accept-labelers"][..], Some("atproto-accept-labelers")),
            (&["authorization,dpop, Atproto-Proxy"], Some("authorization, dpop, atproto-proxy")),
            (&["x-one", "x-two, X-ONE"], Some("x-one, x-two")),
            (&["a b, c, d\u{e9}, e:f, <g>, *"], Some("c, *")),
            (&[",, ,"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(allowed(asked).as_deref(), expected, "{asked:?}");
        }
    }

    #[test]
    fn a_list_longer_than_anybody_means_allows_nothing() {
        let names = |number| (0..number).map(|number| format!("x-{number}")).collect::<Vec<_>>().join(",");
        assert!(allowed(&[&names(MOST_HEADERS)]).is_some());
        assert_eq!(allowed(&[&names(MOST_HEADERS + 1)]), None);
        // The same one many times is one.
        assert_eq!(allowed(&[&"x,".repeat(1000)]).as_deref(), Some("x"));
    }
}
