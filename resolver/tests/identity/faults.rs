//! Lost replies, clocks that differ, other copies of the same keys, a server that withholds.

use std::fs;

use namesake_independent::webvh::{Genesis, SecretKey, genesis};
use serde_json::{Value, json};

use crate::{
    registrar::{Fault, Registrar, problem},
    support::{Machine, Typed, copy},
};

fn begun(server: &Registrar) -> Machine {
    let machine = Machine::new();
    machine.done(&[
        "new",
        "--yes",
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
        let new = machine.identity(&["new", "--yes", "--server", &server.url, "--handle", "alice"]);
        new.says(3, "is not known");
        new.says(3, "z3u2");
        machine.identity(&["new", "--yes", "--server", &server.url]).says(2, "never overwritten");
        machine.done(&["show"]).says(0, "@alice.handles.test");
        assert_eq!(server.log().len(), 1, "{fault:?}");
        machine.done(&["rotate"]);
    }
}

#[test]
fn what_is_refused_leaves_nothing_behind() {
    let (server, machine) = (Registrar::start(), Machine::new());
    let taken = Fault::Answer(409, problem("handle-taken", ""));
    let new =
        ["new", "--yes", "--server", &server.url, "--handle", "alice", "--recovery-key-out", "recovery.key"];
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
        (Fault::Answer(429, problem("too-many-requests", "")), "asks to wait: too-many-requests: a detail"),
        (
            Fault::Answer(503, problem("unavailable", "")),
            "cannot answer at present: 503 Service Unavailable: unavailable: a detail",
        ),
        (Fault::Answer(403, "<html>a proxy in between</html>".to_owned()), "403"),
    ] {
        server.fail(&[answer]);
        machine.identity(&["set-handle", "--handle", "alicia"]).says(3, words);
        assert!(!machine.kept()["pending"].is_null());
    }
    machine.done(&["show"]).says(0, "@alicia.handles.test");
}

