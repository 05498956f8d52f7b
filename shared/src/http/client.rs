//! The client: deadlines, redirects and body caps, over one of the two connectors.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use url::Url;

use super::{
    Addresses, Call, HttpError, HttpFailure, HttpSettings, Reply,
    connector::Tls,
    fault::{chain, classify},
    gate::Gates,
};

/// Idle connections kept to one host, and for how long.
const POOL_PER_HOST: usize = 8;
const POOL_IDLE: Duration = Duration::from_secs(30);

/// Sends calls; cheap to clone, pools its connections.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: Client<Tls, Full<Bytes>>,
    gates: Arc<Gates>,
    reach: Reach,
    deadlines: Deadlines,
    user_agent: HeaderValue,
}

/// How long each part of an exchange may take.
#[derive(Debug, Clone, Copy)]
struct Deadlines {
    whole: Duration,
    head: Duration,
    body: Duration,
}

/// How far a redirect may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// To the host that was asked.
    Host,
    /// Anywhere the guard lets through, by `https`, from host to host so often.
    World { host_changes: u8 },
}

/// Settings a client cannot be made of.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HttpSetupError(String);

impl HttpClient {
    /// For hosts an operator configured.
    ///
    /// # Errors
    /// [`HttpSetupError`] when a certificate file cannot be read.
    pub fn configured(settings: &HttpSettings) -> Result<Self, HttpSetupError> {
        Self::new(settings, None)
    }

    /// For hosts that strangers name; `addresses` is the only way their names are looked up.
    ///
    /// # Errors
    /// [`HttpSetupError`] when a certificate file cannot be read.
    pub fn discovered(
        settings: &HttpSettings,
        addresses: Arc<dyn Addresses>,
    ) -> Result<Self, HttpSetupError> {
        Self::new(settings, Some(addresses))
    }

    fn new(settings: &HttpSettings, discovered: Option<Arc<dyn Addresses>>) -> Result<Self, HttpSetupError> {
        let reach = match discovered {
            None => Reach::Host,
            Some(_) => Reach::World { host_changes: settings.host_changes },
        };
        let gates = Arc::new(Gates::new(match reach {
            Reach::Host => settings.upstream_limits,
            Reach::World { .. } => settings.host_limits,
        }));
        let with_tls = Tls::new(settings, discovered, Arc::clone(&gates))?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_PER_HOST)
            .build(with_tls);
        let user_agent = HeaderValue::from_str(&settings.user_agent)
            .map_err(|_| HttpSetupError(format!("{:?} cannot be a User-Agent", settings.user_agent)))?;
        let HttpSettings { timeout: whole, header_timeout: head, body_timeout: body, .. } = *settings;
        Ok(Self { client, gates, reach, deadlines: Deadlines { whole, head, body }, user_agent })
    }

    /// Sends `call` and reads the whole answer, redirects included, before one deadline.
    ///
    /// # Errors
    /// [`HttpError`] when there is no usable answer; any status is an answer.
    pub async fn send(&self, call: Call) -> Result<Reply, HttpError> {
        let host = call.url.host_str().unwrap_or_default().to_owned();
        let whole = self.deadlines.whole;
        let deadline = call.deadline.map_or(whole, |deadline| deadline.min(whole));
        tokio::time::timeout(deadline, self.follow(call, deadline)).await.map_err(|_| {
            HttpError::new(HttpFailure::Timeout, format!("{host} gave no whole answer in time"))
        })?
    }

    async fn follow(&self, call: Call, deadline: Duration) -> Result<Reply, HttpError> {
        let mut url = call.url.clone();
        let mut host_changes = 0;
        for hops_left in (0..=call.redirects).rev() {
            // Held until this hop's answer is read.
            let pass = self.gates.pass(host(&url), deadline).await;
            let _pass = pass.map_err(|refused| HttpError::busy(host(&url), refused))?;
            let response = within(self.deadlines.head, &url, self.exchange(&call, &url)).await?;
            if call.redirects == 0 || call.method != Method::GET || !leads_on(response.status()) {
                return within(self.deadlines.body, &url.clone(), read(response, url, &call)).await;
            }
            if hops_left == 0 {
                break;
            }
            let to = self.next_hop(&response, &url)?;
            host_changes += u8::from(host(&to) != host(&url));
            self.reach.allows(host_changes, host(&call.url))?;
            url = to;
        }
        let most = call.redirects;
        Err(HttpError::new(
            HttpFailure::Redirect,
            format!("{} redirects more than {most} times", host(&call.url)),
        ))
    }

    async fn exchange(&self, call: &Call, url: &Url) -> Result<Response<Incoming>, HttpError> {
        let unusable = |error: http::Error| {
            HttpError::new(HttpFailure::Protocol, format!("{} cannot be asked for", host(url))).because(error)
        };
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(url.as_str())
            .body(Full::new(call.body.clone()))
            .map_err(unusable)?;
        request.headers_mut().extend(call.headers.clone());
        request.headers_mut().insert(header::USER_AGENT, self.user_agent.clone());
        self.client.request(request).await.map_err(|error| classify(&error, host(url)))
    }

    fn next_hop(&self, response: &Response<Incoming>, from: &Url) -> Result<Url, HttpError> {
        let refuse =
            |why: &str| HttpError::new(HttpFailure::Redirect, format!("{} redirects {why}", host(from)));
        let to = response
            .headers()
            .get(header::LOCATION)
            .and_then(|location| location.to_str().ok())
            .and_then(|location| from.join(location).ok())
            .ok_or_else(|| refuse("to nowhere"))?;
        match self.reach {
            _ if to.scheme() == "http" && from.scheme() == "https" => Err(refuse("away from https")),
            _ if !matches!(to.scheme(), "http" | "https") => Err(refuse("away from https")),
            Reach::Host if to.origin() != from.origin() => Err(refuse("to another host")),
            Reach::Host | Reach::World { .. } => Ok(to),
        }
    }
}

