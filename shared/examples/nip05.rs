//! A backend from outside, whole: handles like Nostr's (NIP-05), `bob@example.com`.
//!
//! The domain says who is who: `https://example.com/.well-known/nostr.json?name=bob` is
//! `{"names": {"bob": "<public key, 64 hex digits>"}}`. The key survives a rename, so the account is `nip05:<key>`.
//! What is shown for a key comes from a gateway to its own metadata, `{"name": "Bob", "nip05": "bob@example.com"}`;
//! the handle claimed there counts only when the domain says the same.
//!
//! * `cargo run -p namesake --example nip05 -- bob@example.com` asks it about a made-up web.
//! * `cargo test -p namesake --example nip05` shows that it keeps the rules of the contract.

use std::{
    collections::HashMap,
    fmt::Debug,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use namesake::{
    AccountId, Answer, Bound, ChangedBy, Clock, DisplayName, ErrorKind, FieldRule, Handle, HandleResolver,
    Identity, Lookup, Method, Model, Namespace, Policy, Profile, ProfileState, Proof, ResolveError, Scheme,
    Source, StepOutcome, SystemClock, Trace, Ttl, Uniqueness, Why, clean_line,
};
use serde::{Deserialize, de::DeserializeOwned};

/// Where documents come from: an HTTP client (one that guards addresses, the domains being anybody's) or a table.
trait Web: Debug + Send + Sync + 'static {
    /// The body at `url`; `None` for a 404, a temporary failure when there is no answer.
    fn fetch<'a>(&'a self, url: &'a str) -> Body<'a>;
}
type Body<'a> = Pin<Box<dyn Future<Output = Result<Option<String>, ResolveError>> + Send + 'a>>;

#[derive(Deserialize)]
struct WellKnown {
    names: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Metadata {
    name: Option<String>,
    nip05: Option<String>,
}

#[derive(Debug)]
struct Nip05 {
    policy: Policy,
    web: Arc<dyn Web>,
    clock: Arc<dyn Clock>,
}

impl Nip05 {
    fn new(scheme: Scheme, web: Arc<dyn Web>, clock: Arc<dyn Clock>) -> Self {
        let namespace = Namespace::new("name@domain", |handle: &Handle| parts(handle).is_some());
        let mut policy = Policy::new(scheme, Model::Independent, namespace);
        policy.summary = "The owner of a domain says which key goes by which name.".to_owned();
        (policy.source, policy.changed_by) = (Source::Operator, ChangedBy::Operator);
        (policy.visible_within, policy.uniqueness) = (Bound::Immediately, Uniqueness::Dns);
        policy.display_name = FieldRule::Own;
        Self { policy, web, clock }
    }

    async fn document<T: DeserializeOwned>(
        &self,
        url: &str,
        trace: &Trace,
    ) -> Result<Option<T>, ResolveError> {
        let body = self.web.fetch(url).await;
        let (outcome, detail) = match &body {
            Ok(Some(body)) => (StepOutcome::Found, body.as_str()),
            Ok(None) => (StepOutcome::Absent, "there is no such document"),
            Err(error) => (StepOutcome::Failed, error.message()),
        };
        trace.step("https", || url.to_owned(), outcome, || clean_line(detail, 200));
        let Some(body) = body? else { return Ok(None) };
        serde_json::from_str(&body).map(Some).map_err(|error| bad(format!("cannot read {url}: {error}")))
    }

