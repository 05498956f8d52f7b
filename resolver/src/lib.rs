//! The service in front of the backends: directory, cache, HTTP, pages and the command line.

pub mod api;
pub mod config;
