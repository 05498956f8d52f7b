//! A server of accounts that fails on command. What it takes, it verifies.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use namesake::{Clock as _, SystemClock};
use namesake_independent::webvh::verify;

/// What happens to the next thing that is posted.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It is taken, and nobody hears of it.
    LostReply,
    /// It gets lost on the way there.
    LostRequest,
    /// It is answered with this status and body, and not taken.
    Answer(u16, String),
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// The log of the one account.
    pub(crate) log: Vec<String>,
    pub(crate) faults: VecDeque<Fault>,
    /// What every request is answered with, for as long as it is set.
    pub(crate) down: Option<(u16, String)>,
    /// How many requests came.
    pub(crate) asked: usize,
    /// What was posted, refused or not.
    pub(crate) posted: Vec<String>,
}

pub(crate) struct Registrar {
    pub(crate) url: String,
    pub(crate) state: Arc<Mutex<State>>,
}

impl Registrar {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &shared);
            }
        });
        Self { url, state }
    }

    pub(crate) fn fail(&self, faults: &[Fault]) {
        self.state.lock().unwrap().faults.extend(faults.iter().cloned());
    }

    /// Answers everything so.
    pub(crate) fn go_down(&self, status: u16, body: &str) {
        self.state.lock().unwrap().down = Some((status, body.to_owned()));
    }

    pub(crate) fn come_back(&self) {
        self.state.lock().unwrap().down = None;
    }

    pub(crate) fn asked(&self) -> usize {
        self.state.lock().unwrap().asked
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.state.lock().unwrap().log.clone()
    }

    pub(crate) fn set_log(&self, log: &[String]) {
        self.state.lock().unwrap().log = log.to_vec();
    }

    pub(crate) fn posted(&self) -> Vec<String> {
        self.state.lock().unwrap().posted.clone()
    }
}

pub(crate) fn problem(kind: &str, more: &str) -> String {
    format!(r#"{{"type":"/problems/{kind}","title":"{kind}","status":0,"detail":"a detail"{more}}}"#)
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length) = (String::new(), 0);
    if reader.read_line(&mut first).unwrap() == 0 {
        return;
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let mut state = state.lock().unwrap();
    let Some((status, body)) = answer(&mut state, &first, &String::from_utf8(body).unwrap()) else { return };
    let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
}

/// The answer, if one arrives.
fn answer(state: &mut State, first: &str, body: &str) -> Option<(u16, String)> {
    state.asked += 1;
    if let Some(down) = &state.down {
        return Some(down.clone());
    }
    let (method, rest) = first.split_once(' ').unwrap();
    let path = rest.split(' ').next().unwrap();
    if path == "/v1/independent" {
        let terms = r#"{"idDomain":"id.handles.test","handleDomains":["handles.test"],"minLabel":3,"now":"2026-01-01T00:00:00Z"}"#;
        return Some((200, terms.to_owned()));
    }
    if method == "GET" {
        return Some(match state.log.is_empty() {
            true => (404, problem("account-not-found", "")),
            false => (200, state.log.join("\n") + "\n"),
        });
    }
    state.posted.push(body.to_owned());
    let fault = state.faults.pop_front();
    match &fault {
        Some(Fault::Answer(status, body)) => return Some((*status, body.clone())),
        Some(Fault::LostRequest) => return None,
        Some(Fault::LostReply) | None => {}
    }
    let answer = match path.ends_with("/profile") {
        true => (200, "{}".to_owned()),
        false => take(&mut state.log, body),
    };
    fault.is_none().then_some(answer)
}

fn take(log: &mut Vec<String>, entry: &str) -> (u16, String) {
    if log.iter().any(|taken| taken == entry) {
        return (200, "{}".to_owned());
    }
    let longer: Vec<_> = log.iter().map(String::as_str).chain([entry]).collect();
    match verify(longer.join("\n").as_bytes(), SystemClock.now()) {
        Ok(_) => {
            log.push(entry.to_owned());
            (201, "{}".to_owned())
        }
        Err(invalid) if !log.is_empty() => {
            (409, problem("stale-head", &format!(r#","head":"{}","why":"{invalid}""#, log.len())))
        }
        Err(invalid) => (422, problem("invalid-entry", &format!(r#","rule":"{}""#, invalid.fault.rule()))),
    }
}
