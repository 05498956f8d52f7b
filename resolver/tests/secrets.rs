//! Nothing secret is logged, at the most talkative level, or stored as it is, whatever happens to a link.
//!
//! A test program of its own, since what is logged is caught for the process as a whole.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderName, HeaderValue, Method, header};
use namesake::{
    ManualClock, Scheme, SeededRandomness, Timestamp,
    http::{Call, HttpClient, HttpSettings, Reply},
    store::{MemoryStore, Store as _},
};
use namesake_mirror::{
    MirrorModel, MirrorSettings, Secret, TokenSealer,
    sandbox::{Faults, NewPerson, Sandbox, SandboxSettings},
    upstream::{Sighting, SignIn, Token, Upstream, UpstreamFuture, UpstreamSource, threads::ThreadsUpstream},
};
use namesake_resolver::Namesake;
use tokio::{net::TcpListener, task::JoinSet};
use tracing_subscriber::fmt::MakeWriter;
use url::Url;

const CLIENT_SECRET: &str = "a-client-secret-of-the-test";
const VERIFY_TOKEN: &str = "a-verify-token-of-the-test";

/// Catches what is logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// An upstream that remembers every secret that passes, and that `Debug` shows none of them.
#[derive(Debug)]
struct Watched {
    upstream: ThreadsUpstream,
    secrets: Arc<Mutex<BTreeSet<String>>>,
    refreshed: Arc<Mutex<usize>>,
}

impl Watched {
    fn note(&self, secrets: &[&str], shown: &str) {
        for secret in secrets {
            assert!(!shown.contains(secret), "{shown}");
            self.secrets.lock().unwrap().insert((*secret).to_owned());
        }
    }

    fn note_sign_in(&self, sign_in: &SignIn) {
        let secrets = [sign_in.state.as_str(), sign_in.verifier().expose(), &sign_in.nonce()];
        self.note(&secrets, &format!("{sign_in:?}"));
    }

    fn note_token(&self, token: &Token) {
        self.note(&[token.secret.expose()], &format!("{token:?}"));
    }
}

impl Upstream for Watched {
    fn source(&self) -> &UpstreamSource {
        self.upstream.source()
    }

    fn authorize_url<'a>(&'a self, sign_in: &'a SignIn) -> UpstreamFuture<'a, Url> {
        self.note_sign_in(sign_in);
        self.upstream.authorize_url(sign_in)
    }

    fn exchange<'a>(&'a self, code: &'a str, sign_in: &'a SignIn) -> UpstreamFuture<'a, Token> {
        self.note_sign_in(sign_in);
        self.note(&[code], "");
        Box::pin(async move {
            let token = self.upstream.exchange(code, sign_in).await?;
            self.note_token(&token);
            Ok(token)
        })
    }

    fn refresh<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Token> {
        Box::pin(async move {
            let token = self.upstream.refresh(token).await?;
            self.note_token(&token);
            *self.refreshed.lock().unwrap() += 1;
            Ok(token)
        })
    }

    fn who<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Sighting> {
        self.note(&[token.expose()], &format!("{token:?}"));
        self.upstream.who(token)
    }
}

/// A browser that notes its cookies as secrets too.
struct Browser {
    http: HttpClient,
    service: Url,
    cookies: Vec<(String, String)>,
    secrets: Arc<Mutex<BTreeSet<String>>>,
}

impl Browser {
    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Reply {
        let mut call = Call::new(method, self.service.join(path).unwrap(), body.to_owned().into());
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        for (name, value) in headers.iter().copied().chain([("cookie", cookies.join("; ").as_str())]) {
            call = call.header(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        assert!(!cookies.iter().any(|cookie| format!("{call:?}").contains(cookie)), "{call:?}");
        let reply = self.http.send(call).await.unwrap();
        for cookie in reply.headers.get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(kept, _)| kept != name);
            if !value.is_empty() {
                assert!(!format!("{reply:?}").contains(value), "{reply:?}");
                self.secrets.lock().unwrap().insert(value.to_owned());
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        reply
    }

    async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, &[("accept", "text/html")], "").await
    }

    async fn post(&mut self, path: &str, body: &str) -> Reply {
        let origin = self.service.origin().ascii_serialization();
        let form = ("content-type", "application/x-www-form-urlencoded");
        self.send(Method::POST, path, &[("accept", "text/html"), ("origin", &origin), form], body).await
    }

    async fn consent(&mut self, username: &str) -> String {
        let connect = self.get("/mirror/threads/connect").await;
        let there = Url::parse(connect.headers["location"].to_str().unwrap()).unwrap();
        let pressed = self.http.send(Call::form(there, &[("username", username)])).await.unwrap();
        let back = Url::parse(pressed.headers["location"].to_str().unwrap()).unwrap();
        format!("{}?{}", back.path(), back.query().unwrap())
    }
}

