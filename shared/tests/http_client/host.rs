//! A TLS host on loopback, the authority that vouches for its names, and a DNS that knows them.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use namesake::http::{
    AddressError, AddressFuture, Addresses, Call, HttpClient, HttpFailure, HttpSettings, Reply,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use crate::strangers::FORMS;

/// Names that exist, and where; counts how often it was asked.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    answers: Vec<(&'static str, Vec<IpAddr>)>,
    pub(crate) asked: AtomicUsize,
}

impl Addresses for Hosts {
    fn addresses<'a>(&'a self, host: &'a str) -> AddressFuture<'a> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let found = self.answers.iter().find(|(name, _)| *name == host);
        let answer = found.map(|(_, addresses)| addresses.clone()).ok_or(AddressError::NoAddress);
        Box::pin(async move { answer })
    }
}

/// The names of the host.
const NAMES: [&str; 5] = ["good.test", "other.test", "third.test", "fourth.test", "many.test"];

/// A TLS host on loopback, and the authority that vouches for its names.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    ca: tempfile::NamedTempFile,
    requests: Arc<AtomicUsize>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1").await
    }

    /// At an address of the loopback network.
    pub(crate) async fn start_at(ip: &str) -> Self {
        let mut authority = CertificateParams::new(vec![]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = NAMES.map(str::to_owned);
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let ca = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(ca.path(), issuer.pem()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&requests);
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
                spawn(async move {
                    if let Ok(tls) = acceptor.accept(stream).await {
                        counted.fetch_add(1, Ordering::Relaxed);
                        serve(tls).await;
                    }
                });
            }
        });
        Self { address, ca, requests }
    }

    pub(crate) fn settings(&self) -> HttpSettings {
        HttpSettings {
            allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
            extra_root_ca: vec![self.ca.path().to_owned()],
            https_port: self.address.port(),
            ..HttpSettings::default()
        }
    }

    /// How many connections got so far as to ask something; each is answered once.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn hosts(&self) -> Arc<Hosts> {
        let here = self.address.ip();
        let loopback = NAMES.into_iter().chain(["stranger.test"]).map(|name| (name, vec![here]));
        Self::hosts_with(loopback.chain([("private.test", vec![[10, 0, 0, 1].into()])]).collect())
    }

    pub(crate) fn hosts_with(answers: Vec<(&'static str, Vec<IpAddr>)>) -> Arc<Hosts> {
        Arc::new(Hosts { answers, asked: AtomicUsize::new(0) })
    }

    pub(crate) async fn get(&self, url: &str, redirects: u8) -> Result<Reply, HttpFailure> {
        let client = HttpClient::discovered(&self.settings(), self.hosts()).unwrap();
        let call = Call::get(url.parse().unwrap()).cap(2048).redirects(redirects);
        client.send(call).await.map_err(|error| error.failure)
    }
}

#[expect(clippy::disallowed_methods, reason = "these hosts live as long as the test's runtime")]
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}

/// Answers one request by its path, in raw HTTP so that every kind of nonsense can be said.
pub(crate) async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&chunk[..read]),
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default();
    let to = |location: &str| {
        format!(
            "HTTP/1.1 302 Found\r\nlocation: {location}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        )
    };
    if let Some(form) = path.strip_prefix("/form/") {
        let location = FORMS[form.parse::<usize>().unwrap()];
        let _ = stream.write_all(to(location).as_bytes()).await;
        return;
    }
    let hops = path.strip_prefix("/hop/").and_then(|left| left.parse::<u32>().ok()).filter(|&left| left > 0);
    let answer = match (path, hops) {
        (_, Some(left)) => to(&format!("/hop/{}", left - 1)),
        ("/loop", _) => to("/loop"),
        ("/to-http", _) => to("http://good.test/"),
        ("/to-private", _) => to("https://private.test/"),
        ("/to-literal", _) => to("https://[::ffff:10.0.0.1]/"),
        ("/to-other", _) => to("https://other.test/"),
        ("/round", _) => to("https://other.test/round/2"),
        ("/round/2", _) => to("https://third.test/round/3"),
        ("/round/3", _) => to("https://fourth.test/"),
        ("/nonsense", _) => "SMTP ready\r\n\r\n".to_owned(),
        ("/long", _) => format!("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{}", "x".repeat(9999)),
        ("/broken-off", _) => "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok".to_owned(),
        ("/silent", _) => std::future::pending().await,
        ("/slow-body", _) => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n1").await;
            std::future::pending().await
        }
        ("/endless", _) => {
            let chunk = format!("100\r\n{}\r\n", "x".repeat(0x100));
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
            while stream.write_all(chunk.as_bytes()).await.is_ok() {}
            return;
        }
        ("/404", _) => {
            "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 4\r\n\r\ngone".to_owned()
        }
        _ => "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok".to_owned(),
    };
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}
