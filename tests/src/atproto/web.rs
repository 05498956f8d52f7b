//! Web hosts on loopback: one listener, TLS with an authority of its own, a script for each host and path.

use std::{
    collections::HashMap,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::PrivateKeyDer,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::Gate;

/// What a host shows when it is asked for its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// One for its name, of the authority the service trusts.
    Valid,
    /// The same, over since 2020.
    Expired,
    /// For its name, signed by itself.
    SelfSigned,
    /// Valid, for another name.
    OtherName,
}

/// What is answered under a path.
#[derive(Debug, Clone)]
pub struct Page {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    delay: Duration,
    gate: Option<Gate>,
}

/// How a body comes.
#[derive(Debug, Clone)]
pub enum Body {
    /// At once.
    Whole(Vec<u8>),
    /// The head never comes either: the host took the request and is silent.
    Silence,
    /// Chunks of this text without end, one each few milliseconds.
    Endless(&'static str),
    /// A byte a second.
    Drip(&'static str),
}

impl Page {
    /// An answer with this status and body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Whole(body.into()),
            delay: Duration::ZERO,
            gate: None,
        }
    }

    /// 200 with this body.
    #[must_use]
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body)
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self::new(302, "").header("location", to)
    }

    /// 200 with a body that comes in this way.
    #[must_use]
    pub fn coming(body: Body) -> Self {
        Self { body, ..Self::ok("") }
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same, later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The same, once the gate is open.
    #[must_use]
    pub fn behind(self, gate: &Gate) -> Self {
        Self { gate: Some(gate.clone()), ..self }
    }
}

pub(super) const WELL_KNOWN: &str = "/.well-known/atproto-did";
pub(super) const DID_JSON: &str = "/.well-known/did.json";

/// All web hosts of a world. [`super::World::host`] makes one: a name with an address and a certificate.
pub struct WebHosts {
    pub(super) address: SocketAddr,
    pub(super) authority: tempfile::NamedTempFile,
    certificates: Arc<Certificates>,
    shelf: Arc<Shelf>,
    _tasks: JoinSet<()>,
}

impl fmt::Debug for WebHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebHosts").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Pages by host and path, and what was asked for.
#[derive(Debug)]
pub(super) struct Shelf {
    pages: Mutex<HashMap<(String, String), Page>>,
    fallback: Mutex<Page>,
    requests: watch::Sender<Vec<(String, String)>>,
    connections: watch::Sender<usize>,
    /// Bytes of bodies that were taken from us.
    sent: watch::Sender<usize>,
}

impl Shelf {
    pub(super) fn new(fallback: Page) -> Arc<Self> {
        Arc::new(Self {
            pages: Mutex::default(),
            fallback: Mutex::new(fallback),
            requests: watch::Sender::new(Vec::new()),
            connections: watch::Sender::new(0),
            sent: watch::Sender::new(0),
        })
    }

    pub(super) fn put(&self, host: &str, path: &str, page: Page) {
        lock(&self.pages).insert((host.to_owned(), path.to_owned()), page);
    }

    pub(super) fn fall_back_to(&self, page: Page) {
        *lock(&self.fallback) = page;
    }

    pub(super) fn clear(&self) {
        lock(&self.pages).clear();
    }

    pub(super) fn requests(&self) -> Vec<(String, String)> {
        self.requests.borrow().clone()
    }

    fn page(&self, host: &str, path: &str) -> Page {
        self.requests.send_modify(|all| all.push((host.to_owned(), path.to_owned())));
        let known = lock(&self.pages).get(&(host.to_owned(), path.to_owned())).cloned();
        known.unwrap_or_else(|| lock(&self.fallback).clone())
    }
}

