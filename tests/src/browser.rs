//! A browser, as far as signing in needs one: it keeps cookies, follows redirects when told to, and presses buttons.

use std::collections::BTreeMap;

use http::header;
use url::{Url, form_urlencoded};

use crate::{Answer, Scene};

/// Somebody's browser.
#[derive(Debug)]
pub struct Browser<'a> {
    scene: &'a Scene,
    /// What it keeps for the service, by name.
    pub cookies: BTreeMap<String, String>,
}

/// What linking gave its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The account.
    pub account: String,
    /// What it goes by.
    pub handle: String,
    /// The owner's token.
    pub token: String,
    /// Whether the account is new.
    pub created: bool,
}

impl<'a> Browser<'a> {
    /// One without cookies.
    #[must_use]
    pub fn new(scene: &'a Scene) -> Self {
        Self { scene, cookies: BTreeMap::new() }
    }

    /// Any request to the service, with the cookies, and with what it sets kept.
    pub async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = headers.to_vec();
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        let answer = self.scene.send(method, path, &headers, body).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            self.keep(cookie.to_str().unwrap());
        }
        answer
    }

    fn keep(&mut self, cookie: &str) {
        let mut parts = cookie.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let rules: Vec<&str> = parts.collect();
        for rule in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
            assert!(name.starts_with("__Host-") && rules.contains(&rule), "{rule}: {cookie}");
        }
        match rules.contains(&"Max-Age=0") {
            true => self.cookies.remove(name),
            false => self.cookies.insert(name.to_owned(), value.to_owned()),
        };
    }

    /// Begins to link: our redirect, the upstream's page, the button of `username`. Where that leads back to, as path
    /// and query.
    pub async fn consent(&mut self, username: &str) -> String {
        let begun = self.send("GET", "/mirror/threads/connect", &[], "").await;
        assert_eq!((begun.status, begun.header("referrer-policy")), (303, "no-referrer"));
        let page_at = Url::parse(begun.header("location")).unwrap();
        let page = self.scene.send_to(page_at.clone(), "GET", &[], "").await;
        assert_eq!(page.status, 200, "{page:?}");
        let mut form = hidden_fields(&page.body);
        assert!(page.body.contains(&format!("@{username}<")), "no button of @{username}: {}", page.body);
        form.push(("username".to_owned(), username.to_owned()));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let pressed =
            self.scene.send_to(page_at.join("/oauth/authorize").unwrap(), "POST", &kind, &body).await;
        assert_eq!(pressed.status, 302, "{pressed:?}");
        let back = Url::parse(pressed.header("location")).unwrap();
        assert_eq!(back.origin(), self.scene.world.public_url.origin());
        assert_eq!(back.fragment(), Some("_"), "as Meta does");
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    /// Links `username`, all the way.
    pub async fn link(&mut self, username: &str) -> SignedIn {
        let back = self.consent(username).await;
        let linked = self.send("GET", &back, &[], "").await;
        assert!(matches!(linked.status, 200 | 201), "{linked:?}");
        assert_eq!(linked.header("cache-control"), "no-store");
        let body = linked.json();
        let text = |field: &str| body[field].as_str().unwrap().to_owned();
        SignedIn {
            account: text("account"),
            handle: text("handle"),
            token: text("token"),
            created: linked.status == 201,
        }
    }
}

/// The fields a form sends along unasked.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let inputs = page.split("<input type=\"hidden\"").skip(1).map(|rest| rest.split('>').next().unwrap());
    let attribute = |input: &str, name: &str| {
        let from = input.split_once(&format!(" {name}=\"")).unwrap().1;
        from.split('"').next().unwrap().replace("&amp;", "&")
    };
    inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
}
