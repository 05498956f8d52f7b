//! What the author of a backend tells the kit.

use std::{
    fmt,
    future::{Future, ready},
    sync::Arc,
};

use crate::{AccountId, Handle, HandleResolver};

/// A backend in a small world of its own, and what is true there.
///
/// The hooks may be written as `async fn`. Whatever a backend asks in order to answer is its *source*: a DNS, an
/// HTTP server, a store. The fixture counts the questions to it ([`io_calls`](Self::io_calls)) and can break it
/// ([`break_upstream`](Self::break_upstream)).
pub trait Fixture: Send + Sync {
    /// The backend; the kit asks for it once.
    fn backend(&self) -> Arc<dyn HandleResolver>;

    /// Who holds what before [`rename`](Self::rename): at least two handles, each held by another account.
    ///
    /// The fixture must know the accounts from elsewhere than the backend's lookups (it created them), or rule R2
    /// would compare the backend with itself.
    fn held(&self) -> Vec<Held>;

    /// A handle in the backend's namespace that nobody holds.
    fn absent(&self) -> Handle;

    /// An account id of the backend's kind that nobody has.
    fn absent_account(&self) -> AccountId;

    /// A handle outside the backend's namespace.
    fn foreign(&self) -> Handle;

    /// How often the source was asked so far, on behalf of lookups.
    ///
    /// Work in the background (a poll) must not count, or must stand still while the kit runs: rule R4 compares two
    /// readings. The kit also sees to it that this number grows when it should.
    fn io_calls(&self) -> u64;

    /// Gives one of the [`held`](Self::held) handles' accounts another name, in the way this scheme does it.
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

    /// Breaks the source of all lookups, until [`mend_upstream`](Self::mend_upstream).
    ///
    /// A backend that answers from a store has that for its source. The excuse is for a source that cannot break
    /// in this way.
    fn break_upstream(&self, how: Breakage) -> impl Future<Output = Result<(), Excuse>> + Send;

    /// Undoes [`break_upstream`](Self::break_upstream).
    fn mend_upstream(&self) -> impl Future<Output = ()> + Send;
}

/// A handle and who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The name.
    pub handle: Handle,
    /// Who goes by it.
    pub account: AccountId,
}

/// A rename that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// Whose name changed; it stays the same account.
    pub account: AccountId,
    /// The name it had: one of [`Fixture::held`].
    pub old: Handle,
    /// The name it has now.
    pub new: Handle,
}

/// How a source fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breakage {
    /// It cannot be reached, or does not answer: expected is a temporary [`ErrorKind`](crate::ErrorKind).
    Down,
    /// It answers every question about the held handles with something that cannot be used: expected is
    /// [`ErrorKind::BadAnswer`](crate::ErrorKind::BadAnswer).
    Nonsense,
}

impl fmt::Display for Breakage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "down",
            Self::Nonsense => "talking nonsense",
        })
    }
}

/// Why a fixture cannot do what the kit asks for. It ends up in the [`Report`](super::Report).
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
