//! What the crash tests share: a child process under load that tells what was acknowledged, and the check afterwards.
//!
//! The child is this test binary again, running its ignored test `child`, told what to do by a line on its standard
//! input. It prints a line for each thing that was acknowledged, after it was.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;

use namesake::store::{Change, Commit, CommitError, Key, SledOptions, SledStore, Store, Version};
use tokio::task::JoinSet;

pub(crate) const WRITERS: usize = 16;
const CLAIMANTS: usize = 64;

/// Where a load that nobody stopped would end.
const COMMITS_PER_WRITER: usize = 2000;

/// What children said over all rounds on one folder.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Acknowledged commits.
    pub(crate) acknowledged: HashSet<String>,
    /// Handle to the claimants who were told that it is theirs.
    pub(crate) won: HashMap<String, Vec<String>>,
}

impl Said {
    /// Runs a child to its end. `seen` gets the number of acknowledgements so far after every line, and returns whether
    /// to kill it.
    pub(crate) fn run(
        &mut self,
        mut command: Command,
        order: &str,
        mut kill: impl FnMut(usize) -> bool,
    ) -> ExitStatus {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{order}\n").as_bytes()).unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let (mut line, mut acknowledged, mut killed) = (String::new(), 0, false);
        while lines.read_line(&mut line).unwrap() > 0 {
            // A line without its end was cut short by the crash.
            match line.strip_suffix('\n').map(|line| line.split(' ').collect::<Vec<_>>()).as_deref() {
                Some(["ack", id]) => {
                    acknowledged += 1;
                    assert!(self.acknowledged.insert((*id).to_owned()), "{id} twice");
                }
                Some(["won", handle, claimant]) => {
                    self.won.entry((*handle).to_owned()).or_default().push((*claimant).to_owned());
                }
                _ => {}
            }
            line.clear();
            if !killed && kill(acknowledged) {
                // SIGKILL. What the child said before it is still in the pipe, and read.
                child.kill().unwrap();
                killed = true;
            }
        }
        child.wait().unwrap()
    }

    /// Opens the folder and checks everything that was said.
    pub(crate) async fn check(&self, path: &Path) {
        let store = open(path);
        let mut commits: HashMap<String, Vec<Version>> = HashMap::new();
        for part in ["a", "b", "c"] {
            for (key, entry) in store.scan(format!("{part}/").as_bytes(), None, usize::MAX).await.unwrap() {
                let id = String::from_utf8(key.as_bytes()[2..].to_vec()).unwrap();
                assert_eq!(*entry.value, *value(&id), "the value of {part}/{id}");
                commits.entry(id).or_default().push(entry.version);
            }
        }
        for (id, versions) in &commits {
            let whole = versions.len() == 3 && versions.iter().all(|version| *version == versions[0]);
            assert!(whole, "{id} is torn: {versions:?}");
        }
        let lost: Vec<_> = self.acknowledged.iter().filter(|id| !commits.contains_key(*id)).collect();
        assert!(lost.is_empty(), "lost {} of {}: {lost:?}", lost.len(), self.acknowledged.len());
        for (handle, winners) in &self.won {
            assert_eq!(winners.len(), 1, "{handle} was won by {winners:?}");
            let entry = store.read(&key(handle)).await.unwrap().expect("a handle that was won");
            assert_eq!(*entry.value, *winners[0].as_bytes(), "{handle} is not its winner's");
        }
        self.check_feed(&*store, &commits).await;
    }

    /// The feed and the entries tell the same story.
    async fn check_feed(&self, store: &dyn Store, commits: &HashMap<String, Vec<Version>>) {
        let mut feed: BTreeMap<Version, Vec<Change>> = BTreeMap::new();
        for change in store.changes(Version::ZERO, usize::MAX).await.unwrap() {
            feed.entry(change.version).or_default().push(change);
        }
        for (id, versions) in commits {
            let keys: Vec<_> = feed[&versions[0]].iter().map(|change| change.key.clone()).collect();
            assert_eq!(keys, ["a", "b", "c"].map(|part| key(&format!("{part}/{id}"))), "the changes of {id}");
        }
        let handles = store.scan(b"h/", None, usize::MAX).await.unwrap().len();
        assert_eq!(feed.len(), commits.len() + handles, "the feed has other commits than the entries");
    }
}

/// This binary's test `child`, and nothing else.
pub(crate) fn child() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
    command
}

/// The order for the child; `None` when somebody ran the ignored test by hand.
pub(crate) fn order() -> Option<Vec<String>> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    line.strip_suffix('\n').map(|line| line.split('\t').map(str::to_owned).collect())
}

/// One line to the parent, at once and whole. In front of it ends whatever line the test harness has begun.
pub(crate) fn say(line: &str) {
    std::io::stdout().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}

pub(crate) fn open(path: &Path) -> Arc<SledStore> {
    Arc::new(SledStore::open(SledOptions { cache_bytes: 16 << 20, ..SledOptions::at(path) }).unwrap())
}

pub(crate) fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

pub(crate) fn value(id: &str) -> Vec<u8> {
    id.bytes().cycle().take(200).collect()
}

/// The child's life: claims of handles, this round's and all earlier ones', and a load of commits of three keys.
pub(crate) async fn load(path: &Path, round: usize) {
    say("opening");
    let store = open(path);
    let mut tasks = JoinSet::new();
    for claimant in 0..CLAIMANTS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for handle in (0..=round).rev().map(|n| format!("h/{n}")) {
                let claimant = format!("{round}-{claimant}");
                let claim = Commit::new().expect_absent(key(&handle)).put(key(&handle), claimant.as_bytes());
                match store.commit(claim).await {
                    Ok(_) => say(&format!("won {handle} {claimant}")),
                    other => assert!(matches!(other, Err(CommitError::Conflict(_))), "{other:?}"),
                }
            }
        });
    }
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for n in 0..COMMITS_PER_WRITER {
                let id = format!("{round}-{writer}-{n}");
                let parts = ["a", "b", "c"].map(|part| key(&format!("{part}/{id}")));
                let commit = parts.into_iter().fold(Commit::new(), |all, part| all.put(part, value(&id)));
                store.commit(commit).await.unwrap();
                say(&format!("ack {id}"));
            }
        });
    }
    tasks.join_all().await;
}

/// A number below `end`, another in every run.
pub(crate) fn random(end: usize) -> usize {
    use std::hash::{BuildHasher, RandomState};
    usize::try_from(RandomState::new().hash_one(0)).unwrap() % end
}
