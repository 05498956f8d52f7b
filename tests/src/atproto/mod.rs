//! A small internet on loopback, and the whole product on it: scenarios of atproto identity resolution.
//!
//! | file | stands in for |
//! |---|---|
//! | `dns` | every name server: UDP and TCP, a script for each name |
//! | `web` | every web host: TLS with an authority of its own, a script for each host and path |
//! | `directory` | the PLC directory |
//! | `world` | all of these, Namesake built by its public builder and served, and questions to it over HTTP |
//! | `runner` | runs scenarios, prints the table |
//!
//! A scenario is an async function, listed with its number in `tests/tests/scenarios/main.rs`:
//!
//! ```
//! use namesake_tests::atproto::{ALICE, World};
//!
//! async fn a_record_is_found() {
//!     let world = World::new().await;
//!     world.dns.proof("alice.example.com", &[&format!("did={ALICE}")]);
//!     let answer = world.resolve_handle("alice.example.com").await;
//!     assert_eq!(answer.did(), ALICE);
//!     assert_eq!(world.dns.asked("_atproto.alice.example.com"), 1);
//! }
//! # tokio::runtime::Runtime::new().unwrap().block_on(a_record_is_found());
//! ```
//!
//! Nothing exists in a world that no script mentions: names are NXDOMAIN, hosts have no address, DIDs are not
//! registered. Every part counts what it is asked. The clock of the service stands still until [`World::wait`].

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::missing_panics_doc, reason = "every function here panics when the test cannot go on")]

mod directory;
mod dns;
mod gate;
mod runner;
mod web;
mod world;

pub use directory::{Directory, document};
pub use dns::{NameServer, Record, Reply};
pub use gate::Gate;
pub use runner::Table;
pub use web::{Body, Certificate, Page, WebHosts};
pub use world::{Answer, Choices, World};

/// A DID to give to somebody.
pub const ALICE: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
/// Another one.
pub const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
/// And another.
pub const CAROL: &str = "did:plc:cccccccccccccccccccccccc";
