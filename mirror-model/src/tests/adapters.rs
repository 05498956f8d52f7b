//! What a server can do to an adapter, and what the adapter must make of it: one table, for every adapter.

use std::{
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use namesake::{
    ManualClock, Timestamp,
    http::{HttpClient, HttpSettings},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use url::Url;

use crate::{
    Secret,
    sandbox::server,
    upstream::{
        Upstream, UpstreamFailure,
        oidc::{OidcSettings, OidcUpstream},
        threads::{Dialect, ThreadsSettings, ThreadsUpstream},
    },
};

/// One adapter, and how it asks who somebody is.
struct Adapter {
    make: fn(&Url, HttpClient) -> Arc<dyn Upstream>,
    /// A token in the adapter's form, of the person with the id 1.
    token: &'static str,
    /// Where it asks.
    path: &'static str,
    /// What is answered there when all is well.
    good: fn() -> Value,
    /// What is answered elsewhere.
    others: fn(&Url, &str) -> Value,
    /// How the upstream says that the token is worth nothing.
    dead: (StatusCode, fn() -> Value),
}

/// What the server does when it is asked.
#[derive(Clone)]
enum Deed {
    Answers(StatusCode, String),
    Redirects,
    KeepsSilent,
}

#[tokio::test]
async fn threads() {
    check(&Adapter {
        make: |url, http| {
            let settings = ThreadsSettings::new(
                Dialect::Threads,
                url.clone(),
                url.clone(),
                "client",
                Secret::new("secret"),
            );
            Arc::new(ThreadsUpstream::new(settings, http))
        },
        token: "THAA",
        path: "/v1.0/me",
        good: || json!({ "id": "1", "username": "alice" }),
        others: |_, path| panic!("nobody asks for {path}"),
        dead: (StatusCode::BAD_REQUEST, || json!({ "error": { "code": 190, "error_subcode": 463 } })),
    })
    .await;
}

#[tokio::test]
async fn oidc() {
    check(&Adapter {
        make: |url, http| {
            let issuer = url.as_str().trim_end_matches('/');
            let settings = OidcSettings::new(issuer, "client", Secret::new("secret")).unwrap();
            let clock = ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap());
            Arc::new(OidcUpstream::new(settings, http.clone(), http, Arc::new(clock)))
        },
        token: r#"{"subject":"1","access":"token","refresh":null}"#,
        path: "/me",
        good: || json!({ "sub": "1", "preferred_username": "alice" }),
        others: |url, path| match path {
            "/.well-known/openid-configuration" => json!({
                "issuer": url.as_str().trim_end_matches('/'), "authorization_endpoint": url, "token_endpoint": url,
                "userinfo_endpoint": url.join("me").unwrap(), "jwks_uri": url.join("keys").unwrap(),
                "response_types_supported": ["code"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"]
            }),
            "/keys" => json!({ "keys": [] }),
            other => panic!("nobody asks for {other}"),
        },
        dead: (StatusCode::UNAUTHORIZED, || json!({ "error": "invalid_token" })),
    })
    .await;
}

async fn check(adapter: &Adapter) {
    let deed = Arc::new(Mutex::new(Deed::KeepsSilent));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let (doing, here) = (Arc::clone(&deed), url.clone());
    let (path, others) = (adapter.path, adapter.others);
    let mut tasks = JoinSet::new();
    tasks.spawn(server::serve(listener, move |request: Request<Bytes>| {
        let asked = request.uri().path().to_owned();
        let (deed, here) = (doing.lock().unwrap().clone(), here.clone());
        async move {
            if asked != path {
                return json_answer(StatusCode::OK, others(&here, &asked).to_string());
            }
            match deed {
                Deed::Answers(status, body) => json_answer(status, body),
                Deed::Redirects => {
                    let answer = Response::builder().status(StatusCode::FOUND);
                    answer.header(header::LOCATION, here.as_str()).body(Full::default()).unwrap()
                }
                Deed::KeepsSilent => future::pending().await,
            }
        }
    }));

    let who = async |done: Deed| {
        let silent = matches!(done, Deed::KeepsSilent);
        *deed.lock().unwrap() = done;
        // Only for silence, which would else last as long as the default.
        let timeout = if silent { Duration::from_millis(200) } else { HttpSettings::default().timeout };
        let http = HttpClient::configured(&HttpSettings { timeout, ..HttpSettings::default() }).unwrap();
        let upstream = (adapter.make)(&url, http);
        upstream.who(&Secret::new(adapter.token)).await.map(|sighting| sighting.person)
    };
    let good = (adapter.good)();
    let person = who(Deed::Answers(StatusCode::OK, good.to_string())).await.unwrap();
    assert_eq!((person.id.as_str(), person.username.as_str()), ("1", "alice"));

    let answers =
        |status: u16, body: &str| Deed::Answers(StatusCode::from_u16(status).unwrap(), body.to_owned());
    let (dead_status, dead) = adapter.dead;
    let mut long = good.clone();
    long["name"] = "long ".repeat(100_000).into();
    for (what, deed, failure) in [
        ("the token is worth nothing", Deed::Answers(dead_status, dead().to_string()), UpstreamFailure::Dead),
        ("too many requests", answers(429, "{}"), UpstreamFailure::Throttled),
        ("its own mistake", answers(500, "<h1>Oops</h1>"), UpstreamFailure::Down),
        ("an outage", answers(503, ""), UpstreamFailure::Down),
        ("nothing there", answers(404, "{}"), UpstreamFailure::Nonsense),
        ("a page", answers(200, "<!doctype html>"), UpstreamFailure::Nonsense),
        ("nothing", answers(200, ""), UpstreamFailure::Nonsense),
        ("a list", answers(200, "[]"), UpstreamFailure::Nonsense),
        ("nobody", answers(200, "{}"), UpstreamFailure::Nonsense),
        ("far too much", answers(200, &long.to_string()), UpstreamFailure::Nonsense),
        ("elsewhere", Deed::Redirects, UpstreamFailure::Nonsense),
        ("silence", Deed::KeepsSilent, UpstreamFailure::Timeout),
    ] {
        let error = who(deed).await.unwrap_err();
        assert_eq!(error.failure, failure, "{what}: {error}");
        for secret in [adapter.token, "Oops", "long long", "access_token", "?"] {
            assert!(!error.message.contains(secret), "{what}: {error}");
        }
    }
    tasks.shutdown().await;
    let error = who(answers(200, "{}")).await.unwrap_err();
    assert_eq!(error.failure, UpstreamFailure::Down, "nobody listens: {error}");
}

fn json_answer(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let answer = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    answer.body(Full::from(body)).unwrap()
}
