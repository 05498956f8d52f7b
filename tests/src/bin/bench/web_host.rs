//! A web host that is everybody's: TLS with an authority of its own, the same answer to every request, on a thread of its
//! own.

use std::{net::SocketAddr, sync::Arc, thread};

use namesake::http::HttpSettings;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    runtime::Builder,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::service;

/// How long a connection lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connections {
    /// As long as the client likes.
    Kept,
    /// For one request.
    Fresh,
}

/// Answers for every name directly below `example.com`, until the process ends.
pub(crate) struct WebHost {
    pub(crate) address: SocketAddr,
    authority: NamedTempFile,
}

impl WebHost {
    /// Answers every request with a DID.
    pub(crate) fn start(connections: Connections) -> Self {
        let (config, authority) = certified();
        let file = NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), authority).expect("written");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        thread::spawn(move || runtime.block_on(listen(listener, config, connections)));
        Self { address, authority: file }
    }

    /// With which it is reached.
    pub(crate) fn settings(&self) -> HttpSettings {
        HttpSettings {
            allow_networks: vec!["127.0.0.0/8".parse().expect("a network")],
            extra_root_ca: vec![self.authority.path().to_owned()],
            https_port: self.address.port(),
            ..HttpSettings::default()
        }
    }
}

async fn listen(listener: std::net::TcpListener, config: ServerConfig, connections: Connections) {
    let (closing, body) =
        (if connections == Connections::Fresh { "connection: close\r\n" } else { "" }, service::did(7));
    let answer = format!("HTTP/1.1 200 OK\r\n{closing}content-length: {}\r\n\r\n{body}", body.len());
    let (answer, tls) = (Arc::<str>::from(answer), TlsAcceptor::from(Arc::new(config)));
    let listener = TcpListener::from_std(listener).expect("a listener");
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (answer, tls) = (Arc::clone(&answer), tls.clone());
        open.spawn(async move {
            // A client that hangs up ends its connection and nothing else.
            let _ = serve(stream, &tls, &answer, connections).await;
        });
        while open.try_join_next().is_some() {}
    }
}

async fn serve(
    stream: TcpStream,
    tls: &TlsAcceptor,
    answer: &str,
    connections: Connections,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = tls.accept(stream).await?;
    let (mut buffer, mut filled) = ([0; 2048], 0);
    loop {
        match stream.read(&mut buffer[filled..]).await? {
            0 => return Ok(()),
            more => filled += more,
        }
        // Nobody asks again before they are answered.
        if buffer[..filled].ends_with(b"\r\n\r\n") {
            filled = 0;
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
            if connections == Connections::Fresh {
                return stream.shutdown().await;
            }
        }
    }
}

/// With a certificate for all names, and the authority that signed it (PEM).
fn certified() -> (ServerConfig, String) {
    let mut params = CertificateParams::new(vec![]).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority =
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("issuer");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["*.example.com".to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, &authority).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a certificate and its key");
    (config, authority.pem())
}
