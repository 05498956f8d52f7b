//! Writes: signed entries beside the signature check alone, durable claims together and one by one, polls of the mirror.

use std::{sync::Arc, time::Duration};

use ed25519_dalek::{Signer as _, SigningKey};
use namesake::store::{Commit, Key, MemoryStore, SledOptions, SledStore, Store};
use namesake_independent::hosted::Hosted;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    Rig,
    holder::{self, Holder},
    mirrored,
    numbers::{median, rate},
};

pub(crate) fn run(rig: &Rig) {
    entries(rig);
    claims(rig);
    mirrored::polls(rig);
}

/// Entries are accepted one by one on one thread; the signatures are checked on the same one.
fn entries(rig: &Rig) {
    let each = rig.scale(2, 10);
    let people: Arc<[Holder]> = (0..rig.scale(2, 100)).map(|number| Holder::new(number, each)).collect();
    let (mut accepted, mut checked, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rig.rounds() {
        let hosted = holder::hosted(Arc::new(MemoryStore::new()));
        // In a task, as whatever a server does: to the thread that waits here, each commit would come from another.
        let accepting = rig.load.spawn(accept(hosted, Arc::clone(&people), each));
        let took = rig.load.block_on(accepting).expect("a task that ends");
        let (entries, alone) = (rate((people.len() * each) as u64, took), verify_strict(rig.scale(10, 5000)));
        ratios.push(entries / alone);
        accepted.push(entries);
        checked.push(alone);
    }
    println!(
        "signed entries, one thread, store in memory: {:.0}/s accepted; verify_strict alone {:.0}/s: ratio {:.2}",
        median(accepted),
        median(checked),
        median(ratios)
    );
    let (folder, hosted) = sled();
    let took = rig.load.block_on(async {
        let mut holders = JoinSet::new();
        let begun = Instant::now();
        for number in 0..people.len() {
            let (hosted, people) = (holder::hosted(Arc::clone(&hosted)), Arc::clone(&people));
            holders.spawn(async move {
                let person = &people[number];
                hosted.register(person.genesis.as_bytes()).await.expect("a registration");
                for line in &person.entries {
                    hosted.append(&person.account, line.as_bytes()).await.expect("an accepted entry");
                }
                1 + person.entries.len()
            });
        }
        let entries: usize = holders.join_all().await.into_iter().sum();
        rate(entries as u64, begun.elapsed())
    });
    println!("  the same, durable in sled, every person at once: {took:.0}/s");
    drop(folder);
}

/// How long it takes until all of them have changed their keys so often.
async fn accept(hosted: Arc<Hosted>, people: Arc<[Holder]>, each: usize) -> Duration {
    for person in people.iter() {
        hosted.register(person.genesis.as_bytes()).await.expect("a registration");
    }
    let begun = Instant::now();
    for entry in 0..each {
        for person in people.iter() {
            let line = person.entries[entry].as_bytes();
            hosted.append(&person.account, line).await.expect("an accepted entry");
        }
    }
    begun.elapsed()
}

fn verify_strict(times: u64) -> f64 {
    let key = SigningKey::from_bytes(&[7; 32]);
    // What `eddsa-jcs-2022` signs: two SHA-256 hashes.
    let message = [3; 64];
    let (signature, public) = (key.sign(&message), key.verifying_key());
    let begun = Instant::now();
    for _ in 0..times {
        std::hint::black_box(&public)
            .verify_strict(std::hint::black_box(&message), &signature)
            .expect("valid");
    }
    rate(times, begun.elapsed())
}

fn claims(rig: &Rig) {
    let (folder, store) = sled();
    let claim = |number: usize| {
        let key = Key::new(format!("handle/{number:08}")).expect("a key");
        Commit::new().expect_absent(key.clone()).put(key, vec![b'x'; 300])
    };
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    let (few, many, at_once) = (rig.scale(4, 100), rig.scale(40, 10_000), 256);
    let mut next = 0;
    for _ in 0..rig.rounds() {
        let numbers = next..next + few;
        next += few;
        let took = rig.load.block_on(async {
            let begun = Instant::now();
            for number in numbers {
                store.commit(claim(number)).await.expect("a commit");
            }
            begun.elapsed()
        });
        alone.push(rate(few as u64, took));
        let first = next;
        next += many;
        let took = rig.load.block_on(async {
            let (mut committers, begun) = (JoinSet::new(), Instant::now());
            for committer in 0..at_once {
                let (store, commits) =
                    (Arc::clone(&store), (first + committer..first + many).step_by(at_once));
                let commits: Vec<Commit> = commits.map(claim).collect();
                committers.spawn(async move {
                    for commit in commits {
                        store.commit(commit).await.expect("a commit");
                    }
                });
            }
            committers.join_all().await;
            begun.elapsed()
        });
        together.push(rate(many as u64, took));
    }
    let (alone, together) = (median(alone), median(together));
    println!(
        "durable claims in sled: {together:.0}/s by {at_once} at once, {alone:.0}/s one after the other: ratio {:.0}",
        together / alone
    );
    drop(folder);
}

fn sled() -> (tempfile::TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SledOptions::at(folder.path().join("store"));
    let store = SledStore::open(options).expect("a store");
    (folder, Arc::new(store))
}
