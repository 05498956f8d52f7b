//! The running program: what signals do to it, and what it does where the system gives it little.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream, UdpSocket},
    process::{Child, ChildStderr, Command, Stdio},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use tempfile::TempDir;

/// The service on a port of its own, and its log; killed when the test ends before it does.
struct Service {
    child: Child,
    log: BufReader<ChildStderr>,
    address: SocketAddr,
    /// What it has said so far.
    said: String,
    _directory: TempDir,
}

impl Service {
    /// Once it is ready; `shell` is what a shell does first.
    fn start(shell: &str, settings: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{shell} exec \"$0\" serve"), env!("CARGO_BIN_EXE_namesake")]);
        command.env_clear().current_dir(directory.path()).stdin(Stdio::null()).stderr(Stdio::piped());
        command.env("NAMESAKE_SERVER__LISTEN", "127.0.0.1:0").envs(settings.iter().copied());
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut service = Self { child, log, address, said: String::new(), _directory: directory };
        let ready = service.until("server.address=");
        let (_, rest) = ready.split_once("server.address=").unwrap();
        service.address = rest.split(' ').next().unwrap().parse().unwrap();
        service
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Its next line with `text` in it.
    fn until(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "it ended: {}", self.said);
            self.said += &line;
            if line.contains(text) {
                return line;
            }
        }
    }

    /// The code that it ends with, and all that it said.
    fn end(mut self) -> (Option<i32>, String) {
        self.log.read_to_string(&mut self.said).unwrap();
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.said))
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).unwrap()
    }

    /// The status of its answer on a new connection, or none if it hung up.
    fn ask(&self, target: &str) -> Option<u16> {
        let mut stream = self.connect();
        let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let _ = stream.write_all(request.as_bytes());
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        String::from_utf8_lossy(&reply).split(' ').nth(1)?.parse().ok()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn hanging_up_ends_nothing_and_the_first_word_to_stop_is_heard_after_it() {
    for stop in [Signal::TERM, Signal::INT] {
        let mut service = Service::start("", &[]);
        for _ in 0..3 {
            service.signal(Signal::HUP);
            service.until("serve.hang_up_outlived");
            assert_eq!(service.ask("/livez"), Some(200));
        }
        service.signal(stop);
        let (code, said) = service.end();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("serve.stopping") && said.contains("server.draining"), "{said}");
    }
}

#[test]
fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let mut service = Service::start("", &[("NAMESAKE_SERVER__ACCESS_LOG", "true")]);
    let mut other = Command::new("true").stderr(Stdio::piped()).spawn().unwrap();
    service.log = BufReader::new(other.stderr.take().unwrap());
    other.wait().unwrap();
    for _ in 0..3 {
        assert_eq!(service.ask("/livez"), Some(200));
    }
    service.signal(Signal::TERM);
    assert_eq!(service.end().0, Some(0));
}

#[test]
fn the_first_word_to_stop_waits_for_what_is_under_way_and_the_second_does_not() {
    for again in [Signal::TERM, Signal::INT] {
        // A name server that hears and says nothing.
        let mute = UdpSocket::bind("127.0.0.1:0").unwrap();
        let nameservers = format!("[\"{}\"]", mute.local_addr().unwrap());
        let an_hour = "3600000";
        let mut service = Service::start(
            "",
            &[
                ("NAMESAKE_DNS__NAMESERVERS", &nameservers),
                ("NAMESAKE_DNS__TIMEOUT_MS", an_hour),
                ("NAMESAKE_SERVER__LOOKUP_TIMEOUT_MS", an_hour),
                ("NAMESAKE_SERVER__DRAIN_TIMEOUT_MS", an_hour),
            ],
        );
        let mut waiting = service.connect();
        waiting.write_all(b"GET /@alice.example.com HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut question = [0; 512];
        assert_ne!(mute.recv(&mut question).unwrap(), 0);
        service.signal(Signal::TERM);
        service.until("server.draining");
        // Still there, and no word to stop.
        service.signal(Signal::HUP);
        service.until("serve.hang_up_outlived");
        service.signal(again);
        let (code, said) = service.end();
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("stopped at once"), "{said}");
    }
}

