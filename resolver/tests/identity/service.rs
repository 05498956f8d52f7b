//! The real service, serving, and the DNS that it and the holder ask.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Read as _},
    net::UdpSocket,
    process::{Child, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use crate::support::Machine;

/// `namesake serve`; killed at the end.
pub(crate) struct Service {
    pub(crate) url: String,
    process: Child,
    _machine: Machine,
}

impl Service {
    /// With accounts below `handles.test`, kept in memory.
    pub(crate) fn start(dns: &Dns) -> Self {
        let machine = dns
            .asked_by(Machine::new())
            .with("NAMESAKE_INDEPENDENT__ID_DOMAIN", "id.handles.test")
            .with("NAMESAKE_INDEPENDENT__HANDLE_DOMAINS", "[\"handles.test\"]");
        Self::serve(machine)
    }

    /// A pure resolver.
    pub(crate) fn without_accounts() -> Self {
        Self::serve(Machine::new())
    }

    fn serve(machine: Machine) -> Self {
        let machine =
            machine.with("NAMESAKE_STORE__URL", "memory:").with("NAMESAKE_SERVER__LISTEN", "127.0.0.1:0");
        let mut process = machine.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended: {seen}");
            if let Some((_, rest)) = line.split_once("server.address=") {
                break rest.split_whitespace().next().unwrap().to_owned();
            }
            seen += &line;
        };
        // A full pipe would stop it.
        thread::spawn(move || log.read_to_end(&mut Vec::new()));
        Self { url: format!("http://{address}"), process, _machine: machine }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A name server that knows TXT records, and says of any other name that there is none (RFC 1035).
pub(crate) struct Dns {
    address: String,
    records: Arc<Mutex<HashMap<String, String>>>,
}

impl Dns {
    pub(crate) fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap().to_string();
        let records = Arc::new(Mutex::new(HashMap::new()));
        let shared = Arc::clone(&records);
        // Ends with the test's process.
        thread::spawn(move || {
            let mut query = [0; 4096];
            loop {
                let (length, from) = socket.recv_from(&mut query).unwrap();
                socket.send_to(&answer(&query[..length], &shared.lock().unwrap()), from).unwrap();
            }
        });
        Self { address, records }
    }

    pub(crate) fn publish(&self, name: &str, text: &str) {
        self.records.lock().unwrap().insert(name.to_owned(), text.to_owned());
    }

    /// A machine that asks it.
    pub(crate) fn asked_by(&self, machine: Machine) -> Machine {
        machine
            .with("NAMESAKE_DNS__NAMESERVERS", &format!("[\"{}\"]", self.address))
            .with("NAMESAKE_ATPROTO__ALLOW_TEST_TLD", "true")
    }
}

fn answer(query: &[u8], records: &HashMap<String, String>) -> Vec<u8> {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8(query[at + 1..end].to_ascii_lowercase()).unwrap());
        at = end;
    }
    let question = &query[12..at + 5];
    let is_txt = question[question.len() - 4..][..2] == [0, 16];
    let text = records.get(&labels.join(".")).filter(|_| is_txt);
    let mut reply = query[..2].to_vec();
    // An answer, recursion desired and available; NXDOMAIN unless there is a record; one question, no or one answer.
    reply.extend([
        0x81,
        if text.is_some() { 0x80 } else { 0x83 },
        0,
        1,
        0,
        text.is_some().into(),
        0,
        0,
        0,
        0,
    ]);
    reply.extend(question);
    if let Some(text) = text {
        let length = u8::try_from(text.len()).unwrap();
        reply.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 1, 44, 0, length + 1, length]);
        reply.extend(text.as_bytes());
    }
    reply
}
