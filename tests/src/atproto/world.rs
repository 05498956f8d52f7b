//! The whole product on a small internet, and questions to it.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use namesake::{ManualClock, Timestamp, http::HttpSettings};
use namesake_independent::{IndependentModel, IndependentSettings, Ports, WorldSettings};
use namesake_resolver::{CacheSettings, Limits, Namesake};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{
    directory::Directory,
    dns::{NameServer, Reply},
    web::{Certificate, Page, WebHosts},
};

/// What a scenario may choose before its world begins.
///
/// Deadlines are long, so that a slow machine changes no result; a scenario about silence sets the one it waits for.
#[derive(Debug, Clone)]
pub struct Choices {
    /// How long one DNS lookup may take.
    pub dns_timeout: Duration,
    /// How long one exchange by HTTP may take.
    pub http_timeout: Duration,
    /// How long an HTTPS answer waits for the DNS.
    pub grace: Duration,
    /// Of the service.
    pub limits: Limits,
    /// Of the service.
    pub cache: CacheSettings,
    /// XRPC says `InvalidRequest` where it says `HandleNotFound`.
    pub not_found_is_invalid_request: bool,
    /// Whether names under `test` are resolved.
    pub allow_test_tld: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            dns_timeout: Duration::from_secs(20),
            http_timeout: Duration::from_secs(20),
            grace: Duration::from_secs(10),
            limits: Limits { deadline: Duration::from_secs(60), ..Limits::default() },
            cache: CacheSettings::default(),
            not_found_is_invalid_request: false,
            allow_test_tld: false,
        }
    }
}

/// The world, and the service in it.
#[derive(Debug)]
pub struct World {
    /// Every name server.
    pub dns: NameServer,
    /// Every web host.
    pub web: WebHosts,
    /// The PLC directory.
    pub directory: Directory,
    clock: Arc<ManualClock>,
    service: SocketAddr,
    _tasks: JoinSet<()>,
}

