//! Which request goes where, and the profile.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::json;

use super::{
    Provider,
    oauth::Parameters,
    reply::{Answer, graph_error, json, problem},
    world::BadToken,
};
use crate::budget::after;

impl Provider {
    /// Answers one request. Faults break the API and never the controls, or nobody could mend them.
    pub(super) async fn answer(&self, request: Request<Bytes>) -> Answer {
        let path = request.uri().path().to_owned();
        if let Some(control) = path.strip_prefix("/_control/") {
            return self.control(control, &request);
        }
        let (outage, banned, delay) = {
            let world = self.world();
            (world.outage, world.banned, world.delay)
        };
        if !delay.is_zero() {
            self.clock.sleep_until(after(self.now(), delay)).await;
        }
        if outage {
            return graph_error(StatusCode::SERVICE_UNAVAILABLE, "OAuthException", 2, None, true);
        }
        if banned {
            return graph_error(StatusCode::BAD_REQUEST, "OAuthException", 190, None, false);
        }
        match (request.method(), path.as_str()) {
            (&Method::GET | &Method::POST, "/oauth/authorize") => self.authorize(&request),
            (&Method::POST, "/oauth/access_token") => self.token(&request),
            (&Method::GET, "/access_token") => self.exchange(&request),
            (&Method::GET, "/refresh_access_token") => self.refresh(&request),
            (&Method::GET, "/me" | "/v1.0/me") => self.me(&request),
            _ => problem(
                StatusCode::NOT_FOUND,
                "the sandbox does not know this; see /oauth/authorize and /_control/",
            ),
        }
    }

    /// `GET /v1.0/me?fields=…`: what was asked for and is set, and always the id.
    fn me(&self, request: &Request<Bytes>) -> Answer {
        let query = Parameters::of(request);
        let mut world = self.world();
        world.profiles_served += 1;
        let person = match world.whose(query.text("access_token"), self.now()) {
            Ok(person) => person,
            Err(bad) => return bad_token(bad),
        };
        let mut body = json!({ "id": person.id.to_string() });
        for field in query.text("fields").split(',') {
            let value = match field {
                "username" => Some(person.username.as_str()),
                "name" => person.name.as_deref(),
                "threads_biography" => person.bio.as_deref(),
                "threads_profile_picture_url" => person.picture.as_deref(),
                _ => None,
            };
            if let Some(value) = value {
                body[field] = value.into();
            }
        }
        let mut answer = json(StatusCode::OK, &body);
        let usage = HeaderValue::from_static(r#"{"call_count":0,"total_cputime":0,"total_time":0}"#);
        answer.headers_mut().insert("x-app-usage", usage);
        answer
    }
}

/// What Meta answers to a token that does not work: with 400, whatever it is.
pub(super) fn bad_token(bad: BadToken) -> Answer {
    let (kind, code, subcode) = match bad {
        BadToken::Dead => ("OAuthException", 190, Some(460)),
        BadToken::Gone => ("THApiException", 100, Some(33)),
        BadToken::NotYet => ("OAuthException", 100, None),
    };
    graph_error(StatusCode::BAD_REQUEST, kind, code, subcode, false)
}
