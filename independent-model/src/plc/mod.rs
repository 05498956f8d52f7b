//! The audit log of a `did:plc`, checked instead of believed (did:plc specification 0.3.0).
//!
//! Pure and total: any bytes give a [`Log`] or an [`InvalidLog`], within the caps below. In this order:
//!
//! ```text
//!   operation   what one entry says, its canonical bytes, its CID      "Operation Serialization, Signing, and Validation"
//!   cbor, cid     DAG-CBOR; CIDs, and the DID of a genesis operation
//!   chain       who may follow whom, and until when                     "Key Rotation & Account Recovery", "Audit Logs"
//!   key           did:key, ECDSA on k256 and p256, low-S
//!   log         the document and the handles that come of it            "Presentation as DID Document"
//!   fault       why a log proves nothing, in words
//! ```
//!
//! What a good log proves: every operation was signed by a key the operation before it named, back to the one whose
//! hash the DID is. What it cannot prove is left to the directory ("PLC Server Trust Model"): that the newest
//! operations are not withheld, that a fork's other side is not, and when it received what.

pub(crate) mod cbor;
mod chain;
pub(crate) mod cid;
mod fault;
pub(crate) mod key;
mod log;
mod operation;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::Did;
pub use fault::{Fault, InvalidLog};
pub use log::{HeldHandle, Log};

/// Most bytes of a log that are read: about a thousand operations.
pub const MAX_LOG_BYTES: usize = 1024 * 1024;
/// Most operations of one log. The directory takes at most a hundred a week.
pub const MAX_OPERATIONS: usize = 2000;
/// Most bytes of one operation in DAG-CBOR. The directory's limit is 7500 today; older ones were taken under others.
pub const MAX_OPERATION_BYTES: usize = 64 * 1024;
/// Most signatures that are tried for one log, at up to 0.4 ms each. One or two an operation are what logs need.
pub const MAX_SIGNATURE_CHECKS: usize = 4096;

/// Checks the audit log of `did`, as `GET {directory}/{did}/log/audit` sends it ("Audit Logs").
///
/// # Errors
/// [`InvalidLog`] names the operation and what is wrong with it.
pub fn verify(did: &Did, bytes: &[u8]) -> Result<Log, InvalidLog> {
    let whole = |fault| InvalidLog { operation: None, fault };
    if bytes.len() > MAX_LOG_BYTES {
        return Err(whole(Fault::TooLong));
    }
    let entries: Value = serde_json::from_slice(bytes).map_err(|_| whole(Fault::NotAList))?;
    let entries = entries.as_array().ok_or(whole(Fault::NotAList))?;
    match entries.len() {
        0 => Err(whole(Fault::Empty)),
        1..=MAX_OPERATIONS => Ok(Log::new(did.clone(), chain::verify(did, entries)?)),
        _ => Err(whole(Fault::TooLong)),
    }
}
