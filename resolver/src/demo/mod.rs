//! `namesake demo`: both models on a private world. Needs nothing, leaves nothing, ready in a second.
//!
//! The same [`World`] serves the stories here and the tests elsewhere.

mod people;
mod stories;
mod world;

use std::{
    fmt::Write as _,
    future::Future,
    io::{self, Write as _},
    sync::Arc,
    time::Duration,
};

use namesake::{SystemClock, SystemRandomness};
use namesake_independent::{IndependentModel, IndependentSettings};
use tokio::net::TcpListener;
use url::Url;

pub use self::world::{HANDLE_DOMAIN, ID_DOMAIN, MIRROR, Options, World, WorldError};
use crate::{CacheSettings, Limits, Namesake, api::Story, config::Config, install_metrics};

/// How often the demo's mirror asks its upstream: short enough to watch.
pub const POLL_INTERVAL: Duration = Duration::from_secs(10);

/// Runs the demo until `shutdown`.
///
/// # Errors
/// When it cannot listen, or the world does not start.
pub async fn run(
    config: &Config,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Result<(), WorldError> {
    let listener = TcpListener::bind(config.server.listen).await.map_err(|error| {
        format!(
            "cannot listen on {}: {error} (another address: NAMESAKE_SERVER__LISTEN)",
            config.server.listen
        )
    })?;
    let public_url = match &config.server.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("http://{}", listener.local_addr()?))?,
    };
    let world = World::start(Options {
        listener,
        public_url,
        clock: Arc::new(SystemClock),
        randomness: Arc::new(SystemRandomness),
        poll_interval: POLL_INTERVAL,
        cache: CacheSettings::default(),
        limits,
        metrics: install_metrics().ok(),
        comparison: true,
    })
    .await?;
    say(&addresses(&world))?;
    say(&things_to_try(&world, &stories::all().await?))?;
    shutdown.await;
    world.stop().await;
    Ok(())
}

/// The independent half of a fresh copy of the world, for questions about names that exist nowhere else.
///
/// # Errors
/// When the copy cannot be made.
pub fn copy_of_the_internet() -> Result<Namesake, WorldError> {
    let settings = IndependentSettings { allow_test_tld: true, ..IndependentSettings::default() };
    let ports = people::internet()?.ports();
    let independent = Arc::new(IndependentModel::new(settings, ports, Arc::new(SystemClock)));
    Ok(Namesake::builder().backend(independent).public_url(Url::parse("http://127.0.0.1:8080")?).build()?)
}

fn addresses(world: &World) -> String {
    let (service, sandbox) = (base(&world.public_url), base(world.sandbox.url()));
    format!("service: {service}\nsandbox: {sandbox}\ncompare: {service}/compare\n")
}

fn things_to_try(world: &World, stories: &[Story]) -> String {
    let (service, sandbox) = (base(&world.public_url), base(world.sandbox.url()));
    let mut out = format!(
        "
To operate it
  curl {service}/@alice                        mirrored: called what the sandbox upstream calls her
  curl {service}/@alice.demo.test              independent: proved by a TXT record
  curl {service}/@jane.art                     two people: the bare name is the domain's …
  curl '{service}/@jane.art?scheme=mirror'     … and this is the other one
  curl '{service}/v1/explain?handle=broken.demo.test'
  curl '{service}/xrpc/com.atproto.identity.resolveHandle?handle=bob.demo.test'
  curl {service}/metrics

To play the upstream (a rename shows at once; without its webhook within {poll} s)
  curl -X PATCH {sandbox}/_control/people/bob -H 'content-type: application/json' -d '{{\"username\":\"bobby\"}}'
  curl {service}/@bobby
  curl -X POST {sandbox}/_control/faults -H 'content-type: application/json' -d '{{\"webhooks\":false}}'
  {service}/mirror/{mirror}   link somebody yourself, in a browser: what comes along, what stays locked, how to leave

To live here (names below {people}; what is below demo.test is elsewhere, and only looked up)
  namesake identity new --server {service} --handle dora.{people}
  {service}/@dora.{people}     … and this is she; her key never came here

To extend it
  shared/examples/nip05.rs                     your own way of naming people, whole in one file

To decide: what happens when … (tried just now, on copies of this world)
",
        poll = POLL_INTERVAL.as_secs(),
        mirror = MIRROR,
        people = HANDLE_DOMAIN,
    );
    for story in stories {
        let _ = writeln!(out, "  {}\n      {}", story.question, story.observed);
    }
    let _ = writeln!(out, "  side by side: {service}/compare\n\nCtrl-C ends it.");
    out
}

fn base(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

/// Prints at once, also into a pipe; a reader that is gone is no reason to stop.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
