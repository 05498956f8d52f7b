//! The composition root: from the configuration to the parts, and from the parts to the service.
//!
//! The only file that knows both models and the store.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use namesake::{
    Clock, InvalidScheme, Randomness, Scheme, SystemClock, SystemRandomness,
    http::{HostLimits, HttpClient, HttpSettings, HttpSetupError},
    store::{MemoryStore, OpenError, SledOptions, SledStore, Store, StoreHealth},
};
use namesake_independent::{
    IndependentModel, IndependentSettings, Ports, WorldSettings, WorldSetupError,
    adapters::{CursorFile, Firehose, HickoryDns},
    events::{CursorKeeper, EventFollower, EventSettings},
    hosted::Hosted,
};
use namesake_mirror::{
    MirrorModel, MirrorSettings, SealerError, Secret, TokenSealer,
    upstream::{
        Upstream,
        oidc::{OidcSettings, OidcUpstream},
        threads::{Dialect, ThreadsSettings, ThreadsUpstream},
    },
};

use tokio::sync::watch;

use crate::{
    BuildError, Builder, CacheSettings, Limits, Namesake, SnapshotFile,
    config::{Atproto, Config, ConfigError, Mirror, UpstreamAt, UpstreamKind, millis},
    owner::{Owner, OwnerError},
};

/// The parts of a running service.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The service, still to be built: its metrics and log are the caller's.
    pub(crate) builder: Builder,
    /// The mirrors in it, still to be run.
    pub(crate) mirrors: Vec<Arc<MirrorModel>>,
    /// Who follows the events of a relay, if one is configured, still to be run.
    pub(crate) events: Option<EventFollower>,
    /// How the store is, if there is one on a disk: when it ended, the process has to.
    pub(crate) store: Option<watch::Receiver<StoreHealth>>,
}

