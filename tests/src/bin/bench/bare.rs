//! What there is to compare with: a server of hyper's that returns a constant, and does nothing else.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet};

/// Serves, for as long as `server` runs, what another server once answered: the same headers in the same order (but for
/// those that hyper writes itself), and the same body.
pub(crate) fn serve(server: &Runtime, head: &[u8], body: &[u8]) -> SocketAddr {
    let constant = Arc::new(response(head, body));
    let listener = server.block_on(TcpListener::bind("127.0.0.1:0")).expect("a loopback port");
    let address = listener.local_addr().expect("an address");
    server.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let constant = Arc::clone(&constant);
            connections.spawn(async move {
                let _ = stream.set_nodelay(true);
                let service = service_fn(|_| {
                    let constant = Arc::clone(&constant);
                    async move { Ok::<_, Infallible>((*constant).clone()) }
                });
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

fn response(head: &[u8], body: &[u8]) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(body)));
    let head = std::str::from_utf8(head).expect("ASCII");
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if !["date", "content-length"].contains(&name) {
            let name: HeaderName = name.parse().expect("a name");
            response.headers_mut().append(name, HeaderValue::from_str(value).expect("a value"));
        }
    }
    response
}
