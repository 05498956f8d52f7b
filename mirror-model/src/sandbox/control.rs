//! The controls, for whoever plays the upstream. JSON only and without CORS, so that no page elsewhere can use them.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    Provider,
    reply::{Answer, json, problem},
    world::{ControlError, Faults, PersonEdit},
};

impl Provider {
    /// Answers `/_control/<path>`.
    pub(super) fn control(&self, path: &str, request: &Request<Bytes>) -> Answer {
        if !is_local(request) {
            return problem(StatusCode::FORBIDDEN, "the controls are for this machine, by its own address");
        }
        let person = path.strip_prefix("people/");
        match (request.method(), path, person) {
            (&Method::POST, "people", _) => {
                self.with_body(request, StatusCode::CREATED, |body| self.world().add(body))
            }
            (&Method::PATCH, _, Some(username)) => {
                self.with_body(request, StatusCode::OK, |edit: PersonEdit| self.edit(username, edit))
            }
            (&Method::DELETE, _, Some(username)) => done(StatusCode::OK, self.world().remove(username)),
            (&Method::POST, "faults", _) => self.with_body(request, StatusCode::OK, |faults: Faults| {
                self.world().set_faults(faults);
                Ok(())
            }),
            (_, "people" | "faults", _) | (_, _, Some(_)) => problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "POST people, PATCH or DELETE people/{username}, POST faults",
            ),
            _ => problem(StatusCode::NOT_FOUND, "there is /_control/people and /_control/faults"),
        }
    }

    /// Edits a person and sends what Meta would: an ordinary event that carries the name of today.
    pub(super) fn edit(&self, username: &str, edit: PersonEdit) -> Result<(), ControlError> {
        let (person, url) = {
            let mut world = self.world();
            let person = world.edit(username, edit)?;
            (person, world.webhook_url.clone().filter(|_| world.webhooks))
        };
        if let Some(url) = url {
            self.send_event(&person, url);
        }
        Ok(())
    }

    fn with_body<T: DeserializeOwned>(
        &self,
        request: &Request<Bytes>,
        status: StatusCode,
        control: impl FnOnce(T) -> Result<(), ControlError>,
    ) -> Answer {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let is_json =
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        if !is_json {
            return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json");
        }
        match serde_json::from_slice(request.body()) {
            Ok(body) => done(status, control(body)),
            Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
        }
    }
}

fn done(status: StatusCode, result: Result<(), ControlError>) -> Answer {
    match result {
        Ok(()) => json(status, &json!({ "ok": true })),
        Err(error) => {
            let status = match error {
                ControlError::NoSuchPerson => StatusCode::NOT_FOUND,
                ControlError::Taken => StatusCode::CONFLICT,
                ControlError::Username => StatusCode::UNPROCESSABLE_ENTITY,
            };
            problem(status, &error.to_string())
        }
    }
}

/// Whether the request names this machine. A page elsewhere whose name was made to point here does not (DNS rebinding).
fn is_local(request: &Request<Bytes>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    // Two leave open which of them counts.
    let host = hosts.next().filter(|_| hosts.next().is_none());
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost"
        || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
