//! What the upstream sends by itself: nothing unsigned does anything, and what is signed concerns only whom it names.
//!
//! An input is a payload; the target signs it, as a webhook and as a `signed_request`, and sends it unsigned, too.

#![no_main]

use std::{cell::RefCell, sync::Arc};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit as _, Mac as _};
use libfuzzer_sys::fuzz_target;
use namesake::{
    Handle, HandleResolver as _, Invalidator, Lookup, ManualClock, Scheme, SeededRandomness, Timestamp,
    Trace, store::MemoryStore,
};
use namesake_fuzz::now;
use namesake_mirror::{
    CallbackQuery, MirrorModel, MirrorSettings, Secret, TokenSealer, WebhookError,
    upstream::{Sighting, SignIn, Token, Upstream, UpstreamFuture, UpstreamPerson, UpstreamSource},
};
use serde_json::Value;
use sha2::Sha256;
use url::{Url, form_urlencoded};

const SECRET: &str = "key";
/// What time it is, and when the seeds were issued.
const ISSUED: i64 = 1_624_244_156;
/// The people of this world: their ids upstream, which are their codes and tokens, too.
const PEOPLE: [&str; 3] = ["1", "17", "17841400000000000123"];

thread_local! {
    static MODEL: RefCell<Arc<MirrorModel>> = RefCell::new(linked());
}

fuzz_target!(|payload: &[u8]| {
    let model = MODEL.with_borrow(Arc::clone);
    webhook(&model, payload);
    deauthorize(&model, payload);
    if !PEOPLE.iter().all(|person| is_here(&model, person)) {
        MODEL.replace(linked());
    }
});

fn webhook(model: &MirrorModel, body: &[u8]) {
    let named = |person: &&&str| body.windows(person.len()).any(|window| window == person.as_bytes());
    let most = if body.contains(&b'\\') { PEOPLE.len() } else { PEOPLE.iter().filter(named).count() };
    let signature = format!("sha256={}", HEXLOWER.encode(&mac(body)));
    match now(model.webhook(Some(&signature), body)) {
        Ok(hinted) => assert!(hinted <= most, "{hinted} of {most}"),
        Err(error) => assert!(matches!(error, WebhookError::Malformed), "{error}"),
    }
    let text = std::str::from_utf8(body).ok();
    for unsigned in
        [None, text, Some("sha256="), Some(&signature[..signature.len() - 2]), Some(&signature[7..])]
    {
        assert!(matches!(now(model.webhook(unsigned, body)), Err(WebhookError::Signature)));
    }
    let more = [body, b" "].concat();
    assert!(matches!(now(model.webhook(Some(&signature), &more)), Err(WebhookError::Signature)));
}

fn deauthorize(model: &MirrorModel, payload: &[u8]) {
    let encoded = BASE64URL_NOPAD.encode(payload);
    let signature = BASE64URL_NOPAD.encode(&mac(encoded.as_bytes()));

    // As a whole form, and as a request, it carries no signature of ours.
    assert!(now(model.deauthorize(payload)).is_err());
    let unsigned = String::from_utf8_lossy(payload);
    for request in [
        &*unsigned,
        &encoded,
        &format!(".{encoded}"),
        &format!("{encoded}.{signature}"),
        &format!("{signature}.{encoded}A"),
    ] {
        assert!(now(model.deauthorize(&form(request))).is_err(), "{request}");
    }
    assert!(PEOPLE.iter().all(|person| is_here(model, person)));

    let answer = now(model.deauthorize(&form(&format!("{signature}.{encoded}"))));
    if let Err(error) = &answer {
        assert!(matches!(error, WebhookError::Malformed | WebhookError::Outdated), "{error}");
    }
    let gone: Vec<&str> = PEOPLE.into_iter().filter(|person| !is_here(model, person)).collect();
    assert!(gone.is_empty() || (gone.len() == 1 && answer.is_ok()), "{gone:?}");
    // Parts that do not matter may be too deep, or not UTF-8: then this plainer reading does not say who is meant.
    if let (Ok(()), Ok(json)) = (answer, serde_json::from_slice::<Value>(payload)) {
        let id = &json["user_id"];
        let subject = id.as_str().map(str::to_owned).or_else(|| Some(id.as_u64()?.to_string()));
        let subject = subject.expect("it names somebody");
        assert_eq!(gone, PEOPLE.into_iter().filter(|person| *person == subject).collect::<Vec<_>>());
    }
}

fn form(request: &str) -> Vec<u8> {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("signed_request", request)
        .finish()
        .into_bytes()
}

fn mac(text: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length");
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

fn name(person: &str) -> String {
    format!("person_{person}")
}

fn is_here(model: &MirrorModel, person: &str) -> bool {
    let handle = Handle::parse(&name(person)).expect("a handle");
    match now(model.resolve(&handle, &Trace::OFF)) {
        Ok(Lookup::Found { .. }) => true,
        Ok(Lookup::Absent { .. }) => false,
        other => panic!("{other:?}"),
    }
}

/// A mirror in which everybody is linked.
fn linked() -> Arc<MirrorModel> {
    let public_url = Url::parse("https://names.example").expect("a URL");
    let mut settings = MirrorSettings::new(Scheme::parse("threads").expect("a scheme"), public_url);
    settings.webhook_secrets = vec![Secret::new("new"), Secret::new(SECRET)];
    let randomness = Arc::new(SeededRandomness::new(7));
    let model = MirrorModel::new(
        settings,
        Arc::new(Paper(UpstreamSource {
            kind: "paper".into(),
            origin: String::new(),
            client: String::new(),
        })),
        Arc::new(MemoryStore::new()),
        TokenSealer::ephemeral(&*randomness),
        Arc::new(ManualClock::new(Timestamp::from_second(ISSUED).expect("a time"))),
        randomness,
        Invalidator::nobody(),
    );
    for person in PEOPLE {
        let connect = now(model.connect(None)).expect("a beginning");
        let state = connect.location.query().map(str::to_owned);
        let query = CallbackQuery { code: Some(person.to_owned()), state, ..CallbackQuery::default() };
        now(model.callback(query, Some(&connect.browser), None)).expect("a link");
    }
    model
}

/// An upstream that agrees with everybody.
#[derive(Debug)]
struct Paper(UpstreamSource);

impl Paper {
    fn token(&self, secret: Secret) -> UpstreamFuture<'_, Token> {
        Box::pin(async { Ok(Token { secret, refresh_in: None, revivable: false }) })
    }
}

impl Upstream for Paper {
    fn source(&self) -> &UpstreamSource {
        &self.0
    }

    fn authorize_url<'a>(&'a self, sign_in: &'a SignIn) -> UpstreamFuture<'a, Url> {
        let mut url = sign_in.redirect.clone();
        url.set_query(Some(&sign_in.state));
        Box::pin(async { Ok(url) })
    }

    fn exchange<'a>(&'a self, code: &'a str, _: &'a SignIn) -> UpstreamFuture<'a, Token> {
        self.token(Secret::new(code))
    }

    fn refresh<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Token> {
        self.token(token.clone())
    }

    fn who<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Sighting> {
        let id = token.expose().to_owned();
        let person = UpstreamPerson { username: name(&id), id, ..UpstreamPerson::default() };
        Box::pin(async { Ok(Sighting { person, usage_percent: None }) })
    }
}
