//! `/openapi.json` says what is so: real answers of the demo's world have the statuses, types and shapes it lists.

use std::{collections::BTreeSet, sync::Arc};

use namesake::ManualClock;
use namesake_resolver::demo;
use serde_json::{Value, json};

use crate::{
    hosted::Author,
    support::{Reply, send},
};

const METHODS: [&str; 5] = ["GET", "PUT", "POST", "PATCH", "DELETE"];
const HTML: (&str, &str) = ("accept", "text/html");
/// `{"algorithm":"HMAC-SHA256","user_id":"1"}` under a signature of zeros.
const FORGED: &str = "signed_request=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.\
    eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsInVzZXJfaWQiOiIxIn0";

/// Method, target, headers, body; and the status expected.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, u16);

async fn world() -> demo::World {
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let options = demo::Options::private(clock, 7).await.unwrap();
    demo::World::start(options).await.unwrap()
}

/// The document, and what was tried of it.
struct Document {
    json: Value,
    tried: BTreeSet<(String, String)>,
}

impl Document {
    fn operations(&self) -> BTreeSet<(String, String)> {
        let paths = self.json["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys().map(|method| method.to_uppercase());
            methods.filter(|method| METHODS.contains(&method.as_str())).map(|method| (path.clone(), method))
        });
        operations.collect()
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.json.pointer(reference.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }

    /// The path of the document that `target` is an instance of: the one with the fewest parameters.
    fn path_of(&self, target: &str) -> String {
        let path = target.split('?').next().unwrap();
        let fits = |template: &&String| {
            let (parts, wanted): (Vec<_>, Vec<_>) =
                (path.split('/').collect(), template.split('/').collect());
            parts.len() == wanted.len()
                && parts.iter().zip(wanted).all(|(part, wanted)| match wanted.split_once('{') {
                    Some((before, _)) => part.starts_with(before),
                    None => *part == wanted,
                })
        };
        let paths = self.json["paths"].as_object().unwrap();
        let best = paths.keys().filter(fits).min_by_key(|template| template.matches('{').count());
        best.unwrap_or_else(|| panic!("{target} is not in the document")).clone()
    }

    /// Holds an answer to what the document says of its operation.
    fn hold(&mut self, method: &str, target: &str, reply: &Reply) {
        let path = self.path_of(target);
        self.tried.insert((path.clone(), method.to_owned()));
        let operation = &self.json["paths"][&path][method.to_lowercase()];
        let response = &operation["responses"][reply.status.to_string()];
        assert!(!response.is_null(), "{method} {target} gives {}: {}", reply.status, reply.body);
        let response = self.resolved(response);
        let contents = response["content"].as_object();
        let Some(contents) = contents else {
            assert_eq!(reply.body, "", "{method} {target} {}", reply.status);
            return;
        };
        let kind = reply.header("content-type").split(';').next().unwrap();
        let content = contents.get(kind).unwrap_or_else(|| panic!("{method} {target} gives a {kind}"));
        if kind.ends_with("json") {
            let wrong = self.wrong(&content["schema"], &reply.json());
            assert_eq!(wrong, None, "{method} {target} {}", reply.body);
        }
    }

    /// What of `value` breaks `schema`, as far as our schemas go: types, members, lists, words.
    fn wrong(&self, schema: &Value, value: &Value) -> Option<String> {
        if schema["$ref"].is_string()
            && let Some(wrong) = self.wrong(self.resolved(schema), value)
        {
            return Some(wrong);
        }
        let list = |word: &str| schema[word].as_array().map(Vec::as_slice).unwrap_or_default();
        let holds = |schemas: &[Value]| schemas.iter().filter(|it| self.wrong(it, value).is_none()).count();
        let is = |kind: &Value| match kind.as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("boolean") => value.is_boolean(),
            Some("null") => value.is_null(),
            other => panic!("a type {other:?}"),
        };
        let typed = match &schema["type"] {
            Value::Null => true,
            Value::Array(kinds) => kinds.iter().any(is),
            kind => is(kind),
        };
        let missing = list("required").iter().find(|name| {
            value[name.as_str().unwrap()] == Value::Null
                && !value.as_object().is_some_and(|members| members.contains_key(name.as_str().unwrap()))
        });
        if !typed {
            return Some(format!("{value} is no {}", schema["type"]));
        }
        if let Some(missing) = missing {
            return Some(format!("{missing} is missing"));
        }
        if !list("enum").is_empty() && !list("enum").contains(value) {
            return Some(format!("{value} is none of {}", schema["enum"]));
        }
        if !schema["const"].is_null() && schema["const"] != *value {
            return Some(format!("{value} is not {}", schema["const"]));
        }
        if !list("anyOf").is_empty() && holds(list("anyOf")) == 0 {
            return Some(format!("{value} is none of several"));
        }
        if !list("oneOf").is_empty() && holds(list("oneOf")) != 1 {
            return Some(format!("{value} is not exactly one of several"));
        }
        if let Some(wrong) = list("allOf").iter().find_map(|it| self.wrong(it, value)) {
            return Some(wrong);
        }
        let properties = schema["properties"].as_object().into_iter().flatten();
        let below = properties.filter_map(|(name, schema)| Some((schema, value.get(name)?)));
        let items = value.as_array().filter(|_| schema["items"].is_object()).into_iter().flatten();
        below
            .chain(items.map(|item| (&schema["items"], item)))
            .find_map(|(schema, value)| self.wrong(schema, value))
    }
}

