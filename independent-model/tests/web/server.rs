//! A web host on loopback, with TLS and an authority of its own, or plain.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;

/// From a path to a whole HTTP/1.1 answer.
pub(crate) type Site = fn(&str) -> String;

pub(crate) struct WebServer {
    pub(crate) address: SocketAddr,
    pub(crate) authority: Authority,
    _tasks: JoinSet<()>,
}

impl WebServer {
    pub(crate) async fn plain(site: Site) -> Self {
        Self::start(site, None, Authority::new()).await
    }

    pub(crate) async fn tls(names: &[&str], site: Site) -> Self {
        let authority = Authority::new();
        let acceptor = authority.acceptor(names, &[]);
        Self::start(site, Some(acceptor), authority).await
    }

    async fn start(site: Site, tls: Option<TlsAcceptor>, authority: Authority) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let tls = tls.clone();
                connections.spawn(async move {
                    // A client that hangs up ends its connection and nothing else.
                    let _ = match tls {
                        None => serve(stream, site).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, site).await,
                            Err(error) => Err(error),
                        },
                    };
                });
            }
        });
        Self { address, authority, _tasks: tasks }
    }
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, site: Site) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    stream.write_all(site(path).as_bytes()).await?;
    stream.shutdown().await
}

/// An answer with this status line and body.
pub(crate) fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// A redirect to `target`.
pub(crate) fn redirect(target: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
