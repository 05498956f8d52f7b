//! Versions: the order of commits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The place of a commit in the order of all commits of one store. Opaque to callers: compare it, print it, hand it
/// back. Numbers may be skipped, and are never used twice.
///
/// Printed, parsed and serialised as decimal text: it may pass 2^53, and JSON readers round larger numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// Before every commit: the start of the feed. No entry has it.
    pub const ZERO: Self = Self(0);

    /// For adapters: the version of the commit with this sequence number (1 is the first).
    #[must_use]
    pub const fn from_sequence(sequence: u64) -> Self {
        Self(sequence)
    }

    /// For adapters: the sequence number.
    #[must_use]
    pub const fn sequence(self) -> u64 {
        self.0
    }

    /// For adapters: the version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        // At a million commits a second, 2^64 is 580,000 years away.
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Version {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Only what `Display` prints: `u64` alone would also take "+7" and "007".
        let version = text.parse().map(Self).map_err(|_| ParseVersionError)?;
        if version.to_string() == text { Ok(version) } else { Err(ParseVersionError) }
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The text is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a version is a decimal number as this service printed it")]
pub struct ParseVersionError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_round_and_has_one_form() {
        let version = Version::from_sequence(u64::MAX);
        assert_eq!(version.to_string().parse(), Ok(version));
        for wrong in ["", "+7", "007", "-1", "7 ", "18446744073709551616"] {
            assert_eq!(wrong.parse::<Version>(), Err(ParseVersionError), "{wrong:?}");
        }
    }
}
