//! The two questions a backend answers, and its answers in words: what callers agree on, and what a failed check
//! shows. Times are left out of the words, because two callers may well be told of two.

use std::{fmt::Write as _, future::Future, pin::Pin, sync::Arc};

use super::subject::{Said, Subject};
use crate::{AccountId, Handle, HandleResolver, Identity, Lookup, Profile, Trace};

/// One of the two questions.
#[derive(Debug, Clone)]
pub(super) enum Question {
    Resolve(Handle),
    Profile(AccountId),
}

/// A call that was begun, and ends with its answer in words.
pub(super) type Call<'a> = Pin<Box<dyn Future<Output = String> + Send + 'a>>;

impl Question {
    /// All that the fixture's world has a definite answer to.
    pub(super) fn all(subject: &Subject) -> Vec<Self> {
        let of_holders = subject
            .held
            .iter()
            .flat_map(|held| [Self::Resolve(held.handle.clone()), Self::Profile(held.account.clone())]);
        let of_nobody =
            [Self::Resolve(subject.absent.clone()), Self::Profile(subject.absent_account.clone())];
        of_holders.chain(of_nobody).collect()
    }

    /// Begins to ask.
    pub(super) fn begin<'a>(&'a self, backend: &'a dyn HandleResolver, trace: &'a Trace) -> Call<'a> {
        match self {
            Self::Resolve(handle) => {
                let call = backend.resolve(handle, trace);
                Box::pin(async move { resolved_in_words(&call.await) })
            }
            Self::Profile(account) => {
                let call = backend.profile(account, trace);
                Box::pin(async move { profile_in_words(&call.await) })
            }
        }
    }

    /// The question in words.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Resolve(handle) => format!("resolve({handle:?})"),
            Self::Profile(account) => format!("profile({account})"),
        }
    }
}

/// What was said about a handle.
pub(super) fn resolved_in_words(said: &Said<Identity>) -> String {
    in_words(said, |words, Identity { handle, account, scheme, proof }| {
        let method = &proof.method;
        write!(words, "{handle:?} is {account}, says {scheme} by {method}")
    })
}

/// What was said about an account.
pub(super) fn profile_in_words(said: &Said<Arc<Profile>>) -> String {
    in_words(said, |words, profile| write!(words, "{profile:?}"))
}

fn in_words<T>(said: &Said<T>, found: impl FnOnce(&mut String, &T) -> std::fmt::Result) -> String {
    let mut words = String::new();
    // Writing into a text cannot fail.
    let _ = match said {
        Ok(Lookup::Found { value, .. }) => {
            words.push_str("found: ");
            found(&mut words, value)
        }
        Ok(Lookup::Absent { why, .. }) => write!(words, "absent ({})", why.as_str()),
        Ok(Lookup::Pass) => write!(words, "pass"),
        Err(error) => write!(words, "failure ({}): {error}", error.kind().as_str()),
    };
    words
}
