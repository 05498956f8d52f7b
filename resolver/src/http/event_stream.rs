//! Server-Sent Events (WHATWG HTML, section 9.2): the feed of changes as it happens.
//!
//! A stream has no task of its own: the connection that carries it also writes it (`server`), and both end together.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use metrics::Gauge;
use namesake::{ErrorKind, ResolveError};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, timeout, timeout_at},
};

use super::{
    body::Body,
    reply::{self, Reply},
};
use crate::{
    api::Changes,
    changes::{Feed, Place},
    problem::Refusal,
    settings::Limits,
};

/// How often the store is asked for news that nobody told of.
const POLL: Duration = Duration::from_millis(500);
/// The most changes in one piece of a stream.
const CHANGES_A_PIECE: usize = 100;
/// How many pieces wait for a reader.
const PIECES: usize = 2;
/// How long a reader has to take the end of a stream.
const ENDING: Duration = Duration::from_millis(500);
/// A line that every client ignores.
const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
/// Asks proxies to pass pieces on as they come.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The streams that are open, and how many may be.
#[derive(Debug)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    open: Gauge,
    heartbeat: Duration,
    stall: Duration,
}

/// Who writes one stream.
#[derive(Debug)]
pub(crate) struct EventStream {
    feed: Arc<Feed>,
    after: Place,
    pieces: mpsc::Sender<Bytes>,
    heartbeat: Duration,
    stall: Duration,
    _seat: Seat,
}

/// A place among the streams, free again when it is dropped.
#[derive(Debug)]
struct Seat {
    open: Gauge,
    _permit: OwnedSemaphorePermit,
}

/// Why a stream ends by itself.
enum End {
    /// It cannot be continued.
    Feed,
    /// Nobody takes what is written.
    Reader,
}

impl Streams {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.change_streams.min(Semaphore::MAX_PERMITS))),
            open: metrics::gauge!("namesake_change_streams"),
            heartbeat: limits.change_heartbeat,
            stall: limits.change_stall,
        }
    }

    /// A stream of what comes after `after`, if there is a place for it; only its head, if that was asked for.
    pub(super) fn open(&self, feed: &Arc<Feed>, after: Place, head: bool) -> Result<Reply, Refusal> {
        let mut reply = reply::bytes(StatusCode::OK, EVENTS, Bytes::new());
        reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        reply.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
        if head {
            return Ok(reply);
        }
        let (sender, pieces) = mpsc::channel(PIECES);
        let writer = EventStream {
            feed: Arc::clone(feed),
            after,
            pieces: sender,
            heartbeat: self.heartbeat,
            stall: self.stall,
            _seat: self.seat()?,
        };
        *reply.body_mut() = Body::stream(pieces, writer);
        Ok(reply)
    }

    fn seat(&self) -> Result<Seat, Refusal> {
        let full =
            || ResolveError::new(ErrorKind::Unavailable, "no more streams of changes are open at once");
        let permit = Arc::clone(&self.places).try_acquire_owned();
        let permit = permit.map_err(|_| Refusal::Failed { handle: None, error: full() })?;
        self.open.increment(1);
        Ok(Seat { open: self.open.clone(), _permit: permit })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.open.decrement(1);
    }
}

impl EventStream {
    /// Writes until `closing`, or until its reader takes nothing more. The connection is to be dropped when this is ready:
    /// hyper has sent everything by then, or will not.
    pub(super) async fn write(mut self: Box<Self>, closing: impl Future) {
        let end = tokio::select! {
            biased;
            _ = closing => End::Feed,
            end = self.follow() => end,
        };
        // With the last sender gone the body ends, and a reader that reads sees a whole answer.
        drop(self);
        if let End::Feed = end {
            let _ = timeout(ENDING, pending::<()>()).await;
        }
    }

    async fn follow(&mut self) -> End {
        // At once: whoever asked knows that the stream is open.
        let mut heartbeat = Instant::now();
        loop {
            // Before reading, so that what is told of while we read is not slept through.
            let feed = Arc::clone(&self.feed);
            let told = feed.told();
            let (page, until) = match feed.page(&self.after, CHANGES_A_PIECE).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "changes.store_failed");
                    return End::Feed;
                }
            };
            self.after = until;
            let piece = if page.changes.is_empty() { None } else { Some(events(&page)) };
            let piece = piece.or_else(|| (heartbeat <= Instant::now()).then_some(HEARTBEAT));
            if let Some(piece) = piece {
                if !matches!(timeout(self.stall, self.pieces.send(piece)).await, Ok(Ok(()))) {
                    return End::Reader;
                }
                heartbeat = Instant::now() + self.heartbeat;
            }
            if !page.more {
                let _ = timeout_at(heartbeat.min(Instant::now() + POLL), told).await;
            }
        }
    }
}

fn events(page: &Changes) -> Bytes {
    let mut text = Vec::new();
    for change in &page.changes {
        // A cursor has no line breaks, and neither has JSON.
        text.extend_from_slice(format!("id: {}\nevent: change\ndata: ", change.seq).as_bytes());
        text.extend_from_slice(&reply::write(change));
        text.extend_from_slice(b"\n\n");
    }
    text.into()
}
