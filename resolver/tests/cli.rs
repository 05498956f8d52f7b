//! The program as somebody at a terminal meets it: what it prints, and its exit code.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use namesake::http::{Call, HttpClient, HttpSettings};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The program in a directory and an environment of its own: no configuration of ours leaks in.
fn namesake(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_namesake"));
    command.env_clear().current_dir(directory).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    namesake(TempDir::new().unwrap().path()).args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn resolve_says_who_it_is_and_how_it_is_known() {
    let found = run(&["resolve", "@Alice.Demo.Test"]);
    let shown = out(&found);
    assert_eq!((code(&found), err(&found).as_str()), (0, ""), "{shown}");
    for part in
        ["@alice.demo.test", "did:plc:alice7demo7777777777777a", "independent", "dns-txt", "Alice Lindqvist"]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn exit_codes_tell_a_no_from_a_mistake_and_from_a_failure() {
    for (expected, arguments) in [
        (1, &["resolve", "nobody.demo.test"][..]),
        (1, &["resolve", "broken.demo.test"]),
        (1, &["explain", "nobody.demo.test"]),
        (2, &["resolve", "bad handle"]),
        (2, &["resolve", ""]),
        (2, &["resolve", "%zz/.demo.test"]),
        (2, &["resolve", "did:plc"]),
        (2, &["resolve", "did:PLC:alice7demo7777777777777a"]),
        (2, &["explain", "bad handle"]),
        (2, &["resolve", "alice.demo.test", "--scheme", "No Such"]),
        (2, &["resolve"]),
        (2, &["resolve", "alice.demo.test", "--nope"]),
        (2, &["nope"]),
        (3, &["resolve", "alice.demo.test", "--server", "http://127.0.0.1:1"]),
        (3, &["explain", "alice.demo.test", "--server", "http://127.0.0.1:1"]),
    ] {
        let output = run(arguments);
        assert_eq!(code(&output), expected, "{arguments:?}: {output:?}");
        assert!(!(output.stdout.is_empty() && output.stderr.is_empty()), "{arguments:?} says nothing");
    }
}

#[test]
fn explain_says_what_to_change() {
    let explained = run(&["explain", "broken.demo.test"]);
    let shown = out(&explained);
    assert_eq!(code(&explained), 1, "{shown}");
    let parts = shown.split_once("what to change").and_then(|(_, rest)| rest.split_once("how we know"));
    let (change, _) = parts.unwrap_or_else(|| panic!("{shown}"));
    for part in [
        "_atproto.broken.demo.test.",
        "did:plc:broken7demo7777777777777",
        "brook.demo.test",
        "at://broken.demo.test",
    ] {
        assert!(change.contains(part), "{part}: {shown}");
    }
}

#[test]
fn json_is_for_programs_also_when_it_says_no() {
    let json = |arguments: &[&str]| -> Value { serde_json::from_slice(&run(arguments).stdout).unwrap() };
    assert_eq!(json(&["resolve", "--json", "alice.demo.test"])["handle"], "alice.demo.test");
    assert_eq!(json(&["resolve", "--json", "nobody.demo.test"])["status"], 404);
    assert_eq!(json(&["resolve", "--json", "bad handle"])["type"], "/problems/invalid-handle");
    let explained = json(&["explain", "--json", "broken.demo.test"]);
    assert!(explained["advice"].as_array().is_some_and(|advice| !advice.is_empty()), "{explained}");
}

#[test]
fn config_check_names_what_it_does_not_know() {
    for (file, variable, named) in [
        ("[server]\nlisten_on = \"127.0.0.1:0\"\n", None, "listen_on"),
        ("[sever]\n", None, "sever"),
        ("[server]\nlisten = 1\n", None, "listen"),
        ("[server\n", None, "namesake.toml"),
        ("", Some("NAMESAKE_SERVER__LISTEN_ON"), "listen_on"),
    ] {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("namesake.toml"), file).unwrap();
        let mut command = namesake(directory.path());
        command.args(["config", "check"]);
        if let Some(variable) = variable {
            command.env(variable, "127.0.0.1:0");
        }
        let checked = command.output().unwrap();
        assert_eq!(code(&checked), 2, "{file}: {checked:?}");
        assert!(err(&checked).to_lowercase().contains(named), "{named}: {}", err(&checked));
    }
    assert_eq!(code(&run(&["config", "check"])), 0);
    assert_eq!(code(&run(&["config", "check", "--config", "none.toml"])), 2);
}

/// A service that lies: what it sends is escaped, whatever it is.
#[test]
fn a_terminal_is_not_driven_by_an_answer() {
    let hostile = "x\\u001b[2J\\u202e\\u0007\\u009b31m";
    let resolution = format!(
        r#"{{"handle":"{hostile}","account":"{hostile}","scheme":"{hostile}","proof":{{"method":"{hostile}","checkedAt":"2026-01-05T09:00:00Z","provisional":false}},"profile":{{"displayName":"{hostile}","description":"{hostile}","avatar":"{hostile}","url":"{hostile}","display":"current"}}}}"#
    );
    let problem = format!(
        r#"{{"type":"{hostile}","title":"{hostile}","status":404,"detail":"{hostile}","otherSchemes":["{hostile}"]}}"#
    );
    let step = format!(
        r#"{{"source":"{hostile}","asked":"{hostile}","outcome":"found","detail":"{hostile}","atMs":1}}"#
    );
    let advice = format!(
        r#"{{"text":"{hostile}","record":{{"kind":"{hostile}","name":"{hostile}","value":"{hostile}"}}}}"#
    );
    let explanation = format!(
        r#"{{"handle":"{hostile}","scheme":null,"verdict":"{hostile}","resolution":{resolution},"problem":null,"steps":[{step}],"advice":[{advice}],"remembered":null,"tookMs":1}}"#
    );
    for (command, status, body, expected) in [
        ("resolve", "200 OK", &resolution, 0),
        ("resolve", "404 Not Found", &problem, 1),
        ("explain", "200 OK", &explanation, 0),
        ("resolve", "200 OK", &"\u{1b}[2J no json".to_owned(), 3),
        ("resolve", "418 \u{1b}[2J", &"no problem".to_owned(), 3),
    ] {
        let liar = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("http://{}", liar.local_addr().unwrap());
        let reply = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let serving = thread::spawn(move || {
            let (mut stream, _) = liar.accept().unwrap();
            let mut request = [0; 4096];
            assert_ne!(stream.read(&mut request).unwrap(), 0);
            stream.write_all(reply.as_bytes()).unwrap();
        });
        let output = run(&[command, "alice", "--server", &server]);
        serving.join().unwrap();
        assert_eq!(code(&output), expected, "{output:?}");
        let shown = out(&output) + &err(&output);
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{7}', '\u{9b}']), "{shown:?}");
        assert!(expected == 3 || shown.contains("\\u{1b}[2J\\u{202e}"), "{shown:?}");
    }
}

/// The program, running; killed when the test ends before it does.
struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Tells it to stop, and waits until it has.
    fn stop(mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.0.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_demo_prints_lines_that_work_and_ends_when_told() {
    let directory = TempDir::new().unwrap();
    let mut command = namesake(directory.path());
    command.arg("demo").env("NAMESAKE_SERVER__LISTEN", "127.0.0.1:0").stdout(Stdio::piped());
    let mut demo = Running(command.spawn().unwrap());
    let mut lines = Vec::new();
    for line in BufReader::new(demo.0.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let last = line.starts_with("Ctrl-C");
        lines.push(line);
        if last {
            break;
        }
    }
    let value = |name: &str| {
        let line = lines.iter().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {lines:#?}")).to_owned()
    };
    let (service, compare) = (value("service: "), value("compare: "));
    assert!(value("sandbox: ").starts_with("http://127.0.0.1:"), "{lines:#?}");
    assert_eq!(compare, format!("{service}/compare"));

    let curls: Vec<&str> = lines.iter().filter_map(|line| line.trim().strip_prefix("curl ")).collect();
    assert!(curls.len() >= 8, "{lines:#?}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let http = HttpClient::configured(&HttpSettings::default()).unwrap();
        for line in curls {
            perform(&http, line).await;
        }
        let page = http.send(Call::get(compare.parse().unwrap()).cap(1 << 20)).await.unwrap();
        let page = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(page.contains("<h1>The policies side by side</h1>"), "{page}");
    });

    demo.stop();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "it leaves nothing");
}

const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";

/// The service in this directory, once it is ready; its address, and what it has logged so far.
fn serve(directory: &Path, plc_url: &str) -> (Running, String, String) {
    let mut command = namesake(directory);
    command.arg("serve").stderr(Stdio::piped());
    for (key, value) in [
        ("NAMESAKE_SERVER__LISTEN", "127.0.0.1:0"),
        ("NAMESAKE_ATPROTO__PLC_URL", plc_url),
        ("NAMESAKE_CACHE__SNAPSHOT_FILE", "answers"),
    ] {
        command.env(key, value);
    }
    let mut service = Running(command.spawn().unwrap());
    let mut lines = BufReader::new(service.0.stderr.take().unwrap()).lines();
    let mut log = String::new();
    let address = loop {
        let line = lines.next().unwrap_or_else(|| panic!("it ended: {log}")).unwrap();
        log += &line;
        if let Some((_, rest)) = line.split_once("server.address=") {
            break rest.split(' ').next().unwrap().to_owned();
        }
    };
    // Somebody reads on, so that it can go on logging.
    thread::spawn(move || lines.for_each(drop));
    (service, address, log)
}

/// The status of its answer about [`DID`], and whether that is marked stale.
fn ask(address: &str) -> (u16, bool) {
    let url = format!("http://{address}/xrpc/com.atproto.identity.resolveDid?did={DID}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let http = HttpClient::configured(&HttpSettings::default()).unwrap();
    let reply = runtime.block_on(http.send(Call::get(url.parse().unwrap()))).unwrap();
    (reply.status.as_u16(), reply.headers.contains_key("namesake-stale"))
}

#[test]
fn an_operator_is_told_where_it_failed_and_a_stranger_what_failed() {
    let directory = TempDir::new().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let plc_url = format!("http://{free}");
    let mut explain = namesake(directory.path());
    explain.env("NAMESAKE_ATPROTO__PLC_URL", &plc_url).args(["explain", DID, "--json"]);
    let told = out(&explain.output().unwrap());
    assert!(told.contains("the directory takes no connection") && told.contains(&free), "{told}");

    let (service, address, _) = serve(directory.path(), &plc_url);
    let mut explain = namesake(directory.path());
    explain.args(["explain", DID, "--json", "--server", &format!("http://{address}")]);
    let told = out(&explain.output().unwrap());
    assert!(told.contains("the directory takes no connection"), "{told}");
    assert!(!told.contains("127.0.0.1") && !told.contains("os error"), "{told}");
    service.stop();
}

#[test]
fn what_is_known_survives_a_restart_once() {
    let directory = TempDir::new().unwrap();
    let answers = directory.path().join("answers");
    let plc = TcpListener::bind("127.0.0.1:0").unwrap();
    let plc_url = format!("http://{}", plc.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let (mut stream, _) = plc.accept().unwrap();
        let mut request = [0; 4096];
        assert_ne!(stream.read(&mut request).unwrap(), 0);
        let body = format!(r#"{{"id":"{DID}"}}"#);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).unwrap();
    });
    let (service, address, log) = serve(directory.path(), &plc_url);
    assert!(log.contains("snapshot.restored answers=0"), "there is none: {log}");
    assert_eq!(ask(&address), (200, false));
    // From now on the directory is gone.
    serving.join().unwrap();
    service.stop();
    assert!(answers.exists());

    let (service, address, log) = serve(directory.path(), &plc_url);
    assert!(log.contains("snapshot.restored answers=1"), "{log}");
    assert!(!answers.exists(), "a crash does not bring it back");
    assert_eq!((ask(&address), ask(&address)), ((200, true), (200, true)));
    service.stop();

    let mut written = std::fs::read(&answers).unwrap();
    written.pop();
    std::fs::write(&answers, written).unwrap();
    let (service, address, log) = serve(directory.path(), &plc_url);
    assert!(log.contains("snapshot.ignored"), "{log}");
    assert_eq!(ask(&address), (502, false), "a failure, as after any cold start");
    service.stop();
}

/// Does what a printed `curl` does. What follows from an upstream's change takes its webhook a moment: then again.
async fn perform(http: &HttpClient, line: &str) {
    let (mut method, mut call, mut body) = (Method::GET, None, Bytes::new());
    let mut headers = Vec::new();
    let mut words = words(line).into_iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-X" => method = words.next().unwrap().parse().unwrap(),
            "-H" => headers.push(words.next().unwrap()),
            "-d" => body = words.next().unwrap().into(),
            url if call.is_none() => call = Some(url.to_owned()),
            // The rest explains.
            _ => break,
        }
    }
    let mut call = Call::new(method, call.unwrap().parse().unwrap(), body).cap(1 << 20);
    for header in headers {
        let (name, value) = header.split_once(": ").unwrap();
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        call = call.header(name, HeaderValue::from_str(value).unwrap());
    }
    let answered = tokio::time::timeout(Duration::from_secs(10), async {
        while !http.send(call.clone()).await.unwrap().status.is_success() {
            tokio::task::yield_now().await;
        }
    });
    answered.await.unwrap_or_else(|_| panic!("this does not work: curl {line}"));
}

