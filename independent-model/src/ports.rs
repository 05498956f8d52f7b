//! The ways to the outside: what this model asks of the world, and the answers it tells apart.
//!
//! Each port separates *a definite answer* (also a definite no) from *a failure*. Its adapters do the I/O and nothing
//! else; what the answers mean is decided by the pure functions of `proof` and `document`.

use std::{fmt::Debug, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use namesake::{ResolveError, http::HttpError};
use url::Url;

use crate::{Did, Hostname, WebHost};

/// The future of a port's answer. Boxed, so that ports are `dyn`.
pub type PortFuture<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// The five ports of the model.
#[derive(Debug, Clone)]
pub struct Ports {
    /// TXT records.
    pub dns: Arc<dyn Dns>,
    /// `/.well-known/atproto-did` of a handle's host.
    pub well_known: Arc<dyn WellKnown>,
    /// Documents of `did:plc`.
    pub directory: Arc<dyn Directory>,
    /// Documents of `did:web`.
    pub did_web: Arc<dyn DidWeb>,
    /// Profile records.
    pub pds: Arc<dyn Pds>,
}

/// Looks up TXT records. Search lists never apply, CNAMEs are followed, truncated answers are asked again over TCP.
pub trait Dns: Debug + Send + Sync + 'static {
    /// The TXT records of the absolute `name` (it ends with a dot).
    fn txt<'a>(&'a self, name: &'a str) -> PortFuture<'a, TxtAnswer, DnsFailure>;
}

/// What the DNS says definitely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxtAnswer {
    /// These records, in no particular order.
    Records {
        /// At least one.
        records: Vec<TxtRecord>,
        /// How long they live: the least time to live on the way to them, aliases included.
        ttl: Duration,
    },
    /// The name has no TXT record (RFC 2308, NODATA).
    NoData,
    /// The name does not exist (NXDOMAIN).
    NoDomain,
}

/// The character-strings of one TXT record, any bytes (RFC 1035 section 3.3.14).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxtRecord(pub Vec<Vec<u8>>);

/// Why the DNS did not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DnsFailure {
    /// No name server answered in time.
    #[error("no name server answered in time")]
    Timeout,
    /// SERVFAIL: broken delegation, DNSSEC that does not validate, an authority that is down.
    #[error("the name server could not look it up (SERVFAIL)")]
    ServFail,
    /// REFUSED: the name server will not look it up for us.
    #[error("the name server refused to look it up (REFUSED)")]
    Refused,
    /// Anything else.
    #[error("the name server could not be asked, or its answer could not be used")]
    Other,
}

/// Fetches `https://<host>/.well-known/atproto-did`, following at most 5 redirects to `https`.
pub trait WellKnown: Debug + Send + Sync + 'static {
    /// Whatever the host answers, at most [`WellKnownReply::CAP`] bytes of it.
    fn fetch<'a>(&'a self, host: &'a Hostname) -> PortFuture<'a, WellKnownReply, HttpError>;
}

/// What a host answered; judged by the `proof` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WellKnownReply {
    /// The HTTP status.
    pub status: u16,
    /// The whole body; `None` when it is longer than [`WellKnownReply::CAP`], of which no DID is.
    pub body: Option<Bytes>,
}

impl WellKnownReply {
    /// The most bytes that are *read*: room for the longest DID.
    pub const CAP: usize = 2048;
}

/// The directory of `did:plc`.
pub trait Directory: Debug + Send + Sync + 'static {
    /// The document of a `did:plc`. Failures carry their kind: 429 throttled, 5xx unavailable.
    fn document<'a>(&'a self, did: &'a Did) -> PortFuture<'a, DocumentAnswer, ResolveError>;

    /// The audit log of a `did:plc`, as it was sent, at most [`MAX_LOG_BYTES`](crate::plc::MAX_LOG_BYTES); `None` when
    /// the directory does not know it. A tombstone is in the log, not instead of it.
    fn log<'a>(&'a self, did: &'a Did) -> PortFuture<'a, Option<Bytes>, ResolveError>;
}

/// The hosts of `did:web`.
pub trait DidWeb: Debug + Send + Sync + 'static {
    /// `/.well-known/did.json` of the host, without following redirects.
    fn document<'a>(&'a self, host: &'a WebHost) -> PortFuture<'a, DocumentAnswer, ResolveError>;
}

/// What the source of a DID document says definitely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentAnswer {
    /// Here it is, as it was sent, at most 64 KiB.
    Found(Bytes),
    /// There is none.
    NotFound,
    /// There was one, and the account was closed for good (a tombstone).
    Deactivated,
}

/// Personal data servers.
pub trait Pds: Debug + Send + Sync + 'static {
    /// The record `app.bsky.actor.profile/self` of `did`, as `com.atproto.repo.getRecord` answers it; `None` when
    /// there is none.
    fn profile<'a>(&'a self, pds: &'a Url, did: &'a Did) -> PortFuture<'a, Option<Bytes>, ResolveError>;
}
