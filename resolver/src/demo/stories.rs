//! What happens when …: each story is tried on a copy of the demo's world, with a clock of its own, and told by what
//! the service answered over HTTP. Nothing here is asserted; what is printed was seen.

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, header};
use namesake::{
    Clock as _, ManualClock, Timestamp,
    http::{Call, HttpClient, HttpSettings},
};
use namesake_independent::Did;
use namesake_mirror::sandbox::Faults;

use super::{
    POLL_INTERVAL, people,
    world::{MIRROR, Options, World, WorldError},
};
use crate::api::{Problem, Resolution, Story};

/// The copies begin at the same moment and with the same randomness, so that a story repeats.
const BEGINNING: &str = "2026-01-05T09:00:00Z";
const SEED: u64 = 1;
/// A story gives up after this much of its own time.
const LONGEST: Duration = Duration::from_secs(48 * 3600);

/// Tries all of them.
pub(super) async fn all() -> Result<Vec<Story>, WorldError> {
    Ok(vec![
        rename_by_webhook().await?,
        rename_with_the_webhook_lost().await?,
        stranger_takes_a_freed_name().await?,
        upstream_down().await?,
        domain_changes_hands().await?,
    ])
}

async fn rename_by_webhook() -> Result<Story, WorldError> {
    let mut stage =
        Stage::new("rename-by-webhook", "What happens when a mirrored person is renamed upstream?", MIRROR)
            .await?;
    let account = stage.account("alice").await?;
    let begun = Instant::now();
    stage.world.sandbox.rename("alice", "alice_ito")?;
    stage.say("the upstream renames alice to alice_ito and sends a webhook");
    stage.world.sandbox.delivered().await;
    stage.world.mirror.settled().await;
    let new = stage.ask("alice_ito").await?;
    let took = begun.elapsed().as_millis();
    let old = stage.ask("alice").await?;
    let same = if new.is(&account) { "the same account" } else { "NOT the same account" };
    stage.end(format!("@alice_ito is answered after {took} ms, {same}; @alice: {old}"))
}

async fn rename_with_the_webhook_lost() -> Result<Story, WorldError> {
    let question = "… and the webhook is lost?";
    let mut stage = Stage::new("rename-webhook-lost", question, MIRROR).await?;
    stage.world.sandbox.set_faults(Faults { webhooks: Some(false), ..Faults::default() });
    stage.world.sandbox.rename("alice", "alice_ito")?;
    stage.say("the upstream renames alice to alice_ito; no webhook is sent");
    let at_once = stage.ask("alice_ito").await?;
    let waited =
        stage.until(Duration::from_secs(1), "alice_ito", |seen| matches!(seen, Seen::Found(_))).await?;
    stage.end(format!(
        "at once @alice_ito: {at_once}; answered after {waited} s, by the poll every {} s",
        POLL_INTERVAL.as_secs()
    ))
}

async fn stranger_takes_a_freed_name() -> Result<Story, WorldError> {
    let question = "What happens when a stranger takes a name that somebody gave up?";
    let mut stage = Stage::new("stranger-takes-freed-name", question, MIRROR).await?;
    let bob = stage.account("bob").await?;
    stage.world.sandbox.rename("bob", "bob_okafor")?;
    stage.say("the upstream renames bob to bob_okafor");
    stage.world.sandbox.delivered().await;
    stage.world.mirror.settled().await;
    let between = stage.ask("bob").await?;
    stage.world.sandbox.add(people::person("bob", "Another Bob", "New here."))?;
    stage.world.link("bob").await?;
    stage.say("a stranger takes bob upstream, and links");
    stage.world.mirror.settled().await;
    let stranger = stage.ask("bob").await?;
    let still = stage.ask("bob_okafor").await?;
    let reached = if stranger.is(&bob) { "the first Bob (!)" } else { "the stranger, another account" };
    let kept = if still.is(&bob) { "keeps his account as @bob_okafor" } else { "LOST his account" };
    stage.end(format!("in between @bob: {between}; then @bob is {reached}, and the first Bob {kept}"))
}

async fn upstream_down() -> Result<Story, WorldError> {
    let mut stage = Stage::new("upstream-down", "What happens when the upstream is down?", MIRROR).await?;
    stage.world.sandbox.set_faults(Faults { outage: Some(true), ..Faults::default() });
    stage.say("the upstream answers nothing but errors");
    stage.pass(Duration::from_secs(3600)).await;
    let after_an_hour = stage.ask("carol").await?;
    let gone =
        stage.until(Duration::from_secs(1800), "carol", |seen| !matches!(seen, Seen::Found(_))).await?;
    let hours = (gone + 3600) / 3600;
    let end = stage.ask("carol").await?;
    stage.world.sandbox.set_faults(Faults { outage: Some(false), ..Faults::default() });
    stage.say("the upstream is back");
    let back = stage.until(Duration::from_secs(1), "carol", |seen| matches!(seen, Seen::Found(_))).await?;
    stage.end(format!(
        "after an hour @carol: {after_an_hour}; after {hours} h without confirmation: {end}; {back} s after it is back: answered"
    ))
}

