//! A question in one datagram and its answer in another: how nearly every lookup of a proof goes.
//!
//! A resolver does more (it measures its servers, asks several, follows aliases, asks again over TCP), and all of that
//! takes five times what the plain case needs, so each question is put this way first. Nothing is decided here that is
//! in any doubt: whatever is not a plain answer, silence included, is for the resolver, which asks anew.
//!
//! What makes an answer hard to forge for those who do not see the question (RFC 5452): a port of its own, which the
//! kernel chooses at random; a random id; and letters in random case, which have to come back as they were sent
//! (draft-vixie-dnsext-dns0x20). Once the question is out, the kernel hands over no datagram from another address.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as Socket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use hickory_resolver::{
    config::{NameServerConfig, ProtocolConfig},
    proto::{
        op::{DEFAULT_MAX_PAYLOAD_LEN, Edns, Message, MessageType, OpCode, Query, ResponseCode},
        rr::{Name, Record, RecordType},
    },
};
use tokio::{io::Interest, net::UdpSocket, task::yield_now, time::timeout};

use super::hickory::{No, belonging};

/// The name servers that are asked this way.
#[derive(Debug, Clone)]
pub(super) struct Datagrams {
    servers: Arc<[Server]>,
    /// Which of them is asked.
    current: Arc<AtomicUsize>,
    patience: Duration,
}

#[derive(Debug)]
struct Server {
    address: SocketAddr,
    /// How often it was heard.
    heard: AtomicUsize,
}

/// Names that are not looked up in the DNS (RFC 6761, RFC 7686), and addresses: the resolver knows about these.
const SPECIAL: [&[u8]; 5] = [b"arpa", b"invalid", b"local", b"localhost", b"onion"];

impl Datagrams {
    /// With these servers, if all of them take datagrams: otherwise some are to be asked in secret. An answer that takes
    /// longer than `patience` is left to the resolver.
    pub(super) fn new(servers: &[NameServerConfig], patience: Duration) -> Self {
        let servers: Option<Arc<[Server]>> = servers.iter().map(Server::of).collect();
        Self { servers: servers.unwrap_or_default(), current: Arc::default(), patience }
    }

    /// What is plainly answered to a question about an absolute name.
    pub(super) async fn ask(&self, name: &Name, kind: RecordType) -> Option<Result<Vec<Record>, No>> {
        if name.iter().next_back().is_none_or(|last| SPECIAL.contains(&last.to_ascii_lowercase().as_slice()))
        {
            return None;
        }
        let current = self.current.load(Ordering::Relaxed);
        let server = self.servers.get(current.checked_rem(self.servers.len())?)?;
        let heard = server.heard.load(Ordering::Relaxed);
        match timeout(self.patience, exchange(server.address, &question(name, kind))).await {
            Ok(Ok(answer)) => {
                server.heard.fetch_add(1, Ordering::Relaxed);
                plain(answer?, name, kind)
            }
            Ok(Err(_)) | Err(_) => {
                // The server is left for the next one if nobody heard it meanwhile: else it may be the name that is slow.
                if server.heard.load(Ordering::Relaxed) == heard {
                    let (order, next) = (Ordering::Relaxed, current.wrapping_add(1));
                    let _ = self.current.compare_exchange(current, next, order, order);
                }
                None
            }
        }
    }
}

impl Server {
    fn of(config: &NameServerConfig) -> Option<Self> {
        let takes_datagrams = |protocol: &ProtocolConfig| matches!(protocol, ProtocolConfig::Udp);
        let connection =
            config.connections.iter().find(|connection| takes_datagrams(&connection.protocol))?;
        let address = SocketAddr::new(config.ip, connection.port);
        let is_plain = connection.bind_addr.is_none() && config.trust_negative_responses;
        is_plain.then(|| Self { address, heard: AtomicUsize::default() })
    }
}

fn question(name: &Name, kind: RecordType) -> Message {
    let mut name = name.clone();
    name.randomize_label_case();
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(name, kind));
    let mut edns = Edns::new();
    edns.set_max_payload(DEFAULT_MAX_PAYLOAD_LEN);
    question.set_edns(edns);
    question
}