/// Words as a shell reads them, as far as single quotes go.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (place, part) in line.split('\'').enumerate() {
        if place % 2 == 1 {
            words.last_mut().unwrap().push_str(part);
            continue;
        }
        let mut pieces = part.split(' ');
        words.last_mut().unwrap().push_str(pieces.next().unwrap());
        words.extend(pieces.map(str::to_owned));
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn the_paper_has_room_for_a_decision_and_is_confirmed() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("paper.md");
    let paper = run(&["compare", "--markdown"]);
    assert_eq!((code(&paper), err(&paper).as_str()), (0, ""));
    let mut rest = out(&paper);
    for part in [
        "## Recommendation\n\n\\_",
        "## Rows that decide",
        "## Accepted risks",
        "- **A, Mirror**: ",
        "## Assumptions",
    ] {
        let place = rest.find(part).unwrap_or_else(|| panic!("{part}: {rest}"));
        rest = rest.split_off(place);
    }
    std::fs::write(&file, &paper.stdout).unwrap();
    let confirmed = run(&["compare", "--verify", file.to_str().unwrap()]);
    assert_eq!(
        (code(&confirmed), out(&confirmed).starts_with("confirmed")),
        (0, true),
        "{}",
        out(&confirmed)
    );
}

#[test]
fn compare_tells_what_was_observed_and_confirms_a_report() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("report");
    let path = file.to_str().unwrap();
    let shown = run(&["compare", "--row", "short-name", "--transcript", "--set", "independent.min_label=2"]);
    assert_eq!((code(&shown), err(&shown).as_str()), (0, ""), "{}", out(&shown));
    for part in ["[short-name]", "  B  observed    given", "asks for a name of two letters", "seed 1,"] {
        assert!(out(&shown).contains(part), "{part}: {}", out(&shown));
    }
    for form in ["--json", "--markdown"] {
        let report = run(&["compare", "--row", "short-name", form]);
        assert_eq!(code(&report), 0);
        std::fs::write(&file, &report.stdout).unwrap();
        let confirmed = run(&["compare", "--verify", path]);
        assert_eq!((code(&confirmed), out(&confirmed).starts_with("confirmed")), (0, true), "{form}");
        std::fs::write(&file, out(&report).replace("the name is shorter", "the name is \\u001b[2Jlonger"))
            .unwrap();
        let differs = run(&["compare", "--verify", path]);
        assert_eq!(
            (code(&differs), out(&differs).contains('\u{1b}')),
            (1, false),
            "{form} {}",
            out(&differs)
        );
        assert!(out(&differs).contains("short-name, B, observed"), "{}", out(&differs));
    }
    for (wrong, said) in [
        (&["compare", "--row", "nonsense"][..], "no row is called"),
        (&["compare", "--set", "mirror.poll=1"], "no setting"),
        (&["compare", "--set", "mirror.poll_seconds"], "is not NAME=VALUE"),
        (&["compare", "--verify", "/nonexistent"], "cannot read"),
    ] {
        let refused = run(wrong);
        assert_eq!((code(&refused), err(&refused).contains(said)), (2, true), "{wrong:?} {}", err(&refused));
    }
}
