//! How a TCP connection is made: which addresses a host has, which of them may be used, and in which order.

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
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use tokio::net::TcpStream;
use tower_service::Service;

use super::{AddressError, Addresses, HttpError, HttpFailure, gate::Gates, guard};

/// Makes the connections of one client. TLS is laid over it by `hyper-rustls`.
#[derive(Debug, Clone)]
pub(super) struct Connector(Arc<Rules>);

#[derive(Debug)]
pub(super) struct Rules {
    /// How much each network is asked.
    pub(super) gates: Arc<Gates>,
    /// Where discovered hosts live; `None` for configured hosts, which the system looks up, unguarded.
    pub(super) discovered: Option<Arc<dyn Addresses>>,
    pub(super) allow_networks: Vec<IpNet>,
    pub(super) https_port: u16,
    pub(super) connect_timeout: Duration,
}

impl Connector {
    pub(super) fn new(rules: Rules) -> Self {
        Self(Arc::new(rules))
    }
}

/// The connector with TLS over it, and a deadline for both handshakes together.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    inner: HttpsConnector<Connector>,
    deadline: Duration,
}

impl Tls {
    pub(super) fn new(inner: HttpsConnector<Connector>, deadline: Duration) -> Self {
        Self { inner, deadline }
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
            tokio::time::timeout(rules.connect_timeout, connect(&rules, &uri, &host))
                .await
                .map_err(|_| {
                    HttpError::new(HttpFailure::Timeout, format!("{host} took no connection in time"))
                })?
                .map(TokioIo::new)
        })
    }
}

async fn connect(rules: &Rules, uri: &Uri, host: &str) -> Result<TcpStream, HttpError> {
    let is_https = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if is_https { rules.https_port } else { 80 });
    let addresses = match &rules.discovered {
        None => look_up_by_system(host, port).await?,
        Some(addresses) => {
            let found = look_up(addresses.as_ref(), host).await?;
            permitted(rules, &found, is_https, host)?
        }
    };
    // An equal share of the time for each address, so that one that swallows packets does not use up the others'.
    let share = rules.connect_timeout / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut last = format!("{host} has no address");
    for address in addresses {
        let socket = SocketAddr::new(address, port);
        let may_connect = rules.gates.connect(host, address, rules.connect_timeout).await;
        may_connect.map_err(|refused| HttpError::busy(host, refused))?;
        match tokio::time::timeout(share, TcpStream::connect(socket)).await {
            Ok(Ok(stream)) => {
                // Requests are single small writes: waiting to fill a packet only adds latency.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = format!("{host} takes no connection at {socket}: {error}"),
            Err(_) => last = format!("{host} did not answer at {socket}"),
        }
    }
    Err(HttpError::new(HttpFailure::Connect, last))
}

/// The most addresses of one host that are tried.
const MOST_ADDRESSES: usize = 4;

/// The addresses the guard lets through, for a scheme that may be spoken to them.
fn permitted(rules: &Rules, found: &[IpAddr], is_https: bool, host: &str) -> Result<Vec<IpAddr>, HttpError> {
    let may = |address: &IpAddr| {
        if is_https {
            guard::is_allowed(*address, &rules.allow_networks)
        } else {
            guard::is_in(*address, &rules.allow_networks)
        }
    };
    let allowed: Vec<_> = found.iter().copied().filter(may).take(MOST_ADDRESSES).collect();
    if allowed.is_empty() {
        let reason = if is_https { "its address is not a public one" } else { "only https is spoken there" };
        return Err(HttpError::new(HttpFailure::Refused, format!("{host} is not connected to: {reason}")));
    }
    Ok(allowed)
}

async fn look_up(addresses: &dyn Addresses, host: &str) -> Result<Vec<IpAddr>, HttpError> {
    if let Ok(literal) = host.parse() {
        return Ok(vec![literal]);
    }
    match addresses.addresses(host).await {
        Ok(found) if found.is_empty() => Err(no_address(host)),
        Ok(found) => Ok(found),
        Err(AddressError::NoAddress) => Err(no_address(host)),
        Err(error @ AddressError::Failed(_)) => {
            Err(HttpError::new(HttpFailure::AddressUnknown, format!("{host}: {error}")))
        }
    }
}

fn no_address(host: &str) -> HttpError {
    HttpError::new(HttpFailure::NoAddress, format!("{host} has no address"))
}

async fn look_up_by_system(host: &str, port: u16) -> Result<Vec<IpAddr>, HttpError> {
    let unknown = |error: io::Error| {
        HttpError::new(
            HttpFailure::AddressUnknown,
            format!("{host}: its address could not be looked up: {error}"),
        )
    };
    let found = tokio::net::lookup_host((host, port)).await.map_err(unknown)?;
    Ok(found.map(|socket| socket.ip()).take(MOST_ADDRESSES).collect())
}