impl World {
    /// A world with the default choices.
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// A world in which some choices differ.
    pub async fn with(change: impl FnOnce(&mut Choices)) -> Self {
        let mut choices = Choices::default();
        change(&mut choices);
        let (dns, web, directory) = tokio::join!(NameServer::start(), WebHosts::start(), Directory::start());
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).expect("a moment")));
        let ports = Ports::world(&WorldSettings {
            nameservers: vec![dns.address.to_string()],
            dns_timeout: choices.dns_timeout,
            http: HttpSettings {
                timeout: choices.http_timeout,
                // The one address of the web hosts and no other, so that 127.0.0.1 is as forbidden as in production.
                allow_networks: vec![web.address.ip().into()],
                extra_root_ca: vec![web.authority.path().to_owned()],
                https_port: web.address.port(),
                ..HttpSettings::default()
            },
            plc_url: format!("http://{}", directory.address).parse().expect("a URL"),
            ..WorldSettings::default()
        })
        .expect("a world that can be reached");
        let settings = IndependentSettings {
            grace: choices.grace,
            allow_test_tld: choices.allow_test_tld,
            ..IndependentSettings::default()
        };
        let model = IndependentModel::new(settings, ports, Arc::<ManualClock>::clone(&clock));
        let namesake = Namesake::builder()
            .independent(Arc::new(model))
            .cache(choices.cache)
            .limits(choices.limits)
            .clock(Arc::<ManualClock>::clone(&clock))
            .handle_not_found_as_invalid_request(choices.not_found_is_invalid_request)
            .public_url("https://names.example".parse().expect("a URL"))
            .build()
            .expect("a service");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let service = listener.local_addr().expect("an address");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            namesake.serve(listener, std::future::pending()).await.expect("a usable listener");
        });
        Self { dns, web, directory, clock, service, _tasks: tasks }
    }

    /// A web host: `name` has an address and a certificate. It answers 404 until [`World::web`] is told otherwise.
    pub fn host(&self, name: &str) {
        self.host_with(name, Certificate::Valid);
    }

    /// The same, with this certificate.
    pub fn host_with(&self, name: &str, certificate: Certificate) {
        self.dns.say(name, Reply::addresses(&[&self.web.address.ip().to_string()]));
        self.web.certify(name, certificate);
    }

    /// A web host that answers `page` at `/.well-known/atproto-did`.
    pub fn proof_by_https(&self, name: &str, page: Page) {
        self.host(name);
        self.web.proof(name, page);
    }

    /// Somebody whose record and document agree.
    pub fn person(&self, did: &str, handle: &str) {
        self.dns.proof(handle, &[&format!("did={did}")]);
        self.directory.claim(did, handle);
    }

    /// The service's clock moves on.
    pub fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// How often anybody outside was asked for anything: questions to the DNS, connections to hosts, requests to the
    /// directory.
    #[must_use]
    pub fn touched(&self) -> usize {
        self.dns.questions() + self.web.connections() + self.directory.requests()
    }

    /// `com.atproto.identity.resolveHandle`
    pub async fn resolve_handle(&self, handle: &str) -> Answer {
        self.get(&format!("/xrpc/com.atproto.identity.resolveHandle?handle={}", escape(handle))).await
    }

    /// `com.atproto.identity.resolveDid`
    pub async fn resolve_did(&self, did: &str) -> Answer {
        self.get(&format!("/xrpc/com.atproto.identity.resolveDid?did={}", escape(did))).await
    }

    /// `com.atproto.identity.resolveIdentity`
    pub async fn resolve_identity(&self, identifier: &str) -> Answer {
        self.get(&format!("/xrpc/com.atproto.identity.resolveIdentity?identifier={}", escape(identifier)))
            .await
    }

    /// `com.atproto.identity.refreshIdentity`
    pub async fn refresh_identity(&self, identifier: &str) -> Answer {
        let body = json!({ "identifier": identifier }).to_string();
        self.send("POST", "/xrpc/com.atproto.identity.refreshIdentity", &body).await
    }

    /// `/v1/resolve`, in any input form.
    pub async fn resolve(&self, text: &str) -> Answer {
        self.get(&format!("/v1/resolve?handle={}", escape(text))).await
    }

    /// `/v1/resolve?fresh=true`
    pub async fn resolve_afresh(&self, text: &str) -> Answer {
        self.get(&format!("/v1/resolve?fresh=true&handle={}", escape(text))).await
    }

    /// `/v1/explain`
    pub async fn explain(&self, text: &str) -> Answer {
        self.get(&format!("/v1/explain?handle={}", escape(text))).await
    }

    /// `GET` of any path.
    pub async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, "").await
    }

    async fn send(&self, method: &str, target: &str, body: &str) -> Answer {
        let mut stream = self.begin_with(method, target, body).await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.expect("an answer");
        Answer::parse(&bytes)
    }

    /// Sends the request and reads nothing: dropping the connection is a client that goes away.
    pub async fn begin(&self, target: &str) -> TcpStream {
        self.begin_with("GET", target, "").await
    }

    async fn begin_with(&self, method: &str, target: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.service).await.expect("the service listens");
        let length = body.len();
        let request = format!(
            "{method} {target} HTTP/1.1\r\nhost: names.example\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.expect("written");
        stream
    }

    /// Asks again and again until the answer is as wanted: for what the service does behind an answer. Panics after
    /// 15 seconds.
    pub async fn until(
        &self,
        ask: impl AsyncFn(&Self) -> Answer,
        wanted: impl Fn(&Answer) -> bool,
    ) -> Answer {
        let begun = tokio::time::Instant::now();
        loop {
            let answer = ask(self).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < Duration::from_secs(15), "it never came; the last answer: {answer:?}");
            tokio::task::yield_now().await;
        }
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, which is JSON whatever the status.
    pub json: Value,
    headers: HashMap<String, String>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
        let json = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}"));
        Self { status: status.expect("a status"), json, headers }
    }

    /// A header, empty if it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The text of a field, empty if it is not there; `/` leads into objects.
    #[must_use]
    pub fn text(&self, path: &str) -> &str {
        self.json.pointer(&format!("/{path}")).and_then(Value::as_str).unwrap_or_default()
    }

    /// The DID of a successful answer, whether XRPC or ours.
    #[must_use]
    pub fn did(&self) -> &str {
        assert_eq!(self.status, 200, "{self:?}");
        let field = if self.json.get("did").is_some() { "did" } else { "account" };
        self.text(field)
    }

    /// The status and the name of the XRPC error.
    #[must_use]
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.text("error"))
    }

    /// How the handle is known, of one of our own answers: the method, and `?` behind it while it is provisional.
    #[must_use]
    pub fn method(&self) -> String {
        let provisional = self.json.pointer("/proof/provisional") == Some(&Value::Bool(true));
        format!("{}{}", self.text("proof/method"), if provisional { "?" } else { "" })
    }

    /// Whether it is marked stale.
    #[must_use]
    pub fn stale(&self) -> bool {
        self.header("namesake-stale") == "true"
    }

    /// How many seconds the answer may be believed.
    #[must_use]
    pub fn max_age(&self) -> Option<u64> {
        self.header("cache-control").strip_prefix("max-age=")?.parse().ok()
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986 section 2.3).
fn escape(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}
