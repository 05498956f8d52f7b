//! One command's work on an account: level with the server's log first, then the next entries.
//!
//! An entry is written to the folder before it is sent. Whatever becomes of the reply, [`Session::level`] asks for the
//! log and finishes what was begun: posting an entry again changes nothing.

use std::{path::Path, sync::Arc, time::Duration};

use namesake::{Clock, Timestamp};
use namesake_independent::{
    holder::{Seed, Standing, Step, Turn, sign_again, standing},
    webvh::{Entry, Fault, Head},
};
use url::Url;

use super::{
    IdentityError,
    folder::{Folder, Identity, Keys, Pending},
    note,
    sealing::Passphrase,
    server::{Posted, Server},
};
use crate::config::Config;

/// How often an entry is signed again because its time is not near the server's.
const MOST_SIGNINGS: usize = 4;
/// The longest wait for the next second. If our clock is further behind than this, the server's decides.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Session {
    pub identity: Identity,
    pub server: Server,
    folder: Folder,
    clock: Arc<dyn Clock>,
    /// The keys, once they were opened.
    seed: Option<Seed>,
}

/// Whether the log was as we left it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    AsLeft,
    /// Somebody went on with our keys.
    WentOn,
}

/// What became of the entries of the folder that were to be posted.
enum Delivered {
    All,
    /// The first is dated too far from the server's time, which is this.
    Mistimed(Timestamp),
    Stale,
    Refused(String),
}

impl Session {
    /// The identity of a folder, at the server it names or at another.
    pub(super) fn open(
        config: &Config,
        clock: Arc<dyn Clock>,
        dir: &Path,
        server: Option<&Url>,
    ) -> Result<Self, IdentityError> {
        let (folder, mut identity) = Folder::open(dir)?;
        if let Some(server) = server {
            identity.server = server.clone();
        }
        let server = Server::new(config, &identity.server)?;
        Ok(Self { identity, server, folder, clock, seed: None })
    }

    /// An identity that no folder holds yet. Nothing is written until [`Session::post`].
    pub(super) fn found(identity: Identity, server: Server, folder: Folder, clock: Arc<dyn Clock>) -> Self {
        Self { identity, server, folder, clock, seed: None }
    }

    pub(super) fn seed(&mut self, passphrase: Option<&Passphrase>) -> Result<Seed, IdentityError> {
        let seed = self.identity.keys.seed.open(passphrase)?;
        self.seed = Some(seed.clone());
        Ok(seed)
    }

    pub(super) fn head(&self) -> Result<&Head, IdentityError> {
        self.identity.head.as_ref().ok_or_else(|| {
            IdentityError::Temporary(
                "the account is not made yet: try again when its server answers".to_owned(),
            )
        })
    }

    /// Asks for the log, finishes or drops what was begun, and remembers the head.
    pub(super) async fn level(&mut self) -> Result<Level, IdentityError> {
        let pending = self.identity.pending_entries()?;
        let Some(log) = self.server.log(&self.identity.did, self.clock.now()).await? else {
            return match self.identity.head {
                None => self.finish().await.map(|()| Level::AsLeft),
                Some(_) => Err(IdentityError::Refused(format!(
                    "{} knows no account {}, of which this folder remembers a log: is it the right server?",
                    self.server.url(),
                    self.identity.did
                ))),
            };
        };
        let known = self.identity.head.as_ref().map(|head| &head.version);
        let (level, taken) = match standing(&log, known, &pending) {
            Standing::Level { taken } => (Level::AsLeft, taken),
            Standing::WentOn { taken } => (Level::WentOn, taken),
            Standing::RolledBack => return Err(rolled_back(self.server.url(), self.head()?)),
        };
        self.identity.head = Some(log.head().clone());
        self.took(taken);
        if level == Level::WentOn {
            self.identity.pending = None;
        }
        self.folder.save(&self.identity)?;
        if taken > 0 {
            note(&format!("what was begun earlier is done: the log is at {}", log.head().version));
        }
        self.finish().await?;
        Ok(level)
    }

    /// The same, for a command that goes on from the head only if it is ours.
    pub(super) async fn must_be_level(&mut self) -> Result<(), IdentityError> {
        match self.level().await? {
            Level::AsLeft if self.head()?.deactivated => {
                Err(IdentityError::Refused("the account was closed".to_owned()))
            }
            Level::AsLeft => Ok(()),
            Level::WentOn => Err(self.went_on()?),
        }
    }

