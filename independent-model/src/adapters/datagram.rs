//! A question in one datagram and its answer in another: how nearly every lookup of a proof goes.
//!
//! A resolver does more (it measures its servers, asks several, follows aliases, asks again over TCP), and all of that
//! takes five times what the plain case needs, so each question is put this way first. Nothing is decided here that is
//! in any doubt: whatever is not a plain answer, silence included, is for the resolver, which asks anew.
//!
//! What makes an answer hard to forge for those who do not see the question (RFC 5452): a port of its own, which the
//! kernel chooses at random; a random id; and letters in random case, which have to come back as they were sent
//! (draft-vixie-dnsext-dns0x20). The kernel hands over no datagram from another address than was asked.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as Socket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hickory_resolver::{
    config::{NameServerConfig, ProtocolConfig},
    proto::{
        op::{DEFAULT_MAX_PAYLOAD_LEN, Edns, Message, MessageType, OpCode, Query, ResponseCode},
        rr::{Name, Record, RecordType},
    },
};
use tokio::{net::UdpSocket, task::yield_now, time::timeout};

use super::hickory::{No, belonging};

/// The name servers that are asked this way.
#[derive(Debug, Clone)]
pub(super) struct Datagrams {
    servers: Arc<[Server]>,
    /// Which of them is asked: one that is silent is left for the next.
    current: Arc<AtomicUsize>,
    patience: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Server {
    address: SocketAddr,
    /// Whether its no is one without a word of the others.
    denies: bool,
}

impl Datagrams {
    /// With these servers, if all of them take datagrams: otherwise some are to be asked in secret. An answer that takes
    /// longer than `patience` is left to the resolver.
    pub(super) fn new(servers: &[NameServerConfig], patience: Duration) -> Self {
        let servers: Option<Arc<[Server]>> = servers.iter().map(Server::of).collect();
        Self { servers: servers.unwrap_or_default(), current: Arc::default(), patience }
    }

    /// What is plainly answered to a question about an absolute name.
    pub(super) async fn ask(&self, name: &Name, kind: RecordType) -> Option<Result<Vec<Record>, No>> {
        let current = self.current.load(Ordering::Relaxed);
        let server = self.servers.get(current.checked_rem(self.servers.len())?)?;
        match timeout(self.patience, exchange(server.address, &question(name, kind))).await {
            Ok(Ok(answer)) => plain(answer, name, kind, server.denies),
            Ok(Err(_)) | Err(_) => {
                let next = current.wrapping_add(1);
                let _ = self.current.compare_exchange(current, next, Ordering::Relaxed, Ordering::Relaxed);
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
        connection.bind_addr.is_none().then_some(Self { address, denies: config.trust_negative_responses })
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

/// Sends the question, and waits for the answer to it.
async fn exchange(server: SocketAddr, question: &Message) -> io::Result<Message> {
    let any = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = Socket::bind(SocketAddr::new(any, 0))?;
    socket.set_nonblocking(true)?;
    socket.connect(server)?;
    socket.send(&question.to_vec().map_err(io::Error::other)?)?;
    // A name server nearby has answered when all that is ready here has had its turn. To watch a socket, and to end that,
    // takes as long as the question and the answer.
    yield_now().await;
    if let Some(answer) = hear(question, |datagram| socket.recv(datagram))? {
        return Ok(answer);
    }
    let socket = UdpSocket::from_std(socket)?;
    loop {
        socket.readable().await?;
        if let Some(answer) = hear(question, |datagram| socket.try_recv(datagram))? {
            return Ok(answer);
        }
    }
}

/// The answer, if it is there.
fn hear(question: &Message, receive: impl Fn(&mut [u8]) -> io::Result<usize>) -> io::Result<Option<Message>> {
    let mut datagram = [0; DEFAULT_MAX_PAYLOAD_LEN as usize];
    loop {
        let datagram = match receive(&mut datagram) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            length => datagram.get(..length?).unwrap_or_default(),
        };
        // Of another id, it may be no message at all.
        if datagram.starts_with(&question.metadata.id.to_be_bytes()) {
            let answer = Message::from_vec(datagram).map_err(io::Error::other)?;
            if answers(question, &answer) {
                return Ok(Some(answer));
            }
        }
    }
}

fn answers(question: &Message, answer: &Message) -> bool {
    let metadata = &answer.metadata;
    let same = |asked: &Query, told: &Query| asked == told && asked.name().eq_case(told.name());
    metadata.message_type == MessageType::Response
        && metadata.op_code == OpCode::Query
        && question.queries.len() == answer.queries.len()
        && question.queries.iter().zip(&answer.queries).all(|(asked, told)| same(asked, told))
}

/// The records that were asked for, or a zone's no.
fn plain(answer: Message, name: &Name, kind: RecordType, denies: bool) -> Option<Result<Vec<Record>, No>> {
    let has_soa = || answer.authorities.iter().any(|record| record.record_type() == RecordType::SOA);
    match (answer.metadata.response_code, answer.answers.is_empty()) {
        _ if answer.metadata.truncation => None,
        (ResponseCode::NXDomain, true) if denies => Some(Err(No::Domain)),
        (ResponseCode::NoError, true) if denies && has_soa() => Some(Err(No::Data)),
        (ResponseCode::NoError, false) => {
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

    fn servers(servers: &[NameServerConfig]) -> Vec<(String, bool)> {
        let datagrams = Datagrams::new(servers, Duration::ZERO);
        datagrams.servers.iter().map(|server| (server.address.to_string(), server.denies)).collect()
    }

    #[test]
    fn beside_a_server_that_is_asked_in_secret_nobody_is_asked_in_the_open() {
        let ip = "192.0.2.1".parse().unwrap();
        let (open, tcp) = (NameServerConfig::udp_and_tcp(ip), NameServerConfig::tcp(ip));
        let secret = NameServerConfig::new(ip, true, vec![ConnectionConfig::tls("dns.example".into())]);
        assert_eq!(servers(std::slice::from_ref(&open)), [("192.0.2.1:53".to_owned(), true)]);
        assert_eq!(servers(&[open.clone(), secret]), []);
        assert_eq!(servers(&[open, tcp]), []);
        assert_eq!(servers(&[]), []);
    }

    #[test]
    fn a_server_that_is_not_trusted_to_deny_does_not() {
        let name = Name::from_ascii("_atproto.alice.example.com.").unwrap();
        let mut no = question(&name, RecordType::TXT);
        no.metadata.response_code = ResponseCode::NXDomain;
        assert!(plain(no.clone(), &name, RecordType::TXT, false).is_none());
        assert!(matches!(plain(no, &name, RecordType::TXT, true), Some(Err(_))));
    }

    #[test]
    fn what_is_cut_off_is_no_answer() {
        let name = Name::from_ascii("_atproto.alice.example.com.").unwrap();
        let mut no = question(&name, RecordType::TXT);
        (no.metadata.response_code, no.metadata.truncation) = (ResponseCode::NXDomain, true);
        assert!(plain(no, &name, RecordType::TXT, true).is_none());
    }
}
