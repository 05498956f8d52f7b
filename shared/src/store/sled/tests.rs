//! What only this adapter can get wrong, and what only its inside can show.

use std::fs;
use std::path::Path;

use super::*;
use crate::store::{FLEETING, MAX_KEYS_PER_COMMIT, MAX_VALUE_BYTES};

fn open(path: &Path) -> Result<SledStore, OpenError> {
    SledStore::open(SledOptions { path: path.into(), cache_bytes: 8 * 1024 * 1024 })
}

fn key(name: impl Into<Vec<u8>>) -> Key {
    Key::new(name).unwrap()
}

fn broken(path: &Path) -> SledStore {
    let lock = files::lock(path).unwrap();
    let engine = Engine::open(path, 8 * 1024 * 1024).unwrap().with_broken_sync();
    SledStore::start(path.into(), lock, engine).unwrap()
}

#[tokio::test]
async fn what_is_not_durable_is_never_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (key("k/old"), key("k/new"));
    let long = vec![7; MAX_VALUE_BYTES];
    let store = open(folder.path()).unwrap();
    let first = store.commit(Commit::new().put(old.clone(), long.clone())).await.unwrap();
    drop(store);

    // Here every commit is applied, and no sync succeeds.
    let store = broken(folder.path());
    let commit = Commit::new().put(old.clone(), b"x".as_slice()).put(new.clone(), b"y".as_slice());
    let outcome = store.commit(commit).await;
    assert!(matches!(outcome, Err(CommitError::Unknown(StoreError::Io(_)))), "{outcome:?}");
    let head = store.view.engine.head(&old).unwrap().unwrap();
    assert!(head.version() > first, "the test means nothing unless sled has the new row");

    let entry = Entry { version: first, value: long.into() };
    assert_eq!(store.read(&old).await.unwrap(), Some(entry.clone()));
    assert_eq!(store.read(&new).await.unwrap(), None);
    assert_eq!(store.scan(b"k/", None, 10).await.unwrap(), [(old.clone(), entry)]);
    assert_eq!(store.changes(Version::ZERO, 10).await.unwrap().len(), 1);

    // It stays that way, and says so.
    for _ in 0..2 {
        let outcome = store.commit(Commit::new().put(key("other"), b"z".as_slice())).await;
        assert!(matches!(outcome, Err(CommitError::Failed(StoreError::ReadOnly(_)))), "{outcome:?}");
    }
}

/// All in one batch, whose sync fails: nobody may learn what the batch would have held.
#[tokio::test]
async fn a_failed_sync_tells_nobody_of_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let store = broken(folder.path());
    let claim = || store.commit(Commit::new().expect_absent(key("h")).put(key("h"), b"x".as_slice()));
    let (first, second) = tokio::join!(claim(), claim());
    assert!(matches!(first, Err(CommitError::Unknown(_))), "{first:?}");
    assert!(matches!(second, Err(CommitError::Failed(_))), "{second:?}");
}

#[tokio::test]
async fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Locked(_)), "{error:?}");
    assert!(error.to_string().contains("another process"), "{error}");
    drop(store);
    open(folder.path()).unwrap();
}

#[tokio::test]
async fn reopening_finds_everything_and_goes_on_counting() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let first = store.commit(Commit::new().put(key("a"), b"1".as_slice())).await.unwrap();
    let second = store.commit(Commit::new().delete(key("a"))).await.unwrap();
    drop(store);
    let store = open(folder.path()).unwrap();
    assert_eq!(store.read(&key("a")).await.unwrap(), None);
    let versions: Vec<_> = store.changes(Version::ZERO, 9).await.unwrap().iter().map(|c| c.version).collect();
    assert_eq!(versions, [first, second]);
    assert!(store.commit(Commit::new().put(key("a"), b"2".as_slice())).await.unwrap() > second);
}

