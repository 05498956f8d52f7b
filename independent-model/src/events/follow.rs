//! Follows one stream: marks what its events are about, keeps the cursor, comes back when the stream breaks.

use std::{future::Future, ops::ControlFlow, pin::pin, sync::Arc, time::Duration};

use namesake::{Clock, Handle, Invalidator, Moment, Randomness, Suspicion, Timestamp};

use super::{
    Broken, CursorKeeper, EventSettings, Heard, Relay, Subscription,
    frame::{Event, Frame, Info, StreamError, What, decode},
};
use crate::Did;

/// Follows the events of one host. Whoever makes it runs it, and no other beside it: see [`EventFollower::run`].
#[derive(Debug, Clone)]
pub struct EventFollower {
    settings: EventSettings,
    relay: Arc<dyn Relay>,
    keeper: Option<Arc<dyn CursorKeeper>>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    invalidator: Invalidator,
}

/// Where we are in the stream. Outlives connections.
#[derive(Debug)]
struct Place {
    /// The last event that was dealt with.
    cursor: Option<u64>,
    /// The cursor that is on disk, and when it was written.
    saved: Option<u64>,
    saved_at: Moment,
    /// Why what comes next does not follow on what we know.
    gap: Option<&'static str>,
    /// Connections in a row that brought no message.
    fruitless: u32,
}

/// Why a connection ended.
#[derive(Debug)]
enum Ended {
    Broken(Broken),
    Slow,
    Silent,
    Said(StreamError),
}

impl EventFollower {
    /// Follows `relay`, and tells `invalidator` what became suspect. Without a `keeper` the cursor ends with the process.
    #[must_use]
    pub fn new(
        settings: EventSettings,
        relay: Arc<dyn Relay>,
        keeper: Option<Arc<dyn CursorKeeper>>,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        invalidator: Invalidator,
    ) -> Self {
        Self { settings, relay, keeper, clock, randomness, invalidator }
    }

