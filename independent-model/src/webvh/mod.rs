//! did:webvh 1.0: identifiers whose whole history is signed and can be checked by anybody, offline.
//!
//! Pure and total: any bytes give a [`Log`] or an [`InvalidLog`], within the caps below. In this order:
//!
//! ```text
//!   json       bytes ⇒ JSON that means one thing; its canonical form         RFC 8785
//!   multikey   Ed25519 keys as text, and commitments to them                 "Pre-Rotation Key Hash Generation"
//!   signed     the proof on an entry or a record, eddsa-jcs-2022             Data Integrity EdDSA Cryptosuites 1.0
//!   entry      one line of a log: exactly these members                      "DID Log Entry"
//!   head       who may follow whom: what a log amounts to, entry by entry    "Read (Resolve)", "Parameters"
//!   log        a whole log, and who went by which handle when
//!   document   the DID documents: ours to begin with, and the parallel did:web
//!   author     making entries: the other side of all this
//!   fault      the rule that was broken, in words
//! ```
//!
//! Verifiers differ in what they let pass. This one refuses whatever the specification lets it refuse and any of the
//! known ones refuses, so that what is accepted here is accepted everywhere; where one of them refuses what is plainly
//! allowed, such as a fraction of a second or a label of one letter, `tests/interop` says so. One part of the
//! specification is left out: a log that names witnesses is refused, because its entries cannot be judged without a
//! second file.

mod author;
mod document;
mod entry;
mod fault;
mod head;
mod json;
mod log;
mod multikey;
mod signed;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use author::{Genesis, append, genesis};
pub use document::{account_document, parallel_did_web};
pub use entry::{Entry, Parameters, VersionId};
pub use fault::{Fault, InvalidLog};
pub use head::Head;
pub use json::{canonical, read_strictly};
pub use log::{Log, verify};
pub use multikey::{KeyHash, Multikey, SecretKey};
pub use signed::{Proof, sign, verify_record};

/// How far the clocks of an author and of a verifier may differ (did:webvh 1.0, "Read (Resolve)", suggests five minutes at
/// the most).
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);
/// Most bytes of a log that are read. The specification suggests as much; other verifiers read less.
pub const MAX_LOG_BYTES: usize = 5 * 1024 * 1024;
/// Most bytes of one entry. Ours have about 1.5 KiB.
pub const MAX_ENTRY_BYTES: usize = 64 * 1024;
/// How deep the JSON of an entry may be nested.
pub const MAX_DEPTH: usize = 16;
/// Most keys, or hashes of keys, in one list of an entry: each costs a decompression.
pub const MAX_KEYS: usize = 16;
