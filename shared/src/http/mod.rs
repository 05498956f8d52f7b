//! Outgoing HTTP: one client, two kinds of connector.
//!
//! * [`HttpClient::configured`] reaches hosts an operator wrote into the configuration: no redirect leaves the
//!   host, addresses are not guarded.
//! * [`HttpClient::discovered`] reaches hosts named by handles, documents and redirects: every connection, on every
//!   hop, is checked at connect on the address it will use (the `guard` file), and only `https` is spoken, except to
//!   networks the operator allowed, and only at its own port, except for ports the operator allowed.
//!
//! Both have a deadline for each part of an exchange and one for the whole, read at most [`Call::cap`] bytes of a body,
//! and ask one host only so much ([`HostLimits`]).
//!
//! [`Dialer`] has the first one's connections without HTTP on top.

mod attempts;
mod call;
mod client;
mod connector;
mod dial;
mod fault;
mod gate;
mod guard;

use std::{fmt::Debug, future::Future, net::IpAddr, path::PathBuf, pin::Pin, time::Duration};

pub use call::{Call, HttpCause, HttpError, HttpFailure, Reply};
pub use client::{HttpClient, HttpSetupError};
pub use dial::Dialer;
pub use gate::HostLimits;
pub use ipnet::IpNet;

/// What both connectors are told.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// From the first packet to the last byte of the body, redirects included.
    pub timeout: Duration,
    /// For the address look-up and the TCP handshake of one connection, all addresses together.
    pub connect_timeout: Duration,
    /// How long one address is tried alone before the next one is tried beside it (RFC 8305 section 5).
    pub head_start: Duration,
    /// How many addresses of one family are tried.
    pub addresses_per_family: usize,
    /// For the TLS handshake, after that.
    pub tls_timeout: Duration,
    /// From a request to the head of its answer, a new connection included.
    pub header_timeout: Duration,
    /// From the head of an answer to the end of its body.
    pub body_timeout: Duration,
    /// What one host that a stranger named is asked at most.
    pub host_limits: HostLimits,
    /// What one host that an operator configured is asked at most.
    pub upstream_limits: HostLimits,
    /// How often redirects of one call may lead from one host to another.
    pub host_changes: u8,
    /// Networks the guard lets through, and in which plain `http` is spoken (development).
    pub allow_networks: Vec<IpNet>,
    /// Ports that a stranger's URL may name beside that of `https`.
    pub allow_ports: Vec<u16>,
    /// PEM files of certificate authorities trusted beside Mozilla's (development).
    pub extra_root_ca: Vec<PathBuf>,
    /// The port of an `https` URL that names none (development; 443).
    pub https_port: u16,
    /// Sent as `User-Agent`.
    pub user_agent: String,
}

impl HttpSettings {
    /// The default of [`Self::head_start`] in milliseconds, as RFC 8305 section 8 recommends it.
    pub const HEAD_START_MS: u64 = 250;
    /// The default of [`Self::addresses_per_family`].
    pub const ADDRESSES_PER_FAMILY: usize = 4;
    /// The default of [`Self::host_changes`]: to the name with `www.`, and to whoever hosts it.
    pub const HOST_CHANGES: u8 = 2;
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(3),
            head_start: Duration::from_millis(Self::HEAD_START_MS),
            addresses_per_family: Self::ADDRESSES_PER_FAMILY,
            tls_timeout: Duration::from_secs(3),
            header_timeout: Duration::from_secs(4),
            body_timeout: Duration::from_secs(4),
            host_limits: HostLimits::DISCOVERED,
            upstream_limits: HostLimits::CONFIGURED,
            host_changes: Self::HOST_CHANGES,
            allow_networks: Vec::new(),
            allow_ports: Vec::new(),
            extra_root_ca: Vec::new(),
            https_port: 443,
            user_agent: concat!("namesake/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Where a discovered host lives: the port through which the guard sees every address before it is used.
pub trait Addresses: Debug + Send + Sync + 'static {
    /// All addresses of `host`, both families; never consults a search list.
    fn addresses<'a>(&'a self, host: &'a str) -> AddressFuture<'a>;
}

/// The future of [`Addresses::addresses`].
pub type AddressFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, AddressError>> + Send + 'a>>;

/// Why a host has no address to connect to.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AddressError {
    /// The DNS says definitely that there is none.
    #[error("the host has no address")]
    NoAddress,
    /// The DNS could not say.
    #[error("its address could not be looked up: {0}")]
    Failed(String),
    /// The DNS said these of one family, and could not say of the other: where they will not do, nothing is known.
    #[error("its address could not be looked up: {reason}")]
    Partly {
        /// At least one.
        found: Vec<IpAddr>,
        /// Why the others are not known.
        reason: String,
    },
}
