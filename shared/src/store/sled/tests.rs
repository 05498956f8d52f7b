//! What only this adapter can get wrong, and what only its inside can show.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::engine::Rows;
use super::rows::Row;
use super::*;
use crate::store::{FLEETING, MAX_KEYS_PER_COMMIT, MAX_VALUE_BYTES};

fn open(path: &Path) -> Result<SledStore, OpenError> {
    SledStore::open(SledOptions { cache_bytes: 8 * 1024 * 1024, min_free_bytes: 0, ..SledOptions::at(path) })
}

fn key(name: impl Into<Vec<u8>>) -> Key {
    Key::new(name).unwrap()
}

fn opening(path: &Path) -> Opening {
    Opening { folder: path.canonicalize().unwrap(), cache_bytes: 8 * 1024 * 1024 }
}

fn roomy() -> Box<dyn Fn() -> io::Result<Space> + Send> {
    Box::new(|| Ok(Space { free: u64::MAX, total: u64::MAX }))
}

/// A store whose first sync fails, and that is then opened again at `again`.
fn broken(path: &Path, again: &Path) -> SledStore {
    let lock = files::lock(path).unwrap();
    let (engine, last, mark) = opening(path).open().unwrap();
    let view = View::new(engine.with_broken_sync(), last);
    let again = Opening { folder: again.to_owned(), cache_bytes: 8 * 1024 * 1024 };
    SledStore::run(again, lock, view, mark, 0, roomy()).unwrap()
}

/// Does what the writer does with a batch, but for its sync.
fn apply_only(store: &SledStore, writes: &[(&Key, Option<&[u8]>)]) -> Version {
    let (version, mut batch, mut before) = (store.view.mark().next(), Rows::default(), HashMap::new());
    for (slot, (key, value)) in (0..).zip(writes) {
        let now = Row { version, slot, value: value.map(Into::into) };
        let was = store.view.row(key).unwrap();
        for (piece, _) in was.iter().flat_map(Row::pieces) {
            batch.remove(piece);
        }
        batch.put(rows::head_key(key.as_bytes()), now.head());
        if !key.is_fleeting() {
            batch.put(now.feed_key(), now.feed_value(key));
        }
        before.insert((*key).clone(), was);
    }
    store.view.hold(before);
    store.view.engine(|engine| engine.apply(batch)).unwrap();
    version
}

#[tokio::test]
async fn what_is_not_durable_is_never_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (key("k/old"), key("k/new"));
    let long = vec![7; MAX_VALUE_BYTES];
    let store = open(folder.path()).unwrap();
    let first = store.commit(Commit::new().put(old.clone(), long.clone())).await.unwrap();
    let second = apply_only(&store, &[(&old, Some(b"x")), (&new, Some(b"y"))]);
    let head = store.view.engine(|engine| engine.head(&old)).unwrap().unwrap();
    assert_eq!(head.version(), second, "the test means nothing unless sled has the new row");

    let entry = Entry { version: first, value: long.into() };
    assert_eq!(store.read(&old).await.unwrap(), Some(entry.clone()));
    assert_eq!(store.read(&new).await.unwrap(), None);
    assert_eq!(store.scan(b"k/", None, 10).await.unwrap(), [(old.clone(), entry)]);
    assert_eq!(store.changes(Version::ZERO, 10).await.unwrap().len(), 1);

    store.view.settle(second);
    assert_eq!(store.scan(b"k/", None, 10).await.unwrap().len(), 2);
    assert_eq!(store.changes(Version::ZERO, 10).await.unwrap().len(), 3);
}

/// sled keeps its first error for good, so the store is opened again; what is there then counts, and nothing else.
#[tokio::test]
async fn after_a_failed_sync_the_store_is_opened_again_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.commit(Commit::new().put(key("a"), b"1".as_slice())).await.unwrap();
    drop(store);
    let store = broken(folder.path(), &folder.path().canonicalize().unwrap());
    for n in 0..3 {
        let claim = || store.commit(Commit::new().expect_absent(key("h")).put(key("h"), b"x".as_slice()));
        let (first, second) = tokio::join!(claim(), claim());
        // The batch was on the disk when that was read again, so the answers are those of any other batch.
        assert_eq!((first.is_ok(), second.is_ok()), (n == 0, false), "{first:?} {second:?}");
    }
    store.commit(Commit::new().put(key("b"), b"2".as_slice())).await.unwrap();
    assert_eq!(store.scan(b"", None, 9).await.unwrap().len(), 3);
    assert_eq!(*store.health().borrow(), StoreHealth::Well);
    drop(store);
    assert_eq!(open(folder.path()).unwrap().scan(b"", None, 9).await.unwrap().len(), 3);
}

