//! did:webvh logs, judged: each rule by a log that breaks it and nothing else, hashed and signed as if it were good.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod logs;
mod properties;
mod records;
mod web;

use std::collections::HashSet;

use namesake::Timestamp;
use namesake_independent::webvh::{Fault, InvalidLog, MAX_LOG_BYTES, verify};

use logs::{accepted, forge, lines, refused, rotated};

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// The reference log that three other implementations accept.
const REFERENCE: &str = include_str!("../../src/webvh/vectors/rotated.jsonl");

#[test]
fn the_forger_is_as_good_as_an_author() {
    assert_eq!(lines(&forge(&rotated())), REFERENCE);
}

#[test]
fn every_broken_rule_is_named() {
    let mut wrong = Vec::new();
    for case in refused() {
        let expected = InvalidLog { entry: Some(case.entry), fault: case.fault };
        match verify(&case.log, now()) {
            Err(found) if found == expected => {}
            found => wrong.push(format!(
                "{}: {:?}, not {expected:?}",
                case.name,
                found.map(|log| log.head().version.clone())
            )),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_good_log_is_accepted() {
    for case in accepted() {
        let log = verify(&case.log, now()).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let last = std::str::from_utf8(&case.log).unwrap().trim_end().lines().last().unwrap().to_owned();
        let last: serde_json::Value = serde_json::from_str(&last).unwrap();
        assert_eq!(log.head().version.to_string(), last["versionId"].as_str().unwrap(), "{}", case.name);
        // What is stored is as good as what came.
        let stored = log.lines().join("\n");
        assert_eq!(verify(stored.as_bytes(), now()).unwrap().head(), log.head(), "{}", case.name);
    }
}

#[test]
fn no_two_cases_have_one_name() {
    let names =
        refused().into_iter().map(|case| case.name).chain(accepted().into_iter().map(|case| case.name));
    let mut seen = HashSet::new();
    for name in names {
        assert!(seen.insert(name.clone()), "{name}");
    }
}

#[test]
fn a_log_has_a_size() {
    let large = vec![b'\n'; MAX_LOG_BYTES + 1];
    assert_eq!(verify(&large, now()).unwrap_err(), InvalidLog { entry: None, fault: Fault::TooLarge });
}
