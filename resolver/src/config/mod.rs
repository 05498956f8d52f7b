//! What an operator can set: `namesake.toml`, and the same keys from the environment.
//!
//! Every limit, timeout and cap of the service has its key here, with its default. Unknown keys are errors, so that
//! a misspelt limit is not silently the default. The file is read by [`load`]; nothing else reads the environment.

mod independent;
mod load;
mod mirror;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use http::HeaderName;
use ipnet::IpNet;
use namesake::http::{HostLimits, HttpSettings};
use namesake_independent::IndependentSettings;
use serde::Deserialize;
use url::Url;

use crate::{CacheSettings, Limits, Proxies};

pub use independent::Independent;
pub use load::{ConfigError, load};
pub use mirror::{Mirror, UpstreamAt, UpstreamKind};

/// The whole configuration.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How we are reached.
    pub server: Server,
    /// Where accounts are kept; opened only when a mirror is configured, or accounts live here.
    pub store: Store,
    /// How the DNS is asked.
    pub dns: Dns,
    /// How other people's hosts are asked.
    pub http_client: HttpClient,
    /// The AT Protocol.
    pub atproto: Atproto,
    /// How long answers are remembered.
    pub cache: Cache,
    /// Accounts that live here.
    pub independent: Independent,
    /// The mirrors, by name: `[mirror.threads]`.
    pub mirror: BTreeMap<String, Mirror>,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Where to listen. TLS is the business of the proxy in front.
    pub listen: SocketAddr,
    /// How the world reaches us; begins every link we write. Default: `http://` and `listen`.
    pub public_url: Option<Url>,
    /// Networks of the proxies in front, which say from whom a request came. Empty: every client connects by itself.
    pub trusted_proxies: Vec<IpNet>,
    /// The one header in which they say it: a list of addresses, of which the last that is no proxy's counts.
    pub client_address_header: String,
    /// Where `/metrics` listens instead, if it should not be public.
    pub metrics_listen: Option<SocketAddr>,
    /// One log line a request.
    pub access_log: bool,
    /// Connections at one time; more wait to be accepted. Never more than open files allow, with `reserved_files` left.
    pub max_connections: usize,
    /// Connections of one client (an IPv4 address, an IPv6 /64) at one time; more are turned away with 429. Absent: a
    /// quarter of `max_connections`.
    pub max_connections_per_client: Option<usize>,
    /// Open files that connections leave to lookups and the store; half of all files, where the system allows fewer than
    /// twice as many. The system's soft limit of open files is raised to its hard one at start.
    pub reserved_files: u64,
    /// The head of a request must have arrived within this long; the next one of a connection within a quarter more.
    pub header_timeout_ms: u64,
    /// Its body within this long.
    pub body_timeout_ms: u64,
    /// The longest head, in bytes (at least 8192, which is what HTTP/1 framing needs).
    pub max_header_bytes: usize,
    /// The longest body on any route, in bytes. Most routes take less: a batch 64 KiB, a form 16 KiB, an entry
    /// `independent.max_entry_bytes`.
    pub max_body_bytes: usize,
    /// Bytes of all bodies that were read and not yet dealt with; who comes then is told to come back (503).
    pub max_body_bytes_under_way: usize,
    /// How many of them one client's bodies may have.
    pub max_body_bytes_under_way_per_client: usize,
    /// A client that takes too little of an answer that waits for it is let go after this long, or up to a quarter later.
    pub write_timeout_ms: u64,
    /// How many bytes a second are not too little, on average over `write_timeout_ms`.
    pub min_write_bytes_per_second: u32,
    /// A lookup takes at most this long, whatever its backend does.
    pub lookup_timeout_ms: u64,
    /// Lookups at one time in one backend; more wait within the same deadline.
    pub max_concurrent_lookups: usize,
    /// Lookups that wait for one backend at one time.
    pub max_waiting_lookups: usize,
    /// The most of what all clients share (lookups, the calls to a host, those that wait) that one client may take, in
    /// percent.
    pub client_share_percent: u8,
    /// How often in a minute one client (an IPv4 address, an IPv6 /64) may ask what is not in memory; as many at once.
    pub misses_per_minute: u32,
    /// How often in a minute one client may send an entry or a record to be checked.
    pub writes_per_minute: u32,
    /// The most clients of whom it is known what they took from a quota; those seen once are forgotten first.
    pub remembered_clients: usize,
    /// Streams of changes at one time; whoever comes then is told to come back. 0: there are none.
    pub max_change_streams: usize,
    /// Streams of changes that one client has at one time; it is told to come back like the others.
    pub max_change_streams_per_client: usize,
    /// After this long without a change a stream shows a sign of life.
    pub change_heartbeat_seconds: u64,
    /// A reader of a stream that takes nothing for this long is cut off.
    pub change_stall_seconds: u64,
    /// The longest a page waits to learn under which other schemes its name is somebody.
    pub other_schemes_timeout_ms: u64,
    /// How often one client (an IPv4 address, an IPv6 /64) may ask past the cache (`fresh=true`) in a minute.
    pub fresh_per_minute: u32,
    /// The same for explanations.
    pub explain_per_minute: u32,
    /// The same for pages of the feed of changes, and beginnings of its streams.
    pub changes_per_minute: u32,
    /// After a signal to stop, requests under way have this long to end.
    pub drain_timeout_ms: u64,
}

