//! What the scenarios share: the demo's world on a free port with a clock that stands still, and two clients for it:
//! one that sends what it is told to, and one that keeps cookies and fills in forms, as a browser does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "it is used by tests alone, which fail by panicking")]

pub mod atproto;
mod browser;

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use namesake::{
    ManualClock,
    http::{Call, HttpClient, HttpSettings, Reply},
};
use namesake_resolver::demo::{Options, World};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use url::Url;

pub use self::browser::{Browser, SignedIn};

/// How often the mirror of a scene asks its upstream.
pub const POLL_INTERVAL: Duration = Duration::from_secs(10);
/// How much earlier than that it may ask, at most.
pub const POLL_JITTER: Duration = Duration::from_secs(1);

/// A world to play in. Nothing in it moves by itself, but what was asked for.
#[derive(Debug)]
pub struct Scene {
    /// Its service, its upstream and its internet.
    pub world: World,
    /// What time it is there.
    pub clock: Arc<ManualClock>,
    http: HttpClient,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as text.
    pub body: String,
}

impl Scene {
    /// The demo's world, a moment after its people were linked.
    pub async fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-01-05T09:00:00Z".parse().unwrap()));
        let world = World::start(Options::private(clock.clone(), 7).await.unwrap()).await.unwrap();
        Self { world, clock, http: HttpClient::configured(&HttpSettings::default()).unwrap() }
    }

    /// `GET path` of the service.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// Any request to the service.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send_to(self.world.public_url.join(path).unwrap(), method, headers, body).await
    }

    /// Any request to anywhere. No redirect is followed.
    pub async fn send_to(&self, url: Url, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut call = Call::new(method, url, Bytes::from(body.to_owned())).cap(1 << 20);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            call = call.header(name, HeaderValue::from_str(value).unwrap());
        }
        self.http.send(call).await.unwrap().into()
    }

    /// Bytes on a connection of their own; what came back, which is nothing when the service closed it.
    pub async fn raw(&self, request: &[u8]) -> Option<Answer> {
        let address = self.world.public_url.socket_addrs(|| None).unwrap();
        let mut stream = TcpStream::connect(&*address).await.unwrap();
        // A service that refuses may close before it has read everything, and reset the connection after its answer.
        let _ = stream.write_all(request).await;
        let _ = stream.shutdown().await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        Answer::parse(&bytes)
    }

    /// One of the sandbox's controls, which must do what it is told.
    pub async fn control(&self, method: &str, path: &str, body: &Value) {
        let url = self.world.sandbox.url().join("_control/").unwrap().join(path).unwrap();
        let json = [("content-type", "application/json")];
        let answer = self.send_to(url, method, &json, &body.to_string()).await;
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
    }

    /// The upstream renames somebody.
    pub async fn rename(&self, from: &str, to: &str) {
        self.control("PATCH", &format!("people/{from}"), &serde_json::json!({ "username": to })).await;
    }

    /// Ready when what the upstream sent has arrived, and what followed from it is done.
    pub async fn heard(&self) {
        self.world.sandbox.delivered().await;
        self.world.mirror.settled().await;
    }

    /// Lets time pass, and the mirror do what is due in it.
    pub async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.world.mirror.settled().await;
    }

    /// The same, second by second.
    pub async fn pass_slowly(&self, seconds: u32) {
        for _ in 0..seconds {
            self.pass(Duration::from_secs(1)).await;
        }
    }

    /// Who a handle is, in any form and possibly with `&scheme=`: the account, or the status and kind of the problem.
    pub async fn who(&self, handle: &str) -> String {
        let answer = self.get(&format!("/v1/resolve?handle={handle}")).await;
        match answer.status {
            200 => answer.json()["account"].as_str().unwrap().to_owned(),
            status => format!("{status} {}", answer.kind()),
        }
    }

    /// The handle an account shows.
    pub async fn handle_of(&self, account: &str) -> Option<String> {
        let answer = self.get(&format!("/v1/accounts/{account}")).await;
        answer.json()["handle"].as_str().map(str::to_owned)
    }

    /// Nobody answers for another's handle: each of these accounts shows a handle of its own, and that handle leads
    /// back to it; each of these handles leads to an account that shows it.
    pub async fn assert_one_each(&self, accounts: &[&str], handles: &[&str]) {
        let mut shown = HashSet::new();
        for account in accounts {
            if let Some(handle) = self.handle_of(account).await {
                assert!(shown.insert(handle.clone()), "two accounts show @{handle}");
                assert_eq!(self.who(&handle).await, *account, "@{handle}");
            }
        }
        for handle in handles {
            let account = self.who(handle).await;
            if !account.starts_with("404 ") {
                assert_eq!(self.handle_of(&account).await.as_deref(), Some(*handle), "{account}");
            }
        }
    }
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                HeaderValue::from_str(value.trim()).ok()?,
            );
        }
        Some(Self { status, headers, body: body.to_owned() })
    }

    /// A header's text, or none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body, which must be JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The kind of the problem: the last part of its `type`. It must be a whole problem document (RFC 9457).
    #[must_use]
    pub fn kind(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self:?}");
        for field in ["title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {self:?}");
        }
        problem["type"].as_str().unwrap().strip_prefix("/problems/").unwrap().to_owned()
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let body = String::from_utf8(reply.body.to_vec()).unwrap();
        Self { status: reply.status.as_u16(), headers: reply.headers, body }
    }
}
