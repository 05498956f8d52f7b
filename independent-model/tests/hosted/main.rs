//! Accounts that live here: registered, renamed, taken over and closed by signed entries alone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod bench;
mod names;
