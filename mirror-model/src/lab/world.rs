//! A private world: the sandbox, a mirror of it, and a service in front.

use std::{future, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use namesake::{
    ManualClock, Scheme, SeededRandomness, Timestamp,
    http::{Call, HttpClient, HttpSettings},
    lab::{Front, LabError, Service},
    store::{Key, MemoryStore, Store},
};
use tokio::{net::TcpListener, task::JoinSet};
use url::Url;

use crate::{
    CallbackQuery, Linked, MirrorModel, MirrorSettings, SessionToken, TokenSealer,
    sandbox::{Sandbox, SandboxSettings, server},
    upstream::threads::ThreadsUpstream,
};

/// Everything begins then.
const BEGINNING: Timestamp = Timestamp::constant(1_767_603_600, 0);
/// No answer of a mirror is left to the cache's choice.
const CACHE_TTL: Duration = Duration::from_secs(600);

pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    pub(super) sandbox: Sandbox,
    pub(super) mirror: Arc<MirrorModel>,
    pub(super) front: Arc<dyn Front>,
    store: Arc<dyn Store>,
    http: HttpClient,
    _tasks: JoinSet<()>,
}

impl World {
    pub(super) async fn start(
        service: &dyn Service,
        poll_interval: Duration,
        max_unconfirmed: Duration,
        seed: u64,
    ) -> Result<Self, LabError> {
        let clock = Arc::new(ManualClock::new(BEGINNING));
        // Each draws from a source of its own, so that who draws first does not depend on the network.
        let (ours, theirs) = (Arc::new(SeededRandomness::new(seed)), Arc::new(SeededRandomness::new(!seed)));
        let sandbox = Sandbox::start(SandboxSettings::default(), clock.clone(), theirs).await?;
        let http = HttpClient::configured(&HttpSettings::default())?;
        let scheme = Scheme::parse("threads")?;
        let SandboxSettings { client_secret, verify_token, .. } = SandboxSettings::default();
        let settings = MirrorSettings {
            poll_interval,
            max_unconfirmed,
            // One after the other, so that every run goes the same way.
            concurrent_polls: 1,
            webhook_secrets: vec![client_secret],
            verify_token: Some(verify_token),
            ..MirrorSettings::new(scheme.clone(), Url::parse("https://names.example/")?)
        };
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let upstream = Arc::new(ThreadsUpstream::new(sandbox.upstream(), http.clone()));
        let mut made = None;
        let front = service.open(&scheme, clock.clone(), CACHE_TTL, &mut |invalidator| {
            let mirror = MirrorModel::new(
                settings.clone(),
                upstream.clone(),
                store.clone(),
                TokenSealer::ephemeral(&*ours),
                clock.clone(),
                ours.clone(),
                invalidator,
            );
            made = Some(Arc::clone(&mirror));
            mirror
        })?;
        let mirror = made.ok_or("the service made no backend")?;
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&mirror).run(future::pending()));
        sandbox.send_webhooks_to(receive_webhooks(&mirror, &mut tasks).await?);
        Ok(Self { clock, sandbox, mirror, front, store, http, _tasks: tasks })
    }

    /// Lets events arrive and polls end.
    pub(super) async fn settle(&self) {
        self.sandbox.delivered().await;
        self.mirror.settled().await;
    }

    /// Signs in at the upstream, and comes back: what was refused is said in the words of whoever refused.
    pub(super) async fn link(
        &self,
        username: &str,
        session: Option<&SessionToken>,
    ) -> Result<Result<Linked, String>, LabError> {
        let connect = self.mirror.connect(session).await?;
        let Some(query) = self.consent(&connect.location, username).await? else {
            return Ok(Err("the upstream lets nobody sign in to this service".to_owned()));
        };
        let linked = self.mirror.callback(query, Some(&connect.browser), session).await;
        Ok(linked.map_err(|error| error.to_string()))
    }

    /// Presses the button of `username` on the authorize page, the one of nobody where it is empty, and reads where that
    /// leads.
    async fn consent(&self, authorize: &Url, username: &str) -> Result<Option<CallbackQuery>, LabError> {
        let pressed = if username.is_empty() { ("deny", "1") } else { ("username", username) };
        let asked: Vec<_> = authorize.query_pairs().into_owned().collect();
        let form = asked.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let form: Vec<_> = form.chain([pressed]).collect();
        let mut page = authorize.clone();
        page.set_query(None);
        let reply = self.http.send(Call::form(page, &form)).await?;
        let Some(back) = reply.headers.get(header::LOCATION) else { return Ok(None) };
        let back = Url::parse(back.to_str()?)?;
        let value =
            |name: &str| back.query_pairs().find(|(field, _)| field == name).map(|(_, it)| it.into_owned());
        Ok(Some(CallbackQuery {
            code: value("code"),
            state: value("state"),
            error: value("error"),
            error_description: value("error_description"),
            iss: value("iss"),
        }))
    }

    /// How many rows of the store have one of these texts in them.
    pub(super) async fn rows_with(&self, texts: &[&str]) -> Result<usize, LabError> {
        const PAGE: usize = 100;
        let (mut last, mut found): (Option<Key>, _) = (None, 0);
        loop {
            let page = self.store.scan(b"", last.as_ref(), PAGE).await?;
            let holds = |bytes: &[u8]| {
                texts.iter().any(|text| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
            };
            found += page.iter().filter(|(key, entry)| holds(key.as_bytes()) || holds(&entry.value)).count();
            match page.last() {
                Some((key, _)) => last = Some(key.clone()),
                None => return Ok(found),
            }
        }
    }
}

/// Takes events in, as the service's route does.
async fn receive_webhooks(mirror: &Arc<MirrorModel>, tasks: &mut JoinSet<()>) -> Result<Url, LabError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = Url::parse(&format!("http://{}/webhook", listener.local_addr()?))?;
    let mirror = Arc::clone(mirror);
    tasks.spawn(server::serve(listener, move |request: Request<Bytes>| {
        let mirror = Arc::clone(&mirror);
        async move {
            let signature = request.headers().get("x-hub-signature-256").and_then(|it| it.to_str().ok());
            if let Err(error) = mirror.webhook(signature, request.body()).await {
                tracing::error!(error = &error as &dyn std::error::Error, "lab.webhook.failed");
            }
            Response::new(Full::from(Bytes::new()))
        }
    }));
    Ok(url)
}
