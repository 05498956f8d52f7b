//! How a snapshot is written: pure.
//!
//! ```text
//! namesake-snapshot 1 <SHA-256 of all that follows, in hex>
//! "<what the answers rest on>"
//! {…}      one answer a line, the latest first
//! ```
//!
//! The checksum finds a file that was cut short or damaged. It is no signature: whoever can write the file can write the
//! configuration beside it.

use data_encoding::HEXLOWER;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};

use super::SnapshotError;

/// Whatever changes what a line means changes the number.
const TAG: &[u8] = b"namesake-snapshot 1 ";

/// The length of one, in hex.
const CHECKSUM: usize = 64;

/// Whether a file that begins so is a snapshot of this version.
pub(super) fn is_ours(bytes: &[u8]) -> bool {
    bytes.starts_with(TAG)
}

/// The file, and how many of the records are in it: as many of the first as fit into `max_bytes`.
pub(super) fn encode<R: Serialize>(basis: &str, records: &[R], max_bytes: usize) -> (Vec<u8>, usize) {
    let mut lines = line(basis).unwrap_or_default();
    let room = max_bytes.saturating_sub(TAG.len() + CHECKSUM + 1);
    let mut written = 0;
    for record in records.iter().filter_map(line) {
        if lines.len() + record.len() > room {
            break;
        }
        lines.extend(record);
        written += 1;
    }
    ([TAG, checksum(&lines).as_bytes(), b"\n", &lines].concat(), written)
}

/// All records, or none.
pub(super) fn decode<R: DeserializeOwned>(basis: &str, bytes: &[u8]) -> Result<Vec<R>, SnapshotError> {
    let rest = bytes.strip_prefix(TAG).ok_or(SnapshotError::Foreign)?;
    let (sum, lines) = split(rest).ok_or(SnapshotError::Damaged)?;
    if sum != checksum(lines).as_bytes() {
        return Err(SnapshotError::Damaged);
    }
    let (written_under, mut lines) = split(lines).ok_or(SnapshotError::Damaged)?;
    if serde_json::from_slice::<String>(written_under).ok().as_deref() != Some(basis) {
        return Err(SnapshotError::OtherBasis);
    }
    let mut records = Vec::new();
    while let Some((record, rest)) = split(lines) {
        records.push(serde_json::from_slice(record).map_err(|_| SnapshotError::Damaged)?);
        lines = rest;
    }
    Ok(records)
}

fn line(value: &(impl Serialize + ?Sized)) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(value).ok()?;
    line.push(b'\n');
    Some(line)
}

/// The first line, without its end, and the rest.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

fn checksum(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDS: [&str; 3] = ["one", "two\nlines", "three"];

    fn read(basis: &str, bytes: &[u8]) -> Result<Vec<String>, SnapshotError> {
        decode(basis, bytes)
    }

    #[test]
    fn what_was_written_is_read_again() {
        let (bytes, written) = encode("these sources", &RECORDS, 1000);
        assert_eq!(written, 3);
        assert_eq!(read("these sources", &bytes).unwrap(), RECORDS);
        assert!(matches!(read("others", &bytes), Err(SnapshotError::OtherBasis)));
    }

    #[test]
    fn the_first_that_fit_are_written() {
        let (all, _) = encode("", &RECORDS, 1000);
        assert_eq!(encode("", &RECORDS, all.len()), (all.clone(), 3));
        let (fewer, written) = encode("", &RECORDS, all.len() - 1);
        assert_eq!(
            (read("", &fewer).unwrap().as_slice(), written),
            (&["one".to_owned(), RECORDS[1].into()][..], 2)
        );
        assert_eq!(encode("", &RECORDS, 0).1, 0);
    }

    #[test]
    fn nothing_is_read_from_a_file_that_is_not_what_was_written() {
        let (bytes, _) = encode("", &RECORDS, 1000);
        for length in 0..bytes.len() {
            assert!(read("", &bytes[..length]).is_err(), "cut at {length}");
        }
        for place in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1;
            assert!(read("", &bytes).is_err(), "damaged at {place}");
        }
        assert!(read("", &[&bytes[..], b"\"four\"\n"].concat()).is_err());
        assert!(matches!(read("", b"namesake-snapshot 2 x\n"), Err(SnapshotError::Foreign)));
        // A whole file whose lines are of another kind.
        assert!(matches!(decode::<u8>("", &bytes), Err(SnapshotError::Damaged)));
    }
}
