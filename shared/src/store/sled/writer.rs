//! The one thread that writes: group commit.
//!
//! It takes what has queued up, checks each commit in order against the batch so far, applies all that passed at once,
//! makes them durable with one sync, and answers everybody only then. That includes those told of a conflict: the entry
//! they lost against may be in the same batch, and must not be heard of before it is durable.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use tokio::sync::{mpsc, oneshot, watch};

use super::engine::{Engine, Rows};
use super::mark::OpenMark;
use super::opening::Opening;
use super::panics;
use super::rows::{self, Row};
use super::space::Space;
use super::view::View;
use crate::store::{
    Commit, CommitError, Key, MAX_COMMITS_PER_BATCH, StoreError, StoreHealth, Version, Write,
};

/// Most commits that wait for the thread; who comes then waits to be let in. With the limit on a commit's size this
/// bounds the queue to 128 MiB at the very worst.
const MAX_QUEUED_COMMITS: usize = 256;

/// A batch takes no further commit past these. They bound what it holds in memory: rows to write, rows it replaces.
const MAX_WRITES_PER_BATCH: usize = 1024;
const MAX_BYTES_PER_BATCH: usize = 4 * 1024 * 1024;

/// The thread, and the way to it. Dropping it lets the thread finish what is queued, and waits for that.
pub(super) struct Writer {
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    health: watch::Receiver<StoreHealth>,
}

struct Request {
    commit: Commit,
    answer: oneshot::Sender<Result<Version, CommitError>>,
}

impl Writer {
    /// `graves`: what an earlier run left to be removed.
    pub(super) fn start(
        view: Arc<View>,
        graves: Vec<Key>,
        opening: Opening,
        mark: OpenMark,
        min_free_bytes: u64,
        space: Box<dyn Fn() -> io::Result<Space> + Send>,
        health: watch::Sender<StoreHealth>,
    ) -> io::Result<Self> {
        let (queue, requests) = mpsc::channel(MAX_QUEUED_COMMITS);
        let (watched, seen) = ((Arc::clone(&view), health.clone()), health.subscribe());
        let synced = HashSet::new();
        let thread = Thread { view, opening, mark, min_free_bytes, space, health, requests, synced, graves };
        let thread = Builder::new().name("namesake-store".into()).spawn(move || {
            // Those who waited for what was under way are told that its outcome is not known; all others, from now on, that
            // nothing is written.
            if let Err(panic) = panics::caught(move || thread.run()) {
                let (view, health) = watched;
                tracing::error!(panic, "store.writer.panicked");
                let why = format!("the thread that writes panicked: {panic}");
                view.end(&why);
                health.send_replace(StoreHealth::Ended(why));
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread), health: seen })
    }

    /// Once the commit is in the queue it runs, whether or not anybody still waits for the answer.
    pub(super) async fn commit(&self, commit: Commit) -> Result<Version, CommitError> {
        commit.validate()?;
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(CommitError::Failed(StoreError::Stopped))?;
        let sent = queue.send(Request { commit, answer }).await;
        sent.map_err(|_| CommitError::Failed(self.gone()))?;
        // The thread is gone only if it panicked; then nobody knows how far it came.
        answered.await.unwrap_or_else(|_| Err(CommitError::Unknown(self.gone())))
    }

    fn gone(&self) -> StoreError {
        match &*self.health.borrow() {
            StoreHealth::Ended(why) => StoreError::Ended(why.clone()),
            _ => StoreError::Ended("the thread that writes is gone".to_owned()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was caught, and those who waited were told.
            let _ = thread.join();
        }
    }
}

struct Thread {
    view: Arc<View>,
    opening: Opening,
    mark: OpenMark,
    min_free_bytes: u64,
    space: Box<dyn Fn() -> io::Result<Space> + Send>,
    health: watch::Sender<StoreHealth>,
    requests: mpsc::Receiver<Request>,
    /// See `Engine::persist`.
    synced: HashSet<PathBuf>,
    /// Fleeting keys whose deletion is durable. Their rows go with the next batch, and not before: until a deletion is
    /// durable, its row is what tells readers to look at what was there.
    graves: Vec<Key>,
}

impl Thread {
    fn run(mut self) {
        while let Some(request) = self.requests.blocking_recv() {
            let batch = self.fill(request);
            self.serve(batch);
        }
    }

