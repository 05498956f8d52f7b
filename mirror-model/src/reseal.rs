//! After a new line on top of the key file: everything that is sealed is sealed anew, in the background.
//!
//! It goes through the accounts, some in each commit, beside polls and sign-ins, which seal with the newest key anyway.
//! Each commit is conditional on what it read, so whoever was faster wins and is looked at once more; whoever holds a token
//! of before compares what is in the seal ([`MirrorModel::is_same_token`]). Interrupted, it goes on at the next start.

use namesake::{
    AccountId,
    store::{Commit, Key, Slot},
};

use crate::{
    MirrorModel, RegisterError,
    budget::after,
    poller::RETRY_REGISTER,
    records::{Account, Keyring, StoredToken},
    register::{ATTEMPTS, Outcome},
    sealing::TokenSealer,
};

/// Accounts in one commit: well below what a commit may hold, so that other writers wait for little.
const BATCH: usize = 16;

/// What one look at all accounts found.
#[derive(Debug, Default)]
struct Look {
    /// Accounts whose tokens are sealed with an older key …
    old: usize,
    /// … of which so many cannot be opened.
    unopened: usize,
}

impl MirrorModel {
    /// Seals anew until nothing is left that needs an older key.
    pub(crate) async fn seal_anew(&self) {
        while let Err(error) = self.try_seal_anew().await {
            tracing::error!(scheme = %self.settings.scheme, error = &error as &dyn std::error::Error, "mirror.reseal.failed");
            self.clock.sleep_until(after(self.clock.now(), RETRY_REGISTER)).await;
        }
    }

    pub(crate) async fn try_seal_anew(&self) -> Result<(), RegisterError> {
        let Some(newest) = self.sealer.newest() else { return Ok(()) };
        let only_newest = Keyring { keys: [newest.to_owned()].into() };
        let keyring = self.register.read::<Keyring>(self.register.keys.keyring()?).await?;
        if keyring.value() == Some(&only_newest) {
            self.show_old(0);
            if self.sealer.keys().count() > 1 {
                self.say_done(0);
            }
            return Ok(());
        }
        // The key of the names is sealed anew where it is read.
        self.register.names().await?;
        let found = self.look().await?;
        if found.old == 0 && keyring.value().is_none() {
            // A store without a key file, of a private world.
            return Ok(());
        }
        tracing::info!(scheme = %self.settings.scheme, accounts = found.old, "mirror.reseal.begun");
        let mut left = found.old;
        while left > 0 {
            self.pass().await?;
            let look = self.look().await?;
            if look.old > 0 && look.old == look.unopened {
                // Nothing more can be done; one of the older keys may be what opens them after all.
                tracing::error!(
                    scheme = %self.settings.scheme,
                    accounts = look.unopened,
                    advice = "keep the older lines of token_key_file",
                    "mirror.reseal.incomplete"
                );
                return Ok(());
            }
            left = look.old;
        }
        if self.register.commit(keyring.put(Commit::new(), &only_newest)?).await? != Outcome::Done {
            return Err(RegisterError::Contended);
        }
        self.say_done(found.old);
        Ok(())
    }

    fn say_done(&self, accounts: usize) {
        tracing::info!(
            scheme = %self.settings.scheme,
            accounts,
            advice = "the older lines of token_key_file may be removed",
            "mirror.reseal.done"
        );
    }

    /// Counts what is sealed with older keys, and shows it.
    async fn look(&self) -> Result<Look, RegisterError> {
        let (mut found, mut last) = (Look::default(), None);
        while let Some(page) = self.accounts_after(&mut last).await? {
            for (account, token) in page.iter().filter_map(|slot| old_token(slot, &self.sealer)) {
                found.old += 1;
                found.unopened += usize::from(self.opened(&account.account, token).is_err());
            }
        }
        self.show_old(found.old);
        Ok(found)
    }

    fn show_old(&self, accounts: usize) {
        metrics::gauge!(
            "namesake_mirror_sealed_with_old_keys",
            "scheme" => self.settings.scheme.to_string()
        )
        .set(f64::from(u32::try_from(accounts).unwrap_or(u32::MAX)));
    }

    /// Seals anew what can be opened.
    async fn pass(&self) -> Result<(), RegisterError> {
        let mut last = None;
        while let Some(page) = self.accounts_after(&mut last).await? {
            let old: Vec<_> = page.iter().filter(|slot| old_token(slot, &self.sealer).is_some()).collect();
            for batch in old.chunks(BATCH) {
                if !self.seal_batch(batch).await? {
                    for account in batch.iter().filter_map(|slot| slot.value()) {
                        self.seal_one(&account.account).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// `false`: somebody changed one of them meanwhile.
    pub(crate) async fn seal_batch(&self, batch: &[&Slot<Account>]) -> Result<bool, RegisterError> {
        let mut commit = Commit::new();
        for slot in batch {
            if let Some(next) = slot.value().and_then(|account| self.with_token_anew(account)) {
                commit = slot.put(commit, &next)?;
            }
        }
        if commit.writes().is_empty() {
            return Ok(true);
        }
        // What is not known is looked at again in the next pass.
        Ok(self.register.commit(commit).await? != Outcome::Conflict)
    }

    async fn seal_one(&self, account: &AccountId) -> Result<(), RegisterError> {
        for _ in 0..ATTEMPTS {
            let slot = self.register.account(account).await?;
            if old_token(&slot, &self.sealer).is_none() || self.seal_batch(&[&slot]).await? {
                return Ok(());
            }
        }
        Err(RegisterError::Contended)
    }

    /// The account with its token sealed anew; `None` where that cannot be opened.
    fn with_token_anew(&self, account: &Account) -> Option<Account> {
        let token = account.token.as_ref()?;
        let secret = self.opened(&account.account, token).ok()?;
        let sealed = self.sealer.seal(account.account.as_str(), &secret, &*self.randomness).ok()?;
        let token = Some(StoredToken { sealed, ..token.clone() });
        Some(Account { token, ..account.clone() })
    }

    /// The accounts after `last`, which moves on; `None` when there are no more.
    async fn accounts_after(
        &self,
        last: &mut Option<Key>,
    ) -> Result<Option<Vec<Slot<Account>>>, RegisterError> {
        // A store in memory never waits; others have work, too.
        tokio::task::yield_now().await;
        let page = self.register.page::<Account>(&self.register.keys.accounts(), last.as_ref()).await?;
        let Some(key) = page.last else { return Ok(None) };
        *last = Some(key);
        Ok(Some(page.records))
    }
}

/// The token of an account, where it is sealed with an older key.
fn old_token<'a>(slot: &'a Slot<Account>, sealer: &TokenSealer) -> Option<(&'a Account, &'a StoredToken)> {
    let account = slot.value()?;
    let token = account.token.as_ref().filter(|token| !token.sealed.is_current(sealer))?;
    Some((account, token))
}
