//! A name server on loopback, over UDP and TCP, with a script for each name (RFC 1035).
//!
//! It writes its packets itself, so that it shares no code, and no misunderstanding, with the resolver under test.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::watch,
    task::JoinSet,
};

use super::Gate;

const A: u16 = 1;
const CNAME: u16 = 5;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const IN: u16 = 1;

/// The data of a record.
#[derive(Debug, Clone)]
pub enum Record {
    /// The character-strings of one TXT record, any bytes.
    Txt(Vec<Vec<u8>>),
    /// An address; A or AAAA as it is.
    Address(IpAddr),
    /// The name is an alias of this one.
    Alias(String),
}

impl Record {
    /// A TXT record of one character-string.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Txt(vec![text.as_bytes().to_vec()])
    }

    fn kind(&self) -> u16 {
        match self {
            Self::Txt(_) => TXT,
            Self::Address(IpAddr::V4(_)) => A,
            Self::Address(IpAddr::V6(_)) => AAAA,
            Self::Alias(_) => CNAME,
        }
    }

    fn data(&self) -> Vec<u8> {
        match self {
            Self::Txt(strings) => strings
                .iter()
                .flat_map(|text| {
                    let length = u8::try_from(text.len()).expect("a character-string has at most 255 bytes");
                    [&[length], text.as_slice()].concat()
                })
                .collect(),
            Self::Address(IpAddr::V4(address)) => address.octets().to_vec(),
            Self::Address(IpAddr::V6(address)) => address.octets().to_vec(),
            Self::Alias(target) => encode_name(target),
        }
    }
}

/// What the server does when it is asked for a name.
#[derive(Debug, Clone)]
pub struct Reply {
    what: What,
    delay: Duration,
    gate: Option<Gate>,
    truncated: bool,
    ttl: u32,
}

#[derive(Debug, Clone)]
enum What {
    Records(Vec<Record>),
    Code(u8),
    Silence,
}

impl Reply {
    fn of(what: What) -> Self {
        Self { what, delay: Duration::ZERO, gate: None, truncated: false, ttl: 3600 }
    }

    /// These records; those of another type than the question's are left out.
    #[must_use]
    pub fn records(records: Vec<Record>) -> Self {
        Self::of(What::Records(records))
    }

    /// TXT records of one string each.
    #[must_use]
    pub fn texts(texts: &[&str]) -> Self {
        Self::records(texts.iter().map(|text| Record::text(text)).collect())
    }

    /// These addresses.
    #[must_use]
    pub fn addresses(addresses: &[&str]) -> Self {
        let address = |text: &&str| Record::Address(text.parse().expect("an address"));
        Self::records(addresses.iter().map(address).collect())
    }

    /// The name exists and has nothing.
    #[must_use]
    pub fn no_data() -> Self {
        Self::records(Vec::new())
    }

    /// The name does not exist.
    #[must_use]
    pub fn no_domain() -> Self {
        Self::of(What::Code(3))
    }

    /// SERVFAIL.
    #[must_use]
    pub fn servfail() -> Self {
        Self::of(What::Code(2))
    }

    /// REFUSED.
    #[must_use]
    pub fn refused() -> Self {
        Self::of(What::Code(5))
    }

    /// No packet comes back.
    #[must_use]
    pub fn silence() -> Self {
        Self::of(What::Silence)
    }

    /// The same, with records that live so long, in seconds. Otherwise it is an hour.
    #[must_use]
    pub fn living(self, ttl: u32) -> Self {
        Self { ttl, ..self }
    }

    /// The same, later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// The same, once the gate is open.
    #[must_use]
    pub fn behind(self, gate: &Gate) -> Self {
        Self { gate: Some(gate.clone()), ..self }
    }

    /// The same over TCP; over UDP nothing but the note that it is truncated, at once. A resolver repeats a question that
    /// waits for its answer over UDP, and never one over TCP: whoever counts resolutions of a slow name counts those.
    #[must_use]
    pub fn truncated(self) -> Self {
        Self { truncated: true, ..self }
    }
}