impl Reach {
    /// Whether the redirects of one call may have led from host to host so often: each host more is a question that a
    /// stranger has us ask of somebody else.
    fn allows(self, host_changes: u8, first: &str) -> Result<(), HttpError> {
        match self {
            Self::World { host_changes: most } if host_changes > most => Err(HttpError::new(
                HttpFailure::Redirect,
                format!("{first} redirects from host to host more than {most} times"),
            )),
            Self::Host | Self::World { .. } => Ok(()),
        }
    }
}

/// One part of an exchange, within its own deadline.
async fn within<T>(
    deadline: Duration,
    url: &Url,
    part: impl Future<Output = Result<T, HttpError>>,
) -> Result<T, HttpError> {
    let late = |_| HttpError::new(HttpFailure::Timeout, format!("{} is too slow", host(url)));
    tokio::time::timeout(deadline, part).await.map_err(late)?
}

fn leads_on(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    )
}

/// Reads at most [`Call::cap`] bytes; a longer body is dropped, and its connection with it.
async fn read(response: Response<Incoming>, url: Url, call: &Call) -> Result<Reply, HttpError> {
    let cap = call.cap;
    let too_large = || {
        HttpError::new(HttpFailure::TooLarge, format!("{} answered with more than {cap} bytes", host(&url)))
    };
    let (head, mut incoming) = response.into_parts();
    if call.skip_failure_bodies && !head.status.is_success() {
        return Ok(Reply { status: head.status, headers: head.headers, body: Bytes::new(), url });
    }
    if incoming.size_hint().lower() > cap as u64 {
        return Err(too_large());
    }
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| {
            HttpError::new(HttpFailure::Connect, format!("{} broke off its answer", host(&url)))
                .because(chain(&error))
        })?;
        if let Ok(data) = frame.into_data() {
            if body.len() + data.len() > cap {
                return Err(too_large());
            }
            body.extend_from_slice(&data);
        }
    }
    Ok(Reply { status: head.status, headers: head.headers, body: body.freeze(), url })
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or("the host")
}

impl HttpSettings {
    /// How a server's certificate is judged: by Mozilla's roots and [`Self::extra_root_ca`]. Also for other protocols
    /// over TLS that follow these settings.
    ///
    /// # Errors
    /// [`HttpSetupError`] when a certificate file cannot be read.
    pub fn tls(&self) -> Result<ClientConfig, HttpSetupError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for file in &self.extra_root_ca {
            let unusable = |error: &dyn Error| {
                HttpSetupError(format!(
                    "the certificate authority in {} cannot be used: {error}",
                    file.display()
                ))
            };
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unusable(&error))? {
                let certificate = certificate.map_err(|error| unusable(&error))?;
                roots.add(certificate).map_err(|error| unusable(&error))?;
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| HttpSetupError(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(config)
    }
}
