//! Server-Sent Events (WHATWG HTML, section 9.2): the feed of changes as it happens.
//!
//! A stream has no task of its own: the connection that carries it also writes it (`server`), and both end together.

use std::{
    collections::HashMap,
    future::pending,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use metrics::Gauge;
use namesake::shares::Client;
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
/// When whoever found no place comes back.
const COME_BACK: Duration = Duration::from_secs(10);
/// A line that every client ignores.
const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
/// Asks proxies to pass pieces on as they come.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The streams that are open, and how many may be.
#[derive(Debug)]
pub(crate) struct Streams {
    places: Arc<Semaphore>,
    of_clients: Arc<OfClients>,
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
    client: Client,
    of_clients: Arc<OfClients>,
    _permit: OwnedSemaphorePermit,
}

/// How many streams each client has open: one has few, so that none has all.
#[derive(Debug)]
struct OfClients {
    open: Mutex<HashMap<Client, usize>>,
    most: usize,
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
            of_clients: Arc::new(OfClients {
                open: Mutex::default(),
                most: limits.change_streams_per_client,
            }),
            open: metrics::gauge!("namesake_change_streams"),
            heartbeat: limits.change_heartbeat,
            stall: limits.change_stall,
        }
    }

    /// A stream of what comes after `after`; only its head, if that was asked for. Without a place for it the stream ends at
    /// once, and says when to come back.
    pub(super) fn open(&self, feed: &Arc<Feed>, after: Place, client: Client, head: bool) -> Reply {
        let mut reply = events_reply(Bytes::new());
        if head {
            return reply;
        }
        let Some(seat) = self.seat(client) else { return come_back(COME_BACK) };
        let (sender, pieces) = mpsc::channel(PIECES);
        let writer = EventStream {
            feed: Arc::clone(feed),
            after,
            pieces: sender,
            heartbeat: self.heartbeat,
            stall: self.stall,
            _seat: seat,
        };
        *reply.body_mut() = Body::stream(pieces, writer);
        reply
    }

    fn seat(&self, client: Client) -> Option<Seat> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        if !self.of_clients.take(client) {
            return None;
        }
        self.open.increment(1);
        Some(Seat {
            open: self.open.clone(),
            client,
            of_clients: Arc::clone(&self.of_clients),
            _permit: permit,
        })
    }
}

impl OfClients {
    /// Whether `client` may have one more, which it then has.
    fn take(&self, client: Client) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let number = open.get(&client).copied().unwrap_or_default();
        if number < self.most {
            open.insert(client, number + 1);
        }
        number < self.most
    }

    fn give_back(&self, client: Client) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&client) {
            Some(number) if *number > 1 => *number -= 1,
            _ => drop(open.remove(&client)),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.of_clients.give_back(self.client);
        self.open.decrement(1);
    }
}

/// A stream that ends at once. After any status but 200 an `EventSource` would never come back (WHATWG HTML, section
/// 9.2.3); after this one it does when it is told to.
pub(super) fn come_back(after: Duration) -> Reply {
    events_reply(format!("retry: {}\n\n", after.as_millis()).into())
}

fn events_reply(body: Bytes) -> Reply {
    let mut reply = reply::bytes(StatusCode::OK, EVENTS, body);
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
    reply
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
            let barren = page.changes.is_empty();
            let piece = if barren { None } else { Some(events(&page)) };
            let piece = piece.or_else(|| (heartbeat <= Instant::now()).then_some(HEARTBEAT));
            if let Some(piece) = piece {
                if !matches!(timeout(self.stall, self.pieces.send(piece)).await, Ok(Ok(()))) {
                    return End::Reader;
                }
                heartbeat = Instant::now() + self.heartbeat;
            }
            // No reader slows us down where there is nothing to read.
            if !page.more || barren {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_has_few_and_another_has_its_own() {
        let streams =
            Streams::new(&Limits { change_streams: 4, change_streams_per_client: 2, ..Limits::default() });
        let seat = |address: &str| streams.seat(Client::at(address.parse().unwrap()));
        let mine = [seat("192.0.2.1"), seat("::ffff:192.0.2.1")];
        assert!(mine.iter().all(Option::is_some) && seat("192.0.2.1").is_none());
        let others = [seat("2001:db8::1"), seat("2001:db8::2")];
        assert!(others.iter().all(Option::is_some) && seat("2001:db8::3").is_none());
        assert!(seat("192.0.2.2").is_none(), "all of them are taken");
        drop(mine);
        let mine = [seat("192.0.2.1"), seat("192.0.2.1")];
        assert!(mine.iter().all(Option::is_some) && seat("192.0.2.1").is_none());
        drop((mine, others));
        assert!(streams.of_clients.open.lock().unwrap().is_empty(), "who left is forgotten");
    }
}
