//! Puts the parts together: backends in, a service out.

use std::{future::Future, io, sync::Arc};

use metrics_exporter_prometheus::PrometheusHandle;
use namesake::{Clock, HandleResolver, Invalidator, Policy, Scheme, SystemClock, Trace, store::Store};
use namesake_independent::{IndependentModel, hosted::Hosted};
use namesake_mirror::MirrorModel;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
};
use url::Url;

use crate::{
    admission::Admission,
    api::{Explanation, Problem, Resolution},
    atproto::{Atproto, AtprotoIdentity},
    cache::Generations,
    changes::Feed,
    directory::{Directory, Seat},
    guard::{Guarded, InOneGo, Plugged},
    history::{Chronicle, History},
    http::{Proxies, Site, server},
    lookup::Resolver,
    query::Query,
    quota::Quotas,
    settings::{CacheSettings, Limits},
    snapshot::{self, SnapshotError, SnapshotFile},
};

/// A service that is being put together. Made by [`Namesake::builder`].
#[derive(Debug)]
pub struct Builder {
    generations: Arc<Generations>,
    backends: Vec<Plugged>,
    mirrors: Vec<Arc<MirrorModel>>,
    hosted: Option<Arc<Hosted>>,
    store: Option<Arc<dyn Store>>,
    /// Woken whenever a backend tells of a change.
    told: Arc<Notify>,
    atproto: Option<Arc<dyn AtprotoIdentity>>,
    chronicle: Option<Arc<dyn Chronicle>>,
    cache: CacheSettings,
    limits: Limits,
    clock: Arc<dyn Clock>,
    public_url: Option<Url>,
    metrics: Option<PrometheusHandle>,
    options: Options,
}

/// Choices that change no answer's meaning.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) access_log: bool,
    pub(crate) metrics_elsewhere: bool,
    pub(crate) handle_not_found_as_invalid_request: bool,
    pub(crate) examples: Vec<String>,
    pub(crate) proxies: Proxies,
    /// `None`: ready as soon as it is listening.
    pub(crate) ready: Option<watch::Receiver<bool>>,
}

impl Builder {
    /// The way for the backend called `scheme` to tell of changes and suspicions. Ask for it before the backend is made.
    /// What it tells ends answers about its own names only: another scheme's person of the same name is somebody else.
    #[must_use]
    pub fn invalidator(&self, scheme: &Scheme) -> Invalidator {
        let (purges, suspicions) = (Arc::clone(&self.generations), Arc::clone(&self.generations));
        let (changed, suspected) = (scheme.clone(), scheme.clone());
        let told = Arc::clone(&self.told);
        let tell = move |change: &_| {
            purges.purge(&changed, change);
            told.notify_waiters();
        };
        Invalidator::new(tell).on_suspicion(move |suspicion| suspicions.suspect(&suspected, suspicion))
    }

    /// Adds a backend. A bare name goes to the first whose namespace holds it.
    #[must_use]
    pub fn backend(mut self, backend: Arc<dyn HandleResolver>) -> Self {
        self.backends.push(Plugged { backend, in_one_go: None });
        self
    }

    /// Adds a mirror: a backend that also has routes of its own, for linking and for what its upstream sends. Whoever
    /// embeds it runs it too ([`MirrorModel::run`]).
    #[must_use]
    pub fn mirror(mut self, mirror: Arc<MirrorModel>) -> Self {
        self.mirrors.push(Arc::clone(&mirror));
        self.backend(mirror)
    }

    /// Adds the independent model, and answers XRPC and the histories of DIDs from it.
    #[must_use]
    pub fn independent(mut self, model: Arc<IndependentModel>) -> Self {
        let backend: Arc<dyn HandleResolver> = Arc::<IndependentModel>::clone(&model);
        let in_one_go: Arc<dyn InOneGo> = Arc::<IndependentModel>::clone(&model);
        self.backends.push(Plugged { backend, in_one_go: Some(in_one_go) });
        self.chronicle = Some(Arc::<IndependentModel>::clone(&model));
        self.atproto(model)
    }

