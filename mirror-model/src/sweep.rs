//! Housekeeping: forgets what nobody comes back for, which is sign-ins that were used long ago and old records of
//! deletions. It goes on beside the polls, and keeps none of them waiting.

use namesake::{
    Timestamp,
    store::{Commit, MAX_KEYS_PER_COMMIT},
};
use serde::de::DeserializeOwned;

use crate::{MirrorModel, RegisterError, budget::after, pending::Used, records::Deletion};

/// How many places are cleared in one commit: each waits for the disk once, however many there are.
const CLEARED_AT_ONCE: usize = MAX_KEYS_PER_COMMIT;

impl MirrorModel {
    /// Sweeps now and then, for as long as it is polled.
    pub(crate) async fn keep_house(&self) {
        loop {
            let now = self.clock.now();
            self.sweep(now).await;
            self.clock.sleep_until(after(now, self.settings.state_ttl)).await;
        }
    }

    /// Removes what is over at `now`. A failure is logged, and made good the next time.
    pub(crate) async fn sweep(&self, now: Timestamp) {
        let keys = &self.register.keys;
        let kept = self.settings.deletion_record_ttl;
        let swept = async {
            self.clear(&keys.used_states(), |used: &Used| used.expires <= now).await?;
            self.clear(&keys.deletions(), |deletion: &Deletion| after(deletion.at, kept) <= now).await
        };
        if let Err(error) = swept.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "mirror.sweep.failed");
        }
    }

    /// Clears every place below `prefix` whose record `is_over`. Places that change meanwhile are left to the next sweep,
    /// with those that would have gone in the same commit.
    async fn clear<T: DeserializeOwned>(
        &self,
        prefix: &str,
        is_over: impl Fn(&T) -> bool,
    ) -> Result<(), RegisterError> {
        let mut last = None;
        loop {
            let page = self.register.page::<T>(prefix, last.as_ref()).await?;
            let over = page.records.iter().filter(|slot| slot.value().is_some_and(&is_over));
            for some in over.collect::<Vec<_>>().chunks(CLEARED_AT_ONCE) {
                let commit = some.iter().fold(Commit::new(), |commit, slot| slot.clear(commit));
                self.register.commit(commit).await?;
            }
            match page.last {
                Some(key) => last = Some(key),
                None => return Ok(()),
            }
            // A store in memory never waits; others have work, too.
            tokio::task::yield_now().await;
        }
    }
}
