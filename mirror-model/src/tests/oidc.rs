//! A mirror of an OpenID provider: who is linked and who is not, and what moves a name afterwards.

use std::{future, sync::Arc, time::Duration};

use namesake::{
    AccountId, Handle, HandleResolver as _, Invalidator, Lookup, ManualClock, Profile, ProfileState, Scheme,
    SeededRandomness, Timestamp, Trace, Why,
    http::{HttpClient, HttpSettings},
    store::{MemoryStore, Store as _},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::provider::{CLIENT, Provider, SECRET, Signing, TOKEN_SECONDS};
use crate::{
    LinkError, Linked, MirrorModel, MirrorSettings, Remedy, Secret, TokenSealer,
    upstream::{
        UpstreamFailure,
        oidc::{OidcSettings, OidcUpstream},
    },
};

const PATIENCE: Duration = Duration::from_secs(20);
const USERINFO: &str = "/userinfo";

struct World {
    clock: Arc<ManualClock>,
    provider: Provider,
    store: Arc<MemoryStore>,
    model: Arc<MirrorModel>,
    _tasks: JoinSet<()>,
}

impl World {
    async fn with(people: &[(&str, &str)]) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let provider = Provider::start(clock.clone(), people).await;
        let settings = OidcSettings::new(&provider.issuer, CLIENT, Secret::new(SECRET)).unwrap();
        let http = HttpClient::configured(&HttpSettings::default()).unwrap();
        let randomness = Arc::new(SeededRandomness::new(7));
        let store = Arc::new(MemoryStore::new());
        let model = MirrorModel::new(
            MirrorSettings::new(Scheme::parse("staff").unwrap(), "http://127.0.0.1:9/".parse().unwrap()),
            Arc::new(OidcUpstream::new(settings, http, clock.clone())),
            store.clone(),
            TokenSealer::ephemeral(&*randomness),
            clock.clone(),
            randomness,
            Invalidator::new(|_| ()),
        );
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&model).run(future::pending()));
        Self { clock, provider, store, model, _tasks: tasks }
    }

    async fn link(&self, subject: &str) -> Result<Linked, LinkError> {
        let connect = self.model.connect(None).await?;
        let query = self.provider.consent(&connect.location, subject);
        self.model.callback(query, Some(&connect.browser), None).await
    }

    /// Why a link fails that must fail because of the upstream.
    async fn failure(&self, subject: &str) -> UpstreamFailure {
        match self.link(subject).await {
            Err(LinkError::Upstream(error)) => error.failure,
            other => panic!("{other:?}"),
        }
    }

    async fn after(&self, duration: Duration) {
        self.clock.advance(duration);
        tokio::time::timeout(PATIENCE, self.model.settled()).await.expect("the world settles");
    }

    async fn after_a_poll(&self) {
        self.after(self.model.settings().poll_interval).await;
    }

    async fn holder(&self, name: &str) -> Result<AccountId, Why> {
        match self.model.resolve(&Handle::parse(name).unwrap(), &Trace::OFF).await.unwrap() {
            Lookup::Found { value, .. } => Ok(value.account),
            Lookup::Absent { why, .. } => Err(why),
            Lookup::Pass => panic!("{name} is no username"),
        }
    }

    async fn profile(&self, account: &AccountId) -> Arc<Profile> {
        self.model.profile(account, &Trace::OFF).await.unwrap().found().unwrap()
    }
}

#[tokio::test]
async fn a_person_is_linked_under_their_preferred_username() {
    let world = World::with(&[("s-1", "Alice")]).await;
    let linked = world.link("s-1").await.unwrap();
    assert_eq!(linked.handle.unwrap().as_str(), "alice", "folded");
    assert_eq!(world.holder("alice").await, Ok(linked.account.clone()));
    let profile = world.profile(&linked.account).await;
    assert_eq!(profile.display_name.as_ref().unwrap().as_str(), "Alice upstream");
    assert_eq!(profile.avatar.as_ref().unwrap().as_str(), "https://pictures.example/s-1.jpg");
    for path in ["/.well-known/openid-configuration", "/keys", "/token", USERINFO] {
        assert_eq!(world.provider.asked(path), 1, "{path}");
    }
    let again = world.link("s-1").await.unwrap();
    assert!(!again.created && again.account == linked.account);
    assert_eq!(world.provider.asked("/keys"), 1, "remembered");
}

