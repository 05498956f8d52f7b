//! HTTP, from the socket to the handlers.
//!
//! | routes | file |
//! |---|---|
//! | what a path means | `route` |
//! | what is asked, and its body | `request`, `named_host`, `request_body` |
//! | connections, limits, drain | `server` (`accepting`, `clients`, `sockets`, `pace`, `beside`) |
//! | from whom a request came | `proxies` |
//! | what pages of other origins may do | `cors` |
//! | packed for the way, or not sent again | `packing` (`coding`) |
//! | what is in memory, of the four busiest routes | `hot` (`seconds`) |
//! | `/@{handle}`, `/profile/…` | `lookup` |
//! | the same of a name that was given up, if its holder wants to be found | `moved` |
//! | `/v1/resolve` (one, batch) | `resolve` |
//! | `/v1/explain`, `/v1/accounts/{id}`, `/v1/policies` | `explain`, `accounts`, `policies` |
//! | `/v1/accounts/{id}/handles` | `handles` |
//! | `/v1/changes` | `changes` (`event_stream`, `body`) |
//! | `/xrpc/…` | `xrpc` |
//! | `/.well-known/webfinger` | `webfinger` |
//! | `/mirror/{name}` and its forms | `mirror_page` |
//! | `/mirror/{name}/…`, `/v1/mirror/…` | `mirror`, `session` |
//! | `/v1/independent/…` | `hosted` |
//! | every path at the host of an account or a handle | `our_hosts`, `at_host` |
//! | `/v1/tls-allowed` | `tls_allowed` |
//! | `/compare`, `/compare/paper` | `comparison` |
//! | `/v1/compare` | `compare` |
//! | `/`, `/problems/{type}` | `pages` |
//! | the stylesheet, the mark, `/openapi.json` | `assets` (`openapi`) |
//! | `/livez`, `/readyz`, `/metrics` | `ops` |
//!
//! A handler takes an [`Asked`], whose text is decoded, and gives a [`Reply`] or a [`Refusal`]; this file says the
//! rest: methods, CORS, the shape of a refusal, the count. (`hot` counts too, and remembered answers, which are of public
//! routes, come with their CORS headers from `reply`.)

mod accepting;
mod accounts;
mod assets;
mod at_host;
mod beside;
mod body;
mod changes;
mod clients;
mod coding;
mod compare;
mod comparison;
mod cors;
mod event_stream;
mod explain;
mod handles;
mod hosted;
mod hot;
mod lookup;
mod mirror;
mod mirror_page;
mod moved;
mod named_host;
mod openapi;
mod ops;
mod our_hosts;
mod pace;
mod packing;
mod pages;
mod policies;
mod proxies;
mod reply;
mod request;
mod request_body;
mod resolve;
mod route;
mod seconds;
pub(crate) mod server;
mod session;
mod sockets;
mod tls_allowed;
mod webfinger;
mod xrpc;

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use metrics_exporter_prometheus::PrometheusHandle;
use namesake::{ErrorKind, ResolveError};
use namesake_mirror::MirrorModel;
use tokio::time::Instant;

use self::{
    event_stream::Streams,
    ops::RequestCounters,
    our_hosts::OurHosts,
    packing::Wishes,
    reply::Reply,
    request::Asked,
    request_body::Bodies,
    route::{Kind, Route},
    server::Door,
};
pub use self::{ops::install_metrics, proxies::Proxies};
use crate::{
    addresses::Addresses,
    asker::Asker,
    atproto::Atproto,
    builder::Options,
    changes::Feed,
    history::History,
    lab::{Kept, PLAYS_AT_ONCE, Plays},
    lookup::Resolver,
    panic,
    problem::Refusal,
    quota::Quotas,
    settings::Limits,
};

