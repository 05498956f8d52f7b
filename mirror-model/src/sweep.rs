//! Forgets what nobody comes back for: sign-ins that were begun and never ended, and old records of deletions.

use namesake::{Timestamp, store::Commit};
use serde::de::DeserializeOwned;

use crate::{
    MirrorModel, RegisterError,
    budget::after,
    records::{Deletion, Pending},
};

impl MirrorModel {
    /// Removes what is over at `now`. A failure is logged, and made good the next time.
    pub(crate) async fn sweep(&self, now: Timestamp) {
        let keys = &self.register.keys;
        let kept = self.settings.deletion_record_ttl;
        let swept = async {
            self.clear(&keys.states(), |pending: &Pending| pending.expires <= now).await?;
            self.clear(&keys.deletions(), |deletion: &Deletion| after(deletion.at, kept) <= now).await
        };
        if let Err(error) = swept.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "mirror.sweep.failed");
        }
    }

    /// Clears every place below `prefix` whose record `is_over`. What changes meanwhile stays.
    async fn clear<T: DeserializeOwned>(
        &self,
        prefix: &str,
        is_over: impl Fn(&T) -> bool,
    ) -> Result<(), RegisterError> {
        let mut last = None;
        loop {
            let page = self.register.page::<T>(prefix, last.as_ref()).await?;
            for slot in page.records.iter().filter(|slot| slot.value().is_some_and(&is_over)) {
                self.register.commit(slot.clear(Commit::new())).await?;
            }
            match page.last {
                Some(key) => last = Some(key),
                None => return Ok(()),
            }
        }
    }
}