    /// Posts the next entry by the account's own keys.
    pub(super) async fn turn(
        &mut self,
        seed: &Seed,
        make: impl Fn(&Turn<'_>) -> Result<Step, Fault>,
    ) -> Result<(), IdentityError> {
        let head = self.head()?.clone();
        let Some(index) = seed.next_index(&head, self.identity.keys.next) else {
            return Err(IdentityError::Refused(
                "the keys of this folder do not control the account any more: its recovery key does, see \
                 `namesake identity rotate --recovery-key-file`"
                    .to_owned(),
            ));
        };
        let keys = Keys { seed: self.identity.keys.seed.clone(), next: index + 1 };
        let steps = |head: Option<&Head>, at| {
            let head = head.ok_or(Fault::StateId)?;
            Ok(vec![make(&Turn { head, seed, index, at })?])
        };
        self.post(keys, false, steps).await
    }

    /// Makes the entries that `make` gives for a head and a time, keeps them, and posts them; `keys` follow the last.
    /// With `founding` the folder is worth nothing without them.
    pub(super) async fn post(
        &mut self,
        keys: Keys,
        founding: bool,
        make: impl Fn(Option<&Head>, Timestamp) -> Result<Vec<Step>, Fault>,
    ) -> Result<(), IdentityError> {
        let mut now = self.clock.now();
        for _ in 0..MOST_SIGNINGS {
            let at = self.next_moment(now);
            self.wait(at, now).await;
            let steps = make(self.identity.head.as_ref(), at)?;
            self.keep(&steps, keys.clone(), founding)?;
            match self.deliver().await? {
                Delivered::All => return Ok(()),
                Delivered::Mistimed(theirs) => now = theirs,
                Delivered::Stale => {
                    let level = self.level().await?;
                    let ours =
                        steps.last().is_some_and(|step| self.head().is_ok_and(|head| *head == step.head));
                    return match level {
                        _ if ours => Ok(()),
                        Level::WentOn => Err(self.went_on()?),
                        Level::AsLeft => Err(changing()),
                    };
                }
                Delivered::Refused(why) => {
                    self.drop_pending()?;
                    return Err(IdentityError::Refused(why));
                }
            }
        }
        Err(no_time())
    }

    /// Remembers entries that are about to be posted, `keys` being those after the last.
    fn keep(&mut self, steps: &[Step], keys: Keys, founding: bool) -> Result<(), IdentityError> {
        if let (None, Some(first)) = (&self.identity.head, steps.first()) {
            self.identity.name_after(&first.head);
        }
        let entries = steps.iter().map(|step| step.entry.line().to_owned()).collect();
        self.identity.pending = Some(Pending { entries, keys, founding });
        self.folder.save(&self.identity)
    }

    /// Posts what is left from an earlier command: signed anew, if it is too old by now. What is refused is dropped.
    async fn finish(&mut self) -> Result<(), IdentityError> {
        for _ in 0..MOST_SIGNINGS {
            match self.deliver().await? {
                Delivered::All => return Ok(()),
                Delivered::Refused(why) => return self.give_up(&why),
                Delivered::Mistimed(theirs) if self.sign_again(theirs)? => {}
                Delivered::Mistimed(_) => {
                    return self.give_up("it is too old by now, and the keys at hand cannot sign it anew");
                }
                Delivered::Stale => return Err(changing()),
            }
        }
        Err(no_time())
    }

    /// Signs what is left from an earlier command anew, for the time `theirs`. `false`: the keys that are here did not
    /// sign it, so that nobody can but whoever gave that command.
    fn sign_again(&mut self, theirs: Timestamp) -> Result<bool, IdentityError> {
        let (entries, Some(pending)) = (self.identity.pending_entries()?, &self.identity.pending) else {
            return Ok(false);
        };
        let (keys, founding) = (pending.keys.clone(), pending.founding);
        let stored = &self.identity.keys;
        let seed = match &self.seed {
            Some(seed) => seed.clone(),
            // Without it, the folder would hold keys to nothing.
            None if stored.seed.is_sealed() && founding => {
                return Err(IdentityError::Input(
                    "what was begun is too old by now, and is signed anew once the keys are opened: \
                 `namesake identity show --passphrase-file FILE`"
                        .to_owned(),
                ));
            }
            None if stored.seed.is_sealed() => return Ok(false),
            None => stored.seed.open(None)?,
        };
        let [entry] = entries.as_slice() else { return Ok(false) };
        let Some(key) = seed.key_of(&entry.proof.key, stored.next) else { return Ok(false) };
        let step = sign_again(self.identity.head.as_ref(), entry, &key, self.next_moment(theirs))?;
        self.keep(&[step], keys, founding)?;
        Ok(true)
    }

    fn give_up(&mut self, why: &str) -> Result<(), IdentityError> {
        let founding = self.drop_pending()?;
        let what = format!("what an earlier command began was refused, and is dropped: {why}");
        match founding {
            true => Err(IdentityError::Refused(format!("{what}; this folder holds no identity now"))),
            false => {
                note(&what);
                Ok(())
            }
        }
    }

    async fn deliver(&mut self) -> Result<Delivered, IdentityError> {
        for entry in self.identity.pending_entries()? {
            let now = self.clock.now();
            self.wait(entry.time, now).await;
            let did = self.identity.head.as_ref().map(|head| head.did.as_str());
            match self.server.post(did, &entry).await? {
                Posted::Taken => self.follow(&entry)?,
                Posted::Mistimed(theirs) => return Ok(Delivered::Mistimed(theirs)),
                Posted::Stale(_) => return Ok(Delivered::Stale),
                Posted::Refused(why) => return Ok(Delivered::Refused(why)),
            }
        }
        Ok(Delivered::All)
    }

    /// Remembers that the first pending entry was taken.
    fn follow(&mut self, entry: &Entry) -> Result<(), IdentityError> {
        let head = match &self.identity.head {
            None => Head::begin(entry, entry.time)?,
            Some(head) => head.follow(entry, entry.time)?,
        };
        self.identity.head = Some(head);
        self.took(1);
        self.folder.save(&self.identity)
    }

    /// The first `taken` of the pending entries are in the log.
    fn took(&mut self, taken: usize) {
        let Some(mut pending) = self.identity.pending.take() else { return };
        pending.entries.drain(..taken.min(pending.entries.len()));
        pending.founding &= taken == 0;
        match pending.entries.is_empty() {
            true => self.identity.keys = pending.keys,
            false => self.identity.pending = Some(pending),
        }
    }

    /// Forgets what was to be posted, and the whole identity if it is worth nothing without; says which.
    fn drop_pending(&mut self) -> Result<bool, IdentityError> {
        let founding = self.identity.pending.take().is_some_and(|pending| pending.founding);
        match founding {
            true => self.folder.clear()?,
            false => self.folder.save(&self.identity)?,
        }
        Ok(founding)
    }

    /// Entries have whole seconds, and each is after the one before.
    fn next_moment(&self, now: Timestamp) -> Timestamp {
        let earliest = self.identity.head.as_ref().map_or(i64::MIN, |head| head.time.as_second() + 1);
        Timestamp::from_second(now.as_second().max(earliest)).unwrap_or(now)
    }

    async fn wait(&self, at: Timestamp, now: Timestamp) {
        if let Ok(left) = Duration::try_from(at.duration_since(now)) {
            let until = self.clock.now().saturating_add(left.min(LONGEST_WAIT));
            self.clock.sleep_until(until.unwrap_or(at)).await;
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn save(&self) -> Result<(), IdentityError> {
        self.folder.save(&self.identity)
    }

    fn went_on(&self) -> Result<IdentityError, IdentityError> {
        let head = self.head()?;
        let handle = head.handle().map_or_else(|| "no handle".to_owned(), |handle| format!("@{handle}"));
        Ok(IdentityError::Refused(format!(
            "the log went on without this folder: it is at {} now, by {handle}. Another copy of this folder did that, or \
             somebody else used your keys. Nothing was lost, and nothing was posted; this folder knows the new head. If it was \
             you, give the command again; if not, take the account back with `namesake identity rotate --recovery-key-file`",
            head.version
        )))
    }
}

fn no_time() -> IdentityError {
    IdentityError::Temporary("the server's clock and ours do not agree on a time".to_owned())
}

fn changing() -> IdentityError {
    IdentityError::Temporary("the log is being changed: try again".to_owned())
}

/// That a log lacks what it had.
pub(super) fn rolled_back(server: &Url, known: &Head) -> IdentityError {
    IdentityError::Refused(format!(
        "{server} shows a log of {} that lacks the entry {}, which it had: the server was rolled back, or withholds \
         entries. Do not trust its answers about this account",
        known.did, known.version
    ))
}
