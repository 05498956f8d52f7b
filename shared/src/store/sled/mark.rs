//! What the store was when it was last written or closed, in a file of its own: so that a store with less in it is known.
//!
//! sled takes a log that ends early for one that a power cut ended, and goes on without what is missing. That is right for
//! what nobody was told of, and wrong for a file that somebody cut, or restored without the others.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::private_file;
use crate::store::Version;

const FILE: &str = "namesake.mark";
const VERSION: &str = "version ";
/// As many digits as there can be, so that a newer version can be written over an older one.
const DIGITS: usize = 20;

/// The last version, and of a store that was closed the length of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) version: Version,
    pub(super) length: Option<u64>,
}

/// The mark of a store that is open.
pub(super) struct OpenMark(File);

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
        let length = self.length.map(|length| format!("length {length}\n")).unwrap_or_default();
        let text = format!("{VERSION}{}\n{length}end\n", digits(self.version));
        private_file::replace(&folder.join(FILE), text.as_bytes())
    }

    pub(super) fn remove(folder: &Path) -> io::Result<()> {
        private_file::remove(&folder.join(FILE))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix("end\n")?.lines();
        let version = lines.next()?.strip_prefix(VERSION)?;
        let version = Version::from_sequence(version.parse().ok().filter(|_| version.len() == DIGITS)?);
        let length = match lines.next() {
            Some(line) => Some(line.strip_prefix("length ")?.parse().ok()?),
            None => None,
        };
        Some(Self { version, length })
    }
}

impl OpenMark {
    /// Of a store whose last version is `version`: from now on its log grows.
    pub(super) fn begin(folder: &Path, version: Version) -> io::Result<Self> {
        Mark { version, length: None }.write(folder)?;
        OpenOptions::new().write(true).open(folder.join(FILE)).map(Self)
    }

    /// Notes a version that is durable. Not synced: an older one that is found after a power cut is as true.
    pub(super) fn note(&mut self, version: Version) {
        let at = SeekFrom::Start(u64::try_from(VERSION.len()).unwrap_or_default());
        // Without it the next open knows less.
        let _ = self.0.seek(at).and_then(|_| self.0.write_all(digits(version).as_bytes()));
    }
}

fn digits(version: Version) -> String {
    format!("{:0DIGITS$}", version.sequence())
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
        let mut open = OpenMark::begin(folder.path(), Version::from_sequence(8)).unwrap();
        for version in [8, 9, u64::MAX].map(Version::from_sequence) {
            open.note(version);
            assert_eq!(Mark::read(folder.path()).unwrap(), Some(Mark { version, length: None }));
        }
        Mark::remove(folder.path()).unwrap();
        assert_eq!(Mark::read(folder.path()).unwrap(), None);
    }
}
