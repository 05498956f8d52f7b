//! The service as its clients see it: strict counting backends, a clock that stands still, real loopback sockets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and owns its tasks by waiting for them"
)]

mod bodies;
mod browser;
mod changes;
mod clock;
mod coalescing;
mod compare;
mod connections;
mod events;
mod framing;
mod handles;
mod hosted;
mod hot;
mod http;
mod injection;
mod linking;
mod memory;
mod mirror_page;
mod mirrors;
mod names;
mod net;
mod openapi;
mod outage;
mod packing;
mod panics;
mod readiness;
mod restart;
mod robustness;
mod sender;
mod shares;
mod slow_readers;
mod support;
mod syntax;
mod webfinger;
mod xrpc;
