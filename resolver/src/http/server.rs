//! The accept loop: how many connections, how long each part of a request may take, and how they end.

use std::{
    convert::Infallible,
    future::{Future, pending},
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::TokioIo,
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::JoinSet,
    time::{self, MissedTickBehavior},
};

use super::{Site, head_deadline::HeadDeadline, request::Asked};

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
    let graceful = GracefulShutdown::new();
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
                    let ends = Ends { watcher: graceful.watcher(), closing: closed.clone() };
                    connections.spawn(connection(site, stream, peer.ip(), door, ends, place));
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
    if time::timeout(site.limits.drain_timeout, graceful.shutdown()).await.is_err() {
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

/// What a connection hears of a shutdown.
struct Ends {
    /// For requests that have begun: they may end.
    watcher: Watcher,
    /// For streams, which would never end by themselves.
    closing: watch::Receiver<bool>,
}

async fn connection(
    site: Arc<Site>,
    stream: TcpStream,
    peer: IpAddr,
    door: Door,
    mut ends: Ends,
    _place: OwnedSemaphorePermit,
) {
    // Answers are small, and written whole: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let limits = site.limits;
    // An answer that is a stream is written by us while hyper sends it. There is one at a time (HTTP/1).
    let (begun, mut streams) = mpsc::channel(1);
    let service = service_fn(|request| {
        let (site, begun) = (Arc::clone(&site), &begun);
        async move {
            let mut reply = super::answer(&site, Asked::new(request, peer), door).await;
            if let Some(stream) = reply.body_mut().take_writer() {
                let _ = begun.try_send(stream);
            }
            Ok::<_, Infallible>(reply)
        }
    });
    // Not `pipeline_flush`: with it, hyper loses an answer that goes out while part of the request is still unread, as
    // every refusal of something too large does.
    let deadline = HeadDeadline::default();
    let connection = http1::Builder::new()
        .timer(deadline.clone())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.max_header_bytes.max(8 << 10))
        .serve_connection(TokioIo::new(stream), service);
    let streaming = async {
        match streams.recv().await {
            Some(stream) => stream.write(ends.closing.wait_for(|closing| *closing)).await,
            None => pending().await,
        }
    };
    tokio::select! {
        biased;
        ended = ends.watcher.watch(connection) => if let Err(error) = ended {
            // Clients that go away, or never send a request, are no news.
            tracing::debug!(error.message = %error, "server.connection_ended");
        },
        () = deadline.passed(limits.header_timeout) => tracing::debug!("server.head_timed_out"),
        // Whatever hyper still holds of it is for somebody who does not read it.
        () = streaming => tracing::debug!("server.stream_cut_off"),
    }
}