#[tokio::test]
async fn nothing_that_proves_a_sign_in_is_in_the_url_or_the_store() {
    let world = World::with(&[("s-1", "alice")]).await;
    let connect = world.model.connect(None).await.unwrap();
    let query: Vec<_> = connect.location.query_pairs().into_owned().collect();
    let sent = |name: &str| query.iter().find(|(key, _)| key == name).unwrap().1.clone();
    assert!(query.iter().all(|(name, _)| name != "code_verifier"));
    let all = |rows: Vec<(namesake::store::Key, namesake::store::Entry)>| {
        let texts = rows.iter().map(|(key, row)| format!("{key} {}", String::from_utf8_lossy(&row.value)));
        texts.collect::<String>()
    };
    let stored = world.store.scan(b"", None, 100).await.unwrap();
    assert!(stored.iter().all(|(key, _)| key.as_bytes() == b"mirror/staff/key"), "{stored:?}");
    assert!(!connect.browser.contains(&sent("state")), "sealed");
    let query = world.provider.consent(&connect.location, "s-1");
    world.model.callback(query, Some(&connect.browser), None).await.unwrap();
    let linked = all(world.store.scan(b"", None, 100).await.unwrap());
    for secret in ["access-", "refresh-", &sent("state"), &sent("nonce"), &connect.browser] {
        assert!(!linked.contains(secret), "{linked}");
    }
}

#[tokio::test]
async fn a_rename_is_seen_by_the_next_poll() {
    let world = World::with(&[("s-1", "alice"), ("s-2", "bob")]).await;
    let alice = world.link("s-1").await.unwrap();
    let bob = world.link("s-2").await.unwrap();
    world.provider.rename("s-1", "alicia");
    world.after_a_poll().await;
    assert_eq!(world.holder("alicia").await, Ok(alice.account.clone()));
    assert_eq!(world.holder("alice").await, Err(Why::Released));
    // The freed name goes to somebody else, who is that: the subject is the person, not the name.
    world.provider.rename("s-2", "alice");
    world.after_a_poll().await;
    assert_eq!(world.holder("alice").await, Ok(bob.account));
    assert_eq!(world.holder("alicia").await, Ok(alice.account));
}

#[tokio::test]
async fn an_id_token_that_does_not_hold_links_nobody() {
    let world = World::with(&[("s-1", "alice")]).await;
    let now = 1_800_000_000;
    for (what, signing, claims) in [
        ("another nonce", Signing::Key, json!({ "nonce": "another" })),
        ("no nonce", Signing::Key, json!({ "nonce": null })),
        ("another audience", Signing::Key, json!({ "aud": "somebody" })),
        ("one audience too many", Signing::Key, json!({ "aud": [CLIENT, "somebody"] })),
        ("no audience", Signing::Key, json!({ "aud": null })),
        ("another authorized party", Signing::Key, json!({ "azp": "somebody" })),
        ("another issuer", Signing::Key, json!({ "iss": "https://evil.example" })),
        ("the issuer with a slash", Signing::Key, json!({ "iss": format!("{}/", world.provider.issuer) })),
        ("no issuer", Signing::Key, json!({ "iss": null })),
        ("expired", Signing::Key, json!({ "exp": now })),
        ("never expires", Signing::Key, json!({ "exp": null })),
        ("no subject", Signing::Key, json!({ "sub": null })),
        ("a signature of another key", Signing::WrongKey, json!({})),
        ("no signature", Signing::None, json!({})),
        ("signed with the client secret", Signing::ClientSecret, json!({})),
        ("no id token", Signing::Missing, json!({})),
    ] {
        {
            let mut state = world.provider.state();
            (state.signing, state.claims) = (signing, claims);
        }
        assert_eq!(world.failure("s-1").await, UpstreamFailure::Nonsense, "{what}");
    }
    assert_eq!(world.provider.asked(USERINFO), 0, "nobody's profile was looked at");
    assert_eq!(world.holder("alice").await, Err(Why::Unknown));
}