/// All that handlers share.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) atproto: Option<Arc<Atproto>>,
    history: Option<History>,
    limits: Limits,
    mirrors: Vec<Arc<MirrorModel>>,
    addresses: Addresses,
    our_hosts: Option<OurHosts>,
    feed: Option<Arc<Feed>>,
    streams: Streams,
    quotas: Arc<Quotas>,
    bodies: Arc<Bodies>,
    counters: RequestCounters,
    metrics: Option<PrometheusHandle>,
    options: Options,
    pub(crate) comparison: Arc<Kept>,
    plays: Plays,
    request_ids: AtomicU64,
}

impl Site {
    pub(crate) fn new(
        resolver: Resolver,
        atproto: Option<Atproto>,
        history: Option<History>,
        mirrors: Vec<Arc<MirrorModel>>,
        (limits, quotas): (Limits, Arc<Quotas>),
        metrics: Option<PrometheusHandle>,
        options: Options,
    ) -> Self {
        use std::hash::BuildHasher as _;

        let public_url = resolver.directory().public_url();
        let addresses = mirrors.iter().fold(Addresses::new(public_url.clone()), |addresses, mirror| {
            addresses.and(&mirror.settings().scheme, mirror.source().hosts())
        });
        let our_hosts = resolver.hosted().map(|hosted| OurHosts::new(hosted.settings(), public_url));
        Self {
            resolver: Arc::new(resolver),
            atproto: atproto.map(Arc::new),
            history,
            mirrors,
            addresses,
            our_hosts,
            feed: None,
            streams: Streams::new(&limits),
            limits,
            quotas,
            bodies: Arc::new(Bodies::new(&limits)),
            counters: RequestCounters::register(),
            metrics,
            options,
            comparison: Arc::default(),
            plays: Plays::new(PLAYS_AT_ONCE),
            // Ids tell requests apart in one log, also across restarts; they keep no secret.
            request_ids: AtomicU64::new(std::hash::RandomState::new().hash_one(0) << 24),
        }
    }

    /// The same with a feed of changes.
    pub(crate) fn with_feed(self, feed: Option<Feed>) -> Self {
        Self { feed: feed.map(Arc::new), ..self }
    }

    /// Whether a request came to the host of an account or of a handle, where paths mean something else. Whoever keeps the
    /// service running may name it as they like.
    fn is_at_host(&self, uri: &Uri, headers: &HeaderMap, door: Door) -> bool {
        let below = |hosts: &OurHosts| hosts.below(uri, headers).is_some();
        door == Door::Public && self.our_hosts.as_ref().is_some_and(below)
    }

    /// Tells this request from others in the log.
    fn next_request_id(&self) -> u64 {
        self.request_ids.fetch_add(1, Ordering::Relaxed)
    }

    /// Called every few seconds while serving.
    fn tidy(&self) {
        self.resolver.people().tidy();
        if let Some(atproto) = &self.atproto {
            atproto.tidy();
        }
        self.counters.tell();
        if let Some(recorder) = &self.metrics {
            recorder.run_upkeep();
        }
    }
}