impl WebHosts {
    /// On an address of the loopback network that is not `127.0.0.1`, so that a test can refuse that one.
    pub(super) async fn start() -> Self {
        let authority = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(authority.path(), AUTHORITY.0.pem()).expect("written");
        let certificates = Arc::new(Certificates::default());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Certificates>::clone(&certificates));
        let shelf = Shelf::new(Page::new(404, "nothing here"));
        let listener = TcpListener::bind("127.77.0.1:0").await.expect("the whole of 127/8 is loopback");
        let address = listener.local_addr().expect("an address");
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(listener, Some(TlsAcceptor::from(Arc::new(config))), Arc::clone(&shelf)));
        Self { address, authority, certificates, shelf, _tasks: tasks }
    }

    /// `host` shows this certificate. Names without one refuse the handshake.
    pub fn certify(&self, host: &str, certificate: Certificate) {
        lock(&self.certificates.0).insert(host.to_owned(), Arc::new(certified(host, certificate)));
    }

    /// What `host` answers under `path`.
    pub fn page(&self, host: &str, path: &str, page: Page) {
        self.shelf.put(host, path, page);
    }

    /// What `host` answers at `/.well-known/atproto-did`.
    pub fn proof(&self, host: &str, page: Page) {
        self.page(host, WELL_KNOWN, page);
    }

    /// What `host` answers at `/.well-known/did.json`.
    pub fn document(&self, host: &str, page: Page) {
        self.page(host, DID_JSON, page);
    }

    /// The address all hosts have.
    #[must_use]
    pub fn ip(&self) -> String {
        self.address.ip().to_string()
    }

    /// The port all hosts are at.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many requests `host` got.
    #[must_use]
    pub fn asked(&self, host: &str) -> usize {
        self.shelf.requests.borrow().iter().filter(|(name, _)| name == host).count()
    }

    /// How many connections were made, whether or not a request came of them.
    #[must_use]
    pub fn connections(&self) -> usize {
        *self.shelf.connections.borrow()
    }

    /// How many bytes of bodies clients took.
    #[must_use]
    pub fn sent(&self) -> usize {
        *self.shelf.sent.borrow()
    }

    /// Waits until `host` got so many requests.
    pub async fn heard(&self, host: &str, times: usize) {
        let enough =
            |all: &Vec<(String, String)>| all.iter().filter(|(name, _)| name == host).count() >= times;
        self.shelf.requests.subscribe().wait_for(enough).await.expect("the shelf lives");
    }
}

pub(super) async fn listen(listener: TcpListener, tls: Option<TlsAcceptor>, shelf: Arc<Shelf>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shelf.connections.send_modify(|count| *count += 1);
        let (tls, shelf) = (tls.clone(), Arc::clone(&shelf));
        connections.spawn(async move {
            // A client that hangs up ends its connection and nothing else.
            let _ = match tls {
                None => serve(stream, &shelf).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve(stream, &shelf).await,
                    Err(error) => Err(error),
                },
            };
        });
        while connections.try_join_next().is_some() {}
    }
}

/// One request a connection.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, shelf: &Shelf) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let host =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("host:").map(str::to_owned));
    let host = host.unwrap_or_default();
    let page = shelf.page(host.trim().split(':').next().unwrap_or_default(), path);
    if let Some(gate) = &page.gate {
        gate.pass().await;
    }
    pause(page.delay).await;
    let mut answer = format!("HTTP/1.1 {} Scripted\r\nconnection: close\r\n", page.status);
    for (name, value) in &page.headers {
        answer += &format!("{name}: {value}\r\n");
    }
    let mut send = async |part: &[u8]| {
        stream.write_all(part).await?;
        stream.flush().await?;
        shelf.sent.send_modify(|sent| *sent += part.len());
        Ok::<_, io::Error>(())
    };
    match page.body {
        Body::Silence => std::future::pending().await,
        Body::Whole(body) => {
            answer += &format!("content-length: {}\r\n\r\n", body.len());
            send(&[answer.as_bytes(), &body].concat()).await?;
        }
        Body::Endless(chunk) => {
            send(format!("{answer}transfer-encoding: chunked\r\n\r\n").as_bytes()).await?;
            loop {
                send(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes()).await?;
                pause(Duration::from_millis(5)).await;
            }
        }
        Body::Drip(text) => {
            send(format!("{answer}content-length: {}\r\n\r\n", text.len()).as_bytes()).await?;
            for byte in text.bytes() {
                send(&[byte]).await?;
                pause(Duration::from_secs(1)).await;
            }
        }
    }
    stream.shutdown().await
}

async fn pause(time: Duration) {
    let _ = tokio::time::timeout(time, std::future::pending::<()>()).await;
}

/// One authority and one key for all worlds of a process: what differs is the certificate.
static AUTHORITY: LazyLock<(CertifiedIssuer<'static, KeyPair>, KeyPair)> = LazyLock::new(|| {
    let mut params = CertificateParams::new(vec![]).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("issuer");
    (issuer, KeyPair::generate().expect("a key"))
});

/// By the name in the client's hello (SNI).
#[derive(Debug, Default)]
struct Certificates(Mutex<HashMap<String, Arc<CertifiedKey>>>);

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        lock(&self.0).get(hello.server_name()?).cloned()
    }
}

fn certified(host: &str, kind: Certificate) -> CertifiedKey {
    let (issuer, key) = &*AUTHORITY;
    let name = if kind == Certificate::OtherName { "somebody-else.example.com" } else { host };
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    if kind == Certificate::Expired {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let leaf = match kind {
        Certificate::SelfSigned => params.self_signed(key),
        _ => params.signed_by(key, issuer),
    };
    let leaf = leaf.expect("a certificate");
    let private = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let signer = ring::sign::any_supported_type(&private).expect("a signing key");
    CertifiedKey::new(vec![leaf.der().clone()], signer)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
