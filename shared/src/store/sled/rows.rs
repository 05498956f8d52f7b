//! The layout of the one tree. Numbers are big-endian, so that byte order is their order.
//!
//! | key | value |
//! |---|---|
//! | `d` key | the *head* of an entry: version (8 bytes), slot (2), then `0` for a tombstone, `1` and the value, or `2` and the value's length (4) |
//! | `c` version (8), slot (2), number (2) | a piece of a long value |
//! | `s` version (8), slot (2) | the feed: `0` for a put or `1` for a delete, then the key |
//! | `m` `format` | [`FORMAT`] |
//! | `m` `last` | the version (8) of the last commit of a batch that left no row in the feed: one of fleeting keys alone |
//!
//! A slot is the place of a write in its commit; (version, slot) names a write for ever.
//!
//! Values are cut because sled keeps up to about twenty rows in a page, and a page of more than 128 KiB goes to a side
//! file that sled never syncs. With rows of at most [`PIECE_BYTES`] and a key, a page stays well below that.

use std::sync::Arc;

use crate::store::{Change, Entry, Key, Version};

/// The format of this file's rows; checked at open, changed whenever they change.
pub(super) const FORMAT: &[u8] = b"namesake store 2";
/// The format before, without [`LAST_KEY`]; taken over at open.
pub(super) const FORMAT_BEFORE: &[u8] = b"namesake store 1";
pub(super) const FORMAT_KEY: &[u8] = b"mformat";
pub(super) const LAST_KEY: &[u8] = b"mlast";

/// Longest part of a value in one row.
pub(super) const PIECE_BYTES: usize = 4096;

const HEADS: u8 = b'd';
const PIECES: u8 = b'c';
const FEED: u8 = b's';

/// The newest write to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) version: Version,
    pub(super) slot: u16,
    /// `None` is a tombstone.
    pub(super) value: Option<Arc<[u8]>>,
}

impl Row {
    pub(super) fn entry(self) -> Option<Entry> {
        self.value.map(|value| Entry { version: self.version, value })
    }

    /// The version, if the row is a live entry.
    pub(super) fn live(&self) -> Option<Version> {
        self.value.as_ref().map(|_| self.version)
    }

    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = place(self.version, self.slot).to_vec();
        match self.value.as_deref() {
            None => head.push(0),
            Some(value) if value.len() <= PIECE_BYTES => {
                head.push(1);
                head.extend(value);
            }
            Some(value) => {
                head.push(2);
                head.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
            }
        }
        head
    }

    /// The further rows of a long value, with their keys; none for any other.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (Vec<u8>, &[u8])> {
        let long = self.value.as_deref().filter(|value| value.len() > PIECE_BYTES).unwrap_or_default();
        (0..=u16::MAX)
            .zip(long.chunks(PIECE_BYTES))
            .map(|(number, piece)| (piece_key(self.version, self.slot, number), piece))
    }

    pub(super) fn feed_key(&self) -> Vec<u8> {
        feed_key(self.version, self.slot)
    }

    pub(super) fn feed_value(&self, key: &Key) -> Vec<u8> {
        [&[u8::from(self.value.is_none())], key.as_bytes()].concat()
    }
}

/// A head as it was read: its row, or where the pieces of its value are.
#[derive(Debug)]
pub(super) enum Head {
    Whole(Row),
    Long { version: Version, slot: u16, bytes: usize },
}

impl Head {
    pub(super) fn parse(head: &[u8]) -> Option<Self> {
        let (place, rest) = head.split_first_chunk::<10>()?;
        let (version, slot) = parse_place(place);
        let (kind, rest) = rest.split_first()?;
        match (kind, rest) {
            (0, []) => Some(Self::Whole(Row { version, slot, value: None })),
            (1, value) => Some(Self::Whole(Row { version, slot, value: Some(value.into()) })),
            (2, bytes) => {
                let bytes = usize::try_from(u32::from_be_bytes(bytes.try_into().ok()?)).ok()?;
                Some(Self::Long { version, slot, bytes })
            }
            _ => None,
        }
    }

    pub(super) fn version(&self) -> Version {
        match self {
            Self::Whole(row) => row.version,
            Self::Long { version, .. } => *version,
        }
    }
}