#[derive(Debug)]
struct Zone {
    /// By name, and by type of question: A and AAAA are asked at once, and each goes through the script by itself.
    scripts: Mutex<HashMap<String, HashMap<u16, VecDeque<Reply>>>>,
    questions: watch::Sender<Vec<Question>>,
}

#[derive(Debug, Clone)]
struct Question {
    name: String,
    kind: u16,
    tcp: bool,
}

/// The name server of a world. Names are written without the last dot.
#[derive(Debug)]
pub struct NameServer {
    pub(super) address: SocketAddr,
    zone: Arc<Zone>,
    _tasks: JoinSet<()>,
}

impl NameServer {
    pub(super) async fn start() -> Self {
        let (udp, tcp) = sockets().await.expect("loopback sockets");
        let address = udp.local_addr().expect("an address");
        let zone = Arc::new(Zone { scripts: Mutex::default(), questions: watch::Sender::new(Vec::new()) });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(Arc::new(udp), Arc::clone(&zone)));
        tasks.spawn(serve_tcp(tcp, Arc::clone(&zone)));
        Self { address, zone, _tasks: tasks }
    }

    /// From now on `name` answers so, whatever is asked of it.
    pub fn say(&self, name: &str, reply: Reply) {
        self.script(name, vec![reply]);
    }

    /// From now on `name` answers with each of these in turn, and with the last one ever after.
    pub fn script(&self, name: &str, replies: Vec<Reply>) {
        let replies = VecDeque::from(replies);
        let by_kind = [A, AAAA, TXT, CNAME].map(|kind| (kind, replies.clone()));
        lock(&self.zone.scripts).insert(name.to_ascii_lowercase(), by_kind.into());
    }

    /// The TXT records of a handle, at `_atproto.<handle>`.
    pub fn proof(&self, handle: &str, texts: &[&str]) {
        self.say(&format!("_atproto.{handle}"), Reply::texts(texts));
    }

    /// How the proof of a handle is answered, at `_atproto.<handle>`.
    pub fn proof_says(&self, handle: &str, reply: Reply) {
        self.say(&format!("_atproto.{handle}"), reply);
    }

    /// The name no longer exists.
    pub fn forget(&self, name: &str) {
        lock(&self.zone.scripts).remove(name);
    }

    /// How many questions came for `name`.
    #[must_use]
    pub fn asked(&self, name: &str) -> usize {
        self.zone.questions.borrow().iter().filter(|question| question.name == name).count()
    }

    /// How many questions came for the addresses of `name`.
    #[must_use]
    pub fn addresses_asked(&self, name: &str) -> usize {
        let questions = self.zone.questions.borrow();
        questions.iter().filter(|it| it.name == name && [A, AAAA].contains(&it.kind)).count()
    }

    /// How many questions came for the proof of `handle`.
    #[must_use]
    pub fn proof_asked(&self, handle: &str) -> usize {
        self.asked(&format!("_atproto.{handle}"))
    }

    /// Whether each question about `name` came over TCP.
    #[must_use]
    pub fn over_tcp(&self, name: &str) -> Vec<bool> {
        self.zone.questions.borrow().iter().filter(|it| it.name == name).map(|it| it.tcp).collect()
    }

    /// How many questions came at all.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.zone.questions.borrow().len()
    }

    /// All names that were asked about.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.zone.questions.borrow().iter().map(|question| question.name.clone()).collect()
    }

    /// Waits until `name` was asked about so often.
    pub async fn heard(&self, name: &str, times: usize) {
        let enough = |all: &Vec<Question>| all.iter().filter(|it| it.name == name).count() >= times;
        self.zone.questions.subscribe().wait_for(enough).await.expect("the zone lives");
    }
}

/// One port for both: the system picks the first, and the second must get the same.
async fn sockets() -> io::Result<(UdpSocket, TcpListener)> {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await?;
        if let Ok(tcp) = TcpListener::bind(udp.local_addr()?).await {
            return Ok((udp, tcp));
        }
    }
}

