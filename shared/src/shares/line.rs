//! Whose turn it is: the state of a queue, as pure functions of the moment.
//!
//! Clients that wait stand in a ring. A place that becomes free goes to the client at its front, which then goes to the
//! back: a client with a thousand questions and one with a single question have the same turn (round robin). A client
//! that has as many places as its share allows stands outside until it gives one back.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::Client;
use crate::{ErrorKind, ResolveError};

/// What may be taken of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueLimits {
    /// Places at one time, for all clients together.
    pub places: usize,
    /// Turns begun per second on average, and as many at once; `None`: as many as there are places for.
    pub per_second: Option<u32>,
    /// Questions that wait at one time, for all clients together.
    pub waiting: usize,
    /// The most of the places, and of the waiting, that one client may take, in percent (1 to 100).
    pub share_percent: u8,
}

/// A question that was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refused {
    /// Whose part of the queue is full.
    pub whose: Whose,
    /// When a new attempt is likely to be served.
    pub retry_after: Duration,
}

/// Whose part of a queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// The part of the client that asked: it has more questions under way than its share.
    Own,
    /// Everybody's: more is asked than can be answered in time.
    All,
}

impl Whose {
    /// What the one who asked can do.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        match self {
            Self::Own => ErrorKind::ShareSpent,
            Self::All => ErrorKind::Overloaded,
        }
    }
}

impl From<Refused> for ResolveError {
    fn from(Refused { whose, retry_after }: Refused) -> Self {
        let message = match whose {
            Whose::Own => "you have as many questions under way as one client may",
            Whose::All => "more is asked of this service than it can answer in time",
        };
        Self::refused(whose.kind(), message, retry_after)
    }
}

/// The state of a queue; `W` stands for one question that waits.
#[derive(Debug)]
pub(super) struct Line<W> {
    limits: QueueLimits,
    free: usize,
    /// When the queue would be free of all turns begun so far, were each to take its part of a second (GCRA).
    booked_until: Instant,
    /// Those who have a place or wait for one, and nobody else.
    clients: HashMap<Client, Standing<W>>,
    /// Those who wait and may have another place, in the order of their turns.
    ring: VecDeque<Client>,
    waiting: usize,
    hold: Average,
}

#[derive(Debug)]
struct Standing<W> {
    places: usize,
    waiting: VecDeque<Arc<W>>,
    stands_in_ring: bool,
    hold: Average,
}

impl<W> Standing<W> {
    fn is_gone(&self) -> bool {
        self.places == 0 && self.waiting.is_empty() && !self.stands_in_ring
    }
}

impl<W> Default for Standing<W> {
    fn default() -> Self {
        Self { places: 0, waiting: VecDeque::new(), stands_in_ring: false, hold: Average::default() }
    }
}

/// How long a place was held, lately (each new figure counts an eighth).
#[derive(Debug, Default, Clone, Copy)]
struct Average(Option<Duration>);

impl Average {
    fn add(&mut self, figure: Duration) {
        self.0 = Some(self.0.map_or(figure, |average| average / 8 * 7 + figure / 8));
    }
}

impl<W> Line<W> {
    pub(super) fn new(limits: QueueLimits, now: Instant) -> Self {
        let places = limits.places.max(1);
        Self {
            limits: QueueLimits { places, ..limits },
            free: places,
            booked_until: now,
            clients: HashMap::new(),
            ring: VecDeque::new(),
            waiting: 0,
            hold: Average::default(),
        }
    }

    /// A place for `client` now, if nobody waits for it.
    pub(super) fn enter(&mut self, client: Client, now: Instant) -> bool {
        let most = self.share_of_places(client);
        if !self.ring.is_empty() || self.free == 0 || self.next_at(now).is_some() {
            return false;
        }
        let standing = self.clients.entry(client).or_default();
        if standing.places >= most {
            return false;
        }
        standing.places += 1;
        self.take_place(now);
        true
    }

    /// Lets `waiter` wait for a place, unless it would wait for longer than `patience`.
    pub(super) fn wait(
        &mut self,
        client: Client,
        waiter: Arc<W>,
        patience: Duration,
        now: Instant,
    ) -> Result<(), Refused> {
        let own = self.clients.get(&client).map_or(0, |standing| standing.waiting.len());
        let expected = self.expected_wait(client, now);
        let is_full = self.waiting >= self.limits.waiting || own >= self.share_of_waiting(client);
        if is_full || expected > patience {
            return Err(self.refusal(client, expected.saturating_sub(patience)));
        }
        self.waiting += 1;
        self.clients.entry(client).or_default().waiting.push_back(waiter);
        self.stand_in_ring(client);
        Ok(())
    }

    /// Why `client` is not served.
    pub(super) fn refusal(&self, client: Client, retry_after: Duration) -> Refused {
        let most = self.share_of_places(client);
        let standing = self.clients.get(&client);
        let takes_more_than_a_turn = standing
            .is_some_and(|standing| !standing.waiting.is_empty() || standing.places >= most)
            && client != Client::Ours;
        let whose = if takes_more_than_a_turn { Whose::Own } else { Whose::All };
        Refused { whose, retry_after: retry_after.max(Duration::from_secs(1)) }
    }

    /// Gives free places to those who wait, in turn; each is handed to `tell`.
    pub(super) fn dispatch(&mut self, now: Instant, mut tell: impl FnMut(&Arc<W>)) {
        while self.free > 0 && self.next_at(now).is_none() {
            let Some((client, waiter)) = self.take_next() else { break };
            self.waiting -= 1;
            self.begin_turn(client, now);
            self.stand_in_ring(client);
            tell(&waiter);
        }
    }

