//! A private world: a sandbox upstream, a mirror of it, and a browser.

use std::{
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use namesake::{
    AccountId, Change, Handle, HandleResolver as _, Invalidator, Lookup, ManualClock, Profile, Scheme,
    SeededRandomness, Timestamp, Trace, Why,
    http::{Call, HttpClient, HttpSettings, Reply},
    store::Store,
};
use tokio::{net::TcpListener, task::JoinSet};
use url::{Url, form_urlencoded};

use crate::{
    CallbackQuery, LinkError, Linked, MirrorModel, MirrorSettings, Secret, SessionToken, TokenSealer,
    sandbox::{NewPerson, Sandbox, SandboxSettings, server},
    upstream::threads::ThreadsUpstream,
};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    pub(super) sandbox: Sandbox,
    pub(super) model: Arc<MirrorModel>,
    pub(super) told: Arc<Mutex<Vec<Change>>>,
    http: HttpClient,
    tasks: JoinSet<()>,
}

impl World {
    /// A world in which `people` exist upstream and nobody is linked yet.
    pub(super) async fn with(people: &[&str], store: Arc<dyn Store>) -> Self {
        Self::called("threads", people, store).await
    }

    /// The same, with a mirror of that name.
    pub(super) async fn called(scheme: &str, people: &[&str], store: Arc<dyn Store>) -> Self {
        Self::sealed(scheme, people, store, TokenSealer::ephemeral(&SeededRandomness::new(1))).await
    }

