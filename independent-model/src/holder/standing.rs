//! Where a log that the server shows stands to what we remember of it, and to entries whose fate we do not know.

use crate::webvh::{Entry, Log, VersionId};

/// How a log stands to what we remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is as we left it, with the first `taken` of the entries that we posted; the rest can still follow.
    Level {
        /// How many of the entries it has.
        taken: usize,
    },
    /// It went on without us, by entries that our keys (or the recovery key) allow. The rest of ours cannot follow.
    WentOn {
        /// How many of our entries it has.
        taken: usize,
    },
    /// It does not have an entry that was in it: something is withheld or rewritten.
    RolledBack,
}

/// How `log` stands to the head `known` (`None` before the first entry was taken), and to the entries `pending`, which
/// follow that head in this order.
#[must_use]
pub fn standing(log: &Log, known: Option<&VersionId>, pending: &[Entry]) -> Standing {
    if known.is_some_and(|known| !holds(log, known)) {
        return Standing::RolledBack;
    }
    let taken = pending.iter().take_while(|entry| holds(log, &entry.version)).count();
    let last = taken.checked_sub(1).map_or(known, |last| pending.get(last).map(|entry| &entry.version));
    match last == Some(&log.head().version) {
        true => Standing::Level { taken },
        false => Standing::WentOn { taken },
    }
}

/// Whether `log` has the entry `version`.
#[must_use]
pub fn holds(log: &Log, version: &VersionId) -> bool {
    let place = version.number.checked_sub(1).and_then(|place| usize::try_from(place).ok());
    let line = place.and_then(|place| log.lines().get(place));
    line.and_then(|line| Entry::read(line.as_bytes()).ok()).is_some_and(|entry| entry.version == *version)
}
