//! How often one client may make us ask others, walk through what is kept, or keep something for good. What is in memory needs no quota.

mod remembered;

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
};
use http::HeaderValue;
use namesake::shares::Client;

use self::remembered::Remembered;
use crate::{asker::Asker, problem::Refusal, settings::Limits};

/// What a quota is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A lookup of what is not in memory.
    Miss,
    /// A lookup past the memory.
    Fresh,
    /// An explanation.
    Explain,
    /// A page of the feed of changes, or the beginning of a stream of it.
    Changes,
    /// An entry or a record that is to be checked.
    Write,
    /// A new account, its entry checked.
    Register,
}

impl Purpose {
    /// The name of the policy in `RateLimit` fields.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Miss => "misses",
            Self::Fresh => "fresh",
            Self::Explain => "explain",
            Self::Changes => "changes",
            Self::Write => "writes",
            Self::Register => "registrations",
        }
    }
}

/// What a client has left of a quota, after it took from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    purpose: Purpose,
    /// The field `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10, section 3).
    pub(crate) policy: HeaderValue,
    left: u32,
    /// Until there is more of it.
    reset: Duration,
}

impl Left {
    /// The field `RateLimit` (section 4 of the same).
    pub(crate) fn field(&self) -> String {
        format!("\"{}\";r={};t={}", self.purpose.as_str(), self.left, whole_seconds(self.reset))
    }
}

/// The quotas of all clients.
#[derive(Debug)]
pub(crate) struct Quotas([Option<Limiter>; Purpose::Register as usize + 1]);

type Keyed = RateLimiter<Client, Remembered, DefaultClock>;
type Telling = RateLimiter<Client, Remembered, DefaultClock, StateInformationMiddleware>;

#[derive(Debug)]
struct Limiter {
    limiter: Telling,
    /// From one to the next, on average.
    period: Duration,
    policy: HeaderValue,
}

impl Limiter {
    fn new(purpose: Purpose, quota: u32, window: Duration, remembered: usize) -> Option<Self> {
        let (most, period) = (NonZeroU32::new(quota)?, window / quota);
        let policy = format!("\"{}\";q={quota};w={}", purpose.as_str(), window.as_secs());
        let policy = HeaderValue::try_from(policy).ok()?;
        let rate = Quota::with_period(period)?.allow_burst(most);
        let limiter = Keyed::new(rate, Remembered::new(remembered), DefaultClock::default());
        Some(Self { limiter: limiter.with_middleware(), period, policy })
    }
}

impl Quotas {
    /// A quota of zero forbids.
    pub(crate) fn new(limits: &Limits) -> Self {
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
        let limiter =
            |purpose, quota, window| Limiter::new(purpose, quota, window, limits.remembered_clients);
        Self([
            limiter(Purpose::Miss, limits.misses_per_minute, minute),
            limiter(Purpose::Fresh, limits.fresh_per_minute, minute),
            limiter(Purpose::Explain, limits.explain_per_minute, minute),
            limiter(Purpose::Changes, limits.changes_per_minute, minute),
            limiter(Purpose::Write, limits.writes_per_minute, minute),
            limiter(Purpose::Register, limits.registrations_per_hour, hour),
        ])
    }

    /// Takes one from the quota of the client for whom the running task answers; its answer says what is left.
    pub(crate) fn spend(&self, purpose: Purpose) -> Result<(), Refusal> {
        self.take(purpose).map_err(|wait| Refusal::Quota { retry_after_seconds: whole_seconds(wait) })
    }

    /// Takes one; otherwise how long to wait.
    pub(crate) fn take(&self, purpose: Purpose) -> Result<(), Duration> {
        let asker = Asker::current();
        // What the service does by itself has limits of its own.
        let client @ Client::Network(_) = asker.client() else { return Ok(()) };
        let Some(Some(Limiter { limiter, period, policy })) = self.0.get(purpose as usize) else {
            return Err(Duration::from_secs(3600));
        };
        let left = |left, reset| Left { purpose, policy: policy.clone(), left, reset };
        match limiter.check_key(&client) {
            Ok(state) => {
                asker.spent(left(state.remaining_burst_capacity(), *period));
                Ok(())
            }
            Err(wait) => {
                let wait = wait.wait_time_from(DefaultClock::default().now());
                asker.spent(left(0, wait));
                Err(wait)
            }
        }
    }
}

/// Rounded up: who waits so long is not told to wait again.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn spend(quotas: &Quotas, purpose: Purpose, client: &str) -> (Result<(), Refusal>, Asker) {
        let asker = Asker::new(Client::at(client.parse().unwrap()));
        (asker.clone().answers(async { quotas.spend(purpose) }).await, asker)
    }

    #[tokio::test]
    async fn each_client_has_its_own_quota() {
        let quotas = Quotas::new(&Limits { fresh_per_minute: 1, explain_per_minute: 0, ..Limits::default() });
        let fresh = async |client| spend(&quotas, Purpose::Fresh, client).await.0;
        assert!(fresh("192.0.2.1").await.is_ok() && fresh("192.0.2.2").await.is_ok());
        let refused = fresh("::ffff:192.0.2.1").await;
        assert!(matches!(refused, Err(Refusal::Quota { retry_after_seconds: 1..=61 })));
        assert!(fresh("2001:db8::1").await.is_ok());
        assert!(fresh("2001:db8::2").await.is_err() && fresh("2001:db8:0:1::1").await.is_ok());
        assert!(spend(&quotas, Purpose::Explain, "192.0.2.9").await.0.is_err(), "zero forbids");
        assert!(quotas.spend(Purpose::Fresh).is_ok(), "what the service does by itself has no quota");
    }

    #[tokio::test]
    async fn an_answer_says_what_is_left() {
        let quotas = Quotas::new(&Limits { fresh_per_minute: 2, ..Limits::default() });
        let left = async || spend(&quotas, Purpose::Fresh, "192.0.2.1").await.1.left().unwrap();
        let first = left().await;
        assert_eq!(first.policy, "\"fresh\";q=2;w=60");
        assert_eq!(first.field(), "\"fresh\";r=1;t=30");
        assert_eq!(left().await.left, 0);
        assert_eq!(left().await.field(), "\"fresh\";r=0;t=30");
    }
}