impl Default for Server {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            trusted_proxies: Vec::new(),
            client_address_header: "x-forwarded-for".to_owned(),
            metrics_listen: None,
            access_log: false,
            max_connections: limits.max_connections,
            max_connections_per_client: limits.max_connections_per_client,
            reserved_files: 1024,
            header_timeout_ms: in_millis(limits.header_timeout),
            body_timeout_ms: in_millis(limits.body_timeout),
            max_header_bytes: limits.max_header_bytes,
            max_body_bytes: limits.max_body_bytes,
            max_body_bytes_under_way: limits.max_body_bytes_under_way,
            max_body_bytes_under_way_per_client: limits.max_body_bytes_under_way_per_client,
            write_timeout_ms: in_millis(limits.write_timeout),
            min_write_bytes_per_second: limits.min_write_bytes_per_second,
            lookup_timeout_ms: in_millis(limits.deadline),
            max_concurrent_lookups: limits.backend_concurrency,
            max_waiting_lookups: limits.backend_waiting,
            client_share_percent: limits.client_share_percent,
            misses_per_minute: limits.misses_per_minute,
            writes_per_minute: limits.writes_per_minute,
            remembered_clients: limits.remembered_clients,
            max_change_streams: limits.change_streams,
            max_change_streams_per_client: limits.change_streams_per_client,
            change_heartbeat_seconds: limits.change_heartbeat.as_secs(),
            change_stall_seconds: limits.change_stall.as_secs(),
            other_schemes_timeout_ms: in_millis(limits.other_schemes_timeout),
            fresh_per_minute: limits.fresh_per_minute,
            explain_per_minute: limits.explain_per_minute,
            changes_per_minute: limits.changes_per_minute,
            drain_timeout_ms: in_millis(limits.drain_timeout),
        }
    }
}

impl Server {
    /// Who tells us from whom a request came.
    ///
    /// # Errors
    /// [`ConfigError`] when the header's name is none.
    pub fn proxies(&self) -> Result<Proxies, ConfigError> {
        let name = &self.client_address_header;
        let header = HeaderName::try_from(name.as_str()).map_err(|_| {
            ConfigError::invalid(format!("server.client_address_header: {name:?} is no name of a header"))
        })?;
        Ok(Proxies { trusted: self.trusted_proxies.clone(), header })
    }

    /// Whether all clients look like one: the world comes through a proxy on this machine that nobody named.
    #[must_use]
    pub fn hides_its_clients(&self) -> bool {
        let through_a_proxy = self.public_url().scheme() == "https" && self.listen.ip().is_loopback();
        through_a_proxy && self.trusted_proxies.is_empty()
    }

    /// How the world reaches us.
    #[must_use]
    pub fn public_url(&self) -> Url {
        #[expect(clippy::expect_used, reason = "a socket address always makes a URL")]
        self.public_url
            .clone()
            .unwrap_or_else(|| Url::parse(&format!("http://{}", self.listen)).expect("a URL of an address"))
    }
}

/// `[store]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sled:PATH`, or `memory:` to forget everything at the end.
    pub url: String,
    /// Memory for sled's cache, in mebibytes; it needs about twice that. A million accounts want 1024.
    pub cache_mib: u64,
    /// Room that stays free on the store's disk, in mebibytes: nothing is written that would not leave it, until there is
    /// more room again. Of a small file system a quarter at most. 0: as far as it goes.
    pub min_free_mib: u64,
    /// Whom to let go of: domains of `[independent]`, and mirrors as `mirror.NAME`, that have people in the store and that
    /// this configuration no longer serves, or with another upstream. Without this such a start is refused.
    pub abandon: Vec<String>,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: "sled:./namesake-data".to_owned(), cache_mib: 64, min_free_mib: 64, abandon: Vec::new() }
    }
}

