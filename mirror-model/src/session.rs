//! Who is signed in. One sign-in for each account; a new one ends the old.

use namesake::{
    AccountId,
    store::{Commit, Slot},
};

use crate::{
    MirrorModel, OwnError, RegisterError, SessionToken,
    records::{Account, Session},
    register::{ATTEMPTS, Outcome},
};

impl MirrorModel {
    /// Whose session this is, if it is a valid one.
    ///
    /// # Errors
    /// [`RegisterError`] when that is not known.
    pub async fn signed_in(&self, token: &SessionToken) -> Result<Option<AccountId>, RegisterError> {
        let slot = self.session(token).await?;
        Ok(slot.and_then(|slot| slot.value().map(|account| account.account.clone())))
    }

    /// Ends a session; one that has ended is fine. The account stays as it is.
    ///
    /// # Errors
    /// [`RegisterError`] when it may still be valid.
    pub async fn sign_out(&self, token: &SessionToken) -> Result<(), RegisterError> {
        for _ in 0..ATTEMPTS {
            let row = self.register.read::<AccountId>(self.register.keys.session(&token.hash())?).await?;
            // The account still has its hash, which without this row is worth nothing.
            if row.value().is_none() || self.register.commit(row.clear(Commit::new())).await? == Outcome::Done
            {
                return Ok(());
            }
        }
        Err(RegisterError::Contended)
    }

    /// The account of `id`, for its owner. Nobody else learns whether there is one.
    pub(crate) async fn authorize(
        &self,
        id: &AccountId,
        token: &SessionToken,
    ) -> Result<(Slot<Account>, Account), OwnError> {
        let slot = self.session(token).await?.ok_or(OwnError::SignIn)?;
        match slot.value().cloned() {
            Some(account) if account.account == *id => Ok((slot, account)),
            _ => Err(OwnError::SignIn),
        }
    }

    /// The account a session belongs to.
    async fn session(&self, token: &SessionToken) -> Result<Option<Slot<Account>>, RegisterError> {
        let hash = token.hash();
        let row = self.register.read::<AccountId>(self.register.keys.session(&hash)?).await?;
        let Some(account) = row.value() else { return Ok(None) };
        let slot = self.register.account(account).await?;
        let now = self.clock.now();
        let valid = |session: &Session| session.hash == hash && session.expires > now;
        let signed_in = slot.value().and_then(|account| account.session.as_ref()).is_some_and(valid);
        Ok(signed_in.then_some(slot))
    }
}
