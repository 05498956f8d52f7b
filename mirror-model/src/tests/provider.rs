//! A scripted OpenID provider: strict about what it is asked, and as wrong in its answers as a test says.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use namesake::{Clock as _, ManualClock};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{net::TcpListener, task::JoinSet};
use url::{Url, form_urlencoded};

use crate::{CallbackQuery, sandbox::server, secret::hash};

type Answer = Response<Full<Bytes>>;

pub(super) const CLIENT: &str = "namesake";
pub(super) const SECRET: &str = "s3cret: with signs";

/// How long its access tokens work, in seconds.
pub(super) const TOKEN_SECONDS: i64 = 3600;

pub(super) struct Provider {
    pub(super) issuer: String,
    script: Arc<Script>,
    _tasks: JoinSet<()>,
}

struct Script {
    issuer: String,
    clock: Arc<ManualClock>,
    state: Mutex<State>,
}

/// What it knows, and how it misbehaves.
pub(super) struct State {
    /// The claims of each subject.
    pub(super) people: BTreeMap<String, Value>,
    /// Claims of the next id tokens that are not as they should be.
    pub(super) claims: Value,
    /// How id tokens are signed.
    pub(super) signing: Signing,
    /// Which of its keys it signs with, and which are listed.
    pub(super) key: u8,
    pub(super) listed: Vec<u8>,
    /// What the description says otherwise.
    pub(super) description: Value,
    /// What a token answer says otherwise.
    pub(super) token: Value,
    /// Which path fails, with what.
    pub(super) broken: Option<(&'static str, StatusCode, Value)>,
    /// How often each path was asked.
    pub(super) asked: HashMap<String, u32>,
    codes: HashMap<String, Grant>,
    /// Whose each token is, and until when.
    access: HashMap<String, (String, i64)>,
    refresh: HashMap<String, String>,
    minted: u32,
}

/// How an id token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signing {
    Key,
    /// With another key under the same name.
    WrongKey,
    /// `alg: none`, which anybody can write.
    None,
    /// HS256 with the client secret.
    ClientSecret,
    /// There is no id token at all.
    Missing,
}

struct Grant {
    subject: String,
    nonce: String,
    challenge: String,
    redirect: String,
}

impl Provider {
    pub(super) async fn start(clock: Arc<ManualClock>, people: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/realm", listener.local_addr().unwrap());
        let person = |(subject, name): &(&str, &str)| {
            let claims = json!({ "preferred_username": name, "name": format!("{name} upstream"),
                "picture": format!("https://pictures.example/{subject}.jpg"), "updated_at": "2026-01-01T00:00:00Z" });
            ((*subject).to_owned(), claims)
        };
        let state = State {
            people: people.iter().map(person).collect(),
            claims: json!({}),
            signing: Signing::Key,
            key: 1,
            listed: vec![1],
            description: json!({}),
            token: json!({}),
            broken: None,
            asked: HashMap::new(),
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            minted: 0,
        };
        let script = Arc::new(Script { issuer: issuer.clone(), clock, state: Mutex::new(state) });
        let answering = Arc::clone(&script);
        let mut tasks = JoinSet::new();
        tasks.spawn(server::serve(listener, move |request: Request<Bytes>| {
            let script = Arc::clone(&answering);
            async move { script.answer(&request) }
        }));
        Self { issuer, script, _tasks: tasks }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.script.state.lock().unwrap()
    }

    pub(super) fn rename(&self, subject: &str, name: &str) {
        self.state().people.get_mut(subject).unwrap()["preferred_username"] = name.into();
    }

    pub(super) fn break_with(&self, path: &'static str, status: u16, body: Value) {
        self.state().broken = Some((path, StatusCode::from_u16(status).unwrap(), body));
    }

    /// Ends every access token, and with `all` the refresh tokens too.
    pub(super) fn revoke(&self, all: bool) {
        let mut state = self.state();
        state.access.clear();
        if all {
            state.refresh.clear();
        }
    }

    /// How often a path was asked.
    pub(super) fn asked(&self, path: &str) -> u32 {
        self.state().asked.get(path).copied().unwrap_or_default()
    }

    /// What the browser of a person who agrees brings back.
    pub(super) fn consent(&self, authorize: &Url, subject: &str) -> CallbackQuery {
        assert!(authorize.as_str().starts_with(&format!("{}/authorize?", self.issuer)), "{authorize}");
        let query: HashMap<_, _> = authorize.query_pairs().into_owned().collect();
        let expected = [("response_type", "code"), ("client_id", CLIENT), ("code_challenge_method", "S256")];
        for (parameter, value) in expected {
            assert_eq!(query[parameter], value, "{parameter}");
        }
        assert_eq!(query["scope"], "openid profile offline_access");
        assert_eq!(query["prompt"], "consent");
        let grant = Grant {
            subject: subject.to_owned(),
            nonce: query["nonce"].clone(),
            challenge: query["code_challenge"].clone(),
            redirect: query["redirect_uri"].clone(),
        };
        let mut state = self.state();
        let code = state.mint("code");
        state.codes.insert(code.clone(), grant);
        CallbackQuery { code: Some(code), state: Some(query["state"].clone()), ..CallbackQuery::default() }
    }
}

impl State {
    fn mint(&mut self, what: &str) -> String {
        self.minted += 1;
        format!("{what}-{}", self.minted)
    }
}

