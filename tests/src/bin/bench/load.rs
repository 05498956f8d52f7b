//! The load generator: written requests go out, answers are read as far as needed to know where they end. It is cheap,
//! the same for everybody, and does not sleep.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
    task::{JoinSet, yield_now},
    time::Instant,
};

use crate::numbers::{Times, rate};

/// Whom to ask, and what: each connection goes through the requests in turn.
#[derive(Debug, Clone)]
pub(crate) struct Aim {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<[String]>,
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Aim {
    /// `GET` of these paths.
    pub(crate) fn get(address: SocketAddr, paths: impl IntoIterator<Item = String>) -> Self {
        let request = |path| format!("GET {path} HTTP/1.1\r\nhost: names.example\r\naccept: */*\r\n\r\n");
        Self { address, requests: paths.into_iter().map(request).collect() }
    }

    /// Connections, before anything is timed: a connection that finds the queue full is made a second later.
    async fn open(&self, connections: usize) -> Vec<Connection> {
        let mut open = Vec::with_capacity(connections);
        while open.len() < connections {
            open.push(Connection::open(self.address).await.expect("a connection"));
        }
        open
    }

    /// As many answers a second as `connections` that each ask again at once can get.
    pub(crate) fn flood(&self, load: &Runtime, connections: usize, span: Duration) -> f64 {
        let (answers, took) = self.answers(load, connections, span);
        rate(answers, took)
    }

    /// The same as a number of answers, and the time that they took.
    pub(crate) fn answers(&self, load: &Runtime, connections: usize, span: Duration) -> (u64, Duration) {
        load.block_on(async {
            let (mut askers, open) = (JoinSet::new(), self.open(connections).await);
            let _awake = awake(load);
            let begun = Instant::now();
            let end = begun + span;
            for (asker, mut connection) in open.into_iter().enumerate() {
                let aim = self.clone();
                askers.spawn(async move {
                    let mut answers = 0;
                    for request in aim.requests.iter().cycle().skip(asker * 37) {
                        connection.ask(request).await?;
                        answers += 1;
                        if Instant::now() >= end {
                            break;
                        }
                    }
                    io::Result::Ok(answers)
                });
            }
            let answers = joined(askers).await.into_iter().sum();
            (answers, begun.elapsed())
        })
    }

    /// How long it takes to get every answer once, with so many questions under way.
    pub(crate) fn each_once(&self, load: &Runtime, connections: usize) -> Duration {
        load.block_on(async {
            let part = self.requests.len().div_ceil(connections);
            let (mut askers, open) = (JoinSet::new(), self.open(connections).await);
            let begun = Instant::now();
            for (asker, mut connection) in open.into_iter().enumerate() {
                let aim = self.clone();
                askers.spawn(async move {
                    for request in aim.requests.iter().skip(asker * part).take(part) {
                        connection.ask(request).await?;
                    }
                    io::Result::Ok(())
                });
            }
            joined(askers).await;
            begun.elapsed()
        })
    }

    /// How long answers take when `rate` of them are asked for a second, whether or not earlier ones have come: who could
    /// not ask in time because an answer was late counts from when it was its turn.
    pub(crate) fn pace(&self, load: &Runtime, connections: usize, rate: f64, span: Duration) -> Times {
        load.block_on(async {
            let (mut askers, open) = (JoinSet::new(), self.open(connections).await);
            let _awake = awake(load);
            let begun = Instant::now() + Duration::from_millis(5);
            let every = Duration::from_secs_f64(connections as f64 / rate);
            for (asker, mut connection) in open.into_iter().enumerate() {
                let aim = self.clone();
                let offset = every.mul_f64(asker as f64 / connections as f64);
                askers.spawn(async move {
                    let mut times = Times::default();
                    let mut due = begun + offset;
                    for request in aim.requests.iter().cycle().skip(asker * 37) {
                        // A timer would ring up to a millisecond late.
                        while Instant::now() < due {
                            yield_now().await;
                        }
                        connection.ask(request).await?;
                        times.push(due.elapsed());
                        due += every;
                        if due >= begun + span {
                            break;
                        }
                    }
                    io::Result::Ok(times)
                });
            }
            let mut times = Times::default();
            joined(askers).await.into_iter().for_each(|some| times.append(some));
            times
        })
    }
}

/// Keeps the threads of a runtime from sleeping, until it is dropped. Whoever sends to a thread that sleeps wakes it, which on
/// one machine is work of the server, about as much as the answer; with clients elsewhere it is not.
pub(crate) fn awake(load: &Runtime) -> JoinSet<()> {
    let mut restless = JoinSet::new();
    for _ in 0..load.metrics().num_workers() {
        let never_sleeps = async {
            loop {
                yield_now().await;
            }
        };
        restless.spawn_on(never_sleeps, load.handle());
    }
    restless
}

async fn joined<T: 'static>(mut tasks: JoinSet<io::Result<T>>) -> Vec<T> {
    let mut results = Vec::with_capacity(tasks.len());
    while let Some(task) = tasks.join_next().await {
        results.push(task.expect("no panic").expect("an answer"));
    }
    results
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        Self::with_room(address, 4 << 10).await
    }

    /// For answers of other sizes than most.
    pub(crate) async fn with_room(address: SocketAddr, bytes: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; bytes], filled: 0 })
    }

    /// Sends a request and reads the answer, which must be a success; gives head and body.
    pub(crate) async fn ask(&mut self, request: &str) -> io::Result<(&[u8], &[u8])> {
        self.begin(request).await?;
        self.hear().await
    }

    /// Sends a request, and reads nothing yet.
    pub(crate) async fn begin(&mut self, request: &str) -> io::Result<()> {
        self.stream.write_all(request.as_bytes()).await
    }

    /// Reads an answer, which must be a success; gives head and body.
    pub(crate) async fn hear(&mut self) -> io::Result<(&[u8], &[u8])> {
        self.filled = 0;
        loop {
            let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
            match self.stream.read(free).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => self.filled += more,
            }
            if let Some(head) = head_length(&self.buffer[..self.filled]) {
                let length = content_length(&self.buffer[..head]).ok_or(io::ErrorKind::InvalidData)?;
                if self.filled >= head + length {
                    break self.whole(head);
                }
            }
        }
    }

    fn whole(&self, head: usize) -> io::Result<(&[u8], &[u8])> {
        let (head, body) = self.buffer[..self.filled].split_at(head);
        match head.starts_with(b"HTTP/1.1 200 ") {
            true => Ok((head, body)),
            false => Err(io::Error::other(String::from_utf8_lossy(head).into_owned())),
        }
    }
}

fn head_length(bytes: &[u8]) -> Option<usize> {
    // An answer's body is shorter than its head, mostly; a line end is a rare byte.
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut blank = ends.map(|(at, _)| at).filter(|at| bytes[..*at].ends_with(b"\r\n\r"));
    blank.next().map(|at| at + 1)
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let named = |line: &&[u8]| line.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME));
    let line = head.split(|byte| *byte == b'\n').find(named)?;
    std::str::from_utf8(&line[NAME.len()..]).ok()?.trim_end().parse().ok()
}
