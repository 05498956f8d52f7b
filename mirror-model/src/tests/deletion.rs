//! Deletion deletes: whoever has the whole store afterwards, its feed included, learns nothing of the person.

use std::{sync::Arc, time::Duration};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use namesake::{
    Clock as _, ProfileState, Why,
    store::{Commit, Key, MemoryStore, Store, Version},
};
use sha2::{Digest as _, Sha256};

use super::world::World;
use crate::{Edit, Linked, OwnError, WebhookError};

/// The id that the sandbox gives its first person.
const UPSTREAM_ID: &str = "17841400000000001";

/// Everything in a store that can be read: keys, values, and the keys in the feed.
async fn everything(store: &MemoryStore) -> String {
    let mut text = String::new();
    for (key, entry) in store.scan(b"", None, 10_000).await.unwrap() {
        text += &format!("{key} {}\n", entry.value.escape_ascii());
    }
    for change in store.changes(Version::ZERO, 10_000).await.unwrap() {
        text += &format!("{}\n", change.key);
    }
    text
}

/// A person who was renamed, edited their profile, was polled, and came back once.
async fn lived_in(store: &Arc<MemoryStore>) -> (World, Linked) {
    let world = World::with(&["alice"], store.clone()).await;
    let first = world.link("alice").await;
    world.sandbox.rename("alice", "alicia").unwrap();
    world.settle().await;
    let edit = Edit { display_name: Some("Miss Alias".into()), bio: Some("I knit.".into()) };
    world.model.edit(&first.account, &first.token, edit).await.unwrap();
    world.after_a_poll().await;
    let again = world.link("alicia").await;
    world.after_a_poll().await;
    (world, again)
}

/// What may not be left of her, also as a hash that can be found by trying.
fn traces(linked: &Linked, token: &str) -> Vec<String> {
    let plain =
        ["alice", "alicia", "Miss Alias", "I knit.", "Hello.", "pictures.example", UPSTREAM_ID, token];
    let session = linked.token.expose();
    let hashes = ["alice", "alicia", UPSTREAM_ID, session, token].map(|text| Sha256::digest(text.as_bytes()));
    let hashes = hashes.iter().flat_map(|hash| [BASE64URL_NOPAD.encode(hash), HEXLOWER.encode(hash)]);
    plain.into_iter().chain([session]).map(str::to_owned).chain(hashes).collect()
}

#[tokio::test]
async fn nothing_of_a_deleted_person_is_left_in_the_store_or_its_feed() {
    for asked_upstream in [false, true] {
        let store = Arc::new(MemoryStore::new());
        let (world, linked) = lived_in(&store).await;
        let slot = world.model.register.account(&linked.account).await.unwrap();
        let stored = slot.value().unwrap().clone();
        let sealed = stored.token.unwrap().sealed;
        let token = world.model.sealer.open(linked.account.as_str(), &sealed).unwrap();
        let before = everything(&store).await;
        for shown in ["alicia", "Miss Alias", "I knit.", "pictures.example", UPSTREAM_ID] {
            assert!(
                before.contains(shown),
                "{shown} is stored while it is used, so that its absence means something"
            );
        }
        if asked_upstream {
            let form = world.sandbox.signed_request_form("alicia").unwrap();
            world.model.delete_requested(&form).await.unwrap();
        } else {
            world.model.delete(&linked.account, &linked.token).await.unwrap();
        }
        // Nobody remembers enough of it to write it again.
        world.after_a_poll().await;
        let after = everything(&store).await;
        // The hash of a sign-in is a key while it lasts; of 256 random bits it tells nothing.
        let session = BASE64URL_NOPAD.encode(&Sha256::digest(linked.token.expose().as_bytes()));
        for trace in traces(&linked, token.expose()).iter().filter(|trace| **trace != session) {
            assert!(!after.contains(trace.as_str()), "{trace} is left:\n{after}");
        }
        let left: Vec<_> = store.scan(b"", None, 100).await.unwrap();
        assert!(left.iter().all(|(_, entry)| !entry.value.escape_ascii().to_string().contains(&session)));
        for name in ["alice", "alicia"] {
            assert_eq!(world.holder(name).await, Err(Why::Unknown));
        }
        assert!(world.profile(&linked.account).await.is_none(), "references lead nowhere");
        let own = world.model.own(&linked.account, &linked.token).await;
        assert!(matches!(own, Err(OwnError::SignIn)), "{own:?}");
    }
}

