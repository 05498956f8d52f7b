//! Sends signed events to the mirror, with short retries. What is not delivered then is lost, as it is at Meta's.

use std::{sync::Arc, time::Duration};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use http::{HeaderName, HeaderValue, Method};
use namesake::{
    Clock,
    http::{Call, HttpClient},
};
use serde_json::json;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};
use url::{Url, form_urlencoded};

use super::{Provider, world::Person};
use crate::{Secret, budget::after, secret::random_text, signed_request::sign};

/// Waits before each further try.
const RETRIES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];
/// How long one delivery may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Takes events and delivers them beside whatever goes on.
#[derive(Debug)]
pub(super) struct Courier {
    http: HttpClient,
    orders: mpsc::UnboundedSender<Call>,
    /// How many are not delivered or given up yet.
    open: watch::Sender<usize>,
}

impl Courier {
    pub(super) fn start(http: HttpClient, clock: Arc<dyn Clock>, tasks: &mut JoinSet<()>) -> Self {
        let (orders, mut taken) = mpsc::unbounded_channel::<Call>();
        let open = watch::Sender::new(0_usize);
        let (done, client) = (open.clone(), http.clone());
        tasks.spawn(async move {
            let mut under_way = JoinSet::new();
            loop {
                tokio::select! {
                    order = taken.recv() => match order {
                        Some(call) => {
                            let (http, clock) = (client.clone(), Arc::clone(&clock));
                            under_way.spawn(async move { deliver(&http, &*clock, &call).await });
                        }
                        None => return,
                    },
                    Some(_) = under_way.join_next() => done.send_modify(|open| *open = open.saturating_sub(1)),
                }
            }
        });
        Self { http, orders, open }
    }

    fn send(&self, call: Call) {
        self.open.send_modify(|open| *open += 1);
        if self.orders.send(call).is_err() {
            self.open.send_modify(|open| *open = open.saturating_sub(1));
        }
    }

    pub(super) async fn delivered(&self) {
        // The sender lives in `self`.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }
}

async fn deliver(http: &HttpClient, clock: &dyn Clock, call: &Call) {
    for wait in RETRIES.into_iter().map(Some).chain([None]) {
        let outcome = match http.send(call.clone()).await {
            Ok(reply) if reply.status.is_success() => return,
            Ok(reply) => reply.status.to_string(),
            Err(error) => error.to_string(),
        };
        match wait {
            Some(wait) => clock.sleep_until(after(clock.now(), wait)).await,
            None => tracing::warn!(outcome, "sandbox.webhook.given_up"),
        }
    }
}

impl Provider {
    /// Sends the event of an ordinary post of `person`, in the shape of the Threads API.
    pub(super) fn send_event(&self, person: &Person, url: Url) {
        let value = json!({ "id": random_text(&*self.randomness), "username": person.username, "media_type": "TEXT_POST" });
        let body = json!({
            "app_id": self.client_id, "topic": "interaction", "target_id": person.id.to_string(),
            "time": self.now().as_second(), "subscription_id": "1", "has_uid_field": false,
            "values": { "value": value, "field": "publish" }
        });
        let body = body.to_string().into_bytes();
        let signature = format!("sha256={}", HEXLOWER.encode(&sign(&body, &self.client_secret)));
        let Ok(signature) = HeaderValue::from_str(&signature) else { return };
        let header = HeaderName::from_static("x-hub-signature-256");
        self.courier.send(Call::json(Method::POST, url, body).header(header, signature).within(PATIENCE));
    }

    /// Meta's handshake: the receiver repeats a challenge if it was asked with the agreed token.
    pub(super) async fn subscribe(&self) -> bool {
        let Some(mut url) = self.world().webhook_url.clone() else { return false };
        let challenge = random_text(&*self.randomness);
        url.query_pairs_mut().extend_pairs([
            ("hub.mode", "subscribe"),
            ("hub.challenge", &challenge),
            ("hub.verify_token", self.verify_token.expose()),
        ]);
        let reply = self.courier.http.send(Call::get(url).within(PATIENCE)).await;
        reply.is_ok_and(|reply| reply.status.is_success() && reply.body == challenge.as_bytes())
    }
}

/// The form of a deauthorisation or a deletion request.
pub(super) fn signed_request_form(user: u64, issued_at: i64, secret: &Secret) -> Vec<u8> {
    let payload = json!({ "user_id": user.to_string(), "algorithm": "HMAC-SHA256", "issued_at": issued_at });
    let payload = BASE64URL_NOPAD.encode(payload.to_string().as_bytes());
    let signature = BASE64URL_NOPAD.encode(&sign(payload.as_bytes(), secret));
    let signed = format!("{signature}.{payload}");
    form_urlencoded::Serializer::new(String::new())
        .append_pair("signed_request", &signed)
        .finish()
        .into_bytes()
}
