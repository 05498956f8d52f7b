//! Accounts that live here: registered, renamed, taken over and closed by signed entries alone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bench;
mod entries;
#[expect(dead_code, reason = "the logs of the other tests need all of it")]
#[path = "../webvh/logs/forge.rs"]
mod forge;
mod keys;
mod limits;
mod model;
mod names;
mod profiles;
mod races;
mod store;
mod times;
