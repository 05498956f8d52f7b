//! Text of strangers stays text: in pages, problems, JSON, headers and addresses.

use std::{net::SocketAddr, sync::Arc};

use namesake::{ManualClock, store::MemoryStore};
use namesake_independent::Did;
use namesake_resolver::demo;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, PAGE, person},
    hosted::Place,
    support::{Reply, send},
};

const HTML: (&str, &str) = ("accept", "text/html");
/// In every one of them, so that it is seen wherever it comes out.
const MARK: &str = "zqx";

/// Where pictures of somebody upstream are.
const PICTURES: &str = "https://pictures.example/";

/// What each would do if it were taken for more than text.
const INJECTIONS: [&str; 18] = [
    "<script>zqx(1)</script>",
    "\"><img src=x onerror=zqx(1)>",
    "' onmouseover='zqx(1)",
    "</title><script>zqx(1)</script>",
    "<svg/onload=zqx(1)>",
    "javascript:zqx(1)",
    "data:text/html,<script>zqx(1)</script>",
    "//zqx.example/",
    "\\\\zqx.example\\",
    "a\r\nset-cookie: zqx=1\r\n\r\n<script>zqx(1)</script>",
    "a\nWARN zqx: a line of the log",
    "\u{1b}]0;zqx\u{7}\u{1b}[2J",
    "a\u{202e}zqx\u{2066}b",
    "{{7*7}}${7*7}<%=zqx%>",
    "--><script>zqx(1)</script><!--",
    "zqx\",\"account\":\"did:plc:zqx\",\"x\":\"",
    "&lt;script&gt;zqx(1)&#60;/script&#62;",
    "../../zqx/%2e%2e/\0",
];

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A page in which nothing runs, loads or leads elsewhere but what we wrote.
fn assert_inert(page: &str, what: &str) {
    for tag in page.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap_or_default();
        assert!(!["script", "style", "iframe", "object", "embed", "base"].contains(&name), "{what}: <{tag}>");
        // Values stand in double quotes, so every other piece is outside them.
        let outside = tag.split('"').step_by(2).flat_map(str::split_whitespace);
        for attribute in outside.filter_map(|piece| piece.strip_suffix('=')) {
            assert!(!attribute.starts_with("on") && attribute != "style", "{what}: <{tag}>");
        }
        for attribute in ["href=\"", "src=\"", "action=\""] {
            for address in tag.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                let ours =
                    address.starts_with('/') && !address.starts_with("//") || address.starts_with(['#', '?']);
                let web = address.starts_with("https://") || address.starts_with("http://");
                assert!(ours || web, "{what}: <{tag}>");
                let theirs = ours || !address.contains(MARK) || address.starts_with(PICTURES);
                assert!(theirs, "{what}: <{tag}>");
            }
        }
    }
}

/// An answer that means what we wrote, whatever was asked.
fn assert_sound(reply: &Reply, what: &str) {
    let is_ours = matches!(reply.status, 200..=499 | 501);
    assert!(is_ours, "{what} gave {}: {}", reply.status, reply.body);
    assert!(reply.cookies.iter().all(|cookie| !cookie.contains(MARK)), "{what}: {:?}", reply.cookies);
    let location = reply.header("location");
    assert!(!location.contains(['\r', '\n', '<', '"', '\\', ' ']), "{what}: {location}");
    let kind = reply.header("content-type");
    assert!(reply.body.is_empty() || reply.header("x-content-type-options") == "nosniff", "{what}: {kind}");
    match kind.split(';').next().unwrap() {
        "text/html" => {
            assert_inert(&reply.body, what);
            assert!(reply.header("content-security-policy").starts_with("default-src 'none';"), "{what}");
            assert!(
                !reply.body.contains(['\u{1b}', '\u{7}', '\0', '\u{202e}', '\u{2066}']),
                "{what}: {}",
                reply.body
            );
        }
        "application/json" | "application/problem+json" | "application/jrd+json" => {
            assert!(reply.json().is_object(), "{what}: {}", reply.body);
        }
        "text/plain" | "text/event-stream" | "" => {}
        other => panic!("{what} gives {other}"),
    }
}