/// Every command that asks the server tells what it says, and takes no failure for an absence.
#[test]
fn a_server_that_is_down_is_told_as_such() {
    let server = Registrar::start();
    let machine = begun(&server);
    let did = machine.kept()["did"].as_str().unwrap().to_owned();
    let other = Machine::new();
    for (status, words) in [
        (503, "cannot answer at present: 503 Service Unavailable: the-kind: a detail"),
        (500, "cannot answer at present: 500 Internal Server Error: the-kind: a detail"),
        (504, "cannot answer at present: 504 Gateway Timeout: the-kind: a detail"),
        (429, "asks to wait: the-kind: a detail"),
    ] {
        server.go_down(status, &problem("the-kind", ""));
        for command in [
            &["set-handle", "--handle", "alicia"][..],
            &["set-handle", "--none"],
            &["rotate"],
            &["rotate", "--recovery-key-file", "recovery.key"],
            &["profile", "--display-name", "Alice"],
            &["log"],
            &["deactivate", "--recovery-key-file", "recovery.key", "--yes"],
        ] {
            machine.identity(command).says(3, words);
        }
        other.identity(&["new", "--yes", "--server", &server.url]).says(3, words);
        other.identity(&["log", &did, "--server", &server.url]).says(3, words);
    }
    for status in [404, 501, 502, 503] {
        server.go_down(status, "<html>a proxy in between</html>");
        other.identity(&["new", "--yes", "--server", &server.url]).says(3, &status.to_string());
        machine.identity(&["log"]).says(3, &status.to_string());
        machine.identity(&["rotate"]).says(3, &status.to_string());
    }
    server.come_back();
    assert_eq!(server.log().len(), 1, "nothing was done");
    assert_eq!(fs::read_dir(other.folder.path()).unwrap().count(), 0);
    machine.done(&["rotate"]).says(0, "2-Qm");
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

/// What `server` says of an entry that was signed too long ago, in its time, which is that of its first entry.
fn too_old(begun: &str) -> Fault {
    Fault::Answer(422, problem("invalid-entry", &format!(r#","rule":"too-old","now":"{begun}""#)))
}

#[test]
fn what_was_begun_long_ago_is_signed_anew() {
    let server = Registrar::start();
    let machine = begun(&server);
    let begun = entry(&server.log()[0])["versionTime"].as_str().unwrap().to_owned();
    server.fail(&[Fault::LostRequest, too_old(&begun)]);
    machine.identity(&["set-handle", "--handle", "alicia"]).says(3, "gives no answer");
    machine.done(&["show"]).says(0, "@alicia.handles.test");
    let posted = server.posted();
    assert_eq!((posted.len(), &posted[1]), (4, &posted[2]), "{posted:?}");
    assert_eq!(server.log()[1], posted[3]);
    assert!(machine.kept()["pending"].is_null());
    machine.done(&["rotate"]).says(0, "3-Qm");
}

#[test]
fn what_was_begun_long_ago_is_dropped_when_the_log_went_on() {
    let server = Registrar::start();
    let machine = begun(&server);
    let begun = entry(&server.log()[0])["versionTime"].as_str().unwrap().to_owned();
    copy(&machine.path("namesake-identity"), &machine.path("copy"));
    server.fail(&[Fault::LostRequest]);
    machine.identity(&["set-handle", "--handle", "alicia"]).says(3, "gives no answer");
    machine.done(&["set-handle", "--handle", "alison", "--dir", "copy"]);
    server.fail(&[too_old(&begun)]);
    machine.identity(&["rotate"]).says(1, "went on without this folder");
    assert_eq!(server.log().len(), 2);
}

#[test]
fn a_new_account_that_was_begun_long_ago_is_made_with_the_same_keys() {
    let (server, machine) = (Registrar::start(), Machine::new());
    fs::write(machine.path("passphrase"), "correct horse\n").unwrap();
    let sealed = ["--passphrase-file", "passphrase"];
    server.fail(&[Fault::LostRequest, too_old("2026-01-01T00:00:00Z"), too_old("2026-01-01T00:00:00Z")]);
    let new =
        ["new", "--yes", "--server", &server.url, "--handle", "alice", "--recovery-key-out", "recovery.key"];
    machine.identity(&[&new[..], &sealed].concat()).says(3, "is not known");
    let (did, account) = (machine.kept()["did"].clone(), machine.kept()["account"].clone());
    machine.identity(&["show"]).says(2, "--passphrase-file");
    assert!(machine.kept()["pending"]["founding"].as_bool().unwrap(), "nothing is lost");
    machine.done(&[&["show"][..], &sealed].concat()).says(0, "@alice.handles.test");
    assert_ne!(machine.kept()["did"], did, "its identifier is the hash of its first entry");
    assert_eq!(machine.kept()["account"], account);
    assert_eq!(entry(&server.log()[0])["versionTime"], "2026-01-01T00:00:00Z");
    machine.done(&[&["rotate"][..], &sealed].concat()).says(0, "2-Qm");
    machine.done(&["deactivate", "--recovery-key-file", "recovery.key", "--yes"]).says(0, "closed");
}

/// What the recovery key signed, the folder cannot sign; the same command does it anew.
#[test]
fn a_closing_that_was_begun_long_ago_is_begun_anew() {
    let server = Registrar::start();
    let machine = begun(&server);
    let begun = entry(&server.log()[0])["versionTime"].as_str().unwrap().to_owned();
    let close = ["deactivate", "--recovery-key-file", "recovery.key", "--yes"];
    server.fail(&[Fault::LostRequest, too_old(&begun), too_old(&begun)]);
    machine.identity(&close).says(3, "gives no answer");
    machine.done(&["show"]).says(0, "it is too old by now");
    assert_eq!((server.log().len(), machine.kept()["pending"].is_null()), (1, true));
    let closed = machine.done(&close);
    closed.says(0, "closed");
    assert_eq!(server.log().len(), 3);
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

    let state = json!({ "id": "did:webvh:{SCID}:u.handles.test" });
    let (key, at) = (SecretKey::from_seed(&[1; 32]), "9000-01-01T00:00:00Z".parse().unwrap());
    let to_come = genesis(&Genesis { state, key: &key, next: Vec::new(), portable: false, at }).unwrap();
    let to_come = to_come.line().to_owned();
    // As editors and copying leave a file; but a log goes on after an empty line in its middle for nobody.
    for frills in
        [format!("\u{feff}{log}"), format!("{log}\n"), format!("{log}\r\n\r\n"), log.trim_end().to_owned()]
    {
        fs::write(machine.path("did.jsonl"), frills).unwrap();
        assert_eq!(machine.done(&["verify", "did.jsonl"]).out, verified.out);
    }
    for (text, why) in [
        (log.replacen('\n', "\n\n", 1), "entry 2"),
        (log.replacen('\n', "\n\u{feff}", 1), "entry 2"),
        ("\u{feff}\n".to_owned(), "(line)"),
        (log.replacen("alicia", "malice", 1), "entry 2: the hash in versionId"),
        (log.replacen("alice", "malle", 1), "(scid-hash)"),
        (to_come, "is this machine's clock right?"),
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

/// Text that steers a terminal, or hides in one: of ASCII, of Latin-1, marks of direction and of no width.
const HOSTILE: &str =
    "a\u{1b}[2J\u{7f}\u{85}\u{9b}31m\u{200b}\u{200e}\u{202e}\u{2066}\u{2060}\u{feff}\u{e0041}z";

fn assert_harmless(typed: &Typed) {
    let visible = |c: char| c == '\n' || (!c.is_control() && !('\u{80}'..='\u{e0fff}').contains(&c));
    for text in [&typed.out, &typed.err] {
        assert!(text.chars().all(visible), "{typed:?}");
    }
}

#[test]
fn nothing_that_a_server_says_steers_a_terminal() {
    let server = Registrar::start();
    let machine = begun(&server);
    let quoted = serde_json::to_string(HOSTILE).unwrap();
    for status in [400, 404, 409, 422, 429, 503] {
        server.go_down(
            status,
            &format!(r#"{{"type":"/problems/x","title":{quoted},"status":{status},"detail":{quoted},"rule":{quoted}}}"#),
        );
        for command in
            [&["rotate"][..], &["log"], &["profile", "--display-name", "x"], &["set-handle", "--none"]]
        {
            let typed = machine.identity(command);
            assert!(typed.code != 0 && typed.err.contains("\\u{9b}31m"), "{status}: {typed:?}");
            assert_harmless(&typed);
        }
        for command in [&["resolve", "alice"][..], &["explain", "alice"]] {
            let output = machine.command(&[command, &["--server", &server.url]].concat()).output().unwrap();
            assert_harmless(&Typed::of(&output));
            let output =
                machine.command(&[command, &["--json", "--server", &server.url]].concat()).output().unwrap();
            let typed = Typed::of(&output);
            assert_harmless(&typed);
            assert_eq!(typed.json()["detail"], HOSTILE);
        }
    }
    let resolution = format!(
        r#"{{"handle":{quoted},"account":{quoted},"scheme":{quoted},"profile":{{"displayName":{quoted},"description":{quoted},
            "avatar":{quoted},"url":{quoted},"display":"current"}}}}"#
    );
    server.go_down(200, &resolution);
    for json in [false, true] {
        let mut command = machine.command(&["resolve", "alice", "--server", &server.url]);
        let typed = Typed::of(&command.args(json.then_some("--json")).output().unwrap());
        assert_eq!(typed.code, 0, "{typed:?}");
        assert_harmless(&typed);
        if json {
            assert_eq!(typed.json()["profile"]["displayName"], HOSTILE);
        }
    }
}

/// A document may say anything, so that a log that holds may, too. It holds as it is printed.
#[test]
fn nothing_that_a_log_says_steers_a_terminal() {
    let (server, machine) = (Registrar::start(), Machine::new());
    let state = json!({
        "id": "did:webvh:{SCID}:u.handles.test",
        "alsoKnownAs": ["at://alice.handles.test"],
        HOSTILE: [HOSTILE],
    });
    let key = SecretKey::from_seed(&[1; 32]);
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    let entry = genesis(&Genesis { state, key: &key, next: Vec::new(), portable: false, at }).unwrap();
    let did = entry.state["id"].as_str().unwrap();
    server.set_log(&[entry.line().to_owned()]);
    let printed = machine.done(&["log", did, "--server", &server.url]);
    assert_harmless(&printed);
    let read: Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!(read["state"][HOSTILE][0], HOSTILE);
    fs::write(machine.path("did.jsonl"), &printed.out).unwrap();
    let verified = machine.done(&["verify", "did.jsonl"]);
    assert_harmless(&verified);
    verified.says(0, &entry.version.to_string());
    assert_harmless(&machine.done(&["verify", "did.jsonl", "--json"]));
}
