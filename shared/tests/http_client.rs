//! The outgoing client against a real TLS host with a certificate authority of its own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
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

/// Names that exist, and where; counts how often it was asked.
#[derive(Debug, Default)]
struct Hosts {
    answers: Vec<(&'static str, IpAddr)>,
    asked: AtomicUsize,
}

impl Addresses for Hosts {
    fn addresses<'a>(&'a self, host: &'a str) -> AddressFuture<'a> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let found = self.answers.iter().find(|(name, _)| *name == host);
        let answer = found.map(|(_, address)| vec![*address]).ok_or(AddressError::NoAddress);
        Box::pin(async move { answer })
    }
}

/// A TLS host on loopback, and the authority that vouches for its names.
struct World {
    address: SocketAddr,
    ca: tempfile::NamedTempFile,
    trusted: bool,
}

impl World {
    async fn start() -> Self {
        Self::start_with(true).await
    }

    async fn start_with(trusted: bool) -> Self {
        let mut authority = CertificateParams::new(vec![]).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = ["good.test", "other.test"].map(str::to_owned);
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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                spawn(async move {
                    if let Ok(tls) = acceptor.accept(stream).await {
                        serve(tls).await;
                    }
                });
            }
        });
        Self { address, ca, trusted }
    }

    fn settings(&self) -> HttpSettings {
        HttpSettings {
            allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
            extra_root_ca: if self.trusted { vec![self.ca.path().to_owned()] } else { vec![] },
            https_port: self.address.port(),
            ..HttpSettings::default()
        }
    }

    fn hosts() -> Arc<Hosts> {
        let loopback = ["good.test", "other.test", "stranger.test"].map(|name| (name, [127, 0, 0, 1].into()));
        let answers = loopback.into_iter().chain([("private.test", [10, 0, 0, 1].into())]).collect();
        Arc::new(Hosts { answers, asked: AtomicUsize::new(0) })
    }

    async fn get(&self, url: &str, redirects: u8) -> Result<Reply, HttpFailure> {
        let client = HttpClient::discovered(&self.settings(), Self::hosts()).unwrap();
        let call = Call::get(url.parse().unwrap()).cap(2048).redirects(redirects);
        client.send(call).await.map_err(|error| error.failure)
    }
}

#[expect(clippy::disallowed_methods, reason = "these hosts live as long as the test's runtime")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}