    /// Runs until `shutdown`. Nothing that a host does or sends ends it.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let cursor = self.load().await;
        let mut place =
            Place { cursor, saved: cursor, saved_at: self.clock.moment(), gap: None, fruitless: 0 };
        loop {
            let ended = tokio::select! {
                biased;
                () = &mut shutdown => break,
                ended = self.connect(&mut place) => ended,
            };
            self.after(&ended, &mut place);
            self.save(&mut place).await;
            let wait = self.backoff(place.fruitless);
            metrics::counter!("namesake_events_reconnects_total", "reason" => ended.label()).increment(1);
            tracing::warn!(reason = %ended, retry_in_ms = wait.as_millis(), "events.lost");
            place.fruitless = place.fruitless.saturating_add(1);
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                () = self.clock.sleep_until(later(self.clock.now(), wait)) => (),
            }
        }
        self.save(&mut place).await;
    }

    /// One connection, from its beginning to its end. May be dropped at any await: `place` is always true.
    async fn connect(&self, place: &mut Place) -> Ended {
        let EventSettings { connect_timeout, ping_after, idle_timeout, .. } = self.settings;
        let too_late = self.clock.sleep_until(later(self.clock.now(), connect_timeout));
        let mut stream = tokio::select! {
            biased;
            stream = self.relay.subscribe(place.cursor) => match stream {
                Ok(stream) => stream,
                Err(broken) => return Ended::Broken(broken),
            },
            () = too_late => return Ended::Slow,
        };
        tracing::info!(cursor = place.cursor, "events.connected");
        if place.cursor.is_none() {
            place.gap.get_or_insert("no-cursor");
        }
        if let Some(reason) = place.gap {
            self.gap(reason);
        }

        let mut heard_at = self.clock.moment();
        let mut tick = self.clock.sleep_until(later(heard_at.wall(), ping_after));
        loop {
            tokio::select! {
                biased;
                heard = stream.next() => {
                    heard_at = self.clock.moment();
                    match heard {
                        Ok(Heard::Life) => (),
                        Ok(Heard::Message(message)) => {
                            if let ControlFlow::Break(said) = self.hear(&message, place) {
                                return Ended::Said(said);
                            }
                        }
                        Err(broken) => return Ended::Broken(broken),
                    }
                    self.save_now_and_then(place).await;
                }
                () = &mut tick => {
                    let now = self.clock.moment();
                    let silent = now.since(heard_at);
                    let left = idle_timeout.saturating_sub(silent);
                    if left.is_zero() {
                        return Ended::Silent;
                    }
                    self.save_now_and_then(place).await;
                    if silent >= ping_after
                        && let Err(ended) = self.ping(stream.as_mut(), later(now.wall(), left)).await
                    {
                        return ended;
                    }
                    tick = self.clock.sleep_until(later(now.wall(), ping_after.min(left)));
                }
            }
        }
    }

    /// A host that reads nothing would have us wait with the question, too.
    async fn ping(&self, stream: &mut dyn Subscription, until: Timestamp) -> Result<(), Ended> {
        tokio::select! {
            biased;
            asked = stream.ping() => asked.map_err(Ended::Broken),
            () = self.clock.sleep_until(until) => Err(Ended::Silent),
        }
    }

    /// Deals with one message, whatever it is. Never waits.
    fn hear(&self, message: &[u8], place: &mut Place) -> ControlFlow<StreamError> {
        place.fruitless = 0;
        // What happened between our connecting and the host's first word may not be in the stream.
        if place.gap.take().is_some() {
            self.suspect_everything();
        }
        let kind = match decode(message) {
            Ok(Frame::Event(event)) => self.event(event, place),
            Ok(Frame::Info(Info::OutdatedCursor)) => {
                self.gap("outdated-cursor");
                "info"
            }
            Ok(Frame::Info(Info::Other)) => "info",
            Ok(Frame::Unknown) => "unknown",
            Ok(Frame::Error(error)) => {
                count("error");
                return ControlFlow::Break(error);
            }
            Err(poison) => {
                tracing::debug!(bytes = message.len(), reason = %poison, "events.skipped");
                "poison"
            }
        };
        count(kind);
        ControlFlow::Continue(())
    }

    /// First the marks, then the cursor: it is never ahead of what was dealt with.
    fn event(&self, Event { seq, time, what }: Event, place: &mut Place) -> &'static str {
        if let Some(reason) = place.cursor.and_then(|cursor| self.does_not_follow(cursor, seq)) {
            self.gap(reason);
        }
        let kind = match what {
            What::Identity { did, handle } => {
                self.suspect(&did, handle);
                "identity"
            }
            What::Account { did } => {
                self.suspect(&did, None);
                "account"
            }
            What::Other => "other",
        };
        place.cursor = Some(seq);
        if let Some(time) = time {
            let behind = self.clock.now().duration_since(time).as_secs_f64();
            metrics::gauge!("namesake_events_lag_seconds").set(behind.max(0.0));
        }
        kind
    }

    /// Why the event of this number is not the next one of the same count.
    fn does_not_follow(&self, cursor: u64, seq: u64) -> Option<&'static str> {
        match seq.checked_sub(cursor) {
            None | Some(0) => Some("counts-anew"),
            Some(leap) if leap > self.settings.longest_leap => Some("leap"),
            Some(_) => None,
        }
    }

    fn suspect(&self, did: &Did, handle: Option<Handle>) {
        self.invalidator.suspect(&Suspicion::Account { account: did.account().clone(), handle });
    }

    fn suspect_everything(&self) {
        self.invalidator.suspect(&Suspicion::Everything { scheme: self.settings.scheme.clone() });
    }

    fn gap(&self, reason: &'static str) {
        metrics::counter!("namesake_events_gaps_total", "reason" => reason).increment(1);
        tracing::info!(reason, "events.gap");
        self.suspect_everything();
    }

    /// What the end of a connection means for the next.
    fn after(&self, ended: &Ended, place: &mut Place) {
        match ended {
            // From the same place, the same would come again.
            Ended::Broken(Broken::Unreadable(_)) => (place.cursor, place.gap) = (None, Some("unreadable")),
            Ended::Said(StreamError::FutureCursor) => {
                (place.cursor, place.gap) = (None, Some("future-cursor"));
            }
            // The cursor holds, but we are far behind: what is remembered is older than it looks.
            Ended::Said(StreamError::ConsumerTooSlow) => self.gap("too-slow"),
            Ended::Said(StreamError::Other)
            | Ended::Broken(Broken::Lost(_))
            | Ended::Slow
            | Ended::Silent => (),
        }
    }

    fn backoff(&self, fruitless: u32) -> Duration {
        let EventSettings { shortest_backoff, longest_backoff, .. } = self.settings;
        let whole = shortest_backoff.saturating_mul(1 << fruitless.min(16)).min(longest_backoff);
        let mut random = [0; 4];
        self.randomness.fill(&mut random);
        let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        whole.mul_f64(1.0 - share / 2.0)
    }

    async fn load(&self) -> Option<u64> {
        match self.keeper.as_ref()?.load().await {
            Ok(cursor) => cursor,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "events.cursor.unreadable");
                None
            }
        }
    }

    async fn save_now_and_then(&self, place: &mut Place) {
        if self.clock.moment().since(place.saved_at) >= self.settings.save_every {
            self.save(place).await;
        }
    }

    async fn save(&self, place: &mut Place) {
        place.saved_at = self.clock.moment();
        let (Some(keeper), Some(cursor)) = (&self.keeper, place.cursor) else { return };
        if place.saved == Some(cursor) {
            return;
        }
        match keeper.save(cursor).await {
            Ok(()) => place.saved = Some(cursor),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "events.cursor.not_saved");
            }
        }
    }
}

impl Ended {
    fn label(&self) -> &'static str {
        match self {
            Self::Broken(Broken::Lost(_)) => "lost",
            Self::Broken(Broken::Unreadable(_)) => "unreadable",
            Self::Slow => "slow",
            Self::Silent => "silent",
            Self::Said(StreamError::FutureCursor) => "future-cursor",
            Self::Said(StreamError::ConsumerTooSlow) => "too-slow",
            Self::Said(StreamError::Other) => "error",
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(broken) => broken.fmt(f),
            Self::Slow => f.write_str("the host did not begin the stream in time"),
            Self::Silent => f.write_str("the host fell silent"),
            Self::Said(StreamError::FutureCursor) => f.write_str("the host counts anew"),
            Self::Said(StreamError::ConsumerTooSlow) => f.write_str("the host found us too slow"),
            Self::Said(StreamError::Other) => f.write_str("the host ended the stream"),
        }
    }
}

fn count(kind: &'static str) {
    metrics::counter!("namesake_events_total", "kind" => kind).increment(1);
}

fn later(from: Timestamp, by: Duration) -> Timestamp {
    from.saturating_add(by).unwrap_or(Timestamp::MAX)
}
