//! Accounts that live here, looked up.

use serde_json::{Value, json};

use super::{Author, OWN, Place, refused};

/// Who answers to a name, by every way there is to ask.
async fn ways(place: &Place, handle: &str) -> Vec<(String, u16, Value)> {
    let mut seen = Vec::new();
    for target in [
        format!("/v1/resolve?handle={handle}"),
        format!("/@{handle}"),
        format!("/profile/{handle}"),
        format!("/xrpc/com.atproto.identity.resolveHandle?handle={handle}"),
        format!("/xrpc/com.atproto.identity.resolveIdentity?identifier={handle}"),
        format!("/.well-known/webfinger?resource=acct:{handle}@{OWN}"),
    ] {
        let reply = place.server.get(&target).await;
        let body = reply.json();
        let account =
            [&body["account"], &body["did"], &body["aliases"][1]].into_iter().find(|it| it.is_string());
        let account = account.cloned().unwrap_or_default();
        seen.push((target, reply.status, account));
    }
    seen
}

#[tokio::test]
async fn a_rename_is_seen_at_once_everywhere() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    let (old, new) = ("dora.people.test", "dorothea.people.test");
    let by_account = [
        format!("/v1/accounts/{}", dora.did()),
        format!("/profile/{}", dora.did()),
        format!("/v1/resolve?handle={}", dora.did()),
        format!("/xrpc/com.atproto.identity.resolveIdentity?identifier={}", dora.did()),
    ];
    let document = format!("/xrpc/com.atproto.identity.resolveDid?did={}", dora.did());
    for (before, now, gone) in [(true, old, new), (false, new, old)] {
        if !before {
            place.rename(&mut dora, new).await;
        }
        // Twice: the second time from memory.
        for _ in 0..2 {
            for (target, status, account) in ways(&place, now).await {
                assert_eq!((status, account), (200, dora.did().into()), "{target}");
            }
            for (target, status, _) in ways(&place, gone).await {
                assert!(matches!(status, 400 | 404), "{target} gives {status}");
            }
            for target in &by_account {
                assert_eq!(place.server.get(target).await.json()["handle"], now, "{target}");
            }
            let document = place.server.get(&document).await.json();
            assert_eq!(document["didDoc"]["alsoKnownAs"][0], format!("at://{now}"));
        }
    }
    let released = place.server.get(&format!("/@{old}")).await;
    assert_eq!(refused(&released), (404, "handle-released".to_owned()));
    assert_eq!(place.server.get(&format!("/@{new}")).await.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn the_verifiable_name_leads_to_the_same_account() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    let targets = [
        format!("/v1/resolve?handle={}", dora.webvh()),
        format!("/v1/accounts/{}", dora.webvh().replace(':', "%3A")),
        format!("/profile/{}", dora.webvh()),
    ];
    for handle in ["dora.people.test", "dorothea.people.test"] {
        if handle == "dorothea.people.test" {
            place.rename(&mut dora, handle).await;
        }
        for target in &targets {
            let body = place.server.get(target).await.json();
            assert_eq!((&body["account"], &body["handle"]), (&json!(dora.did()), &json!(handle)), "{target}");
        }
    }
    let other = dora.webvh().replacen(":Qm", ":Qn", 1);
    assert_eq!(place.server.get(&format!("/v1/accounts/{other}")).await.status, 404);
    let explained = place.server.get(&format!("/v1/explain?handle={}", dora.webvh())).await.json();
    assert_eq!(explained["resolution"]["account"], dora.did());
}

#[tokio::test]
async fn the_log_says_who_held_which_handle_when() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    place.rename(&mut dora, "dorothea.people.test").await;
    for id in [dora.did(), dora.webvh().to_owned()] {
        let body = place.server.get(&format!("/v1/accounts/{id}/handles")).await.json();
        assert_eq!((&body["account"], &body["source"]), (&json!(dora.did()), &json!("webvh-log")));
        assert_eq!(body["deactivated"], false);
        assert_eq!(
            body["handles"],
            json!([
                { "handle": "dora.people.test", "from": "2026-11-22T12:00:01Z", "until": "2026-11-22T12:00:02Z" },
                { "handle": "dorothea.people.test", "from": "2026-11-22T12:00:02Z", "until": null, "verified": true },
            ])
        );
    }
    let nobody = Author::new(9).did();
    assert_eq!(place.server.get(&format!("/v1/accounts/{nobody}/handles")).await.status, 404);
}

#[tokio::test]
async fn a_domain_of_ones_own_is_proved_in_the_world() {
    let place = Place::new().await;
    let dora = place.register(1, "dora.example.com").await;
    place.internet.set_txt("dora.example.com", &[&format!("did={}", dora.did())]);
    let found = place.server.get("/@dora.example.com").await.json();
    assert_eq!((&found["account"], &found["proof"]["method"]), (&json!(dora.did()), &json!("dns-txt")));
    // Its host is none of ours, whoever sends us requests for it.
    assert_eq!(place.at("dora.example.com", "/v1/policies").await.status, 200);
    assert_eq!(place.at("dora.example.com", "/.well-known/atproto-did").await.status, 404);
}
