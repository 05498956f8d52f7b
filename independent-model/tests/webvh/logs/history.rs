//! Numbers, hashes and times that do not follow from the entries before, and logs in pieces.

use namesake_independent::webvh::Fault;
use serde_json::{Value, json};

use super::{
    Refused, SCID, fixed_but,
    forge::{Draft, forge, forge_as, sign},
    lines, multikey, refuse, rotated, rotated_but, tampered,
};

pub(super) fn refused() -> Vec<Refused> {
    [scids(), numbers(), hashes(), order(), times()].into_iter().flatten().collect()
}

/// Another log of the same host and keys.
fn other() -> Vec<Draft> {
    let mut drafts = rotated();
    drafts.iter_mut().for_each(|draft| draft.replace("alice.handles-demo", "mallory.handles-demo"));
    drafts
}

/// A finished entry, changed and signed again.
fn signed_again(entry: &mut Value, seed: u8, change: impl FnOnce(&mut Value)) {
    let mut proof = entry["proof"][0].take();
    entry.as_object_mut().unwrap().remove("proof");
    proof.as_object_mut().unwrap().remove("proofValue");
    change(entry);
    *entry = sign(entry.take(), proof, seed);
}

fn scids() -> Vec<Refused> {
    let stolen = forge(&other())[0]["parameters"]["scid"].as_str().unwrap().to_owned();
    vec![
        refuse("the SCID of another log", 1, Fault::ScidHash, lines(&forge_as(&rotated(), &stolen))),
        refuse(
            "a genesis that was changed after its SCID",
            1,
            Fault::ScidHash,
            lines(&forge_as(&other(), &scid())),
        ),
        // The placeholder could stand for itself, or for the SCID: two first entries of one SCID.
        refuse("a genesis with the placeholder left in", 1, Fault::ScidHash, with_placeholder()),
    ]
}

fn scid() -> String {
    forge(&rotated())[0]["parameters"]["scid"].as_str().unwrap().to_owned()
}

/// A good genesis that names its SCID once more, and then that name made the placeholder again.
fn with_placeholder() -> String {
    let mut genesis = rotated().remove(0);
    genesis.state["alsoKnownAs"][0] = SCID.into();
    let scid = forge(std::slice::from_ref(&genesis))[0]["parameters"]["scid"].as_str().unwrap().to_owned();
    // What is put in after the replacement is not replaced.
    genesis.more.insert("state".to_owned(), {
        let mut state: Value = serde_json::from_str(&genesis.state.to_string().replace(SCID, &scid)).unwrap();
        state["alsoKnownAs"][0] = SCID.into();
        state
    });
    lines(&forge_as(&[genesis], &scid))
}

fn numbers() -> Vec<Refused> {
    let number = |entry: usize, number: &str| rotated_but(|log| log[entry].number = number.to_owned());
    vec![
        refuse("a log that begins with entry 2", 1, Fault::VersionNumber, number(0, "2")),
        refuse("a log that begins with entry 0", 1, Fault::VersionId, number(0, "0")),
        refuse("a gap", 3, Fault::VersionNumber, number(2, "4")),
        refuse("a number twice", 3, Fault::VersionNumber, number(2, "2")),
        refuse("a leading zero", 2, Fault::VersionId, number(1, "02")),
        refuse("a sign", 2, Fault::VersionId, number(1, "+2")),
        refuse("a negative number", 2, Fault::VersionId, number(1, "-2")),
        refuse("no number", 2, Fault::VersionId, number(1, "")),
        refuse("a number beyond 2^64", 2, Fault::VersionId, number(1, "18446744073709551618")),
        refuse("a digit that is not ASCII", 2, Fault::VersionId, number(1, "\u{662}")),
    ]
}

fn hashes() -> Vec<Refused> {
    // Entry 3, so that nothing comes after it.
    let version = |change: &dyn Fn(&str, &str) -> String| {
        tampered(|log| {
            let (second, third) = (log[1]["versionId"].clone(), log[2]["versionId"].clone());
            let version = change(&second.as_str().unwrap()[2..], &third.as_str().unwrap()[2..]);
            signed_again(&mut log[2], 3, |entry| entry["versionId"] = version.into());
        })
    };
    let fork = |log: &mut Vec<Value>| {
        let mut drafts = rotated();
        drafts[1].replace("brand", "brands");
        log[1] = forge(&drafts)[1].clone();
    };
    vec![
        refuse(
            "the hash of the entry before",
            3,
            Fault::EntryHash,
            version(&|second, _| format!("3-{second}")),
        ),
        refuse("a hash in base64url", 3, Fault::VersionId, version(&|_, third| format!("3-u{third}"))),
        refuse("a hash cut short", 3, Fault::VersionId, version(&|_, third| format!("3-{}", &third[..45]))),
        refuse("a hash and more", 3, Fault::VersionId, version(&|_, third| format!("3-{third}-3"))),
        refuse(
            "a hash with a zero byte before it",
            3,
            Fault::VersionId,
            version(&|_, third| format!("3-1{third}")),
        ),
        refuse("a number alone", 3, Fault::VersionId, version(&|_, _| "3".to_owned())),
        refuse("a hash alone", 3, Fault::VersionId, version(&|_, third| third.to_owned())),
        refuse(
            "a handle changed by somebody else",
            2,
            Fault::EntryHash,
            tampered(|log| {
                log[1]["state"]["alsoKnownAs"][0] = "at://mallory.test".into();
            }),
        ),
        refuse("a handle changed and hashed by somebody else", 2, Fault::Signature, {
            let mut drafts = rotated();
            let proof = forge(&drafts)[1]["proof"].clone();
            drafts[1].replace("alice", "mallory");
            let mut log = forge(&drafts);
            log[1]["proof"] = proof;
            lines(&log)
        }),
        refuse("an entry of another branch before the last", 3, Fault::EntryHash, tampered(fork)),
        refuse(
            "a proof from another entry",
            3,
            Fault::Signer,
            tampered(|log| log[2]["proof"] = log[1]["proof"].clone()),
        ),
    ]
}