#[tokio::test]
async fn a_code_is_of_no_use_in_another_sign_in_and_a_state_good_once() {
    let world = World::with(&[("s-1", "alice"), ("s-2", "mallory")]).await;
    let mine = world.model.connect(None).await.unwrap();
    let theirs = world.model.connect(None).await.unwrap();
    let mut mixed = world.provider.consent(&mine.location, "s-1");
    mixed.code = world.provider.consent(&theirs.location, "s-2").code;
    // The challenge that belongs to the code is of another verifier.
    let refused = world.model.callback(mixed.clone(), Some(&mine.browser), None).await.unwrap_err();
    assert_eq!(refused.remedy(), Remedy::SignIn, "{refused}");
    // The cookie of the sign-in that the code is of has another state.
    let refused = world.model.callback(mixed, Some(&theirs.browser), None).await.unwrap_err();
    assert!(matches!(refused, LinkError::State), "{refused}");
    assert_eq!(world.holder("mallory").await, Err(Why::Unknown));

    let connect = world.model.connect(None).await.unwrap();
    let query = world.provider.consent(&connect.location, "s-1");
    world.model.callback(query.clone(), Some(&connect.browser), None).await.unwrap();
    let again = world.model.callback(query, Some(&connect.browser), None).await.unwrap_err();
    assert!(matches!(again, LinkError::State), "{again}");
}

#[tokio::test]
async fn a_profile_of_somebody_else_is_never_a_rename() {
    let world = World::with(&[("s-1", "alice"), ("s-2", "bob")]).await;
    let alice = world.link("s-1").await.unwrap();
    for (subject, name) in [("s-1", "mallory"), ("s-2", "mallory")] {
        world
            .provider
            .state()
            .people
            .insert(subject.to_owned(), json!({ "sub": "s-666", "preferred_username": name }));
    }
    world.after_a_poll().await;
    assert_eq!(world.holder("alice").await, Ok(alice.account.clone()));
    assert_eq!(world.holder("mallory").await, Err(Why::Unknown));
    assert_eq!(world.failure("s-2").await, UpstreamFailure::Nonsense, "nor a link");
    world.after(world.model.settings().max_unconfirmed).await;
    assert_eq!(world.holder("alice").await, Err(Why::Released), "unconfirmed for too long");
    assert_eq!(world.profile(&alice.account).await.state, ProfileState::NeedsLogin);
}

#[tokio::test]
async fn without_a_name_that_can_be_a_handle_there_is_no_link_and_no_rename() {
    let world = World::with(&[("s-1", "alice"), ("s-2", "bob")]).await;
    let alice = world.link("s-1").await.unwrap();
    for name in [Value::Null, "".into(), "alice@example.com".into(), "a b".into(), "Ünal".into()] {
        for subject in ["s-1", "s-2"] {
            world.provider.state().people.get_mut(subject).unwrap()["preferred_username"] = name.clone();
        }
        let refused = world.link("s-2").await.unwrap_err();
        assert!(matches!(refused, LinkError::Username(_)), "{name}: {refused}");
        assert!(refused.to_string().contains("1 to 30 of a-z"), "{refused}");
        world.after_a_poll().await;
        assert_eq!(world.holder("alice").await, Ok(alice.account.clone()), "{name}");
    }
    world.after(world.model.settings().max_unconfirmed).await;
    assert_eq!(world.holder("alice").await, Err(Why::Released));
    world.provider.rename("s-1", "alice");
    world.after_a_poll().await;
    assert_eq!(world.holder("alice").await, Ok(alice.account), "as soon as it has one again");
}

#[tokio::test]
async fn new_keys_are_fetched_when_one_is_unknown_and_not_more_often_than_once_a_minute() {
    let world = World::with(&[("s-1", "alice")]).await;
    world.link("s-1").await.unwrap();
    world.provider.state().key = 2;
    for _ in 0..5 {
        assert_eq!(world.failure("s-1").await, UpstreamFailure::Nonsense);
    }
    assert_eq!(world.provider.asked("/keys"), 1, "it was asked less than a minute ago");
    world.clock.advance(Duration::from_secs(60));
    for _ in 0..5 {
        assert_eq!(world.failure("s-1").await, UpstreamFailure::Nonsense, "the new one is not listed yet");
    }
    assert_eq!(world.provider.asked("/keys"), 2);
    world.provider.state().listed = vec![1, 2];
    world.clock.advance(Duration::from_secs(60));
    world.link("s-1").await.unwrap();
    assert_eq!(world.provider.asked("/keys"), 3);
}

