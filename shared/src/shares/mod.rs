//! Shares: what one client can take of something that all clients use.
//!
//! A [`Client`] is an address. A [`FairQueue`] gives the places of something scarce to clients in turn, however many
//! questions one of them has, and refuses at once what cannot be served in time.

mod client;
mod line;
mod queue;
#[cfg(test)]
mod tests;

/// The most that one client may take of a queue, in percent, unless somebody says otherwise.
pub const SHARE_PERCENT: u8 = 50;

pub use client::Client;
pub use line::{QueueLimits, Refused, Whose};
pub use queue::{FairQueue, Turn};