    fn fill(&mut self, first: Request) -> Vec<Request> {
        let mut writes = first.commit.writes().len();
        let mut bytes = first.commit.bytes();
        let mut batch = vec![first];
        while batch.len() < MAX_COMMITS_PER_BATCH
            && writes < MAX_WRITES_PER_BATCH
            && bytes < MAX_BYTES_PER_BATCH
            && let Ok(next) = self.requests.try_recv()
        {
            writes += next.commit.writes().len();
            bytes += next.commit.bytes();
            batch.push(next);
        }
        batch
    }

    fn serve(&mut self, requests: Vec<Request>) {
        let outcomes = match self.refusal(&requests) {
            Some(error) => requests.iter().map(|_| Err(CommitError::Failed(error.clone()))).collect(),
            None => self.write(&requests.iter().map(|request| &request.commit).collect::<Vec<_>>()),
        };
        for (request, outcome) in requests.into_iter().zip(outcomes) {
            // Nobody may be waiting any more; the outcome stands.
            let _ = request.answer.send(outcome);
        }
    }

    /// Why nothing of this batch is written, if so.
    fn refusal(&self, requests: &[Request]) -> Option<StoreError> {
        let was_full = match &*self.health.borrow() {
            StoreHealth::Ended(why) => return Some(StoreError::Ended(why.clone())),
            health => *health == StoreHealth::Full,
        };
        let bytes: usize = requests.iter().map(|request| request.commit.bytes()).sum();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        // A file system that does not say is as good as one with room.
        let Ok(space) = (self.space)() else { return None };
        let full = !space.has_room(bytes, self.min_free_bytes, was_full);
        let (path, free_bytes) = (self.opening.folder.display(), space.free);
        if full && !was_full {
            self.health.send_replace(StoreHealth::Full);
            tracing::error!(store.path = %path, free_bytes, min_free_bytes = self.min_free_bytes, "store.full");
        }
        if was_full && !full {
            self.health.send_replace(StoreHealth::Well);
            tracing::info!(store.path = %path, free_bytes, "store.has_room");
        }
        full.then_some(StoreError::Full)
    }

    /// Writes a batch; once more if the disk failed and what was read anew shows that nothing of it is there.
    fn write(&mut self, commits: &[&Commit]) -> Vec<Result<Version, CommitError>> {
        self.try_write(commits).or_else(|Undone| self.try_write(commits)).unwrap_or_else(|Undone| {
            let failed = StoreError::Unavailable("its disk failed, and it was opened again".to_owned());
            commits.iter().map(|_| Err(CommitError::Failed(failed.clone()))).collect()
        })
    }

    fn try_write(&mut self, commits: &[&Commit]) -> Result<Vec<Result<Version, CommitError>>, Undone> {
        let (view, last) = (&*self.view, self.view.mark());
        let mut staged = Staged { view, last, told: last, keys: HashMap::new(), feed: Rows::default() };
        let outcomes: Vec<_> = commits.iter().map(|commit| staged.add(commit)).collect();
        let unread = outcomes.iter().any(|outcome| matches!(outcome, Err(CommitError::Failed(_))));
        if unread && let Err(error) = view.engine(Engine::check) {
            // Nothing was applied.
            return match self.open_again(&error) {
                Some(_) => Err(Undone),
                None => Ok(outcomes.into_iter().map(|_| Err(CommitError::Failed(error.clone()))).collect()),
            };
        }
        if staged.keys.is_empty() {
            // Everything was decided against durable rows.
            return Ok(outcomes);
        }
        let last = staged.last;
        let error = match staged.commit(&mut self.synced, &self.graves) {
            Ok(graves) => {
                self.graves = graves;
                self.mark.note(last);
                return Ok(outcomes);
            }
            Err(error) => error,
        };
        match self.open_again(&error) {
            // It is all there, and durable: it was made.
            Some(durable) if durable >= last => Ok(outcomes),
            Some(_) => Err(Undone),
            None => Ok(outcomes.into_iter().map(|outcome| in_doubt(outcome, &error)).collect()),
        }
    }

