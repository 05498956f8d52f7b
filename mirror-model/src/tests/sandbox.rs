//! The sandbox's controls over HTTP, as the outside uses them.

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};
use namesake::{Why, http::Call, store::MemoryStore};

use super::world::World;

#[tokio::test]
async fn the_controls_are_json_and_say_what_is_wrong() {
    let world = World::with(&["alice", "bob"], Arc::new(MemoryStore::new())).await;
    let at = |path: &str| world.sandbox.url().join(path).unwrap();
    let call =
        |method: Method, path: &str, body: &str| Call::json(method, at(path), body.as_bytes().to_vec());
    for (call, status) in [
        (
            call(
                Method::POST,
                "_control/people",
                r#"{"username":"carol","name":"C","bio":"b","picture":"https://x.example/"}"#,
            ),
            StatusCode::CREATED,
        ),
        (call(Method::POST, "_control/people", r#"{"username":"carol"}"#), StatusCode::CONFLICT),
        (
            call(Method::POST, "_control/people", r#"{"username":"not a name"}"#),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (call(Method::POST, "_control/people", r#"{"name":"x"}"#), StatusCode::UNPROCESSABLE_ENTITY),
        (call(Method::POST, "_control/people", "{"), StatusCode::UNPROCESSABLE_ENTITY),
        (call(Method::PATCH, "_control/people/alice", r#"{"username":"bob"}"#), StatusCode::CONFLICT),
        (call(Method::PATCH, "_control/people/alice", r#"{"username":"alice"}"#), StatusCode::OK),
        (call(Method::PATCH, "_control/people/nobody", "{}"), StatusCode::NOT_FOUND),
        (call(Method::PATCH, "_control/people/alice", r#"{"username":"alicia"}"#), StatusCode::OK),
        (
            call(Method::POST, "_control/faults", r#"{"webhooks":false,"outage":false,"delayMs":0}"#),
            StatusCode::OK,
        ),
        (call(Method::POST, "_control/faults", r#"{"delayMs":-1}"#), StatusCode::UNPROCESSABLE_ENTITY),
        (call(Method::POST, "_control/faults", r#"{"fire":true}"#), StatusCode::UNPROCESSABLE_ENTITY),
        (Call::form(at("_control/people"), &[("username", "x")]), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (Call::get(at("_control/people")), StatusCode::METHOD_NOT_ALLOWED),
        (Call::get(at("_control/else")), StatusCode::NOT_FOUND),
        (Call::new(Method::DELETE, at("_control/people/bob"), Default::default()), StatusCode::OK),
        (Call::new(Method::DELETE, at("_control/people/bob"), Default::default()), StatusCode::NOT_FOUND),
        (Call::get(at("v1.0/me")), StatusCode::BAD_REQUEST),
        (Call::get(at("oauth/authorize")), StatusCode::BAD_REQUEST),
    ] {
        let words = format!("{call:?}");
        let reply = world.send(call).await;
        assert_eq!(reply.status, status, "{words}: {:?}", reply.body);
        assert_eq!(reply.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN), None);
        assert!(serde_json::from_slice::<serde_json::Value>(&reply.body).is_ok(), "{words}");
    }
    world.link("alicia").await;
    assert_eq!(world.holder("alice").await, Err(Why::Unknown));
}

#[tokio::test]
async fn a_page_elsewhere_cannot_point_its_name_here() {
    let world = World::with(&["alice"], Arc::new(MemoryStore::new())).await;
    let call = Call::new(
        Method::DELETE,
        world.sandbox.url().join("_control/people/alice").unwrap(),
        Default::default(),
    );
    let rebound = call.header(header::HOST, HeaderValue::from_static("evil.example"));
    assert_eq!(world.send(rebound).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_page_lists_people_and_nobody_can_say_no() {
    let world = World::with(&["alice", "jane.art"], Arc::new(MemoryStore::new())).await;
    let connect = world.model.connect(None).await.unwrap();
    let page = world.send(Call::get(connect.location.clone())).await;
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(html.contains("@alice") && html.contains("@jane.art") && !html.contains("<script"));
    let reply = world.send(Call::form(connect.location, &[("deny", "1")])).await;
    assert!(reply.headers["location"].to_str().unwrap().contains("error=access_denied"));
}