/// Neither a row in the feed nor a tombstone stays, also across restarts, and no version is given twice.
#[tokio::test]
async fn fleeting_keys_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |store: &SledStore| store.view.engine.heads(b"", None).count();
    let fleeting = |n: usize| key(format!("{FLEETING}k{n}"));
    let mut last = Version::ZERO;
    for round in 0..3 {
        let store = open(folder.path()).unwrap();
        for n in 0..50 {
            for commit in [Commit::new().put(fleeting(n), b"x".as_slice()), Commit::new().delete(fleeting(n))]
            {
                let version = store.commit(commit).await.unwrap();
                assert!(version > last, "in round {round}, {version} comes after {last}");
                last = version;
            }
        }
        assert_eq!(store.changes(Version::ZERO, 9).await.unwrap(), []);
        // The last one's row waits for a batch.
        assert_eq!(rows(&store), 1);
        let kept = store.commit(Commit::new().put(fleeting(0), b"kept".as_slice())).await.unwrap();
        assert_eq!(rows(&store), 1);
        last = store.commit(Commit::new().delete(fleeting(0))).await.unwrap();
        assert!(kept < last);
    }
    let store = open(folder.path()).unwrap();
    assert_eq!(store.read(&fleeting(0)).await.unwrap(), None);
    store.commit(Commit::new().put(key("k"), b"x".as_slice())).await.unwrap();
    assert_eq!(rows(&store), 1, "what an earlier run left is removed, too");
}

/// As with any other key: until the deletion is durable, what was there is there.
#[tokio::test]
async fn a_fleeting_key_is_not_gone_before_its_deletion_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let (fleeting, value) = (key("~k"), b"x".as_slice());
    let store = open(folder.path()).unwrap();
    let version = store.commit(Commit::new().put(fleeting.clone(), value)).await.unwrap();
    drop(store);
    let store = broken(folder.path());
    let outcome = store.commit(Commit::new().delete(fleeting.clone())).await;
    assert!(matches!(outcome, Err(CommitError::Unknown(_))), "{outcome:?}");
    let entry = Entry { version, value: value.into() };
    assert_eq!(store.read(&fleeting).await.unwrap(), Some(entry.clone()));
    assert_eq!(store.scan(b"~", None, 9).await.unwrap(), [(fleeting, entry)]);
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_is_made_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    {
        let mut commit = store.commit(Commit::new().put(key("a"), b"1".as_slice()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        // The queue has room, so one poll hands it over.
        let _ = commit.as_mut().poll(&mut context);
    }
    // Dropping the store waits for it.
    drop(store);
    assert!(open(folder.path()).unwrap().read(&key("a")).await.unwrap().is_some());
}

#[test]
fn a_half_written_snapshot_does_not_stop_the_next_open() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let leftover = folder.path().join("snap.0000000000000A7F.generating");
    fs::write(&leftover, b"half").unwrap();
    drop(open(folder.path()).unwrap());
    assert!(!leftover.exists());
}

/// A power cut while the database was made leaves files of zeros; nothing was acknowledged, so they go.
#[test]
fn a_half_made_database_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    for file in ["conf", "db"] {
        let length = fs::metadata(folder.path().join(file)).unwrap().len();
        fs::write(folder.path().join(file), vec![0; usize::try_from(length).unwrap()]).unwrap();
    }
    fs::write(folder.path().join("namesake.creating"), b"").unwrap();
    drop(open(folder.path()).unwrap());
    assert!(!folder.path().join("namesake.creating").exists());
}

#[test]
fn another_format_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let mut rows = engine::Rows::default();
    rows.put(rows::FORMAT_KEY.to_vec(), b"namesake store 99");
    store.view.engine.apply(rows).unwrap();
    drop(store);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, OpenError::Format { found, .. } if found == "namesake store 99"), "{error:?}");
}

#[test]
fn a_folder_that_is_a_file_is_a_clear_error() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = open(file.path()).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
}

/// sled never syncs its side files, so none may come to be: not by large values, nor many of them next to each other.
#[tokio::test]
async fn large_values_stay_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    for round in 0..3_u8 {
        for first in (0..MAX_KEYS_PER_COMMIT).step_by(7) {
            let fill = |commit: Commit, n: usize| {
                // Keys as long and as alike as they can be.
                let name = format!("{}{n:02}", "k".repeat(510));
                commit.put(key(name), vec![round; if n.is_multiple_of(2) { MAX_VALUE_BYTES } else { 4096 }])
            };
            store.commit((first..first + 7).fold(Commit::new(), fill)).await.unwrap();
        }
        let found = store.scan(b"k", None, 100).await.unwrap();
        assert_eq!(found.len(), 70);
        assert!(found.iter().all(|(_, entry)| entry.value.iter().all(|byte| *byte == round)));
    }
    assert_eq!(fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0);
    drop(store);
    assert_eq!(open(folder.path()).unwrap().scan(b"k", None, 100).await.unwrap().len(), 70);
}
