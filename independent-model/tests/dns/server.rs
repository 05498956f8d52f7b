//! A small name server on loopback, over UDP and TCP, that counts what it is asked.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use hickory_resolver::proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME, TXT},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, UdpSocket},
    task::JoinSet,
};

/// What the server does when it is asked for a name.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// These records, each with its owner.
    Records(Vec<(&'static str, RData)>),
    /// The same, but over UDP only a truncated beginning.
    Truncated(Vec<(&'static str, RData)>),
    /// An empty answer with this code.
    Code(ResponseCode),
    /// Nothing at all.
    Silence,
}

/// One question: the name as it was asked, the type, and whether over TCP.
pub(crate) type Question = (String, RecordType, bool);

#[derive(Debug, Default)]
pub(crate) struct Zone {
    replies: Mutex<HashMap<&'static str, Reply>>,
    questions: Mutex<Vec<Question>>,
}

pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    zone: Arc<Zone>,
    _tasks: JoinSet<()>,
}

impl NameServer {
    pub(crate) async fn start(replies: &[(&'static str, Reply)]) -> Self {
        let (udp, tcp) = sockets().await.expect("loopback sockets");
        let address = udp.local_addr().expect("an address");
        let zone = Zone::new(replies);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(udp, zone.clone()));
        tasks.spawn(serve_tcp(tcp, zone.clone()));
        Self { address, zone, _tasks: tasks }
    }

    pub(crate) fn questions(&self) -> Vec<Question> {
        self.zone.questions.lock().expect("lock").clone()
    }
}

pub(crate) fn txt(strings: &[&[u8]]) -> RData {
    RData::TXT(TXT::from_bytes(strings.to_vec()))
}

pub(crate) fn cname(target: &str) -> RData {
    RData::CNAME(CNAME(Name::from_ascii(target).expect("a name")))
}

pub(crate) fn v4(text: &str) -> RData {
    RData::A(A(text.parse().expect("an address")))
}

pub(crate) fn v6(text: &str) -> RData {
    RData::AAAA(AAAA(text.parse().expect("an address")))
}

/// One port for both: the system picks the first, and the second must get the same.
pub(crate) async fn sockets() -> io::Result<(UdpSocket, TcpListener)> {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await?;
        if let Ok(tcp) = TcpListener::bind(udp.local_addr()?).await {
            return Ok((udp, tcp));
        }
    }
}

async fn serve_udp(socket: UdpSocket, zone: Arc<Zone>) {
    let mut buffer = vec![0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        if let Some(answer) = zone.answer(&buffer[..length], false) {
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

async fn serve_tcp(listener: TcpListener, zone: Arc<Zone>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, zone.clone()));
    }
}

/// Questions and answers, each after its length (RFC 1035 section 4.2.2).
pub(crate) async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, zone: Arc<Zone>) {
    while let Ok(length) = stream.read_u16().await {
        let mut query = vec![0; length.into()];
        if stream.read_exact(&mut query).await.is_err() {
            return;
        }
        if let Some(answer) = zone.answer(&query, true) {
            let length = u16::try_from(answer.len()).expect("a short answer");
            if stream.write_u16(length).await.is_err() || stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

impl Zone {
    pub(crate) fn new(replies: &[(&'static str, Reply)]) -> Arc<Self> {
        Arc::new(Self { replies: Mutex::new(replies.iter().cloned().collect()), ..Self::default() })
    }

    pub(crate) fn answer(&self, query: &[u8], tcp: bool) -> Option<Vec<u8>> {
        let query = Message::from_vec(query).ok()?;
        let question = query.queries.first()?.clone();
        let name = question.name().to_ascii().to_ascii_lowercase();
        self.questions.lock().expect("lock").push((name.clone(), question.query_type(), tcp));
        let reply = self.replies.lock().expect("lock").get(name.as_str()).cloned();
        let mut response = Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
        response.metadata.recursion_desired = true;
        response.metadata.recursion_available = true;
        response.add_query(question.clone());
        let records = match reply.unwrap_or(Reply::Code(ResponseCode::NXDomain)) {
            Reply::Silence => return None,
            Reply::Code(code) => {
                response.metadata.response_code = code;
                vec![]
            }
            Reply::Truncated(_) if !tcp => {
                response.metadata.truncation = true;
                vec![]
            }
            Reply::Truncated(records) | Reply::Records(records) => records,
        };
        for (owner, data) in records {
            let wanted =
                data.record_type() == question.query_type() || data.record_type() == RecordType::CNAME;
            if wanted {
                response.add_answer(Record::from_rdata(Name::from_ascii(owner).ok()?, 300, data));
            }
        }
        response.to_vec().ok()
    }
}