async fn domain_changes_hands() -> Result<Story, WorldError> {
    let question = "What happens when a domain changes hands?";
    let mut stage = Stage::new("domain-changes-hands", question, "independent").await?;
    let gallery = stage.account("jane.art").await?;
    let stranger = Did::parse(people::STRANGER)?;
    stage.world.internet.add_person(&stranger, "jane.art", "A Stranger", "I bought a domain.");
    stage.say("a stranger buys jane.art and publishes a TXT record and a document for it");
    let waited = stage.until(Duration::from_secs(30), "jane.art", |seen| seen.is(stranger.as_str())).await?;
    let before = stage.by_account(&gallery).await?;
    stage.end(format!(
        "@jane.art is the stranger after {waited} s (what lookups remember has to run out); the gallery keeps its account, with {before}"
    ))
}

/// A copy of the world, with what was seen in it.
struct Stage {
    world: World,
    clock: Arc<ManualClock>,
    http: HttpClient,
    begun: Timestamp,
    story: Story,
}

/// What a lookup answered.
enum Seen {
    Found(Box<Resolution>),
    Problem(Box<Problem>),
}

impl Seen {
    fn is(&self, account: &str) -> bool {
        matches!(self, Self::Found(found) if found.account == account)
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Found(found) => {
                let stale = found.freshness.is_some_and(|freshness| freshness.stale);
                f.write_str(if stale { "answered, marked stale" } else { "answered" })
            }
            Self::Problem(problem) => {
                write!(f, "{} {}", problem.status, problem.kind.trim_start_matches("/problems/"))
            }
        }
    }
}

impl Stage {
    async fn new(id: &str, question: &str, scheme: &str) -> Result<Self, WorldError> {
        let clock = Arc::new(ManualClock::new(BEGINNING.parse()?));
        let world = World::start(Options::private(clock.clone(), SEED).await?).await?;
        let story = Story {
            id: id.to_owned(),
            question: question.to_owned(),
            scheme: scheme.to_owned(),
            observed: String::new(),
            transcript: Vec::new(),
        };
        let http = HttpClient::configured(&HttpSettings::default())?;
        Ok(Self { world, begun: clock.now(), clock, http, story })
    }

    fn say(&mut self, what: &str) {
        let at = self.clock.now().duration_since(self.begun).as_secs();
        let mut line = String::new();
        let _ = write!(line, "{at:>6} s  {what}");
        // Waiting repeats itself: a line that only the time tells from the last is not news.
        if self.story.transcript.last().is_none_or(|last| last.get(10..) != line.get(10..)) {
            self.story.transcript.push(line);
        }
    }

    async fn ask(&mut self, handle: &str) -> Result<Seen, WorldError> {
        let seen = self.get(&format!("v1/resolve?handle={handle}")).await?;
        self.say(&format!("@{handle}: {seen}"));
        Ok(seen)
    }

    async fn get(&self, path: &str) -> Result<Seen, WorldError> {
        let json = HeaderValue::from_static("application/json");
        let call = Call::get(self.world.public_url.join(path)?).header(header::ACCEPT, json);
        let reply = self.http.send(call).await?;
        Ok(if reply.status.is_success() {
            Seen::Found(serde_json::from_slice(&reply.body)?)
        } else {
            Seen::Problem(serde_json::from_slice(&reply.body)?)
        })
    }

    /// Who holds a name at the beginning.
    async fn account(&mut self, handle: &str) -> Result<String, WorldError> {
        match self.ask(handle).await? {
            Seen::Found(found) => Ok(found.account),
            Seen::Problem(problem) => Err(problem.detail.into()),
        }
    }

    async fn by_account(&mut self, account: &str) -> Result<String, WorldError> {
        let words = match self.get(&format!("v1/accounts/{account}")).await? {
            Seen::Found(found) => {
                found.handle.map_or_else(|| "no handle".to_owned(), |handle| format!("@{handle}"))
            }
            problem @ Seen::Problem(_) => problem.to_string(),
        };
        self.say(&format!("the account that held it: {words}"));
        Ok(words)
    }

    /// Lets time pass, and the mirror do what is due in it.
    async fn pass(&mut self, step: Duration) {
        self.clock.advance(step);
        self.world.mirror.settled().await;
    }

    /// Asks after every `step` until `done`; the seconds that took.
    async fn until(
        &mut self,
        step: Duration,
        handle: &str,
        done: impl Fn(&Seen) -> bool,
    ) -> Result<u64, WorldError> {
        let mut waited = Duration::ZERO;
        while waited < LONGEST {
            let seen = self.ask(handle).await?;
            if done(&seen) {
                return Ok(waited.as_secs());
            }
            self.pass(step).await;
            waited += step;
        }
        Err(format!("the story {} did not end", self.story.id).into())
    }

    fn end(self, observed: String) -> Result<Story, WorldError> {
        Ok(Story { observed, ..self.story })
    }
}
