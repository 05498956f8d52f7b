//! How a connection is made: which addresses a host has, which of them and which of its ports may be used.

use std::{
    error::Error,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::{
    AddressError, Addresses, HttpError, HttpFailure, HttpSettings, HttpSetupError,
    attempts::{first, in_turn},
    gate::Gates,
    guard,
};
use crate::shares::Refused;

/// The port of `https`; [`HttpSettings::https_port`] stands for it.
const HTTPS_PORT: u16 = 443;

/// Makes the TCP connections of one client. TLS is laid over it by `hyper-rustls`.
#[derive(Debug, Clone)]
pub(super) struct Connector(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    settings: HttpSettings,
    /// How much each network is asked.
    gates: Arc<Gates>,
    /// Where discovered hosts live; `None` for configured hosts, which the system looks up, unguarded.
    discovered: Option<Arc<dyn Addresses>>,
}

/// The connector with TLS over it, and a deadline for both handshakes together.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    inner: HttpsConnector<Connector>,
    deadline: Duration,
}

impl Tls {
    /// For configured hosts, or for hosts that `discovered` looks up.
    pub(super) fn new(
        settings: &HttpSettings,
        discovered: Option<Arc<dyn Addresses>>,
        gates: Arc<Gates>,
    ) -> Result<Self, HttpSetupError> {
        let connector = Connector(Arc::new(Rules { settings: settings.clone(), gates, discovered }));
        let with_tls = HttpsConnectorBuilder::new().with_tls_config(settings.tls()?).https_or_http();
        let inner = with_tls.enable_http1().wrap_connector(connector);
        Ok(Self { inner, deadline: settings.connect_timeout + settings.tls_timeout })
    }
}

type BoxError = Box<dyn Error + Send + Sync>;

impl Service<Uri> for Tls {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let late = HttpError::new(
            HttpFailure::Timeout,
            format!("{} took no secure connection in time", uri.host().unwrap_or("the host")),
        );
        let connecting = tokio::time::timeout(self.deadline, self.inner.call(uri));
        Box::pin(async move { connecting.await.map_err(|_| late)? })
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, HttpError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HttpError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let rules = Arc::clone(&self.0);
        Box::pin(async move {
            let host =
                uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
            tokio::time::timeout(rules.settings.connect_timeout, connect(&rules, &uri, &host))
                .await
                .map_err(|_| {
                    HttpError::new(HttpFailure::Timeout, format!("{host} took no connection in time"))
                })?
                .map(TokioIo::new)
        })
    }
}

async fn connect(rules: &Rules, uri: &Uri, host: &str) -> Result<TcpStream, HttpError> {
    let HttpSettings { head_start, addresses_per_family, .. } = rules.settings;
    let is_https = uri.scheme_str() == Some("https");
    let port = port(rules, uri, is_https, host)?;
    let addresses = match &rules.discovered {
        None => look_up_by_system(host, port).await?,
        Some(addresses) => {
            let found = look_up(addresses.as_ref(), host).await?;
            permitted(rules, found, is_https, host)?
        }
    };
    let tried = in_turn(&addresses, addresses_per_family);
    let sockets = tried.into_iter().map(|address| SocketAddr::new(address, port)).collect();
    first(sockets, head_start, |socket| open(rules, host, socket))
        .await
        .map_err(|failures| Unconnected::all(failures, host))
}