pub(super) fn head_key(key: &[u8]) -> Vec<u8> {
    [&[HEADS], key].concat()
}

/// The key of a head row.
pub(super) fn parse_head_key(row: &[u8]) -> Option<Key> {
    Key::new(row.strip_prefix(&[HEADS])?).ok()
}

pub(super) fn piece_key(version: Version, slot: u16, number: u16) -> Vec<u8> {
    [&[PIECES][..], &place(version, slot), &number.to_be_bytes()].concat()
}

pub(super) fn feed_key(version: Version, slot: u16) -> Vec<u8> {
    [&[FEED][..], &place(version, slot)].concat()
}

pub(super) fn parse_feed_row(key: &[u8], value: &[u8]) -> Option<Change> {
    let (version, _) = parse_place(key.strip_prefix(&[FEED])?.try_into().ok()?);
    let (deleted, key) = value.split_first()?;
    Some(Change { version, key: Key::new(key).ok()?, deleted: *deleted == 1 })
}

/// The value of [`LAST_KEY`].
pub(super) fn last_value(version: Version) -> Vec<u8> {
    version.sequence().to_be_bytes().to_vec()
}

pub(super) fn parse_last(value: &[u8]) -> Option<Version> {
    Some(Version::from_sequence(u64::from_be_bytes(value.try_into().ok()?)))
}

fn place(version: Version, slot: u16) -> [u8; 10] {
    let mut place = [0; 10];
    place[..8].copy_from_slice(&version.sequence().to_be_bytes());
    place[8..].copy_from_slice(&slot.to_be_bytes());
    place
}

fn parse_place(place: &[u8; 10]) -> (Version, u16) {
    let [a, b, c, d, e, f, g, h, i, j] = *place;
    (Version::from_sequence(u64::from_be_bytes([a, b, c, d, e, f, g, h])), u16::from_be_bytes([i, j]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MAX_VALUE_BYTES;

    fn row(value: Option<Vec<u8>>) -> Row {
        Row { version: Version::from_sequence(0x0102), slot: 3, value: value.map(Into::into) }
    }

    #[test]
    fn short_rows_go_round() {
        for row in [row(None), row(Some(vec![])), row(Some(vec![7; PIECE_BYTES]))] {
            assert!(matches!(Head::parse(&row.head()), Some(Head::Whole(again)) if again == row));
            assert_eq!(row.pieces().count(), 0);
        }
    }

    #[test]
    fn long_values_are_cut() {
        let row = row(Some(vec![7; MAX_VALUE_BYTES]));
        let Some(Head::Long { bytes, .. }) = Head::parse(&row.head()) else { panic!("{row:?}") };
        assert_eq!(bytes, MAX_VALUE_BYTES);
        assert_eq!(row.pieces().count(), MAX_VALUE_BYTES / PIECE_BYTES);
        assert_eq!(row.pieces().last().unwrap().0, piece_key(row.version, 3, 15));
    }

    #[test]
    fn nonsense_is_no_row() {
        assert!(Head::parse(b"").is_none());
        assert!(Head::parse(b"0123456789").is_none());
        assert!(Head::parse(b"0123456789\x00x").is_none());
        assert!(Head::parse(b"0123456789\x02x").is_none());
        assert!(parse_feed_row(b"s0123456789", b"").is_none());
        assert!(parse_feed_row(b"s012345678", b"\0k").is_none());
        assert!(parse_head_key(b"d").is_none());
    }

    #[test]
    fn the_format_of_the_disk_stays() {
        let key = Key::new("k").unwrap();
        assert_eq!(head_key(b"k"), b"dk");
        assert_eq!(row(Some(b"v".to_vec())).head(), b"\0\0\0\0\0\0\x01\x02\0\x03\x01v");
        assert_eq!(row(None).feed_key(), b"s\0\0\0\0\0\0\x01\x02\0\x03");
        assert_eq!(row(None).feed_value(&key), b"\x01k");
        let change = parse_feed_row(&row(None).feed_key(), &row(None).feed_value(&key)).unwrap();
        assert_eq!(change, Change { version: Version::from_sequence(0x0102), key, deleted: true });
    }
}
