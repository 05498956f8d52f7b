//! What handlers are given: a request whose text has been decoded, strictly.

use std::{borrow::Cow, fmt};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header, request::Parts};
use hyper::body::Incoming;
use namesake::shares::Client;
use namesake_independent::Hostname;
use serde::de::DeserializeOwned;

use super::{Site, our_hosts, request_body::Received};
use crate::{percent, problem::Refusal, query::InvalidQuery};

/// A request on its way through a handler. `Debug` tells its method alone: paths, headers and bodies carry names and
/// secrets.
pub(crate) struct Asked {
    pub(crate) head: Parts,
    body: Incoming,
    prefers_html: bool,
    /// From whom it came.
    pub(crate) client: Client,
}

/// Whose page a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    /// One of ours.
    OurPage,
    /// Another site's, or more than one can be.
    Stranger,
    /// Nobody's, as far as is said: clients that are no browser say nothing.
    Unsaid,
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("method", self.method()).finish_non_exhaustive()
    }
}

impl Asked {
    pub(crate) fn new(request: http::Request<Incoming>, client: Client) -> Self {
        let (head, body) = request.into_parts();
        let prefers_html = prefers_html(&head.headers);
        Self { head, body, prefers_html, client }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.head.method
    }

    /// The query parameters, decoded.
    pub(crate) fn parameters(&self) -> Result<Parameters<'_>, Refusal> {
        Parameters::parse(self.head.uri.query().unwrap_or_default())
    }

    pub(crate) fn if_none_match(&self) -> Option<&HeaderValue> {
        self.head.headers.get(header::IF_NONE_MATCH)
    }

    /// A header's text; `None` when it is absent, there twice or not ASCII.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        let mut values = self.head.headers.get_all(name).into_iter();
        values.next().filter(|_| values.next().is_none())?.to_str().ok()
    }

    /// The name of the account or handle whose host the request came to; `None` for the service's own hosts, and for what
    /// is no name.
    pub(super) fn host_name(&self, site: &Site) -> Option<Hostname> {
        our_hosts::name_of(site.our_hosts.as_ref()?.below(&self.head.uri, &self.head.headers)?)
    }

    /// A cookie's value (RFC 6265 section 4.2.1); `None` when it is there twice, which leaves open which of them counts.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let headers = self.head.headers.get_all(header::COOKIE).into_iter();
        let pairs = headers.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
        let mut values = pairs
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value);
        values.next().filter(|_| values.next().is_none())
    }

    /// From where a browser says that the request comes (Fetch sections 2.2.2 and 3.2). `site` is where our own pages are.
    pub(crate) fn sender(&self, site: &str) -> Sender {
        let headers = &self.head.headers;
        // What is there twice, or cannot be read, does not say what it should.
        let says = |name: &HeaderName, ours: &str| match headers.contains_key(name) {
            false => None,
            true => Some(self.header(name) == Some(ours)),
        };
        match (says(&header::ORIGIN, site), says(&SEC_FETCH_SITE, "same-origin")) {
            (Some(false), _) | (_, Some(false)) => Sender::Stranger,
            (Some(true), _) => Sender::OurPage,
            (None, _) => Sender::Unsaid,
        }
    }

    /// Whether the client would rather have a page for people.
    pub(crate) fn prefers_html(&self) -> bool {
        self.prefers_html
    }

    /// Whether the client would rather have Server-Sent Events than JSON.
    pub(crate) fn prefers_events(&self) -> bool {
        prefers(&self.head.headers, &["text/event-stream"])
    }

    /// The whole body, if it has `most` bytes at most, within the limits of all and in time.
    pub(super) async fn body(self, site: &Site, most: usize) -> Result<Received, Refusal> {
        let limits = &site.limits;
        let read = site.bodies.read(self.body, self.client, most.min(limits.max_body_bytes));
        match tokio::time::timeout(limits.body_timeout, read).await {
            Ok(read) => read,
            Err(_) => Err(Refusal::Request("the body did not arrive in time".to_owned())),
        }
    }
}

/// Query parameters, or the fields of a form (WHATWG URL section 5.1), decoded strictly.
#[derive(Debug, Default)]
pub(crate) struct Parameters<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Parameters<'a> {
    pub(crate) fn parse(query: &'a str) -> Result<Self, Refusal> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key)?, decode(value)?))
        });
        let pairs: Option<Vec<_>> = pairs.collect();
        pairs.map(Self).ok_or(Refusal::Query(InvalidQuery::Encoding))
    }

    /// All of them, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }

    /// The one value of `name`. Two would leave open which of them counts.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| &**value);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(Refusal::Request(format!("the parameter `{name}` is there twice"))),
        }
    }

    /// Whether `name` is `true`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.one(name)? {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::Request(format!("the parameter `{name}` is `true` or `false`"))),
        }
    }
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('+') {
        return percent::decode(text);
    }
    let spaced = text.replace('+', " ");
    percent::decode(&spaced).map(|decoded| Cow::Owned(decoded.into_owned()))
}

/// RFC 9110 section 12.5.1, as far as two representations need it: a page only for whoever names `text/html` and does
/// not like JSON better; everybody else, scripts and `*/*` included, gets JSON.
fn prefers_html(headers: &HeaderMap) -> bool {
    prefers(headers, &["text/html", "application/xhtml+xml"])
}

/// Whether one of `kinds` is named, and liked no less than JSON.
fn prefers(headers: &HeaderMap, kinds: &[&str]) -> bool {
    let weigh = |wanted: &[&str]| {
        let listed = headers.get_all(header::ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
        listed
            .flat_map(|value| value.split(','))
            .filter_map(|range| {
                let mut parts = range.split(';').map(str::trim);
                let kind = parts.next()?;
                wanted.iter().any(|wanted| kind.eq_ignore_ascii_case(wanted)).then_some(())?;
                let weight = parts.find_map(|part| part.strip_prefix("q="));
                Some(weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
            })
            .fold(0.0_f32, f32::max)
    };
    let liked = weigh(kinds);
    liked > 0.0 && liked >= weigh(&["application/json", "application/problem+json"])
}

/// Reads a JSON object. A list is none, although Serde would take one for the members in their order.
pub(crate) fn object<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    match body.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(body),
        _ => Err(serde::de::Error::custom("an object is needed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_for_those_who_ask_for_them() {
        for (accept, html) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("text/html", true),
            ("*/*", false),
            ("application/json", false),
            ("application/json, text/html;q=0.5", false),
            ("text/html;q=0, application/json", false),
            ("text/html; q=zzz", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(prefers_html(&headers), html, "{accept}");
        }
    }

    #[test]
    fn parameters_are_decoded_strictly_and_once() {
        let parameters = Parameters::parse("handle=%40alice+b&x=1&x=2&fresh=true").unwrap();
        assert_eq!(parameters.one("handle").unwrap(), Some("@alice b"));
        assert!(parameters.one("x").is_err());
        assert!(parameters.flag("fresh").unwrap());
        assert!(parameters.flag("handle").is_err());
        assert!(Parameters::parse("handle=%zz").is_err());
    }
}
