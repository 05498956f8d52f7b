//! The contract of Namesake: who is `@handle`, under which rules, and how do you know?
//!
//! A *backend* is one way of naming people. It implements [`HandleResolver`], three methods, and follows the
//! numbered rules in that trait's documentation; the `conformance` feature brings the kit that checks them.
//! Everything a backend says is a value of this crate: a [`Lookup`] when the question has an answer (*found*,
//! *absent*, *not mine*), a [`ResolveError`] when it could not be answered.
//!
//! ```text
//!   Handle ──resolve──▶ Identity { handle, account, scheme, proof }
//!   AccountId ──profile──▶ Profile { handle today, display name, bio, avatar }
//! ```
//!
//! Without features this crate does no I/O and needs no runtime. Features add, and never change:
//!
//! | feature | adds |
//! |---|---|
//! | `store`, `sled` | the storage port with its memory adapter; the durable adapter |
//! | `shares` | clients, and queues that give each of them its share |
//! | `http` | the outgoing HTTP client: two connectors, deadlines, body caps, the address guard |
//! | `system` | the machine's clock and randomness, their deterministic twins for private worlds, and private files |
//! | `lab` | the policy lab: what each scheme does, tried and written down |
//! | `conformance` | the kits that check a backend, and a store |

mod account;
mod change;
mod clock;
mod contract;
mod error;
mod handle;
mod identity;
mod lookup;
mod policy;
mod profile;
mod randomness;
mod running_clock;
mod text;
mod trace;

pub use account::{AccountId, InvalidAccountId, InvalidScheme, Scheme};
pub use change::{Change, Invalidator, Suspicion};
pub use clock::{Clock, Moment, Sleep};
#[cfg(feature = "system")]
pub use clock::{ManualClock, SystemClock};
pub use contract::{Answer, HandleResolver};
pub use error::{ErrorKind, ResolveError};
pub use handle::{Handle, InvalidHandle};
pub use identity::{Identity, Method, Proof};
pub use jiff::Timestamp;
pub use lookup::{Lookup, Ttl, Why};
pub use policy::{
    Bound, ChangedBy, FieldRule, Link, Model, Namespace, OldName, Policy, Recreation, Source, Uniqueness,
};
pub use profile::{Profile, ProfileState};
pub use randomness::Randomness;
#[cfg(feature = "system")]
pub use randomness::{SeededRandomness, SystemRandomness};
pub use running_clock::RunningClock;
pub use text::{
    AvatarUrl, Bio, DisplayName, TextTooLong, clean_line, escape_for_terminal, escape_json_for_terminal,
};
pub use trace::{Advice, Record, Step, StepOutcome, Trace};

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "lab")]
pub mod lab;
#[cfg(any(feature = "system", feature = "sled"))]
pub mod private_file;
#[cfg(feature = "shares")]
pub mod shares;
#[cfg(feature = "store")]
pub mod store;
