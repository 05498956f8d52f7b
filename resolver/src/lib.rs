//! The service in front of the backends: directory, cache, HTTP, pages and the command line.
//!
//! A request, top to bottom:
//!
//! ```text
//!  http/server ─▶ http (route) ─▶ query: text ⇒ Query ─▶ lookup ─▶ directory: which backend?
//!                                                           ├▶ cache: remembered?      ─▶ prepared bytes
//!                                                           └▶ flight ─▶ person ─▶ guard ─▶ the backend
//!  status: outcome ⇒ status        problem: the document for it        pages: the same for people
//! ```
//!
//! An embedder composes it without forking: [`Namesake::builder`].

pub mod addresses;
mod admission;
pub mod api;
mod asker;
pub mod atproto;
mod builder;
mod cache;
mod changes;
pub mod cli;
mod compose;
pub mod config;
pub mod demo;
mod directory;
mod display_form;
mod flight;
mod guard;
mod history;
mod http;
mod independent;
pub mod lab;
mod lookup;
mod owner;
pub mod pages;
mod panic;
mod percent;
mod person;
mod prepared;
mod problem;
pub mod query;
mod quota;
mod settings;
mod snapshot;
mod status;
mod tally;
mod tasks;

pub use self::{
    builder::{BuildError, Builder, Namesake},
    http::{Proxies, install_metrics},
    settings::{CacheSettings, Limits},
    snapshot::{SnapshotError, SnapshotFile},
};