#[tokio::test]
async fn coming_back_after_a_deletion_brings_nothing_back() {
    let store = Arc::new(MemoryStore::new());
    let (world, first) = lived_in(&store).await;
    world.model.delete(&first.account, &first.token).await.unwrap();
    world.sandbox.rename("alicia", "alina").unwrap();
    let second = world.link("alina").await;
    assert!(second.created && second.account != first.account);
    assert_eq!(world.holder("alina").await, Ok(second.account.clone()));
    let own = world.model.own(&second.account, &second.token).await.unwrap();
    assert_eq!(own.former_handles, []);
    assert_eq!(own.profile.display_name.unwrap().as_str(), "alice upstream", "copied anew from the upstream");
    assert_eq!(own.profile.bio.unwrap().as_str(), "Hello.");
    assert!(world.profile(&first.account).await.is_none(), "the old account stays gone");
}

#[tokio::test]
async fn without_its_upstream_a_profile_stays_its_owners_and_its_link_stays_taken() {
    let store = Arc::new(MemoryStore::new());
    let (world, alice) = lived_in(&store).await;
    let form = world.sandbox.signed_request_form("alicia").unwrap();
    world.model.deauthorize(&form).await.unwrap();
    let profile = world.profile(&alice.account).await.unwrap();
    assert_eq!((&profile.handle, profile.state), (&None, ProfileState::NeedsLogin));
    assert_eq!(profile.display_name.as_ref().unwrap().as_str(), "Miss Alias", "what is her own stays");
    // She can still see, change and delete it here.
    let edit = Edit { bio: Some("I still knit.".into()), ..Edit::default() };
    world.model.edit(&alice.account, &alice.token, edit).await.unwrap();
    assert_eq!(world.profile(&alice.account).await.unwrap().state, ProfileState::NeedsLogin);
    // Coming back is coming back to it.
    let again = world.link("alicia").await;
    assert_eq!((again.account.clone(), again.created), (alice.account.clone(), false));
    let profile = world.profile(&alice.account).await.unwrap();
    assert_eq!((profile.handle.as_ref().unwrap().as_str(), profile.state), ("alicia", ProfileState::Current));
    assert_eq!(profile.bio.as_ref().unwrap().as_str(), "I still knit.");
}

#[tokio::test]
async fn the_record_of_a_deletion_is_kept_for_its_time_and_no_longer() {
    let world = World::with(&["alice"], Arc::new(MemoryStore::new())).await;
    let form = world.sandbox.signed_request_form("alice").unwrap();
    let code = world.model.delete_requested(&form).await.unwrap().confirmation_code;
    let second = Duration::from_secs(1);
    world.clock.advance(world.model.settings().deletion_record_ttl - second);
    world.model.sweep(world.clock.now()).await;
    assert!(world.model.deletion_status(&code).await.is_ok());
    world.clock.advance(second);
    world.model.sweep(world.clock.now()).await;
    let status = world.model.deletion_status(&code).await;
    assert!(matches!(status, Err(WebhookError::NoSuchRequest)), "{status:?}");
}

#[tokio::test]
async fn a_damaged_record_keeps_nobody_else_from_being_polled() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice"], store.clone()).await;
    let alice = world.link("alice").await.account;
    drop(world);
    let damaged = Key::new("mirror/threads/account/threads:0").unwrap();
    store.commit(Commit::new().put(damaged, b"{}".as_slice())).await.unwrap();
    let world = World::with(&[], store).await;
    world.settle().await;
    let load = world.model.schedule.load(world.clock.now(), world.model.settings().poll_interval);
    assert_eq!(load.accounts, 1, "she is polled as before");
    assert_eq!(world.holder("alice").await, Ok(alice));
}

#[tokio::test]
async fn the_key_file_belongs_to_the_store() {
    use namesake::{HandleResolver as _, SeededRandomness, Trace};
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice"], store.clone()).await;
    world.link("alice").await;
    let start = |seed| {
        let randomness = Arc::new(SeededRandomness::new(3));
        crate::MirrorModel::new(
            world.model.settings().clone(),
            world.model.upstream.clone(),
            store.clone(),
            crate::TokenSealer::ephemeral(&SeededRandomness::new(seed)),
            world.clock.clone(),
            randomness,
            namesake::Invalidator::new(|_| ()),
        )
    };
    let alice = namesake::Handle::parse("alice").unwrap();
    assert!(start(1).resolve(&alice, &Trace::OFF).await.unwrap().found().is_some());
    let error = start(2).resolve(&alice, &Trace::OFF).await.unwrap_err();
    assert_eq!(error.kind(), namesake::ErrorKind::Internal, "with other keys: an error, never an absence");
}
