//! The accept loop: how many connections, how long each part of a request may take, and how they end.

use std::{
    convert::Infallible,
    future::{Future, pending, ready},
    io,
    net::{IpAddr, SocketAddr},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, future::Either};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::{JoinError, JoinSet},
    time::{self, MissedTickBehavior},
};

use super::{
    Site,
    accepting::Accepting,
    beside::beside,
    clients::{Clients, Seat, turn_away},
    hot,
    pace::{Late, Pace, Paced},
    request::Asked,
    sockets,
};
use crate::{panic, settings::Limits};

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
/// How long to wait after an accept that failed, usually for want of a free file: a moment lets some close.
const PAUSE: Duration = Duration::from_millis(50);
/// The most connections of operators: a scraper and a prober or two.
const OPERATORS: usize = 64;

impl Door {
    fn most_connections(self, limits: &Limits) -> usize {
        match self {
            Self::Public => limits.max_connections,
            Self::Operations => OPERATORS.min(limits.max_connections),
        }
    }
}

/// Serves until `shutdown`; then accepts nobody, and lets requests that have begun end within the drain time.
pub(crate) async fn serve(
    site: Arc<Site>,
    listener: TcpListener,
    door: Door,
    shutdown: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let most = door.most_connections(&site.limits);
    let places = Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
    let clients = Clients::new(site.limits.connections_per_client(most));
    sockets::prepare(&listener, &site.limits);
    let (closing, closed) = watch::channel(false);
    // Owns every connection: whatever outlives the drain ends with this set.
    let mut connections = JoinSet::new();
    let mut accepting = Accepting::default();
    let mut tidy = time::interval(HOUSEKEEPING);
    tidy.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => look_at_end(ended),
            _ = tidy.tick() => {
                site.tidy();
                accepting.look();
            }
            accepted = accept(&listener, &places) => match accepted {
                Ok((stream, peer, place)) => match clients.seat(peer.ip(), &site.options.proxies) {
                    Some(seat) => {
                        let site = Arc::clone(&site);
                        let places = (seat, place);
                        connections.spawn(connection(site, stream, peer.ip(), door, closed.clone(), places));
                    }
                    None => turn_away(stream),
                },
                Err(error) => {
                    if accepting.failed(&error) && time::timeout(PAUSE, &mut shutdown).await.is_ok() {
                        break;
                    }
                }
            },
        }
    }
    drop(listener);
    let _ = closing.send(true);
    tracing::info!(connections.open = connections.len(), "server.draining");
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            look_at_end(ended);
        }
    };
    if time::timeout(site.limits.drain_timeout, all_ended).await.is_err() {
        tracing::warn!(connections.open = connections.len(), "server.drain_incomplete");
    }
    Ok(())
}

/// A handler's panic is answered; this one is of what carries it.
fn look_at_end(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(error.message = %error, "server.connection_panicked");
    }
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
    // The client's first: whoever takes the place may be the same.
    _places: (Seat, OwnedSemaphorePermit),
) {
    // Answers are small, and written whole: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let limits = site.limits;
    // An answer that is a stream is written by us while hyper sends it. There is one at a time (HTTP/1).
    let (begun, mut streams) = mpsc::channel(1);
    let pace = Pace::default();
    let service = service_fn(|request| {
        // The long way says what a panic on the short one means for the client.
        let at_hand = catch_unwind(AssertUnwindSafe(|| hot::answer(&site, &request, door)));
        let at_hand = at_hand.unwrap_or_else(|panic| {
            tracing::error!(error.message = panic::message(&*panic), "http.hot_path_panicked");
            None
        });
        if let Some(reply) = at_hand {
            pace.answered();
            return Either::Left(ready(Ok::<_, Infallible>(reply)));
        }
        let (site, begun, under_way) = (&site, &begun, pace.under_way());
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
        // `pace` sees to it.
        .header_read_timeout(None)
        .max_buf_size(limits.max_header_bytes.max(8 << 10))
        // Most answers are small: to copy one behind its head and write once is less work than to write from two places.
        // Large ones come in pieces (`body`).
        .writev(false)
        .serve_connection(Paced::new(TokioIo::new(stream), &pace), service);
    let mut connection = pin!(connection);

    let mut told = closing.clone();
    let streaming = async {
        match streams.recv().await {
            Some(stream) => {
                let written = stream.write(told.wait_for(|closing| *closing));
                if let Err(panic) = AssertUnwindSafe(written).catch_unwind().await {
                    tracing::error!(error.message = panic::message(&*panic), "server.stream_panicked");
                }
            }
            None => pending().await,
        }
    };
    let mut cut_off = pin!(async {
        tokio::select! {
            late = pace.late(&limits) => match late {
                Late::Head => tracing::debug!("server.head_timed_out"),
                Late::Reader => {
                    metrics::counter!("namesake_slow_readers_total").increment(1);
                    tracing::debug!("server.reader_timed_out");
                }
            },
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
