//! The limits of every store, named in one place.
//!
//! They are part of the contract: an adapter accepts what is at a limit and refuses what is past it, so that code
//! written against one adapter runs on all of them.

/// Longest key, in bytes. Handles are at most 253 and identifiers shorter; the rest is room for a name space.
pub const MAX_KEY_BYTES: usize = 512;

/// Longest value, in bytes. A value is one record or one log entry, never a file.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Most distinct keys in one commit, expected and written together.
pub const MAX_KEYS_PER_COMMIT: usize = 64;

/// Most bytes that one commit writes, keys and values together. It bounds what a full queue of commits can hold.
pub const MAX_COMMIT_BYTES: usize = 512 * 1024;

/// Most commits that an embedded store makes durable together. Past a few hundred, the shared sync is already cheap
/// and a larger batch only makes its first commit wait longer.
pub const MAX_COMMITS_PER_BATCH: usize = 256;
