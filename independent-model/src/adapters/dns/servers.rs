//! Name servers in turn: the first is asked, and the next one beside it when it fails, or stays silent for a while.
//!
//! Nobody is given up on: the first good word of any of them counts, until the deadline.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hickory_resolver::proto::rr::{Name, RecordType};
use namesake::http::HttpSettings;
use tokio::time::{Instant, timeout_at};

use super::{
    nameserver::NameServer,
    question::{Meaning, Said, Told},
    server::{Begun, Server},
};
use crate::{DnsFailure, adapters::WorldSetupError};

/// How name servers are reached.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    /// One question has this long, whoever is asked, and however often.
    pub(super) timeout: Duration,
    /// How those that speak TLS are judged.
    pub(super) http: HttpSettings,
}

/// Name servers that know the same.
#[derive(Debug)]
pub(super) struct Servers {
    servers: Vec<Server>,
    /// Which of them is asked first, counted on and on.
    current: AtomicUsize,
    /// Whether one that is silent loses its place: not where one that is asked in the open would take it.
    moves_on: bool,
    timeout: Duration,
    head_start: Duration,
}

/// Names that are not looked up in the DNS (RFC 6761, RFC 7686), and addresses: the resolver knows about these.
const SPECIAL: [&[u8]; 5] = [b"arpa", b"invalid", b"local", b"localhost", b"onion"];

/// How often an alias may lead to a name that has to be asked about in turn.
const MOST_ALIASES: usize = 8;

impl Servers {
    pub(super) fn new(servers: &[NameServer], reach: &Reach) -> Result<Self, WorldSetupError> {
        let (secret, open): (Vec<_>, Vec<_>) = servers.iter().partition(|server| server.is_asked_in_secret());
        let moves_on = secret.is_empty() || open.is_empty();
        // Whoever has a server that is asked in secret wants no other, unless that one fails.
        let in_order = secret.into_iter().chain(open);
        let servers: Vec<_> = in_order.map(|server| Server::new(server, reach)).collect::<Result<_, _>>()?;
        Ok(Self {
            current: AtomicUsize::default(),
            moves_on,
            timeout: reach.timeout,
            head_start: head_start(reach.timeout, servers.len()),
            servers,
        })
    }

    /// What the DNS says about an absolute name.
    pub(super) async fn ask(&self, name: &Name, kind: RecordType) -> Result<Said, DnsFailure> {
        let deadline = Instant::now() + self.timeout;
        let (mut name, mut least) = (Cow::Borrowed(name), u32::MAX);
        for _ in 0..=MOST_ALIASES {
            match self.ask_about(&name, kind, deadline).await? {
                Told::Said(Said::Records { data, ttl }) => {
                    return Ok(Said::Records { data, ttl: ttl.min(least) });
                }
                Told::Said(no) => return Ok(no),
                Told::Alias { to, ttl } => (name, least) = (Cow::Owned(to), ttl.min(least)),
            }
        }
        Err(DnsFailure::Other)
    }

    async fn ask_about(&self, name: &Name, kind: RecordType, deadline: Instant) -> Result<Told, DnsFailure> {
        let place = self.current.load(Ordering::Relaxed);
        let Some(server) = self.server(place) else { return Err(DnsFailure::Other) };
        if name.iter().next_back().is_none_or(|last| SPECIAL.contains(&last.to_ascii_lowercase().as_slice()))
        {
            let asked = timeout_at(deadline, server.ask_connected(name, kind));
            return asked.await.unwrap_or(Err(DnsFailure::Timeout));
        }
        let begun = match server.begin(name, kind).await {
            Some(Ok(Begun::Heard(Meaning::Told(told)))) => return Ok(told),
            Some(Ok(begun)) => Some(begun),
            // It cannot be sent to just now, of which the long way takes care.
            Some(Err(_)) | None => None,
        };
        // Boxed: few need it, and all would carry it.
        Box::pin(self.ask_in_turn(place, begun, name, kind, deadline)).await
    }

