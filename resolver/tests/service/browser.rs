//! A browser without scripts: it keeps cookies, presses buttons, and says where its forms come from.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use namesake::{
    ManualClock,
    http::{Call, HttpClient, HttpSettings},
};
use namesake_mirror::sandbox::NewPerson;
use namesake_resolver::demo;
use url::Url;

use crate::support::{Reply, send};

pub(crate) const PAGE: &str = "/mirror/threads";
pub(crate) const SESSION: &str = "__Host-namesake-session-threads";
const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// The demo's world on a clock that stands still, with `dora` upstream, who is not linked.
pub(crate) async fn world() -> (demo::World, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let world = demo::World::start(demo::Options::private(clock.clone(), 7).await.unwrap()).await.unwrap();
    world.sandbox.add(person("dora")).unwrap();
    (world, clock)
}

pub(crate) fn person(username: &str) -> NewPerson {
    NewPerson {
        username: username.to_owned(),
        name: Some(format!("{username} upstream")),
        bio: Some("Hello.".to_owned()),
        picture: Some(format!("https://pictures.example/{username}.jpg")),
    }
}

pub(crate) struct Browser {
    address: SocketAddr,
    origin: String,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(world: &demo::World) -> Self {
        Self {
            address: world.public_url.socket_addrs(|| None).unwrap()[0],
            origin: world.public_url.origin().ascii_serialization(),
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, &[HTML], "").await
    }

    /// Sends a form of the page.
    pub(crate) async fn post(&mut self, path: &str, body: &str) -> Reply {
        let (origin, form) = (self.origin.clone(), "application/x-www-form-urlencoded");
        let headers = [HTML, ("origin", &origin), ("sec-fetch-site", "same-origin"), ("content-type", form)];
        self.send("POST", path, &headers, body).await
    }

    /// Any request, with the cookies, keeping what it sets.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let headers = [headers, &[("cookie", cookies.as_str())]].concat();
        let reply = send(self.address, method, path, &headers, body).await;
        for cookie in &reply.cookies {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match cookie.contains("Max-Age=0;") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        reply
    }

    /// Goes to the upstream, presses the button of `username`: where that leads back to, as path and query.
    pub(crate) async fn consent(&mut self, username: &str) -> String {
        let connect = self.get(&format!("{PAGE}/connect")).await;
        let there: Url = connect.header("location").parse().unwrap();
        let http = HttpClient::configured(&HttpSettings::default()).unwrap();
        let pressed = http.send(Call::form(there, &[("username", username)])).await.unwrap();
        let back: Url = pressed.headers["location"].to_str().unwrap().parse().unwrap();
        assert_eq!(back.origin().ascii_serialization(), self.origin);
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    /// Links as `username`: the answer to the callback.
    pub(crate) async fn link(&mut self, username: &str) -> Reply {
        let back = self.consent(username).await;
        self.get(&back).await
    }
}
