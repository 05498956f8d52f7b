//! `namesake identity` as somebody types it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod faults;
mod folder;
mod registrar;
mod service;
mod support;
mod whole;
