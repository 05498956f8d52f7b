//! How a connection is made.
