//! Two mirrors in one service, on one store, with people of the same name and the same id at their upstreams.

use std::{sync::Arc, time::Duration};

use namesake::{
    ManualClock, Scheme, SeededRandomness, Timestamp,
    http::{Call, HttpClient, HttpSettings},
    store::{MemoryStore, Store},
};
use namesake_mirror::{
    MirrorModel, MirrorSettings, Secret, TokenSealer,
    sandbox::{NewPerson, Sandbox, SandboxSettings},
    upstream::{Sighting, SignIn, Token, Upstream, UpstreamFuture, UpstreamSource, threads::ThreadsUpstream},
};
use namesake_resolver::Namesake;
use tokio::task::JoinSet;
use url::Url;

use crate::support::{Reply, Server, serve};

const PATIENCE: Duration = Duration::from_secs(20);

struct Two {
    clock: Arc<ManualClock>,
    server: Server,
    mirrors: [(Sandbox, Arc<MirrorModel>); 2],
    _tasks: JoinSet<()>,
}

impl Two {
    /// Two mirrors of Threads.
    async fn new() -> Self {
        Self::of([None, None]).await
    }

    /// Mirrors of OpenID providers with these issuers, or of Threads.
    async fn of(issuers: [Option<&str>; 2]) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let public_url = "https://names.example".parse().unwrap();
        let mut builder = Namesake::builder().clock(clock.clone()).public_url(public_url);
        let (mut mirrors, mut tasks) = (Vec::new(), JoinSet::new());
        for ((name, seed), issuer) in [("a", 1), ("b", 2)].into_iter().zip(issuers) {
            let alice = NewPerson { username: "alice".to_owned(), name: None, bio: None, picture: None };
            let settings = SandboxSettings { people: vec![alice], ..SandboxSettings::default() };
            // The same randomness, so that the ids upstream are the same; another here, as in one process.
            let there = Arc::new(SeededRandomness::new(7));
            let sandbox = Sandbox::start(settings, clock.clone(), there).await.unwrap();
            let randomness = Arc::new(SeededRandomness::new(seed));
            let scheme = Scheme::parse(name).unwrap();
            let http = HttpClient::configured(&HttpSettings::default()).unwrap();
            let invalidator = builder.invalidator(&scheme);
            let model = MirrorModel::new(
                MirrorSettings::new(scheme, "http://127.0.0.1:9/".parse().unwrap()),
                called(ThreadsUpstream::new(sandbox.upstream(), http), issuer),
                Arc::clone(&store),
                TokenSealer::ephemeral(&*randomness),
                clock.clone(),
                randomness,
                invalidator,
            );
            tasks.spawn(Arc::clone(&model).run(std::future::pending()));
            builder = builder.mirror(Arc::clone(&model));
            mirrors.push((sandbox, model));
        }
        let server = serve(&builder.build().unwrap(), false).await;
        let Ok(mirrors) = mirrors.try_into() else { panic!("there are two") };
        Self { clock, server, mirrors, _tasks: tasks }
    }

    /// Signs `username` in at one of them, through the service as a browser would; returns the account and the session.
    async fn link(&self, name: &str, username: &str) -> (String, String) {
        let connect = self.server.get(&format!("/mirror/{name}/connect")).await;
        let cookie = connect.header("set-cookie").split(';').next().unwrap().to_owned();
        let page: Url = connect.header("location").parse().unwrap();
        let http = HttpClient::configured(&HttpSettings::default()).unwrap();
        let consent = http.send(Call::form(page, &[("username", username)])).await.unwrap();
        let back: Url = consent.headers["location"].to_str().unwrap().parse().unwrap();
        assert_eq!(back.path(), format!("/mirror/{name}/callback"));
        let target = format!("{}?{}", back.path(), back.query().unwrap());
        let linked = self.server.send("GET", &target, &[("cookie", &cookie)], "").await;
        assert_eq!(linked.status, 201, "{linked:?}");
        let text = |field: &str| linked.json()[field].as_str().unwrap().to_owned();
        (text("account"), text("token"))
    }

    /// What the service says of an address.
    async fn addressed(&self, address: &str, scheme: &str) -> Result<String, Reply> {
        let escaped: String = address.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let reply = self.server.get(&format!("/v1/resolve?handle={escaped}{scheme}")).await;
        let body = serde_json::json!({ "handles": [address] }).to_string();
        if scheme.is_empty() {
            // Whichever way it comes, it means the same.
            let batch = self.server.send("POST", "/v1/resolve", &[], &body).await;
            let result = batch.json()["results"][0].clone();
            assert_eq!(result["status"], reply.status, "{address}");
            let explained = self.server.get(&format!("/v1/explain?handle={escaped}")).await.json();
            assert_eq!(explained["resolution"].is_null(), reply.status != 200, "{address} {explained}");
            if let Some(name) = address.strip_prefix('@') {
                assert_eq!(self.server.get(&format!("/@{name}")).await.status, reply.status, "{address}");
            }
            let finger = self.server.get(&format!("/.well-known/webfinger?resource={escaped}")).await;
            let is_uri = address.starts_with("acct:") || address.starts_with("https:");
            assert_eq!(finger.status, if is_uri { reply.status } else { 400 }, "{address}");
        }
        match reply.status {
            200 => Ok(reply.json()["account"].as_str().unwrap().to_owned()),
            _ => Err(reply),
        }
    }

    async fn who(&self, handle: &str, name: &str) -> Result<String, u16> {
        let reply = self.server.get(&format!("/v1/resolve?handle={handle}&scheme={name}")).await;
        match reply.status {
            200 => Ok(reply.json()["account"].as_str().unwrap().to_owned()),
            status => Err(status),
        }
    }

    async fn after_a_poll(&self) {
        self.clock.advance(Duration::from_secs(300));
        for (_, model) in &self.mirrors {
            tokio::time::timeout(PATIENCE, model.settled()).await.unwrap();
        }
    }
}

