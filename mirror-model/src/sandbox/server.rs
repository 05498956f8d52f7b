//! The HTTP below the sandbox: accepts, reads a whole request, answers. Every connection dies with the server.

use std::{
    convert::Infallible,
    future::{Future, pending},
    io,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

use super::reply::{Answer, problem};

/// The longest body that is read.
const LONGEST_BODY: usize = 64 * 1024;
/// How long an accept that failed is waited with, unless a connection ends before.
const MOMENT: Duration = Duration::from_secs(1);

/// Serves until it is dropped.
pub(crate) async fn serve<H, F>(listener: TcpListener, handler: H)
where
    H: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let handler = Arc::new(handler);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&handler)));
                }
                // Out of descriptors, say: those that are open must end first.
                Err(error) => give_way(&error, &mut connections).await,
            },
            Some(_) = connections.join_next() => (),
        }
    }
}

/// Until one of them has ended, or for a moment: others may have the descriptors.
async fn give_way(error: &io::Error, connections: &mut JoinSet<()>) {
    tracing::warn!(error = %error, "sandbox.accept.failed");
    let ended = async {
        if connections.join_next().await.is_none() {
            pending::<()>().await;
        }
    };
    let _ = timeout(MOMENT, ended).await;
}

async fn connection<H, F>(stream: TcpStream, handler: Arc<H>)
where
    H: Fn(Request<Bytes>) -> F + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = Arc::clone(&handler);
        async move { Ok::<_, Infallible>(whole(request, &*handler).await) }
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(error = %error, "sandbox.connection.ended");
    }
}

async fn whole<H, F>(request: Request<Incoming>, handler: &H) -> Answer
where
    H: Fn(Request<Bytes>) -> F,
    F: Future<Output = Answer>,
{
    let (parts, body) = request.into_parts();
    match Limited::new(body, LONGEST_BODY).collect().await {
        Ok(body) => handler(Request::from_parts(parts, body.to_bytes())).await,
        Err(_) => problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long, or did not arrive"),
    }
}
