//! A power cut loses nothing that was acknowledged, and never leaves a store that does not open.
//!
//! The cut is `tests/power-cut/power_cut.c`, a library put in front of the child's C library: at a chosen write it takes
//! back what was written since each file's last real sync, and ends the process. A control shows that it bites: sled
//! alone, acknowledging after its own `flush`, loses data under the same cuts.
//!
//! In two more modes it lets the process go on: a sync fails and what it was to write is gone; or there is no room.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test; its helpers are no test functions"
)]

mod crash;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use namesake::store::{Commit, CommitError, Key, Store as _, StoreError};
use tokio::task::JoinSet;

/// Cuts on one folder, and folders per kind of cut.
const CUTS: usize = 5;
const FOLDERS: usize = 4;
const CREATION_WRITES: usize = 16;
const CONTROL_CUTS: usize = 4;
/// Of each writer, on a disk that fails: so many, and more until it has failed.
const COMMITS_THAT_MAY_FAIL: usize = 30;
const MOST_THAT_MAY_FAIL: usize = 1000;

/// How the library ends the process.
const CUT: i32 = 86;

#[tokio::test]
async fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = compile(folder.path()) else { return };
    for mode in ["all", "random"] {
        let mut acknowledged = 0;
        for n in 0..FOLDERS {
            let path = new_folder(folder.path(), &format!("{mode}-{n}"));
            let mut said = crash::Said::default();
            for round in 0..CUTS {
                // Anywhere: in recovery, too.
                let after = 1 + crash::random(300);
                cut(&library, &path, mode, after, &mut said, &format!("store\t{}\t{round}", path.display()));
                said.check(&path).await;
            }
            acknowledged += said.acknowledged.len();
        }
        assert!(acknowledged > 100, "{acknowledged} commits prove nothing");
        tell(&format!("cut-{mode}: {} cuts, {acknowledged} acknowledged, none lost", FOLDERS * CUTS));
    }
}

/// Each of the writes that make a database, and the first few of its use, is once the last.
#[tokio::test]
async fn a_power_cut_at_creation_leaves_a_store_that_opens() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = compile(folder.path()) else { return };
    for mode in ["all", "random", "random"] {
        for after in 1..=CREATION_WRITES {
            let path = tempfile::tempdir_in(folder.path()).unwrap();
            let path = path.path().canonicalize().unwrap();
            let mut said = crash::Said::default();
            cut(&library, &path, mode, after, &mut said, &format!("store\t{}\t0", path.display()));
            said.check(&path).await;
        }
    }
}

/// A sync that failed is never tried again on top of what the kernel has dropped; nor is it known to have failed and
/// then found to have worked. With a full disk the store goes on, or ends and says so.
#[tokio::test]
async fn a_disk_that_fails_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = compile(folder.path()) else { return };
    for (mode, after) in [("lost", 5), ("lost", 11), ("full", 40), ("full", 67)] {
        let path = new_folder(folder.path(), &format!("{mode}-{after}"));
        drop(crash::open(&path));
        let mut said = crash::Said::default();
        let how = format!("{mode} {after} 1");
        let status = under(&library, &path, &how, &mut said, &format!("fails\t{}", path.display()));
        assert!(status.success(), "{mode} {after}: {status}");
        said.check(&path).await;
        assert!(said.acknowledged.len() > 10, "{} commits prove nothing", said.acknowledged.len());
        tell(&format!("{mode}-{after}: {} acknowledged, none lost", said.acknowledged.len()));
    }
}

/// Without this the test above would also pass with a library that does nothing.
#[test]
fn sled_alone_loses_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = compile(folder.path()) else { return };
    let (mut acknowledged, mut lost) = (0, 0);
    for round in 0..CONTROL_CUTS {
        let path = new_folder(folder.path(), &round.to_string());
        let mut said = crash::Said::default();
        let after = 100 + crash::random(200);
        cut(&library, &path, "all", after, &mut said, &format!("sled\t{}\t{round}", path.display()));
        #[expect(clippy::disallowed_methods, reason = "the control is sled without our recipe")]
        let found = sled::open(&path).unwrap();
        acknowledged += said.acknowledged.len();
        lost += said.acknowledged.iter().filter(|id| !found.contains_key(id).unwrap()).count();
    }
    tell(&format!("control: {CONTROL_CUTS} cuts, {acknowledged} acknowledged, {lost} lost, as it should be"));
    assert!(lost > 0, "the power cut does not bite: nothing lost of {acknowledged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process whose power is cut"]
