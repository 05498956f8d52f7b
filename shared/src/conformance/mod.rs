//! Suites that an implementation of one of our traits runs to show that it keeps the trait's numbered rules.

pub mod backend;
pub mod store;
