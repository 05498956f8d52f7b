//! The key file: which store it belongs to, how it is rotated, and what a key that is gone does to names. Nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use data_encoding::BASE64;
use namesake::{
    AccountId, ErrorKind, Handle, HandleResolver as _, Invalidator, Lookup, ProfileState, Scheme,
    SeededRandomness, Trace, Why, private_file,
    store::{Change, Commit, CommitError, Entry, Key, MemoryStore, Store, StoreError, StoreFuture, Version},
};
use tempfile::TempDir;

use super::world::World;
use crate::{MirrorModel, SealerError, Secret, TokenSealer, schedule::Due, upstream::Token};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A store, its key file, and people whose tokens are sealed with the key 1.
struct Place {
    folder: TempDir,
    store: Arc<MemoryStore>,
    world: World,
    people: Vec<AccountId>,
}

impl Place {
    async fn with(people: usize) -> Self {
        let (folder, store) = (TempDir::new().unwrap(), Arc::new(MemoryStore::new()));
        write_keys(folder.path(), &[1]);
        let sealer = sealer(folder.path(), &*store).await.unwrap();
        let names: Vec<_> = (0..people).map(|n| format!("p{n}")).collect();
        let named: Vec<_> = names.iter().map(String::as_str).collect();
        let world = World::sealed("threads", &named, store.clone(), sealer).await;
        let mut accounts = Vec::new();
        for name in named {
            accounts.push(world.link(name).await.account);
        }
        world.without_webhooks();
        Self { folder, store, world, people: accounts }
    }

    /// The mirror after a new start, with these keys in its file.
    async fn started(&self, keys: &[u8]) -> Result<Arc<MirrorModel>, SealerError> {
        write_keys(self.folder.path(), keys);
        Ok(self.mirror(sealer(self.folder.path(), &*self.store).await?, self.store.clone()))
    }

    fn mirror(&self, sealer: TokenSealer, store: Arc<dyn Store>) -> Arc<MirrorModel> {
        MirrorModel::new(
            self.world.model.settings().clone(),
            self.world.model.upstream.clone(),
            store,
            sealer,
            self.world.clock.clone(),
            Arc::new(SeededRandomness::new(9)),
            Invalidator::new(|_| ()),
        )
    }

