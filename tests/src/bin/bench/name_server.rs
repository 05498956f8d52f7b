//! A name server that knows one thing about every name: as lean as can be, on the threads that ask.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{net::UdpSocket, runtime::Runtime};

use crate::service;

const A: [u8; 2] = [0, 1];
const TXT: [u8; 2] = [0, 16];
const AAAA: [u8; 2] = [0, 28];

/// Flags of a response: recursion was desired, and is available; no error, or NXDOMAIN (RFC 1035).
const NO_ERROR: [u8; 2] = [0x81, 0x80];
const NO_DOMAIN: [u8; 2] = [0x81, 0x83];

/// What a record begins with: the name of the question, type, IN, 300 seconds.
const fn record([high, low]: [u8; 2]) -> [u8; 10] {
    [0xc0, 12, high, low, 0, 1, 0, 0, 1, 44]
}

/// An SOA of the root: without one, "no data" is nobody's word.
const SOA: [u8; 33] = {
    let mut soa = [0; 33];
    // Type and IN; the ttl is nought, as are all numbers in the 22 bytes of data.
    (soa[2], soa[4], soa[10]) = (6, 1, 22);
    soa
};

/// Answers questions for as long as its runtime.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    questions: Arc<AtomicU64>,
}

impl NameServer {
    /// Every name has a proof in the DNS, and nothing else.
    pub(crate) fn of_proofs(load: &Runtime) -> Self {
        let proof = format!("did={}", service::did(7));
        Self::start(load, move |kind| match kind {
            TXT => Answer::record(TXT, &text(proof.as_bytes())),
            _ => Answer::nothing(NO_DOMAIN),
        })
    }

    /// Every name has a web host on loopback, and no proof in the DNS.
    pub(crate) fn of_web_hosts(load: &Runtime) -> Self {
        Self::start(load, |kind| match kind {
            A => Answer::record(A, &[127, 0, 0, 1]),
            AAAA => Answer::nothing(NO_ERROR),
            _ => Answer::nothing(NO_DOMAIN),
        })
    }

    fn start(load: &Runtime, knows: impl Fn([u8; 2]) -> Answer + Send + Sync + 'static) -> Self {
        let socket = load.block_on(UdpSocket::bind("127.0.0.1:0")).expect("a loopback port");
        let address = socket.local_addr().expect("an address");
        let questions = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&questions);
        load.spawn(async move {
            let mut buffer = [0; 1024];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                counter.fetch_add(1, Ordering::Relaxed);
                if let Some(answer) = answer(&buffer[..length], &knows) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self { address, questions }
    }

    /// How many came so far.
    pub(crate) fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }
}

/// What is known: one record, or none and the zone's word for it.
struct Answer {
    flags: [u8; 2],
    records: u8,
    body: Vec<u8>,
}

impl Answer {
    fn nothing(flags: [u8; 2]) -> Self {
        Self { flags, records: 0, body: SOA.to_vec() }
    }

    fn record(kind: [u8; 2], data: &[u8]) -> Self {
        let length = u8::try_from(data.len()).expect("a short record");
        Self { flags: NO_ERROR, records: 1, body: [&record(kind)[..], &[0, length], data].concat() }
    }
}

/// One character-string.
fn text(text: &[u8]) -> Vec<u8> {
    [&[u8::try_from(text.len()).expect("a short text")], text].concat()
}

fn answer(packet: &[u8], knows: impl Fn([u8; 2]) -> Answer) -> Option<Vec<u8>> {
    let name = packet.get(12..)?.iter().position(|byte| *byte == 0)?;
    let question = packet.get(12..12 + name + 5)?;
    let Answer { flags, records, body } = knows(*question.get(name + 1..)?.first_chunk()?);
    let mut answer = packet.get(..2)?.to_vec();
    answer.extend(flags);
    // One question; perhaps one answer, else one authority.
    answer.extend([0, 1, 0, records, 0, 1 - records, 0, 0]);
    answer.extend(question);
    answer.extend(body);
    Some(answer)
}
