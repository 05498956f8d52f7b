//! The product as a user meets it: real HTTP to the service and to a sandbox upstream, on a clock that stands still.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod directory;
mod hostile_text;
mod outage;
mod owner;
mod reassignment;
mod renames;
mod webhooks;
