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
    records::{Account, Confirmed, Pending, StoredToken},
    schedule::{Due, Next, Schedule},
    upstream::{Sighting, Token, UpstreamError, UpstreamFailure},
};

/// First wait after a failed poll; doubles with each further failure, up to the interval.
const RETRY: Duration = Duration::from_secs(2);
/// Wait before a token the upstream refused is tried once more: it may have been the upstream's mistake.
const RETRY_DEAD: Duration = Duration::from_secs(3600);
/// First pause of all polls when the upstream asks us to slow down; doubles up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// From this much of the upstream's own budget on, polls pause without being told to.
const USED_UP_PERCENT: u8 = 90;
/// Wait before a register that failed is used again.
const RETRY_REGISTER: Duration = Duration::from_secs(5);

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

    pub(crate) async fn keep_true(self: &Arc<Self>) {
        self.load().await;
        let mut changed = self.schedule.watch();
        let mut visits = JoinSet::new();
        let mut sweep_at = self.clock.now();
        loop {
            changed.borrow_and_update();
            let now = self.clock.now();
            if sweep_at <= now {
                self.sweep_pending(now).await;
                sweep_at = after(now, self.settings.state_ttl);
            }
            while visits.len() < self.settings.concurrent_polls.max(1)
                && let Some(due) = self.schedule.take(self.clock.now())
            {
                let model = Arc::clone(self);
                visits.spawn(async move { model.visit(due).await });
            }
            // With every place taken, only the end of a visit can change what there is to do.
            let full = visits.len() >= self.settings.concurrent_polls.max(1);
            let next = self.schedule.next().map_or(sweep_at, |at| at.min(sweep_at));
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

    /// Plans every stored account: next asked one interval after its last confirmation.
    async fn load(&self) {
        while let Err(error) = self.try_load().await {
            tracing::error!(error = &error as &dyn std::error::Error, "mirror.load.failed");
            self.clock.sleep_until(after(self.clock.now(), RETRY_REGISTER)).await;
        }
        self.schedule.loaded();
    }

    async fn try_load(&self) -> Result<(), RegisterError> {
        let (prefix, now) = (self.register.keys.accounts(), self.clock.now());
        let mut last = None;
        loop {
            let page = self.register.page::<Account>(&prefix, last.as_ref()).await?;
            for account in page.iter().filter_map(|slot| slot.value()) {
                let confirmed = match &account.handle {
                    Some(name) => self.rows(account, name).await?.confirmed_at(),
                    None => None,
                };
                let poll_at = account.token.as_ref().map(|_| confirmed.map_or(now, |at| self.next_poll(at)));
                self.schedule.plan(&account.account, poll_at, confirmed.map(|at| self.deadline(at)));
            }
            match page.last() {
                Some(slot) => last = Some(slot.key().clone()),
                None => return Ok(()),
            }
        }
    }

    /// One visit: asks the upstream if that is due, and looks at the deadline.
    async fn visit(&self, due: Due) {
        let now = self.clock.now();
        let next = Next { poll_at: Some(self.next_poll(now)), lapse_at: None, failures: due.failures };
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
                Some(after(self.clock.now(), RETRY_REGISTER))
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
        let answer = answer.map(|sighting| sighting.person).map_err(|error| error.failure);
        let (name, picture) = match heard(&account.foreign.id, answer) {
            Ok(heard) => heard,
            Err(failure) => {
                if failure == UpstreamFailure::Dead {
                    self.note_dead_token(id, &used).await?;
                }
                return Ok(Polled::Failed(failure));
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

    fn opened(&self, id: &AccountId, stored: &StoredToken) -> Result<Secret, RegisterError> {
        self.sealer.open(id.as_str(), &stored.sealed).map_err(|_| RegisterError::Sealing)
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
        let retry = after(now, (RETRY * doubled).min(self.settings.poll_interval));
        let (poll_at, failed) = match polled {
            Polled::Answered(_) => (Some(self.next_poll(now)), false),
            Polled::NothingToAsk => (None, false),
            Polled::NotStored => (Some(retry), true),
            Polled::Failed(UpstreamFailure::Dead) => (Some(after(now, RETRY_DEAD)), true),
            Polled::Failed(UpstreamFailure::Throttled) => {
                let until = after(now, (PAUSE * doubled).min(LONGEST_PAUSE));
                self.schedule.pause(until);
                (Some(until), true)
            }
            Polled::Failed(UpstreamFailure::Gone | UpstreamFailure::Nonsense) => {
                (Some(self.next_poll(now)), true)
            }
            Polled::Failed(_) => (Some(retry), true),
        };
        let failures = if failed { due.failures.saturating_add(1) } else { 0 };
        Next { poll_at, lapse_at: None, failures }
    }

    /// One interval after `from`, and up to a tenth of it earlier, so that accounts linked together drift apart.
    pub(crate) fn next_poll(&self, from: Timestamp) -> Timestamp {
        let mut byte = [0];
        self.randomness.fill(&mut byte);
        let jitter = self.settings.poll_interval / 10 * u32::from(byte[0]) / 256;
        after(from, self.settings.poll_interval.saturating_sub(jitter))
    }

    pub(crate) fn deadline(&self, confirmed: Timestamp) -> Timestamp {
        deadline(confirmed, self.settings.max_unconfirmed)
    }

    /// Forgets sign-ins that were begun and never ended.
    async fn sweep_pending(&self, now: Timestamp) {
        let prefix = self.register.keys.states();
        let mut last = None;
        while let Ok(page) = self.register.page::<Pending>(&prefix, last.as_ref()).await {
            for slot in page.iter().filter(|slot| slot.value().is_some_and(|it| it.expires <= now)) {
                if let Err(error) = self.register.commit(slot.clear(namesake::store::Commit::new())).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "mirror.sweep.failed");
                    return;
                }
            }
            match page.last() {
                Some(slot) => last = Some(slot.key().clone()),
                None => return,
            }
        }
    }
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
    Failed(UpstreamFailure),
    /// It said, and that could not be stored.
    NotStored,
}

impl Polled {
    fn as_str(&self) -> &'static str {
        match self {
            Self::Answered(_) => "answered",
            Self::NothingToAsk => "nothing-to-ask",
            Self::Failed(failure) => failure.as_str(),
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
