//! Keeps names true: asks the upstream about each account in its turn, and releases what nobody confirmed.
//!
//! Polling is the source of truth (the upstream announces no rename); a hint only brings the next poll forward. The
//! plan is in [`crate::schedule`]; what an answer means is in [`crate::reconcile`].

use std::{sync::Arc, time::Duration};

use namesake::{AccountId, Timestamp};
use tokio::task::JoinSet;

use crate::{
    MirrorModel, RegisterError, Secret,
    apply::Applied,
    budget::after,
    reconcile::{deadline, heard},
    records::{Account, Confirmed, StoredToken},
    schedule::{Due, Next, Schedule},
    upstream::{Sighting, Token, UpstreamError, UpstreamFailure},
};

/// First wait after a failed poll; doubles with each further failure, up to the interval.
const RETRY: Duration = Duration::from_secs(2);
/// Wait before a token the upstream refused is tried once more: it may have been the upstream's mistake.
const RETRY_DEAD: Duration = Duration::from_secs(3600);
/// The longest that the upstream can have one account wait (`Retry-After` with an answer other than 429).
const LONGEST_WISH: Duration = Duration::from_secs(3600);
/// From this much of the upstream's own budget on, polls pause without being told to …
const USED_UP_PERCENT: u8 = 90;
/// … for this long.
const PAUSE: Duration = Duration::from_secs(60);
/// An account that changed its name is among the first to be polled for this long: names change again, and back.
const RENAMED_LATELY: Duration = Duration::from_secs(3600);
/// Wait before a register that failed is used again.
pub(crate) const RETRY_REGISTER: Duration = Duration::from_secs(5);

impl MirrorModel {
    /// Ready when nothing is due and nothing is under way at the time the clock shows. A private world advances its
    /// clock, then awaits this. Only a mirror that [runs](MirrorModel::run) ever settles.
    pub async fn settled(&self) {
        let mut changed = self.schedule.watch();
        while !self.schedule.is_settled(self.clock.now()) {
            // The sender lives in `self`.
            let _ = changed.changed().await;
        }
    }

    /// Ready when everything stored has been planned. Only a mirror that [runs](MirrorModel::run) ever is.
    pub async fn loaded(&self) {
        let mut changed = self.schedule.watch();
        while !self.schedule.is_loaded() {
            // The sender lives in `self`.
            let _ = changed.changed().await;
        }
    }

    pub(crate) async fn keep_true(self: &Arc<Self>) {
        self.load().await;
        let mut changed = self.schedule.watch();
        let mut visits = JoinSet::new();
        let mut keeps_up = true;
        loop {
            changed.borrow_and_update();
            while visits.len() < self.settings.concurrent_polls.max(1)
                && let Some(due) = self.schedule.take(self.clock.now())
            {
                let model = Arc::clone(self);
                visits.spawn(async move { model.visit(due).await });
            }
            keeps_up = self.report(keeps_up);
            // With every place taken, only the end of a visit can change what there is to do.
            let full = visits.len() >= self.settings.concurrent_polls.max(1);
            let next = self.schedule.next(self.clock.now()).unwrap_or(Timestamp::MAX);
            tokio::select! {
                ended = visits.join_next(), if !visits.is_empty() => {
                    if let Some(Err(error)) = ended {
                        tracing::error!(error = %error, "mirror.visit.panicked");
                    }
                }
                _ = changed.changed(), if !full => (),
                () = self.clock.sleep_until(next), if !full => (),
            }
        }
    }