    /// Everything that is sealed, with the fingerprint of its key.
    async fn sealed(&self) -> Vec<(String, String)> {
        let rows = self.store.scan(b"mirror/", None, 1000).await.unwrap();
        let text = |entry: &Entry| String::from_utf8(entry.value.to_vec()).unwrap();
        let key = |text: &str| Some(text.split_once(r#"{"key":""#)?.1.split_once('"')?.0.to_owned());
        rows.iter().filter_map(|(place, entry)| Some((place.to_string(), key(&text(entry))?))).collect()
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("keys")
}

fn write_keys(folder: &Path, keys: &[u8]) {
    let lines: String = keys.iter().map(|key| BASE64.encode(&[*key; 32]) + "\n").collect();
    private_file::replace(&file(folder), lines.as_bytes()).unwrap();
}

async fn sealer(folder: &Path, store: &dyn Store) -> Result<TokenSealer, SealerError> {
    let scheme = Scheme::parse("threads").unwrap();
    TokenSealer::of_store(&file(folder), store, &scheme, &SeededRandomness::new(7)).await
}

async fn holder(mirror: &MirrorModel, name: &str) -> Lookup<AccountId> {
    match mirror.resolve(&Handle::parse(name).unwrap(), &Trace::OFF).await.unwrap() {
        Lookup::Found { value, ttl } => Lookup::Found { value: value.account, ttl },
        Lookup::Absent { why, ttl } => Lookup::Absent { why, ttl },
        Lookup::Pass => Lookup::Pass,
    }
}

async fn poll(mirror: &MirrorModel, account: &AccountId) {
    mirror.visit(Due { account: account.clone(), poll: true, failures: 0 }).await;
}

fn keys(sealer: &TokenSealer) -> Vec<&str> {
    sealer.keys().collect()
}

#[tokio::test]
async fn after_a_rotation_everything_is_sealed_anew_and_the_old_line_may_go() {
    let place = Place::with(40).await;
    assert_eq!(place.sealed().await.len(), 41, "every token, and the key of the names");
    let rotated = place.started(&[2, 1]).await.unwrap();
    let newest = keys(&rotated.sealer)[0].to_owned();
    assert!(place.sealed().await.iter().all(|(_, key)| *key != newest));
    rotated.try_seal_anew().await.unwrap();
    let left: Vec<_> = place.sealed().await.into_iter().filter(|(_, key)| *key != newest).collect();
    assert_eq!(left, [], "sealed with the old key");

    let alone = place.started(&[2]).await.unwrap();
    place.world.clock.advance(DAY - Duration::from_secs(1));
    for account in &place.people {
        poll(&alone, account).await;
    }
    place.world.clock.advance(DAY / 2);
    for (n, account) in place.people.iter().enumerate() {
        let held = holder(&alone, &format!("p{n}")).await;
        assert!(matches!(&held, Lookup::Found { value, .. } if value == account), "p{n}: {held:?}");
    }
    alone.try_seal_anew().await.unwrap();
}

#[tokio::test]
async fn a_line_that_is_removed_too_early_stops_the_start_and_what_was_begun_is_ended_later() {
    let place = Place::with(20).await;
    let begun = place.started(&[2, 1]).await.unwrap();
    let all = place.sealed().await;
    let some = begun.register.account(&place.people[0]).await.unwrap();
    assert!(begun.seal_batch(&[&some]).await.unwrap());
    begun.register.names().await.unwrap();

    let refused = place.started(&[2]).await.unwrap_err();
    assert!(matches!(&refused, SealerError::Foreign { .. }), "{refused:?}");
    for part in [&file(place.folder.path()).display().to_string(), "tokens of 19", "mirror.reseal.done"] {
        assert!(refused.to_string().contains(part), "{part}: {refused}");
    }
    let again = place.started(&[2, 1]).await.unwrap();
    again.try_seal_anew().await.unwrap();
    assert_eq!(place.sealed().await.len(), all.len());
    // A third key, and an old one that nothing needs any more.
    let third = place.started(&[3, 2]).await.unwrap();
    third.try_seal_anew().await.unwrap();
    place.started(&[3]).await.unwrap();
    assert!(place.started(&[2]).await.is_err());
}

#[tokio::test]
async fn a_token_that_is_sealed_anew_during_a_refresh_is_replaced_all_the_same() {
    let place = Place::with(2).await;
    let [alice, bob] = &place.people[..] else { panic!("two people") };
    let mirror = place.started(&[2, 1]).await.unwrap();
    let stored = async |id: &AccountId| mirror.register.account(id).await.unwrap().value().unwrap().clone();

    // The poll reads, the token is sealed anew, the poll writes.
    let used = stored(alice).await.token.unwrap();
    let dead = stored(bob).await.token.unwrap();
    mirror.try_seal_anew().await.unwrap();
    assert_ne!(stored(alice).await.token.as_ref(), Some(&used), "sealed anew");
    mirror.replace_token(alice, &used, mirror.store_token(alice, &token_of("fresh")).unwrap()).await.unwrap();
    let token = stored(alice).await.token.unwrap();
    assert_eq!(mirror.opened(alice, &token).unwrap().expose(), "fresh");
    // The same for the news that a token is dead; and old news stay old.
    mirror.note_dead_token(bob, &dead).await.unwrap();
    assert!(stored(bob).await.needs_login);
    mirror.note_dead_token(alice, &used).await.unwrap();
    assert!(!stored(alice).await.needs_login);

    // The other way round: what was read before a poll wrote is not written over it.
    let third = place.started(&[3, 2]).await.unwrap();
    let before = third.register.account(alice).await.unwrap();
    let used = before.value().unwrap().token.clone().unwrap();
    third.replace_token(alice, &used, third.store_token(alice, &token_of("newer")).unwrap()).await.unwrap();
    assert!(!third.seal_batch(&[&before]).await.unwrap(), "somebody was faster");
    let token = third.register.account(alice).await.unwrap().value().unwrap().token.clone().unwrap();
    assert_eq!(third.opened(alice, &token).unwrap().expose(), "newer");
}

fn token_of(secret: &str) -> Token {
    Token { secret: Secret::new(secret), refresh_in: None, revivable: true }
}

#[tokio::test]
async fn a_start_without_the_key_file_of_its_store_is_refused_and_makes_none() {
    let place = Place::with(3).await;
    let (folder, path) = (place.folder.path(), file(place.folder.path()));
    for with_keyring in [true, false] {
        if !with_keyring {
            // A store of a version that kept none.
            let keyring = Key::new("mirror/threads/keyring").unwrap();
            place.store.commit(Commit::new().delete(keyring)).await.unwrap();
        }
        fs::remove_file(&path).unwrap();
        let missing = sealer(folder, &*place.store).await.unwrap_err();
        assert!(matches!(missing, SealerError::Missing { .. }), "{missing:?}");
        assert!(!path.exists());
        let foreign = place.started(&[8, 9]).await.unwrap_err();
        assert!(matches!(foreign, SealerError::Foreign { .. }), "{foreign:?}");
        private_file::replace(&path, b"").unwrap();
        let empty = sealer(folder, &*place.store).await.unwrap_err();
        assert!(matches!(empty, SealerError::Keys(_)), "{empty:?}");
        private_file::replace(&path, b"\xff\xfe nonsense").unwrap();
        let nonsense = sealer(folder, &*place.store).await.unwrap_err();
        assert!(matches!(nonsense, SealerError::Keys(_)), "{nonsense:?}");
        for error in [missing, foreign, empty, nonsense] {
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
        // The right one may be anywhere in the file.
        place.started(&[8, 1]).await.unwrap();
        place.started(&[1]).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_file_is_made_only_for_a_store_that_has_nobody() {
    let (folder, store) = (TempDir::new().unwrap(), Arc::new(MemoryStore::new()));
    let made = keys(&sealer(folder.path(), &*store).await.unwrap()).join(" ");
    assert_eq!(keys(&sealer(folder.path(), &*store).await.unwrap()).join(" "), made, "it is read again");
    // Nobody is there yet: a lost file loses nothing.
    let world =
        World::sealed("threads", &["alice"], store.clone(), sealer(folder.path(), &*store).await.unwrap())
            .await;
    world.settle().await;
    drop(world);
    write_keys(folder.path(), &[5]);
    let world =
        World::sealed("threads", &["alice"], store.clone(), sealer(folder.path(), &*store).await.unwrap())
            .await;
    let linked = world.link("alice").await;
    fs::remove_file(file(folder.path())).unwrap();
    assert!(sealer(folder.path(), &*store).await.is_err());
    // And after everybody left.
    world.model.delete(&linked.account, &linked.token).await.unwrap();
    sealer(folder.path(), &*store).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, store) = (TempDir::new().unwrap(), MemoryStore::new());
    sealer(folder.path(), &store).await.unwrap();
    let mode = |mode| fs::set_permissions(file(folder.path()), fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(fs::metadata(file(folder.path())).unwrap().permissions().mode() & 0o777, 0o600);
    for loose in [0o644, 0o666, 0o660] {
        mode(loose);
        assert!(matches!(sealer(folder.path(), &store).await, Err(SealerError::File(..))), "{loose:o}");
    }
    mode(0o440);
    sealer(folder.path(), &store).await.unwrap();
}

/// However it came about: what we cannot open was not asked with, and nobody loses a name by it.
#[tokio::test]
async fn a_token_that_cannot_be_opened_releases_nobody() {
    let place = Place::with(2).await;
    let mirror = place.started(&[1]).await.unwrap();
    let (damaged, well) = (&place.people[0], &place.people[1]);
    let key = mirror.register.keys.account(damaged).unwrap();
    let entry = place.store.read(&key).await.unwrap().unwrap();
    let text = String::from_utf8(entry.value.to_vec()).unwrap();
    let (front, back) = text.split_once(r#""nonce":""#).unwrap();
    let text = format!(r#"{front}"nonce":"{}{}"#, if back.starts_with('A') { 'B' } else { 'A' }, &back[1..]);
    place.store.commit(Commit::new().put(key, text.into_bytes())).await.unwrap();

    for _ in 0..3 {
        poll(&mirror, damaged).await;
        poll(&mirror, well).await;
        place.world.clock.advance(DAY - Duration::from_secs(2));
    }
    poll(&mirror, well).await;
    let held = holder(&mirror, "p1").await;
    assert!(matches!(held, Lookup::Found { .. }), "{held:?}");
    let error = mirror.resolve(&Handle::parse("p0").unwrap(), &Trace::OFF).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "a failure, never an absence");
    assert!(mirror.release_unconfirmed(damaged).await.is_err());
    // What cannot be opened keeps its key needed.
    let rotated = place.started(&[2, 1]).await.unwrap();
    rotated.try_seal_anew().await.unwrap();
    assert!(place.started(&[2]).await.is_err());
    // Signing in makes it good.
    assert_eq!(place.world.link("p0").await.account, *damaged);
    assert!(matches!(holder(&mirror, "p0").await, Lookup::Found { .. }));
}

#[tokio::test]
async fn a_token_is_shown_to_nobody_but_the_upstream_that_gave_it() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice"], store.clone()).await;
    let alice = world.link("alice").await.account;
    drop(world);
    let elsewhere = World::with(&["alice"], store).await;
    elsewhere.settle().await;
    elsewhere.after_a_poll().await;
    assert_eq!(elsewhere.sandbox.profiles_served(), 0);
    assert_eq!(elsewhere.holder("alice").await, Ok(alice));
    elsewhere.after(DAY).await;
    assert_eq!(elsewhere.holder("alice").await, Err(Why::Released));
}

/// A store in memory whose disk may be full.
#[derive(Debug, Default)]
struct Filled {
    store: MemoryStore,
    full: AtomicBool,
}

impl Store for Filled {
    fn read<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Result<Option<Entry>, StoreError>> {
        self.store.read(key)
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a Key>,
        limit: usize,
    ) -> StoreFuture<'a, Result<Vec<(Key, Entry)>, StoreError>> {
        self.store.scan(prefix, after, limit)
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Version, CommitError>> {
        match self.full.load(Relaxed) {
            true => Box::pin(async { Err(CommitError::Failed(StoreError::Full)) }),
            false => self.store.commit(commit),
        }
    }

    fn changes(&self, after: Version, limit: usize) -> StoreFuture<'_, Result<Vec<Change>, StoreError>> {
        self.store.changes(after, limit)
    }
}

#[tokio::test]
async fn a_name_that_is_confirmed_stays_although_nothing_can_be_written() {
    let store = Arc::new(Filled::default());
    let world = World::with(&["alice"], store.clone()).await;
    let alice = world.link("alice").await.account;
    store.full.store(true, Relaxed);
    for _ in 0..9 {
        for _ in 0..4 {
            world.after(world.model.settings().poll_interval).await;
        }
        world.after(DAY / 3).await;
    }
    assert_eq!(world.holder("alice").await, Ok(alice.clone()), "three days later");
    assert_eq!(world.profile(&alice).await.unwrap().state, ProfileState::Current);
    store.full.store(false, Relaxed);
    world.after_a_poll().await;
    assert_eq!(world.holder("alice").await, Ok(alice));
}
