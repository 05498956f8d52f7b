//! A backend from outside, whole: handles like Nostr's (NIP-05), `bob@example.com`.
//!
//! The owner of a domain says who is who: `https://example.com/.well-known/nostr.json` is `{"names": {"bob": "<key>"}}`.
//! The key survives a rename, so the account is `nip05:<key>@example.com`, whose name today is in the same document.
//! (In real Nostr the account is the bare key of 64 hex digits, and relays know what it calls itself today.)
//!
//! * `cargo run -p namesake --example nip05` serves it, over a made-up web, through the whole service.
//! * `cargo test -p namesake --example nip05` shows that it keeps the rules of the contract.

use std::{collections::BTreeMap, env, error::Error, fmt::Debug, sync::Arc};

use namesake::{
    AccountId, Answer, ChangedBy, Clock, ErrorKind, Handle, HandleResolver, Identity, InvalidScheme, Lookup,
    Method, Model, Namespace, Policy, Profile, Proof, ResolveError, Scheme, Source, StepOutcome, SystemClock,
    Trace, Uniqueness, clean_line,
    conformance::backend::{Breakage, Faults},
};
use namesake_resolver::Namesake;
use serde::Deserialize;
use tokio::{net::TcpListener, sync::Mutex};

/// Where documents come from: an HTTP client (one that guards addresses, the domains being anybody's) or a table.
trait Web: Debug + Send + Sync + 'static {
    /// The body at `url`; `None` for a 404, a temporary failure when there is no answer.
    fn get(&self, url: &str) -> impl Future<Output = Result<Option<String>, ResolveError>> + Send;
}

#[derive(Deserialize)]
struct WellKnown {
    names: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Nip05<W> {
    policy: Policy,
    web: Arc<W>,
}

impl<W: Web> Nip05<W> {
    fn new(web: Arc<W>) -> Result<Self, InvalidScheme> {
        let namespace = Namespace::new("name@domain", |handle| parts(handle.as_str()).is_some());
        let mut policy = Policy::new(Scheme::parse("nip05")?, Model::Independent, namespace);
        policy.summary = "The owner of a domain says which key goes by which name.".to_owned();
        (policy.source, policy.changed_by) = (Source::Operator, ChangedBy::Operator);
        policy.uniqueness = Uniqueness::Dns;
        Ok(Self { policy, web })
    }

    /// From a name at `domain` to its key; empty, where there is no such document.
    async fn names(&self, domain: &str, trace: &Trace) -> Result<BTreeMap<String, String>, ResolveError> {
        let url = format!("https://{domain}/.well-known/nostr.json");
        let body = self.web.get(&url).await;
        let detail = || body.iter().flatten().map(|body| clean_line(body, 200)).collect();
        trace.step("https", || url.clone(), StepOutcome::of(&body), detail);
        let Some(body) = body? else { return Ok(BTreeMap::new()) };
        let bad = |error| ResolveError::caused(ErrorKind::BadAnswer, format!("cannot read {url}"), error);
        Ok(serde_json::from_str::<WellKnown>(&body).map_err(bad)?.names)
    }
}

impl<W: Web> HandleResolver for Nip05<W> {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn resolve<'a>(&'a self, handle: &'a Handle, trace: &'a Trace) -> Answer<'a, Identity> {
        Box::pin(async move {
            let Some((name, domain)) = parts(handle.as_str()) else { return Ok(Lookup::Pass) };
            let names = self.names(domain, trace).await?;
            let Some(key) = names.get(name) else { return Ok(Lookup::unknown()) };
            let account = AccountId::parse(&format!("nip05:{key}@{domain}")).ok().filter(|_| is_plain(key));
            let bad = || ResolveError::new(ErrorKind::BadAnswer, format!("the key of {handle} is none"));
            let account = account.ok_or_else(bad)?;
            let proof = Proof::new(Method::new("nip05"), SystemClock.now());
            let (handle, scheme) = (handle.clone(), self.policy.scheme.clone());
            Ok(Lookup::known(Identity { handle, account, scheme, proof }))
        })
    }

    fn profile<'a>(&'a self, account: &'a AccountId, trace: &'a Trace) -> Answer<'a, Arc<Profile>> {
        Box::pin(async move {
            let id = account.as_str().strip_prefix("nip05:");
            let Some((key, domain)) = id.and_then(parts) else { return Ok(Lookup::Pass) };
            let names = self.names(domain, trace).await?;
            let found = names.iter().find(|(name, held)| *held == key && is_plain(name));
            let Some((name, _)) = found else { return Ok(Lookup::unknown()) };
            let handle = Handle::parse(&format!("{name}@{domain}")).ok();
            Ok(Lookup::known(Arc::new(Profile { handle, ..Profile::bare(account.clone()) })))
        })
    }
}

/// The two sides of a handle, or of what follows `nip05:` in an account.
fn parts(text: &str) -> Option<(&str, &str)> {
    let is_domain = |text: &str| text.contains('.') && text.split('.').all(is_plain);
    text.split_once('@').filter(|(name, domain)| is_plain(name) && is_domain(domain))
}

fn is_plain(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
}

/// A made-up web of one page, to be tried by people, and counted and broken by the kit.
#[derive(Debug, Default)]
struct MadeUp {
    page: Mutex<&'static str>,
    faults: Faults,
}

impl Web for MadeUp {
    async fn get(&self, url: &str) -> Result<Option<String>, ResolveError> {
        match self.faults.asked().await {
            Some(Breakage::Down) => Err(ResolveError::new(ErrorKind::Unavailable, "no answer")),
            Some(Breakage::Nonsense) => Ok(Some("<html>Welcome!</html>".to_owned())),
            None => Ok(url.starts_with("https://example.com/").then_some(self.page.lock().await.to_string())),
        }
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example says where it is")]
async fn main() -> Result<(), Box<dyn Error>> {
    let web = Arc::new(MadeUp::default());
    *web.page.lock().await = r#"{"names": {"bob": "b0b", "carol": "ca401"}}"#;
    let listener = TcpListener::bind(env::args().nth(1).as_deref().unwrap_or("127.0.0.1:0")).await?;
    let url = format!("http://{}/", listener.local_addr()?);
    let service = Namesake::builder().public_url(url.parse()?).backend(Arc::new(Nip05::new(web)?)).build()?;
    println!("{url}\ncurl {url}@bob@example.com");
    Ok(service.serve(listener, std::future::pending()).await?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_rules() {
    use namesake::conformance::backend::{Facts, Held, Renamed, World, check};

    let web = Arc::new(MadeUp::default());
    *web.page.lock().await = r#"{"names": {"bob": "b0b", "carol": "ca401"}}"#;
    let bob = Held::new("bob@example.com", "nip05:b0b@example.com");
    let carol = Held::new("carol@example.com", "nip05:ca401@example.com");
    let world = World {
        backend: Arc::new(Nip05::new(Arc::clone(&web)).unwrap()),
        facts: Facts {
            held: vec![bob, carol],
            absent: "nobody@example.com".parse().unwrap(),
            absent_account: "nip05:0@example.com".parse().unwrap(),
            foreign: "example.com".parse().unwrap(),
        },
        upstream: &web.faults,
        rename: || async {
            *web.page.lock().await = r#"{"names": {"robert": "b0b", "carol": "ca401"}}"#;
            Renamed::new("bob@example.com", "robert@example.com")
        },
    };
    let report = check(&world).await;
    assert!(report.is_complete(), "{report}");
}
