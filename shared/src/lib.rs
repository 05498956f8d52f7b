//! Placeholder until the first part lands.

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "store")]
pub mod store;
