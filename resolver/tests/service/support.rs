//! The private world of these tests.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use namesake::{
    AccountId, Answer, DisplayName, ErrorKind, Handle, HandleResolver, Identity, Invalidator, Lookup,
    ManualClock, Method, Model, Namespace, Policy, Profile, ProfileState, Proof, ResolveError, Scheme,
    Timestamp, Trace, Ttl, Why,
};
use namesake_mirror::Username;
use namesake_resolver::{Builder, Limits, Namesake};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    task::JoinHandle,
};

/// What a fake backend says of one handle.
#[derive(Debug, Clone)]
pub(crate) enum Says {
    Found(&'static str, Ttl),
    Provisional(&'static str),
    Absent(Why, Ttl),
    Fails(ErrorKind),
    /// Also while the others are held.
    FailsAtOnce(ErrorKind),
    Panics,
}

/// A backend that says what it was told to, counts, and panics when asked of a handle nobody told it about.
#[derive(Debug)]
pub(crate) struct Fake {
    policy: Policy,
    script: Mutex<HashMap<String, Says>>,
    calls: watch::Sender<usize>,
    held: watch::Sender<bool>,
}

impl Fake {
    /// Takes every name without a dot.
    pub(crate) fn mirror(name: &str) -> Arc<Self> {
        Self::new(name, Model::Mirror, "/@{handle}", |handle| !handle.as_str().contains('@'))
    }

    /// Takes every username, as a real mirror does.
    pub(crate) fn usernames(name: &str) -> Arc<Self> {
        Self::new(name, Model::Mirror, "/@{handle}", Username::accepts)
    }

    /// Takes every name with a dot, and has a bug in how it looks at one of them.
    pub(crate) fn independent() -> Arc<Self> {
        let dotted = |handle: &Handle| {
            assert_ne!(handle.as_str(), "bug.example.com", "a bug in a namespace");
            handle.as_str().contains('.') && !handle.as_str().contains('@')
        };
        Self::new("independent", Model::Independent, "/profile/{handle}", dotted)
    }

    fn new(name: &str, model: Model, path: &str, holds: fn(&Handle) -> bool) -> Arc<Self> {
        let mut policy = Policy::new(Scheme::parse(name).unwrap(), model, Namespace::new("test", holds));
        policy.profile_path = path.to_owned();
        Arc::new(Self {
            policy,
            script: Mutex::default(),
            calls: watch::Sender::new(0),
            held: watch::Sender::new(false),
        })
    }

    /// From now on says this of `handle`; `*` is any other.
    pub(crate) fn say(&self, handle: &str, says: Says) {
        self.script.lock().unwrap().insert(handle.to_owned(), says);
    }

    /// Lookups that begin from now on read what is so, and then wait.
    pub(crate) fn hold(&self) {
        self.held.send_replace(true);
    }

    pub(crate) fn release(&self) {
        self.held.send_replace(false);
    }

    /// How often it was asked who a handle is.
    pub(crate) fn calls(&self) -> usize {
        *self.calls.borrow()
    }

    pub(crate) async fn asked(&self, times: usize) {
        self.calls.subscribe().wait_for(|calls| *calls >= times).await.unwrap();
    }

    async fn answer(&self, handle: &Handle) -> Result<Lookup<Identity>, ResolveError> {
        let says = {
            let script = self.script.lock().unwrap();
            script.get(handle.as_str()).or_else(|| script.get("*")).cloned()
        };
        self.calls.send_modify(|calls| *calls += 1);
        if !matches!(says, Some(Says::FailsAtOnce(_))) {
            self.held.subscribe().wait_for(|held| !held).await.unwrap();
        }
        let found = |account: &str, ttl, provisional| {
            let proof = Proof { method: Method::DNS_TXT, checked_at: Timestamp::UNIX_EPOCH, provisional };
            let account = AccountId::parse(account).unwrap();
            let scheme = self.policy.scheme.clone();
            Ok(Lookup::Found { value: Identity { handle: handle.clone(), account, scheme, proof }, ttl })
        };
        match says.unwrap_or_else(|| panic!("nobody expected a question about {handle}")) {
            Says::Found(account, ttl) => found(account, ttl, false),
            Says::Provisional(account) => found(account, Ttl::For(Duration::from_secs(300)), true),
            Says::Absent(why, ttl) => Ok(Lookup::Absent { why, ttl }),
            Says::Fails(kind) | Says::FailsAtOnce(kind) => {
                Err(ResolveError::new(kind, "secret-cause of the failure"))
            }
            Says::Panics => panic!("a bug in a backend"),
        }
    }

    fn handle_of(&self, account: &AccountId) -> Option<(Handle, Ttl)> {
        let script = self.script.lock().unwrap();
        script.iter().find_map(|(handle, says)| match says {
            Says::Found(id, ttl) if *id == account.as_str() => Some((Handle::parse(handle).unwrap(), *ttl)),
            Says::Provisional(id) if *id == account.as_str() => {
                Some((Handle::parse(handle).unwrap(), Ttl::Default))
            }
            _ => None,
        })
    }
}

impl HandleResolver for Fake {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn resolve<'a>(&'a self, handle: &'a Handle, _: &'a Trace) -> Answer<'a, Identity> {
        Box::pin(self.answer(handle))
    }

