//! The bare server, with an answer of somebody else's.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet};

use crate::Peer;

/// Serves `com.atproto.identity.resolveHandle` on a loopback port, for as long as the runtime runs.
pub(crate) fn start<P: Peer>(runtime: &Runtime, peer: P) -> io::Result<SocketAddr> {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    runtime.spawn(serve(listener, Arc::new(peer)));
    Ok(address)
}

async fn serve<P: Peer>(listener: TcpListener, peer: Arc<P>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let peer = Arc::clone(&peer);
        connections.spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(|request| {
                let peer = Arc::clone(&peer);
                async move { Ok::<_, Infallible>(answer(&*peer, &request).await) }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer<P: Peer, B>(peer: &P, request: &Request<B>) -> Response<Full<Bytes>> {
    let query = request.uri().query().unwrap_or_default();
    let handle = query.strip_prefix("handle=").unwrap_or_default();
    let (status, body) = match peer.resolve(handle).await {
        Ok(did) => (StatusCode::OK, format!(r#"{{"did":"{did}"}}"#)),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
