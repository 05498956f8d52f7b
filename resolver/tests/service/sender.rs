//! Who asks for something to be done to an account: of what is there twice nothing is believed.

use crate::browser::{Browser, SESSION, world};

const DISPLAY: &str = r#"{"displayName":"Theirs"}"#;

#[tokio::test]
async fn what_a_browser_says_twice_or_of_another_site_is_no_permission() {
    let (world, _) = world().await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.link("dora").await.status, 303);
    let account = browser.send("GET", "/@dora?scheme=threads", &[], "").await.json()["account"].clone();
    let own = format!("/v1/mirror/accounts/{}", account.as_str().unwrap());
    let (token, ours) = (browser.cookies[SESSION].clone(), world.public_url.origin().ascii_serialization());
    let (ours, theirs) = (("origin", ours.as_str()), ("origin", "https://elsewhere.example"));
    let site = |site| ("sec-fetch-site", site);
    for headers in [
        &[theirs][..],
        &[ours, theirs],
        &[theirs, ours],
        &[theirs, theirs],
        &[ours, ours],
        &[("origin", "null")],
        &[("origin", "")],
        &[ours, site("cross-site")],
        &[ours, site("same-origin"), site("cross-site")],
        &[ours, site("same-origin"), site("same-origin")],
        &[site("cross-site")],
        &[site("same-site")],
    ] {
        for (method, body) in [("PATCH", DISPLAY), ("DELETE", "")] {
            let refused = browser.send(method, &own, headers, body).await;
            assert_eq!(refused.status, 403, "{method} {headers:?} {refused:?}");
            assert_eq!(refused.json()["type"], "/problems/refused");
        }
    }
    // Two credentials leave open whose they are.
    let cookie = format!("{SESSION}={token}");
    let other = format!("{SESSION}={}", "x".repeat(token.len()));
    let twice = format!("{other}; {cookie}");
    let bearer = format!("Bearer {token}");
    let bearer = ("authorization", bearer.as_str());
    browser.cookies.clear();
    for headers in [
        &[("cookie", twice.as_str())][..],
        &[("cookie", cookie.as_str()), ("cookie", other.as_str())],
        &[bearer, bearer],
        &[bearer, bearer, ("cookie", cookie.as_str())],
        &[bearer, ("authorization", "Basic YTpi")],
    ] {
        for (method, body) in [("GET", ""), ("PATCH", DISPLAY), ("DELETE", "")] {
            let refused = browser.send(method, &own, headers, body).await;
            assert_eq!(refused.status, 401, "{method} {headers:?} {refused:?}");
        }
    }
    for headers in
        [&[bearer][..], &[bearer, ours], &[bearer, site("same-origin")], &[("cookie", &cookie), ours]]
    {
        let taken = browser.send("PATCH", &own, headers, r#"{"displayName":"Mine"}"#).await;
        assert_eq!(taken.status, 200, "{headers:?} {taken:?}");
    }
    world.stop().await;
}