/// `[dns]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dns {
    /// `address:port`, `tls://address:port#name` or `https://address/path#name`; empty: the system's. The system's
    /// search list is never applied.
    pub nameservers: Vec<String>,
    /// Where the system's name servers are named, as resolv.conf(5) has it. Looked at again when it changed. Of its options
    /// `use-vc` counts; the time is ours.
    pub resolv_conf: PathBuf,
    /// One question, its repetitions included. Each name server is asked in the first half of it, should those before it be
    /// silent.
    pub timeout_ms: u64,
}

impl Default for Dns {
    fn default() -> Self {
        Self { nameservers: Vec::new(), resolv_conf: "/etc/resolv.conf".into(), timeout_ms: 2000 }
    }
}

/// `[http_client]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpClient {
    /// One exchange, from the first packet to the last byte, redirects included.
    pub timeout_ms: u64,
    /// Looking up a host's addresses and connecting to one.
    pub connect_timeout_ms: u64,
    /// How long one address of a host is tried alone before the next is tried beside it; IPv6 and IPv4 alternate.
    pub head_start_ms: u64,
    /// How many addresses of each family are tried.
    pub addresses_per_family: usize,
    /// The TLS handshake after that.
    pub tls_timeout_ms: u64,
    /// From a request to the head of its answer, a new connection included.
    pub header_timeout_ms: u64,
    /// From there to the end of its body.
    pub body_timeout_ms: u64,
    /// Calls to one host that a stranger named, at one time; more wait within their deadline.
    pub per_host_concurrent: u32,
    /// Calls to one such host begun in a second, on average.
    pub per_host_per_second: u32,
    /// Calls to all such hosts of one network (an IPv4 /24, an IPv6 /48) begun in a second, on average.
    pub per_network_per_second: u32,
    /// Calls that wait for one such host at one time.
    pub per_host_waiting: u32,
    /// Calls to one host of this configuration (the directory, an upstream) at one time; more wait within their deadline.
    pub upstream_concurrent: u32,
    /// Calls to one such host begun in a second, on average.
    pub upstream_per_second: u32,
    /// Calls that wait for one such host at one time.
    pub upstream_waiting: u32,
    /// How often the redirects of one call may lead from one host to another. On one host five are followed.
    pub max_host_changes: u8,
    /// Networks the guard lets through although they are not public (development).
    pub allow_networks: Vec<IpNet>,
    /// Ports beside 443 that a stranger's URL may name: the address of a PDS, a redirect, a `did:web` of `localhost`.
    pub allow_ports: Vec<u16>,
    /// PEM files of certificate authorities trusted beside the compiled-in ones (development).
    pub extra_root_ca: Vec<PathBuf>,
    /// The port of `https://` for hosts that handles name (development).
    pub https_port: u16,
}

impl Default for HttpClient {
    fn default() -> Self {
        let (host, upstream) = (HostLimits::DISCOVERED, HostLimits::CONFIGURED);
        Self {
            timeout_ms: 5000,
            connect_timeout_ms: 3000,
            head_start_ms: HttpSettings::HEAD_START_MS,
            addresses_per_family: HttpSettings::ADDRESSES_PER_FAMILY,
            tls_timeout_ms: 3000,
            header_timeout_ms: 4000,
            body_timeout_ms: 4000,
            per_host_concurrent: host.concurrent,
            per_host_per_second: host.per_second,
            per_network_per_second: host.network_per_second.unwrap_or(host.per_second),
            per_host_waiting: host.waiting,
            upstream_concurrent: upstream.concurrent,
            upstream_per_second: upstream.per_second,
            upstream_waiting: upstream.waiting,
            max_host_changes: HttpSettings::HOST_CHANGES,
            allow_networks: Vec::new(),
            allow_ports: Vec::new(),
            extra_root_ca: Vec::new(),
            https_port: 443,
        }
    }
}