fn order() -> Vec<Refused> {
    let fault = Fault::VersionNumber;
    let foreign = |entry: usize| tampered(|log| log[entry] = forge(&other())[entry].clone());
    vec![
        refuse("without the genesis", 1, fault, tampered(|log| drop(log.remove(0)))),
        refuse("without an entry in the middle", 2, fault, tampered(|log| drop(log.remove(1)))),
        refuse("two entries changed places", 2, fault, tampered(|log| log.swap(1, 2))),
        refuse("an entry twice", 3, fault, tampered(|log| log[2] = log[1].clone())),
        refuse("the genesis twice", 2, fault, tampered(|log| log[1] = log[0].clone())),
        refuse("an entry of another log", 2, Fault::StateId, foreign(1)),
        refuse("the genesis of another log", 2, Fault::StateId, foreign(0)),
        refuse(
            "a genesis that is the end",
            1,
            Fault::Deactivated,
            fixed_but(|log| log[0].parameters["deactivated"] = true.into()),
        ),
        refuse(
            "an entry after the end",
            3,
            Fault::Deactivated,
            fixed_but(|log| {
                log[1].parameters["deactivated"] = true.into();
            }),
        ),
        refuse(
            "an entry that takes the end back",
            3,
            Fault::Deactivated,
            fixed_but(|log| {
                log[1].parameters["deactivated"] = true.into();
                log[2].parameters["deactivated"] = false.into();
            }),
        ),
        refuse(
            "an entry after an end in two entries",
            3,
            Fault::Deactivated,
            rotated_but(|log| {
                log[0].parameters["nextKeyHashes"] = json!([]);
                log[1].parameters = json!({ "updateKeys": [multikey(3)], "deactivated": true });
                log[1].sign_by(1);
                log[2].parameters = json!({});
            }),
        ),
    ]
}

fn times() -> Vec<Refused> {
    let last = |time: &str| rotated_but(|log| log[2].date(time));
    let forms = [
        ("a time without zone", "2026-11-22T10:10:00"),
        ("a time in another zone", "2026-11-22T12:10:00+01:00"),
        ("a time west of nowhere", "2026-11-22T10:10:00-00:00"),
        ("a time with a space", "2026-11-22 10:10:00Z"),
        ("a time in small letters", "2026-11-22t10:10:00z"),
        ("a date alone", "2026-11-22"),
        ("a time without seconds", "2026-11-22T10:10Z"),
        ("a leap second", "2026-11-22T10:09:60Z"),
        ("the leap second of 2016", "2016-12-31T23:59:60Z"),
        ("the hour 24", "2026-11-21T24:00:00Z"),
        ("the thirtieth of February", "2026-02-30T10:10:00Z"),
        ("a fraction with a comma", "2026-11-22T10:10:00,5Z"),
        ("a fraction without digits", "2026-11-22T10:10:00.Z"),
        ("a fraction of a millisecond", "2026-11-22T10:10:00.0005Z"),
        ("a basic time", "20261122T101000Z"),
        ("a year of five digits", "+02026-11-22T10:10:00Z"),
        ("no time", ""),
    ];
    let forms = forms.map(|(name, time)| refuse(name, 3, Fault::VersionTime, last(time)));
    let order = [
        refuse("the time of the entry before", 3, Fault::VersionOrder, last("2026-11-22T10:05:00Z")),
        refuse(
            "the time of the entry before, written otherwise",
            3,
            Fault::VersionOrder,
            last("2026-11-22T10:05:00.000+00:00"),
        ),
        refuse("a time before the entry before", 3, Fault::VersionOrder, last("2026-11-22T10:04:59Z")),
        refuse("a time to come", 3, Fault::Future, last("2099-11-22T10:10:00Z")),
        refuse("a genesis to come", 1, Fault::Future, rotated_but(|log| log[0].date("2099-11-22T10:00:00Z"))),
    ];
    forms.into_iter().chain(order).collect()
}
