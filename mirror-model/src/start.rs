//! What a start makes of the register: a plan in which everybody has their place, a page of accounts at a time.

use std::time::Duration;

use namesake::{AccountId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::{
    MirrorModel, RegisterError, Username,
    budget::after,
    poller::{RETRY_REGISTER, renamed_lately},
    records::{Account, Row},
    schedule::Next,
};

impl MirrorModel {
    /// Plans every stored account, a page at a time.
    pub(crate) async fn load(&self) {
        while let Err(error) = self.try_load().await {
            tracing::error!(error = &error as &dyn std::error::Error, "mirror.load.failed");
            self.clock.sleep_until(after(self.clock.now(), RETRY_REGISTER)).await;
        }
        self.schedule.loaded();
    }

    async fn try_load(&self) -> Result<(), RegisterError> {
        self.register.prepare().await?;
        let prefix = self.register.keys.accounts();
        let mut last = None;
        loop {
            let page = self.register.page::<Account>(&prefix, last.as_ref()).await?;
            for account in page.records.iter().filter_map(|slot| slot.value()) {
                let confirmed = match &account.handle {
                    Some(name) => self.confirmed(account, name).await?,
                    None => None,
                };
                // What is stored happened, also where the clock has been set back since.
                let latest = account.learnt_at.max(account.handle_since);
                self.running.not_before(confirmed.map_or(latest, |at| latest.max(at)));
                let now = self.clock.now();
                self.schedule.plan(&account.account, self.first_visit(account, confirmed, now));
            }
            match page.last {
                Some(key) => last = Some(key),
                None => return Ok(()),
            }
            // A store in memory never waits; others have work, too.
            tokio::task::yield_now().await;
        }
    }

    /// As of when the stored name of an account is confirmed.
    async fn confirmed(
        &self,
        account: &Account,
        name: &Username,
    ) -> Result<Option<Timestamp>, RegisterError> {
        Ok(match self.register.row(name).await?.value() {
            Some(Row::Held { account: by, confirmed }) if *by == account.account => Some(confirmed.asked),
            _ => None,
        })
    }

    /// What comes first for an account after a start: whoever has been overdue gets a place of their own in the next
    /// interval, the same after every restart, so that a restart asks no more of the upstream than any other time.
    fn first_visit(&self, account: &Account, confirmed: Option<Timestamp>, now: Timestamp) -> Next {
        let place = after(now, place_in(self.settings.poll_interval, &account.account));
        let lapse_at = confirmed.map(|at| self.deadline(at));
        let poll_at = match confirmed.map(|at| self.next_poll(at)) {
            Some(planned) if planned > now => planned,
            // Rather early than after its deadline.
            _ => lapse_at.filter(|at| *at > now).map_or(place, |at| at.min(place)),
        };
        let poll_at = account.token.as_ref().map(|_| poll_at);
        Next { poll_at, lapse_at, failures: 0, renamed: renamed_lately(account, now) }
    }
}

/// The place of an account in an interval: anywhere, and always the same.
fn place_in(interval: Duration, account: &AccountId) -> Duration {
    let digest = Sha256::digest(account.as_str().as_bytes());
    interval / (1 << 16) * u32::from(u16::from_be_bytes([digest[0], digest[1]]))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use namesake::AccountId;

    use super::place_in;

    #[test]
    fn after_a_restart_everybody_has_a_place_of_their_own_in_the_interval() {
        const LINKS: u32 = 200_000;
        let interval = Duration::from_secs(300);
        let mut minutes = [0_u32; 5];
        for link in 0..LINKS {
            let account = AccountId::parse(&format!("threads:{link:026}")).unwrap();
            let place = place_in(interval, &account);
            assert_eq!(place, place_in(interval, &account), "the same after the next one");
            minutes[usize::try_from(place.as_secs() / 60).unwrap()] += 1;
        }
        let share = LINKS / 5;
        assert!(minutes.iter().all(|polls| polls.abs_diff(share) < share / 20), "{minutes:?}");
    }
}