    /// Shows how far behind the polls are, and says once when the budget does not pay for one an interval for all.
    fn report(&self, kept_up: bool) -> bool {
        let settings = &self.settings;
        let load = self.schedule.load(self.clock.now(), settings.poll_interval);
        let gauge = |name: &'static str, value: f64| {
            metrics::gauge!(name, "scheme" => settings.scheme.to_string()).set(value);
        };
        gauge("namesake_mirror_polled_accounts", f64::from(u32::try_from(load.accounts).unwrap_or(u32::MAX)));
        gauge("namesake_mirror_poll_lag_seconds", load.lag.as_secs_f64());
        gauge("namesake_mirror_poll_interval_seconds", load.interval.as_secs_f64());
        let keeps_up = load.interval <= settings.poll_interval;
        if kept_up && !keeps_up {
            tracing::warn!(
                scheme = %settings.scheme,
                accounts = load.accounts,
                interval_seconds = load.interval.as_secs(),
                "mirror.budget.short"
            );
        }
        keeps_up
    }

    /// Within how long a change at the upstream shows here without hints, with as many accounts as there are.
    #[must_use]
    pub fn shows_within(&self) -> Duration {
        self.schedule.load(self.clock.now(), self.settings.poll_interval).interval
    }

    /// One visit: asks the upstream if that is due, and looks at the deadline.
    pub(crate) async fn visit(&self, due: Due) {
        let now = self.clock.now();
        let next = Next { poll_at: Some(self.next_poll(now)), failures: due.failures, ..Next::default() };
        let mut under_way = UnderWay { schedule: &self.schedule, account: &due.account, next };
        let mut confirmed = None;
        if due.poll {
            let polled = self.poll(&due.account).await;
            metrics::counter!(
                "namesake_mirror_polls_total",
                "scheme" => self.settings.scheme.to_string(),
                "outcome" => polled.as_str()
            )
            .increment(1);
            under_way.next = self.after_poll(&polled, &due);
            if let Polled::Answered(applied) = polled {
                confirmed = applied.confirmed;
                under_way.next.renamed = applied.renamed;
                applied.ask.iter().for_each(|account| self.schedule.hint(account, self.clock.now()));
            }
        } else {
            under_way.next.poll_at = None;
        }
        let confirmed = match confirmed {
            Some(at) => Ok(Some(at)),
            None => self.release_unconfirmed(&due.account).await,
        };
        under_way.next.lapse_at = match confirmed {
            Ok(confirmed) => confirmed.map(|at| self.deadline(at)),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "mirror.release.failed");
                let wait = if matches!(error, RegisterError::Sealing) { RETRY_DEAD } else { RETRY_REGISTER };
                Some(after(self.clock.now(), wait))
            }
        };
    }

    /// Asks the upstream about one account, and applies what it says.
    async fn poll(&self, id: &AccountId) -> Polled {
        match self.try_poll(id).await {
            Ok(polled) => polled,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "mirror.poll.not_stored");
                Polled::NotStored
            }
        }
    }

    async fn try_poll(&self, id: &AccountId) -> Result<Polled, RegisterError> {
        let slot = self.register.account(id).await?;
        let Some((account, stored)) = slot.value().and_then(|it| Some((it, it.token.as_ref()?))) else {
            return Ok(Polled::NothingToAsk);
        };
        // A token is shown to nobody but the upstream that gave it.
        if account.foreign.source != *self.upstream.source() {
            return Ok(Polled::NothingToAsk);
        }
        let mut used = stored.clone();
        if used.refresh_at.is_some_and(|at| at <= self.clock.now()) {
            // A failure shows in what the old token gets.
            let _ = self.refresh(id, &mut used).await?;
        }
        let mut asked = self.clock.now();
        let mut answer = self.upstream.who(&self.opened(id, &used)?).await;
        if used.revivable && failed(&answer) == Some(UpstreamFailure::Dead) {
            answer = match self.refresh(id, &mut used).await? {
                Ok(()) => {
                    asked = self.clock.now();
                    self.upstream.who(&self.opened(id, &used)?).await
                }
                // Only the refresh token's end is the end: an outage meanwhile is an outage.
                Err(error) => Err(error),
            };
        }
        let when = Confirmed { asked, received: self.clock.now() };
        if let Ok(Sighting { usage_percent: Some(USED_UP_PERCENT..), .. }) = &answer {
            self.schedule.pause(after(when.received, PAUSE));
        }
        if let Err(error) = &answer {
            tracing::info!(account = %id, failure = error.failure.as_str(), reason = %error, "mirror.poll.failed");
        }
        let retry_after = answer.as_ref().err().and_then(|error| error.retry_after);
        let answer = answer.map(|sighting| sighting.person).map_err(|error| error.failure);
        let (name, picture) = match heard(&account.foreign.id, answer) {
            Ok(heard) => heard,
            Err(failure) => {
                if failure == UpstreamFailure::Dead {
                    self.note_dead_token(id, &used).await?;
                }
                return Ok(Polled::Failed { failure, retry_after });
            }
        };
        Ok(Polled::Answered(self.apply(id, &name, picture.as_ref(), when).await?))
    }

    /// Changes `used` for a fresh token, which is stored before it is used: the old one may have ended with it.
    async fn refresh(
        &self,
        id: &AccountId,
        used: &mut StoredToken,
    ) -> Result<Result<(), UpstreamError>, RegisterError> {
        let fresh = match self.upstream.refresh(&self.opened(id, used)?).await {
            Ok(fresh) => self.store_token(id, &fresh)?,
            Err(error) => {
                tracing::warn!(account = %id, failure = error.failure.as_str(), reason = %error, "mirror.refresh.failed");
                return Ok(Err(error));
            }
        };
        self.replace_token(id, used, fresh.clone()).await?;
        *used = fresh;
        Ok(Ok(()))
    }

    pub(crate) fn opened(&self, id: &AccountId, stored: &StoredToken) -> Result<Secret, RegisterError> {
        self.sealer.open(id.as_str(), &stored.sealed).map_err(|_| RegisterError::Sealing)
    }

    /// Whether two stored tokens of an account are one, perhaps sealed anew meanwhile.
    pub(crate) fn is_same_token(&self, id: &AccountId, one: &StoredToken, other: &StoredToken) -> bool {
        one == other
            || match (self.opened(id, one), self.opened(id, other)) {
                (Ok(one), Ok(other)) => one.matches(other.expose()),
                _ => false,
            }
    }

    /// A token as it is stored: sealed, with the time from which on it should be refreshed.
    pub(crate) fn store_token(&self, id: &AccountId, token: &Token) -> Result<StoredToken, RegisterError> {
        let Token { secret, refresh_in, revivable } = token;
        let sealed = self.sealer.seal(id.as_str(), secret, &*self.randomness);
        let refresh_at = refresh_in.map(|wait| after(self.clock.now(), wait));
        let sealed = sealed.map_err(|_| RegisterError::Sealing)?;
        Ok(StoredToken { sealed, refresh_at, revivable: *revivable })
    }

    fn after_poll(&self, polled: &Polled, due: &Due) -> Next {
        let (now, doubled) = (self.clock.now(), 1 << due.failures.min(16));
        let retry = after(now, self.jittered((RETRY * doubled).min(self.settings.poll_interval), 4));
        let (poll_at, failed) = match polled {
            Polled::Answered(_) => {
                self.schedule.answered(now);
                (Some(self.next_poll(now)), false)
            }
            Polled::NothingToAsk => (None, false),
            Polled::NotStored => (Some(retry), true),
            Polled::Failed { failure: UpstreamFailure::Dead, .. } => (Some(after(now, RETRY_DEAD)), true),
            Polled::Failed { failure: UpstreamFailure::Throttled, retry_after } => {
                (Some(self.schedule.slow_down(now, *retry_after, self.random_byte())), true)
            }
            Polled::Failed { failure: UpstreamFailure::Gone | UpstreamFailure::Nonsense, .. } => {
                (Some(self.next_poll(now)), true)
            }
            Polled::Failed { retry_after, .. } => {
                let wish = after(now, retry_after.unwrap_or_default().min(LONGEST_WISH));
                (Some(retry.max(wish)), true)
            }
        };
        let failures = if failed { due.failures.saturating_add(1) } else { 0 };
        Next { poll_at, failures, ..Next::default() }
    }

    /// One interval after `from`, and up to a tenth of it earlier, so that accounts linked together drift apart.
    pub(crate) fn next_poll(&self, from: Timestamp) -> Timestamp {
        after(from, self.jittered(self.settings.poll_interval, 10))
    }

    /// `span`, shorter by anything up to one part of `parts`.
    fn jittered(&self, span: Duration, parts: u32) -> Duration {
        span.saturating_sub(span / parts * u32::from(self.random_byte()) / 256)
    }

    fn random_byte(&self) -> u8 {
        let mut byte = [0];
        self.randomness.fill(&mut byte);
        byte[0]
    }

    pub(crate) fn deadline(&self, confirmed: Timestamp) -> Timestamp {
        deadline(confirmed, self.settings.max_unconfirmed)
    }
}

/// Whether the name of an account changed so lately that it may change again soon.
pub(crate) fn renamed_lately(account: &Account, now: Timestamp) -> bool {
    !account.former.is_empty() && after(account.handle_since, RENAMED_LATELY) > now
}

fn failed(answer: &Result<Sighting, UpstreamError>) -> Option<UpstreamFailure> {
    answer.as_ref().err().map(|error| error.failure)
}

/// How a poll went.
#[derive(Debug)]
enum Polled {
    /// The upstream said what the account is called, and that was applied.
    Answered(Applied),
    /// The account is gone, or has no token.
    NothingToAsk,
    /// The upstream did not say.
    Failed { failure: UpstreamFailure, retry_after: Option<Duration> },
    /// It said, and that could not be stored.
    NotStored,
}

impl Polled {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::NothingToAsk => "nothing-to-ask",
            Self::Failed { failure, .. } => failure.as_str(),
            Self::NotStored => "not-stored",
        }
    }
}

/// Ends a visit in the plan, also when its task panics or is aborted: nobody may wait for it for ever.
struct UnderWay<'a> {
    schedule: &'a Schedule,
    account: &'a AccountId,
    next: Next,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.schedule.done(self.account, self.next);
    }
}