#[tokio::test]
async fn real_answers_are_as_the_document_says() {
    let world = world().await;
    let address = world.public_url.socket_addrs(|| None).unwrap()[0];
    let linked = world.link("bob").await.unwrap();
    let own = format!("/v1/mirror/accounts/{}", linked.account);
    let bearer = format!("Bearer {}", linked.token.expose());
    let owner = [("authorization", bearer.as_str())];
    let ours = world.public_url.origin().ascii_serialization();
    let cookie = format!("__Host-namesake-session-threads={}", linked.token.expose());
    let from_us = [("origin", ours.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let signed_in = [from_us[0], from_us[1], ("cookie", cookie.as_str())];
    let did = "did:plc:alice7demo7777777777777a";
    // The world's clock stands at midnight; what is signed was signed before.
    let before = |second: u8| format!("2025-12-31T23:59:{second}Z").parse().unwrap();
    let json = send(address, "GET", "/openapi.json", &[], "").await.json();
    let mut document = Document { json, tried: BTreeSet::new() };

    let (mut dora, handle) = (Author::below(1, demo::ID_DOMAIN), format!("dora.{}", demo::HANDLE_DOMAIN));
    let begun = dora.begin(Some(&handle), before(10));
    let reserved = Author::below(2, demo::ID_DOMAIN).begin(Some("www.people.test"), before(10));
    let taken = Author::below(2, demo::ID_DOMAIN).begin(Some(&handle), before(10));
    let hosted = format!("/v1/independent/accounts/{}", dora.did());
    let record = dora.record(&json!({ "rev": 1, "displayName": "Dora" }), before(20));
    let later = dora.record(&json!({ "rev": 1 }), before(30));
    let stale = dora.next(&json!({}), None, before(40)).line().to_owned();
    let named = dora.rename(Some(&handle), before(50));
    let (huge, closing) = (" ".repeat(5000), dora.close(before(55)));
    let (at_handle, at_id) = (("host", handle.as_str()), ("host", dora.host.as_str()));

    let xrpc = |rest: &str| format!("/xrpc/com.atproto.identity.{rest}");
    let cases: &[Case<'_>] = &[
        ("GET", "/@alice", &[], "", 200),
        ("GET", "/@alice.demo.test", &[HTML], "", 200),
        ("GET", "/@alice?scheme=threads", &[("if-none-match", "*")], "", 304),
        ("GET", "/@nobody", &[], "", 404),
        ("GET", "/@nobody", &[HTML], "", 404),
        ("GET", "/@a%20b", &[], "", 400),
        ("GET", "/profile/alice.demo.test", &[], "", 200),
        ("GET", &format!("/profile/{did}"), &[], "", 200),
        ("GET", "/v1/resolve?handle=@jane.art&scheme=mirror", &[], "", 200),
        ("GET", "/v1/resolve?handle=alice&fresh=true", &[], "", 200),
        ("GET", "/v1/resolve?handle=alice&fresh=perhaps", &[], "", 400),
        ("GET", "/v1/resolve?handle=did:key:zabc", &[], "", 501),
        ("GET", "/v1/resolve?handle=did:plc:short", &[], "", 404),
        ("POST", "/v1/resolve", &[], r#"{"handles":["alice","nobody","a b"]}"#, 200),
        ("POST", "/v1/resolve", &[], "{}", 400),
        ("GET", "/v1/explain?handle=broken.demo.test", &[], "", 200),
        ("GET", "/v1/explain?handle=alice", &[HTML], "", 200),
        ("GET", "/v1/explain?handle=bob@example.com", &[], "", 200),
        ("GET", &format!("/v1/accounts/{did}"), &[], "", 200),
        ("GET", "/v1/accounts/nobody:1", &[], "", 404),
        ("GET", &format!("/v1/accounts/{}/handles", linked.account), &owner, "", 200),
        ("GET", &format!("/v1/accounts/{}/handles", linked.account), &[], "", 401),
        ("GET", "/v1/accounts/did:web:alice.example/handles", &[], "", 501),
        ("GET", "/v1/accounts/nobody:1/handles", &[], "", 404),
        ("GET", "/v1/changes", &[], "", 200),
        ("GET", "/v1/changes?after=x", &[], "", 400),
        ("GET", "/v1/policies", &[], "", 200),
        ("GET", "/v1/compare", &[], "", 503),
        ("GET", "/compare", &[], "", 200),
        ("GET", "/compare?story=nonsense", &[], "", 400),
        ("GET", "/compare?step=nonsense", &[], "", 400),
        ("GET", "/compare/paper", &[], "", 200),
        ("GET", "/.well-known/webfinger?resource=acct:alice", &[], "", 200),
        ("GET", "/.well-known/webfinger", &[], "", 400),
        ("GET", &xrpc("resolveHandle?handle=alice.demo.test"), &[], "", 200),
        ("GET", &xrpc("resolveHandle?handle=alice.demo.test"), &[("if-none-match", "*")], "", 304),
        ("GET", &xrpc("resolveHandle?handle=nobody.demo.test"), &[], "", 400),
        ("GET", &xrpc(&format!("resolveDid?did={did}")), &[], "", 200),
        ("GET", &xrpc("resolveDid?did=did:plc:nobody"), &[], "", 400),
        ("GET", &xrpc("resolveIdentity?identifier=bob.demo.test"), &[], "", 200),
        ("POST", &xrpc("refreshIdentity"), &[], r#"{"identifier":"bob.demo.test"}"#, 200),
        ("POST", &xrpc("refreshIdentity"), &[], "{}", 400),
        ("GET", "/xrpc/_health", &[], "", 200),
        ("GET", "/mirror/threads", &[HTML], "", 200),
        ("GET", "/mirror/threads?done=a&done=b", &[], "", 400),
        ("GET", "/mirror/nobody", &[], "", 404),
        ("POST", "/mirror/threads/profile", &[], "displayName=A", 403),
        ("POST", "/mirror/threads/profile", &from_us, "displayName=A", 401),
        ("POST", "/mirror/threads/profile", &signed_in, "displayName=A", 303),
        ("POST", "/mirror/threads/sign-out", &[], "", 403),
        ("POST", "/mirror/threads/sign-out", &from_us, "", 303),
        ("POST", "/mirror/threads/leave", &from_us, "", 400),
        ("POST", "/mirror/threads/leave", &from_us, "confirm=yes", 401),
        ("GET", "/mirror/threads/connect", &[], "", 303),
        ("GET", "/mirror/nobody/connect", &[], "", 404),
        ("GET", "/mirror/threads/callback", &[], "", 400),
        ("GET", "/mirror/threads/callback?state=x&code=y", &[HTML], "", 403),
        ("GET", "/mirror/threads/webhook", &[], "", 403),
        ("POST", "/mirror/threads/webhook", &[], "{}", 403),
        ("POST", "/mirror/threads/deauthorize", &[], "", 400),
        ("POST", "/mirror/threads/deauthorize", &[], FORGED, 403),
        ("POST", "/mirror/threads/delete", &[], FORGED, 403),
        ("GET", "/mirror/threads/delete", &[], "", 400),
        ("GET", "/mirror/threads/delete?code=x", &[], "", 404),
        ("GET", &own, &[], "", 401),
        ("GET", &own, &owner, "", 200),
        ("PATCH", &own, &owner, r#"{"displayName":"B","description":null}"#, 200),
        ("PATCH", &own, &owner, r#"{"handle":"bobby"}"#, 403),
        ("PATCH", &own, &owner, "[]", 400),
        ("PUT", &format!("{own}/handle"), &[], "", 403),
        ("DELETE", &own, &[owner[0], ("origin", "https://elsewhere.example")], "", 403),
        ("DELETE", &own, &owner, "", 204),
        ("POST", "/v1/independent/accounts", &[], &begun, 201),
        ("POST", "/v1/independent/accounts", &[], &begun, 200),
        ("POST", "/v1/independent/accounts", &[], &reserved, 403),
        ("POST", "/v1/independent/accounts", &[], &taken, 409),
        ("POST", "/v1/independent/accounts", &[], "{}", 422),
        ("POST", "/v1/independent/accounts", &[], &huge, 413),
        ("GET", "/.well-known/atproto-did", &[at_handle], "", 200),
        ("GET", "/.well-known/atproto-did", &[], "", 404),
        ("GET", "/.well-known/did.json", &[at_id], "", 200),
        ("GET", "/.well-known/did.json", &[at_id, ("if-none-match", "*")], "", 304),
        ("GET", "/.well-known/did.json", &[at_handle], "", 404),
        ("GET", "/.well-known/did.jsonl", &[at_id], "", 200),
        ("GET", "/.well-known/did.jsonl", &[at_id, ("if-none-match", "*")], "", 304),
        ("GET", "/.well-known/did.jsonl", &[], "", 404),
        ("GET", &format!("/v1/tls-allowed?domain={handle}"), &[], "", 200),
        ("GET", "/v1/tls-allowed?domain=x", &[], "", 404),
        ("GET", "/v1/independent", &[], "", 200),
        ("GET", "/v1/tls-allowed", &[], "", 400),
        ("GET", &format!("{hosted}/log"), &[], "", 200),
        ("GET", &format!("{hosted}/log"), &[("if-none-match", "*")], "", 304),
        ("GET", "/v1/independent/accounts/did:web:a.b/log", &[], "", 404),
        ("PUT", &format!("{hosted}/profile"), &[], &record, 200),
        ("PUT", &format!("{hosted}/profile"), &[], &later, 409),
        ("PUT", &format!("{hosted}/profile"), &[], "{}", 422),
        ("GET", &format!("/v1/accounts/{}/handles", dora.did()), &[], "", 200),
        ("POST", &format!("{hosted}/log"), &[], &named, 201),
        ("POST", &format!("{hosted}/log"), &[], &stale, 409),
        ("POST", &format!("{hosted}/log"), &[], &closing, 201),
        ("POST", &format!("{hosted}/log"), &[], &closing, 200),
        ("GET", "/.well-known/did.json", &[at_id], "", 410),
        ("PUT", &format!("{hosted}/profile"), &[], &record, 410),
        ("GET", "/problems/handle-not-found", &[], "", 200),
        ("GET", "/problems/nothing", &[], "", 404),
        ("GET", "/openapi.json", &[], "", 200),
        ("GET", "/livez", &[], "", 200),
        ("GET", "/readyz", &[], "", 200),
        ("GET", "/metrics", &[], "", 404),
    ];
    for (method, target, headers, body, status) in cases {
        let reply = send(address, method, target, headers, body).await;
        assert_eq!(reply.status, *status, "{method} {target} {}", reply.body);
        document.hold(method, target, &reply);
    }
    assert_eq!(document.tried, document.operations());
    // It was begun for the first who asked.
    let reply = loop {
        let reply = send(address, "GET", "/v1/compare?row=short-name", &[], "").await;
        document.hold("GET", "/v1/compare", &reply);
        match reply.status {
            503 => assert_eq!(reply.header("retry-after"), "10"),
            _ => break reply,
        }
    };
    assert_eq!((reply.status, reply.json()["rows"][0]["id"].as_str()), (200, Some("short-name")));
    for (target, headers, status) in [
        ("/v1/compare", &[][..], 200),
        ("/v1/compare", &[("if-none-match", "*")][..], 304),
        ("/v1/compare?row=nonsense", &[][..], 400),
    ] {
        let reply = send(address, "GET", target, headers, "").await;
        assert_eq!(reply.status, status, "{target} {}", reply.body);
        document.hold("GET", target, &reply);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_path_takes_the_listed_methods_and_no_other() {
    let world = world().await;
    let address = world.public_url.socket_addrs(|| None).unwrap()[0];
    let json = send(address, "GET", "/openapi.json", &[], "").await.json();
    let document = Document { json, tried: BTreeSet::new() };
    let operations = document.operations();
    for path in document.json["paths"].as_object().unwrap().keys() {
        let target =
            path.replace("{name}", "threads").replace("{id}", "threads:a").replace("{handle}", "alice");
        let target = target.replace("{handleOrDid}", "alice").replace("{type}", "internal");
        let target = target.replace("{did}", "did:web:a.b");
        for method in METHODS {
            let reply = send(address, method, &target, &[], "").await;
            let listed = operations.contains(&(path.clone(), method.to_owned()));
            assert_eq!(reply.status != 405, listed, "{method} {path} gives {}", reply.status);
            let allow = reply.header("allow").split(", ");
            let allowed: BTreeSet<_> = allow.filter(|method| METHODS.contains(method)).collect();
            let expected: BTreeSet<_> = METHODS
                .into_iter()
                .filter(|method| !listed && operations.contains(&(path.clone(), (*method).to_owned())))
                .collect();
            assert_eq!(allowed, expected, "{method} {path}");
        }
    }
    world.stop().await;
}
