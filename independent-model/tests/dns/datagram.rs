//! The plain case, one datagram each way: what is taken for the answer, and what is left to the resolver.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hickory_resolver::proto::{
    op::{Message, MessageType, OpCode},
    rr::{Name, RData, Record, RecordType, rdata::SOA},
};
use namesake::http::{Addresses as _, HttpSettings};
use namesake_independent::{Dns as _, TxtAnswer, adapters::HickoryDns};
use tokio::{net::UdpSocket, sync::Mutex, task::JoinSet};

use super::{
    NAME,
    server::{NameServer, Reply, cname, txt},
    start, texts,
};

/// Answers to a question, in order.
type Script = fn(&Message) -> Vec<Message>;

/// A name server that does as the script says, over UDP alone.
struct Scripted {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Message>>>,
    _task: JoinSet<()>,
}

impl Scripted {
    async fn start(script: Script) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (socket.local_addr().unwrap(), Arc::<Mutex<Vec<Message>>>::default());
        let (heard, mut task) = (Arc::clone(&asked), JoinSet::new());
        task.spawn(async move {
            let mut buffer = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                let question = Message::from_vec(&buffer[..length]).unwrap();
                for answer in script(&question) {
                    socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
                }
                heard.lock().await.push(question);
            }
        });
        Self { address, asked, _task: task }
    }

    async fn questions(&self) -> usize {
        self.asked.lock().await.len()
    }
}

fn dns(servers: &[SocketAddr], timeout: Duration) -> HickoryDns {
    let servers: Vec<_> = servers.iter().map(ToString::to_string).collect();
    HickoryDns::new(&servers, timeout, &HttpSettings::default()).unwrap()
}

fn answer(question: &Message, text: &[u8]) -> Message {
    let mut answer = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
    answer.add_queries(question.queries.clone());
    let owner = Name::from_ascii(NAME).unwrap();
    answer.add_answer(Record::from_rdata(owner, 300, txt(&[text])));
    answer
}

fn renamed(question: &Message, name: &Name) -> Message {
    let mut other = question.clone();
    other.queries[0].set_name(name.clone());
    other
}

#[tokio::test]
async fn what_answers_another_question_is_not_the_answer() {
    let server = Scripted::start(|question| {
        let with = |change: fn(&mut Message)| {
            let mut forged = answer(question, b"did=did:web:evil.example.com");
            change(&mut forged);
            forged
        };
        vec![
            with(|forged| forged.metadata.id ^= 1),
            with(|forged| forged.metadata.message_type = MessageType::Query),
            with(|forged| forged.metadata.op_code = OpCode::Status),
            with(|forged| forged.queries.clear()),
            with(|forged| forged.queries.push(forged.queries[0].clone())),
            with(|forged| {
                forged.queries[0].set_query_type(RecordType::A);
            }),
            answer(&renamed(question, &Name::from_ascii("evil.example.com.").unwrap()), b"did=evil"),
            answer(question, b"did=did:web:alice.example.com"),
        ]
    })
    .await;
    let dns = dns(&[server.address], Duration::from_secs(20));
    assert_eq!(texts(&dns).await, [b"did=did:web:alice.example.com".to_vec()]);
    assert_eq!(server.questions().await, 1);
}

#[tokio::test]
async fn an_answer_in_other_letters_is_left_to_the_resolver() {
    // Nobody waits for a better answer: this test would find out. The resolver sends the name as it is.
    let server = Scripted::start(|question| match question.queries[0].name() {
        asked if asked.to_ascii() == NAME => vec![answer(question, b"did=did:web:alice.example.com")],
        asked => vec![answer(&renamed(question, &asked.to_lowercase()), b"did=did:web:evil.example.com")],
    })
    .await;
    let dns = dns(&[server.address], Duration::from_secs(24 * 3600));
    assert_eq!(texts(&dns).await, [b"did=did:web:alice.example.com".to_vec()]);
    assert_eq!(server.questions().await, 2);
}

#[tokio::test]
async fn special_names_do_not_leave_the_machine() {
    let server = Scripted::start(|question| vec![answer(question, b"did=x")]).await;
    let dns = dns(&[server.address], Duration::from_secs(20));
    for name in ["secret.onion", "handle.invalid"] {
        assert!(dns.addresses(name).await.is_err(), "{name}");
    }
    assert_eq!(dns.addresses("localhost").await.unwrap().len(), 2);
    assert_eq!(server.questions().await, 0);
}

#[tokio::test]
async fn every_question_has_letters_and_an_id_of_its_own() {
    let server = Scripted::start(|question| vec![answer(question, b"did=x")]).await;
    let dns = dns(&[server.address], Duration::from_secs(20));
    for _ in 0..4 {
        texts(&dns).await;
    }
    let asked = server.asked.lock().await;
    let written: Vec<_> = asked.iter().map(|question| question.queries[0].name().to_ascii()).collect();
    assert!(written.iter().all(|name| name.eq_ignore_ascii_case(NAME)));
    assert!(written.windows(2).all(|pair| pair[0] != pair[1]), "{written:?}");
    assert!(asked.windows(2).any(|pair| pair[0].metadata.id != pair[1].metadata.id));
}

#[tokio::test]
async fn a_datagram_from_elsewhere_is_not_heard() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let dns = dns(&[server.local_addr().unwrap()], Duration::from_secs(20));
    let answering = async {
        let mut buffer = [0; 1500];
        let (length, from) = server.recv_from(&mut buffer).await.unwrap();
        let question = Message::from_vec(&buffer[..length]).unwrap();
        let forged = answer(&question, b"did=did:web:evil.example.com").to_vec().unwrap();
        stranger.send_to(&forged, from).await.unwrap();
        let true_one = answer(&question, b"did=did:web:alice.example.com").to_vec().unwrap();
        server.send_to(&true_one, from).await.unwrap();
    };
    let (found, ()) = tokio::join!(texts(&dns), answering);
    assert_eq!(found, [b"did=did:web:alice.example.com".to_vec()]);
}

#[tokio::test]
async fn a_server_that_is_silent_is_left_for_the_next() {
    let (silent, good) = (
        Scripted::start(|_| vec![]).await,
        NameServer::start(&[(NAME, Reply::Records(vec![(NAME, txt(&[b"did=x"]))]))]).await,
    );
    let dns = dns(&[silent.address, good.address], Duration::from_secs(2));
    assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
    let before = (silent.questions().await, good.questions().len());
    assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
    assert_eq!((silent.questions().await, good.questions().len()), (before.0, before.1 + 1));
}

#[tokio::test]
async fn a_zones_no_and_an_alias_with_its_target_take_one_question() {
    let no_data = Scripted::start(|question| {
        let mut answer = answer(question, b"");
        answer.answers.clear();
        let root = || Name::root();
        let soa = RData::SOA(SOA::new(root(), root(), 1, 1, 1, 1, 1));
        answer.add_authority(Record::from_rdata(Name::from_ascii("example.com.").unwrap(), 300, soa));
        vec![answer]
    })
    .await;
    let found = dns(&[no_data.address], Duration::from_secs(20)).txt(NAME).await;
    assert_eq!((found, no_data.questions().await), (Ok(TxtAnswer::NoData), 1));

    const TARGET: &str = "proof.example.net.";
    let whole = Reply::Records(vec![(NAME, cname(TARGET)), (TARGET, txt(&[b"did=x"]))]);
    let (server, dns) = start(&[(NAME, whole)]).await;
    assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
    assert_eq!(server.questions().len(), 1);
}
