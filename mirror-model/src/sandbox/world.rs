//! What the sandbox knows: its people, the codes and tokens it gave out, and how it is broken.

use std::collections::HashMap;

use namesake::Timestamp;
use serde::Deserialize;
use std::time::Duration;
use url::Url;

use crate::{Username, budget::after};

/// Meta's ids are larger than 2^53, so that whoever reads them through a float is found out.
const FIRST_ID: u64 = 17_841_400_000_000_001;
const CODE_LASTS: Duration = Duration::from_secs(3600);
const SHORT_TOKEN_LASTS: Duration = Duration::from_secs(3600);
/// What Meta says of a long-lived token.
pub(super) const LONG_TOKEN_LASTS: Duration = Duration::from_secs(5_183_944);
const REFRESH_AGE: Duration = Duration::from_secs(24 * 3600);

/// Somebody to add.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// What they are called.
    pub username: String,
    /// Their display name.
    #[serde(default)]
    pub name: Option<String>,
    /// Their biography.
    #[serde(default)]
    pub bio: Option<String>,
    /// Where their picture is.
    #[serde(default)]
    pub picture: Option<String>,
}

/// What to change of somebody; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonEdit {
    /// A new name: a rename.
    #[serde(default)]
    pub username: Option<String>,
    /// A new display name.
    #[serde(default)]
    pub name: Option<String>,
    /// A new biography.
    #[serde(default)]
    pub bio: Option<String>,
    /// A new picture.
    #[serde(default)]
    pub picture: Option<String>,
}

/// How to break or mend the sandbox; what is absent stays.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Faults {
    /// Whether events are sent.
    #[serde(default)]
    pub webhooks: Option<bool>,
    /// Whether the API answers nothing but errors.
    #[serde(default)]
    pub outage: Option<bool>,
    /// How long every answer of the API takes, in milliseconds; at most ten minutes.
    #[serde(default)]
    pub delay_ms: Option<u32>,
}

/// Why a control does not do what it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// Nobody is called that.
    #[error("nobody here is called that")]
    NoSuchPerson,
    /// Somebody is called that already.
    #[error("somebody here is called that already")]
    Taken,
    /// It is no username.
    #[error("a username has 1 to 30 of a-z, 0-9, `_` and `.`, without a dot at either end or two in a row")]
    Username,
}

/// Somebody who is there.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: u64,
    pub(super) username: Username,
    pub(super) name: Option<String>,
    pub(super) bio: Option<String>,
    pub(super) picture: Option<String>,
}

#[derive(Debug)]
struct Code {
    user: u64,
    redirect: String,
    expires: Timestamp,
}

#[derive(Debug)]
struct Grant {
    user: u64,
    lasting: bool,
    issued: Timestamp,
    expires: Timestamp,
}

/// Everything the sandbox knows.
#[derive(Debug)]
pub(super) struct World {
    people: Vec<Person>,
    next_id: u64,
    codes: HashMap<String, Code>,
    tokens: HashMap<String, Grant>,
    pub(super) webhooks: bool,
    pub(super) outage: bool,
    pub(super) banned: bool,
    pub(super) delay: Duration,
    pub(super) webhook_url: Option<Url>,
    pub(super) profiles_served: u64,
}

/// Why a token does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadToken {
    /// Made up, ended or expired.
    Dead,
    /// Its person is gone.
    Gone,
    /// Too young to be refreshed, or not of the lasting kind.
    NotYet,
}

impl World {
    pub(super) fn new(webhook_url: Option<Url>) -> Self {
        Self {
            people: Vec::new(),
            next_id: FIRST_ID,
            codes: HashMap::new(),
            tokens: HashMap::new(),
            webhooks: true,
            outage: false,
            banned: false,
            delay: Duration::ZERO,
            webhook_url,
            profiles_served: 0,
        }
    }

    pub(super) fn people(&self) -> &[Person] {
        &self.people
    }

    pub(super) fn id_of(&self, username: &str) -> Result<u64, ControlError> {
        self.find(username).map(|at| self.people[at].id)
    }

    pub(super) fn add(&mut self, person: NewPerson) -> Result<(), ControlError> {
        let username = self.free(&person.username, None)?;
        let NewPerson { name, bio, picture, .. } = person;
        self.people.push(Person { id: self.next_id, username, name, bio, picture });
        self.next_id += 1;
        Ok(())
    }