    fn profile<'a>(&'a self, account: &'a AccountId, _: &'a Trace) -> Answer<'a, Arc<Profile>> {
        let known = self.handle_of(account);
        let ttl = known.as_ref().map_or(Ttl::Default, |(_, ttl)| *ttl);
        let profile = Profile {
            account: account.clone(),
            handle: known.map(|(handle, _)| handle),
            display_name: DisplayName::clean("Somebody <b>bold</b>"),
            bio: None,
            avatar: None,
            state: ProfileState::Current,
        };
        Box::pin(async move { Ok(Lookup::Found { value: Arc::new(profile), ttl }) })
    }
}

/// A service over fakes, on a clock that stands still.
pub(crate) struct World {
    pub(crate) independent: Arc<Fake>,
    pub(crate) mirror: Arc<Fake>,
    pub(crate) clock: Arc<ManualClock>,
    /// The mirror's.
    pub(crate) invalidator: Invalidator,
    /// The independent model's.
    pub(crate) events: Invalidator,
    pub(crate) namesake: Namesake,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        Self::of(Fake::independent(), Fake::mirror("threads"), clock, change)
    }

    /// Another service over the same backends, which knows nothing yet.
    pub(crate) fn restarted(&self) -> Self {
        Self::of(self.independent.clone(), self.mirror.clone(), self.clock.clone(), |builder| builder)
    }

    fn of(
        independent: Arc<Fake>,
        mirror: Arc<Fake>,
        clock: Arc<ManualClock>,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let builder = Namesake::builder();
        let invalidator = builder.invalidator(&mirror.policy.scheme);
        let events = builder.invalidator(&independent.policy.scheme);
        let builder = builder
            .backend(independent.clone())
            .backend(mirror.clone())
            .clock(clock.clone())
            .public_url("https://names.example".parse().unwrap());
        let namesake = change(builder).build().unwrap();
        Self { independent, mirror, clock, invalidator, events, namesake }
    }

    pub(crate) fn limited(change: impl FnOnce(&mut Limits)) -> Self {
        let mut limits = Limits::default();
        change(&mut limits);
        Self::with(|builder| builder.limits(limits))
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Who `text` is: the account, `!status` for a problem; `~` in front of a stale one.
    pub(crate) async fn who(&self, text: &str) -> String {
        self.ask(text, false).await
    }

    pub(crate) async fn ask(&self, text: &str, fresh: bool) -> String {
        let query = self.namesake.query(text, None).unwrap();
        match self.namesake.resolve(&query, fresh).await {
            Ok(found) if found.freshness.unwrap().stale => format!("~{}", found.account),
            Ok(found) => found.account,
            Err(problem) => format!("!{}", problem.status),
        }
    }

    pub(crate) async fn serve(&self) -> Server {
        self.serve_at(false).await
    }

    pub(crate) async fn serve_at(&self, operations: bool) -> Server {
        serve(&self.namesake, operations).await
    }
}

pub(crate) async fn serve(namesake: &Namesake, operations: bool) -> Server {
    serve_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), namesake, operations)
}

pub(crate) fn serve_on(listener: TcpListener, namesake: &Namesake, operations: bool) -> Server {
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let namesake = namesake.clone();
    let shutdown = async { drop(stopped.await) };
    let task = tokio::spawn(async move {
        match operations {
            false => namesake.serve(listener, shutdown).await,
            true => namesake.serve_operations(listener, shutdown).await,
        }
    });
    Server { address, stop, task }
}

/// A service that is reached by HTTP.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.send("GET", target, &[], "").await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        send(self.address, method, target, headers, body).await
    }

    /// The answer to `GET`, which has to be the same when a letter of the name (which ends the target) is escaped: that
    /// keeps the question off the hot path.
    pub(crate) async fn either_way(&self, target: &str, headers: &[(&str, &str)]) -> Reply {
        let name = target.rfind(['@', '/', '=']).unwrap() + 1;
        let escaped = format!("{}%{:02x}{}", &target[..name], target.as_bytes()[name], &target[name + 1..]);
        let plain = self.send("GET", target, headers, "").await.comparable();
        let other = self.send("GET", &escaped, headers, "").await.comparable();
        assert_eq!(plain, other, "{target} {headers:?}");
        plain
    }

    pub(crate) async fn raw(&self, request: &str) -> Reply {
        raw(self.address, request).await
    }

    pub(crate) fn begin_stop(self) -> JoinHandle<io::Result<()>> {
        self.stop.send(()).unwrap();
        self.task
    }
}

/// Asks whoever serves at `address`.
pub(crate) async fn send(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let mut request = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request += "host: x\r\n";
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() {
        request += &format!("content-length: {}\r\n", body.len());
    }
    raw(address, &format!("{request}\r\n{body}")).await
}

async fn raw(address: SocketAddr, request: &str) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    // A server that refuses may reset the connection after its answer.
    let _ = stream.read_to_end(&mut reply).await;
    Reply::parse(&reply)
}

/// What came back.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: HashMap<String, String>,
    /// What browsers are told to keep: the one header that comes several times.
    pub(crate) cookies: Vec<String>,
    pub(crate) body: String,
}

/// Fields that tell of one request, and not of what was asked.
const PER_REQUEST: [&str; 4] = ["date", "namesake-request-id", "ratelimit", "ratelimit-policy"];

impl Reply {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers: Vec<_> =
            headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
        let cookies = headers.iter().filter(|(name, _)| name == "set-cookie");
        let cookies = cookies.map(|(_, cookie)| cookie.clone()).collect();
        Self { status, headers: headers.into_iter().collect(), cookies, body: body.to_owned() }
    }

    /// Without what is another for each request.
    fn comparable(mut self) -> Self {
        self.headers.retain(|name, _| !PER_REQUEST.contains(&name.as_str()));
        self
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}
