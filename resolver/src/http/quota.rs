//! How often one client may make us ask others, walk through what is kept, or keep something for good: the ways past the
//! memory, the feed of changes and registrations have a quota, the others need none.

use std::num::NonZeroU32;

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use namesake::shares::Client;

use crate::{problem::Refusal, settings::Limits};

/// What a quota is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A lookup past the memory.
    Fresh,
    /// An explanation.
    Explain,
    /// A page of the feed of changes, or the beginning of a stream of it.
    Changes,
    /// An attempt to register an account.
    Register,
}

/// The quotas, a client each.
#[derive(Debug)]
pub(crate) struct Quotas {
    fresh: Option<DefaultKeyedRateLimiter<Client>>,
    explain: Option<DefaultKeyedRateLimiter<Client>>,
    changes: Option<DefaultKeyedRateLimiter<Client>>,
    register: Option<DefaultKeyedRateLimiter<Client>>,
}

impl Quotas {
    /// A quota of zero forbids.
    pub(crate) fn new(limits: &Limits) -> Self {
        let limiter = |quota: fn(NonZeroU32) -> Quota, most| {
            NonZeroU32::new(most).map(|most| RateLimiter::keyed(quota(most)))
        };
        Self {
            fresh: limiter(Quota::per_minute, limits.fresh_per_minute),
            explain: limiter(Quota::per_minute, limits.explain_per_minute),
            changes: limiter(Quota::per_minute, limits.changes_per_minute),
            register: limiter(Quota::per_hour, limits.registrations_per_hour),
        }
    }

    /// Takes one from the quota of `client`.
    pub(crate) fn spend(&self, purpose: Purpose, client: Client) -> Result<(), Refusal> {
        let limiter = match purpose {
            Purpose::Fresh => &self.fresh,
            Purpose::Explain => &self.explain,
            Purpose::Changes => &self.changes,
            Purpose::Register => &self.register,
        };
        let Some(limiter) = limiter else { return Err(Refusal::Quota { retry_after_seconds: 3600 }) };
        limiter.check_key(&client).map_err(|wait| {
            let wait = wait.wait_time_from(DefaultClock::default().now());
            Refusal::Quota { retry_after_seconds: wait.as_secs().saturating_add(1) }
        })
    }

    /// Forgets clients whose quota is whole again.
    pub(crate) fn tidy(&self) {
        for limiter in [&self.fresh, &self.explain, &self.changes, &self.register].into_iter().flatten() {
            limiter.retain_recent();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_address_or_a_network_of_the_new_kind() {
        let quotas = Quotas::new(&Limits { fresh_per_minute: 1, explain_per_minute: 0, ..Limits::default() });
        let spend = |peer: &str| quotas.spend(Purpose::Fresh, Client::at(peer.parse().unwrap()));
        assert!(spend("192.0.2.1").is_ok() && spend("192.0.2.2").is_ok());
        assert!(matches!(spend("::ffff:192.0.2.1"), Err(Refusal::Quota { retry_after_seconds: 1..=61 })));
        assert!(
            spend("2001:db8::1").is_ok() && spend("2001:db8::2").is_err() && spend("2001:db8:0:1::1").is_ok()
        );
        assert!(quotas.spend(Purpose::Explain, Client::at("192.0.2.9".parse().unwrap())).is_err());
    }
}
