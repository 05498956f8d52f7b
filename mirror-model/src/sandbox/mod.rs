//! A small upstream to try a mirror with: it speaks Meta's Threads API over real HTTP, on loopback only.
//!
//! ```text
//! GET, POST /oauth/authorize             the sign-in page: a list of people, a button for each; no script
//! POST      /oauth/access_token          a code for a short token
//! GET       /access_token, /refresh_access_token, /v1.0/me
//! POST      /_control/people             {username, name, bio, picture}
//! PATCH     /_control/people/{username}  the same fields; another `username` renames; 409 when it is taken
//! DELETE    /_control/people/{username}
//! POST      /_control/faults             {webhooks: bool, outage: bool, delayMs}
//! ```
//!
//! Meta announces no rename, so an edit sends what a mirror really gets: an ordinary event, signed, that happens to
//! carry the new name. The file `world` is what the provider knows; `oauth` and `graph` answer a mirror, `control`
//! answers you, `webhooks` delivers, `server` is the HTTP below them.

mod control;
mod graph;
mod oauth;
mod reply;
pub(crate) mod server;
mod webhooks;
mod world;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use namesake::{
    Clock, Randomness, Timestamp,
    http::{HttpClient, HttpSettings, HttpSetupError},
};
use tokio::{net::TcpListener, task::JoinSet};
use url::Url;

pub use self::world::{ControlError, Faults, NewPerson, PersonEdit};
use self::{webhooks::Courier, world::World};
use crate::{
    Secret,
    upstream::threads::{Dialect, ThreadsSettings},
};

/// What a sandbox is told.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// Where it listens; loopback only.
    pub listen: SocketAddr,
    /// The one client it knows.
    pub client_id: String,
    /// Its secret, which also signs webhooks.
    pub client_secret: Secret,
    /// Where webhooks go; see also [`Sandbox::send_webhooks_to`].
    pub webhook_url: Option<Url>,
    /// What is repeated when a webhook is subscribed.
    pub verify_token: Secret,
    /// Who is there from the beginning.
    pub people: Vec<NewPerson>,
}

impl Default for SandboxSettings {
    /// A free port, a client with a secret that everybody knows, nobody there.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            client_id: "1234567890".to_owned(),
            client_secret: Secret::new("sandbox-secret"),
            webhook_url: None,
            verify_token: Secret::new("sandbox-verify"),
            people: Vec::new(),
        }
    }
}

/// A running sandbox. It ends, with everything it was doing, when it is dropped.
#[derive(Debug)]
pub struct Sandbox {
    url: Url,
    provider: Arc<Provider>,
    tasks: JoinSet<()>,
}