/// One connection to one address: the only place where one is opened.
async fn open(rules: &Rules, host: &str, socket: SocketAddr) -> Result<TcpStream, Unconnected> {
    let turn = rules.gates.connect(host, socket.ip(), rules.settings.connect_timeout).await;
    turn.map_err(Unconnected::Busy)?;
    let stream = TcpStream::connect(socket)
        .await
        .map_err(|error| Unconnected::Failed(format!("{socket}: {error}")))?;
    // Requests are single small writes: waiting to fill a packet only adds latency.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Why there is no connection to one address.
enum Unconnected {
    /// Its network is asked as much as it may be.
    Busy(Refused),
    /// It takes none, and what it said.
    Failed(String),
}

impl Unconnected {
    /// Why there is no connection to any of a host's addresses. One that was not tried may have taken one.
    fn all(failures: Vec<Self>, host: &str) -> HttpError {
        let mut told = Vec::new();
        for failure in failures {
            match failure {
                Self::Busy(refused) => return HttpError::busy(host, refused),
                Self::Failed(said) => told.push(said),
            }
        }
        HttpError::new(HttpFailure::Connect, format!("{host} takes no connection")).because(told.join("; "))
    }
}

/// The port a URL means. A stranger's may name that of `https`, and those the operator allows: else anybody could have
/// us speak to whatever listens beside a web server.
fn port(rules: &Rules, uri: &Uri, is_https: bool, host: &str) -> Result<u16, HttpError> {
    let HttpSettings { https_port, allow_ports, .. } = &rules.settings;
    match (&rules.discovered, uri.port_u16()) {
        (None, named) => Ok(named.unwrap_or(if is_https { HTTPS_PORT } else { 80 })),
        (Some(_), None | Some(HTTPS_PORT)) if is_https => Ok(*https_port),
        (Some(_), None) => Ok(80),
        (Some(_), Some(named)) if named == *https_port || allow_ports.contains(&named) => Ok(named),
        (Some(_), Some(named)) => Err(HttpError::new(
            HttpFailure::Refused,
            format!("{host} is not connected to at port {named}: only the port of https is asked"),
        )),
    }
}

/// What is known of a host's addresses.
struct Found {
    addresses: Vec<IpAddr>,
    /// Why there may be others.
    unknown: Option<AddressError>,
}

/// The addresses the guard lets through, for a scheme that may be spoken to them. A *name* that has none of these is told
/// from one without an address by nobody: who could, would learn which names exist inside.
fn permitted(rules: &Rules, found: Found, is_https: bool, host: &str) -> Result<Vec<IpAddr>, HttpError> {
    let networks = &rules.settings.allow_networks;
    let (allowed, refused): (Vec<_>, Vec<_>) =
        found.addresses.into_iter().partition(|address| guard::is_allowed(*address, networks));
    if allowed.is_empty() {
        let error = match (host.parse::<IpAddr>(), found.unknown) {
            (Ok(_), _) => HttpError::new(
                HttpFailure::Refused,
                format!("{host} is not connected to: it is not a public address"),
            ),
            (Err(_), Some(unknown)) => address_unknown(host, &unknown),
            (Err(_), None) => no_address(host),
        };
        return Err(error.because(format!("not public: {refused:?}")));
    }
    let spoken: Vec<_> =
        allowed.into_iter().filter(|address| is_https || guard::is_in(*address, networks)).collect();
    if spoken.is_empty() {
        let why = format!("{host} is not connected to: only https is spoken there");
        return Err(HttpError::new(HttpFailure::Refused, why));
    }
    Ok(spoken)
}

async fn look_up(addresses: &dyn Addresses, host: &str) -> Result<Found, HttpError> {
    if let Ok(literal) = host.parse() {
        return Ok(Found { addresses: vec![literal], unknown: None });
    }
    match addresses.addresses(host).await {
        Ok(found) if found.is_empty() => Err(no_address(host)),
        Ok(addresses) => Ok(Found { addresses, unknown: None }),
        Err(AddressError::Partly { found, reason }) => {
            Ok(Found { addresses: found, unknown: Some(AddressError::Failed(reason)) })
        }
        Err(AddressError::NoAddress) => Err(no_address(host)),
        Err(error @ AddressError::Failed(_)) => Err(address_unknown(host, &error)),
    }
}

fn address_unknown(host: &str, error: &AddressError) -> HttpError {
    HttpError::new(HttpFailure::AddressUnknown, format!("{host}: {error}"))
}

fn no_address(host: &str) -> HttpError {
    HttpError::new(HttpFailure::NoAddress, format!("{host} has no address"))
}

async fn look_up_by_system(host: &str, port: u16) -> Result<Vec<IpAddr>, HttpError> {
    let unknown = |error: io::Error| {
        HttpError::new(HttpFailure::AddressUnknown, format!("the address of {host} could not be looked up"))
            .because(error)
    };
    let found = tokio::net::lookup_host((host, port)).await.map_err(unknown)?;
    Ok(found.map(|socket| socket.ip()).collect())
}