impl Script {
    fn answer(&self, request: &Request<Bytes>) -> Answer {
        let mut state = self.state.lock().unwrap();
        let path = request.uri().path().strip_prefix("/realm").unwrap().to_owned();
        *state.asked.entry(path.clone()).or_default() += 1;
        if let Some((_, status, body)) = state.broken.as_ref().filter(|(broken, ..)| *broken == path) {
            return said(*status, body);
        }
        match path.as_str() {
            "/.well-known/openid-configuration" => said(StatusCode::OK, &self.description(&state)),
            "/keys" => {
                let keys: Vec<_> = state.listed.iter().map(|key| jwk(*key)).collect();
                said(StatusCode::OK, &json!({ "keys": keys }))
            }
            "/token" => self.token(&mut state, request),
            "/userinfo" => self.userinfo(&state, request),
            other => panic!("nobody asks for {other}"),
        }
    }

    fn description(&self, state: &State) -> Value {
        let at = |path: &str| format!("{}/{path}", self.issuer);
        let mut description = json!({
            "issuer": self.issuer, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
            "userinfo_endpoint": at("userinfo"), "jwks_uri": at("keys"), "response_types_supported": ["code"],
            "subject_types_supported": ["public", "pairwise"], "scopes_supported": ["openid", "profile", "offline_access"],
            "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        });
        amend(&mut description, &state.description);
        description
    }

    fn token(&self, state: &mut State, request: &Request<Bytes>) -> Answer {
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let credentials = BASE64.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET)).as_bytes());
        assert_eq!(request.headers()[header::AUTHORIZATION], format!("Basic {credentials}"));
        let form: HashMap<_, _> = form_urlencoded::parse(request.body()).into_owned().collect();
        let refused = || said(StatusCode::BAD_REQUEST, &json!({ "error": "invalid_grant" }));
        let (subject, nonce) = match form["grant_type"].as_str() {
            "authorization_code" => {
                let Some(grant) = state.codes.remove(&form["code"]) else { return refused() };
                let proved = hash(&form["code_verifier"]) == grant.challenge;
                if !proved || form["redirect_uri"] != grant.redirect {
                    return refused();
                }
                (grant.subject, Some(grant.nonce))
            }
            // Good once: the answer has another.
            "refresh_token" => match state.refresh.remove(&form["refresh_token"]) {
                Some(subject) => (subject, None),
                None => return refused(),
            },
            other => panic!("nobody asks for {other}"),
        };
        let (access, refresh) = (state.mint("access"), state.mint("refresh"));
        let now = self.clock.now().as_second();
        state.access.insert(access.clone(), (subject.clone(), now + TOKEN_SECONDS));
        state.refresh.insert(refresh.clone(), subject.clone());
        let mut answer = json!({ "access_token": access, "token_type": "Bearer", "expires_in": TOKEN_SECONDS,
            "refresh_token": refresh });
        if let Some(nonce) = nonce {
            let mut claims = json!({ "iss": self.issuer, "sub": subject, "aud": CLIENT, "nonce": nonce,
                "iat": now, "exp": now + 300 });
            amend(&mut claims, &state.claims);
            if let Some(id_token) = signed(&claims, state) {
                answer["id_token"] = id_token.into();
            }
        }
        amend(&mut answer, &state.token);
        said(StatusCode::OK, &answer)
    }

    fn userinfo(&self, state: &State, request: &Request<Bytes>) -> Answer {
        let header = request.headers()[header::AUTHORIZATION].to_str().unwrap();
        let token = header.strip_prefix("Bearer ").unwrap();
        match state.access.get(token) {
            Some((subject, until)) if self.clock.now().as_second() < *until => {
                let mut claims = state.people[subject].clone();
                if claims.get("sub").is_none() {
                    claims["sub"] = subject.clone().into();
                }
                said(StatusCode::OK, &claims)
            }
            _ => said(StatusCode::UNAUTHORIZED, &json!({ "error": "invalid_token" })),
        }
    }
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn jwk(number: u8) -> Value {
    let x = BASE64URL_NOPAD.encode(key(number).verifying_key().as_bytes());
    json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": format!("key-{number}"), "x": x })
}

/// RFC 7515 section 7.1.
fn signed(claims: &Value, state: &State) -> Option<String> {
    let algorithm = match state.signing {
        Signing::Key | Signing::WrongKey => "EdDSA",
        Signing::None => "none",
        Signing::ClientSecret => "HS256",
        Signing::Missing => return None,
    };
    let header = json!({ "alg": algorithm, "kid": format!("key-{}", state.key) });
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let message = format!("{}.{}", part(&header), part(claims));
    let signature = match state.signing {
        Signing::Key => key(state.key).sign(message.as_bytes()).to_vec(),
        Signing::WrongKey => key(99).sign(message.as_bytes()).to_vec(),
        Signing::ClientSecret => {
            let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
            mac.update(message.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
        Signing::None | Signing::Missing => Vec::new(),
    };
    Some(format!("{message}.{}", BASE64URL_NOPAD.encode(&signature)))
}

/// Puts in what is given, and takes out what is null.
fn amend(value: &mut Value, with: &Value) {
    let fields = value.as_object_mut().unwrap();
    for (name, value) in with.as_object().unwrap() {
        match value {
            Value::Null => fields.remove(name),
            value => fields.insert(name.clone(), value.clone()),
        };
    }
}

fn said(status: StatusCode, body: &Value) -> Answer {
    let answer = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    answer.body(Full::from(body.to_string())).unwrap()
}