    /// Serves accounts that live here: the routes by which they are made and changed, their logs, and every request that
    /// comes to the host of one or of a handle below a domain of theirs. The model looks them up only if it has them too
    /// ([`IndependentModel::with_hosted`]), and answers are remembered for too long unless `hosted` was made with the
    /// [`Builder::invalidator`] of the model's scheme.
    #[must_use]
    pub fn hosted(self, hosted: Arc<Hosted>) -> Self {
        Self { hosted: Some(hosted), ..self }
    }

    /// Serves the feed of what changes in `store`, as far as it is about accounts of [`Builder::hosted`] and of the
    /// mirrors, which are to keep theirs there.
    #[must_use]
    pub fn feed(self, store: Arc<dyn Store>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// Answers XRPC from this port.
    #[must_use]
    pub fn atproto(self, port: Arc<dyn AtprotoIdentity>) -> Self {
        Self { atproto: Some(port), ..self }
    }

    /// How long answers are remembered.
    #[must_use]
    pub fn cache(self, cache: CacheSettings) -> Self {
        Self { cache, ..self }
    }

    /// What one client may take.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Who tells from whom a request came; without it, every client connects by itself.
    #[must_use]
    pub fn proxies(mut self, proxies: Proxies) -> Self {
        self.options.proxies = proxies;
        self
    }

    /// Another clock than the machine's, for the ages of answers. Deadlines of sockets run on the runtime's.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Where clients reach the service: canonical addresses begin with it.
    #[must_use]
    pub fn public_url(self, url: Url) -> Self {
        Self { public_url: Some(url), ..self }
    }

    /// Serves `/metrics` from this recorder; `elsewhere`: only on the listener of [`Namesake::serve_operations`].
    #[must_use]
    pub fn metrics(mut self, recorder: PrometheusHandle, elsewhere: bool) -> Self {
        self.options.metrics_elsewhere = elsewhere;
        Self { metrics: Some(recorder), ..self }
    }

    /// Logs one line a request: route, status and time, never a name or an address.
    #[must_use]
    pub fn access_log(mut self, on: bool) -> Self {
        self.options.access_log = on;
        self
    }

    /// Has XRPC say `InvalidRequest` for a handle that does not resolve, as the official TypeScript client wants it.
    #[must_use]
    pub fn handle_not_found_as_invalid_request(mut self, on: bool) -> Self {
        self.options.handle_not_found_as_invalid_request = on;
        self
    }

    /// Has `/readyz` say 503 until this says `true`: for whoever has something to do before all that is promised answers,
    /// such as waiting for mirrors ([`MirrorModel::loaded`]).
    #[must_use]
    pub fn ready_when(mut self, ready: watch::Receiver<bool>) -> Self {
        self.options.ready = Some(ready);
        self
    }

    /// Handles to try, one a backend in their order, for the front page.
    #[must_use]
    pub fn examples(mut self, handles: impl IntoIterator<Item = String>) -> Self {
        self.options.examples = handles.into_iter().collect();
        self
    }

    /// The service.
    ///
    /// # Errors
    /// [`BuildError`] when two backends have one name, or without a [`Builder::public_url`].
    pub fn build(self) -> Result<Namesake, BuildError> {
        let public_url = self.public_url.ok_or(BuildError::PublicUrl)?;
        let policies: Vec<Policy> =
            self.backends.iter().map(|plugged| plugged.backend.policy().clone()).collect();
        for (place, policy) in policies.iter().enumerate() {
            if policies.iter().take(place).any(|other| other.scheme == policy.scheme) {
                return Err(BuildError::SameName(policy.scheme.to_string()));
            }
        }
        self.generations.set_seats(Seat::all(&policies));
        let (limits, quotas) = (self.limits, Arc::new(Quotas::new(&self.limits)));
        let guard = |plugged| (Guarded::new(plugged, limits.deadline), Admission::new(&quotas, &limits));
        let linked = self.mirrors.iter().map(|mirror| mirror.settings().scheme.clone());
        let directory = Directory::new(policies, public_url).with_linked(linked.collect());
        let schemes = directory.atproto_schemes();
        let atproto = self.atproto.map(|port| {
            Atproto::new(port, self.cache, &limits, &quotas, &self.generations, &schemes, &self.clock)
        });
        let history = self.chronicle.map(|chronicle| History::new(chronicle, &limits, &quotas));
        let (hosted, mirrors, told) = (self.hosted.clone(), self.mirrors.clone(), self.told);
        let feed = self.store.map(|store| Feed::new(store, hosted, mirrors, told));
        let resolver = Resolver::new(
            directory,
            self.backends.into_iter().map(guard).collect(),
            self.hosted,
            self.cache,
            self.generations,
            self.clock,
        );
        let site = Site::new(
            resolver,
            atproto,
            history,
            self.mirrors,
            (limits, Arc::clone(&quotas)),
            self.metrics,
            self.options,
        );
        Ok(Namesake { site: Arc::new(site.with_feed(feed)) })
    }
}

/// Why no service came of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A scheme must name one backend.
    #[error("two backends are called {0:?}")]
    SameName(String),
    /// Nothing to begin canonical addresses with.
    #[error("the service needs to know its public URL")]
    PublicUrl,
}

