//! What can be done to a private world, and what it counted.

use std::time::Duration;

use namesake::{ErrorKind, http::HttpFailure};

use crate::DnsFailure;

/// What is broken, and how slow each port is. The default: nothing, and not at all.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Every DNS question fails so.
    pub dns: Option<DnsFailure>,
    /// Every well-known fetch fails so.
    pub https: Option<HttpFailure>,
    /// The directory and the hosts of `did:web` fail so.
    pub directory: Option<ErrorKind>,
    /// Every PDS fails so.
    pub pds: Option<ErrorKind>,
    /// Every name that exists has records of two DIDs, and every document is no JSON.
    pub nonsense: bool,
    /// Before the DNS answers; [`Faults::FOREVER`] for one that never does.
    pub dns_delay: Duration,
    /// Before a web host answers.
    pub https_delay: Duration,
    /// Before the directory or a `did:web` host answers.
    pub directory_delay: Duration,
    /// Before a PDS answers.
    pub pds_delay: Duration,
}

impl Faults {
    /// A delay that outlasts every deadline.
    pub const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

    /// Nothing answers any more.
    #[must_use]
    pub fn everything_down() -> Self {
        Self {
            dns: Some(DnsFailure::Timeout),
            https: Some(HttpFailure::Connect),
            directory: Some(ErrorKind::Unavailable),
            pds: Some(ErrorKind::Unavailable),
            ..Self::default()
        }
    }
}

/// How often each port was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Calls {
    /// TXT questions.
    pub dns: u64,
    /// Well-known fetches.
    pub well_known: u64,
    /// `did:plc` documents and logs.
    pub directory: u64,
    /// `did:web` documents.
    pub did_web: u64,
    /// Profile records.
    pub pds: u64,
}

impl Calls {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.dns + self.well_known + self.directory + self.did_web + self.pds
    }
}
