//! A mirror of an OpenID provider: who is linked and who is not, and what moves a name afterwards.

use std::{future, net::Ipv4Addr, sync::Arc, time::Duration};

use namesake::{
    AccountId, Handle, HandleResolver as _, Invalidator, Lookup, ManualClock, Profile, ProfileState, Scheme,
    SeededRandomness, Timestamp, Trace, Why,
    http::{AddressFuture, Addresses, HttpClient, HttpSettings},
    store::{MemoryStore, Store as _},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::provider::{CLIENT, Provider, SECRET, Signing, TOKEN_SECONDS};
use crate::{
    CallbackQuery, LinkError, Linked, MirrorModel, MirrorSettings, Remedy, Secret, TokenSealer,
    upstream::{
        UpstreamError, UpstreamFailure,
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

/// Every name is on this machine.
#[derive(Debug)]
struct Here;

impl Addresses for Here {
    fn addresses<'a>(&'a self, _: &'a str) -> AddressFuture<'a> {
        Box::pin(async { Ok(vec![Ipv4Addr::LOCALHOST.into()]) })
    }
}

/// A mirror of a provider, before it is made.
struct Choices {
    /// Of the operator, as to hosts that strangers name; `None`: as they come.
    opened: Option<fn(&Provider) -> HttpSettings>,
    trusted_audiences: Vec<String>,
}

impl World {
    async fn with(people: &[(&str, &str)]) -> Self {
        Self::choosing(people, Choices { opened: None, trusted_audiences: Vec::new() }).await
    }

    async fn choosing(people: &[(&str, &str)], choices: Choices) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let provider = Provider::start(clock.clone(), people).await;
        let settings = OidcSettings::new(&provider.issuer, CLIENT, Secret::new(SECRET)).unwrap();
        let settings = settings.trusting(choices.trusted_audiences);
        let http = HttpClient::configured(&HttpSettings::default()).unwrap();
        let opened = choices.opened.map_or_else(HttpSettings::default, |opened| opened(&provider));
        let strangers = HttpClient::discovered(&opened, Arc::new(Here)).unwrap();
        let randomness = Arc::new(SeededRandomness::new(7));
        let store = Arc::new(MemoryStore::new());
        let model = MirrorModel::new(
            MirrorSettings::new(Scheme::parse("staff").unwrap(), "http://127.0.0.1:9/".parse().unwrap()),
            Arc::new(OidcUpstream::new(settings, http, strangers, clock.clone())),
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
        self.error(subject).await.failure
    }

    async fn error(&self, subject: &str) -> UpstreamError {
        match self.link(subject).await {
            Err(LinkError::Upstream(error)) => error,
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

/// What is not used may be of any shape, in every answer, at the first link and at every poll after it.
#[tokio::test]
async fn members_that_are_not_used_may_be_anything() {
    for odd in
        [json!(""), json!("text"), json!(7), json!(["text"]), json!({ "text": 1 }), json!(true), json!(-1.5)]
    {
        let world = World::with(&[("s-1", "alice")]).await;
        let all =
            |names: &[&str]| Value::Object(names.iter().map(|name| ((*name).into(), odd.clone())).collect());
        let claims = [
            "address",
            "website",
            "profile",
            "birthdate",
            "gender",
            "zoneinfo",
            "locale",
            "updated_at",
            "email",
            "email_verified",
            "phone_number",
            "phone_number_verified",
            "given_name",
            "nickname",
            "name#en",
            "groups",
            "name",
            "picture",
        ];
        {
            let mut state = world.provider.state();
            state.description = all(&[
                "op_policy_uri",
                "op_tos_uri",
                "service_documentation",
                "registration_endpoint",
                "end_session_endpoint",
                "claims_supported",
                "claim_types_supported",
                "display_values_supported",
                "acr_values_supported",
                "response_types_supported",
                "response_modes_supported",
                "grant_types_supported",
                "subject_types_supported",
                "id_token_signing_alg_values_supported",
                "request_parameter_supported",
                "ui_locales_supported",
                "code_challenge_methods_supported",
                "check_session_iframe",
            ]);
            state.token = all(&["scope", "id_token_expires_in", "not-before-policy", "session_state"]);
            state.claims = all(&claims);
            for name in
                ["auth_time", "amr", "acr", "at_hash", "c_hash", "iat", "nbf", "jti", "sid", "updated_at"]
            {
                state.claims[name] = odd.clone();
            }
            let person = state.people.get_mut("s-1").unwrap();
            claims.iter().for_each(|name| person[*name] = odd.clone());
        }
        let linked = world.link("s-1").await.unwrap_or_else(|error| panic!("{odd}: {error:?}"));
        world.provider.rename("s-1", "alicia");
        world.after_a_poll().await;
        assert_eq!(world.holder("alicia").await, Ok(linked.account), "{odd}");
    }
}

#[tokio::test]
async fn seconds_may_be_text_and_a_kind_of_token_missing() {
    let world = World::with(&[("s-1", "alice")]).await;
    world.provider.state().token = json!({ "expires_in": TOKEN_SECONDS.to_string(), "token_type": null });
    world.link("s-1").await.unwrap();
    world.after(Duration::from_secs(TOKEN_SECONDS.unsigned_abs())).await;
    assert_eq!(world.provider.asked("/token"), 2, "refreshed in time");
}

/// The log says what an operator can show the provider.
#[tokio::test]
async fn a_member_that_is_wrong_is_named() {
    enum Place {
        Description,
        Token,
        IdToken,
        Person,
    }
    use Place::{Description, IdToken, Person, Token};
    let world = World::with(&[("s-1", "alice")]).await;
    world.link("s-1").await.unwrap();
    for (place, name, value) in [
        (Token, "access_token", json!(7)),
        (Token, "access_token", Value::Null),
        (Token, "token_type", json!("DPoP")),
        (Token, "expires_in", json!("soon")),
        (Token, "refresh_token", json!(["x"])),
        (Token, "id_token", Value::Null),
        (IdToken, "iss", json!("https://evil.example")),
        (IdToken, "aud", json!([CLIENT, 7])),
        (IdToken, "azp", json!("somebody")),
        (IdToken, "exp", json!("later")),
        (IdToken, "nonce", json!(7)),
        (IdToken, "sub", json!(["s-1"])),
        (Person, "sub", json!("s-666")),
        (Person, "preferred_username", json!(["alice"])),
        (Description, "issuer", json!("https://evil.example")),
        (Description, "authorization_endpoint", json!("javascript:alert(1)")),
        (Description, "token_endpoint", json!("")),
        (Description, "userinfo_endpoint", json!(["x"])),
        (Description, "jwks_uri", json!("keys")),
    ] {
        let fresh = World::with(&[("s-1", "alice")]).await;
        {
            let mut state = fresh.provider.state();
            let wrong = json!({ name: value });
            match place {
                Description => state.description = wrong,
                Token => state.token = wrong,
                IdToken => state.claims = wrong,
                Person => state.people.get_mut("s-1").unwrap()[name] = value.clone(),
            }
        }
        let error = match place {
            Description => match fresh.model.connect(None).await {
                Err(LinkError::Upstream(error)) => error,
                other => panic!("{other:?}"),
            },
            _ => fresh.error("s-1").await,
        };
        assert_eq!(error.failure, UpstreamFailure::Nonsense, "{name}: {value}");
        assert!(error.message.contains(&format!("`{name}`")), "{name}: {value}: {error}");
    }
}

#[tokio::test]
async fn an_id_token_may_be_for_others_whom_the_operator_trusts_if_it_was_made_for_us() {
    let audiences = json!([CLIENT, "api", "https://other.example"]);
    let trusted_audiences = vec!["api".to_owned(), "https://other.example".to_owned()];
    let trusting = World::choosing(&[("s-1", "alice")], Choices { opened: None, trusted_audiences }).await;
    trusting.provider.state().claims = json!({ "aud": audiences, "azp": CLIENT });
    trusting.link("s-1").await.unwrap();
    for (claims, named) in [
        (json!({ "aud": audiences }), "`azp`"),
        (json!({ "aud": audiences, "azp": "api" }), "`azp`"),
        (json!({ "aud": ["api"], "azp": CLIENT }), "`aud`"),
        (json!({ "aud": "api", "azp": CLIENT }), "`aud`"),
        (json!({ "aud": [CLIENT, "api", "else"], "azp": CLIENT }), "`aud`"),
    ] {
        trusting.provider.state().claims = claims.clone();
        let error = trusting.error("s-1").await;
        assert!(error.message.contains(named), "{claims}: {error}");
    }
    let plain = World::with(&[("s-1", "alice")]).await;
    plain.provider.state().claims = json!({ "aud": audiences, "azp": CLIENT });
    assert!(plain.error("s-1").await.message.contains("`aud`"), "nobody is trusted unless they are named");
}

#[tokio::test]
async fn a_code_of_another_issuer_is_not_shown_to_this_one() {
    let world = World::with(&[("s-1", "alice")]).await;
    let back = async |iss: Option<&str>| {
        let connect = world.model.connect(None).await.unwrap();
        let query = world.provider.consent(&connect.location, "s-1");
        let query = CallbackQuery { iss: iss.map(str::to_owned), ..query };
        world.model.callback(query, Some(&connect.browser), None).await
    };
    let refused = |answer: Result<Linked, LinkError>| {
        let error = answer.unwrap_err();
        assert!(matches!(error, LinkError::Sender), "{error:?}");
        assert_eq!(error.remedy(), Remedy::Accept);
    };
    let issuer = world.provider.issuer.clone();
    for foreign in ["https://evil.example", "", &format!("{issuer}/"), &issuer.to_uppercase()] {
        refused(back(Some(foreign)).await);
    }
    assert_eq!(world.provider.asked("/token"), 0);
    back(None).await.unwrap();
    back(Some(&issuer)).await.unwrap();

    // One that promises to name itself does.
    let world = World::with(&[("s-1", "alice")]).await;
    world.provider.state().description = json!({ "authorization_response_iss_parameter_supported": true });
    let connect = world.model.connect(None).await.unwrap();
    let query = world.provider.consent(&connect.location, "s-1");
    refused(world.model.callback(query, Some(&connect.browser), None).await);
}

/// The issuer is the operator's word; what it names beside itself is anybody's.
#[tokio::test]
async fn other_hosts_of_a_description_are_strangers() {
    const NAMED: [(&str, &str); 3] =
        [("token_endpoint", "/token"), ("userinfo_endpoint", USERINFO), ("jwks_uri", "/keys")];
    let elsewhere = |world: &World, name: &str, path: &str| {
        let there = world.provider.issuer.replace("127.0.0.1", "localhost");
        world.provider.state().description = json!({ name: format!("{there}{path}") });
    };
    for (name, path) in NAMED {
        let world = World::with(&[("s-1", "alice")]).await;
        elsewhere(&world, name, path);
        let refused = match world.model.connect(None).await {
            Err(error) => error,
            Ok(connect) => {
                let query = world.provider.consent(&connect.location, "s-1");
                world.model.callback(query, Some(&connect.browser), None).await.unwrap_err()
            }
        };
        assert_eq!(refused.remedy(), Remedy::BlameUpstream, "{name}: {refused:?}");
        assert_eq!(world.provider.asked(path), 0, "{name}: this machine is not asked in a stranger's name");
    }
    let opened = |provider: &Provider| HttpSettings {
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        allow_ports: vec![provider.issuer.parse::<url::Url>().unwrap().port().unwrap()],
        ..HttpSettings::default()
    };
    for (name, path) in NAMED {
        let choices = Choices { opened: Some(opened), trusted_audiences: Vec::new() };
        let world = World::choosing(&[("s-1", "alice")], choices).await;
        elsewhere(&world, name, path);
        world.link("s-1").await.unwrap();
    }
}