/// A configuration that no service can be made of.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    /// A value that cannot be meant.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A mirror whose name cannot be a scheme's.
    #[error("mirror: {0}")]
    Name(#[from] InvalidScheme),
    /// The world cannot be reached.
    #[error(transparent)]
    World(#[from] WorldSetupError),
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The store has people that this configuration would leave behind.
    #[error(transparent)]
    Owner(#[from] OwnerError),
    /// The keys of tokens cannot be read, or are not those of this store.
    #[error(transparent)]
    Sealer(#[from] SealerError),
    /// The parts do not fit.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Makes the parts. Opens the store only if there is a mirror, or accounts live here: otherwise nothing is kept.
pub(crate) async fn compose(config: &Config) -> Result<Parts, ComposeError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let cache = cache_settings(config);
    let mut builder = Namesake::builder();
    let mut independent = independent(config, cache, &clock)?;
    let hosted = config.hosted()?;
    let mut upstreams = Vec::new();
    for (name, mirror) in &config.mirror {
        upstreams.push((name, mirror, upstream(config, name, mirror, &clock)?));
    }
    let store = match hosted.is_some() || !upstreams.is_empty() {
        true => Some(open_store(config)?),
        false => None,
    };
    if let Some(OpenStore { store, .. }) = &store {
        let mirrors =
            upstreams.iter().map(|(name, _, upstream)| ((*name).clone(), upstream.source().clone()));
        let owner = Owner::new(hosted.as_ref(), mirrors.collect());
        owner.take(&**store, &IndependentSettings::default().scheme, &config.store.abandon).await?;
    }
    if let (Some(settings), Some(OpenStore { store, .. })) = (hosted, &store) {
        let scheme = IndependentSettings::default().scheme;
        let invalidator = builder.invalidator(&scheme);
        let hosted =
            Arc::new(Hosted::new(settings, scheme, Arc::clone(store), Arc::clone(&clock), invalidator));
        independent = independent.with_hosted(Arc::clone(&hosted));
        builder = builder.hosted(hosted);
    }
    builder = builder
        .independent(Arc::new(independent))
        .cache(cache)
        .limits(limits(config))
        .clock(Arc::clone(&clock))
        .public_url(config.server.public_url())
        .proxies(config.server.proxies()?)
        .access_log(config.server.access_log)
        .handle_not_found_as_invalid_request(config.atproto.not_found_is_invalid_request);
    let mut mirrors = Vec::new();
    if let Some(OpenStore { store, .. }) = &store {
        builder = builder.feed(Arc::clone(store));
        for (name, settings, upstream) in upstreams {
            let mirror = mirror(config, name, settings, upstream, store, &clock, &builder).await?;
            builder = builder.mirror(Arc::clone(&mirror));
            mirrors.push(mirror);
        }
    }
    let events = events(config, &clock, &builder)?;
    Ok(Parts { builder, mirrors, events, store: store.and_then(|store| store.health) })
}

/// That nobody is in a store which this configuration does not open at all. One that another service has open is that
/// service's.
pub(crate) async fn leave_nobody_behind(config: &Config) -> Result<(), ComposeError> {
    if config.hosted()?.is_some() || !config.mirror.is_empty() {
        return Ok(());
    }
    match store_url(config)? {
        StoreUrl::Sled(path) if Path::new(path).join("namesake.lock").exists() => (),
        _ => return Ok(()),
    }
    match open_store(config) {
        Ok(OpenStore { store, .. }) => {
            let scheme = IndependentSettings::default().scheme;
            Ok(Owner::default().take(&*store, &scheme, &config.store.abandon).await?)
        }
        Err(ComposeError::Store(OpenError::Locked(_))) => Ok(()),
        Err(error) => Err(error),
    }
}

fn independent(
    config: &Config,
    cache: CacheSettings,
    clock: &Arc<dyn Clock>,
) -> Result<IndependentModel, ComposeError> {
    let atproto = &config.atproto;
    let settings = IndependentSettings {
        allow_test_tld: config.resolves_test(),
        allow_localhost_did_web: atproto.allow_test_tld,
        verify_plc: atproto.verify_plc,
        grace: millis(atproto.dns_grace_ms),
        provisional_ttl: cache.provisional_ttl,
        min_ttl: Duration::from_secs(config.cache.min_ttl_seconds),
        max_ttl: cache.ttl,
        profile_timeout: millis(atproto.profile_timeout_ms),
        visible_within: cache.longest_unchanged(),
        max_stale: cache.longest_answered(),
        ..IndependentSettings::default()
    };
    let ports = Ports::world(&world_settings(config))?;
    Ok(IndependentModel::new(settings, ports, Arc::clone(clock)))
}

fn world_settings(config: &Config) -> WorldSettings {
    WorldSettings {
        nameservers: config.dns.nameservers.clone(),
        resolv_conf: config.dns.resolv_conf.clone(),
        dns_timeout: millis(config.dns.timeout_ms),
        http: http_settings(config),
        plc_url: config.atproto.plc_url.clone(),
    }
}

/// The AT Protocol's world, as the service would ask it.
pub(crate) fn world(config: &Config, clock: &Arc<dyn Clock>) -> Result<IndependentModel, ComposeError> {
    independent(config, cache_settings(config), clock)
}

fn events(
    config: &Config,
    clock: &Arc<dyn Clock>,
    builder: &Builder,
) -> Result<Option<EventFollower>, ComposeError> {
    let atproto = &config.atproto;
    let Some(url) = &atproto.events_url else { return Ok(None) };
    let scheme = IndependentSettings::default().scheme;
    let idle_timeout = Duration::from_secs(atproto.events_idle_seconds);
    let longest_backoff = Duration::from_secs(atproto.events_max_backoff_seconds);
    let settings = EventSettings {
        idle_timeout,
        // Two questions before silence counts.
        ping_after: idle_timeout / 3,
        longest_backoff,
        longest_leap: atproto.events_max_leap,
        ..EventSettings::named(scheme.clone())
    };
    let firehose = Firehose::new(&http_settings(config), url, atproto.events_max_message_bytes)?;
    let keeper = |path: &PathBuf| Arc::new(CursorFile::new(path.clone(), url)) as Arc<dyn CursorKeeper>;
    Ok(Some(EventFollower::new(
        settings,
        Arc::new(firehose),
        atproto.events_cursor_file.as_ref().map(keeper),
        Arc::clone(clock),
        Arc::new(SystemRandomness),
        builder.invalidator(&scheme),
    )))
}

async fn mirror(
    config: &Config,
    name: &str,
    mirror: &Mirror,
    upstream: Arc<dyn Upstream>,
    store: &Arc<dyn Store>,
    clock: &Arc<dyn Clock>,
    builder: &Builder,
) -> Result<Arc<MirrorModel>, ComposeError> {
    let randomness: Arc<dyn Randomness> = Arc::new(SystemRandomness);
    let webhook_secrets = match mirror.kind {
        UpstreamKind::Oidc => Vec::new(),
        UpstreamKind::Threads | UpstreamKind::Instagram => {
            let old = mirror.old_client_secrets.iter().map(Secret::new);
            std::iter::once(Secret::new(mirror.client_secret(name)?)).chain(old).collect()
        }
    };
    let settings = MirrorSettings {
        poll_interval: Duration::from_secs(mirror.poll_seconds),
        max_unconfirmed: Duration::from_secs(mirror.max_unconfirmed_seconds),
        polls_per_minute: mirror.polls_per_minute,
        session_ttl: Duration::from_secs(mirror.session_seconds),
        signed_request_ttl: Duration::from_secs(mirror.signed_request_seconds),
        deletion_record_ttl: Duration::from_secs(u64::from(mirror.deletion_record_days) * 24 * 3600),
        webhook_secrets,
        verify_token: mirror.verify_token(name)?.map(Secret::new),
        ..MirrorSettings::new(Scheme::parse(name)?, config.server.public_url())
    };
    let key_file =
        mirror.token_key_file.clone().unwrap_or_else(|| PathBuf::from(format!("namesake-{name}.key")));
    let sealer = TokenSealer::of_store(&key_file, &**store, &settings.scheme, &*randomness).await?;
    let invalidator = builder.invalidator(&settings.scheme);
    Ok(MirrorModel::new(
        settings,
        upstream,
        Arc::clone(store),
        sealer,
        Arc::clone(clock),
        randomness,
        invalidator,
    ))
}

fn upstream(
    config: &Config,
    name: &str,
    mirror: &Mirror,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Upstream>, ComposeError> {
    let client_secret = Secret::new(mirror.client_secret(name)?);
    let (client_id, http) = (mirror.client_id.clone(), HttpClient::configured(&http_settings(config))?);
    Ok(match mirror.upstream_at(name)? {
        UpstreamAt::Issuer(issuer) => {
            let settings = OidcSettings::new(issuer, client_id, client_secret)
                .map_err(|error| ConfigError::invalid(format!("mirror.{name}.issuer: {error}")))?
                .trusting(mirror.trusted_audiences.clone());
            Arc::new(OidcUpstream::new(settings, http, strangers(config)?, Arc::clone(clock)))
        }
        UpstreamAt::Meta { authorize_url, api_url } => {
            let dialect = match mirror.kind {
                UpstreamKind::Instagram => Dialect::Instagram,
                _ => Dialect::Threads,
            };
            let settings = ThreadsSettings::new(
                dialect,
                authorize_url.clone(),
                api_url.clone(),
                client_id,
                client_secret,
            );
            Arc::new(ThreadsUpstream::new(settings, http))
        }
    })
}

/// For hosts that strangers name.
fn strangers(config: &Config) -> Result<HttpClient, ComposeError> {
    let world = world_settings(config);
    Ok(HttpClient::discovered(&world.http, Arc::new(HickoryDns::of(&world)?))?)
}

/// What `store.url` names.
enum StoreUrl<'a> {
    Memory,
    Sled(&'a str),
}

fn store_url(config: &Config) -> Result<StoreUrl<'_>, ConfigError> {
    let url = config.store.url.as_str();
    match url.split_once(':') {
        Some(("memory", "")) => Ok(StoreUrl::Memory),
        Some(("sled", path)) if !path.is_empty() => Ok(StoreUrl::Sled(path)),
        _ => Err(ConfigError::invalid(format!("store.url is `sled:PATH` or `memory:`, not {url:?}"))),
    }
}

struct OpenStore {
    store: Arc<dyn Store>,
    health: Option<watch::Receiver<StoreHealth>>,
}

fn open_store(config: &Config) -> Result<OpenStore, ComposeError> {
    Ok(match store_url(config)? {
        StoreUrl::Memory => {
            tracing::warn!("store.in_memory: all accounts are gone with the process");
            OpenStore { store: Arc::new(MemoryStore::default()), health: None }
        }
        StoreUrl::Sled(path) => {
            let store = SledStore::open(SledOptions {
                path: path.into(),
                cache_bytes: config.store.cache_mib << 20,
                min_free_bytes: config.store.min_free_mib << 20,
            })?;
            let health = Some(store.health());
            OpenStore { store: Arc::new(store), health }
        }
    })
}

pub(crate) fn http_settings(config: &Config) -> HttpSettings {
    let (client, share_percent) = (&config.http_client, config.server.client_share_percent);
    HttpSettings {
        timeout: millis(client.timeout_ms),
        connect_timeout: millis(client.connect_timeout_ms),
        head_start: millis(client.head_start_ms),
        addresses_per_family: client.addresses_per_family,
        tls_timeout: millis(client.tls_timeout_ms),
        header_timeout: millis(client.header_timeout_ms),
        body_timeout: millis(client.body_timeout_ms),
        host_limits: HostLimits {
            concurrent: client.per_host_concurrent,
            per_second: client.per_host_per_second,
            network_per_second: Some(client.per_network_per_second),
            waiting: client.per_host_waiting,
            share_percent,
        },
        upstream_limits: HostLimits {
            concurrent: client.upstream_concurrent,
            per_second: client.upstream_per_second,
            network_per_second: None,
            waiting: client.upstream_waiting,
            share_percent,
        },
        host_changes: client.max_host_changes,
        allow_networks: client.allow_networks.clone(),
        allow_ports: client.allow_ports.clone(),
        extra_root_ca: client.extra_root_ca.clone(),
        https_port: client.https_port,
        ..HttpSettings::default()
    }
}

fn cache_settings(config: &Config) -> CacheSettings {
    let cache = &config.cache;
    CacheSettings {
        capacity_bytes: cache.capacity_mib << 20,
        ttl: Duration::from_secs(cache.ttl_seconds),
        absent_ttl: Duration::from_secs(cache.absent_ttl_seconds),
        failure_ttl: Duration::from_secs(cache.failure_ttl_seconds),
        provisional_ttl: Duration::from_secs(config.atproto.provisional_ttl_seconds),
        incomplete_ttl: Duration::from_secs(cache.incomplete_ttl_seconds),
        refresh_behind: Duration::from_secs(cache.refresh_behind_seconds),
        max_stale: Duration::from_secs(cache.max_stale_seconds),
    }
}

/// Where the world's answers are kept over a restart. They rest on whom we ask and what we believe.
pub(crate) fn snapshot_file(config: &Config) -> Option<SnapshotFile> {
    let Atproto { plc_url, verify_plc, .. } = &config.atproto;
    let allow_test_tld = config.resolves_test();
    let nameservers = config.dns.nameservers.join(" ");
    Some(SnapshotFile {
        path: config.cache.snapshot_file.clone()?,
        max_bytes: config.cache.snapshot_max_mib << 20,
        basis: format!("{plc_url} {verify_plc} {allow_test_tld} {nameservers}"),
    })
}

pub(crate) fn limits(config: &Config) -> Limits {
    let server = &config.server;
    Limits {
        deadline: millis(server.lookup_timeout_ms),
        backend_concurrency: server.max_concurrent_lookups,
        backend_waiting: server.max_waiting_lookups,
        client_share_percent: server.client_share_percent,
        misses_per_minute: server.misses_per_minute,
        writes_per_minute: server.writes_per_minute,
        remembered_clients: server.remembered_clients,
        max_connections: server.max_connections,
        max_connections_per_client: server.max_connections_per_client,
        header_timeout: millis(server.header_timeout_ms),
        max_header_bytes: server.max_header_bytes,
        max_body_bytes: server.max_body_bytes,
        body_timeout: millis(server.body_timeout_ms),
        max_body_bytes_under_way: server.max_body_bytes_under_way,
        max_body_bytes_under_way_per_client: server.max_body_bytes_under_way_per_client,
        write_timeout: millis(server.write_timeout_ms),
        min_write_bytes_per_second: server.min_write_bytes_per_second,
        drain_timeout: millis(server.drain_timeout_ms),
        change_streams: server.max_change_streams,
        change_streams_per_client: server.max_change_streams_per_client,
        change_heartbeat: Duration::from_secs(server.change_heartbeat_seconds),
        change_stall: Duration::from_secs(server.change_stall_seconds),
        other_schemes_timeout: millis(server.other_schemes_timeout_ms),
        fresh_per_minute: server.fresh_per_minute,
        explain_per_minute: server.explain_per_minute,
        changes_per_minute: server.changes_per_minute,
        registrations_per_hour: config.independent.registrations_per_hour,
        ..Limits::default()
    }
}

/// Whether a service could be made of `config`. Opens nothing that a running service may have open.
pub(crate) fn check(config: &Config) -> Result<(), ComposeError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    independent(config, cache_settings(config), &clock)?;
    events(config, &clock, &Namesake::builder())?;
    for (name, mirror) in &config.mirror {
        Scheme::parse(name)?;
        upstream(config, name, mirror, &clock)?;
        mirror.verify_token(name)?;
    }
    store_url(config)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sets_is_what_an_embedder_gets() {
        assert_eq!(limits(&Config::default()), Limits::default());
    }
}
