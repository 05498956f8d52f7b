//! One name server, and the ways to ask it.
//!
//! In datagrams, if it takes them; over a connection where a datagram does not do. A question that is out stays out: its
//! late word counts, also while the second way is tried, until whoever asked does not wait any longer.

use std::{
    io,
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    task::Poll,
    time::Duration,
};

use futures_util::future::select_ok;
use hickory_resolver::proto::rr::{Name, RecordType};
use tokio::{task::yield_now, time::timeout};

use super::{
    datagram::Sent,
    nameserver::{NameServer, Speaks},
    question::{Extended, Meaning, Told, meaning},
    resolver::Resolver,
    servers::Reach,
};
use crate::{DnsFailure, PortFuture, adapters::WorldSetupError};

#[derive(Debug)]
pub(super) struct Server {
    /// Where it takes datagrams.
    datagrams: Option<SocketAddr>,
    connected: Resolver,
    patience: Duration,
    /// How often it was heard.
    heard: AtomicUsize,
    /// It answers in other letters than it is asked in: over a connection alone it can be believed.
    loses_letters: AtomicBool,
}

/// A question that was put, and not answered in the same moment.
pub(super) enum Begun {
    Out(Sent),
    Heard(Meaning),
}

/// What part of the time for an answer a datagram has, before it is sent again, or another way is tried beside it.
const PARTS: u32 = 4;

impl Server {
    pub(super) fn new(server: &NameServer, reach: &Reach) -> Result<Self, WorldSetupError> {
        let datagrams = matches!(server.speaks, Speaks::Datagrams).then_some(server.address);
        let connected = Resolver::new(server, reach)?;
        Ok(Self {
            datagrams,
            connected,
            patience: reach.timeout / PARTS,
            heard: AtomicUsize::default(),
            loses_letters: AtomicBool::default(),
        })
    }

    #[cfg(test)]
    pub(super) fn datagrams_to(&self) -> Option<String> {
        self.datagrams.map(|address| address.to_string())
    }

    /// How often it was heard: more often than before, it is not this server that is silent.
    pub(super) fn times_heard(&self) -> usize {
        self.heard.load(Ordering::Relaxed)
    }

    /// Puts the question in a datagram, and gives a name server nearby the time to answer: until all that is ready here
    /// has had its turn. `None`: this server is not asked so.
    pub(super) async fn begin(&self, name: &Name, kind: RecordType) -> Option<io::Result<Begun>> {
        let address = self.datagrams.filter(|_| !self.loses_letters.load(Ordering::Relaxed))?;
        let sent = Sent::new(address, name, kind, Extended::Yes);
        yield_now().await;
        Some(sent.and_then(|mut sent| match sent.look()? {
            Poll::Ready(answer) => Ok(Begun::Heard(self.hear(meaning(answer, name, kind)))),
            Poll::Pending => Ok(Begun::Out(sent)),
        }))
    }

    /// Asks until there is an answer, or a failure of this server.
    pub(super) async fn ask(
        &self,
        name: &Name,
        kind: RecordType,
        begun: Option<Begun>,
    ) -> Result<Told, DnsFailure> {
        let Some(address) = self.datagrams else { return self.ask_connected(name, kind).await };
        if self.loses_letters.load(Ordering::Relaxed) {
            match self.ask_connected(name, kind).await {
                Err(DnsFailure::Timeout | DnsFailure::Other) => {
                    self.loses_letters.store(false, Ordering::Relaxed);
                }
                answer => return answer,
            }
        }
        let send = |extended| Sent::new(address, name, kind, extended).map_err(not_asked);
        let mut means = match begun {
            Some(Begun::Heard(means)) => means,
            Some(Begun::Out(sent)) => self.wait(sent, name, kind).await?,
            None => self.wait(send(Extended::Yes)?, name, kind).await?,
        };
        // RFC 6891 section 7. Not remembered: it takes one more question, and whoever forges it has won nothing.
        if means == Meaning::Unextended {
            means = self.wait(send(Extended::No)?, name, kind).await?;
        }
        match means {
            Meaning::Told(told) => Ok(told),
            Meaning::CutOff => self.ask_connected(name, kind).await,
            Meaning::Unextended => Err(DnsFailure::Other),
            Meaning::Failed(failure) => Err(failure),
        }
    }

    /// Asks over a connection.
    pub(super) async fn ask_connected(&self, name: &Name, kind: RecordType) -> Result<Told, DnsFailure> {
        let answer = self.connected.ask(name, kind).await;
        match answer {
            Ok(_) | Err(DnsFailure::ServFail | DnsFailure::Refused) => self.hear(answer.map(Told::Said)),
            Err(DnsFailure::Timeout | DnsFailure::Other) => answer.map(Told::Said),
        }
    }

    async fn wait(&self, sent: Sent, name: &Name, kind: RecordType) -> Result<Meaning, DnsFailure> {
        let mut sent = sent.watched().map_err(not_asked)?;
        loop {
            match timeout(self.patience, sent.answer()).await {
                Ok(answer) => return Ok(self.hear(meaning(answer.map_err(not_asked)?, name, kind))),
                Err(_) if sent.odd().anything => break,
                Err(_) => sent.again().await.map_err(not_asked)?,
            }
        }
        // Somebody may be guessing, or the server loses the letters: over a connection nobody can put in a word.
        let loses_letters = sent.odd().other_letters;
        let late = async {
            let answer = sent.answer().await.map_err(not_asked)?;
            Ok(self.hear(meaning(answer, name, kind)))
        };
        let connected = async {
            let told = self.ask_connected(name, kind).await?;
            self.loses_letters.fetch_or(loses_letters, Ordering::Relaxed);
            Ok(Meaning::Told(told))
        };
        let ways: [PortFuture<'_, Meaning, DnsFailure>; 2] = [Box::pin(late), Box::pin(connected)];
        select_ok(ways).await.map(|(means, _)| means)
    }

    fn hear<T>(&self, heard: T) -> T {
        self.heard.fetch_add(1, Ordering::Relaxed);
        heard
    }
}

fn not_asked(_: io::Error) -> DnsFailure {
    DnsFailure::Other
}
