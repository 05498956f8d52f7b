//! What is kept on the holder's machine, and how.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::{registrar::Registrar, support::Machine};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_keys_are_for_their_owner_alone_and_never_overwritten() {
    let (server, machine) = (Registrar::start(), Machine::new());
    let made = machine.done(&["new", "--yes", "--server", &server.url, "--handle", "alice"]);
    made.says(0, "@alice.handles.test");
    made.says(0, "public for good");
    let recovery = made.out.split_whitespace().find(|word| word.starts_with("z3u2")).unwrap();
    assert_eq!(mode(&machine.path("namesake-identity")), 0o700);
    assert_eq!(mode(&machine.path("namesake-identity/identity.json")), 0o600);
    let kept = fs::read_to_string(machine.path("namesake-identity/identity.json")).unwrap();
    assert!(!kept.contains(recovery), "the recovery key is shown, and not kept");
    assert_eq!(
        fs::read_dir(machine.path("namesake-identity")).unwrap().count(),
        1,
        "nothing is left beside it"
    );

    machine.identity(&["new", "--yes", "--server", &server.url]).says(2, "never overwritten");
    assert_eq!(fs::read_to_string(machine.path("namesake-identity/identity.json")).unwrap(), kept);
    assert_eq!(server.log().len(), 1);
}

/// A script that pipes something into the program cannot be asked, and did not say that it wants a public log.
#[test]
fn what_is_for_good_is_not_done_unless_somebody_wants_it() {
    let (server, machine) = (Registrar::start(), Machine::new());
    for more in [&[][..], &["--json", "--recovery-key-out", "recovery.key"], &["--handle", "alice"]] {
        let typed = machine.identity(&[&["new", "--server", &server.url], more].concat());
        typed.says(2, "--yes");
        assert_eq!(typed.out, "");
    }
    let piped = machine.piped(&["identity", "new", "--server", &server.url, "--passphrase-file", "-"], "y\n");
    piped.says(2, "--yes");
    assert_eq!(server.asked(), 0);
    assert_eq!(fs::read_dir(machine.folder.path()).unwrap().count(), 0, "nothing is made");

    machine.done(&["new", "--yes", "--server", &server.url, "--recovery-key-out", "recovery.key"]);
    let asked = server.asked();
    machine.identity(&["deactivate", "--recovery-key-file", "recovery.key"]).says(2, "--yes");
    assert_eq!(server.asked(), asked);
}

#[test]
fn a_recovery_key_goes_to_a_new_file() {
    let (server, machine) = (Registrar::start(), Machine::new());
    let new = ["new", "--yes", "--server", &server.url, "--recovery-key-out", "recovery.key", "--json"];
    fs::write(machine.path("recovery.key"), "mine").unwrap();
    machine.identity(&new).says(3, "recovery.key");
    assert_eq!(fs::read_to_string(machine.path("recovery.key")).unwrap(), "mine");
    assert!(server.posted().is_empty());

    fs::remove_file(machine.path("recovery.key")).unwrap();
    let made = machine.done(&new);
    assert!(made.json()["account"].as_str().unwrap().starts_with("did:web:u"), "{made:?}");
    assert!(!made.out.contains("z3u2") && !made.err.contains("z3u2"));
    assert_eq!(mode(&machine.path("recovery.key")), 0o600);
    assert!(fs::read_to_string(machine.path("recovery.key")).unwrap().starts_with("z3u2"));
    machine.identity(&["new", "--yes", "--server", &server.url, "--json"]).says(2, "--recovery-key-out");
}

#[test]
fn keys_under_a_passphrase_sign_nothing_without_it() {
    let (server, machine) = (Registrar::start(), Machine::new());
    fs::write(machine.path("passphrase"), "correct horse\n").unwrap();
    fs::write(machine.path("wrong"), "incorrect horse\n").unwrap();
    fs::write(machine.path("empty"), "\n").unwrap();
    let sealed = |arguments: &[&str], file: &str| {
        machine.identity(&[arguments, &["--passphrase-file", file]].concat())
    };
    sealed(&["new", "--yes", "--server", &server.url], "empty").says(2, "no passphrase");
    sealed(&["new", "--yes", "--server", &server.url], "passphrase").says(0, "did:web:u");
    assert!(machine.kept()["keys"]["seed"]["sealed"]["argon2id"].is_object());
    machine.identity(&["rotate"]).says(2, "--passphrase-file");
    sealed(&["rotate"], "wrong").says(2, "does not open");
    assert_eq!(server.log().len(), 1);
    sealed(&["rotate"], "passphrase").says(0, "2-Qm");
    machine.done(&["show"]).says(0, "sealed");
}

#[test]
fn what_is_no_identity_is_said_so() {
    let machine = Machine::new();
    for arguments in [
        &["show"][..],
        &["rotate"],
        &["set-handle", "--handle", "alice"],
        &["set-handle"],
        &["set-handle", "--handle", "a", "--none"],
        &["log"],
        &["deactivate", "--recovery-key-file", "none"],
        &["new", "--yes", "--server", "ftp://x"],
        &["rotate", "--did", "did:web:x.example"],
    ] {
        let typed = machine.identity(arguments);
        assert_eq!(typed.code, 2, "{arguments:?}: {typed:?}");
    }
    fs::create_dir(machine.path("namesake-identity")).unwrap();
    fs::write(machine.path("namesake-identity/identity.json"), "{").unwrap();
    machine.identity(&["show"]).says(2, "cannot be read");
    machine.identity(&["new", "--yes", "--server", "http://127.0.0.1:1"]).says(2, "never overwritten");
}
