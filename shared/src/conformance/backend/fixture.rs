//! What the author of a backend tells the kit.

use std::{
    fmt,
    future::{Future, ready},
    sync::Arc,
};

use super::{Upstream, report::inconsistent};
use crate::{AccountId, Handle, HandleResolver};

/// A backend in a small world of its own, and what is true there.
///
/// The hooks may be written as `async fn`.
pub trait Fixture: Send + Sync {
    /// The backend; the kit asks for it once.
    fn backend(&self) -> Arc<dyn HandleResolver>;

    /// What is true before [`rename`](Self::rename).
    fn facts(&self) -> Facts;

    /// What the backend asks in order to answer. A fake source that embeds [`Faults`](super::Faults) gives those.
    fn upstream(&self) -> &impl Upstream;

    /// Gives one of the [`Facts::held`] handles' accounts another name, in the way this scheme does it.
    ///
    /// The excuse is accepted only of a policy that says [`ChangedBy::Nobody`](crate::ChangedBy::Nobody).
    fn rename(&self) -> impl Future<Output = Result<Renamed, Excuse>> + Send;

    /// Ends when the backend has had the time its policy claims in order to notice a rename.
    ///
    /// For backends that follow by polling: advance the clock, wait for the poll. Not called when the policy says
    /// [`Bound::Immediately`](crate::Bound::Immediately).
    fn settle(&self) -> impl Future<Output = ()> + Send {
        ready(())
    }
}

/// A fixture in one expression, for a backend that follows renames at once and needs no hooks beside this one.
#[derive(Debug)]
pub struct World<'a, U, R> {
    /// See [`Fixture::backend`].
    pub backend: Arc<dyn HandleResolver>,
    /// See [`Fixture::facts`].
    pub facts: Facts,
    /// See [`Fixture::upstream`].
    pub upstream: &'a U,
    /// See [`Fixture::rename`].
    pub rename: R,
}

impl<U, R, F> Fixture for World<'_, U, R>
where
    U: Upstream,
    R: Fn() -> F + Send + Sync,
    F: Future<Output = Renamed> + Send,
{
    fn backend(&self) -> Arc<dyn HandleResolver> {
        Arc::clone(&self.backend)
    }

    fn facts(&self) -> Facts {
        self.facts.clone()
    }

    fn upstream(&self) -> &impl Upstream {
        self.upstream
    }

    async fn rename(&self) -> Result<Renamed, Excuse> {
        Ok((self.rename)().await)
    }
}

/// Who holds what in a fixture's world, and what is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// At least two handles, each held by another account.
    ///
    /// The fixture must know the accounts from elsewhere than the backend's lookups (it created them), or rule R2
    /// would compare the backend with itself.
    pub held: Vec<Held>,
    /// A handle in the backend's namespace that nobody holds.
    pub absent: Handle,
    /// An account id of the backend's kind that nobody has.
    pub absent_account: AccountId,
    /// A handle outside the backend's namespace.
    pub foreign: Handle,
}

/// A handle and who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The name.
    pub handle: Handle,
    /// Who goes by it.
    pub account: AccountId,
}

impl Held {
    /// That `account` goes by `handle`.
    ///
    /// # Panics
    /// With `fixture:` when one of the texts is none.
    #[must_use]
    pub fn new(handle: &str, account: &str) -> Self {
        let of_account = |error| inconsistent(format!("{account:?}: {error}"));
        Self { handle: parsed(handle), account: AccountId::parse(account).unwrap_or_else(of_account) }
    }
}

fn parsed(handle: &str) -> Handle {
    Handle::parse(handle).unwrap_or_else(|error| inconsistent(format!("{handle:?}: {error}")))
}

/// A rename that was done; the account stays the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The name it had: one of [`Facts::held`].
    pub old: Handle,
    /// The name it has now.
    pub new: Handle,
}

impl Renamed {
    /// That whoever was `old` is now `new`.
    ///
    /// # Panics
    /// With `fixture:` when one of the texts is no handle.
    #[must_use]
    pub fn new(old: &str, new: &str) -> Self {
        Self { old: parsed(old), new: parsed(new) }
    }
}

/// Why a fixture or its source cannot do what the kit asks for. It ends up in the [`Report`](super::Report).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excuse(String);

impl Excuse {
    /// An excuse with its reason, in words.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Excuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
