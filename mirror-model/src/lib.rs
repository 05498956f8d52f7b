//! The mirror model: a handle is what the linked account of an upstream is called.
//!
//! ```text
//!   link ──▶ register ◀── apply ◀── reconcile ◀── poller ◀── hints: webhook
//!               │                                    │
//!   lookup ◀── model                              upstream (port) ◀── threads, oidc (adapters)
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `model` | [`MirrorModel`]: the backend, answering from the register |
//! | `username`, `policy`, `settings` | the grammar of its handles, what it promises, what can be set |
//! | `reconcile` | what an answer of the upstream means: the rules, pure |
//! | `apply` | carries a decision out in one conditional commit, then tells the cache |
//! | `poller`, `start`, `schedule`, `budget`, `freshness` | who is asked when, and what is not worth storing each time |
//! | `sweep` | housekeeping: forgets what nobody comes back for |
//! | `link`, `pending`, `session`, `own` | signing in, and one's own profile |
//! | `webhook`, `signed_request`, `callbacks` | what the upstream sends by itself |
//! | `records`, `register`, `name_key`, `sealing`, `secret` | what is stored, how it is read and written, and what is hidden |
//! | `key_file`, `reseal` | the key file a store needs, checked at every start, and how it is rotated |
//! | `tenants` | whose accounts a store holds, for whoever starts on it |
//! | [`upstream`] | the port, how to write an adapter, and the two that speak Meta's API and OpenID Connect |
//! | [`sandbox`] | a small upstream to try all of it with, over real HTTP |
//! | `lab` | the column of this model in the policy comparison (feature `lab`) |

mod apply;
mod budget;
mod callbacks;
mod error;
mod freshness;
mod key_file;
#[cfg(feature = "lab")]
pub mod lab;
mod link;
mod model;
mod name_key;
mod own;
mod pending;
mod policy;
mod poller;
mod reconcile;
mod records;
mod register;
mod reseal;
pub mod sandbox;
mod schedule;
mod sealing;
mod secret;
mod session;
mod settings;
mod signed_request;
mod start;
mod sweep;
mod tenants;
#[cfg(test)]
mod tests;
pub mod upstream;
mod username;
mod webhook;

pub use callbacks::DeletionReceipt;
pub use error::{LinkError, OwnError, RegisterError, Remedy, WebhookError};
pub use key_file::SealerError;
pub use link::{CallbackQuery, Connect, Linked};
pub use model::MirrorModel;
pub use own::{Edit, OwnProfile};
pub use records::FormerHandle;
pub use sealing::TokenSealer;
pub use secret::{Secret, SessionToken};
pub use settings::MirrorSettings;
pub use tenants::stored_mirrors;
pub use username::{InvalidUsername, Username};
pub use webhook::ChallengeQuery;