#[tokio::test]
async fn nothing_secret_is_logged_or_stored() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let secrets = Arc::new(Mutex::new(BTreeSet::from([CLIENT_SECRET.to_owned(), VERIFY_TOKEN.to_owned()])));
    let refreshed = Arc::default();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
    let alice = NewPerson { username: "alice".to_owned(), name: None, bio: None, picture: None };
    let settings = SandboxSettings {
        client_secret: Secret::new(CLIENT_SECRET),
        verify_token: Secret::new(VERIFY_TOKEN),
        webhook_url: Some(service.join("mirror/threads/webhook").unwrap()),
        people: vec![alice],
        ..SandboxSettings::default()
    };
    let there = Arc::new(SeededRandomness::new(1));
    let sandbox = Sandbox::start(settings, clock.clone(), there).await.unwrap();
    let http = HttpClient::configured(&HttpSettings::default()).unwrap();
    let upstream = Watched {
        upstream: ThreadsUpstream::new(sandbox.upstream(), http.clone()),
        secrets: Arc::clone(&secrets),
        refreshed: Arc::clone(&refreshed),
    };
    let builder = Namesake::builder().clock(clock.clone()).public_url(service.clone()).access_log(true);
    let scheme = Scheme::parse("threads").unwrap();
    let invalidator = builder.invalidator(&scheme);
    let (randomness, store) = (Arc::new(SeededRandomness::new(2)), Arc::new(MemoryStore::new()));
    let mirror = MirrorModel::new(
        MirrorSettings {
            webhook_secrets: vec![Secret::new(CLIENT_SECRET)],
            verify_token: Some(Secret::new(VERIFY_TOKEN)),
            ..MirrorSettings::new(scheme, service.clone())
        },
        Arc::new(upstream),
        store.clone(),
        TokenSealer::ephemeral(&*randomness),
        clock.clone(),
        randomness,
        invalidator,
    );
    let namesake = builder.mirror(Arc::clone(&mirror)).build().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&mirror).run(std::future::pending()));
    tasks.spawn(async move { namesake.serve(listener, std::future::pending()).await.unwrap() });
    let mut browser = Browser { http, service, cookies: Vec::new(), secrets: Arc::clone(&secrets) };

    // Linking: refused, as it should be, made up, and again; with the upstream down as well.
    assert_eq!(
        browser.get("/mirror/threads/callback?state=made-up-state&code=made-up-code").await.status,
        403
    );
    let back = browser.consent("alice").await;
    let made_up = back.replace("code=", "code=x");
    assert_eq!(browser.get(&made_up).await.status, 401);
    let back = browser.consent("alice").await;
    sandbox.set_faults(Faults { outage: Some(true), ..Faults::default() });
    assert_eq!(browser.get(&back).await.status, 503);
    sandbox.set_faults(Faults { outage: Some(false), ..Faults::default() });
    for _ in 0..2 {
        let back = browser.consent("alice").await;
        assert_eq!(browser.get(&back).await.status, 303);
    }
    // One's own page.
    assert_eq!(browser.get("/mirror/threads").await.status, 200);
    assert_eq!(browser.post("/mirror/threads/profile", "displayName=A").await.status, 303);
    assert_eq!(browser.post("/mirror/threads/profile", "handle=root").await.status, 403);
    // Events: real and forged; the subscription.
    assert!(sandbox.subscribe().await);
    let forged =
        browser.send(Method::POST, "/mirror/threads/webhook", &[("x-hub-signature-256", "sha256=00")], "{}");
    assert_eq!(forged.await.status, 403);
    sandbox.rename("alice", "alicia").unwrap();
    sandbox.delivered().await;
    mirror.settled().await;
    // Polls: with the upstream down, with a token to refresh, and with one that is revoked.
    sandbox.set_faults(Faults { outage: Some(true), ..Faults::default() });
    clock.advance(Duration::from_secs(300));
    mirror.settled().await;
    sandbox.set_faults(Faults { outage: Some(false), ..Faults::default() });
    clock.advance(Duration::from_secs(31 * 24 * 3600));
    mirror.settled().await;
    assert_eq!(*refreshed.lock().unwrap(), 1);
    sandbox.revoke_tokens("alicia").unwrap();
    clock.advance(Duration::from_secs(300));
    mirror.settled().await;
    // What is stored is hashed or sealed.
    let rows = store.scan(b"", None, 100).await.unwrap();
    assert!(rows.iter().any(|(key, _)| key.to_string().contains("/session/")), "{rows:?}");
    for (key, entry) in &rows {
        let row = format!("{key} {}", String::from_utf8_lossy(&entry.value));
        assert!(!secrets.lock().unwrap().iter().any(|secret| row.contains(secret)), "{row}");
    }
    // And away.
    let back = browser.consent("alicia").await;
    assert_eq!(browser.get(&back).await.status, 303);
    assert_eq!(browser.post("/mirror/threads/leave", "confirm=yes").await.status, 303);
    tasks.shutdown().await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for event in ["http.request", "mirror.poll.failed"] {
        assert!(log.contains(event), "{event} was not caught: {log}");
    }
    let secrets = secrets.lock().unwrap();
    // States, verifiers and nonces of five sign-ins, codes, tokens, cookies.
    assert!(secrets.len() > 20, "{}", secrets.len());
    for secret in secrets.iter().map(String::as_str).chain(["made-up-state", "made-up-code"]) {
        assert!(!log.contains(secret), "{secret} is in the log: {log}");
    }
}
