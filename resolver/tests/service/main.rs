//! The service as its clients see it: strict counting backends, a clock that stands still, real loopback sockets.

mod coalescing;
mod http;
mod memory;
mod robustness;
mod support;
mod xrpc;
