//! One exchange: what is asked, what came back, and how it can fail.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;

use crate::shares::Refused;

/// A request, with its limits. `Debug` tells the host alone: addresses, headers and bodies carry tokens.
#[derive(Clone)]
pub struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) cap: usize,
    pub(super) redirects: u8,
    pub(super) deadline: Option<Duration>,
    pub(super) skip_failure_bodies: bool,
}

impl Call {
    /// The most bytes of a body that are read, unless [`Call::cap`] says otherwise.
    pub const DEFAULT_CAP: usize = 64 * 1024;

    /// `GET url`, following no redirect.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url, Bytes::new())
    }

    /// `POST url` with form fields (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn form(url: Url, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::new(Method::POST, url, body.into())
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
    }

    /// `method url` with a JSON body.
    #[must_use]
    pub fn json(method: Method, url: Url, body: Vec<u8>) -> Self {
        Self::new(method, url, body.into())
            .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// Any other request.
    #[must_use]
    pub fn new(method: Method, url: Url, body: Bytes) -> Self {
        let (headers, cap) = (HeaderMap::new(), Self::DEFAULT_CAP);
        Self { method, url, headers, body, cap, redirects: 0, deadline: None, skip_failure_bodies: false }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Reading at most `bytes` of the answer's body; a longer one is an error.
    #[must_use]
    pub fn cap(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }

    /// Following at most `hops` redirects (only of `GET`).
    #[must_use]
    pub fn redirects(mut self, hops: u8) -> Self {
        self.redirects = hops;
        self
    }

    /// Reading only the body of a 2xx answer; any other comes back empty. So a long error page is judged by its
    /// status, and [`HttpFailure::TooLarge`] speaks of a 2xx answer alone.
    #[must_use]
    pub fn skip_failure_bodies(mut self) -> Self {
        self.skip_failure_bodies = true;
        self
    }

    /// With a total deadline shorter than the client's.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str();
        f.debug_struct("Call").field("method", &self.method).field("host", &host).finish_non_exhaustive()
    }
}

/// An answer, read whole. `Debug` tells the host and the status alone, as for a [`Call`].
#[derive(Clone)]
pub struct Reply {
    /// Its status, whatever it is: judging it is the caller's business.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, at most [`Call::cap`] bytes.
    pub body: Bytes,
    /// Where it came from, after redirects.
    pub url: Url,
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str();
        f.debug_struct("Reply").field("status", &self.status).field("host", &host).finish_non_exhaustive()
    }
}

/// A call that got no usable answer.
///
/// `Display` is fit for anybody who may know which host was asked; the cause is not.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct HttpError {
    /// What failed.
    pub failure: HttpFailure,
    /// What failed, in words that name the host and nothing else.
    pub message: String,
    /// For the log and the operator.
    #[source]
    pub cause: Option<HttpCause>,
}

/// What a socket or a library said, with addresses: never for a stranger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HttpCause(pub String);

impl HttpError {
    pub(super) fn busy(host: &str, refused: Refused) -> Self {
        Self::new(HttpFailure::Busy(refused), format!("{host} {}", HttpFailure::Busy(refused).as_words()))
    }

    /// A failure in words that may be told to anybody.
    pub fn new(failure: HttpFailure, message: impl Into<String>) -> Self {
        Self { failure, message: message.into(), cause: None }
    }

    /// With its cause, which may not.
    #[must_use]
    pub fn because(self, cause: impl fmt::Display) -> Self {
        Self { cause: Some(HttpCause(cause.to_string())), ..self }
    }

    /// The words and the cause, for the log and the operator.
    #[must_use]
    pub fn in_full(&self) -> String {
        match &self.cause {
            Some(cause) => format!("{}: {cause}", self.message),
            None => self.message.clone(),
        }
    }
}

/// What failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HttpFailure {
    /// The host definitely has no address, or none that the guard lets through.
    NoAddress,
    /// Its address could not be looked up.
    AddressUnknown,
    /// The guard does not let us connect to that literal address or port, or speak that scheme.
    Refused,
    /// A redirect that is not followed: too many, without a target, or off what the connector may reach.
    Redirect,
    /// Nobody listens, or the connection broke.
    Connect,
    /// The certificate or the handshake is not acceptable.
    Tls,
    /// No whole answer in time.
    Timeout,
    /// The body is longer than the cap.
    TooLarge,
    /// What came back is not HTTP.
    Protocol,
    /// The host was not asked: more questions for it wait than it may be asked in time.
    Busy(Refused),
}

impl HttpFailure {
    /// What a host did, in words that follow its name, where the host itself must not be named.
    #[must_use]
    pub const fn as_words(self) -> &'static str {
        match self {
            Self::NoAddress => "has no address",
            Self::AddressUnknown => "has an address that could not be looked up",
            Self::Refused => "is not connected to",
            Self::Redirect => "redirects to where nobody follows",
            Self::Connect => "takes no connection",
            Self::Tls => "has no acceptable certificate",
            Self::Timeout => "gave no whole answer in time",
            Self::TooLarge => "answered with more than is read",
            Self::Protocol => "does not answer in HTTP",
            Self::Busy(_) => "is asked as much as it may be just now",
        }
    }
}
