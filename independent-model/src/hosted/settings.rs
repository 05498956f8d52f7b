//! The domains we serve, and every limit.

use std::time::Duration;

use crate::Hostname;

/// What an operator chose about accounts that live here.
#[derive(Debug, Clone)]
pub struct HostedSettings {
    /// Domains below which we give names: `alice.<domain>`. None: accounts go by domains of their own.
    pub handle_domains: Vec<Hostname>,
    /// The domain of the identifiers we mint: `did:web:<label>.<id_domain>`.
    pub id_domain: Hostname,
    /// Labels that nobody is given, beside those that nobody is given anywhere.
    pub reserved: Vec<String>,
    /// The shortest label that is given, in characters; of an international one, those that people read.
    pub min_label: usize,
    /// Whether international labels, `xn--…`, are given; and then none that could be taken for a reserved one or for one in
    /// ASCII.
    pub allow_idn: bool,
    /// How long a name that was given up is held back; whoever gave it up may take it again.
    pub hold: Duration,
    /// Whether names under `test` are handles (development).
    pub allow_test_tld: bool,
    /// How long an entry may be under way: one whose `versionTime` is longer ago is not taken.
    pub max_entry_age: Duration,
    /// How far an entry's `versionTime` may be ahead of our clock. Some verifiers bear nothing, and refuse the whole log
    /// until that moment has come.
    pub clock_tolerance: Duration,
    /// The largest entry or record that is taken, in bytes; [`Self::MOST_ENTRY_BYTES`] at most count.
    pub max_entry_bytes: usize,
    /// The longest log, in bytes: what other verifiers read. Room for four of the largest entries is kept for the
    /// recovery key, so that nobody who has the next key can shut the owner out by filling the log.
    pub max_log_bytes: usize,
    /// Entries of one account in an hour.
    pub entries_per_hour: u32,
    /// Entries of one account in a day.
    pub entries_per_day: u32,
    /// Entries of one account in a week.
    pub entries_per_week: u32,
    /// Profiles of one account in an hour.
    pub profiles_per_hour: u32,
}

impl HostedSettings {
    /// The largest entry, whatever is configured: a document and a profile of that size still make one record.
    pub const MOST_ENTRY_BYTES: usize = 16 * 1024;

    /// The defaults for these domains.
    #[must_use]
    pub fn new(handle_domains: Vec<Hostname>, id_domain: Hostname) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        Self {
            handle_domains,
            id_domain,
            reserved: Vec::new(),
            min_label: 3,
            allow_idn: false,
            hold: 30 * DAY,
            allow_test_tld: false,
            max_entry_age: DAY,
            clock_tolerance: Duration::ZERO,
            max_entry_bytes: 4096,
            max_log_bytes: 200 * 1024,
            entries_per_hour: 10,
            entries_per_day: 30,
            entries_per_week: 100,
            profiles_per_hour: 30,
        }
    }

    /// How many bytes of an entry or a record are worth reading.
    #[must_use]
    pub fn largest_entry(&self) -> usize {
        self.max_entry_bytes.min(Self::MOST_ENTRY_BYTES)
    }
}