#[test]
fn where_few_files_may_be_open_connections_leave_some_to_the_rest() {
    let service = Service::start("ulimit -n 64;", &[]);
    assert!(service.said.contains("files.limit=64"), "{}", service.said);
    assert!(service.said.contains("connections.most=32"), "{}", service.said);
    // More than there is room for, from several clients, as one has a share only.
    let held: Vec<_> = (0..200).map(|_| service.connect()).collect();
    drop(held);
    while service.ask("/livez") != Some(200) {}
    service.signal(Signal::TERM);
    let (code, said) = service.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("accept_failing"), "{said}");
}

#[test]
fn the_soft_limit_of_open_files_is_raised_to_the_hard_one() {
    let service = Service::start("ulimit -Hn 2000; ulimit -Sn 64;", &[]);
    assert!(service.said.contains("files.limit=2000"), "{}", service.said);
    assert!(service.said.contains("connections.most=1000"), "{}", service.said);
    let settings = [("NAMESAKE_SERVER__RESERVED_FILES", "500"), ("NAMESAKE_SERVER__MAX_CONNECTIONS", "100")];
    let service = Service::start("ulimit -n 2000;", &settings);
    assert!(service.said.contains("connections.most=100"), "{}", service.said);
}

#[test]
fn accepts_that_fail_are_one_line_when_they_begin_and_one_when_that_is_over() {
    let mut service = Service::start("", &[]);
    assert_eq!(service.ask("/livez"), Some(200));
    // Somebody takes the files away.
    let limit = |current| Rlimit { current, ..getrlimit(Resource::Nofile) };
    prlimit(Some(service.pid()), Resource::Nofile, limit(Some(3))).unwrap();
    let waiting = service.connect();
    service.until("server.accept_failing");
    prlimit(Some(service.pid()), Resource::Nofile, limit(Some(1024))).unwrap();
    assert_eq!(service.ask("/livez"), Some(200));
    let over = service.until("server.accept_recovered");
    assert!(over.contains("failures="), "{over}");
    drop(waiting);
    service.signal(Signal::TERM);
    let (code, said) = service.end();
    assert_eq!((code, said.matches("accept_failing").count()), (Some(0), 1), "{said}");
}

#[test]
fn what_is_configured_reaches_the_sockets() {
    let one = ("NAMESAKE_SERVER__MAX_CONNECTIONS_PER_CLIENT", "1");
    let service = Service::start("", &[one]);
    let held = service.connect();
    // The second comes after the first in the listener's queue.
    assert_eq!(service.ask("/livez"), Some(429));
    drop(held);
    while service.ask("/livez") != Some(200) {}

    let service = Service::start("", &[one, ("NAMESAKE_SERVER__TRUSTED_PROXIES", "[\"127.0.0.1/32\"]")]);
    let _held = (service.connect(), service.connect());
    assert_eq!(service.ask("/livez"), Some(200));

    // One place, and a client in it that does not take its answers.
    let settings = [
        ("NAMESAKE_SERVER__MAX_CONNECTIONS", "1"),
        ("NAMESAKE_SERVER__HEADER_TIMEOUT_MS", "3600000"),
        ("NAMESAKE_SERVER__WRITE_TIMEOUT_MS", "100"),
    ];
    let service = Service::start("", &settings);
    let mut mute = service.connect();
    mute.write_all("GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100).as_bytes()).unwrap();
    assert_eq!(service.ask("/livez"), Some(200));

    let settings = [
        ("NAMESAKE_SERVER__MAX_BODY_BYTES_UNDER_WAY", "10"),
        ("NAMESAKE_SERVER__MAX_BODY_BYTES_UNDER_WAY_PER_CLIENT", "10"),
    ];
    let service = Service::start("", &settings);
    for (body, status) in [(r#"{"handles":[]}"#, "503"), ("{}", "400")] {
        let mut stream = service.connect();
        let head = "POST /v1/resolve HTTP/1.1\r\nhost: x\r\nconnection: close";
        write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut reply = String::new();
        let _ = stream.read_to_string(&mut reply);
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{body}: {reply}");
    }
}
