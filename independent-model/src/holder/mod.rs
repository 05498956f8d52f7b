//! The holder's side of an account that lives here: keys, and the next entry of the log.
//!
//! Pure. Whoever holds an account keeps one seed and the head of its log; everything else follows. The server's side
//! is [`crate::hosted`], the format [`crate::webvh`].
//!
//! ```text
//!   keys       one seed ⇒ a key for every entry
//!   steps      the next entry: register, set the handle, rotate, recover, close
//!   record     the signed profile
//!   standing   what the server's log says about what we remember, and about what we tried to post
//! ```
//!
//! Every entry commits to the key of the next one and to the recovery key ("Key Pre-Rotation"): stealing the key that
//! signed the newest entry gives nothing, and stealing the seed gives nothing that the recovery key cannot take back.

mod keys;
mod record;
mod standing;
mod steps;
#[cfg(test)]
mod tests;

pub use keys::Seed;
pub use record::ProfileRecord;
pub use standing::{Standing, holds, standing};
pub use steps::{Genesis, Step, Turn, close, recover, register, rotate, set_handle, sign_again};