/// All in one batch, whose sync fails: nobody may learn what the batch would have held.
#[tokio::test]
async fn a_store_that_cannot_be_opened_again_ends_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let store = broken(folder.path(), &folder.path().join("nowhere"));
    let mut health = store.health();
    let claim = || store.commit(Commit::new().expect_absent(key("h")).put(key("h"), b"x".as_slice()));
    let (first, second) = tokio::join!(claim(), claim());
    assert!(matches!(first, Err(CommitError::Unknown(_))), "{first:?}");
    assert!(matches!(second, Err(CommitError::Failed(_))), "{second:?}");
    let ended = health.wait_for(|health| matches!(health, StoreHealth::Ended(_))).await.unwrap().clone();
    assert!(matches!(&ended, StoreHealth::Ended(why) if why.contains("nowhere")), "{ended:?}");
    for _ in 0..2 {
        let outcome = claim().await;
        assert!(matches!(outcome, Err(CommitError::Failed(StoreError::Ended(_)))), "{outcome:?}");
        let read = store.read(&key("h")).await;
        assert!(matches!(read, Err(StoreError::Ended(_))), "{read:?}");
    }
}

#[tokio::test]
async fn a_disk_without_room_is_not_written_to_until_there_is_some() {
    let folder = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(100));
    let seen = Arc::clone(&free);
    let space = move || Ok(Space { free: seen.load(Ordering::Relaxed) << 20, total: 1 << 40 });
    let lock = files::lock(folder.path()).unwrap();
    let store = SledStore::start(opening(folder.path()), lock, 64 << 20, Box::new(space)).unwrap();
    let write = |name: &str| store.commit(Commit::new().put(key(name), b"1".as_slice()));
    write("a").await.unwrap();
    free.store(64, Ordering::Relaxed);
    for _ in 0..2 {
        let outcome = write("b").await;
        assert!(matches!(outcome, Err(CommitError::Failed(StoreError::Full))), "{outcome:?}");
        assert_eq!(*store.health().borrow(), StoreHealth::Full);
        assert_eq!(store.scan(b"", None, 9).await.unwrap().len(), 1, "it is read all the same");
    }
    free.store(81, Ordering::Relaxed);
    write("b").await.unwrap();
    assert_eq!(*store.health().borrow(), StoreHealth::Well);
    assert_eq!(store.changes(Version::ZERO, 9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_writer_that_panics_ends_the_store_and_every_later_write_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let lock = files::lock(folder.path()).unwrap();
    let space = || panic!("a mistake of ours");
    let store = SledStore::start(opening(folder.path()), lock, 0, Box::new(space)).unwrap();
    let mut health = store.health();
    let write = || store.commit(Commit::new().put(key("a"), b"1".as_slice()));
    let outcome = write().await;
    assert!(matches!(outcome, Err(CommitError::Unknown(StoreError::Ended(_)))), "{outcome:?}");
    health.wait_for(|health| matches!(health, StoreHealth::Ended(_))).await.unwrap();
    for _ in 0..2 {
        let error = write().await.unwrap_err();
        let CommitError::Failed(StoreError::Ended(why)) = &error else { panic!("{error:?}") };
        assert!(why.contains("a mistake of ours"), "{why}");
    }
}

/// A store with 300 long values and one more key, as a stop or a kill leaves its files.
async fn filled(killed: bool) -> (tempfile::TempDir, Option<SledStore>) {
    let whole = tempfile::tempdir().unwrap();
    let store = open(whole.path()).unwrap();
    for n in 0..300_u16 {
        let value = n.to_be_bytes().repeat(1500);
        store.commit(Commit::new().put(key(format!("k/{n}")), value)).await.unwrap();
    }
    drop(store);
    let store = open(whole.path()).unwrap();
    store.commit(Commit::new().put(key("last"), b"1".as_slice())).await.unwrap();
    (whole, killed.then_some(store))
}

/// The files of a store, but for its lock, in a folder of their own.
fn copy_of(whole: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("blobs")).unwrap();
    for file in fs::read_dir(whole).unwrap().map(|file| file.unwrap()) {
        if file.file_type().unwrap().is_file() {
            fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
    }
    copy
}

/// That a damaged store is opened with everything in it, or not opened, or does not read: in words that help. `true`: the
/// damage was seen.
async fn is_seen_or_harmless(folder: &Path, what: &str) -> bool {
    let store = match open(folder) {
        Ok(store) => store,
        Err(error) => {
            let said = error.to_string();
            assert!(
                said.contains(&folder.display().to_string()) && said.contains("backup"),
                "{what}: {said}"
            );
            return true;
        }
    };
    let mut found = 0;
    for name in (0..300).map(|n| format!("k/{n}")).chain(["last".to_owned()]) {
        match store.read(&key(name.clone())).await {
            Ok(entry) => found += usize::from(entry.is_some()),
            Err(error) => {
                assert!(matches!(error, StoreError::Damaged(_) | StoreError::Io(_)), "{what}: {error:?}");
                return true;
            }
        }
    }
    assert_eq!(found, 301, "{what} was opened with less in it");
    assert_eq!(store.scan(b"", None, 400).await.unwrap().len(), 301, "{what}");
    false
}

/// Of every file, at several lengths: either everything is there, or the error says which store it is, and what to do.
#[tokio::test]
async fn a_file_that_was_cut_is_an_error_or_no_loss() {
    for killed in [false, true] {
        let (whole, _running) = filled(killed).await;
        let (mut files, mut seen) = (0, 0);
        for file in fs::read_dir(whole.path()).unwrap().map(|file| file.unwrap()) {
            if !file.file_type().unwrap().is_file() {
                continue;
            }
            files += 1;
            let length = file.metadata().unwrap().len();
            let cuts = [0, 1, 7, 8, 20, 100, 4096, length / 4, length / 2, length.saturating_sub(1)];
            for cut in [None].into_iter().chain(cuts.into_iter().filter(|cut| *cut < length).map(Some)) {
                let copy = copy_of(whole.path());
                let damaged = copy.path().join(file.file_name());
                match cut {
                    Some(length) => fs::File::options().write(true).open(&damaged).unwrap().set_len(length),
                    None => fs::remove_file(&damaged),
                }
                .unwrap();
                let what = format!("{:?} cut to {cut:?} (killed: {killed})", file.file_name());
                seen += usize::from(is_seen_or_harmless(copy.path(), &what).await);
            }
        }
        assert!(files >= 5 && seen >= 10, "{files} {seen}");
    }
}

#[tokio::test]
async fn a_file_that_was_written_over_is_an_error_or_no_loss() {
    let (whole, _running) = filled(false).await;
    let mut seen = 0;
    for name in ["db", "conf", "namesake.mark"] {
        let length = fs::metadata(whole.path().join(name)).unwrap().len();
        for part in 0..24 {
            let copy = copy_of(whole.path());
            let mut bytes = fs::read(copy.path().join(name)).unwrap();
            let at = usize::try_from(length * part / 24).unwrap();
            bytes.iter_mut().skip(at).take(64).for_each(|byte| *byte ^= 0x5a);
            fs::write(copy.path().join(name), bytes).unwrap();
            seen += usize::from(is_seen_or_harmless(copy.path(), &format!("{name} at {at}")).await);
        }
    }
    assert!(seen > 10, "{seen}");
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_a_store() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new/store");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for _ in 0..2 {
        let store = open(&folder).unwrap();
        assert_eq!(mode(&folder), 0o700);
        for file in fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()) {
            assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
        }
        drop(store);
        // As an older version left it.
        set(&folder, 0o755);
        set(&folder.join("db"), 0o644);
    }
    // What else is there may be anybody's.
    fs::write(folder.join("somebody's"), b"").unwrap();
    drop(open(&folder).unwrap());
    assert_eq!((mode(&folder), mode(&folder.join("db"))), (0o755, 0o600));
}