    /// The same, with these keys.
    pub(super) async fn sealed(
        scheme: &str,
        people: &[&str],
        store: Arc<dyn Store>,
        sealer: TokenSealer,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        // No two mirrors draw the same lots.
        let randomness = Arc::new(SeededRandomness::new(scheme.bytes().map(u64::from).sum()));
        let named = |name: &&str| NewPerson {
            username: (*name).to_owned(),
            name: Some(format!("{name} upstream")),
            bio: Some("Hello.".to_owned()),
            picture: Some(format!("https://pictures.example/{name}.jpg")),
        };
        let settings =
            SandboxSettings { people: people.iter().map(named).collect(), ..SandboxSettings::default() };
        let sandbox = Sandbox::start(settings, clock.clone(), randomness.clone()).await.unwrap();
        let http = HttpClient::configured(&HttpSettings::default()).unwrap();

        let mut settings =
            MirrorSettings::new(Scheme::parse(scheme).unwrap(), "http://127.0.0.1:9/".parse().unwrap());
        settings.webhook_secrets = vec![Secret::new("sandbox-secret")];
        settings.verify_token = Some(Secret::new("sandbox-verify"));
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let model = MirrorModel::new(
            settings,
            Arc::new(ThreadsUpstream::new(sandbox.upstream(), http.clone())),
            store,
            sealer,
            clock.clone(),
            randomness,
            Invalidator::new(move |change| heard.lock().unwrap().push(change.clone())),
        );
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&model).run(future::pending()));
        sandbox.send_webhooks_to(receive_webhooks(&model, &mut tasks).await);
        Self { clock, sandbox, model, told, http, tasks }
    }

    /// The mirror is begun anew over what is stored, by what the clock shows now.
    pub(super) async fn restarted(mut self, store: Arc<dyn Store>) -> Self {
        self.tasks.shutdown().await;
        let heard = Arc::clone(&self.told);
        self.model = MirrorModel::new(
            self.model.settings().clone(),
            Arc::new(ThreadsUpstream::new(self.sandbox.upstream(), self.http.clone())),
            store,
            TokenSealer::ephemeral(&SeededRandomness::new(1)),
            self.clock.clone(),
            Arc::new(SeededRandomness::new(2)),
            Invalidator::new(move |change| heard.lock().unwrap().push(change.clone())),
        );
        self.tasks.spawn(Arc::clone(&self.model).run(future::pending()));
        self
    }

    /// Signs in upstream as `username`, in a browser that may be signed in here.
    pub(super) async fn link_with(
        &self,
        username: &str,
        session: Option<&SessionToken>,
    ) -> Result<Linked, LinkError> {
        let connect = self.model.connect(session).await.unwrap();
        let query = self.consent(&connect.location, username).await;
        self.model.callback(query, Some(&connect.browser), session).await
    }

    /// Signs in upstream as `username`.
    pub(super) async fn link(&self, username: &str) -> Linked {
        self.link_with(username, None).await.unwrap()
    }

    /// Presses the button of `username` on the authorize page, and reads where that leads.
    pub(super) async fn consent(&self, authorize: &Url, username: &str) -> CallbackQuery {
        let page = self.send(Call::get(authorize.clone())).await;
        assert_eq!(page.status, StatusCode::OK);
        let reply = self.send(Call::form(authorize.clone(), &[("username", username)])).await;
        let location = reply.headers.get("location").map(|location| location.to_str().unwrap().to_owned());
        let location = location.unwrap_or_else(|| panic!("no redirect: {:?}", reply.body));
        // As a client that hands on what Meta appends.
        let (_, query) = location.split_once('?').unwrap();
        let mut answer = CallbackQuery::default();
        for (field, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
            match field.as_str() {
                "code" => answer.code = Some(value),
                "state" => answer.state = Some(value.trim_end_matches("#_").to_owned()),
                "error" => answer.error = Some(value),
                _ => (),
            }
        }
        answer
    }

    pub(super) async fn send(&self, call: Call) -> Reply {
        self.http.send(call).await.unwrap()
    }

    /// Lets events arrive and polls end.
    pub(super) async fn settle(&self) {
        let settled = async {
            self.sandbox.delivered().await;
            self.model.settled().await;
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("the world settles");
    }

    /// Moves time on, and lets happen what is due then.
    pub(super) async fn after(&self, duration: Duration) {
        self.clock.advance(duration);
        self.settle().await;
    }

    /// Moves time on by one interval, and by a second more for what two accounts have to clear up.
    pub(super) async fn after_a_poll(&self) {
        self.after(self.model.settings().poll_interval).await;
        self.after(Duration::from_secs(2)).await;
    }

    pub(super) fn without_webhooks(&self) {
        let faults = crate::sandbox::Faults { webhooks: Some(false), ..Default::default() };
        self.sandbox.set_faults(faults);
    }

    pub(super) fn outage(&self, outage: bool) {
        let faults = crate::sandbox::Faults { outage: Some(outage), ..Default::default() };
        self.sandbox.set_faults(faults);
    }

    /// Who goes by a name.
    pub(super) async fn holder(&self, name: &str) -> Result<AccountId, Why> {
        match self.model.resolve(&Handle::parse(name).unwrap(), &Trace::OFF).await.unwrap() {
            Lookup::Found { value, .. } => Ok(value.account),
            Lookup::Absent { why, .. } => Err(why),
            Lookup::Pass => panic!("{name} is no username"),
        }
    }

    pub(super) async fn profile(&self, account: &AccountId) -> Option<Arc<Profile>> {
        self.model.profile(account, &Trace::OFF).await.unwrap().found()
    }

    /// What an account goes by.
    pub(super) async fn name(&self, account: &AccountId) -> Option<String> {
        Some(self.profile(account).await?.handle.clone()?.to_string())
    }
}

/// Serves the mirror's webhook as the resolver does.
async fn receive_webhooks(model: &Arc<MirrorModel>, tasks: &mut JoinSet<()>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhook", listener.local_addr().unwrap()).parse().unwrap();
    let model = Arc::clone(model);
    tasks.spawn(server::serve(listener, move |request: Request<Bytes>| {
        let model = Arc::clone(&model);
        async move {
            let query = request.uri().query().unwrap_or_default();
            if !query.is_empty() {
                let field = |name: &str| {
                    let mut pairs = form_urlencoded::parse(query.as_bytes()).into_owned();
                    pairs.find_map(|(field, value)| (field == name).then_some(value))
                };
                let query = crate::ChallengeQuery {
                    mode: field("hub.mode"),
                    challenge: field("hub.challenge"),
                    verify_token: field("hub.verify_token"),
                };
                return Response::new(Full::from(model.webhook_challenge(query).unwrap()));
            }
            let signature = request.headers().get("x-hub-signature-256").and_then(|it| it.to_str().ok());
            model.webhook(signature, request.body()).await.unwrap();
            Response::new(Full::from(Bytes::new()))
        }
    }));
    url
}
