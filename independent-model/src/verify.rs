//! The second half of the proof: does the handle an account claims name that account?
//!
//! Pure: the model fetches, this file decides.

use std::sync::Arc;

use namesake::{Handle, Lookup, Proof, ResolveError};

use crate::{Did, DidDocument, Hostname};

/// A DID that a handle was shown to name, by DNS or HTTPS alone: the account has not been asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvedDid {
    /// The DID.
    pub did: Did,
    /// How that is known; `provisional` while the DNS was silent or failing.
    pub proof: Proof,
}

/// An account, its document, and what became of the handle it claims (lexicon `com.atproto.identity.resolveIdentity`).
#[derive(Debug, Clone)]
pub struct VerifiedIdentity {
    /// The account.
    pub did: Did,
    /// Its document.
    pub document: Arc<DidDocument>,
    /// Its handle, or why it has none that can be shown.
    pub handle: HandleCheck,
}

/// What a check of a claimed handle found.
#[derive(Debug, Clone)]
pub enum HandleCheck {
    /// The handle names the account, and the account the handle.
    Verified {
        /// The handle.
        handle: Handle,
        /// How the forward half is known.
        proof: Proof,
    },
    /// Definitely no handle: XRPC answers `handle.invalid`.
    Invalid(WhyInvalid),
    /// The claim could not be checked now. Whoever remembers a verified handle of this account serves it as stale;
    /// without one, XRPC answers `handle.invalid` and nothing is remembered.
    Unchecked {
        /// What the document claims.
        claim: Hostname,
        /// Why it could not be checked.
        error: ResolveError,
    },
}

/// Why an account definitely has no handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyInvalid {
    /// Its document claims none.
    NoClaim,
    /// It claims a name nobody can hold.
    Reserved(Hostname),
    /// The claimed name does not name an account, or names several.
    Unresolvable(Hostname),
    /// The claimed name names another account.
    HeldBy {
        /// The claimed name.
        claim: Hostname,
        /// Who holds it.
        holder: Did,
    },
}

impl VerifiedIdentity {
    /// The verified handle, if there is one.
    #[must_use]
    pub fn handle(&self) -> Option<&Handle> {
        match &self.handle {
            HandleCheck::Verified { handle, .. } => Some(handle),
            HandleCheck::Invalid(_) | HandleCheck::Unchecked { .. } => None,
        }
    }
}

/// The claim of a document, if it is worth asking anybody about.
pub(crate) fn claim_to_check(
    document: &DidDocument,
    can_be_held: impl Fn(&Hostname) -> bool,
) -> Result<(Hostname, Handle), WhyInvalid> {
    let claim = document.claim.clone().ok_or(WhyInvalid::NoClaim)?;
    match claim.to_handle() {
        Some(handle) if can_be_held(&claim) => Ok((claim, handle)),
        _ => Err(WhyInvalid::Reserved(claim)),
    }
}

/// Compares a claim with what its name was found to name.
///
/// A name that seems another's while the DNS is silent is not decided: silencing the DNS must not take a handle away.
pub(crate) fn check_claim(
    did: &Did,
    claim: Hostname,
    handle: Handle,
    forward: Result<Lookup<(ProvedDid, Option<ResolveError>)>, ResolveError>,
) -> HandleCheck {
    match forward {
        Ok(Lookup::Found { value: (proved, _), .. }) if proved.did == *did => {
            HandleCheck::Verified { handle, proof: proved.proof }
        }
        Ok(Lookup::Found { value: (_, Some(error)), .. }) => HandleCheck::Unchecked { claim, error },
        Ok(Lookup::Found { value: (proved, None), .. }) => {
            HandleCheck::Invalid(WhyInvalid::HeldBy { claim, holder: proved.did })
        }
        Ok(Lookup::Absent { .. } | Lookup::Pass) => HandleCheck::Invalid(WhyInvalid::Unresolvable(claim)),
        Err(error) if error.kind().is_temporary() => HandleCheck::Unchecked { claim, error },
        Err(_) => HandleCheck::Invalid(WhyInvalid::Unresolvable(claim)),
    }
}
