//! Drives a subject through a scenario, and writes down what was done and seen.

use std::{fmt::Write as _, time::Duration};

use super::{Act, Field, LabError, Outcome, Person, Seen, Shown, Subject, TranscriptLine};
use crate::{AccountId, Handle, Policy, Profile, Timestamp};

/// A scenario under way. Scenarios call these methods and nothing else, so that the transcript is complete.
pub struct Stage {
    subject: Box<dyn Subject>,
    begun: Timestamp,
    transcript: Vec<TranscriptLine>,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").field("transcript", &self.transcript).finish_non_exhaustive()
    }
}

impl Stage {
    /// After this long a scenario looks less often …
    pub const COARSE_AFTER: Duration = Duration::from_secs(3600);
    /// … once in this long.
    pub const COARSE_STEP: Duration = Duration::from_secs(60);

    /// The beginning of a scenario in a fresh world.
    #[must_use]
    pub fn new(subject: Box<dyn Subject>) -> Self {
        Self { begun: subject.now(), subject, transcript: Vec::new() }
    }

    /// What the policy declares.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.subject.policy()
    }

    /// The handle that a wish becomes here.
    #[must_use]
    pub fn handle(&self, wish: &str) -> Handle {
        self.subject.handle(wish)
    }

    /// The time in this world.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.subject.now()
    }

    /// Everything that was done and seen.
    #[must_use]
    pub fn into_transcript(self) -> Vec<TranscriptLine> {
        self.transcript
    }

    /// Does something; that it is impossible is an outcome like another.
    ///
    /// # Errors
    /// When the lab itself failed.
    pub async fn act(&mut self, act: Act) -> Result<Outcome, LabError> {
        let outcome = self.subject.act(&act).await?;
        let mut line = act.words();
        match &outcome {
            Outcome::Done { steps } if steps.is_empty() => {}
            Outcome::Done { steps } => drop(write!(line, ": {}", steps.join("; "))),
            Outcome::Impossible { why } => drop(write!(line, ": not possible: {why}")),
        }
        self.say(line);
        Ok(outcome)
    }

    /// Somebody signs up; the scenario has no meaning without them.
    ///
    /// # Errors
    /// Also when signing up is not possible.
    pub async fn join(&mut self, who: Person, wish: &'static str) -> Result<AccountId, LabError> {
        match self.act(Act::Join { who, wish }).await? {
            Outcome::Done { .. } => self.account(who),
            Outcome::Impossible { why } => Err(format!("{who} could not sign up: {why}").into()),
        }
    }

    /// Somebody's account.
    ///
    /// # Errors
    /// When they have none.
    pub fn account(&self, who: Person) -> Result<AccountId, LabError> {
        self.subject.account(who).ok_or_else(|| format!("{who} has no account").into())
    }

    /// Who goes by a name, as a visitor finds it.
    ///
    /// # Errors
    /// When the lab itself failed.
    pub async fn who(&mut self, wish: &str) -> Result<Seen, LabError> {
        let handle = self.subject.handle(wish);
        let seen = self.subject.front().who(&handle).await?;
        let shown = match &seen {
            Seen::Held { account, stale } => {
                let name = self.name_of(account);
                if *stale { format!("{name}, marked stale") } else { name }
            }
            other => other.to_string(),
        };
        self.say(format!("@{handle} is {shown}"));
        Ok(seen)
    }

    /// What is shown for an account, as a visitor finds it who kept its identifier: an old mention.
    ///
    /// # Errors
    /// When the lab itself failed.
    pub async fn shown(&mut self, account: &AccountId) -> Result<Shown, LabError> {
        let shown = self.subject.front().shown(account).await?;
        let name = self.name_of(account);
        self.say(match &shown {
            Shown::Profile(profile) => match &profile.handle {
                Some(handle) => format!("the account of {name} is shown as @{handle}"),
                None => format!("the account of {name} is shown without a name"),
            },
            Shown::Nobody(why) => format!("the account of {name} is gone ({})", why.as_str()),
            Shown::Failed(kind) => format!("the account of {name}: no answer ({})", kind.as_str()),
        });
        Ok(shown)
    }

    /// Under which path somebody's profile is found, by their name.
    ///
    /// # Errors
    /// When nobody goes by it, or the lab itself failed.
    pub async fn address(&mut self, wish: &str) -> Result<String, LabError> {
        let handle = self.handle(wish);
        let path = self.subject.front().address(&handle).await?.ok_or("nobody goes by it")?;
        self.say(format!("the profile of @{handle} is at {path}"));
        Ok(path)
    }

    /// A field of somebody's profile, as a visitor finds it.
    ///
    /// # Errors
    /// When the lab itself failed.
    pub async fn field(&mut self, who: Person, field: Field) -> Result<Option<String>, LabError> {
        let account = self.account(who)?;
        let text = match self.subject.front().shown(&account).await? {
            Shown::Profile(profile) => field.of(&Profile::clone(&profile)),
            Shown::Nobody(_) | Shown::Failed(_) => None,
        };
        self.say(match &text {
            Some(text) => format!("{field} of {who} is {text:?}"),
            None => format!("{who} shows no value for {field}"),
        });
        Ok(text)
    }

    /// Lets time pass.
    ///
    /// # Errors
    /// When the lab itself failed.
    pub async fn pass(&mut self, time: Duration) -> Result<(), LabError> {
        self.subject.pass(time).await
    }

    /// Asks who goes by a name after every `step`, until `done` or until `most` has passed; how long that took. After
    /// [`Self::COARSE_AFTER`] it looks less often.
    ///
    /// # Errors
    /// When the lab itself failed.
    pub async fn until(
        &mut self,
        wish: &str,
        step: Duration,
        most: Duration,
        done: impl Fn(&Seen) -> bool,
    ) -> Result<Option<Duration>, LabError> {
        let mut waited = Duration::ZERO;
        loop {
            if done(&self.who(wish).await?) {
                return Ok(Some(waited));
            }
            if waited >= most {
                return Ok(None);
            }
            let step = if waited < Self::COARSE_AFTER { step } else { step.max(Self::COARSE_STEP) };
            self.pass(step).await?;
            waited += step;
        }
    }

    /// Whose account it is, in the words of the scenario.
    #[must_use]
    pub fn name_of(&self, account: &AccountId) -> String {
        let people = [Person::Ann, Person::Ben, Person::Eve];
        let known = people.into_iter().find(|who| self.subject.account(*who).as_ref() == Some(account));
        known.map_or_else(|| "an account of before".to_owned(), |who| who.to_string())
    }

    fn say(&mut self, text: String) {
        let at_seconds =
            u64::try_from(self.subject.now().duration_since(self.begun).as_secs()).unwrap_or_default();
        // Waiting repeats itself: a line that only the time tells from the last is not news.
        if self.transcript.last().is_none_or(|last| last.text != text) {
            self.transcript.push(TranscriptLine { at_seconds, text });
        }
    }
}