async fn world() -> (demo::World, SocketAddr) {
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let world = demo::World::start(demo::Options::private(clock, 7).await.unwrap()).await.unwrap();
    let address = world.public_url.socket_addrs(|| None).unwrap()[0];
    (world, address)
}

#[tokio::test]
async fn whatever_is_asked_for_stays_text_in_what_is_answered() {
    let (world, address) = world().await;
    for injection in INJECTIONS {
        let text = escaped(injection);
        for target in [
            format!("/@{text}"),
            format!("/@{text}.example.com"),
            format!("/@alice?scheme={text}"),
            format!("/profile/{text}"),
            format!("/profile/did:plc:{text}"),
            format!("/?q={text}"),
            format!("/?q=%40{text}%40{address}"),
            format!("/?q=alice&scheme={text}"),
            format!("/v1/resolve?handle={text}"),
            format!("/v1/resolve?handle=alice&scheme={text}&fresh={text}"),
            format!("/v1/explain?handle={text}"),
            format!("/v1/accounts/{text}"),
            format!("/v1/accounts/did:plc:{text}/handles"),
            format!("/v1/changes?after={text}"),
            format!("/v1/changes?limit={text}"),
            format!("/v1/independent/accounts/{text}/log"),
            format!("/v1/tls-allowed?domain={text}"),
            format!("/v1/compare?row={text}"),
            format!("/compare?columns={text}"),
            format!("/compare?story={text}"),
            format!("/compare?story=ban&with={text}"),
            format!("/.well-known/webfinger?resource={text}&rel={text}"),
            format!("/.well-known/webfinger?resource=acct:{text}@{address}"),
            format!("/xrpc/com.atproto.identity.resolveHandle?handle={text}"),
            format!("/xrpc/com.atproto.identity.resolveIdentity?identifier={text}"),
            format!("/xrpc/{text}"),
            format!("/problems/{text}"),
            format!("/mirror/{text}"),
            format!("/mirror/threads?done={text}"),
            format!("/mirror/threads/callback?code={text}&state={text}"),
            format!("/mirror/threads/callback?error={text}&error_description={text}"),
            format!("/mirror/threads/delete?code={text}"),
            format!("/{text}"),
            format!("/nowhere?{text}={text}"),
        ] {
            // There is a quota of explanations.
            let accepts = [HTML, ("accept", "application/json")];
            let accepts = if target.contains("explain") { &accepts[..1] } else { &accepts[..] };
            for accept in accepts.iter().copied() {
                let reply = send(address, "GET", &target, &[accept], "").await;
                // The comparison may still be in the making.
                if !(reply.status == 503 && target.contains("compare")) {
                    assert_sound(&reply, &format!("{injection:?} in {target} ({})", accept.1));
                }
            }
        }
        let batch = json!({ "handles": [injection], "scheme": injection }).to_string();
        let one = json!({ "handles": [injection] }).to_string();
        for body in [&batch, &one, injection] {
            let reply = send(address, "POST", "/v1/resolve", &[], body).await;
            assert_sound(&reply, &format!("{injection:?} in a batch"));
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn what_a_request_says_of_itself_is_not_repeated() {
    let (world, address) = world().await;
    for injection in INJECTIONS.into_iter().filter(|text| !text.contains(['\r', '\n', '\0', '\u{1b}'])) {
        for name in [
            "host",
            "x-forwarded-host",
            "x-forwarded-for",
            "x-forwarded-proto",
            "forwarded",
            "x-original-url",
            "x-rewrite-url",
            "origin",
            "referer",
            "user-agent",
            "cookie",
            "if-none-match",
            "accept-encoding",
            "accept-language",
            "last-event-id",
            "access-control-request-headers",
            "access-control-request-method",
            "authorization",
            "range",
            "x-http-method-override",
        ] {
            for (method, target) in [
                ("GET", "/"),
                ("GET", "/@alice"),
                ("GET", "/nowhere"),
                ("GET", "/mirror/threads"),
                ("OPTIONS", "/@alice"),
            ] {
                let what = format!("{injection:?} as {name} of {method} {target}");
                let reply = send(address, method, target, &[HTML, (name, injection)], "").await;
                // A `Host` that cannot be one may be refused.
                assert!((200..500).contains(&reply.status), "{what} gave {}", reply.status);
                assert!(
                    !reply.body.contains(MARK) && !reply.header("location").contains(MARK),
                    "{what}: {reply:?}"
                );
                assert!(reply.cookies.iter().all(|cookie| !cookie.contains(MARK)), "{what}");
                let echoed = reply.header("access-control-allow-headers");
                let is_names = |text: &str| {
                    text.bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b", -_.!#$%&'*+^`|~".contains(&byte))
                };
                assert!(is_names(echoed), "{what}: {echoed}");
            }
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn what_people_say_of_themselves_stays_text() {
    let store = Arc::new(MemoryStore::default());
    let place = Place::over(store, |_, limits| limits.explain_per_minute = 1000).await;
    let did = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap();
    let handle = "mallory.example.com";
    for injection in INJECTIONS {
        place.internet.add_person(&did, handle, injection, injection);
        let record = json!({ "$type": "app.bsky.actor.profile", "displayName": injection, "description": injection,
            "avatar": injection, "banner": injection, "pinnedPost": injection });
        place.internet.set_profile(&did, &record);
        place.internet.set_document(&did, &json!({
            "@context": [injection], "id": did.to_string(), "alsoKnownAs": [format!("at://{handle}"), injection],
            "service": [{ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example.com" },
                { "id": injection, "type": injection, "serviceEndpoint": injection }],
        }));
        for target in [
            format!("/@{handle}"),
            format!("/profile/{did}"),
            format!("/?q={handle}"),
            format!("/v1/explain?handle={handle}"),
            format!("/v1/resolve?handle={handle}"),
            format!("/.well-known/webfinger?resource=did:plc:{}", &did.to_string()[8..]),
            format!("/xrpc/com.atproto.identity.resolveIdentity?identifier={handle}"),
        ] {
            for accept in [HTML, ("accept", "application/json")] {
                let reply = place.server.send("GET", &target, &[accept], "").await;
                assert_eq!(reply.status, 200, "{target}: {}", reply.body);
                assert_sound(&reply, &format!("{injection:?} of somebody at {target}"));
            }
        }
        let shown: Value = place.server.get(&format!("/@{handle}")).await.json();
        let name = shown["profile"]["displayName"].as_str().unwrap();
        assert!(name.contains(MARK), "it is shown: {name}");
        assert_eq!(shown["account"], did.to_string());
        place.clock.advance(std::time::Duration::from_secs(7200));
    }
}

#[tokio::test]
async fn what_an_upstream_says_of_people_stays_text() {
    let (world, _) = crate::browser::world().await;
    for (number, injection) in INJECTIONS.into_iter().enumerate() {
        let mut somebody = person(&format!("mallory{number}"));
        (somebody.name, somebody.bio) = (Some(injection.to_owned()), Some(injection.to_owned()));
        somebody.picture = Some(format!("{PICTURES}{injection}"));
        world.sandbox.add(somebody).unwrap();
        let mut browser = Browser::new(&world);
        browser.link(&format!("mallory{number}")).await;
        for target in [PAGE, &format!("/@mallory{number}"), &format!("/?q=mallory{number}")] {
            let reply = browser.get(target).await;
            assert_eq!(reply.status, 200, "{injection:?} at {target}");
            assert_sound(&reply, &format!("{injection:?} of somebody at {target}"));
        }
        let body = format!("displayName={0}&description={0}", escaped(injection));
        let reply = browser.post("/mirror/threads/profile", &body).await;
        assert!(reply.status < 500, "{injection:?} saved: {}", reply.body);
        assert_sound(&browser.get(PAGE).await, &format!("{injection:?}, saved"));
    }
    world.stop().await;
}