/// `[atproto]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Atproto {
    /// The did:plc directory.
    pub plc_url: Url,
    /// Whether a did:plc document comes from the DID's audit log, every signature checked, instead of the directory's
    /// word.
    pub verify_plc: bool,
    /// Whether names below `.test` are resolved (development).
    pub allow_test_tld: bool,
    /// Whether `resolveHandle` says `InvalidRequest` instead of `HandleNotFound` when a handle has no holder: what
    /// `@atproto-labs/handle-resolver` understands.
    pub not_found_is_invalid_request: bool,
    /// How long an HTTPS answer waits for the DNS.
    pub dns_grace_ms: u64,
    /// How long an HTTPS answer is believed while the DNS is silent.
    pub provisional_ttl_seconds: u64,
    /// How long the PDS has to give the profile.
    pub profile_timeout_ms: u64,
    /// A relay or PDS whose events are a reason to look again: `wss://host`. Absent: none is followed.
    pub events_url: Option<Url>,
    /// Where our place in its events is kept across restarts. Absent: nowhere; we then begin with what happens from now
    /// on, and what is remembered counts as suspect.
    pub events_cursor_file: Option<PathBuf>,
    /// After this long without a sign of life the stream is begun again.
    pub events_idle_seconds: u64,
    /// The longest wait before connecting again; the first is a second.
    pub events_max_backoff_seconds: u64,
    /// The most numbers from one event to the next; a stream that leaps further is another one, and everything remembered
    /// counts as suspect.
    pub events_max_leap: u64,
    /// The longest message of the stream, in bytes. Commits have about two megabytes at most.
    pub events_max_message_bytes: usize,
}

impl Default for Atproto {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "a constant URL")]
        let plc_url = Url::parse("https://plc.directory").expect("a URL");
        Self {
            plc_url,
            verify_plc: false,
            allow_test_tld: false,
            not_found_is_invalid_request: false,
            dns_grace_ms: 300,
            provisional_ttl_seconds: CacheSettings::default().provisional_ttl.as_secs(),
            profile_timeout_ms: 1000,
            events_url: None,
            events_cursor_file: None,
            events_idle_seconds: 60,
            events_max_backoff_seconds: 60,
            events_max_leap: 10_000,
            events_max_message_bytes: 8 * 1024 * 1024,
        }
    }
}

/// `[cache]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// Memory for remembered answers, in mebibytes; one takes up to a kibibyte.
    pub capacity_mib: u64,
    /// How long a found answer of the world is believed: for the TTL of its DNS record, but at most this long, and for
    /// exactly this long where nothing says so.
    pub ttl_seconds: u64,
    /// How long it is believed at least, though its record may live shorter; `ttl_seconds` goes before.
    pub min_ttl_seconds: u64,
    /// How long an absence is believed.
    pub absent_ttl_seconds: u64,
    /// How long a failure is repeated without asking again.
    pub failure_ttl_seconds: u64,
    /// How long an answer is believed at most whose profile was not to be had.
    pub incomplete_ttl_seconds: u64,
    /// How long past its time an answer is given while it is asked for anew behind it.
    pub refresh_behind_seconds: u64,
    /// How long past its time an answer is given, marked stale, while its sources fail temporarily.
    pub max_stale_seconds: u64,
    /// Where the world's answers are kept while the service is restarted. Absent: nowhere. What comes back is marked stale
    /// until its sources were asked again.
    pub snapshot_file: Option<PathBuf>,
    /// The most that is written to it and read from it, in mebibytes; the oldest answers are left out.
    pub snapshot_max_mib: usize,
}

impl Default for Cache {
    fn default() -> Self {
        let cache = CacheSettings::default();
        Self {
            capacity_mib: cache.capacity_bytes >> 20,
            ttl_seconds: cache.ttl.as_secs(),
            min_ttl_seconds: IndependentSettings::default().min_ttl.as_secs(),
            absent_ttl_seconds: cache.absent_ttl.as_secs(),
            failure_ttl_seconds: cache.failure_ttl.as_secs(),
            incomplete_ttl_seconds: cache.incomplete_ttl.as_secs(),
            refresh_behind_seconds: cache.refresh_behind.as_secs(),
            max_stale_seconds: cache.max_stale.as_secs(),
            snapshot_file: None,
            snapshot_max_mib: 64,
        }
    }
}

/// A whole number of milliseconds, as the standard library has it.
#[must_use]
pub fn millis(value: u64) -> Duration {
    Duration::from_millis(value)
}

fn in_millis(value: Duration) -> u64 {
    u64::try_from(value.as_millis()).unwrap_or(u64::MAX)
}
