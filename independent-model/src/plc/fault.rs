//! Why a log proves nothing.

use std::fmt;

/// A log that does not prove what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidLog {
    /// Which operation it fails at, the genesis being 1; `None` when it is no log at all.
    pub operation: Option<usize>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for InvalidLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operation {
            Some(number) => write!(f, "operation {number}: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl std::error::Error for InvalidLog {}

/// What is wrong with a log, or with one of its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Not a JSON list, or nested too deeply.
    #[error("it is not a JSON list")]
    NotAList,
    /// A DID begins with an operation.
    #[error("it is empty")]
    Empty,
    /// More than [`super::MAX_LOG_BYTES`], [`super::MAX_OPERATIONS`] or [`super::MAX_SIGNATURE_CHECKS`].
    #[error("it is longer than a log may be here")]
    TooLong,
    /// Not an object with `did`, `operation`, `cid`, `nullified` and `createdAt`.
    #[error("the entry lacks a field, or one is malformed")]
    Entry,
    /// The entry says that it is about another DID.
    #[error("it is another DID's")]
    OtherDid,
    /// Not one of the three kinds, a field too many or too few, or one of the wrong type.
    #[error("it is none of the kinds of operations, or has the wrong fields")]
    Form,
    /// More than [`super::MAX_OPERATION_BYTES`].
    #[error("it is too large")]
    TooLarge,
    /// Its content does not hash to its CID.
    #[error("its content is not what its CID says")]
    Cid,
    /// Times go one way.
    #[error("it is dated before the one above it")]
    Time,
    /// The first one is a tombstone, or follows another.
    #[error("the log does not begin with a genesis operation")]
    Genesis,
    /// The DID is the hash of the first one.
    #[error("the DID is not the hash of this genesis operation")]
    GenesisHash,
    /// `prev` is `null`, or names no operation above.
    #[error("its `prev` names no operation above it")]
    Prev,
    /// The same content twice.
    #[error("it is in the log twice")]
    Duplicate,
    /// It follows one that a recovery had struck out.
    #[error("it follows an operation that was nullified")]
    AfterNullified,
    /// Nothing follows a tombstone.
    #[error("it follows a tombstone")]
    AfterTombstone,
    /// Not 64 bytes in base64url, without padding, in the one canonical form.
    #[error("its signature is not 64 bytes of unpadded base64url")]
    SignatureForm,
    /// The signature would be good in its low-S form, and is not in it.
    #[error("its signature is not in low-S form")]
    HighS,
    /// None of the keys that may sign here did.
    #[error("none of the rotation keys before it signed it")]
    Signature,
    /// A recovery signed by no key above the one whose operation it strikes out.
    #[error("it nullifies operations of a key that ranks as high or higher")]
    Priority,
    /// A recovery more than 72 hours after what it strikes out.
    #[error("it nullifies an operation more than 72 hours old")]
    Late,
    /// The directory's `nullified` is not what the operations say.
    #[error("it is marked nullified and is not, or the other way round")]
    Mark,
}