#[tokio::test]
async fn a_description_that_cannot_be_right_begins_no_sign_in() {
    let world = World::with(&[("s-1", "alice")]).await;
    for (what, description) in [
        ("another issuer", json!({ "issuer": "https://evil.example" })),
        ("the issuer with a slash", json!({ "issuer": format!("{}/", world.provider.issuer) })),
        ("no token endpoint", json!({ "token_endpoint": null })),
        ("no userinfo endpoint", json!({ "userinfo_endpoint": null })),
        ("no keys", json!({ "jwks_uri": null })),
    ] {
        world.provider.state().description = description;
        let refused = world.model.connect(None).await.unwrap_err();
        assert_eq!(refused.remedy(), Remedy::BlameUpstream, "{what}: {refused:?}");
    }
    world.provider.break_with("/.well-known/openid-configuration", 503, json!({}));
    assert_eq!(world.model.connect(None).await.unwrap_err().remedy(), Remedy::Retry);
    let left = world.store.scan(b"", None, 9).await.unwrap();
    assert!(left.iter().all(|(key, _)| key.as_bytes() == b"mirror/staff/key"), "nothing is left: {left:?}");
}

#[tokio::test]
async fn what_was_described_stands_while_the_provider_is_silent() {
    let world = World::with(&[("s-1", "alice")]).await;
    let alice = world.link("s-1").await.unwrap();
    world.provider.break_with("/.well-known/openid-configuration", 503, json!({}));
    world.after(Duration::from_secs(3700)).await;
    assert_eq!(world.provider.asked("/.well-known/openid-configuration"), 2, "asked again after an hour");
    world.provider.rename("s-1", "alicia");
    world.after_a_poll().await;
    assert_eq!(world.holder("alicia").await, Ok(alice.account));
}

#[tokio::test]
async fn a_token_is_refreshed_before_its_end_and_revived_after_it() {
    let world = World::with(&[("s-1", "alice")]).await;
    let alice = world.link("s-1").await.unwrap();
    let polled = world.provider.asked(USERINFO);
    for _ in 0..3 {
        world.after(Duration::from_secs(TOKEN_SECONDS.unsigned_abs())).await;
    }
    assert_eq!(world.holder("alice").await, Ok(alice.account.clone()));
    assert_eq!(world.provider.asked("/token"), 4, "one a term, after the first");
    assert_eq!(world.provider.asked(USERINFO), polled + 3, "no poll found an ended token");

    world.provider.revoke(false);
    world.provider.rename("s-1", "alicia");
    world.after_a_poll().await;
    assert_eq!(world.holder("alicia").await, Ok(alice.account.clone()), "the refresh token goes on");
    assert_eq!(world.profile(&alice.account).await.state, ProfileState::Current);
}

#[tokio::test]
async fn only_the_end_of_the_refresh_token_is_the_end() {
    let world = World::with(&[("s-1", "alice")]).await;
    let alice = world.link("s-1").await.unwrap();
    world.provider.revoke(false);
    // An outage of the token endpoint, and a client of ours it knows no more, are no news about the person.
    for (status, body) in [(503, json!({})), (401, json!({ "error": "invalid_client" })), (200, json!({}))] {
        world.provider.break_with("/token", status, body);
        world.after_a_poll().await;
        assert_eq!(world.profile(&alice.account).await.state, ProfileState::Current, "{status}");
    }
    world.provider.state().broken = None;
    world.provider.revoke(true);
    world.after_a_poll().await;
    assert_eq!(world.profile(&alice.account).await.state, ProfileState::NeedsLogin);
    assert_eq!(world.holder("alice").await, Ok(alice.account.clone()), "until its time is up");
    let again = world.link("s-1").await.unwrap();
    assert_eq!(again.account, alice.account);
    assert_eq!(world.profile(&alice.account).await.state, ProfileState::Current);
}

#[tokio::test]
async fn strange_tokens_are_nonsense() {
    let world = World::with(&[("s-1", "alice")]).await;
    for token in [
        json!({ "access_token": "two\r\nlines" }),
        json!({ "access_token": "ünsendable" }),
        json!({ "access_token": "" }),
        json!({ "access_token": null }),
        json!({ "id_token": "a.b.c" }),
        json!({ "expires_in": -1 }),
    ] {
        world.provider.state().token = token.clone();
        assert_eq!(world.failure("s-1").await, UpstreamFailure::Nonsense, "{token}");
    }
    // For ever is not a failure, and neither is no refresh token.
    world.provider.state().token = json!({ "expires_in": u64::MAX, "refresh_token": null });
    world.link("s-1").await.unwrap();
}