/// Sends the question, and waits for the answer to it; `None`: there is one, and it is not a plain one.
async fn exchange(server: SocketAddr, question: &Message) -> io::Result<Option<Message>> {
    let any = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = Socket::bind(SocketAddr::new(any, 0))?;
    socket.set_nonblocking(true)?;
    socket.connect(server)?;
    socket.send(&question.to_vec().map_err(io::Error::other)?)?;
    // A name server nearby has answered when all that is ready here has had its turn. To watch a socket, and to end that,
    // takes as long as the question and the answer.
    yield_now().await;
    if let Poll::Ready(heard) = hear(question, |datagram| socket.recv(datagram))? {
        return Ok(heard);
    }
    let socket = UdpSocket::from_std(socket)?;
    loop {
        if socket.ready(Interest::READABLE | Interest::ERROR).await?.is_error() {
            return Err(socket.take_error()?.unwrap_or(io::ErrorKind::Other.into()));
        }
        if let Poll::Ready(heard) = hear(question, |datagram| socket.try_recv(datagram))? {
            return Ok(heard);
        }
    }
}

/// What is there to hear, if there is anything to this question. `Ready(None)`: it cannot be read, or has the letters of
/// the name in another case: the server does not keep them, or it is not the server.
fn hear(
    question: &Message,
    receive: impl Fn(&mut [u8]) -> io::Result<usize>,
) -> io::Result<Poll<Option<Message>>> {
    let mut datagram = [0; DEFAULT_MAX_PAYLOAD_LEN as usize];
    loop {
        let datagram = match receive(&mut datagram) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Poll::Pending),
            length => datagram.get(..length?).unwrap_or_default(),
        };
        // Of another id, it may be no message at all.
        if datagram.starts_with(&question.metadata.id.to_be_bytes()) {
            match Message::from_vec(datagram) {
                Ok(answer) if !answers(question, &answer) => {}
                Ok(answer) if same_letters(question, &answer) => return Ok(Poll::Ready(Some(answer))),
                Ok(_) | Err(_) => return Ok(Poll::Ready(None)),
            }
        }
    }
}

fn answers(question: &Message, answer: &Message) -> bool {
    let metadata = &answer.metadata;
    metadata.message_type == MessageType::Response
        && metadata.op_code == OpCode::Query
        && answer.queries == question.queries
}

fn same_letters(question: &Message, answer: &Message) -> bool {
    let names = question.queries.iter().zip(&answer.queries);
    names.map(|(asked, told)| (asked.name(), told.name())).all(|(asked, told)| asked.eq_case(told))
}

/// The records that were asked for, or a zone's no.
fn plain(answer: Message, name: &Name, kind: RecordType) -> Option<Result<Vec<Record>, No>> {
    if answer.metadata.truncation {
        return None;
    }
    let is_a = |kind| move |record: &Record| record.record_type() == kind;
    match answer.metadata.response_code {
        ResponseCode::NXDomain if answer.answers.is_empty() => Some(Err(No::Domain)),
        // Of the name itself, or of one that it is an alias of.
        ResponseCode::NoError if answer.answers.iter().all(is_a(RecordType::CNAME)) => {
            answer.authorities.iter().any(is_a(RecordType::SOA)).then_some(Err(No::Data))
        }
        ResponseCode::NoError => {
            let (found, _) = belonging(name, &answer.answers);
            found.iter().any(|data| data.record_type() == kind).then_some(Ok(answer.answers))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hickory_resolver::{
        config::{ConnectionConfig, NameServerConfig},
        proto::op::ResponseCode,
        proto::rr::{Name, RecordType},
    };

    use super::{Datagrams, plain, question};

    fn servers(servers: &[NameServerConfig]) -> Vec<String> {
        let datagrams = Datagrams::new(servers, Duration::ZERO);
        datagrams.servers.iter().map(|server| server.address.to_string()).collect()
    }

    #[test]
    fn beside_a_server_that_is_asked_in_secret_nobody_is_asked_in_the_open() {
        let ip = "192.0.2.1".parse().unwrap();
        let (open, tcp) = (NameServerConfig::udp_and_tcp(ip), NameServerConfig::tcp(ip));
        let secret = NameServerConfig::new(ip, true, vec![ConnectionConfig::tls("dns.example".into())]);
        assert_eq!(servers(std::slice::from_ref(&open)), ["192.0.2.1:53"]);
        assert_eq!(servers(&[open.clone(), secret]), [""; 0]);
        assert_eq!(servers(&[open, tcp]), [""; 0]);
        assert_eq!(servers(&[]), [""; 0]);
    }

    #[test]
    fn what_is_cut_off_is_no_answer() {
        let name = Name::from_ascii("_atproto.alice.example.com.").unwrap();
        let mut no = question(&name, RecordType::TXT);
        (no.metadata.response_code, no.metadata.truncation) = (ResponseCode::NXDomain, true);
        assert!(plain(no, &name, RecordType::TXT).is_none());
    }
}
