//! Accounts that live here: registered, renamed, taken over and closed by signed entries alone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bench;
mod entries;
mod keys;
mod limits;
mod model;
mod names;
mod profiles;
mod races;
mod store;