/// An upstream, or the same in the place of an OpenID provider.
fn called(upstream: ThreadsUpstream, issuer: Option<&str>) -> Arc<dyn Upstream> {
    let Some(origin) = issuer else { return Arc::new(upstream) };
    let source = UpstreamSource { kind: "oidc".into(), origin: origin.into(), client: "1".into() };
    Arc::new(Called { source, upstream })
}

#[derive(Debug)]
struct Called {
    source: UpstreamSource,
    upstream: ThreadsUpstream,
}

impl Upstream for Called {
    fn source(&self) -> &UpstreamSource {
        &self.source
    }

    fn authorize_url<'a>(&'a self, sign_in: &'a SignIn) -> UpstreamFuture<'a, Url> {
        self.upstream.authorize_url(sign_in)
    }

    fn exchange<'a>(&'a self, code: &'a str, sign_in: &'a SignIn) -> UpstreamFuture<'a, Token> {
        self.upstream.exchange(code, sign_in)
    }

    fn refresh<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Token> {
        self.upstream.refresh(token)
    }

    fn who<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Sighting> {
        self.upstream.who(token)
    }
}

const OF_THREADS: [&str; 6] = [
    "https://www.threads.net/@alice",
    "https://threads.com/@Alice/post/1?x=y",
    "acct:alice@threads.net",
    "acct:alice@WWW.Threads.com",
    "@alice@threads.net",
    "alice@threads.com",
];

const OF_THE_PROVIDER: [&str; 5] = [
    "https://login.example/@alice",
    "https://www.login.example/@alice",
    "acct:alice@login.example",
    "@alice@login.example",
    "@alice@www.login.example.",
];

#[tokio::test]
async fn the_host_of_an_address_decides_and_never_the_order() {
    for issuers in [[Some("https://login.example/realm"), None], [None, Some("https://login.example/realm")]]
    {
        let two = Two::of(issuers).await;
        let (provider, threads) = if issuers[0].is_some() { ("a", "b") } else { ("b", "a") };
        let (at_provider, _) = two.link(provider, "alice").await;
        for address in OF_THREADS {
            let refused = two.addressed(address, "").await.unwrap_err();
            assert_eq!(refused.status, 404, "{address}: nobody of Threads is linked: {refused:?}");
            let refused = two.addressed(address, &format!("&scheme={provider}")).await.unwrap_err();
            assert_eq!(refused.status, 404, "{address}: she is not of the provider: {refused:?}");
        }
        for address in OF_THE_PROVIDER {
            assert_eq!(two.addressed(address, "").await.unwrap(), at_provider, "{address}");
        }
        let (at_threads, _) = two.link(threads, "alice").await;
        for address in OF_THREADS {
            assert_eq!(two.addressed(address, "").await.unwrap(), at_threads, "{address}");
            assert_eq!(two.addressed(address, "&scheme=mirror").await.unwrap(), at_threads, "{address}");
        }
        for address in OF_THE_PROVIDER {
            assert_eq!(two.addressed(address, "").await.unwrap(), at_provider, "{address}");
        }
    }
}