    /// The key that goes by `name` at `domain`, as the domain says.
    async fn key(&self, (name, domain): (&str, &str), trace: &Trace) -> Result<Option<String>, ResolveError> {
        let url = format!("https://{domain}/.well-known/nostr.json?name={name}");
        let document: Option<WellKnown> = self.document(&url, trace).await?;
        let key = document.and_then(|mut document| document.names.remove(name));
        let is_nonsense = key.as_ref().is_some_and(|key| !is_key(key));
        if is_nonsense { Err(bad(format!("{url}: the key of {name} is none"))) } else { Ok(key) }
    }
}

impl HandleResolver for Nip05 {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn resolve<'a>(&'a self, handle: &'a Handle, trace: &'a Trace) -> Answer<'a, Identity> {
        Box::pin(async move {
            let Some(parts) = parts(handle) else { return Ok(Lookup::Pass) };
            let Some(key) = self.key(parts, trace).await? else { return Ok(unknown()) };
            let (handle, scheme) = (handle.clone(), self.policy.scheme.clone());
            let account =
                AccountId::parse(&format!("{scheme}:{key}")).map_err(|error| bad(error.to_string()))?;
            let method = Method::new("nip05");
            let proof = Proof { method, checked_at: self.clock.now(), provisional: false };
            Ok(Lookup::Found { value: Identity { handle, account, scheme, proof }, ttl: Ttl::Default })
        })
    }

    fn profile<'a>(&'a self, account: &'a AccountId, trace: &'a Trace) -> Answer<'a, Arc<Profile>> {
        Box::pin(async move {
            let (scheme, key) = account.as_str().split_once(':').unwrap_or_default();
            if scheme != self.policy.scheme.as_str() || !is_key(key) {
                return Ok(Lookup::Pass);
            }
            let metadata: Option<Metadata> = self.document(&metadata_url(key), trace).await?;
            let Some(Metadata { name, nip05 }) = metadata else { return Ok(unknown()) };
            let mut handle = nip05.and_then(|claim| Handle::parse(&claim).ok());
            // Anybody may claim any handle; the domain has the last word. Its silence is a failure, not a no.
            let proved = match handle.as_ref().and_then(parts) {
                Some(parts) => self.key(parts, trace).await?.is_some_and(|proved| proved == key),
                None => false,
            };
            handle = handle.filter(|_| proved);
            let display_name = name.as_deref().and_then(DisplayName::clean);
            let (account, state) = (account.clone(), ProfileState::Current);
            let profile = Profile { account, handle, display_name, bio: None, avatar: None, state };
            Ok(Lookup::Found { value: Arc::new(profile), ttl: Ttl::Default })
        })
    }
}

/// The whole grammar: a name of `a-z0-9-_.` (NIP-05), and a domain with a dot in it.
fn parts(handle: &Handle) -> Option<(&str, &str)> {
    let (name, domain) = handle.as_str().split_once('@')?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = !name.is_empty() && name.bytes().all(|byte| plain(byte) || byte == b'_' || byte == b'.');
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    (is_name && domain.contains('.') && domain.split('.').all(is_label)).then_some((name, domain))
}

fn is_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn metadata_url(key: &str) -> String {
    format!("https://gateway.example/metadata/{key}")
}

fn unknown<T>() -> Lookup<T> {
    Lookup::Absent { why: Why::Unknown, ttl: Ttl::Default }
}

fn bad(message: String) -> ResolveError {
    ResolveError::new(ErrorKind::BadAnswer, message)
}

/// A made-up web: documents by their URL, and how often it was asked.
#[derive(Debug, Default)]
struct MadeUp {
    documents: Mutex<HashMap<String, String>>,
    asked: AtomicU64,
}

impl MadeUp {
    /// One domain where bob and carol have a name.
    fn new() -> Self {
        let web = Self::default();
        web.publish("bob", &"b".repeat(64));
        web.publish("carol", &"c".repeat(64));
        web
    }