    /// After an error of the disk: closes the store, opens it again, and gives the last version that is there. sled keeps
    /// its first error until then, and a sync that is tried again after it failed reports success for what the kernel has
    /// dropped. `None`: that failed too, and the store has ended.
    ///
    /// Nobody is answered before this is done, so nobody reads a state that the next moment takes back.
    fn open_again(&mut self, error: &StoreError) -> Option<Version> {
        let path = self.opening.folder.clone();
        tracing::error!(store.path = %path.display(), error = one_line(error), "store.failed");
        self.health.send_replace(StoreHealth::Reopening);
        self.view.close();
        match self.opening.open_again(self.view.mark()) {
            Ok((engine, durable, mark)) => {
                self.mark = mark;
                self.synced.clear();
                self.view.reopen(engine, durable);
                // Which of them are left depends on what was there. One that is not known costs a row until the next start.
                self.graves = self.view.graves().unwrap_or_default();
                self.health.send_replace(StoreHealth::Well);
                tracing::info!(store.path = %path.display(), "store.reopened");
                Some(durable)
            }
            Err(reason) => {
                let why = format!("{}; {}", one_line(error), one_line(&reason));
                tracing::error!(store.path = %path.display(), error = why, "store.ended");
                self.view.end(&why);
                self.health.send_replace(StoreHealth::Ended(why));
                None
            }
        }
    }
}

/// The disk failed, the store was opened again, and nothing of the batch is there.
struct Undone;

/// What is told of a commit in a batch of which nobody knows whether it was made.
fn in_doubt(outcome: Result<Version, CommitError>, error: &StoreError) -> Result<Version, CommitError> {
    match outcome {
        Ok(_) => Err(CommitError::Unknown(error.clone())),
        // Perhaps decided against rows that are in doubt. Certain is that nothing was written.
        Err(CommitError::Conflict(_)) => Err(CommitError::Failed(error.clone())),
        Err(other) => Err(other),
    }
}

/// A batch in the making.
struct Staged<'a> {
    view: &'a View,
    last: Version,
    /// The last of its commits that is in the feed.
    told: Version,
    keys: HashMap<Key, Replaced>,
    feed: Rows,
}

struct Replaced {
    /// The last durable row.
    before: Option<Row>,
    /// The newest row of this batch.
    now: Row,
}

impl Staged<'_> {
    /// Adds a commit, or leaves the batch as it was.
    fn add(&mut self, commit: &Commit) -> Result<Version, CommitError> {
        // All that can fail comes before the first change. A key that is expected and written is looked up once.
        let mut before = HashMap::new();
        let expected = commit.expectations().iter().map(|(key, _)| key);
        for key in expected.chain(commit.writes().iter().map(|(key, _)| key)) {
            if !self.keys.contains_key(key) && !before.contains_key(key) {
                before.insert(key, self.view.row(key).map_err(CommitError::Failed)?);
            }
        }
        let live = |key: &Key| match self.keys.get(key) {
            Some(replaced) => replaced.now.live(),
            None => before.get(key)?.as_ref()?.live(),
        };
        let Ok(conflict) = commit.conflict::<Infallible>(|key| Ok(live(key)));
        if let Some(key) = conflict {
            return Err(CommitError::Conflict(key));
        }
        self.last = self.last.next();
        for (slot, (key, write)) in (0..=u16::MAX).zip(commit.writes()) {
            let value = match write {
                Write::Put(value) => Some(Arc::clone(value)),
                Write::Delete => None,
            };
            let now = Row { version: self.last, slot, value };
            if !key.is_fleeting() {
                self.feed.put(now.feed_key(), now.feed_value(key));
                self.told = self.last;
            }
            match before.remove(key) {
                Some(before) => drop(self.keys.insert(key.clone(), Replaced { before, now })),
                None => drop(self.keys.get_mut(key).map(|replaced| replaced.now = now)),
            }
        }
        Ok(self.last)
    }

    /// Makes the batch durable, with the end of `graves`. Gives those that it has dug.
    fn commit(self, synced: &mut HashSet<PathBuf>, graves: &[Key]) -> Result<Vec<Key>, StoreError> {
        let Self { view, last, told, keys, feed: mut rows } = self;
        for grave in graves.iter().filter(|key| !keys.contains_key(*key)) {
            rows.remove(rows::head_key(grave.as_bytes()));
        }
        if told != last {
            rows.put(rows::LAST_KEY.to_vec(), rows::last_value(last));
        }
        let dug = keys.iter().filter(|(key, replaced)| key.is_fleeting() && replaced.now.value.is_none());
        let dug = dug.map(|(key, _)| key.clone()).collect();
        for (key, Replaced { before, now }) in &keys {
            for (piece, _) in before.iter().flat_map(Row::pieces) {
                rows.remove(piece);
            }
            for (piece, bytes) in now.pieces() {
                rows.put(piece, bytes);
            }
            rows.put(rows::head_key(key.as_bytes()), now.head());
        }
        view.hold(keys.into_iter().map(|(key, replaced)| (key, replaced.before)).collect());
        view.engine(|engine| {
            engine.apply(rows)?;
            engine.persist(synced)
        })?;
        view.settle(last);
        Ok(dug)
    }
}

/// An error and what is below it.
fn one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        line = format!("{line}: {error}");
        below = error.source();
    }
    line
}
