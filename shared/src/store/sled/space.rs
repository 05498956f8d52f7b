//! Room on the disk: writing stops before there is none.
//!
//! A disk that runs full in the middle of a write leaves sled with an error that it never forgets. So each batch is
//! written only if it leaves a reserve, and it goes on by itself when there is room again.

use std::io;
use std::path::Path;

/// What a file system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Space {
    /// Bytes that we could write.
    pub(super) free: u64,
    /// Its size.
    pub(super) total: u64,
}

/// Of a small file system the reserve takes at most one of so many parts.
const PARTS: u64 = 4;

/// What a batch takes on the disk is less than so many times its own size, pages that are written again included.
const GROWTH: u64 = 4;

impl Space {
    /// That of the file system that `folder` is on.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(folder)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Self { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
    }

    /// Whether a batch of `bytes` leaves `reserve`. Once it did not, a quarter more is asked for, so that writing does not
    /// begin and stop with every file that somebody else removes and makes.
    pub(super) fn has_room(self, bytes: u64, reserve: u64, was_full: bool) -> bool {
        let reserve = reserve.min(self.total / PARTS);
        let reserve = if was_full { reserve + reserve / 4 } else { reserve };
        self.free >= reserve.saturating_add(bytes.saturating_mul(GROWTH))
    }
}

#[cfg(test)]
mod tests {
    use super::Space;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_batch_leaves_the_reserve_and_a_little_more_once_it_did_not() {
        let space = |free| Space { free: free * MIB, total: 1000 * MIB };
        assert!(space(64).has_room(0, 64 * MIB, false));
        assert!(!space(63).has_room(0, 64 * MIB, false));
        assert!(!space(64).has_room(1, 64 * MIB, false));
        assert!(space(68).has_room(MIB, 64 * MIB, false));
        assert!(!space(79).has_room(0, 64 * MIB, true));
        assert!(space(80).has_room(0, 64 * MIB, true));
        // A quarter of a small one, at most.
        assert!(Space { free: 4 * MIB, total: 16 * MIB }.has_room(0, 64 * MIB, false));
        assert!(!Space { free: 3 * MIB, total: 16 * MIB }.has_room(0, 64 * MIB, false));
        assert!(Space { free: 0, total: 16 * MIB }.has_room(0, 0, false));
    }

    #[test]
    fn every_file_system_says() {
        let space = Space::of(&std::env::temp_dir()).unwrap();
        assert!(space.total >= space.free && space.total > 0, "{space:?}");
    }
}
