//! The bodies of requests: how long they may be, and how many bytes of them we hold at once.
//!
//! Nobody is known yet who sends one, so each route takes no more than it can need, and all bodies together have a limit, of
//! which one client has a share. What counts is the room that was made, from the first byte until the handler has done.

use std::{
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Body;
use namesake::shares::Client;

use crate::{problem::Refusal, settings::Limits};

/// The longest batch: a hundred of the longest handles, with room to spare.
pub(super) const BATCH: usize = 64 << 10;
/// The longest form, and the longest JSON of an edit or a question.
pub(super) const FORM: usize = 16 << 10;
/// The longest batch of events of an upstream.
pub(super) const WEBHOOK: usize = 1 << 20;

/// The least room that is made, so that a body that comes byte by byte is not moved with each.
const LEAST_ROOM: usize = 512;
/// When to come back, while others' bodies are dealt with.
const COME_BACK_SECONDS: u64 = 5;

/// The bodies that were read and not yet dealt with.
#[derive(Debug)]
pub(super) struct Bodies {
    most: usize,
    most_per_client: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    /// As many as there are bodies under way, at most.
    by_client: HashMap<Client, usize>,
}

/// A body, as it came.
pub(crate) struct Received {
    bytes: Vec<u8>,
    _room: Room,
}

/// What a body takes of the limit, until it is dropped.
struct Room {
    bodies: Arc<Bodies>,
    client: Client,
    bytes: usize,
}

impl Bodies {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            most: limits.max_body_bytes_under_way,
            most_per_client: limits.max_body_bytes_under_way_per_client,
            held: Mutex::default(),
        }
    }

    /// Reads a body of `client` into one buffer, `most` bytes of it.
    pub(super) async fn read<B>(
        self: &Arc<Self>,
        body: B,
        client: Client,
        most: usize,
    ) -> Result<Received, Refusal>
    where
        B: Body<Data = Bytes>,
    {
        // What says itself that it is too long is not waited for.
        if body.size_hint().lower() > most as u64 {
            return Err(Refusal::TooLarge);
        }
        let declared = body.size_hint().upper().and_then(|bytes| usize::try_from(bytes).ok());
        let most_room = declared.unwrap_or(most).min(most);
        let mut body = std::pin::pin!(body);
        let mut room = Room { bodies: Arc::clone(self), client, bytes: 0 };
        let mut bytes = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::Request("the body broke off".to_owned()))?;
            // Trailers say nothing to us.
            let Ok(piece) = frame.into_data() else { continue };
            let length = bytes.len() + piece.len();
            if length > most {
                return Err(Refusal::TooLarge);
            }
            if length > bytes.capacity() {
                let wanted = (2 * bytes.capacity()).max(LEAST_ROOM).min(most_room).max(length);
                room.grow_to(wanted)?;
                bytes.reserve_exact(wanted - bytes.len());
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Received { bytes, _room: room })
    }
}

impl Room {
    fn grow_to(&mut self, bytes: usize) -> Result<(), Refusal> {
        let more = bytes.saturating_sub(self.bytes);
        let bodies = &self.bodies;
        let mut held = bodies.held.lock().unwrap_or_else(PoisonError::into_inner);
        if more > bodies.most.saturating_sub(held.bytes) {
            return Err(Refusal::Busy { retry_after_seconds: COME_BACK_SECONDS });
        }
        let its = held.by_client.get(&self.client).copied().unwrap_or_default();
        if more > bodies.most_per_client.saturating_sub(its) {
            return Err(Refusal::Quota { retry_after_seconds: COME_BACK_SECONDS });
        }
        held.by_client.insert(self.client, its + more);
        held.bytes += more;
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.bytes == 0 {
            return;
        }
        let mut held = self.bodies.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.bytes -= self.bytes;
        if let Some(its) = held.by_client.get_mut(&self.client) {
            *its -= self.bytes;
            if *its == 0 {
                held.by_client.remove(&self.client);
            }
        }
    }
}

impl Deref for Received {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    fn bodies(most: usize, most_per_client: usize) -> Arc<Bodies> {
        Arc::new(Bodies::new(&Limits {
            max_body_bytes_under_way: most,
            max_body_bytes_under_way_per_client: most_per_client,
            ..Limits::default()
        }))
    }

    fn client(last: u8) -> Client {
        Client::at([192, 0, 2, last].into())
    }

    /// A body of so many pieces of so many bytes, of which nobody says how long it is.
    fn pieces(count: usize, each: usize) -> impl Body<Data = Bytes, Error = Infallible> {
        let piece = move |_| Ok(Frame::data(Bytes::from(vec![b'x'; each])));
        StreamBody::new(stream::iter((0..count).map(piece)))
    }

    fn held(bodies: &Bodies) -> (usize, usize) {
        let held = bodies.held.lock().unwrap();
        (held.bytes, held.by_client.len())
    }

    #[tokio::test]
    async fn a_body_is_one_buffer_however_it_comes() {
        let bodies = bodies(1 << 20, 1 << 20);
        for (count, each) in [(1, 10_000), (10_000, 1), (100, 100)] {
            let received = bodies.read(pieces(count, each), client(1), 16 << 10).await.unwrap();
            assert_eq!(received.len(), 10_000);
            assert!(held(&bodies).0 <= 16 << 10, "{count} pieces of {each}: {:?}", held(&bodies));
            assert_eq!(held(&bodies).0, received.bytes.capacity(), "what is counted is what is there");
        }
        assert_eq!(held(&bodies), (0, 0));
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit_and_no_further() {
        let bodies = bodies(1 << 20, 1 << 20);
        for (count, each, fits) in
            [(64, 1, true), (65, 1, false), (1, 64, true), (1, 65, false), (0, 0, true)]
        {
            let received = bodies.read(pieces(count, each), client(1), 64).await;
            assert_eq!(received.is_ok(), fits, "{count} pieces of {each}");
            assert!(fits || matches!(received, Err(Refusal::TooLarge)));
        }
        let declared = Full::new(Bytes::from_static(&[b'x'; 65]));
        assert!(matches!(bodies.read(declared, client(1), 64).await, Err(Refusal::TooLarge)));
        assert_eq!(held(&bodies), (0, 0));
    }

    #[tokio::test]
    async fn one_client_has_its_share_and_all_together_have_the_whole() {
        let bodies = bodies(10_000, 4_000);
        let read = async |last| bodies.read(pieces(2, 1_000), client(last), 2_000).await;
        let mut under_way = vec![read(1).await.unwrap(), read(1).await.unwrap()];
        assert!(matches!(read(1).await, Err(Refusal::Quota { .. })), "its share is spent");
        under_way.extend([read(2).await.unwrap(), read(2).await.unwrap(), read(3).await.unwrap()]);
        assert!(matches!(read(4).await, Err(Refusal::Busy { .. })), "and now the whole");
        under_way.remove(0);
        assert!(read(4).await.is_ok() && read(1).await.is_ok());
        drop(under_way);
        assert_eq!(held(&bodies), (0, 0));
    }
}