async fn serve_udp(socket: Arc<UdpSocket>, zone: Arc<Zone>) {
    let mut answers = JoinSet::new();
    let mut buffer = vec![0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let (packet, socket, zone) = (buffer[..length].to_vec(), Arc::clone(&socket), Arc::clone(&zone));
        // Each in its own task: a slow script delays nobody else.
        answers.spawn(async move {
            if let Some(answer) = zone.answer(&packet, false).await {
                let _ = socket.send_to(&answer, from).await;
            }
        });
        while answers.try_join_next().is_some() {}
    }
}

async fn serve_tcp(listener: TcpListener, zone: Arc<Zone>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, Arc::clone(&zone)));
    }
}

async fn converse(mut stream: TcpStream, zone: Arc<Zone>) {
    while let Ok(length) = stream.read_u16().await {
        let mut packet = vec![0; length.into()];
        if stream.read_exact(&mut packet).await.is_err() {
            return;
        }
        if let Some(answer) = zone.answer(&packet, true).await {
            let length = u16::try_from(answer.len()).expect("a short answer");
            if stream.write_u16(length).await.is_err() || stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

impl Zone {
    async fn answer(&self, packet: &[u8], tcp: bool) -> Option<Vec<u8>> {
        let (name, kind, question) = parse_question(packet)?;
        self.questions.send_modify(|all| all.push(Question { name: name.clone(), kind, tcp }));
        let reply = self.next(&name, kind);
        let truncated = reply.truncated && !tcp;
        if !truncated {
            if let Some(gate) = &reply.gate {
                gate.pass().await;
            }
            let _ = tokio::time::timeout(reply.delay, std::future::pending::<()>()).await;
        }
        let (code, records) = match &reply.what {
            What::Silence => return None,
            What::Code(code) => (*code, Vec::new()),
            What::Records(_) if truncated => (0, Vec::new()),
            What::Records(records) => {
                let fits = |record: &&Record| record.kind() == kind || record.kind() == CNAME;
                (0, records.iter().filter(fits).collect())
            }
        };
        let count = u16::try_from(records.len()).expect("few records");
        // Response, recursion desired and available.
        let flags = 0x8180 | u16::from(truncated) << 9 | u16::from(code);
        let mut answer = packet.get(..2)?.to_vec();
        for field in [flags, 1, count, 0, 0] {
            answer.extend(field.to_be_bytes());
        }
        answer.extend(question);
        for record in records {
            answer.extend(encode_name(&name));
            answer.extend([record.kind(), IN].map(u16::to_be_bytes).concat());
            answer.extend(reply.ttl.to_be_bytes());
            let data = record.data();
            answer.extend(u16::try_from(data.len()).expect("short data").to_be_bytes());
            answer.extend(data);
        }
        Some(answer)
    }

    fn next(&self, name: &str, kind: u16) -> Reply {
        let mut scripts = lock(&self.scripts);
        let Some(script) = scripts.get_mut(name).and_then(|by_kind| by_kind.get_mut(&kind)) else {
            return Reply::no_domain();
        };
        match script.len() {
            0 => Reply::no_domain(),
            1 => script[0].clone(),
            _ => script.pop_front().unwrap_or_else(Reply::no_domain),
        }
    }
}

/// The name asked for, in lower case; the type; and the question as it was written.
fn parse_question(packet: &[u8]) -> Option<(String, u16, &[u8])> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*packet.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(packet.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes(packet.get(at..at + 2)?.try_into().ok()?);
    Some((labels.join("."), kind, packet.get(12..at + 4)?))
}

fn encode_name(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut bytes: Vec<u8> = labels
        .flat_map(|label| {
            let length = u8::try_from(label.len()).expect("a label");
            [&[length], label.as_bytes()].concat()
        })
        .collect();
    bytes.push(0);
    bytes
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
