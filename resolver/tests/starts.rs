//! What a start of the service needs, and what it refuses: the program, its store, and what belongs to it.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Lines},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, ChildStderr, Command, Stdio},
};

use namesake::{
    http::{Call, HttpClient, HttpSettings},
    store::{Commit, Key, SledOptions, SledStore, Store as _},
};
use serde_json::{Value, json};
use tempfile::TempDir;

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
[store]
url = "sled:store"
[independent]
handle_domains = ["example.com"]
id_domain = "id.example.com"
[mirror.threads]
kind = "threads"
authorize_url = "http://127.0.0.1:9/authorize"
api_url = "http://127.0.0.1:9/"
client_id = "1"
client_secret_file = "secret"
token_key_file = "keys"
"#;

/// The service, running; killed when the test ends before it does.
struct Running {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Tells it to stop, and waits until it has.
    fn stop(mut self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        while self.log.next().is_some() {}
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

/// The service in this folder, once it says that it is ready; or its exit code, and what it said.
fn start(folder: &Path) -> Result<Running, (i32, String)> {
    start_with(folder, &[])
}

fn start_with(folder: &Path, environment: &[(&str, &Path)]) -> Result<Running, (i32, String)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_namesake"));
    command.env_clear().envs(environment.iter().copied()).current_dir(folder);
    command.args(["serve"]).stdin(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = String::new();
    for line in log.by_ref() {
        let line = line.unwrap();
        if let Some((_, rest)) = line.split_once("server.address=") {
            let address = rest.split(' ').next().unwrap().to_owned();
            return Ok(Running { child, log, address });
        }
        said += &format!("{line}\n");
    }
    Err((child.wait().unwrap().code().unwrap(), said))
}

fn secret(path: &Path, text: &str, mode: u32) {
    let _ = fs::remove_file(path);
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn store(folder: &Path) -> SledStore {
    SledStore::open(SledOptions::at(folder.join("store"))).unwrap()
}

/// A folder in which the service ran, and in whose store somebody lives and somebody is mirrored.
async fn inhabited() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("namesake.toml"), CONFIG).unwrap();
    secret(&folder.path().join("secret"), "hush", 0o640);
    let service = start(folder.path()).unwrap_or_else(|failed| panic!("{failed:?}"));
    service.stop();
    let store = store(folder.path());
    let row = async |name: &str| -> Value {
        serde_json::from_slice(&store.read(&Key::new(name).unwrap()).await.unwrap().unwrap().value).unwrap()
    };
    let key = row("mirror/threads/keyring").await["keys"][0].clone();
    let mut foreign = row("owner").await["mirrors"]["threads"].clone();
    foreign["id"] = json!("23");
    let sealed = json!({ "key": key, "nonce": "", "text": "" });
    let token = json!({ "sealed": sealed, "refreshAt": null, "revivable": false });
    for (key, value) in [
        ("independent/account/did:web:ua.id.example.com", json!({})),
        (
            "independent/handle/alice.example.com",
            json!({ "state": "held", "account": "did:web:ua.id.example.com" }),
        ),
        ("mirror/threads/account/threads:0", json!({ "foreign": foreign, "token": token })),
    ] {
        let commit = Commit::new().put(Key::new(key).unwrap(), value.to_string().into_bytes());
        store.commit(commit).await.unwrap();
    }
    drop(store);
    folder
}

fn copy(folder: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    let copied = Command::new("cp").arg("-a").arg(folder.join(".")).arg(copy.path()).status().unwrap();
    assert!(copied.success());
    copy
}

/// Writes the configuration anew, with this in the place of that.
fn configure(folder: &Path, changes: &[(&str, &str)]) {
    let changed = changes.iter().fold(CONFIG.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    fs::write(folder.join("namesake.toml"), changed).unwrap();
}

/// A change of the folder, and what is said about it.
type Case = (&'static str, fn(&Path), &'static [&'static str]);

const REFUSED: &[Case] = &[
    ("no key file", |at| fs::remove_file(at.join("keys")).unwrap(), &["keys", "is not there"]),
    ("an empty key file", |at| secret(&at.join("keys"), "", 0o600), &["keys", "put back"]),
    (
        "another store's key file",
        |at| secret(&at.join("keys"), &("A".repeat(43) + "=\n"), 0o600),
        &["keys", "tokens of 1", "mirror.reseal.done"],
    ),
    (
        "a key file that everybody may write",
        |at| fs::set_permissions(at.join("keys"), fs::Permissions::from_mode(0o666)).unwrap(),
        &["keys", "0666", "0600"],
    ),
    ("a secret that everybody may read", |at| secret(&at.join("secret"), "hush", 0o644), &["secret", "0644"]),
    (
        "another domain of identifiers",
        |at| configure(at, &[("\"id.example.com\"", "\"id.example.net\"")]),
        &["independent.id_domain", "store.abandon = [\"id.example.com\"]"],
    ),
    (
        "a domain of handles less",
        |at| configure(at, &[("[\"example.com\"]", "[\"example.org\"]")]),
        &["independent.handle_domains", "store.abandon = [\"example.com\"]"],
    ),
    (
        "a mirror of another name",
        |at| configure(at, &[("[mirror.threads]", "[mirror.meta]")]),
        &["mirror.threads", "store.abandon = [\"mirror.threads\"]"],
    ),
    (
        "another client of the upstream",
        |at| configure(at, &[("client_id = \"1\"", "client_id = \"2\"")]),
        &["store.abandon = [\"mirror.threads\"]"],
    ),
    (
        "another upstream",
        |at| configure(at, &[("api_url = \"http://127.0.0.1:9/\"", "api_url = \"http://127.0.0.1:10/\"")]),
        &["store.abandon = [\"mirror.threads\"]"],
    ),
    (
        "nobody served at all",
        |at| fs::write(at.join("namesake.toml"), &CONFIG[..CONFIG.find("[independent]").unwrap()]).unwrap(),
        &["store.abandon = [\"example.com\", \"id.example.com\", \"mirror.threads\"]"],
    ),
    (
        "a log that was cut",
        |at| {
            let log = fs::File::options().write(true).open(at.join("store/db")).unwrap();
            log.set_len(log.metadata().unwrap().len() / 2).unwrap();
        },
        &["/store is damaged", "backup"],
    ),
    (
        "a log that is gone",
        |at| fs::remove_file(at.join("store/db")).unwrap(),
        &["/store is damaged", "backup"],
    ),
    (
        "a folder that is a file",
        |at| {
            fs::remove_dir_all(at.join("store")).unwrap();
            fs::write(at.join("store"), "").unwrap();
        },
        &["store"],
    ),
];

#[tokio::test]
async fn a_start_that_would_lose_somebody_is_refused_in_a_sentence_and_changes_nothing() {
    let folder = inhabited().await;
    for (case, change, said) in REFUSED {
        let copy = copy(folder.path());
        change(copy.path());
        let keys = fs::read(copy.path().join("keys")).ok();
        for _ in 0..2 {
            let Err((code, text)) = start(copy.path()) else { panic!("{case}: it started") };
            assert!(code != 0 && code != 101, "{case}: {code}");
            for part in *said {
                assert!(text.contains(part), "{case}: no {part} in {text}");
            }
            assert!(!text.contains("panicked") && !text.contains("backtrace"), "{case}: {text}");
        }
        assert_eq!(fs::read(copy.path().join("keys")).ok(), keys, "{case}: the key file");
    }
    start(folder.path()).unwrap_or_else(|failed| panic!("{failed:?}")).stop();
}

#[tokio::test]
async fn a_start_that_adds_or_says_whom_it_lets_go_of_is_fine() {
    let folder = inhabited().await;
    let staff = "[mirror.staff]\nkind = \"oidc\"\nissuer = \"http://127.0.0.1:9\"\nclient_id = \"3\"\nclient_secret = \"x\"\n[mirror.threads]";
    let abandon = "[store]\nabandon = [\"example.com\", \"id.example.com\", \"mirror.threads\"]";
    for changes in [
        &[("[\"example.com\"]", "[\"example.com\", \"example.org\"]"), ("[mirror.threads]", staff)][..],
        &[
            ("[\"example.com\"]", "[\"example.net\"]"),
            ("\"id.example.com\"", "\"id.example.net\""),
            ("[mirror.threads]", "[mirror.meta]"),
            ("[store]", abandon),
        ],
    ] {
        let copy = copy(folder.path());
        configure(copy.path(), changes);
        start(copy.path()).unwrap_or_else(|failed| panic!("{failed:?}")).stop();
    }
}

#[tokio::test]
async fn what_the_service_writes_is_nobody_elses_business() {
    let folder = inhabited().await;
    let running = start(folder.path()).unwrap_or_else(|failed| panic!("{failed:?}"));
    let http = HttpClient::configured(&HttpSettings::default()).unwrap();
    let ready =
        http.send(Call::get(format!("http://{}/readyz", running.address).parse().unwrap())).await.unwrap();
    assert_eq!(ready.status, 200, "once it says so");
    running.stop();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder.path().join("store")), mode(&folder.path().join("keys"))), (0o700, 0o600));
    for file in fs::read_dir(folder.path().join("store")).unwrap().map(|file| file.unwrap().path()) {
        assert_eq!(mode(&file) & 0o077, 0, "{}", file.display());
    }
}

/// The disk fails, and goes on failing while the store is opened again: the process says why it ends, and ends.
#[tokio::test]
async fn a_store_that_has_ended_ends_the_service_with_its_reason() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let (library, trouble) = (folder.join("power_cut.so"), folder.join("trouble"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/power-cut/power_cut.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O2", "-pthread", "-o"]).arg(&library).arg(source);
    assert!(compiler.status().unwrap().success(), "Rust links with the same");
    fs::write(folder.join("namesake.toml"), &CONFIG[..CONFIG.find("[mirror").unwrap()]).unwrap();
    let disk = [
        ("LD_PRELOAD", library.as_path()),
        ("POWER_CUT_DIR", folder.as_path()),
        ("POWER_CUT_MODE", Path::new("full")),
        ("POWER_CUT_AFTER", Path::new("1")),
        ("POWER_CUT_WHEN", &trouble),
    ];
    let mut service = start_with(&folder, &disk).unwrap_or_else(|failed| panic!("{failed:?}"));
    let register = |name: &str| {
        let server = format!("http://{}", service.address);
        let handle = format!("{name}.example.com");
        let mut command = Command::new(env!("CARGO_BIN_EXE_namesake"));
        command.env_clear().current_dir(&folder).args(["identity", "new", "--yes", "--server", &server]);
        command.args(["--handle", &handle, "--dir", name, "--recovery-key-out", &format!("{name}.key")]);
        command.output().unwrap()
    };
    let made = register("alice");
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    fs::write(&trouble, "").unwrap();
    let refused = register("bob");
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    let said: String = service.log.by_ref().map(|line| line.unwrap() + "\n").collect();
    assert_eq!(service.child.wait().unwrap().code(), Some(3), "{said}");
    for part in
        ["store.failed", "store.ended", "namesake: the store ended, and the service with it", "No space left"]
    {
        assert!(said.contains(part), "no {part} in {said}");
    }
    assert!(!said.contains("panicked"), "{said}");

    fs::remove_file(&trouble).unwrap();
    start(&folder).unwrap_or_else(|failed| panic!("{failed:?}")).stop();
    let account = fs::read_to_string(folder.join("alice/identity.json")).unwrap();
    let account: Value = serde_json::from_str(&account).unwrap();
    let key = Key::new(format!("independent/account/{}", account["account"].as_str().unwrap())).unwrap();
    assert!(store(&folder).read(&key).await.unwrap().is_some(), "what was acknowledged is there");
}