    /// Ends a turn of `client`.
    pub(super) fn end_turn(&mut self, client: Client, held: Duration) {
        self.free += 1;
        self.hold.add(held);
        let Entry::Occupied(mut place) = self.clients.entry(client) else { return };
        let standing = place.get_mut();
        standing.places -= 1;
        standing.hold.add(held);
        match standing.is_gone() {
            true => drop(place.remove()),
            false => self.stand_in_ring(client),
        }
    }

    /// Takes a question out that no longer waits.
    pub(super) fn leave(&mut self, client: Client, waiter: &Arc<W>) {
        let Some(standing) = self.clients.get_mut(&client) else { return };
        let before = standing.waiting.len();
        standing.waiting.retain(|other| !Arc::ptr_eq(other, waiter));
        self.waiting -= before - standing.waiting.len();
        self.forget_if_gone(client);
        // Whoever is served next is known by the front.
        while let Some(client) = self.ring.front().copied()
            && self.clients.get(&client).is_none_or(|standing| standing.waiting.is_empty())
        {
            self.step_out_of_ring();
        }
    }

    fn take_next(&mut self) -> Option<(Client, Arc<W>)> {
        while let Some(client) = self.step_out_of_ring() {
            if let Some(waiter) =
                self.clients.get_mut(&client).and_then(|standing| standing.waiting.pop_front())
            {
                return Some((client, waiter));
            }
            self.forget_if_gone(client);
        }
        None
    }

    fn step_out_of_ring(&mut self) -> Option<Client> {
        let client = self.ring.pop_front()?;
        if let Some(standing) = self.clients.get_mut(&client) {
            standing.stands_in_ring = false;
        }
        self.forget_if_gone(client);
        Some(client)
    }

    /// The question that is served next.
    pub(super) fn next(&self) -> Option<&Arc<W>> {
        self.clients.get(self.ring.front()?)?.waiting.front()
    }

    /// When the next turn may begin, if that is later than now and a place is free for it.
    pub(super) fn next_at(&self, now: Instant) -> Option<Instant> {
        let booked_until = self.booked_until.max(now) + self.spacing()?;
        booked_until.checked_sub(Duration::from_secs(1)).filter(|at| self.free > 0 && *at > now)
    }

    /// Whether nobody has a place, waits, or has used up what may be begun at once.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.clients.is_empty() && self.booked_until <= now
    }

    #[cfg(test)]
    pub(super) fn known_clients(&self) -> usize {
        self.clients.len()
    }

    fn begin_turn(&mut self, client: Client, now: Instant) {
        self.clients.entry(client).or_default().places += 1;
        self.take_place(now);
    }

    fn take_place(&mut self, now: Instant) {
        self.free -= 1;
        if let Some(spacing) = self.spacing() {
            self.booked_until = self.booked_until.max(now) + spacing;
        }
    }

    /// The time from one turn to the next, where there is a rate.
    fn spacing(&self) -> Option<Duration> {
        self.limits.per_second.map(|per_second| Duration::from_secs(1) / per_second.max(1))
    }

    /// Puts `client` at the back of the ring if it waits, may have another place, and is not there.
    fn stand_in_ring(&mut self, client: Client) {
        let most = self.share_of_places(client);
        let Some(standing) = self.clients.get_mut(&client) else { return };
        if !standing.waiting.is_empty() && standing.places < most && !standing.stands_in_ring {
            standing.stands_in_ring = true;
            self.ring.push_back(client);
        }
    }

    /// Somebody who has left stays known while in the ring: who comes again must not stand there twice.
    fn forget_if_gone(&mut self, client: Client) {
        if self.clients.get(&client).is_some_and(Standing::is_gone) {
            self.clients.remove(&client);
        }
    }

    /// How long a new question of `client` would wait, as things are.
    fn expected_wait(&self, client: Client, now: Instant) -> Duration {
        let standing = self.clients.get(&client);
        let own = count(standing.map_or(0, |standing| standing.waiting.len()) + 1);
        // Others have at most as many turns before it as it has itself.
        let turns = own.saturating_mul(count(self.ring.len().max(1))).min(count(self.waiting + 1));
        let by_places = self.hold.0.unwrap_or_default().saturating_mul(turns) / count(self.limits.places);
        let own_hold = standing.and_then(|standing| standing.hold.0).unwrap_or_default();
        let by_share = own_hold.saturating_mul(own) / count(self.share_of_places(client));
        let by_rate = self.spacing().map_or(Duration::ZERO, |spacing| {
            let booked = self.booked_until.saturating_duration_since(now);
            (booked + spacing.saturating_mul(turns)).saturating_sub(Duration::from_secs(1))
        });
        let is_at_its_share =
            standing.is_some_and(|standing| standing.places >= self.share_of_places(client));
        let by_share = if is_at_its_share || own > 1 { by_share } else { Duration::ZERO };
        let by_places = if self.free > 0 { Duration::ZERO } else { by_places };
        by_places.max(by_share).max(by_rate)
    }

    fn share_of_places(&self, client: Client) -> usize {
        self.share(client, self.limits.places)
    }

    fn share_of_waiting(&self, client: Client) -> usize {
        self.share(client, self.limits.waiting)
    }

    fn share(&self, client: Client, whole: usize) -> usize {
        match client {
            // What the service does by itself has limits of its own.
            Client::Ours => whole,
            Client::Network(_) => (whole * usize::from(self.limits.share_percent) / 100).max(1),
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
