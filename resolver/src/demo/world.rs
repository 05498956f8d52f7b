//! The demo's world, running: a sandbox upstream over real HTTP, an internet in memory, and the service in front.
//!
//! The people of the mirror are linked as people are: through the upstream's page, its redirect and our callback.

use std::{sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use namesake::{
    Clock, Randomness, Scheme, SeededRandomness,
    http::{Call, HttpClient, HttpSettings},
    store::MemoryStore,
};
use namesake_independent::{
    Hostname, IndependentModel, IndependentSettings, PrivateWorld,
    hosted::{Hosted, HostedSettings},
};
use namesake_mirror::{
    CallbackQuery, Linked, MirrorModel, MirrorSettings, TokenSealer,
    sandbox::{Sandbox, SandboxSettings},
    upstream::threads::ThreadsUpstream,
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use url::Url;

use super::{POLL_INTERVAL, people};
use crate::{
    CacheSettings, Limits, Namesake,
    tasks::{kept, until},
};

/// The name of the demo's mirror.
pub const MIRROR: &str = "threads";
/// The domain below which the demo gives names. What is below `demo.test` is in the world, and proved there.
pub const HANDLE_DOMAIN: &str = "people.test";
/// The domain of the identifiers that the demo mints.
pub const ID_DOMAIN: &str = "id.people.test";

/// What a world is made of.
#[derive(Debug)]
pub struct Options {
    /// Where the service listens.
    pub listener: TcpListener,
    /// How it is reached.
    pub public_url: Url,
    /// What time it is there.
    pub clock: Arc<dyn Clock>,
    /// Where its ids, states and tokens come from.
    pub randomness: Arc<dyn Randomness>,
    /// How often the mirror asks the upstream.
    pub poll_interval: Duration,
    /// How long answers are remembered.
    pub cache: CacheSettings,
    /// What one client may take.
    pub limits: Limits,
    /// Where `/metrics` comes from, if it is served.
    pub metrics: Option<PrometheusHandle>,
    /// Whether the comparison is made at once, and not only when somebody asks for it.
    pub comparison: bool,
}

impl Options {
    /// A private copy: on a free port of this machine, the same in every run from one `seed`, and without quotas.
    ///
    /// # Errors
    /// When this machine has no free port.
    pub async fn private(clock: Arc<dyn Clock>, seed: u64) -> Result<Self, WorldError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Ok(Self {
            public_url: Url::parse(&format!("http://{}", listener.local_addr()?))?,
            listener,
            clock,
            randomness: Arc::new(SeededRandomness::new(seed)),
            poll_interval: POLL_INTERVAL,
            cache: CacheSettings::default(),
            limits: Limits {
                fresh_per_minute: u32::MAX,
                explain_per_minute: u32::MAX,
                registrations_per_hour: u32::MAX,
                misses_per_minute: u32::MAX,
                writes_per_minute: u32::MAX,
                ..Limits::default()
            },
            metrics: None,
            comparison: false,
        })
    }
}

/// A world that runs until it is dropped.
#[derive(Debug)]
pub struct World {
    /// DNS, directory and PDS, with controls.
    pub internet: Arc<PrivateWorld>,
    /// The upstream, with controls.
    pub sandbox: Sandbox,
    /// The mirror of it; await `settled()` after moving a clock on.
    pub mirror: Arc<MirrorModel>,
    /// Where the service answers.
    pub public_url: Url,
    http: HttpClient,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

/// Why a world does not start, or does not do what it is told.
pub type WorldError = Box<dyn std::error::Error + Send + Sync>;

impl World {
    /// Starts everything, and links the mirrored people.
    ///
    /// # Errors
    /// When something of it does not start.
    pub async fn start(options: Options) -> Result<Self, WorldError> {
        let Options { listener, public_url, clock, randomness, .. } = options;
        let scheme = Scheme::parse(MIRROR)?;
        let webhook_url = public_url.join(&format!("mirror/{scheme}/webhook"))?;
        let settings = SandboxSettings {
            webhook_url: Some(webhook_url),
            people: people::mirrored(),
            ..SandboxSettings::default()
        };
        let (secret, verify_token) = (settings.client_secret.clone(), settings.verify_token.clone());
        let sandbox = Sandbox::start(settings, Arc::clone(&clock), Arc::clone(&randomness)).await?;
        let http = HttpClient::configured(&HttpSettings::default())?;

        let store = Arc::new(MemoryStore::default());
        let (set_ready, ready) = watch::channel(false);
        let mut builder = Namesake::builder().ready_when(ready);
        let invalidator = builder.invalidator(&scheme);
        let mirror = MirrorModel::new(
            MirrorSettings {
                poll_interval: options.poll_interval,
                webhook_secrets: vec![secret],
                verify_token: Some(verify_token),
                ..MirrorSettings::new(scheme, public_url.clone())
            },
            Arc::new(ThreadsUpstream::new(sandbox.upstream(), http.clone())),
            store.clone(),
            TokenSealer::ephemeral(&*randomness),
            Arc::clone(&clock),
            randomness,
            invalidator,
        );
        let internet = people::internet()?;
        let independent = IndependentSettings {
            allow_test_tld: true,
            visible_within: options.cache.longest_unchanged(),
            max_stale: options.cache.longest_answered(),
            max_ttl: options.cache.ttl,
            ..IndependentSettings::default()
        };
        let settings = HostedSettings {
            allow_test_tld: true,
            ..HostedSettings::new(vec![Hostname::parse(HANDLE_DOMAIN)?], Hostname::parse(ID_DOMAIN)?)
        };
        let scheme = independent.scheme.clone();
        let changes = builder.invalidator(&scheme);
        let hosted = Arc::new(Hosted::new(settings, scheme, store.clone(), Arc::clone(&clock), changes));
        let independent = IndependentModel::new(independent, internet.ports(), Arc::clone(&clock))
            .with_hosted(Arc::clone(&hosted));
        builder = builder
            .independent(Arc::new(independent))
            .hosted(hosted)
            .mirror(Arc::clone(&mirror))
            .feed(store)
            .cache(options.cache)
            .limits(options.limits)
            .clock(clock)
            .public_url(public_url.clone())
            .examples(["alice.demo.test".to_owned(), "alice".to_owned()]);
        if let Some(recorder) = options.metrics {
            builder = builder.metrics(recorder, false);
        }
        let namesake = builder.build()?;
        if options.comparison {
            namesake.begin_comparison();
        }

        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let (polled, ended) = (Arc::clone(&mirror), stopped.clone());
        tasks.spawn(async move {
            kept(MIRROR, ended.clone(), || Arc::clone(&polled).run(until(ended.clone()))).await;
        });
        tasks.spawn(async move {
            if let Err(error) = namesake.serve(listener, until(stopped)).await {
                tracing::error!(error = &error as &dyn std::error::Error, "demo.service.failed");
            }
        });
        let world = Self { internet, sandbox, mirror, public_url, http, stop, tasks };
        for (username, ..) in people::MIRRORED {
            world.link(username).await?;
        }
        world.mirror.loaded().await;
        set_ready.send_replace(true);
        Ok(world)
    }

    /// Links somebody of the upstream, as a browser would: our redirect, their page, our callback.
    ///
    /// # Errors
    /// When the upstream has nobody of that name, or the mirror does not link them.
    pub async fn link(&self, username: &str) -> Result<Linked, WorldError> {
        let connect = self.mirror.connect(None).await?;
        let asked: Vec<_> = connect.location.query_pairs().into_owned().collect();
        let form = asked.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let form: Vec<_> = form.chain([("username", username)]).collect();
        let reply = self.http.send(Call::form(connect.location.clone(), &form)).await?;
        let back = reply.headers.get(http::header::LOCATION).and_then(|location| location.to_str().ok());
        let back = Url::parse(back.ok_or("the sandbox did not send us back")?)?;
        let value =
            |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, it)| it.into_owned());
        let query = CallbackQuery { code: value("code"), state: value("state"), ..CallbackQuery::default() };
        Ok(self.mirror.callback(query, Some(&connect.browser), None).await?)
    }

    /// Ends requests under way, then everything.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
        self.sandbox.shutdown().await;
    }
}
