//! Lost replies, clocks that differ, other copies of the same keys, a server that withholds.

use std::fs;

use serde_json::Value;

use crate::{
    registrar::{Fault, Registrar, problem},
    support::{Machine, copy},
};

fn begun(server: &Registrar) -> Machine {
    let machine = Machine::new();
    machine.done(&[
        "new",
        "--server",
        &server.url,
        "--handle",
        "alice",
        "--recovery-key-out",
        "recovery.key",
    ]);
    machine
}

fn entry(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

#[test]
fn a_lost_reply_is_found_in_the_log() {
    let server = Registrar::start();
    let machine = begun(&server);
    server.fail(&[Fault::LostReply]);
    machine.identity(&["set-handle", "--handle", "alicia"]).says(3, "gives no answer");
    assert_eq!(server.log().len(), 2);
    assert_eq!(machine.kept()["pending"]["entries"][0].as_str().unwrap(), server.log()[1]);
    machine.done(&["show"]).says(0, "@alicia.handles.test");
    assert!(machine.kept()["pending"].is_null());
    machine.done(&["rotate"]).says(0, "3-Qm");
    assert_eq!(server.posted().len(), 3, "nothing was posted twice");
}

#[test]
fn a_lost_request_is_sent_again_and_signed_once() {
    let server = Registrar::start();
    let machine = begun(&server);
    server.fail(&[Fault::LostRequest]);
    machine.identity(&["set-handle", "--handle", "alicia"]).says(3, "gives no answer");
    assert_eq!(server.log().len(), 1);
    // The next command posts the same bytes first, and then has nothing to do.
    machine.done(&["set-handle", "--handle", "alicia"]).says(0, "goes by that already");
    let posted = server.posted();
    assert_eq!((posted.len(), &posted[1]), (3, &posted[2]));
    assert_eq!(server.log().len(), 2);
}

#[test]
fn a_new_account_survives_a_lost_reply_and_a_lost_request() {
    for fault in [Fault::LostReply, Fault::LostRequest] {
        let (server, machine) = (Registrar::start(), Machine::new());
        server.fail(std::slice::from_ref(&fault));
        let new = machine.identity(&["new", "--server", &server.url, "--handle", "alice"]);
        new.says(3, "is not known");
        new.says(3, "z3u2");
        machine.identity(&["new", "--server", &server.url]).says(2, "never overwritten");
        machine.done(&["show"]).says(0, "@alice.handles.test");
        assert_eq!(server.log().len(), 1, "{fault:?}");
        machine.done(&["rotate"]);
    }
}

#[test]
fn what_is_refused_leaves_nothing_behind() {
    let (server, machine) = (Registrar::start(), Machine::new());
    let taken = Fault::Answer(409, problem("handle-taken", ""));
    let new = ["new", "--server", &server.url, "--handle", "alice", "--recovery-key-out", "recovery.key"];
    server.fail(std::slice::from_ref(&taken));
    machine.identity(&new).says(1, "handle-taken: a detail");
    assert!(!machine.path("namesake-identity/identity.json").exists());
    assert!(!machine.path("recovery.key").exists());
    machine.done(&new);

    server.fail(&[taken]);
    machine.identity(&["set-handle", "--handle", "alicia"]).says(1, "handle-taken");
    assert!(machine.kept()["pending"].is_null());
    machine.done(&["set-handle", "--handle", "alison"]).says(0, "@alison.handles.test");
}

#[test]
fn a_wait_that_is_asked_for_is_no_refusal() {
    let server = Registrar::start();
    let machine = begun(&server);
    // How long to wait, the server says in its detail.
    for (answer, words) in [
        (Fault::Answer(429, problem("too-many-requests", "")), "asks to wait: a detail"),
        (Fault::Answer(503, problem("unavailable", "")), "503"),
        (Fault::Answer(403, "<html>a proxy in between</html>".to_owned()), "403"),
    ] {
        server.fail(&[answer]);
        machine.identity(&["set-handle", "--handle", "alicia"]).says(3, words);
        assert!(!machine.kept()["pending"].is_null());
    }
    machine.done(&["show"]).says(0, "@alicia.handles.test");
}

/// This machine's clock is fast: what it signs is after the server's time, which the server says.
#[test]
fn an_entry_from_the_future_is_signed_again() {
    let server = Registrar::start();
    let machine = begun(&server);
    let begun = entry(&server.log()[0])["versionTime"].as_str().unwrap().to_owned();
    let future = problem("invalid-entry", &format!(r#","rule":"future","now":"{begun}""#));
    server.fail(&[Fault::Answer(422, future)]);
    machine.done(&["set-handle", "--handle", "alicia"]).says(0, "@alicia.handles.test");
    let time = |line: &str| entry(line)["versionTime"].as_str().unwrap().to_owned();
    let posted = server.posted();
    assert!(time(&posted[2]) > begun && time(&posted[2]) <= time(&posted[1]), "{posted:?}");
    // Both are entry 2 by the same key: only one of them was ever taken.
    assert_eq!(server.log()[1], posted[2]);
}

#[test]
fn a_copy_that_went_on_is_explained_and_caught_up_with() {
    let server = Registrar::start();
    let machine = begun(&server);
    copy(&machine.path("namesake-identity"), &machine.path("copy"));
    machine.done(&["set-handle", "--handle", "mallory", "--dir", "copy"]);
    let said = machine.identity(&["set-handle", "--handle", "alicia"]);
    said.says(1, "went on without this folder");
    said.says(1, "@mallory.handles.test");
    assert_eq!(server.log().len(), 2);
    machine.done(&["set-handle", "--handle", "alicia"]).says(0, "3-Qm");
}

#[test]
fn a_stolen_seed_is_worth_nothing_after_the_recovery_key_was_used() {
    let server = Registrar::start();
    let machine = begun(&server);
    copy(&machine.path("namesake-identity"), &machine.path("stolen"));
    machine.done(&["set-handle", "--handle", "mallory", "--dir", "stolen"]);
    let recover = |key: &str, out: &str| {
        machine.identity(&["rotate", "--recovery-key-file", key, "--recovery-key-out", out, "--json"])
    };
    fs::write(machine.path("wrong.key"), "z3u2en7t5LR2WtQH5PfFqMqwVHgeXouLzo6haApm8XHqvjxq").unwrap();
    recover("wrong.key", "new.key").says(2, "not the recovery key");
    assert!(!machine.path("new.key").exists());
    assert_eq!(recover("recovery.key", "new.key").code, 0);
    machine.identity(&["rotate", "--dir", "stolen"]).says(1, "went on without this folder");
    machine.identity(&["rotate", "--dir", "stolen"]).says(1, "do not control the account");

    machine.identity(&["profile", "--display-name", "Alice"]).says(1, "`namesake identity rotate` first");
    machine.done(&["set-handle", "--handle", "alice"]).says(0, "@alice.handles.test");
    machine.done(&["profile", "--display-name", "Alice"]).says(0, "revision");
    recover("recovery.key", "newer.key").says(2, "not the recovery key");
    machine.done(&["deactivate", "--recovery-key-file", "new.key", "--yes"]).says(0, "closed");
}

#[test]
fn a_lost_folder_comes_back_by_the_recovery_key() {
    let server = Registrar::start();
    let machine = begun(&server);
    let did = machine.kept()["account"].as_str().unwrap().to_owned();
    fs::remove_dir_all(machine.path("namesake-identity")).unwrap();
    let recover = ["rotate", "--recovery-key-file", "recovery.key", "--did", &did, "--server", &server.url];
    server.fail(&[Fault::Answer(422, problem("invalid-entry", r#","rule":"recovery""#))]);
    machine.identity(&recover).says(1, "recovery");
    assert!(!machine.path("namesake-identity/identity.json").exists());
    machine.done(&recover).says(0, "@alice.handles.test");
    machine.done(&["rotate"]).says(0, "3-Qm");
}

#[test]
fn a_closing_that_was_interrupted_is_finished() {
    let server = Registrar::start();
    let machine = begun(&server);
    let close = ["deactivate", "--recovery-key-file", "recovery.key"];
    machine.identity(&close).says(2, "--yes");
    assert_eq!(server.log().len(), 1);
    server.fail(&[Fault::LostReply]);
    assert_eq!(machine.identity(&[&close[..], &["--yes"]].concat()).code, 3);
    assert_eq!((server.log().len(), machine.kept()["pending"]["entries"].as_array().unwrap().len()), (2, 2));
    machine.done(&["show"]).says(0, "closed");
    assert_eq!(server.log().len(), 3);
    machine.identity(&["set-handle", "--handle", "alicia"]).says(1, "was closed");
    machine.done(&[&close[..], &["--yes"]].concat()).says(0, "nothing was posted");
}

#[test]
fn a_log_that_lost_entries_is_called_that() {
    let server = Registrar::start();
    let machine = begun(&server);
    let did = machine.kept()["did"].as_str().unwrap().to_owned();
    machine.done(&["rotate"]);
    let whole = server.log();
    server.set_log(&whole[..1]);
    for command in [&["log", &did][..], &["log"], &["rotate"]] {
        let typed = machine.identity(command);
        typed.says(1, "lacks the entry 2-Qm");
        assert_eq!(typed.out, "");
    }
    machine.identity(&["log", &did, "--dir", "elsewhere"]).says(2, "--server");
    machine.done(&["log", &did, "--dir", "elsewhere", "--server", &server.url]);
    server.set_log(&whole);
    assert_eq!(machine.done(&["log"]).out, whole.join("\n") + "\n");
    server.set_log(&[]);
    machine.identity(&["rotate"]).says(1, "knows no account");
    // Somebody else's log, and one that does not hold.
    let other = Registrar::start();
    begun(&other);
    server.set_log(&other.log());
    machine.identity(&["log"]).says(1, "as that of");
    server.set_log(&[whole[0].clone(), whole[1].replace("alice", "malle")]);
    machine.identity(&["log"]).says(1, "entry 2");
}

#[test]
fn a_log_verifies_offline_or_the_entry_and_the_rule_are_named() {
    let server = Registrar::start();
    let machine = begun(&server);
    machine.done(&["set-handle", "--handle", "alicia"]);
    let log = machine.done(&["log"]).out;
    fs::write(machine.path("did.jsonl"), &log).unwrap();
    let verified = machine.done(&["verify", "did.jsonl"]);
    let head = entry(&server.log()[1])["versionId"].as_str().unwrap().to_owned();
    assert_eq!(verified.out.lines().next(), Some(head.as_str()));
    verified.says(0, "@alice.handles.test from");
    let json = machine.done(&["verify", "did.jsonl", "--json"]).json();
    assert_eq!((json["entries"].as_u64(), json["handles"].as_array().unwrap().len()), (Some(2), 2));

    for (text, why) in [
        (log.replacen("alicia", "malice", 1), "entry 2: the hash in versionId"),
        (log.replacen("alice", "malle", 1), "(scid-hash)"),
        (log.lines().nth(1).unwrap().to_owned(), "entry 1"),
        (String::new(), "(line)"),
        ("{}\n".to_owned(), "entry 1"),
    ] {
        fs::write(machine.path("bad.jsonl"), text).unwrap();
        let typed = machine.identity(&["verify", "bad.jsonl"]);
        typed.says(1, why);
        assert_eq!(typed.out, "");
    }
    assert_eq!(machine.identity(&["verify", "none.jsonl"]).code, 2);
}
