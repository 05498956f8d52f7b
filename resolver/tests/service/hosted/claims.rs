//! Many people who want one name at the same moment.

use std::sync::Arc;

use namesake::store::{SledOptions, SledStore};
use namesake_independent::webvh::verify;
use serde_json::json;
use tokio::task::JoinSet;

use super::{ACCOUNTS, Author, Place, refused};
use crate::support::send;

const RIVALS: u8 = 200;
const NAME: &str = "wanted.people.test";

/// A place on a disk, where one client may register as often as it likes.
async fn busy(folder: &tempfile::TempDir) -> Place {
    let options = SledOptions { cache_bytes: 1 << 20, ..SledOptions::at(folder.path().join("store")) };
    let store = Arc::new(SledStore::open(options).unwrap());
    Place::over(store, |_, limits| limits.registrations_per_hour = 2 * u32::from(RIVALS)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_who_claim_a_name_at_once_one_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = busy(&folder).await;
    let mut rivals = Vec::new();
    for seed in 1..=RIVALS {
        let mut author = Author::new(seed);
        // Half of them come with it, half live here already.
        let (target, entry) = match seed % 2 {
            0 => (ACCOUNTS.to_owned(), author.begin(Some(NAME), place.tick())),
            _ => {
                let begun = author.begin(None, place.tick());
                assert_eq!(place.post(ACCOUNTS, &begun).await.status, 201);
                (author.log_path(), author.rename(Some(NAME), place.tick()))
            }
        };
        rivals.push((author, target, entry));
    }
    let address = place.server.address;
    let mut claims = JoinSet::new();
    for (author, target, entry) in rivals {
        claims.spawn(async move { (author, send(address, "POST", &target, &[], &entry).await) });
    }
    let (won, lost): (Vec<_>, Vec<_>) =
        claims.join_all().await.into_iter().partition(|(_, reply)| reply.status == 201);
    assert_eq!((won.len(), lost.len()), (1, usize::from(RIVALS) - 1));
    let (winner, _) = &won[0];
    assert_eq!(place.server.get(&format!("/@{NAME}")).await.json()["account"], winner.did());
    for (author, reply) in &lost {
        assert_eq!(refused(reply), (409, "handle-taken".to_owned()));
        let account = place.server.get(&format!("/v1/accounts/{}", author.did())).await;
        assert!(account.status == 404 || account.json()["handle"].is_null(), "{}", account.body);
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_hundred_entries_at_one_place_of_a_log_one_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let place = busy(&folder).await;
    let dora = place.register(1, "dora.people.test").await;
    let (address, at) = (place.server.address, place.tick());
    let mut claims = JoinSet::new();
    for number in 0..RIVALS {
        let name = format!("dora{number}.people.test");
        let (target, entry) = (dora.log_path(), dora.next(&json!({}), Some(&name), at).line().to_owned());
        claims.spawn(async move { (name, send(address, "POST", &target, &[], &entry).await) });
    }
    let (won, lost): (Vec<_>, Vec<_>) =
        claims.join_all().await.into_iter().partition(|(_, reply)| reply.status == 201);
    assert_eq!((won.len(), lost.len()), (1, usize::from(RIVALS) - 1));
    let log = place.server.get(&dora.log_path()).await;
    let log = verify(log.body.as_bytes(), at).unwrap();
    assert_eq!((log.lines().len(), log.head().handle().unwrap().as_str()), (2, won[0].0.as_str()));
    for (name, reply) in &lost {
        assert_eq!(refused(reply), (409, "stale-head".to_owned()));
        assert_eq!(place.server.get(&format!("/@{name}")).await.status, 404);
    }
    place.stop().await;
}