#[test]
fn the_database_of_another_program_is_refused_and_left_alone() {
    for tree in ["", "theirs"] {
        let folder = tempfile::tempdir().unwrap();
        #[expect(clippy::disallowed_methods, reason = "another program's")]
        let db = ::sled::open(folder.path()).unwrap();
        match tree {
            "" => db.insert("k", "v").unwrap(),
            name => db.open_tree(name).unwrap().insert("k", "v").unwrap(),
        };
        drop(db);
        for _ in 0..2 {
            let error = open(folder.path()).unwrap_err();
            assert!(matches!(error, OpenError::Foreign(_)), "{tree}: {error:?}");
        }
    }
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
    let rows = |store: &SledStore| store.view.engine(|engine| Ok(engine.heads(b"", None).count())).unwrap();
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
    apply_only(&store, &[(&fleeting, None)]);
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
    let mut rows = Rows::default();
    rows.put(rows::FORMAT_KEY.to_vec(), b"namesake store 99");
    store.view.engine(|engine| engine.apply(rows)).unwrap();
    drop(store);
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(&error, OpenError::Format { found, .. } if found == "namesake store 99"), "{error:?}");
}

#[tokio::test]
async fn the_format_before_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let version = store.commit(Commit::new().put(key("a"), b"1".as_slice())).await.unwrap();
    let mut rows = Rows::default();
    rows.put(rows::FORMAT_KEY.to_vec(), b"namesake store 1");
    store.view.engine(|engine| engine.apply(rows)).unwrap();
    drop(store);
    for _ in 0..2 {
        let store = open(folder.path()).unwrap();
        assert_eq!(store.read(&key("a")).await.unwrap().unwrap().version, version);
    }
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