/// Answers a request. Total: whatever comes in, something goes out.
async fn answer(site: &Site, asked: Asked, door: Door) -> Reply {
    let begun = site.options.access_log.then(Instant::now);
    // A handle to the same bytes: handlers may consume the request, and the route borrows from its path.
    let uri = asked.head.uri.clone();
    let at_host = site.is_at_host(&uri, &asked.head.headers, door);
    let is_clear = named_host::is_clear(asked.method(), &uri, asked.head.version, &asked.head.headers);
    let route = if at_host { Route::at_host(uri.path()) } else { Route::of(uri.path()) };
    // Our pages need a stylesheet and links, which are not at other people's hosts.
    let (kind, html) = (route.kind, asked.prefers_html() && !at_host);
    let request_id = site.next_request_id();
    let reads = matches!(*asked.method(), Method::GET | Method::HEAD);
    let wishes = reads.then(|| Wishes::of(&asked.head.headers));

    let asker = Asker::new(asked.client);
    let outcome = match asked.method() {
        _ if !is_clear => Err(unclear_host()),
        &Method::OPTIONS => Ok(options(kind, &asked.head.headers)),
        method if !kind.takes(method) => Err(Refusal::Method),
        _ => {
            // Pinned where it stands: it is large, and would be moved into each of what is around it.
            let dispatched = pin!(dispatch(site, asked, route, door));
            match AssertUnwindSafe(asker.clone().answers(dispatched)).catch_unwind().await {
                Ok(outcome) => outcome,
                Err(panic) => Err(panicked(&*panic)),
            }
        }
    };
    let outcome = match outcome {
        Err(refusal) if html => {
            Err(Box::pin(site.resolver.for_people(refusal, site.limits.other_schemes_timeout)).await)
        }
        outcome => outcome,
    };
    let mut reply = outcome.unwrap_or_else(|refusal| refuse(site, route, &refusal, html, request_id));
    if let Some(wishes) = wishes {
        wishes.apply(kind, &mut reply);
    }
    reply::identify(&mut reply, request_id);
    if kind.is_public() {
        cors::allow_any_origin(reply.headers_mut());
    }
    if let Some(left) = asker.left() {
        reply::say_what_is_left(&mut reply, &left);
    }
    site.counters.count(kind, reply.status());
    if let Some(begun) = begun {
        log(kind, reply.status(), begun, request_id);
    }
    reply
}

/// One line a request, for operators who want it: never a path, a name or an address.
fn log(kind: Kind, status: StatusCode, begun: Instant, request_id: u64) {
    tracing::info!(
        http.route = kind.name(),
        http.status = status.as_u16(),
        request.took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        request.id = %format_args!("{request_id:016x}"),
        "http.request"
    );
}

fn unclear_host() -> Refusal {
    Refusal::Request("the request needs one `Host`, which says for which host it is".to_owned())
}

/// What is told of a handler that panicked is nothing; `refuse` logs it.
fn panicked(panic: &(dyn Any + Send)) -> Refusal {
    let message = format!("a handler panicked: {}", panic::message(panic));
    Refusal::Failed { handle: None, error: ResolveError::new(ErrorKind::Internal, message) }
}