    /// The domain says that `key` goes by `name`, and so does the key itself.
    fn publish(&self, name: &str, key: &str) {
        let url = format!("https://example.com/.well-known/nostr.json?name={name}");
        let well_known = format!(r#"{{"names":{{"{name}":"{key}"}}}}"#);
        let metadata = format!(r#"{{"name":"{name}","nip05":"{name}@example.com"}}"#);
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        documents.extend([(url, well_known), (metadata_url(key), metadata)]);
    }
}

impl Web for MadeUp {
    fn fetch<'a>(&'a self, url: &'a str) -> Body<'a> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(self.documents.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned())
        })
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = Nip05::new(Scheme::parse("nip05")?, Arc::new(MadeUp::new()), Arc::new(SystemClock));
    let asked = std::env::args().nth(1).unwrap_or_else(|| "bob@example.com".to_owned());
    let said = backend.resolve(&Handle::parse(&asked)?, &Trace::OFF).await?;
    println!("{said:#?}");
    if let Some(identity) = said.found() {
        println!("{:#?}", backend.profile(&identity.account, &Trace::OFF).await?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use namesake::conformance::backend::{Breakage, Excuse, Fixture, Held, Renamed, check};

    use super::*;

    /// The made-up web with a switch.
    #[derive(Debug)]
    struct Breakable(MadeUp, Mutex<Option<Breakage>>);

    impl Web for Breakable {
        fn fetch<'a>(&'a self, url: &'a str) -> Body<'a> {
            Box::pin(async move {
                let body = self.0.fetch(url).await;
                match *self.1.lock().unwrap() {
                    Some(Breakage::Down) => Err(ResolveError::new(ErrorKind::Unavailable, "no answer")),
                    Some(Breakage::Nonsense) => Ok(Some("<html>Welcome!</html>".to_owned())),
                    None => body,
                }
            })
        }
    }

    struct World(Arc<Breakable>);

    impl Fixture for World {
        fn backend(&self) -> Arc<dyn HandleResolver> {
            let scheme = Scheme::parse("nip05").unwrap();
            Arc::new(Nip05::new(scheme, Arc::clone(&self.0) as _, Arc::new(SystemClock)))
        }

        fn held(&self) -> Vec<Held> {
            let held = |name, digit| Held { handle: handle(name), account: account(digit) };
            vec![held("bob@example.com", "b"), held("carol@example.com", "c")]
        }

        fn absent(&self) -> Handle {
            handle("nobody@example.com")
        }

        fn absent_account(&self) -> AccountId {
            account("0")
        }

        fn foreign(&self) -> Handle {
            handle("example.com")
        }

        fn io_calls(&self) -> u64 {
            self.0.0.asked.load(Ordering::SeqCst)
        }

        async fn rename(&self) -> Result<Renamed, Excuse> {
            let old = "https://example.com/.well-known/nostr.json?name=bob";
            self.0.0.documents.lock().unwrap().remove(old);
            self.0.0.publish("robert", &"b".repeat(64));
            let (old, new) = (handle("bob@example.com"), handle("robert@example.com"));
            Ok(Renamed { account: account("b"), old, new })
        }

        async fn break_upstream(&self, how: Breakage) -> Result<(), Excuse> {
            *self.0.1.lock().unwrap() = Some(how);
            Ok(())
        }

        async fn mend_upstream(&self) {
            *self.0.1.lock().unwrap() = None;
        }
    }

    fn handle(name: &str) -> Handle {
        Handle::parse(name).unwrap()
    }

    fn account(digit: &str) -> AccountId {
        AccountId::parse(&format!("nip05:{}", digit.repeat(64))).unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn keeps_the_rules() {
        let report = check(&World(Arc::new(Breakable(MadeUp::new(), Mutex::new(None))))).await;
        assert!(report.is_complete(), "{report}");
    }

    #[tokio::test]
    async fn a_claim_the_domain_does_not_confirm_is_no_handle() {
        let web = MadeUp::new();
        let metadata = r#"{"name":"Mallory","nip05":"bob@example.com"}"#.to_owned();
        web.documents.lock().unwrap().insert(metadata_url(&"d".repeat(64)), metadata);
        let backend = Nip05::new(Scheme::parse("nip05").unwrap(), Arc::new(web), Arc::new(SystemClock));
        let mallory = backend.profile(&account("d"), &Trace::OFF).await.unwrap().found().unwrap();
        assert_eq!(mallory.handle, None);
    }
}