/// What every part of the sandbox works with.
#[derive(Debug)]
struct Provider {
    client_id: String,
    client_secret: Secret,
    verify_token: Secret,
    world: Mutex<World>,
    courier: Courier,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It lets everybody be anybody, so only this machine may reach it.
    #[error("a sandbox listens on loopback only, not on {0}")]
    NotLoopback(SocketAddr),
    /// It cannot listen there.
    #[error("the sandbox cannot listen")]
    Listen(#[from] io::Error),
    /// Its HTTP client cannot be made.
    #[error("the sandbox cannot send webhooks")]
    Client(#[from] HttpSetupError),
    /// One of the people cannot be.
    #[error("the sandbox cannot have these people")]
    People(#[from] ControlError),
    /// Its address makes no URL.
    #[error("the sandbox has no address")]
    Address(#[from] url::ParseError),
}

impl Sandbox {
    /// Starts a sandbox, listening before this returns.
    ///
    /// # Errors
    /// [`SandboxError`] says what is wrong with the settings or the machine.
    pub async fn start(
        settings: SandboxSettings,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, SandboxError> {
        if !settings.listen.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(settings.listen));
        }
        let listener = TcpListener::bind(settings.listen).await?;
        let url: Url = format!("http://{}/", listener.local_addr()?).parse()?;
        let mut world = World::new(settings.webhook_url);
        for person in settings.people {
            world.add(person)?;
        }
        let mut tasks = JoinSet::new();
        let http = HttpClient::configured(&HttpSettings::default())?;
        let courier = Courier::start(http, Arc::clone(&clock), &mut tasks);
        let provider = Arc::new(Provider {
            client_id: settings.client_id,
            client_secret: settings.client_secret,
            verify_token: settings.verify_token,
            world: Mutex::new(world),
            courier,
            clock,
            randomness,
        });
        let handler = Arc::clone(&provider);
        tasks.spawn(server::serve(listener, move |request| {
            let provider = Arc::clone(&handler);
            async move { provider.answer(request).await }
        }));
        Ok(Self { url, provider, tasks })
    }

    /// Its root, ending in a slash.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The settings of an adapter that speaks to it.
    #[must_use]
    pub fn upstream(&self) -> ThreadsSettings {
        let mut authorize = self.url.clone();
        authorize.set_path("oauth/authorize");
        let Provider { client_id, client_secret, .. } = &*self.provider;
        ThreadsSettings::new(Dialect::Threads, authorize, self.url.clone(), client_id, client_secret.clone())
    }

    /// Sends webhooks there from now on.
    pub fn send_webhooks_to(&self, url: Url) {
        self.provider.world().webhook_url = Some(url);
    }

    /// Asks the receiver of webhooks whether it wants them, as Meta does; says whether it does.
    pub async fn subscribe(&self) -> bool {
        self.provider.subscribe().await
    }

    /// Adds a person.
    ///
    /// # Errors
    /// [`ControlError`] when the name is taken or none.
    pub fn add(&self, person: NewPerson) -> Result<(), ControlError> {
        self.provider.world().add(person)
    }

    /// Edits a person; another username renames them. An event is sent.
    ///
    /// # Errors
    /// [`ControlError`] when there is no such person, or the new name is taken or none.
    pub fn edit(&self, username: &str, edit: PersonEdit) -> Result<(), ControlError> {
        self.provider.edit(username, edit)
    }

    /// Renames a person. An event is sent.
    ///
    /// # Errors
    /// As [`Sandbox::edit`].
    pub fn rename(&self, from: &str, to: &str) -> Result<(), ControlError> {
        self.edit(from, PersonEdit { username: Some(to.to_owned()), ..PersonEdit::default() })
    }

    /// Removes a person.
    ///
    /// # Errors
    /// [`ControlError`] when there is no such person.
    pub fn remove(&self, username: &str) -> Result<(), ControlError> {
        self.provider.world().remove(username)
    }

    /// Ends every token of a person, as a change of password does.
    ///
    /// # Errors
    /// [`ControlError`] when there is no such person.
    pub fn revoke_tokens(&self, username: &str) -> Result<(), ControlError> {
        self.provider.world().revoke(username)
    }

    /// Breaks or mends it.
    pub fn set_faults(&self, faults: Faults) {
        self.provider.world().set_faults(faults);
    }

    /// Wants nothing to do with its client any more: no sign-in, and every token is refused.
    pub fn ban_client(&self) {
        self.provider.world().banned = true;
    }

    /// The form the upstream posts when a person removes the app or asks for their data to be deleted.
    ///
    /// # Errors
    /// [`ControlError`] when there is no such person.
    pub fn signed_request_form(&self, username: &str) -> Result<Vec<u8>, ControlError> {
        let user = self.provider.world().id_of(username)?;
        let now = self.provider.clock.now().as_second();
        Ok(webhooks::signed_request_form(user, now, &self.provider.client_secret))
    }

    /// Ready when every event was delivered or given up.
    pub async fn delivered(&self) {
        self.provider.courier.delivered().await;
    }

    /// How often a mirror has asked for a profile.
    #[must_use]
    pub fn profiles_served(&self) -> u64 {
        self.provider.world().profiles_served
    }

    /// Ends it and waits until it has ended.
    pub async fn shutdown(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Provider {
    /// Never held across an await.
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
