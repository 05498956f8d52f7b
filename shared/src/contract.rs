//! The trait every backend implements, and the rules it keeps.

use std::{fmt::Debug, future::Future, pin::Pin, sync::Arc};

use crate::{AccountId, Handle, Identity, Lookup, Policy, Profile, ResolveError, Trace};

/// One way of naming people.
///
/// Three methods, no defaults: a decorator that forgot to forward a default would change behaviour silently.
/// Writes are not here, because a mirrored handle cannot be claimed; each backend offers its own.
///
/// # Rules
/// The conformance kit (`namesake::conformance`) checks these and panics with the number.
///
/// * **R1** A `Found` identity carries the handle that was asked for.
/// * **R2** … and the account that holds it; two handles held by two people have two accounts.
/// * **R3** Absence is `Ok(Absent)`, never an error.
/// * **R4** A handle outside [`Policy::namespace`] is answered `Pass`, without I/O; one inside never is.
/// * **R5** `profile(resolve(h).account).handle == h` while nothing changes; after a rename the account answers
///   with the new handle, and the old handle no longer names it.
/// * **R6** What the [`Policy`] claims is what happens.
/// * **R7** Concurrent callers agree, and nobody panics.
/// * **R8** Dropping a call at any await harms no later call.
/// * **R9** Failures are classified: an upstream that is down gives a temporary [`crate::ErrorKind`], one that
///   talks nonsense gives [`crate::ErrorKind::BadAnswer`]. A failure is never reported as absence.
///
/// A backend does not cache: the resolver in front of it does. One that learns of a change by itself tells the
/// [`crate::Invalidator`] it was given.
pub trait HandleResolver: Debug + Send + Sync + 'static {
    /// What this backend promises. Constant for the value's life.
    fn policy(&self) -> &Policy;

    /// Who holds `handle`, and how that is known.
    ///
    /// Steps are recorded in `trace`. A caller that listens (`trace.is_on()`) wants every source asked, even where
    /// the first answer would do.
    fn resolve<'a>(&'a self, handle: &'a Handle, trace: &'a Trace) -> Answer<'a, Identity>;

    /// What is shown for `account`, and its handle today.
    ///
    /// `Pass` when the account is not of this backend's kind. A profile whose decoration cannot be fetched is still
    /// found, with [`crate::ProfileState::Unavailable`].
    fn profile<'a>(&'a self, account: &'a AccountId, trace: &'a Trace) -> Answer<'a, Arc<Profile>>;
}

/// The future of an answer. Boxed, so that backends are `dyn` without a macro in the contract.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<Lookup<T>, ResolveError>> + Send + 'a>>;
