//! Signing in: the authorize page, and codes and tokens.

use std::collections::HashMap;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use maud::{DOCTYPE, html};
use serde_json::json;
use url::{Url, form_urlencoded};

use super::{
    Provider,
    graph::bad_token,
    reply::{Answer, graph_error, html as page, json, problem, see_other},
    world::{BadToken, LONG_TOKEN_LASTS},
};
use crate::secret::random_text;

/// The parameters of a request: those of its URL and, for a form, of its body.
pub(super) struct Parameters(HashMap<String, String>);

impl Parameters {
    pub(super) fn of(request: &Request<Bytes>) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let body: &[u8] = if request.method() == Method::POST { request.body() } else { &[] };
        let parse = |text| form_urlencoded::parse(text).into_owned();
        Self(parse(query.as_bytes()).chain(parse(body)).collect())
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

impl Provider {
    /// `GET`: who do you want to be? `POST` (the same parameters and `username`, or none to refuse): be them.
    pub(super) fn authorize(&self, request: &Request<Bytes>) -> Answer {
        let parameters = Parameters::of(request);
        let back = match Url::parse(parameters.text("redirect_uri")) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url,
            _ => return problem(StatusCode::BAD_REQUEST, "redirect_uri is missing or no http(s) address"),
        };
        if parameters.text("client_id") != self.client_id || parameters.text("response_type") != "code" {
            return problem(StatusCode::BAD_REQUEST, "no such client, or response_type is not `code`");
        }
        if request.method() == Method::POST {
            self.consent(&parameters, back)
        } else {
            self.ask(&parameters, &back)
        }
    }

    fn ask(&self, parameters: &Parameters, back: &Url) -> Answer {
        let people: Vec<String> =
            self.world().people().iter().map(|person| person.username.to_string()).collect();
        let fields = ["client_id", "redirect_uri", "response_type", "scope", "state"];
        let markup = html! {
            (DOCTYPE)
            html lang="en" {
                head { meta charset="utf-8"; meta name="viewport" content="width=device-width"; title { "Sandbox upstream" } }
                body {
                    h1 { "Sign in to the sandbox upstream" }
                    p { (back.host_str().unwrap_or_default()) " wants to know who you are. Who are you today?" }
                    form method="post" action="/oauth/authorize" {
                        @for field in fields { input type="hidden" name=(field) value=(parameters.text(field)); }
                        @for name in &people { p { button name="username" value=(name) { "@" (name) } } }
                        p { button name="deny" value="1" { "Nobody: go back" } }
                    }
                }
            }
        };
        page(StatusCode::OK, markup.into_string())
    }

    fn consent(&self, parameters: &Parameters, mut back: Url) -> Answer {
        let redirect = back.to_string();
        let state = parameters.text("state");
        let (username, deny) = (parameters.text("username"), parameters.text("deny"));
        if username.is_empty() && !deny.is_empty() {
            let refusal =
                [("error", "access_denied"), ("error_description", "The person said no."), ("state", state)];
            back.query_pairs_mut().extend_pairs(refusal);
            return see_other(back.as_str());
        }
        let Ok(user) = self.world().id_of(username) else {
            return problem(StatusCode::BAD_REQUEST, "nobody here is called that");
        };
        let code = random_text(&*self.randomness);
        self.world().keep_code(code.clone(), user, redirect, self.now());
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", state);
        // Meta appends this to its redirect, and so do we.
        see_other(&format!("{back}#_"))
    }

    /// `POST /oauth/access_token`
    pub(super) fn token(&self, request: &Request<Bytes>) -> Answer {
        let form = Parameters::of(request);
        let known = form.text("client_id") == self.client_id
            && self.client_secret.matches(form.text("client_secret"))
            && form.text("grant_type") == "authorization_code";
        if !known {
            return graph_error(StatusCode::BAD_REQUEST, "OAuthException", 101, None, false);
        }
        let token = random_text(&*self.randomness);
        let used =
            self.world().use_code(form.text("code"), form.text("redirect_uri"), token.clone(), self.now());
        match used {
            // A number, as Meta sends it.
            Some(user) => json(StatusCode::OK, &json!({ "access_token": token, "user_id": user })),
            None => json(
                StatusCode::BAD_REQUEST,
                &json!({ "error_type": "OAuthException", "code": 400, "error_message": "Matching code was not found or was already used" }),
            ),
        }
    }

    /// `GET /access_token`
    pub(super) fn exchange(&self, request: &Request<Bytes>) -> Answer {
        let query = Parameters::of(request);
        if query.text("grant_type") != "th_exchange_token"
            || !self.client_secret.matches(query.text("client_secret"))
        {
            return graph_error(StatusCode::BAD_REQUEST, "OAuthException", 101, None, false);
        }
        let token = random_text(&*self.randomness);
        let issued = self.world().lengthen(query.text("access_token"), token.clone(), self.now());
        lasting(&token, issued)
    }

    /// `GET /refresh_access_token`
    pub(super) fn refresh(&self, request: &Request<Bytes>) -> Answer {
        let query = Parameters::of(request);
        if query.text("grant_type") != "th_refresh_token" {
            return graph_error(StatusCode::BAD_REQUEST, "OAuthException", 100, None, false);
        }
        let token = random_text(&*self.randomness);
        let issued = self.world().refresh(query.text("access_token"), token.clone(), self.now());
        lasting(&token, issued)
    }
}

fn lasting(token: &str, issued: Result<(), BadToken>) -> Answer {
    match issued {
        Ok(()) => json(
            StatusCode::OK,
            &json!({ "access_token": token, "token_type": "bearer", "expires_in": LONG_TOKEN_LASTS.as_secs() }),
        ),
        Err(bad) => bad_token(bad),
    }
}
