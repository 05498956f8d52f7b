//! `/mirror/{name}`, with a browser that runs no script.

use std::time::Duration;

use namesake_mirror::sandbox::Faults;
use namesake_resolver::{demo, pages::CONTENT_SECURITY_POLICY};

use crate::{
    browser::{Browser, PAGE, SESSION, person, world},
    support::Reply,
};

const SAVE: &str = "/mirror/threads/profile";
const LEAVE: &str = "/mirror/threads/leave";
const SIGN_OUT: &str = "/mirror/threads/sign-out";

/// A world with a browser that is signed in as dora.
async fn signed_in() -> (demo::World, std::sync::Arc<namesake::ManualClock>, Browser) {
    let (world, clock) = world().await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.link("dora").await.status, 303);
    (world, clock, browser)
}

async fn public_profile(browser: &mut Browser) -> serde_json::Value {
    browser.send("GET", "/@dora?scheme=threads", &[], "").await.json()["profile"].clone()
}

fn holds(page: &Reply, texts: &[&str]) {
    for text in texts {
        assert!(page.body.contains(text), "{text} is not in {}", page.body);
    }
}

#[tokio::test]
async fn before_linking_the_page_says_what_it_means() {
    let (world, _) = world().await;
    let mut browser = Browser::new(&world);
    let page = browser.get(PAGE).await;
    assert_eq!(page.status, 200);
    for text in ["Locked.", "Copied once,", "within 10 seconds", "At most 24 hours", "Everything goes"] {
        holds(&page, &[text]);
    }
    // A link: a browser would hold a form's redirect to `form-action`, and this one leads to the upstream.
    holds(&page, &[r#"href="/mirror/threads/connect""#, r#"<meta name="referrer" content="same-origin">"#]);
    assert!(!page.body.contains("method=\"post\"") && !page.body.contains("<script"), "{page:?}");
    for (header, value) in [
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("access-control-allow-origin", ""),
    ] {
        assert_eq!(page.header(header), value, "{header}");
    }
    holds(&browser.get("/").await, &[r#"href="/mirror/threads""#]);
    assert_eq!(browser.get("/mirror/independent").await.status, 404);
    assert!(
        !browser.get("/mirror/threads?done=linked").await.body.contains("Linked."),
        "whoever wrote the link"
    );
    world.stop().await;
}

#[tokio::test]
async fn linking_ends_on_ones_own_page() {
    let (world, _) = world().await;
    let mut browser = Browser::new(&world);
    for (done, words) in
        [("linked", "Linked. This is your account"), ("signed-in", "Signed in. This account was")]
    {
        let linked = browser.link("dora").await;
        let location = format!("{PAGE}?done={done}");
        assert_eq!((linked.status, linked.header("location")), (303, location.as_str()), "{linked:?}");
        let page = browser.get(&location).await;
        holds(
            &page,
            &[words, "@dora", "dora upstream", "Hello.", "https://pictures.example/dora.jpg", "Locked"],
        );
        assert!(!page.body.contains("<img src=\"https:"), "the picture is a link");
    }
    world.sandbox.rename("dora", "theodora").unwrap();
    world.sandbox.delivered().await;
    world.mirror.settled().await;
    let page = browser.get(PAGE).await;
    holds(&page, &["@theodora", "Former handles", "<bdi>@dora</bdi>"]);
    world.stop().await;
}

#[tokio::test]
async fn ones_texts_are_changed_by_a_form() {
    let (world, _, mut browser) = signed_in().await;
    let saved = browser.post(SAVE, "displayName=D%C3%B3ra+%3Cb%3E&description=One%0D%0ATwo").await;
    assert_eq!((saved.status, saved.header("location")), (303, "/mirror/threads?done=saved"), "{saved:?}");
    assert_eq!(saved.header("cache-control"), "no-store");
    let page = browser.get("/mirror/threads?done=saved").await;
    holds(&page, &["Saved.", "value=\"D\u{f3}ra &lt;b&gt;\"", "One\nTwo</textarea>"]);
    let profile = public_profile(&mut browser).await;
    assert_eq!(
        (&profile["displayName"], &profile["description"]),
        (&"D\u{f3}ra <b>".into(), &"One\nTwo".into())
    );
    assert_eq!(
        browser.post(SAVE, "displayName=").await.status,
        303,
        "an empty field clears, a missing one stays"
    );
    let profile = public_profile(&mut browser).await;
    assert_eq!(
        (&profile["displayName"], &profile["description"]),
        (&serde_json::Value::Null, &"One\nTwo".into())
    );
    world.stop().await;
}

#[tokio::test]
async fn what_is_mirrored_is_refused_in_words_and_nothing_typed_is_lost() {
    let (world, _, mut browser) = signed_in().await;
    let before = public_profile(&mut browser).await;
    for (field, status, name) in [
        ("handle=root", 403, "handle-is-mirrored"),
        ("avatar=https://x.example/", 403, "refused"),
        ("picture=", 403, "refused"),
        ("account=x", 400, "invalid-request"),
        ("displayName=again", 400, "invalid-request"),
    ] {
        let refused = browser.post(SAVE, &format!("displayName=Typed&description=words&{field}")).await;
        assert_eq!(refused.status, status, "{field} {refused:?}");
        holds(&refused, &[name, "role=\"alert\"", "value=\"Typed\"", "words</textarea>"]);
        assert_eq!(refused.header("cache-control"), "no-store");
    }
    assert_eq!(public_profile(&mut browser).await, before);

    browser.cookies.clear();
    let refused = browser.post(SAVE, "handle=root").await;
    assert_eq!(refused.status, 403, "the rule is the same for everybody");
    let refused = browser.post(SAVE, "displayName=Typed").await;
    assert_eq!(refused.status, 401);
    holds(&refused, &["sign-in-required", "What you typed", "value=\"Typed\"", "readonly"]);
    world.stop().await;
}

#[tokio::test]
async fn a_sign_in_that_ended_loses_nothing_typed() {
    let (world, clock, mut browser) = signed_in().await;
    clock.advance(world.mirror.settings().session_ttl);
    world.mirror.settled().await;
    let refused = browser.post(SAVE, "displayName=Typed").await;
    assert_eq!(refused.status, 401, "{refused:?}");
    holds(&refused, &["value=\"Typed\"", "/mirror/threads/connect"]);
    world.stop().await;
}

#[tokio::test]
async fn only_our_own_pages_act_for_the_owner() {
    let (world, _, mut browser) = signed_in().await;
    let before = public_profile(&mut browser).await;
    let ours = world.public_url.origin().ascii_serialization();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let origin = |origin| ("origin", origin);
    let site = |site| ("sec-fetch-site", site);
    let html = ("accept", "text/html");
    for headers in [
        vec![form],
        vec![form, site("same-origin")],
        vec![form, origin("null")],
        vec![form, origin("https://elsewhere.example")],
        vec![form, origin(&ours), origin("https://elsewhere.example")],
        vec![form, origin(&ours), site("cross-site")],
        vec![form, origin(&ours), site("same-site")],
        vec![form, origin(&ours), site("none")],
        vec![form, origin(&ours), site("same-origin"), site("same-origin")],
    ] {
        for (path, body) in [(SAVE, "displayName=Theirs"), (LEAVE, "confirm=yes"), (SIGN_OUT, "")] {
            let refused = browser.send("POST", path, &[&headers[..], &[html]].concat(), body).await;
            assert_eq!(refused.status, 403, "{headers:?} {refused:?}");
            assert!(!refused.body.contains("Theirs"), "what a stranger wrote is not shown: {refused:?}");
        }
    }
    let from_us = [origin(&ours), site("same-origin")];
    let plain =
        browser.send("POST", SAVE, &[&from_us[..], &[("content-type", "text/plain")]].concat(), "x").await;
    assert_eq!(plain.status, 400, "{plain:?}");
    assert_eq!(browser.post(SAVE, "displayName=%zz").await.status, 400);
    assert_eq!(browser.post(SAVE, &format!("displayName={}", "x".repeat(70_000))).await.status, 413);
    assert_eq!(public_profile(&mut browser).await, before, "nothing came of all that");
    // A browser that does not say what kind of site asks is believed in what it says of the origin.
    let saved = browser.send("POST", SAVE, &[form, origin(&ours)], "displayName=Mine").await;
    assert_eq!(saved.status, 303, "{saved:?}");
    // A client that likes JSON better gets the problem document.
    let refused = browser.send("POST", SAVE, &[form, origin(&ours)], "handle=root").await;
    assert_eq!(refused.json()["type"], "/problems/handle-is-mirrored");
    world.stop().await;
}

#[tokio::test]
async fn leaving_takes_a_box_that_is_ticked() {
    let (world, _, mut browser) = signed_in().await;
    for body in ["", "confirm=no", "confirm=yes&confirm=yes", "confirm=yes&x=y"] {
        let refused = browser.post(LEAVE, body).await;
        assert_eq!(refused.status, 400, "{body}");
        holds(&refused, &["Nothing was deleted", "Your profile"]);
    }
    let left = browser.post(LEAVE, "confirm=yes").await;
    assert_eq!((left.status, left.header("location")), (303, "/mirror/threads?done=deleted"), "{left:?}");
    assert!(!browser.cookies.contains_key(SESSION));
    holds(&browser.get("/mirror/threads?done=deleted").await, &["Your account was deleted.", "/connect"]);
    assert_eq!(browser.get("/@dora?scheme=threads").await.status, 404);
    assert_eq!(browser.post(LEAVE, "confirm=yes").await.status, 401);
    world.stop().await;
}

#[tokio::test]
async fn an_account_that_needs_a_login_says_so_and_where() {
    let (world, clock, mut browser) = signed_in().await;
    world.sandbox.revoke_tokens("dora").unwrap();
    clock.advance(world.mirror.settings().max_unconfirmed + Duration::from_secs(1));
    world.mirror.settled().await;
    let page = browser.get(PAGE).await;
    holds(&page, &["Needs login.", "Sign in again at", "None at present", "dora upstream"]);
    let again = browser.link("dora").await;
    assert_eq!(again.header("location"), "/mirror/threads?done=signed-in");
    let page = browser.get(PAGE).await;
    assert!(page.body.contains("@dora") && !page.body.contains("Needs login"), "{page:?}");
    world.stop().await;
}

#[tokio::test]
async fn whoever_is_signed_in_can_sign_out_and_link_another_account() {
    let (world, _, mut browser) = signed_in().await;
    world.sandbox.add(person("erna")).unwrap();
    let page = browser.get(PAGE).await;
    holds(&page, &[r#"method="post" action="/mirror/threads/sign-out""#, "Sign out"]);
    let mine = browser.cookies[SESSION].clone();

    // A link is for good: the refusal says so on a page from which one can sign out.
    let refused = browser.link("erna").await;
    assert_eq!(refused.status, 403, "{refused:?}");
    holds(&refused, &["sign out first", r#"action="/mirror/threads/sign-out""#, "role=\"alert\""]);

    let out = browser.post(SIGN_OUT, "").await;
    assert_eq!((out.status, out.header("location")), (303, "/mirror/threads?done=signed-out"), "{out:?}");
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    holds(&browser.get("/mirror/threads?done=signed-out").await, &["Signed out.", "Link or sign in at"]);
    // Not only the cookie is gone: whoever kept it has nothing.
    browser.cookies.insert(SESSION.to_owned(), mine);
    assert!(!browser.get(PAGE).await.body.contains("Your profile"));
    assert_eq!(browser.post(SAVE, "displayName=Mine").await.status, 401);
    assert_eq!(browser.post(SIGN_OUT, "").await.status, 303, "it is done already");

    let linked = browser.link("erna").await;
    assert_eq!(
        (linked.status, linked.header("location")),
        (303, "/mirror/threads?done=linked"),
        "{linked:?}"
    );
    assert_eq!(browser.send("GET", "/@dora", &[], "").await.status, 200, "she is as she was");
    world.stop().await;
}

#[tokio::test]
async fn every_refusal_has_a_way_back() {
    let (world, _, mut browser) = signed_in().await;
    let html = ("accept", "text/html");
    let form = ("content-type", "application/x-www-form-urlencoded");
    for (method, path, headers, body, status) in [
        ("GET", "/mirror/threads/callback?code=x&state=x", &[html][..], "", 403),
        ("GET", "/mirror/threads/callback?error=access_denied&state=x", &[html], "", 403),
        ("GET", "/mirror/threads/callback", &[html], "", 400),
        ("HEAD", "/mirror/threads/connect", &[html], "", 405),
        ("GET", "/mirror/threads/delete?code=x", &[html], "", 404),
        ("POST", SAVE, &[html, form], "displayName=x", 403),
        ("POST", LEAVE, &[html, form, ("origin", "https://elsewhere.example")], "confirm=yes", 403),
        ("POST", SIGN_OUT, &[html, form], "", 403),
        ("PUT", "/v1/mirror/accounts/threads:abc/handle", &[html], "{}", 403),
        ("GET", "/v1/mirror/accounts/threads:abc", &[html], "", 401),
    ] {
        let refused = browser.send(method, path, headers, body).await;
        assert_eq!(refused.status, status, "{method} {path} {refused:?}");
        if method != "HEAD" {
            let ways = [r#"href="/mirror/threads""#, r#"action="/mirror/threads/sign-out""#];
            assert!(ways.iter().any(|way| refused.body.contains(way)), "{method} {path} {refused:?}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn a_text_that_is_too_long_is_refused_with_all_of_it_kept() {
    let (world, _, mut browser) = signed_in().await;
    let before = public_profile(&mut browser).await;
    let (name, bio) = ("n".repeat(70), "b".repeat(300));
    for (body, says) in [
        (format!("displayName={name}&description=short"), "70 of 64 characters: <strong>6 too many</strong>"),
        (
            format!("displayName=short&description={bio}"),
            "300 of 256 characters: <strong>44 too many</strong>",
        ),
    ] {
        let refused = browser.post(SAVE, &body).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        holds(&refused, &["role=\"alert\"", "Nothing was saved", says]);
        let kept = if body.contains(&bio) { &bio } else { &name };
        holds(&refused, &[kept.as_str(), "short"]);
    }
    let own = browser.get("/v1/changes").await.json()["changes"].clone();
    let account = own.as_array().unwrap().last().unwrap()["account"].as_str().unwrap().to_owned();
    let path = format!("/v1/mirror/accounts/{account}");
    for body in [format!(r#"{{"displayName":"{name}"}}"#), format!(r#"{{"displayName":"x","bio":"{bio}"}}"#)]
    {
        let refused = browser.send("PATCH", &path, &[], &body).await;
        assert_eq!((refused.status, &refused.json()["type"]), (400, &"/problems/text-too-long".into()));
        assert!(refused.json()["detail"].as_str().unwrap().contains("are the most"), "{refused:?}");
    }
    assert_eq!(public_profile(&mut browser).await, before);

    let page = browser.get(PAGE).await;
    holds(&page, &["13 of 64 characters.", "6 of 256 characters.", "maxlength="]);
    // What is within the limits is taken to the letter, whatever it is made of.
    let (family, escaped) = (
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7",
    );
    assert_eq!(browser.post(SAVE, &format!("displayName={}", escaped.repeat(64))).await.status, 303);
    assert_eq!(public_profile(&mut browser).await["displayName"], family.repeat(64));
    world.stop().await;
}

#[tokio::test]
async fn a_mirrored_profile_is_as_old_as_its_last_confirmation_and_promises_this_mirrors_interval() {
    let (world, clock, mut browser) = signed_in().await;
    let webhooks = |on| Faults { webhooks: Some(on), ..Faults::default() };
    world.sandbox.set_faults(webhooks(false));
    let html = ("accept", "text/html");
    // As a page, as JSON from the hot path and past it, and in words beside the steps.
    let seen = async |browser: &mut Browser, age: u64, words: &str| {
        let page = browser.send("GET", "/@dora", &[html], "").await;
        holds(&page, &[words]);
        assert!(!page.body.contains("told at once"), "{page:?}");
        holds(&browser.send("GET", "/?q=dora", &[html], "").await, &[words]);
        let explained = browser.send("GET", "/v1/explain?handle=dora", &[html], "").await;
        holds(&explained, &[words]);
        let mut checked = Vec::new();
        for target in ["/@dora", "/@dora", "/@%64ora", "/v1/resolve?handle=dora", "/v1/explain?handle=dora"] {
            let reply = browser.send("GET", target, &[], "").await;
            let whole = reply.json();
            let answer = if whole["resolution"].is_null() { &whole } else { &whole["resolution"] };
            assert_eq!(answer["freshness"]["ageSeconds"], age, "{target} {reply:?}");
            if !target.contains("explain") {
                assert_eq!(reply.header("age"), age.to_string(), "{target}");
                assert_eq!(reply.header("namesake-checked-at"), answer["proof"]["checkedAt"], "{target}");
            }
            checked.push(answer["proof"]["checkedAt"].as_str().unwrap().to_owned());
        }
        checked.dedup();
        assert_eq!(checked.len(), 1, "{checked:?}");
        checked.remove(0)
    };
    let promise = "as it was last confirmed; a change there shows here within 10 seconds.";
    let linked = seen(&mut browser, 0, &format!("0 seconds old, {promise}")).await;
    clock.advance(Duration::from_secs(5));
    world.mirror.settled().await;
    assert_eq!(seen(&mut browser, 5, &format!("5 seconds old, {promise}")).await, linked);
    // A poll confirms what is known: the check that is shown moves on with it.
    clock.advance(Duration::from_secs(6));
    world.mirror.settled().await;
    let confirmed = seen(&mut browser, 0, &format!("0 seconds old, {promise}")).await;
    assert!(confirmed > linked, "{confirmed} after {linked}");
    // While nobody confirms it, it grows old, and nothing is promised.
    world.sandbox.set_faults(Faults { outage: Some(true), ..Faults::default() });
    clock.advance(Duration::from_secs(180));
    world.mirror.settled().await;
    let words =
        "3 minutes old, and not confirmed since then: it is answered for 24 hours after that at most.";
    assert_eq!(seen(&mut browser, 180, words).await, confirmed);
    world.stop().await;
}

#[tokio::test]
async fn that_nobody_linked_a_name_is_said_in_words_about_linking() {
    let (world, _) = world().await;
    let mut browser = Browser::new(&world);
    for target in ["/@nobody_here", "/@jane.doe?scheme=threads", "/?q=nobody_here"] {
        let page = browser.get(target).await;
        holds(&page, &["linked", r#"href="/mirror/threads""#]);
        for of_the_dns in ["Every source", "publish the record", "DNS record"] {
            assert!(!page.body.contains(of_the_dns), "{target} {page:?}");
        }
    }
    let refused = browser.send("GET", "/@nobody_here", &[], "").await;
    assert_eq!((refused.status, &refused.json()["linkAt"]), (404, &"/mirror/threads".into()), "{refused:?}");
    // A name of the internet is had by publishing a record, as before.
    let refused = browser.send("GET", "/@nobody.demo.test", &[], "").await;
    assert_eq!((refused.status, refused.json().get("linkAt")), (404, None), "{refused:?}");
    holds(&browser.get("/@nobody.demo.test").await, &["publish the record"]);
    // Of one that was released, there is somebody who may come back to it.
    browser.link("dora").await;
    world.sandbox.rename("dora", "theodora").unwrap();
    world.sandbox.delivered().await;
    world.mirror.settled().await;
    let released = browser.send("GET", "/@dora", &[], "").await;
    assert_eq!(
        (&released.json()["type"], &released.json()["linkAt"]),
        (&"/problems/handle-released".into(), &"/mirror/threads".into())
    );
    world.stop().await;
}