/// The service: answers in-process, and over HTTP. Cloning is cheap, and a clone shares everything.
#[derive(Debug, Clone)]
pub struct Namesake {
    pub(crate) site: Arc<Site>,
}

impl Namesake {
    /// A service without backends, on the machine's clock, with the defaults of [`CacheSettings`] and [`Limits`].
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            generations: Arc::default(),
            backends: Vec::new(),
            mirrors: Vec::new(),
            hosted: None,
            store: None,
            told: Arc::default(),
            atproto: None,
            chronicle: None,
            cache: CacheSettings::default(),
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            public_url: None,
            metrics: None,
            options: Options::default(),
        }
    }

    /// Serves HTTP until `shutdown`, then lets requests that have begun come to their end.
    ///
    /// # Errors
    /// When the listener is unusable.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        server::serve(Arc::clone(&self.site), listener, server::Door::Public, shutdown).await
    }

    /// Serves `/livez`, `/readyz` and `/metrics` alone, on a listener of their own.
    ///
    /// # Errors
    /// When the listener is unusable.
    pub async fn serve_operations(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> io::Result<()> {
        server::serve(Arc::clone(&self.site), listener, server::Door::Operations, shutdown).await
    }

    /// Remembers again what a [`Namesake::save`] before this start has written, each answer marked stale until its sources
    /// were asked anew; gives how many. The file is used up. To be called before anything is asked.
    ///
    /// # Errors
    /// [`SnapshotError`] when nothing came back. The service is as good as new then.
    pub fn restore(&self, file: &SnapshotFile) -> Result<usize, SnapshotError> {
        snapshot::restore(&self.site.resolver, self.site.atproto.as_deref(), file)
    }

    /// Writes what was found in the world to a file, for the next start; gives how many answers. To be called when nothing
    /// is asked any more.
    ///
    /// # Errors
    /// [`SnapshotError`] when it cannot be written.
    pub fn save(&self, file: &SnapshotFile) -> Result<usize, SnapshotError> {
        snapshot::save(&self.site.resolver, self.site.atproto.as_deref(), file)
    }

    /// Understands any input form, as the HTTP routes do.
    ///
    /// # Errors
    /// The problem a client would be told.
    pub fn query(&self, text: &str, scheme: Option<&str>) -> Result<Query, Box<Problem>> {
        self.site.query(text, scheme).map_err(|refusal| Box::new(refusal.problem()))
    }

    /// Who somebody is; `fresh` asks past the memory.
    ///
    /// # Errors
    /// The problem a client would be told: absence (404, 410) or failure.
    pub async fn resolve(&self, query: &Query, fresh: bool) -> Result<Resolution, Box<Problem>> {
        self.site.resolve(query, fresh).await.map_err(|refusal| Box::new(refusal.problem()))
    }

    /// Every step of a lookup that begins now, in words fit for anybody.
    pub async fn explain(&self, query: &Query) -> Explanation {
        self.site.resolver.explain(query, Trace::on()).await
    }

    /// Every step of a lookup that begins now, with the causes of failures: these name addresses that are configured here.
    pub async fn explain_to_operator(&self, query: &Query) -> Explanation {
        self.site.resolver.explain(query, Trace::for_operator()).await
    }

    /// Begins to make the comparison that `/v1/compare` shows, on a thread of its own; without this the first who asks
    /// for it begins it.
    pub fn begin_comparison(&self) {
        self.site.comparison.begin();
    }

    /// The backends' policies, in the order in which they are asked.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        self.site.resolver.directory().policies()
    }
}
