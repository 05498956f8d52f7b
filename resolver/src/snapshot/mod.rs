//! What is remembered over a restart, so that a cold start is no stampede.
//!
//! ```text
//!  drained ─▶ survivors of each memory ─▶ records ─▶ format: lines, a checksum ─▶ file: synced, then in its place
//!  started ◀─ taken back, marked stale  ◀─ records ◀─ format                   ◀─ file: read once, then gone
//! ```
//!
//! Nothing in such a file decides anything for long: an answer goes out marked stale while its sources are asked behind
//! it. A file that is not exactly what was written is worth nothing, and costs nothing but a cold start.

mod file;
mod format;
mod records;

use std::path::PathBuf;

use self::records::Record;
use crate::{atproto::Atproto, lookup::Resolver};

/// Where answers are kept over a restart.
#[derive(Debug, Clone)]
pub struct SnapshotFile {
    /// The file; it is replaced, never written over.
    pub path: PathBuf,
    /// The most that is written, and the most that is read, in bytes.
    pub max_bytes: usize,
    /// What the answers rest on, in any words: a file that says something else is not used. An operator who changes which
    /// sources are believed does not want the answers of the old ones.
    pub basis: String,
}

/// Why the answers of before a restart are not remembered again, or not kept for after it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The file cannot be read, removed or written.
    #[error("the snapshot cannot be read or written")]
    Io(#[from] std::io::Error),
    /// It is longer than what is read.
    #[error("the snapshot is longer than {max_bytes} bytes")]
    TooLarge {
        /// [`SnapshotFile::max_bytes`]
        max_bytes: usize,
    },
    /// Some other file, or one of another version of this program. It was left where it is.
    #[error("the file is no snapshot of this version")]
    Foreign,
    /// It is not what was written.
    #[error("the snapshot is damaged")]
    Damaged,
    /// It was written under another [`SnapshotFile::basis`].
    #[error("the snapshot rests on other sources than those configured now")]
    OtherBasis,
}

/// Writes down what may come back, the latest first; gives how many answers that are.
pub(crate) fn save(
    resolver: &Resolver,
    atproto: Option<&Atproto>,
    file: &SnapshotFile,
) -> Result<usize, SnapshotError> {
    let mut records = records::of(resolver, atproto);
    records.sort_by_key(|record| std::cmp::Reverse(record.learned_at));
    let (bytes, written) = format::encode(&file.basis, &records, file.max_bytes);
    namesake::private_file::replace(&file.path, &bytes)?;
    Ok(written)
}

/// Reads it, once, and remembers it; gives how many answers that are.
pub(crate) fn restore(
    resolver: &Resolver,
    atproto: Option<&Atproto>,
    file: &SnapshotFile,
) -> Result<usize, SnapshotError> {
    let Some(bytes) = file::take(&file.path, file.max_bytes)? else { return Ok(0) };
    let records: Vec<Record> = format::decode(&file.basis, &bytes)?;
    let taken = records.into_iter().filter_map(|record| record.take_back(resolver, atproto));
    Ok(taken.filter(|taken| *taken).count())
}
