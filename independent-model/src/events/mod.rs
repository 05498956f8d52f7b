//! Events: what a relay or a PDS says happened, as a reason to look again.
//!
//! ```text
//!   Relay ──messages──▶ frame (cbor)   what it says            pure, total
//!                         │
//!                       follow         marks, moves the cursor  never waits for a source
//!                         ▼
//!                   Invalidator::suspect
//! ```
//!
//! Nothing an event says is stored, and nothing is resolved here. Its account, and the name it gives, become *suspect*: the
//! next asker looks again at the sources, which alone decide. So a false event costs a lookup, an event during an outage
//! costs nothing, and an event about an account whose document is unusable cannot stop the ones behind it.
//!
//! The stream is followed from a cursor, the last event that was dealt with. Where it cannot be continued from there (the
//! host no longer has what came after, or counts anew, or found us too slow), what was missed is unknown, and everything the
//! backend answered becomes suspect. So it is at the first connection, too. A host that counts anew need not say so: a number
//! that is not above the cursor, or far ahead of it, tells.
//!
//! Source: the atproto specification *Event Stream*, and the lexicon `com.atproto.sync.subscribeRepos`.

mod cbor;
mod follow;
mod frame;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;

use std::{fmt::Debug, future::Future, io, pin::Pin, time::Duration};

use bytes::Bytes;
pub use follow::EventFollower;
use namesake::Scheme;

use crate::PortFuture;

/// How a stream of events is followed.
#[derive(Debug, Clone)]
pub struct EventSettings {
    /// The backend whose answers a gap makes suspect.
    pub scheme: Scheme,
    /// The longest a host may take to begin the stream.
    pub connect_timeout: Duration,
    /// After this long without a word, the host is asked for a sign of life.
    pub ping_after: Duration,
    /// After this long without a word, or a sign of life, the stream counts as broken.
    pub idle_timeout: Duration,
    /// The first wait before connecting again; doubled each time up to [`Self::longest_backoff`], and shortened by up to
    /// a half at random, so that the consumers of a relay do not come back at the same moment.
    pub shortest_backoff: Duration,
    /// The longest such wait.
    pub longest_backoff: Duration,
    /// The cursor is saved at most this often, and at the end.
    pub save_every: Duration,
    /// The most numbers from one event to the next: a stream leaves some out, and one that leaps further is another.
    pub longest_leap: u64,
}

impl EventSettings {
    /// The default settings, for the backend of this name.
    #[must_use]
    pub fn named(scheme: Scheme) -> Self {
        Self {
            scheme,
            connect_timeout: Duration::from_secs(10),
            ping_after: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            shortest_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(60),
            save_every: Duration::from_secs(5),
            longest_leap: 10_000,
        }
    }
}

/// A host that tells of events.
pub trait Relay: Debug + Send + Sync + 'static {
    /// Begins the stream, behind the event numbered `cursor`; without one, with what happens from now on.
    fn subscribe(&self, cursor: Option<u64>) -> PortFuture<'_, Box<dyn Subscription>, Broken>;
}

/// A stream that has begun.
pub trait Subscription: Send {
    /// The next thing that is heard. A call that is dropped loses nothing.
    fn next(&mut self) -> SubscriptionFuture<'_, Heard>;

    /// Asks for a sign of life, which [`Self::next`] then hears.
    fn ping(&mut self) -> SubscriptionFuture<'_, ()>;
}

/// The future of a [`Subscription`].
pub type SubscriptionFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Broken>> + Send + 'a>>;

/// What a stream brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A message: a header and a body.
    Message(Bytes),
    /// A sign of life, or something that is no message.
    Life,
}

/// Why a stream cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The connection is gone, or did not come about: worth trying again from the same place.
    #[error("{0}")]
    Lost(String),
    /// What comes next cannot be received: too long, or against the protocol. From the same place it would come again.
    #[error("{0}")]
    Unreadable(String),
}

/// Where the cursor outlives the process.
pub trait CursorKeeper: Debug + Send + Sync + 'static {
    /// The cursor as it was last saved.
    fn load(&self) -> PortFuture<'_, Option<u64>, io::Error>;

    /// Saves it: durable when this is ready, and the old one or the new one whatever happens in between.
    fn save(&self, cursor: u64) -> PortFuture<'_, (), io::Error>;
}
