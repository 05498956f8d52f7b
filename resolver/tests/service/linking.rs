//! What keeps a sign-in from being used by somebody else, as it goes over HTTP.

use namesake_resolver::demo;
use url::Url;

use crate::{
    browser::{Browser, PAGE, SESSION, world},
    support::Reply,
};

async fn browsers() -> (demo::World, Browser, Browser) {
    let (world, _) = world().await;
    let (one, another) = (Browser::new(&world), Browser::new(&world));
    (world, one, another)
}

fn problem(reply: &Reply) -> (u16, bool) {
    (reply.status, reply.cookies.is_empty())
}

#[tokio::test]
async fn a_callback_counts_once_and_in_the_browser_that_began() {
    let (world, mut browser, mut another) = browsers().await;
    let back = browser.consent("dora").await;
    // Another person's browser, with a sign-in of its own under way or not: nobody is signed in as somebody else.
    assert_eq!(problem(&another.get(&back).await), (403, true));
    another.get(&format!("{PAGE}/connect")).await;
    assert_eq!(problem(&another.get(&back).await), (403, true));
    assert_eq!(browser.get(&back).await.status, 303);
    assert_eq!(problem(&browser.get(&back).await), (403, true), "used");
    assert!(browser.cookies.contains_key(SESSION) && !another.cookies.contains_key(SESSION));
    world.stop().await;
}

#[tokio::test]
async fn looking_begins_and_ends_nothing() {
    let (world, mut browser, _) = browsers().await;
    let before = browser.get("/v1/changes?limit=1000").await.json()["next"].clone();
    for path in ["connect", "callback", "callback?code=x&state=x"] {
        let looked = browser.send("HEAD", &format!("{PAGE}/{path}"), &[], "").await;
        assert_eq!((problem(&looked), looked.header("allow")), ((405, true), "GET, OPTIONS"), "{looked:?}");
    }
    for _ in 0..3 {
        assert_eq!(browser.get(&format!("{PAGE}/connect")).await.status, 303);
    }
    for query in ["", "?state=x", "?code=x", "?code=x&state=x", "?error=access_denied&state=x"] {
        let refused = browser.get(&format!("{PAGE}/callback{query}")).await;
        assert!((400..404).contains(&refused.status), "{query} {refused:?}");
    }
    assert_eq!(browser.get("/v1/changes?limit=1000").await.json()["next"], before);
    world.stop().await;
}

#[tokio::test]
async fn after_a_sign_in_nobody_is_sent_where_a_request_says() {
    let (world, mut browser, _) = browsers().await;
    let elsewhere = "https%3A%2F%2Felsewhere.example%2F";
    let there = format!("redirect={elsewhere}&next={elsewhere}&done={elsewhere}&return_to={elsewhere}");
    let connect = browser.get(&format!("{PAGE}/connect?{there}")).await;
    assert!(!connect.header("location").contains("elsewhere"), "{connect:?}");
    let back = browser.consent("dora").await;
    let linked = browser.get(&format!("{back}&{there}")).await;
    assert_eq!((linked.status, linked.header("location")), (303, "/mirror/threads?done=linked"));
    world.stop().await;
}

#[tokio::test]
async fn the_cookie_of_a_sign_in_is_of_this_host_alone_and_tells_nothing() {
    let (world, mut browser, _) = browsers().await;
    let connect = browser.get(&format!("{PAGE}/connect")).await;
    let [cookie] = &connect.cookies[..] else { panic!("{connect:?}") };
    let (name, rest) = cookie.split_once('=').unwrap();
    let (value, attributes) = rest.split_once("; ").unwrap();
    assert_eq!(name, "__Host-namesake-linking-threads");
    assert_eq!(attributes, "Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax");
    let there: Url = connect.header("location").parse().unwrap();
    let state = there.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    assert!(!value.contains(&state) && cookie.len() < 4096, "{cookie}");
    world.stop().await;
}

#[tokio::test]
async fn the_redirect_is_the_configured_one_whatever_a_request_says() {
    let (world, mut browser, _) = browsers().await;
    let callback = world.public_url.join("mirror/threads/callback").unwrap();
    for headers in [
        vec![],
        vec![("host", "elsewhere.example")],
        vec![("x-forwarded-host", "elsewhere.example"), ("x-forwarded-proto", "https")],
        vec![("forwarded", "host=elsewhere.example")],
    ] {
        let connect = browser
            .send("GET", "/mirror/threads/connect?redirect_uri=https://x.example/", &headers, "")
            .await;
        let there: Url = connect.header("location").parse().unwrap();
        let redirects: Vec<_> = there.query_pairs().filter(|(name, _)| name == "redirect_uri").collect();
        assert_eq!(redirects.len(), 1);
        assert_eq!(redirects[0].1, callback.as_str(), "{headers:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn linking_again_ends_the_sign_in_elsewhere() {
    let (world, mut browser, mut another) = browsers().await;
    assert_eq!(browser.link("dora").await.status, 303);
    assert!(browser.get(PAGE).await.body.contains("Your profile"));
    assert_eq!(another.link("dora").await.status, 303);
    assert!(!browser.get(PAGE).await.body.contains("Your profile"));
    assert_eq!(browser.post("/mirror/threads/leave", "confirm=yes").await.status, 401);
    assert!(another.get(PAGE).await.body.contains("Your profile"));
    world.stop().await;
}

#[tokio::test]
async fn a_subscription_is_answered_in_plain_text_and_only_to_whom_it_was_agreed_with() {
    let (world, mut browser, _) = browsers().await;
    let ask = |token: &str| {
        let challenge = "%3Cb%3E42";
        format!("{PAGE}/webhook?hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token={token}")
    };
    let answered = browser.get(&ask("sandbox-verify")).await;
    assert_eq!((answered.status, answered.body.as_str()), (200, "<b>42"));
    assert!(answered.header("content-type").starts_with("text/plain"), "{answered:?}");
    assert_eq!(answered.header("x-content-type-options"), "nosniff");
    let refused = browser.get(&ask("sandbox-verif")).await;
    assert!(refused.status == 403 && !refused.body.contains("42"), "{refused:?}");
    world.stop().await;
}