    /// Edits somebody and says how they are now.
    pub(super) fn edit(&mut self, username: &str, edit: PersonEdit) -> Result<Person, ControlError> {
        let at = self.find(username)?;
        let renamed = match &edit.username {
            Some(to) => Some(self.free(to, Some(self.people[at].id))?),
            None => None,
        };
        let person = &mut self.people[at];
        person.username = renamed.unwrap_or_else(|| person.username.clone());
        person.name = edit.name.or_else(|| person.name.take());
        person.bio = edit.bio.or_else(|| person.bio.take());
        person.picture = edit.picture.or_else(|| person.picture.take());
        Ok(person.clone())
    }

    pub(super) fn remove(&mut self, username: &str) -> Result<(), ControlError> {
        let at = self.find(username)?;
        self.people.remove(at);
        Ok(())
    }

    pub(super) fn revoke(&mut self, username: &str) -> Result<(), ControlError> {
        let user = self.id_of(username)?;
        self.tokens.retain(|_, grant| grant.user != user);
        Ok(())
    }

    pub(super) fn set_faults(&mut self, faults: Faults) {
        const LONGEST_DELAY_MS: u32 = 600_000;
        self.webhooks = faults.webhooks.unwrap_or(self.webhooks);
        self.outage = faults.outage.unwrap_or(self.outage);
        if let Some(delay) = faults.delay_ms {
            self.delay = Duration::from_millis(delay.min(LONGEST_DELAY_MS).into());
        }
    }

    /// Keeps a code that stands for a person's consent.
    pub(super) fn keep_code(&mut self, code: String, user: u64, redirect: String, now: Timestamp) {
        self.codes.insert(code, Code { user, redirect, expires: after(now, CODE_LASTS) });
    }

    /// Changes a code for a short token. A code works once, whatever comes of it.
    pub(super) fn use_code(
        &mut self,
        code: &str,
        redirect: &str,
        token: String,
        now: Timestamp,
    ) -> Option<u64> {
        let code = self.codes.remove(code).filter(|code| code.redirect == redirect && code.expires > now)?;
        let expires = after(now, SHORT_TOKEN_LASTS);
        self.tokens.insert(token, Grant { user: code.user, lasting: false, issued: now, expires });
        Some(code.user)
    }

    /// Changes a short token for a lasting one.
    pub(super) fn lengthen(&mut self, short: &str, token: String, now: Timestamp) -> Result<(), BadToken> {
        let user = self.whose(short, now)?.id;
        self.issue(token, user, now);
        Ok(())
    }

    /// Changes a lasting token, a day old at least, for a fresh one. The old one goes on working.
    pub(super) fn refresh(&mut self, old: &str, token: String, now: Timestamp) -> Result<(), BadToken> {
        let user = self.whose(old, now)?.id;
        let old_enough = |grant: &Grant| grant.lasting && after(grant.issued, REFRESH_AGE) <= now;
        if !self.tokens.get(old).is_some_and(old_enough) {
            return Err(BadToken::NotYet);
        }
        self.issue(token, user, now);
        Ok(())
    }

    /// Whose token this is.
    pub(super) fn whose(&self, token: &str, now: Timestamp) -> Result<&Person, BadToken> {
        let grant = self.tokens.get(token).filter(|grant| grant.expires > now).ok_or(BadToken::Dead)?;
        self.people.iter().find(|person| person.id == grant.user).ok_or(BadToken::Gone)
    }

    fn issue(&mut self, token: String, user: u64, now: Timestamp) {
        let expires = after(now, LONG_TOKEN_LASTS);
        self.tokens.insert(token, Grant { user, lasting: true, issued: now, expires });
    }

    fn find(&self, username: &str) -> Result<usize, ControlError> {
        let username = Username::parse(username).map_err(|_| ControlError::Username)?;
        let found = self.people.iter().position(|person| person.username == username);
        found.ok_or(ControlError::NoSuchPerson)
    }

    /// The name, if nobody but `but` has it.
    fn free(&self, username: &str, but: Option<u64>) -> Result<Username, ControlError> {
        let username = Username::parse(username).map_err(|_| ControlError::Username)?;
        let taken = self.people.iter().any(|person| person.username == username && Some(person.id) != but);
        if taken { Err(ControlError::Taken) } else { Ok(username) }
    }
}