#[tokio::test]
async fn an_address_of_a_host_that_nobody_mirrors_is_nobodys() {
    let two = Two::of([Some("https://login.example"), Some("https://guests.example:8443")]).await;
    two.link("a", "alice").await;
    two.link("b", "alice").await;
    let others = [
        "https://elsewhere.example/@alice",
        "https://www.instagram.com/alice",
        "https://login.example:8443/@alice",
    ];
    for address in OF_THREADS
        .into_iter()
        .chain(others)
        .chain(["acct:alice@elsewhere.example", "@alice@guests.example:1"])
    {
        let refused = two.addressed(address, "").await.unwrap_err();
        assert_eq!(
            (refused.status, &refused.json()["type"]),
            (404, &"/problems/namespace-not-served".into()),
            "{address}"
        );
    }
}

#[tokio::test]
async fn an_address_that_two_mirrors_could_mean_asks_which() {
    for (issuers, addresses) in [
        ([None, None], &OF_THREADS[..]),
        ([Some("https://login.example/a"), Some("https://www.login.example/b")], &OF_THE_PROVIDER),
    ] {
        let two = Two::of(issuers).await;
        let (a, _) = two.link("a", "alice").await;
        let (b, _) = two.link("b", "alice").await;
        for address in addresses {
            let refused = two.addressed(address, "").await.unwrap_err();
            assert_eq!(refused.status, 404, "{address} {refused:?}");
            let problem = refused.json();
            assert_eq!(problem["otherSchemes"], serde_json::json!(["a", "b"]), "{address} {problem}");
            assert!(problem["detail"].as_str().unwrap().contains("say which with ?scheme="), "{problem}");
            assert_eq!(two.addressed(address, "&scheme=a").await.unwrap(), a, "{address}");
            assert_eq!(two.addressed(address, "&scheme=b").await.unwrap(), b, "{address}");
        }
    }
}

#[tokio::test]
async fn people_of_the_same_name_do_not_touch_each_other() {
    let two = Two::new().await;
    let (a, session_a) = two.link("a", "alice").await;
    assert_eq!(two.who("alice", "b").await, Err(404), "a link is one at its own upstream");
    let (b, session_b) = two.link("b", "alice").await;
    assert_ne!(a, b);
    assert_eq!(two.who("alice", "a").await, Ok(a.clone()));
    assert_eq!(two.who("alice", "b").await, Ok(b.clone()));

    two.mirrors[0].0.rename("alice", "alicia").unwrap();
    two.after_a_poll().await;
    assert_eq!(two.who("alicia", "a").await, Ok(a.clone()));
    assert_eq!(two.who("alice", "a").await, Err(404));
    assert_eq!(two.who("alice", "b").await, Ok(b.clone()));
    assert_eq!(two.who("alicia", "b").await, Err(404));

    // Neither session is worth anything at the other, and a deletion is one of one account.
    let account = |id: &str| format!("/v1/mirror/accounts/{id}");
    let bearer = |token: &str| format!("Bearer {token}");
    for (of, token, status) in [(&b, &session_a, 401), (&a, &session_b, 401), (&a, &session_a, 204)] {
        let headers = [("authorization", bearer(token))];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let deleted = two.server.send("DELETE", &account(of), &headers, "").await;
        assert_eq!(deleted.status, status, "{deleted:?}");
    }
    assert_eq!(two.who("alicia", "a").await, Err(404));
    assert_eq!(two.who("alice", "b").await, Ok(b));
}

#[tokio::test]
async fn a_code_of_one_mirror_is_of_no_use_at_the_other() {
    let two = Two::new().await;
    let connect = two.server.get("/mirror/a/connect").await;
    let cookie = connect.header("set-cookie").split(';').next().unwrap().to_owned();
    let page: Url = connect.header("location").parse().unwrap();
    let state = page.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    // Its own cookie has another name, and its own register another key.
    let elsewhere = cookie.replace("linking-a", "linking-b");
    let target = format!("/mirror/b/callback?code=x&state={state}");
    let refused = two.server.send("GET", &target, &[("cookie", &elsewhere)], "").await;
    assert!((400..500).contains(&refused.status), "{refused:?}");
    assert_eq!(two.mirrors[1].0.profiles_served(), 0);
}
