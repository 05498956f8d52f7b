//! The independent model: a handle is what its holder claims and DNS confirms.
//!
//! The world is the AT Protocol's. A lookup runs through these files, in this order:
//!
//! ```text
//!   hostname   is this a handle of ours at all?               syntax, reserved names, namespace
//!   race       DNS TXT ∥ HTTPS well-known                     asks both, knows when to stop waiting
//!   proof        what the answers mean, alone and together    pure
//!   plc        where the operator wants it: the DID's log     pure
//!   document   the DID's document: claim, key, PDS            pure
//!   verify     does the claim name the account?               pure
//!   profile    what the PDS shows                             pure
//!   explain    the same in words, and what to change          pure
//! ```
//!
//! Accounts that live here are in [`hosted`]; `local` answers for them what the steps above ask the world, from the
//! register. They are did:webvh accounts, whose logs [`webvh`] verifies; [`holder`] is what their holders do.
//!
//! [`IndependentModel`] strings them together over the [`Ports`]; `adapters` does the I/O of the real world, and
//! [`PrivateWorld`] stands in for all of it in the demo, the policy lab and tests. The `did` file holds the grammar
//! of DIDs, `policy` what the scheme promises.
//!
//! Beside the lookups, [`events`] follows what a relay or a PDS says happened, as a reason to look again.
//!
//! With the feature `lab`, the model brings its two columns of the policy comparison.
//!
//! Sources: the AT Protocol specifications *Handle* and *DID*, the did:plc specification 0.3.0, the did:web method,
//! and the lexicons `com.atproto.identity.*`.

pub mod adapters;
mod base58;
mod did;
mod document;
pub mod events;
mod explain;
mod failure;
mod history;
pub mod holder;
pub mod hosted;
mod hostname;
#[cfg(feature = "lab")]
pub mod lab;
mod local;
mod model;
pub mod plc;
mod policy;
mod ports;
mod private;
mod profile;
mod proof;
mod race;
mod settings;
mod verify;
pub mod webvh;

pub use adapters::WorldSetupError;
pub use did::{Did, DidMethod, InvalidDid, WebHost};
pub use document::{DidDocument, KeyForm, SigningKey, UnusableDocument};
pub use history::History;
pub use hostname::{Hostname, InvalidHostname};
pub use model::IndependentModel;
pub use ports::{
    DidWeb, Directory, Dns, DnsFailure, DocumentAnswer, Pds, PortFuture, Ports, TxtAnswer, TxtRecord,
    WellKnown, WellKnownReply,
};
pub use private::{Calls, Faults, PlcKey, PlcLog, PrivateWorld};
pub use settings::{IndependentSettings, WorldSettings};
pub use verify::{HandleCheck, ProvedDid, VerifiedIdentity, WhyInvalid};
