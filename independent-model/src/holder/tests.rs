//! An account's life, as its holder's machine makes it.

use namesake::{SeededRandomness, Timestamp};

use super::{
    Genesis, ProfileRecord, Seed, Standing, Step, Turn, close, recover, register, rotate, set_handle,
    sign_again, standing,
};
use crate::{
    Hostname,
    hosted::label_of,
    webvh::{Entry, Fault, Head, Log, SecretKey, verify, verify_record},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn name(text: &str) -> Hostname {
    Hostname::parse(text).unwrap()
}

fn seed(byte: u8) -> Seed {
    Seed::from_bytes(&[byte; 32])
}

fn recovery(byte: u8) -> SecretKey {
    SecretKey::from_seed(&[byte; 32])
}

fn begun() -> Step {
    let (id_domain, handle) = (name("id.handles.test"), name("alice.handles.test"));
    register(&Genesis {
        id_domain: &id_domain,
        handle: Some(&handle),
        pds: None,
        seed: &seed(1),
        recovery: &recovery(9).multikey(),
        at: at(0),
    })
    .unwrap()
}

fn log_of(steps: &[&Step]) -> Log {
    let lines: Vec<_> = steps.iter().map(|step| step.entry.line()).collect();
    verify(lines.join("\n").as_bytes(), at(1000)).unwrap()
}

fn turn<'a>(head: &'a Head, seed: &'a Seed, index: u32, second: i64) -> Turn<'a> {
    Turn { head, seed, index, at: at(second) }
}

#[test]
fn keys_follow_from_the_seed_and_from_nothing_else() {
    let keys: Vec<_> = (0..3).map(|index| seed(1).key(index).multikey()).collect();
    assert_ne!(keys[0], keys[1]);
    assert_ne!(seed(2).key(0).multikey(), keys[0]);
    // Known answer: a seed that somebody kept must make the same keys in every version to come.
    assert_eq!(keys[0].as_str(), "z6Mkm621s36HgGZxKJBpLnNsvkMgVoi8i92kZySZyDoZFNZh");
    assert_eq!(format!("{:?}", seed(1)), "Seed");
    let drawn = Seed::random(&SeededRandomness::new(1));
    assert_ne!(drawn.expose(), Seed::random(&SeededRandomness::new(2)).expose());
}

#[test]
fn a_whole_life_verifies() {
    let first = begun();
    assert_eq!(first.head.host(), format!("{}.id.handles.test", label_of(&seed(1).key(0).multikey())));
    assert_eq!(first.head.next_key_hashes, [seed(1).key(1).multikey().hash(), recovery(9).multikey().hash()]);

    let own = name("alice.art");
    let renamed = set_handle(&turn(&first.head, &seed(1), 1, 1), Some(&own)).unwrap();
    assert_eq!(renamed.head.handle().unwrap().as_str(), "alice.art");
    assert_eq!(
        renamed.head.next_key_hashes,
        [seed(1).key(2).multikey().hash(), recovery(9).multikey().hash()]
    );
    let key = |head: &Head| head.state["verificationMethod"][0]["publicKeyMultibase"].clone();
    assert_eq!(key(&renamed.head), seed(1).key(0).multikey().as_str(), "a new name is no new key");

    let rotated = rotate(&turn(&renamed.head, &seed(1), 2, 2)).unwrap();
    assert_eq!(key(&rotated.head), seed(1).key(2).multikey().as_str());
    assert_eq!(rotated.head.handle().unwrap().as_str(), "alice.art");

    let recovered = recover(&rotated.head, &recovery(9), &seed(2), &recovery(8).multikey(), at(3)).unwrap();
    assert_eq!(key(&recovered.head), seed(2).key(0).multikey().as_str());
    let nameless = set_handle(&turn(&recovered.head, &seed(2), 1, 4), None).unwrap();
    assert_eq!(nameless.head.handle(), None);

    let closing = close(&nameless.head, &recovery(8), at(5)).unwrap();
    assert_eq!(closing.len(), 2);
    let log = log_of(&[&first, &renamed, &rotated, &recovered, &nameless, &closing[0], &closing[1]]);
    assert!(log.head().deactivated);
    assert_eq!(log.head(), &closing[1].head);
    assert_eq!(log.handles().len(), 2);
    // Cut off in the middle, the second half is still to be had.
    let rest = close(&closing[0].head, &recovery(8), at(6)).unwrap();
    assert_eq!(rest.len(), 1);
    assert!(rest[0].head.deactivated);
}

#[test]
fn a_stolen_seed_can_neither_drop_the_recovery_key_nor_outlive_it() {
    let first = begun();
    let theirs = rotate(&turn(&first.head, &seed(1), 1, 1)).unwrap();
    assert_eq!(theirs.head.next_key_hashes[1], recovery(9).multikey().hash());
    let ours = recover(&theirs.head, &recovery(9), &seed(2), &recovery(8).multikey(), at(2)).unwrap();
    assert_eq!(seed(1).next_index(&ours.head, 2), None);
    let again = rotate(&turn(&ours.head, &seed(1), 2, 3)).unwrap_err();
    assert_eq!(again, Fault::Uncommitted);
    assert!(rotate(&turn(&ours.head, &seed(2), 1, 3)).is_ok());
}

#[test]
fn what_cannot_be_taken_is_not_made() {
    let first = begun();
    assert_eq!(rotate(&turn(&first.head, &seed(1), 2, 1)).unwrap_err(), Fault::Uncommitted);
    assert_eq!(rotate(&turn(&first.head, &seed(1), 1, 0)).unwrap_err(), Fault::VersionOrder);
    let foreign = recover(&first.head, &recovery(7), &seed(2), &recovery(8).multikey(), at(1));
    assert_eq!(foreign.unwrap_err(), Fault::Uncommitted);
    assert_eq!(close(&first.head, &recovery(7), at(1)).unwrap_err(), Fault::Uncommitted);
    let long = name(&format!("{0}.{0}.{0}.{1}.test", "a".repeat(63), "b".repeat(40)));
    let genesis = Genesis {
        id_domain: &long,
        handle: None,
        pds: None,
        seed: &seed(1),
        recovery: &recovery(9).multikey(),
        at: at(0),
    };
    assert_eq!(register(&genesis).unwrap_err(), Fault::StateId);
}

#[test]
fn an_entry_that_nobody_took_is_signed_at_another_time() {
    let first = begun();
    let again = sign_again(None, &first.entry, &seed(1).key(0), at(500)).unwrap();
    let fresh = |at| {
        let (id_domain, handle) = (name("id.handles.test"), name("alice.handles.test"));
        let (seed, recovery) = (seed(1), recovery(9).multikey());
        register(&Genesis {
            id_domain: &id_domain,
            handle: Some(&handle),
            pds: None,
            seed: &seed,
            recovery: &recovery,
            at,
        })
    };
    assert_eq!(again.entry.line(), fresh(at(500)).unwrap().entry.line());
    assert_ne!(again.head.did, first.head.did);
    assert_eq!(again.head.host(), first.head.host());

    let own = name("alice.art");
    let second = set_handle(&turn(&first.head, &seed(1), 1, 1), Some(&own)).unwrap();
    let key = seed(1).key_of(&second.entry.proof.key, 1).unwrap();
    let again = sign_again(Some(&first.head), &second.entry, &key, at(500)).unwrap();
    let fresh = set_handle(&turn(&first.head, &seed(1), 1, 500), Some(&own)).unwrap();
    assert_eq!(again.entry.line(), fresh.entry.line());
    assert!(seed(2).key_of(&second.entry.proof.key, 1).is_none());
    let foreign = sign_again(Some(&first.head), &second.entry, &seed(2).key(1), at(500));
    assert_eq!(foreign.unwrap_err(), Fault::Signer);
}

#[test]
fn a_record_is_signed_by_the_key_of_the_head() {
    let first = begun();
    let key = seed(1).current_key(&first.head, 1).unwrap();
    let record =
        ProfileRecord { rev: 1, display_name: Some("Ålice".to_owned()), ..ProfileRecord::default() };
    let signed = record.sign("did:web:u.id.handles.test", &key, at(1)).unwrap();
    assert!(first.head.update_keys.contains(&verify_record(&signed, at(1)).unwrap().key));
    assert_eq!(signed["displayName"], "Ålice");
    assert!(signed.get("avatar").is_none());
    let recovered = recover(&first.head, &recovery(9), &seed(2), &recovery(8).multikey(), at(1)).unwrap();
    assert!(seed(2).current_key(&recovered.head, 1).is_none(), "the recovery key signed it, and is not here");
    let second = rotate(&turn(&first.head, &seed(1), 1, 1)).unwrap();
    assert_eq!(seed(1).current_key(&second.head, 0).unwrap().multikey(), seed(1).key(1).multikey());
}

#[test]
fn where_a_log_stands() {
    let first = begun();
    let second = rotate(&turn(&first.head, &seed(1), 1, 1)).unwrap();
    let third = rotate(&turn(&second.head, &seed(1), 2, 2)).unwrap();
    let other = rotate(&turn(&first.head, &seed(1), 1, 3)).unwrap();
    let one = log_of(&[&first]);
    let two = log_of(&[&first, &second]);
    let (known, pending) = (Some(&first.head.version), [second.entry.clone(), third.entry.clone()]);
    assert_eq!(standing(&one, known, &pending), Standing::Level { taken: 0 });
    assert_eq!(standing(&two, known, &pending), Standing::Level { taken: 1 });
    assert_eq!(standing(&log_of(&[&first, &second, &third]), known, &pending), Standing::Level { taken: 2 });
    assert_eq!(standing(&two, known, &[]), Standing::WentOn { taken: 0 });
    assert_eq!(
        standing(&log_of(&[&first, &second, &third]), known, &pending[..1]),
        Standing::WentOn { taken: 1 }
    );
    assert_eq!(standing(&log_of(&[&first, &other]), known, &pending), Standing::WentOn { taken: 0 });
    assert_eq!(standing(&one, Some(&second.head.version), &[]), Standing::RolledBack);
    assert_eq!(standing(&log_of(&[&first, &other]), Some(&second.head.version), &[]), Standing::RolledBack);
    // Before the first entry was taken.
    let entry = |step: &Step| -> Vec<Entry> { vec![step.entry.clone()] };
    assert_eq!(standing(&one, None, &entry(&first)), Standing::Level { taken: 1 });
    assert_eq!(standing(&two, None, &entry(&first)), Standing::WentOn { taken: 1 });
}

#[test]
fn a_copy_that_went_on_is_caught_up_with() {
    let first = begun();
    let second = rotate(&turn(&first.head, &seed(1), 1, 1)).unwrap();
    assert_eq!(seed(1).next_index(&first.head, 1), Some(1));
    assert_eq!(seed(1).next_index(&second.head, 1), Some(2));
}
