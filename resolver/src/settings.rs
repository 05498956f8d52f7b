//! What an operator may set about remembering and about limits. Every default is usable as it is.

use std::time::Duration;

use namesake::shares::SHARE_PERCENT;

/// How long answers are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSettings {
    /// The most memory the answers may take, in bytes (estimated per answer; the least asked for go first).
    pub capacity_bytes: u64,
    /// How long a found answer is believed when its backend leaves that to us, and at most when it does not.
    pub ttl: Duration,
    /// The same for a definite no: short, so that a handle that was just set up is soon seen.
    pub absent_ttl: Duration,
    /// How long a failure answers for the next askers too, so that a broken source is not asked in a loop.
    pub failure_ttl: Duration,
    /// The longest a provisional answer is believed.
    pub provisional_ttl: Duration,
    /// The longest an answer is believed whose profile was not to be had: the next asker may find it.
    pub incomplete_ttl: Duration,
    /// How long past its expiry what was found still goes out at once, while a new one is fetched behind it. Never longer
    /// than the answer itself was good for.
    pub refresh_behind: Duration,
    /// How long past its expiry what was found may go out, marked stale, because asking again fails temporarily.
    pub max_stale: Duration,
}

impl CacheSettings {
    /// How long after a change an answer of before may still go out as if it were good: for its time, and until
    /// somebody asked behind whom a new one was fetched.
    #[must_use]
    pub fn longest_unchanged(&self) -> Duration {
        self.ttl + self.refresh_behind.min(self.ttl)
    }

    /// How long a found answer may go out while its sources cannot be asked, marked stale in the end.
    #[must_use]
    pub fn longest_answered(&self) -> Duration {
        self.ttl + self.max_stale
    }
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            capacity_bytes: 128 << 20,
            ttl: Duration::from_secs(600),
            absent_ttl: Duration::from_secs(120),
            failure_ttl: Duration::from_secs(10),
            provisional_ttl: Duration::from_secs(30),
            incomplete_ttl: Duration::from_secs(15),
            refresh_behind: Duration::from_secs(60),
            max_stale: Duration::from_secs(24 * 3600),
        }
    }
}

/// What one client, and one backend, may take of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest one question to a backend may take, waiting for its turn included.
    pub deadline: Duration,
    /// The most lookups a backend is asked for at once; the others wait their turn.
    pub backend_concurrency: usize,
    /// The most lookups that wait for one backend at once; the others are refused.
    pub backend_waiting: usize,
    /// The most of both that one client may take, in percent (1 to 100).
    pub client_share_percent: u8,
    /// The most connections at once; the others wait in the listener's queue.
    pub max_connections: usize,
    /// The most connections of one client (an IPv4 address, an IPv6 /64) at once; more are turned away. `None`: a quarter of
    /// all, so that no client holds them all.
    pub max_connections_per_client: Option<usize>,
    /// The longest a client may take to send a request's head, and the longest a connection may idle; after an answer up to
    /// a quarter longer.
    pub header_timeout: Duration,
    /// The most bytes of a request's head (hyper's least is 8 KiB).
    pub max_header_bytes: usize,
    /// The most bytes of a request's body, on any route; most routes take less.
    pub max_body_bytes: usize,
    /// The longest a client may take to send a body.
    pub body_timeout: Duration,
    /// The most bytes of all bodies that were read and not yet dealt with; whoever comes then is told to come back.
    pub max_body_bytes_under_way: usize,
    /// The most of them that one client's bodies may have.
    pub max_body_bytes_under_way_per_client: usize,
    /// The longest a client may take too little of an answer that waits for it; up to a quarter longer.
    pub write_timeout: Duration,
    /// How many bytes a second are not too little, on average over that time.
    pub min_write_bytes_per_second: u32,
    /// The longest to wait at shutdown for requests that have begun.
    pub drain_timeout: Duration,
    /// The most handles in one batch.
    pub batch: usize,
    /// The most streams of changes at once; whoever comes then is told to come back. 0: there are none.
    pub change_streams: usize,
    /// The most of them that one client has.
    pub change_streams_per_client: usize,
    /// After this long without a change a stream shows a sign of life.
    pub change_heartbeat: Duration,
    /// The longest the reader of a stream may take nothing of what waits for it.
    pub change_stall: Duration,
    /// The longest a page waits to learn under which other schemes its name is somebody.
    pub other_schemes_timeout: Duration,
    /// How often one client (an IPv4 address, an IPv6 /64) may ask what is not in memory, in a minute; as many at once.
    pub misses_per_minute: u32,
    /// How often one client may ask past the cache (`fresh=true`) in a minute.
    pub fresh_per_minute: u32,
    /// The same for explanations.
    pub explain_per_minute: u32,
    /// The same for pages of the feed of changes, and beginnings of its streams.
    pub changes_per_minute: u32,
    /// How often one client may send an entry or a record to be checked, in a minute.
    pub writes_per_minute: u32,
    /// How many accounts one client may register in an hour.
    pub registrations_per_hour: u32,
    /// The most clients of whom it is known what they took from a quota; those seen once are forgotten first.
    pub remembered_clients: usize,
}

impl Limits {
    /// The most connections that one client may have at once, of `most` that all may have.
    pub(crate) fn connections_per_client(&self, most: usize) -> usize {
        self.max_connections_per_client.unwrap_or(most / 4).clamp(1, most.max(1))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            backend_concurrency: 512,
            backend_waiting: 4096,
            client_share_percent: SHARE_PERCENT,
            max_connections: 10_000,
            max_connections_per_client: None,
            header_timeout: Duration::from_secs(15),
            max_header_bytes: 16 << 10,
            max_body_bytes: 1 << 20,
            body_timeout: Duration::from_secs(10),
            max_body_bytes_under_way: 64 << 20,
            max_body_bytes_under_way_per_client: 16 << 20,
            write_timeout: Duration::from_secs(20),
            min_write_bytes_per_second: 1024,
            drain_timeout: Duration::from_secs(10),
            batch: 100,
            change_streams: 100,
            change_streams_per_client: 10,
            change_heartbeat: Duration::from_secs(15),
            change_stall: Duration::from_secs(10),
            other_schemes_timeout: Duration::from_millis(300),
            misses_per_minute: 12_000,
            fresh_per_minute: 30,
            explain_per_minute: 30,
            changes_per_minute: 300,
            writes_per_minute: 3000,
            registrations_per_hour: 20,
            remembered_clients: 65_536,
        }
    }
}
