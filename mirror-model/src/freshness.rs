//! Confirmations that are newer than what the register says.
//!
//! Nearly every poll confirms what is known. Written each time, they would make up nearly all of a change feed that is
//! never trimmed; so one is written now and then, and those between are remembered here. After a restart a name is at
//! most that much closer to its deadline, and two claims to one name are cleared up by asking again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use namesake::AccountId;

use crate::{Username, records::Confirmed};

/// The newest confirmation of each account that is not in the register.
#[derive(Debug, Default)]
pub(crate) struct Freshness(Mutex<HashMap<AccountId, (Username, Confirmed)>>);

impl Freshness {
    /// The upstream said again that `account` goes by `name`.
    pub(crate) fn note(&self, account: &AccountId, name: &Username, confirmed: Confirmed) {
        let confirmed = self.newest(account, name, confirmed);
        self.lock().insert(account.clone(), (name.clone(), confirmed));
    }

    /// The newer of what is stored and what is remembered of `account` under `name`.
    pub(crate) fn newest(&self, account: &AccountId, name: &Username, stored: Confirmed) -> Confirmed {
        match self.lock().get(account) {
            Some((noted, confirmed)) if noted == name && confirmed.received > stored.received => *confirmed,
            _ => stored,
        }
    }

    /// The account is gone, or a newer confirmation is stored.
    pub(crate) fn forget(&self, account: &AccountId) {
        self.lock().remove(account);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AccountId, (Username, Confirmed)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
