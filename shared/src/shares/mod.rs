//! Shares: what one client can take of something that all clients use. A [`Client`] is an address.

mod client;

pub use client::Client;
