//! An account's whole life against the real service.

use std::fs;

use serde_json::Value;

use crate::{
    service::{Dns, Service},
    support::{Machine, Typed, copy},
};

/// What the service says of a name or an account.
fn resolve(machine: &Machine, service: &Service, what: &str) -> Value {
    let output = machine.command(&["resolve", what, "--server", &service.url, "--json"]).output().unwrap();
    Typed::of(&output).json()
}

#[test]
fn an_account_of_ones_own() {
    let dns = Dns::start();
    let service = Service::start(&dns);
    let machine = dns.asked_by(Machine::new());

    let new =
        ["new", "--yes", "--server", &service.url, "--handle", "alice", "--recovery-key-out", "recovery.key"];
    machine.done(&new).says(0, "@alice.handles.test");
    let account = machine.kept()["account"].as_str().unwrap().to_owned();
    assert_eq!(resolve(&machine, &service, "@alice.handles.test")["account"], account.as_str());

    let other = dns.asked_by(Machine::new());
    other.identity(&new).says(1, "Somebody else holds");
    assert!(!other.path("namesake-identity/identity.json").exists());
    other
        .identity(&["new", "--yes", "--server", &service.url, "--handle", "alice.art"])
        .says(2, "set-handle");

    machine.identity(&["set-handle", "--handle", "admin"]).says(1, "This name is reserved");
    for international in ["bücher", "аdmin", "xn--bcher-kva"] {
        machine.identity(&["set-handle", "--handle", international]).says(1, "(international)");
        other
            .identity(&["new", "--yes", "--server", &service.url, "--handle", international])
            .says(1, "(international)");
    }
    machine.done(&["set-handle", "--handle", "alicia"]).says(0, "@alicia.handles.test");
    assert_eq!(resolve(&machine, &service, "alice.handles.test")["type"], "/problems/handle-released");
    assert_eq!(resolve(&machine, &service, "alicia.handles.test")["account"], account.as_str());

    machine.done(&["profile", "--display-name", "Alicia", "--description", "paints"]);
    machine.done(&["profile", "--description", ""]);
    let profile = &resolve(&machine, &service, "alicia.handles.test")["profile"];
    assert_eq!((&profile["displayName"], &profile["description"]), (&"Alicia".into(), &Value::Null));

    machine.done(&["rotate"]).says(0, "3-Qm");
    let log = machine.done(&["log"]).out;
    let verified = machine.piped(&["identity", "verify", "-"], &log);
    verified.says(0, "3-Qm");
    assert_eq!(verified.out.lines().next(), machine.kept()["head"]["version"].as_str());
    let tampered = log.replacen("alicia", "malice", 1);
    machine.piped(&["identity", "verify", "-"], &tampered).says(1, "entry 2");

    close_after_a_theft(&machine, &service, &account);
}

fn close_after_a_theft(machine: &Machine, service: &Service, account: &str) {
    copy(&machine.path("namesake-identity"), &machine.path("stolen"));
    machine.done(&["set-handle", "--handle", "mallory", "--dir", "stolen"]);
    let recovery = ["--recovery-key-file", "recovery.key"];
    let recovered = machine.done(&[&["rotate"], &recovery[..], &["--recovery-key-out", "new.key"]].concat());
    recovered.says(0, "@mallory.handles.test");
    machine.identity(&["set-handle", "--handle", "mallet", "--dir", "stolen"]).says(1, "went on without");
    machine.identity(&["set-handle", "--handle", "mallet", "--dir", "stolen"]).says(1, "do not control");
    machine.done(&["set-handle", "--handle", "alicia"]);
    assert_eq!(resolve(machine, service, "alicia.handles.test")["account"], account);

    machine.identity(&[&["deactivate", "--yes"], &recovery[..]].concat()).says(2, "not the recovery key");
    machine.done(&["deactivate", "--yes", "--recovery-key-file", "new.key"]).says(0, "closed");
    assert_eq!(resolve(machine, service, account)["status"], 410);
    machine.done(&["show"]).says(0, "closed");
    machine.identity(&["rotate"]).says(1, "was closed");
}

#[test]
fn a_domain_of_ones_own_is_claimed_once_it_proves_the_account() {
    let dns = Dns::start();
    let service = Service::start(&dns);
    let machine = dns.asked_by(Machine::new());
    machine.done(&["new", "--yes", "--server", &service.url]).says(0, "(none)");
    let account = machine.kept()["account"].as_str().unwrap().to_owned();

    let own = ["set-handle", "--handle", "alice.own.test"];
    let said = machine.identity(&own);
    for part in ["_atproto.alice.own.test", &format!("did={account}"), "proves no account yet"] {
        said.says(1, part);
    }
    said.says(1, "https://alice.own.test/.well-known/atproto-did");
    let json = machine.identity(&[&own[..], &["--json"]].concat());
    assert_eq!((json.code, &json.json()["txt"]["host"]), (1, &"_atproto.alice".into()));

    dns.publish("_atproto.alice.own.test", "did=did:web:somebody.else.test");
    machine.identity(&own).says(1, "proves another account");
    let nobody = Machine::new().with("NAMESAKE_DNS__NAMESERVERS", "[\"127.0.0.1:1\"]");
    let deaf = nobody.with("NAMESAKE_ATPROTO__ALLOW_TEST_TLD", "true");
    copy(&machine.path("namesake-identity"), &deaf.path("namesake-identity"));
    deaf.identity(&own).says(3, "nothing was posted");
    assert!(machine.kept()["pending"].is_null());
    assert_eq!(machine.done(&["log"]).out.lines().count(), 1, "nothing was posted");

    dns.publish("_atproto.alice.own.test", &format!("did={account}"));
    machine.done(&[&own[..], &["--wait", "1"]].concat()).says(0, "@alice.own.test");
    assert_eq!(resolve(&machine, &service, "alice.own.test")["account"], account.as_str());
    machine.done(&["set-handle", "--handle", "bob.own.test", "--force"]).says(0, "@bob.own.test");
    assert_eq!(resolve(&machine, &service, "bob.own.test")["status"], 404);
    machine.done(&["set-handle", "--none"]).says(0, "(none)");
    machine.identity(&["set-handle", "--handle", "alice.onion"]).says(2, "nobody can hold");
}

#[test]
fn a_server_without_accounts_says_so() {
    let service = Service::without_accounts();
    let machine = Machine::new();
    machine.identity(&["new", "--yes", "--server", &service.url]).says(1, "has no accounts of its own");
    assert_eq!(fs::read_dir(machine.folder.path()).unwrap().count(), 0);
    machine.identity(&["new", "--yes", "--server", "http://127.0.0.1:1"]).says(3, "gives no answer");
}
