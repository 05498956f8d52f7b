//! The rule that was broken.

use std::fmt;

/// A log that does not prove what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidLog {
    /// Which entry it fails at, the genesis being 1; `None` when it is no log at all.
    pub entry: Option<usize>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for InvalidLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(number) => write!(f, "entry {number}: {}", self.fault),
            None => self.fault.fmt(f),
        }
    }
}

impl std::error::Error for InvalidLog {}

/// What is wrong with a log, an entry or a signed record. Each is one rule, with a name for machines: [`Fault::rule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Not JSON, with anything after it, or with half of a surrogate pair in it.
    #[error("it is not JSON")]
    NotJson,
    /// Which of two members of one name counts would be a guess.
    #[error("an object has two members of one name")]
    DuplicateMember,
    /// Languages print floats differently, and a signature is over bytes.
    #[error("it has a number that is not whole")]
    Float,
    /// Beyond 2^53 − 1 languages disagree about which number it is (RFC 7493).
    #[error("it has a number beyond 2^53 − 1")]
    BigNumber,
    /// More than [`super::MAX_DEPTH`].
    #[error("it is nested more than {} deep", super::MAX_DEPTH)]
    TooDeep,
    /// More bytes than an entry or a log may have here.
    #[error("it is larger than it may be here")]
    TooLarge,
    /// An empty log, or an empty line in one.
    #[error("a log is one entry a line, and at least one")]
    EmptyLine,
    /// A member is missing, unknown, or not of its type.
    #[error(
        "an entry has exactly the members versionId, versionTime, parameters, state and proof, each of its type"
    )]
    EntryMembers,
    /// Not exactly one proof of exactly these members.
    #[error(
        "`proof` is a list of one object of type, cryptosuite, verificationMethod, proofPurpose, proofValue and, if \
         wanted, created"
    )]
    ProofMembers,
    /// Another suite than the one of did:webvh 1.0.
    #[error("a proof is a DataIntegrityProof by eddsa-jcs-2022 for the purpose assertionMethod")]
    ProofKind,
    /// `created` is no time, or after the present.
    #[error("the proof is from the future, or from no time")]
    ProofTime,
    /// A parameter of a name that nobody knows may mean something.
    #[error("it has a parameter that did:webvh 1.0 does not know")]
    UnknownParameter,
    /// A parameter that is null, or not of its type, or with more than [`super::MAX_KEYS`] keys.
    #[error("a parameter is not of its form")]
    ParameterForm,
    /// Another method, or none in the first entry.
    #[error("the parameter `method` is `did:webvh:1.0`, in the first entry at the least")]
    Method,
    /// `scid` where it does not belong, or not where it does.
    #[error("the parameter `scid` is in the first entry and in no other")]
    ScidPlace,
    /// The identifier is not the hash of the first entry.
    #[error("the SCID is not the hash of the first entry")]
    ScidHash,
    /// The first entry names no key, so that nobody could sign it.
    #[error("the first entry names no key in `updateKeys`")]
    NoKeys,
    /// Not an Ed25519 multikey, or one of small order, for which anybody can sign.
    #[error("a key is not an Ed25519 multikey, or a weak one")]
    Key,
    /// Its entries cannot be judged without the witnesses' file.
    #[error("logs with witnesses are not accepted here")]
    Witness,
    /// `portable: true` anywhere but in the first entry.
    #[error("`portable` can be turned on in the first entry only")]
    Portable,
    /// Not `<number>-<hash>`.
    #[error("a versionId is a number, a hyphen and a hash")]
    VersionId,
    /// Numbers begin at 1 and have no gaps.
    #[error("the number in versionId is not the next one")]
    VersionNumber,
    /// The hash in `versionId` is not that of the entry and all before it.
    #[error("the hash in versionId is not that of this entry after the one before it")]
    EntryHash,
    /// Not RFC 3339 in UTC.
    #[error("versionTime is not a time in UTC")]
    VersionTime,
    /// Not later than the entry before.
    #[error("versionTime is not later than that of the entry before")]
    VersionOrder,
    /// Later than now.
    #[error("versionTime is in the future")]
    Future,
    /// The key that signed is none that may.
    #[error("it is signed by a key that may not sign this entry")]
    Signer,
    /// The signature is not that key's over these bytes.
    #[error("the signature does not hold")]
    Signature,
    /// While keys are committed to beforehand, both lists are in every entry.
    #[error("while pre-rotation is on, every entry has both updateKeys and nextKeyHashes")]
    PreRotationLists,
    /// A key that the entry before did not commit to.
    #[error("a key in updateKeys was not committed to by the entry before")]
    Uncommitted,
    /// Nothing follows a deactivation, and no log begins with one.
    #[error("the DID is deactivated by the entry before, or by its first")]
    Deactivated,
    /// The document is not the DID's, or no document.
    #[error("`state` is a DID document whose id is the DID")]
    StateId,
    /// It changed its host without leave, or without naming its old address.
    #[error("the DID moved to another address, and may not, or does not name the old one in alsoKnownAs")]
    Moved,
}

impl Fault {
    /// The rule's name, in kebab-case: for problem documents, metrics and tests.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::NotJson => "json",
            Self::DuplicateMember => "duplicate-member",
            Self::Float => "float",
            Self::BigNumber => "big-number",
            Self::TooDeep => "depth",
            Self::TooLarge => "size",
            Self::EmptyLine => "line",
            Self::EntryMembers => "entry-members",
            Self::ProofMembers => "proof-members",
            Self::ProofKind => "proof-kind",
            Self::ProofTime => "proof-time",
            Self::UnknownParameter => "unknown-parameter",
            Self::ParameterForm => "parameter-form",
            Self::Method => "method",
            Self::ScidPlace => "scid-place",
            Self::ScidHash => "scid-hash",
            Self::NoKeys => "no-keys",
            Self::Key => "key",
            Self::Witness => "witness",
            Self::Portable => "portable",
            Self::VersionId => "version-id",
            Self::VersionNumber => "version-number",
            Self::EntryHash => "entry-hash",
            Self::VersionTime => "version-time",
            Self::VersionOrder => "version-order",
            Self::Future => "future",
            Self::Signer => "signer",
            Self::Signature => "signature",
            Self::PreRotationLists => "pre-rotation-lists",
            Self::Uncommitted => "uncommitted-key",
            Self::Deactivated => "deactivated",
            Self::StateId => "state-id",
            Self::Moved => "moved",
        }
    }
}