async fn dispatch(
    site: &Site,
    asked: Asked,
    Route { kind, part }: Route<'_>,
    door: Door,
) -> Result<Reply, Refusal> {
    if door == Door::Operations && !matches!(kind, Kind::Livez | Kind::Readyz | Kind::Metrics) {
        return Err(Refusal::NoSuchPage);
    }
    // The large ones are boxed: whoever asks who somebody is would otherwise carry the room for them.
    match kind {
        Kind::Handle => lookup::handle(site, &asked, part).await,
        Kind::Profile => lookup::profile(site, &asked, part).await,
        Kind::ResolveHandle => xrpc::resolve_handle(site, &asked).await,
        Kind::Resolve if asked.method() == Method::POST => Box::pin(resolve::batch(site, asked)).await,
        Kind::Resolve => resolve::one(site, &asked).await,
        Kind::Explain => Box::pin(explain::explain(site, &asked)).await,
        Kind::Account => accounts::account(site, &asked, part).await,
        Kind::AccountHandles => Box::pin(handles::handles(site, &asked, part)).await,
        Kind::Changes => changes::changes(site, &asked).await,
        Kind::Compare => comparison::compare(site, &asked).await,
        Kind::Paper => Ok(comparison::paper(site)),
        Kind::Report => compare::report(site, &asked),
        Kind::Policies => Ok(policies::policies(site)),
        Kind::ResolveDid => xrpc::resolve_did(site, &asked).await,
        Kind::ResolveIdentity => xrpc::resolve_identity(site, &asked).await,
        Kind::RefreshIdentity => Box::pin(xrpc::refresh_identity(site, asked)).await,
        Kind::XrpcHealth => Ok(xrpc::health()),
        Kind::Webfinger => webfinger::webfinger(site, &asked).await,
        Kind::MirrorPage => Box::pin(mirror_page::page(site, &asked, part)).await,
        Kind::MirrorSave => Box::pin(mirror_page::save(site, asked, part)).await,
        Kind::MirrorSignOut => Box::pin(mirror_page::sign_out(site, asked, part)).await,
        Kind::MirrorLeave => Box::pin(mirror_page::leave(site, asked, part)).await,
        Kind::MirrorConnect => Box::pin(mirror::connect(site, &asked, part)).await,
        Kind::MirrorCallback => Box::pin(mirror::callback(site, &asked, part)).await,
        Kind::MirrorWebhook if asked.method() == Method::POST => {
            Box::pin(mirror::webhook(site, asked, part)).await
        }
        Kind::MirrorWebhook => mirror::subscribe(site, &asked, part),
        Kind::MirrorDeauthorize => Box::pin(mirror::deauthorize(site, asked, part)).await,
        Kind::MirrorDelete if asked.method() == Method::POST => {
            Box::pin(mirror::delete(site, asked, part)).await
        }
        Kind::MirrorDelete => mirror::deletion_status(site, &asked, part).await,
        Kind::MirrorAccount => Box::pin(mirror::account(site, asked, part)).await,
        Kind::MirrorHandle => mirror::set_handle(site, part),
        Kind::HostedAccounts => Box::pin(hosted::register(site, asked)).await,
        Kind::HostedLog if asked.method() == Method::POST => {
            Box::pin(hosted::append(site, asked, part)).await
        }
        Kind::HostedLog => hosted::log(site, &asked, part).await,
        Kind::HostedProfile => Box::pin(hosted::put_profile(site, asked, part)).await,
        Kind::AtprotoDid => at_host::atproto_did(site, &asked).await,
        Kind::DidDocument => at_host::document(site, &asked).await,
        Kind::DidLog => at_host::log(site, &asked).await,
        Kind::AtHost => at_host::elsewhere(site, &asked).await,
        Kind::IndependentTerms => hosted::terms(site),
        Kind::TlsAllowed => tls_allowed::tls_allowed(site, &asked).await,
        Kind::Landing => pages::landing(site, &asked).await,
        Kind::Stylesheet => Ok(assets::stylesheet()),
        Kind::Mark => Ok(assets::mark()),
        Kind::ProblemPage => pages::problem_kind(part),
        Kind::Openapi => Ok(assets::contract()),
        Kind::Livez => Ok(ops::alive()),
        Kind::Readyz => Ok(ops::ready(site)),
        Kind::Metrics if door == Door::Public && site.options.metrics_elsewhere => Err(Refusal::NoSuchPage),
        Kind::Metrics => ops::metrics(site),
        Kind::XrpcUnknown | Kind::NotAtHost | Kind::Nowhere => Err(Refusal::NoSuchPage),
    }
}

fn refuse(site: &Site, route: Route<'_>, refusal: &Refusal, html: bool, request_id: u64) -> Reply {
    let kind = route.kind;
    let mut reply = match kind.is_xrpc() {
        true => xrpc::failure(site, refusal),
        false => reply::problem(refusal, html, mirror_page::way_back(site, route).as_deref()),
    };
    if let Refusal::Method = refusal {
        allow(&mut reply, kind);
    }
    if let Refusal::Failed { error, .. } = refusal
        && reply.status() == StatusCode::INTERNAL_SERVER_ERROR
    {
        tracing::error!(
            request.id = %format_args!("{request_id:016x}"),
            http.route = kind.name(),
            error.message = error.message(),
            error.cause = error.causes(),
            "http.internal"
        );
    }
    reply
}

/// What a route takes; also the answer to a browser's question whether another origin may ask.
fn options(kind: Kind, asked: &HeaderMap) -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::NO_CONTENT;
    allow(&mut reply, kind);
    if kind.is_public() {
        cors::allow_preflight(reply.headers_mut(), kind, asked);
    }
    reply
}

fn allow(reply: &mut Reply, kind: Kind) {
    if let Ok(methods) = HeaderValue::try_from(kind.allow()) {
        reply.headers_mut().insert(header::ALLOW, methods);
    }
}