    /// Beginning with the server at `place`, to whom the question may have been put already.
    async fn ask_in_turn(
        &self,
        place: usize,
        begun: Option<Begun>,
        name: &Name,
        kind: RecordType,
        deadline: Instant,
    ) -> Result<Told, DnsFailure> {
        let mut asked = FuturesUnordered::new();
        let (mut begun, mut failure) = (begun, None);
        for turn in 0..self.servers.len() {
            let place = place.wrapping_add(turn);
            let Some(server) = self.server(place) else { break };
            let (heard, begun) = (server.times_heard(), begun.take());
            asked.push(async move {
                server.ask(name, kind, begun).await.map_err(|reason| (reason, place, heard))
            });
            let is_last = turn + 1 == self.servers.len();
            let until = if is_last { deadline } else { deadline.min(Instant::now() + self.head_start) };
            loop {
                match timeout_at(until, asked.next()).await {
                    Ok(Some(Ok(told))) => return Ok(told),
                    Ok(Some(Err((reason, place, heard)))) => {
                        failure.get_or_insert(reason);
                        self.leave(place, heard);
                        if !is_last || asked.is_empty() {
                            break;
                        }
                    }
                    Ok(None) | Err(_) => {
                        self.leave(place, heard);
                        break;
                    }
                }
            }
        }
        Err(failure.unwrap_or(DnsFailure::Timeout))
    }

    fn server(&self, place: usize) -> Option<&Server> {
        self.servers.get(place.checked_rem(self.servers.len())?)
    }

    /// Another server is the first from now on, unless this one was heard meanwhile: then it may be the name that is slow.
    fn leave(&self, place: usize, heard: usize) {
        let is_silent = self.server(place).is_some_and(|server| server.times_heard() == heard);
        if is_silent && self.moves_on {
            let (order, next) = (Ordering::Relaxed, place.wrapping_add(1));
            let _ = self.current.compare_exchange(place, next, order, order);
        }
    }
}

/// How long a server is waited for before the next one is asked beside it: all of them are, in half of the time.
fn head_start(timeout: Duration, servers: usize) -> Duration {
    let others = u32::try_from(servers.saturating_sub(1)).unwrap_or(u32::MAX).max(2);
    timeout / others.saturating_mul(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(servers: &[&str]) -> (Vec<Option<String>>, bool) {
        let servers: Vec<_> = servers.iter().map(|text| NameServer::parse(text).unwrap()).collect();
        let reach = Reach { timeout: Duration::from_secs(2), http: HttpSettings::default() };
        let servers = Servers::new(&servers, &reach).unwrap();
        (servers.servers.iter().map(Server::datagrams_to).collect(), servers.moves_on)
    }

    #[tokio::test]
    async fn beside_a_server_that_is_asked_in_secret_nobody_is_asked_in_the_open_first() {
        let open = || Some("192.0.2.1:53".to_owned());
        assert_eq!(order(&["192.0.2.1"]), (vec![open()], true));
        assert_eq!(order(&["192.0.2.1", "tcp://192.0.2.2"]), (vec![open(), None], true));
        assert_eq!(order(&["192.0.2.1", "tls://192.0.2.2#dns.example.com"]), (vec![None, open()], false));
        assert_eq!(order(&["tls://192.0.2.2", "https://192.0.2.2"]), (vec![None, None], true));
        assert_eq!(order(&[]), (vec![], true));
    }

    #[test]
    fn all_servers_are_asked_in_half_of_the_time() {
        let timeout = Duration::from_secs(2);
        for servers in 1..20 {
            let last = head_start(timeout, servers) * (servers - 1).try_into().unwrap();
            assert!(last <= timeout / 2, "{servers}");
        }
        assert_eq!(head_start(timeout, 1), timeout / 4);
        assert_eq!(head_start(timeout, 2), timeout / 4);
    }
}
