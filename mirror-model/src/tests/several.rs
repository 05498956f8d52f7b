//! Several mirrors over one store, with people of the same name.

use std::sync::Arc;

use namesake::{
    Handle, HandleResolver as _, Lookup, Trace, Why,
    store::{MemoryStore, Store as _},
};

use super::world::World;

#[tokio::test]
async fn people_of_one_name_in_two_mirrors_have_nothing_to_do_with_each_other() {
    let store = Arc::new(MemoryStore::new());
    let one = World::called("one", &["alice", "bob"], store.clone()).await;
    let two = World::called("two", &["alice", "bob"], store.clone()).await;
    let (here, there) = (one.link("alice").await, two.link("alice").await);
    assert_ne!(here.account, there.account);
    assert_eq!(one.holder("alice").await, Ok(here.account.clone()));
    assert_eq!(two.holder("alice").await, Ok(there.account.clone()));

    // An account is found by its own mirror only, and so is a sign-in.
    let asked = two.model.profile(&here.account, &Trace::OFF).await.unwrap();
    assert!(matches!(asked, Lookup::Pass), "{asked:?}");
    assert_eq!(two.model.signed_in(&here.token).await.unwrap(), None);
    assert!(two.model.delete(&here.account, &here.token).await.is_err());

    // No name is stored under the same key twice, so that nobody can be followed from one to the other.
    let hashes = |rows: Vec<(namesake::store::Key, _)>| {
        let hash =
            |(key, _): (namesake::store::Key, _)| key.to_string().rsplit_once('/').unwrap().1.to_owned();
        rows.into_iter().map(hash).collect::<Vec<_>>()
    };
    let rows: Vec<_> = [b"mirror/one/handle/", b"mirror/two/handle/"].to_vec();
    let of_one = hashes(store.scan(rows[0], None, 10).await.unwrap());
    let of_two = hashes(store.scan(rows[1], None, 10).await.unwrap());
    assert!(of_one.len() == 1 && of_two.len() == 1 && of_one != of_two);

    // What happens to one happens to one.
    one.sandbox.rename("alice", "alicia").unwrap();
    one.settle().await;
    two.settle().await;
    assert_eq!(one.holder("alicia").await, Ok(here.account.clone()));
    assert_eq!(one.holder("alice").await, Err(Why::Released));
    assert_eq!(two.holder("alice").await, Ok(there.account.clone()));
    assert_eq!(two.holder("alicia").await, Err(Why::Unknown));
    one.model.delete(&here.account, &here.token).await.unwrap();
    assert_eq!(one.holder("alicia").await, Err(Why::Unknown));
    assert_eq!(two.holder("alice").await, Ok(there.account));

    let found = two.model.resolve(&Handle::parse("alice").unwrap(), &Trace::OFF).await.unwrap().found();
    assert_eq!(found.unwrap().scheme.as_str(), "two");
}
