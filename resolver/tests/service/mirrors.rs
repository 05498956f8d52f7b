//! Two mirrors in one service, on one store, with people of the same name and the same id at their upstreams.

use std::{sync::Arc, time::Duration};

use namesake::{
    ManualClock, Scheme, SeededRandomness, Timestamp,
    http::{Call, HttpClient, HttpSettings},
    store::{MemoryStore, Store},
};
use namesake_mirror::{
    MirrorModel, MirrorSettings, TokenSealer,
    sandbox::{NewPerson, Sandbox, SandboxSettings},
    upstream::threads::ThreadsUpstream,
};
use namesake_resolver::Namesake;
use tokio::task::JoinSet;
use url::Url;

use crate::support::{Server, serve};

const PATIENCE: Duration = Duration::from_secs(20);

struct Two {
    clock: Arc<ManualClock>,
    server: Server,
    mirrors: [(Sandbox, Arc<MirrorModel>); 2],
    _tasks: JoinSet<()>,
}

impl Two {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let public_url = "https://names.example".parse().unwrap();
        let mut builder = Namesake::builder().clock(clock.clone()).public_url(public_url);
        let (mut mirrors, mut tasks) = (Vec::new(), JoinSet::new());
        for (name, seed) in [("a", 1), ("b", 2)] {
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
                Arc::new(ThreadsUpstream::new(sandbox.upstream(), http)),
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