async fn child() {
    let Some(order) = crash::order() else { return };
    let path = Path::new(&order[1]);
    match order[0].as_str() {
        "store" => crash::load(path, order[2].parse().unwrap()).await,
        "fails" => load_that_may_fail(path).await,
        _ => sled_load(path),
    }
}

/// A load on a disk that fails now and then. Whoever is told that nothing was written tries again, and would meet its own
/// commit if that was not so. A store that has ended ends the load.
async fn load_that_may_fail(path: &Path) {
    let store = crash::open(path);
    let health = store.health();
    // Also where it is well again.
    let has_failed = move || health.has_changed().unwrap_or(true);
    let mut tasks = JoinSet::new();
    for writer in 0..crash::WRITERS {
        let (store, has_failed) = (Arc::clone(&store), has_failed.clone());
        tasks.spawn(async move {
            let goes_on = |n: &usize| *n < COMMITS_THAT_MAY_FAIL || !has_failed();
            for id in (0..MOST_THAT_MAY_FAIL).take_while(goes_on).map(|n| format!("{writer}-{n}")) {
                let parts = ["a", "b", "c"].map(|part| crash::key(&format!("{part}/{id}")));
                let put =
                    |all: Commit, part: Key| all.expect_absent(part.clone()).put(part, crash::value(&id));
                let commit = parts.into_iter().fold(Commit::new(), put);
                loop {
                    match store.commit(commit.clone()).await {
                        Ok(_) => break crash::say(&format!("ack {id}")),
                        Err(CommitError::Failed(StoreError::Unavailable(_))) => {}
                        Err(CommitError::Failed(StoreError::Ended(_)) | CommitError::Unknown(_)) => return,
                        Err(other) => panic!("{id}: {other:?}"),
                    }
                }
            }
        });
    }
    tasks.join_all().await;
    assert!(has_failed(), "the disk that fails does not bite");
}

/// The control: acknowledges after what sled calls durable.
fn sled_load(path: &Path) {
    #[expect(clippy::disallowed_methods, reason = "the control is sled without our recipe")]
    let db = sled::open(path).unwrap();
    for id in (0..100_000).map(|n| n.to_string()) {
        db.insert(&id, crash::value(&id)).unwrap();
        db.flush().unwrap();
        crash::say(&format!("ack {id}"));
    }
}

fn cut(library: &Path, path: &Path, mode: &str, after: usize, said: &mut crash::Said, order: &str) {
    let seed = crash::random(usize::MAX);
    let status = under(library, path, &format!("{mode} {after} {seed}"), said, order);
    assert_eq!(status.code(), Some(CUT), "no power cut (mode {mode}, after {after}, seed {seed}): {status}");
}

/// A child with the library before it, to its end. `how`: its mode, after how many, and the seed.
fn under(library: &Path, path: &Path, how: &str, said: &mut crash::Said, order: &str) -> ExitStatus {
    let mut child = crash::child();
    child.env("LD_PRELOAD", library).env("POWER_CUT_DIR", path);
    child.envs(["POWER_CUT_MODE", "POWER_CUT_AFTER", "POWER_CUT_SEED"].into_iter().zip(how.split(' ')));
    said.run(child, order, |_| false)
}

/// The folder, as the kernel will name it to the library.
fn new_folder(parent: &Path, name: &str) -> PathBuf {
    std::fs::create_dir(parent.join(name)).unwrap();
    parent.join(name).canonicalize().unwrap()
}

/// The library; `None`, and said aloud, where it cannot be made.
fn compile(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/power-cut/power_cut.c");
    let library = folder.join("power_cut.so");
    if !cfg!(all(target_os = "linux", target_pointer_width = "64")) {
        tell("SKIPPED: the power-cut test needs 64-bit Linux. Nothing was tested.");
        return None;
    }
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O2", "-pthread", "-o"]).arg(&library).arg(&source);
    match compiler.status() {
        Ok(status) => assert!(status.success(), "{} does not compile", source.display()),
        Err(error) => {
            tell(&format!(
                "SKIPPED: the power-cut test needs a C compiler as `cc`: {error}. Nothing was tested."
            ));
            return None;
        }
    }
    Some(library)
}

/// Straight to standard error, where it is seen in any case.
fn tell(line: &str) {
    #[expect(
        clippy::explicit_write,
        reason = "the harness swallows what `eprintln!` prints in a test that passes"
    )]
    writeln!(std::io::stderr(), "store_power_cut: {line}").unwrap();
}
