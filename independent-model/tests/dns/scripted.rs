//! A name server that does as a script says, over UDP and TCP, and remembers what it was asked.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hickory_resolver::proto::{
    op::{Message, MessageType, OpCode},
    rr::{Name, Record},
};
use namesake::http::HttpSettings;
use namesake_independent::adapters::HickoryDns;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::watch,
    task::JoinSet,
};

use super::{
    NAME,
    server::{sockets, txt},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Udp,
    Tcp,
}

/// What is sent when a question comes, in order; over TCP each is one message.
type Script = dyn Fn(&Message, Over) -> Vec<Vec<u8>> + Send + Sync;

type Asked = Vec<(Message, Over)>;

pub(crate) struct Scripted {
    pub(crate) address: SocketAddr,
    socket: Arc<UdpSocket>,
    stage: Arc<Stage>,
    _tasks: JoinSet<()>,
}

struct Stage {
    script: Box<Script>,
    asked: watch::Sender<Asked>,
    /// Where the first datagram came from.
    asker: Mutex<Option<SocketAddr>>,
}

impl Scripted {
    pub(crate) async fn start(
        script: impl Fn(&Message, Over) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let (udp, tcp) = sockets().await.unwrap();
        let (address, socket) = (udp.local_addr().unwrap(), Arc::new(udp));
        let (asked, _) = watch::channel(Vec::new());
        let stage = Arc::new(Stage { script: Box::new(script), asked, asker: Mutex::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(datagrams(Arc::clone(&socket), Arc::clone(&stage)));
        tasks.spawn(connections(tcp, Arc::clone(&stage)));
        Self { address, socket, stage, _tasks: tasks }
    }

    pub(crate) fn asked(&self) -> Asked {
        self.stage.asked.borrow().clone()
    }

    /// Waits until it was asked so often.
    pub(crate) async fn asked_times(&self, times: usize) {
        self.stage.asked.subscribe().wait_for(|asked| asked.len() >= times).await.unwrap();
    }

    /// Sends datagrams to whoever asked first, of their own accord.
    pub(crate) async fn say(&self, what: impl Fn(&Message) -> Vec<Vec<u8>>) {
        let first = self.asked()[0].0.clone();
        let asker = self.stage.asker.lock().unwrap_or_else(PoisonError::into_inner).unwrap();
        for datagram in what(&first) {
            self.socket.send_to(&datagram, asker).await.unwrap();
        }
    }
}

impl Stage {
    fn play(&self, question: &[u8], over: Over) -> Vec<Vec<u8>> {
        let question = Message::from_vec(question).unwrap();
        let said = (self.script)(&question, over);
        self.asked.send_modify(|asked| asked.push((question, over)));
        said
    }
}

async fn datagrams(socket: Arc<UdpSocket>, stage: Arc<Stage>) {
    let mut buffer = [0; 1500];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        stage.asker.lock().unwrap().get_or_insert(from);
        for datagram in stage.play(&buffer[..length], Over::Udp) {
            socket.send_to(&datagram, from).await.unwrap();
        }
    }
}

async fn connections(listener: TcpListener, stage: Arc<Stage>) {
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        open.spawn(converse(stream, Arc::clone(&stage)));
    }
}

async fn converse(mut stream: TcpStream, stage: Arc<Stage>) {
    while let Ok(length) = stream.read_u16().await {
        let mut question = vec![0; length.into()];
        if stream.read_exact(&mut question).await.is_err() {
            return;
        }
        for message in stage.play(&question, Over::Tcp) {
            let length = u16::try_from(message.len()).unwrap();
            if stream.write_u16(length).await.is_err() || stream.write_all(&message).await.is_err() {
                return;
            }
        }
    }
}

pub(crate) fn dns(servers: &[&Scripted], timeout: Duration) -> HickoryDns {
    let servers: Vec<_> = servers.iter().map(|server| server.address.to_string()).collect();
    HickoryDns::new(&servers, timeout, &HttpSettings::default()).unwrap()
}

/// A record of this text at [`NAME`].
pub(crate) fn answer(question: &Message, text: &[u8]) -> Message {
    let mut answer = Message::new(question.metadata.id, MessageType::Response, OpCode::Query);
    answer.add_queries(question.queries.clone());
    let owner = Name::from_ascii(NAME).unwrap();
    answer.add_answer(Record::from_rdata(owner, 300, txt(&[text])));
    answer
}

pub(crate) fn bytes(message: &Message) -> Vec<u8> {
    message.to_vec().unwrap()
}
