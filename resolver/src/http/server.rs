//! The accept loop: how many connections, how long each part of a request may take, and how they end.

use std::{
    convert::Infallible,
    future::{Future, pending, ready},
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures_util::future::Either;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::JoinSet,
    time::{self, MissedTickBehavior},
};

use super::{Site, beside::beside, head_deadline::Heads, hot, request::Asked};

/// Which routes a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// All.
    Public,
    /// Those for operators.
    Operations,
}

/// How often counters and quotas are tidied up.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

/// Serves until `shutdown`; then accepts nobody, and lets requests that have begun end within the drain time.
pub(crate) async fn serve(
    site: Arc<Site>,
    listener: TcpListener,
    door: Door,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(site.limits.max_connections.min(Semaphore::MAX_PERMITS)));
    let (closing, closed) = watch::channel(false);
    // Owns every connection: whatever outlives the drain ends with this set.
    let mut connections = JoinSet::new();
    let mut tidy = time::interval(HOUSEKEEPING);
    tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => (),
            _ = tidy.tick() => site.tidy(),
            accepted = accept(&listener, &places) => match accepted {
                Ok((stream, peer, place)) => {
                    let site = Arc::clone(&site);
                    connections.spawn(connection(site, stream, peer.ip(), door, closed.clone(), place));
                }
                Err(error) => {
                    tracing::warn!(error.message = %error, "server.accept_failed");
                    // Usually too many open files: a moment lets some close, and is cut short by a shutdown.
                    if time::timeout(Duration::from_millis(50), &mut shutdown).await.is_ok() {
                        break;
                    }
                }
            },
        }
    }
    drop(listener);
    let _ = closing.send(true);
    tracing::info!(connections.open = connections.len(), "server.draining");
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if time::timeout(site.limits.drain_timeout, all_ended).await.is_err() {
        tracing::warn!(connections.open = connections.len(), "server.drain_incomplete");
    }
    Ok(())
}

/// A connection, and its place. No place, no accept: the others wait in the listener's queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, place))
}

async fn connection(
    site: Arc<Site>,
    stream: TcpStream,
    peer: IpAddr,
    door: Door,
    mut closing: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
) {
    // Answers are small, and written whole: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let limits = site.limits;
    // An answer that is a stream is written by us while hyper sends it. There is one at a time (HTTP/1).
    let (begun, mut streams) = mpsc::channel(1);
    let heads = Heads::default();
    let service = service_fn(|request| {
        if let Some(reply) = hot::answer(&site, &request, door) {
            heads.answered();
            return Either::Left(ready(Ok::<_, Infallible>(reply)));
        }
        let (site, begun, under_way) = (&site, &begun, heads.under_way());
        // Boxed: otherwise the answers at hand would carry the room for a wait.
        Either::Right(Box::pin(async move {
            let client = site.options.proxies.client(peer, request.headers());
            let mut reply = super::answer(site, Asked::new(request, client), door).await;
            if let Some(stream) = reply.body_mut().take_writer() {
                let _ = begun.try_send(stream);
            }
            reply.body_mut().is_out_with(under_way);
            Ok(reply)
        }))
    });
    // Not `pipeline_flush`: with it, hyper loses an answer that goes out while part of the request is still unread, as
    // every refusal of something too large does.
    let connection = http1::Builder::new()
        // `heads` sees to it.
        .header_read_timeout(None)
        .max_buf_size(limits.max_header_bytes.max(8 << 10))
        // Most answers are small: to copy one behind its head and write once is less work than to write from two places.
        // Large ones come in pieces (`body`).
        .writev(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);

    let mut told = closing.clone();
    let streaming = async {
        match streams.recv().await {
            Some(stream) => stream.write(told.wait_for(|closing| *closing)).await,
            None => pending().await,
        }
    };
    let mut cut_off = pin!(async {
        tokio::select! {
            () = heads.missed(limits.header_timeout) => tracing::debug!("server.head_timed_out"),
            // Whatever hyper still holds of it is for somebody who does not read it.
            () = streaming => tracing::debug!("server.stream_cut_off"),
        }
    });
    let shut_down = async {
        tokio::select! {
            biased;
            _ = closing.wait_for(|closing| *closing) => true,
            () = &mut cut_off => false,
        }
    };
    let ended = match beside(connection.as_mut(), shut_down).await {
        Either::Left(ended) => ended,
        Either::Right(false) => Ok(()),
        Either::Right(true) => {
            // A request that has begun may end; then there is no other.
            connection.as_mut().graceful_shutdown();
            match beside(connection, cut_off).await {
                Either::Left(ended) => ended,
                Either::Right(()) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        // Clients that go away, or never send a request, are no news.
        tracing::debug!(error.message = %error, "server.connection_ended");
    }
}