/// Answers one request by its path, in raw HTTP so that every kind of nonsense can be said.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
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
    let hops = path.strip_prefix("/hop/").and_then(|left| left.parse::<u32>().ok()).filter(|&left| left > 0);
    let answer = match (path, hops) {
        (_, Some(left)) => to(&format!("/hop/{}", left - 1)),
        ("/loop", _) => to("/loop"),
        ("/to-http", _) => to("http://good.test/"),
        ("/to-private", _) => to("https://private.test/"),
        ("/to-literal", _) => to("https://[::ffff:10.0.0.1]/"),
        ("/to-other", _) => to("https://other.test/"),
        ("/nonsense", _) => "SMTP ready\r\n\r\n".to_owned(),
        ("/long", _) => format!("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{}", "x".repeat(9999)),
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

#[tokio::test]
async fn any_status_is_an_answer() {
    let world = World::start().await;
    assert_eq!(world.get("https://good.test/", 0).await.unwrap().body, "ok");
    let missing = world.get("https://good.test/404", 0).await.unwrap();
    assert_eq!((missing.status.as_u16(), missing.body.as_ref()), (404, b"gone".as_ref()));
}

#[tokio::test]
async fn redirects_are_counted_and_judged() {
    let world = World::start().await;
    assert_eq!(world.get("https://good.test/hop/5", 5).await.unwrap().url.path(), "/hop/0");
    for path in ["hop/6", "loop", "to-http"] {
        let failure = world.get(&format!("https://good.test/{path}"), 5).await.unwrap_err();
        assert_eq!(failure, HttpFailure::Redirect, "{path}");
    }
    assert_eq!(world.get("https://good.test/to-other", 5).await.unwrap().url.host_str(), Some("other.test"));
    assert_eq!(world.get("https://good.test/hop/1", 0).await.unwrap().status, 302, "not followed, answered");
}

#[tokio::test]
async fn every_hop_is_guarded_at_connect() {
    let world = World::start().await;
    let off_limits = [
        "https://private.test/",
        "https://good.test/to-private",
        "https://good.test/to-literal",
        "https://169.254.169.254/",
        "https://[::1]/",
        "http://1.1.1.1/",
    ];
    for url in off_limits {
        assert_eq!(world.get(url, 5).await.unwrap_err(), HttpFailure::Refused, "{url}");
    }
    let unopened = HttpSettings { allow_networks: vec![], ..world.settings() };
    let client = HttpClient::discovered(&unopened, World::hosts()).unwrap();
    let refused = client.send(Call::get("https://good.test/".parse().unwrap())).await.unwrap_err();
    assert_eq!(refused.failure, HttpFailure::Refused, "loopback, unless the operator opened it");
}

#[tokio::test]
async fn the_address_that_was_judged_is_the_address_that_is_used() {
    let world = World::start().await;
    let hosts = World::hosts();
    let client = HttpClient::discovered(&world.settings(), Arc::clone(&hosts) as Arc<dyn Addresses>).unwrap();
    client.send(Call::get("https://good.test/".parse().unwrap())).await.unwrap();
    assert_eq!(hosts.asked.load(Ordering::Relaxed), 1, "one look-up a connection leaves nothing to rebind");
}

#[tokio::test]
async fn bodies_are_read_up_to_the_cap() {
    let world = World::start().await;
    assert_eq!(world.get("https://good.test/endless", 0).await.unwrap_err(), HttpFailure::TooLarge);
    assert_eq!(world.get("https://good.test/long", 0).await.unwrap_err(), HttpFailure::TooLarge);
}

#[tokio::test]
async fn certificates_are_verified() {
    let world = World::start().await;
    assert_eq!(world.get("https://stranger.test/", 0).await.unwrap_err(), HttpFailure::Tls, "wrong name");
    let unknown = World::start_with(false).await;
    assert_eq!(
        unknown.get("https://good.test/", 0).await.unwrap_err(),
        HttpFailure::Tls,
        "unknown authority"
    );
}

#[tokio::test]
async fn failures_are_told_apart() {
    let world = World::start().await;
    assert_eq!(world.get("https://nowhere.test/", 0).await.unwrap_err(), HttpFailure::NoAddress);
    assert_eq!(world.get("https://good.test/nonsense", 0).await.unwrap_err(), HttpFailure::Protocol);
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let nobody = world.get(&format!("https://good.test:{free}/"), 0).await.unwrap_err();
    assert_eq!(nobody, HttpFailure::Connect);
    let impatient = Call::get("https://good.test/silent".parse().unwrap()).within(Duration::from_millis(50));
    let client = HttpClient::discovered(&world.settings(), World::hosts()).unwrap();
    assert_eq!(client.send(impatient).await.unwrap_err().failure, HttpFailure::Timeout);
}

#[tokio::test]
async fn each_part_has_a_deadline_of_its_own() {
    let world = World::start().await;
    let short = Duration::from_millis(50);
    let head = HttpSettings { header_timeout: short, ..world.settings() };
    let body = HttpSettings { body_timeout: short, ..world.settings() };
    for (settings, path) in [(head, "silent"), (body, "slow-body")] {
        let client = HttpClient::discovered(&settings, World::hosts()).unwrap();
        let call = Call::get(format!("https://good.test/{path}").parse().unwrap());
        assert_eq!(client.send(call).await.unwrap_err().failure, HttpFailure::Timeout, "{path}");
    }
    // Takes the connection, and never says a word of TLS.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = HttpSettings {
        https_port: mute.local_addr().unwrap().port(),
        connect_timeout: short,
        tls_timeout: short,
        ..world.settings()
    };
    let client = HttpClient::discovered(&settings, World::hosts()).unwrap();
    let error = client.send(Call::get("https://good.test/".parse().unwrap())).await.unwrap_err();
    assert_eq!(error.failure, HttpFailure::Timeout);
    assert!(error.message.contains("secure"), "{error}");
}

#[tokio::test]
async fn a_configured_host_is_not_guarded_and_not_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    let client = HttpClient::configured(&HttpSettings::default()).unwrap();
    let get = |path: &str| Call::get(format!("http://{address}{path}").parse().unwrap()).redirects(3);
    assert_eq!(client.send(get("/hop/2")).await.unwrap().body, "ok");
    let off = client.send(get("/to-other")).await.unwrap_err();
    assert_eq!(off.failure, HttpFailure::Redirect);
}
