//! What the store was when it was last opened or closed, in a file of its own: so that a store with less in it is known.
//!
//! sled takes a log that ends early for one that a power cut ended, and goes on without what is missing. That is right for
//! what nobody was told of, and wrong for a file that somebody cut, or restored without the others.

use std::fs;
use std::io;
use std::path::Path;

use crate::private_file;
use crate::store::Version;

const FILE: &str = "namesake.mark";

/// The last version, and of a store that was closed the length of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) version: Version,
    pub(super) length: Option<u64>,
}

impl Mark {
    /// The mark of `folder`; `None` where there is none, or none that was written whole.
    pub(super) fn read(folder: &Path) -> io::Result<Option<Self>> {
        match fs::read_to_string(folder.join(FILE)) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts it in the place of the one before, durably.
    pub(super) fn write(self, folder: &Path) -> io::Result<()> {
        let Self { version, length } = self;
        let length = length.map(|length| format!("length {length}\n")).unwrap_or_default();
        private_file::replace(&folder.join(FILE), format!("version {version}\n{length}end\n").as_bytes())
    }

    pub(super) fn remove(folder: &Path) -> io::Result<()> {
        private_file::remove(&folder.join(FILE))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix("end\n")?.lines();
        let version = lines.next()?.strip_prefix("version ")?.parse().ok()?;
        let length = match lines.next() {
            Some(line) => Some(line.strip_prefix("length ")?.parse().ok()?),
            None => None,
        };
        Some(Self { version, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_goes_round_and_a_part_of_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Mark::read(folder.path()).unwrap(), None);
        for length in [None, Some(524_288)] {
            let mark = Mark { version: Version::from_sequence(7), length };
            mark.write(folder.path()).unwrap();
            assert_eq!(Mark::read(folder.path()).unwrap(), Some(mark));
            let text = fs::read(folder.path().join(FILE)).unwrap();
            for part in 0..text.len() {
                fs::write(folder.path().join(FILE), &text[..part]).unwrap();
                assert_eq!(Mark::read(folder.path()).unwrap(), None, "{part}");
            }
        }
        Mark::remove(folder.path()).unwrap();
        assert_eq!(Mark::read(folder.path()).unwrap(), None);
    }
}
