//! How many connections one client may have at once, so that nobody holds all places.

use std::{
    collections::HashMap,
    io::Write as _,
    net::IpAddr,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use http::StatusCode;
use namesake::shares::Client;
use tokio::net::TcpStream;

use super::{Proxies, reply};
use crate::problem::Refusal;

/// When a client that was turned away may come back.
const COME_BACK_SECONDS: u64 = 10;

/// Who is connected, and how often. As large as there are connections.
#[derive(Debug)]
pub(super) struct Clients {
    most: usize,
    connected: Arc<Mutex<HashMap<Client, usize>>>,
}

/// A connection: a client's is counted until it is dropped, a proxy's is not, since it brings many.
#[derive(Debug)]
pub(super) enum Seat {
    Client { client: Client, connected: Arc<Mutex<HashMap<Client, usize>>> },
    Proxy,
}

impl Clients {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), connected: Arc::default() }
    }

    /// A seat for one more connection of `peer`, unless it has as many as one may have.
    pub(super) fn seat(&self, peer: IpAddr, proxies: &Proxies) -> Option<Seat> {
        if proxies.trusts(peer) {
            return Some(Seat::Proxy);
        }
        let client = Client::at(peer);
        let mut connected = self.connected.lock().unwrap_or_else(PoisonError::into_inner);
        let count = connected.entry(client).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Seat::Client { client, connected: Arc::clone(&self.connected) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Self::Client { client, connected } = self else { return };
        let mut connected = connected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = connected.get_mut(client) {
            *count -= 1;
            if *count == 0 {
                connected.remove(client);
            }
        }
    }
}

/// Says why, as far as the client listens, and hangs up. Nothing is read, and nothing waited for.
pub(super) fn turn_away(stream: TcpStream) {
    metrics::counter!("namesake_connections_turned_away_total").increment(1);
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(&TURNED_AWAY);
    }
}

/// A whole answer: it goes into the empty buffer of a socket at once.
static TURNED_AWAY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let refusal = Refusal::Quota { retry_after_seconds: COME_BACK_SECONDS };
    let body = reply::write(&refusal.problem());
    let head = format!(
        "HTTP/1.1 {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nretry-after: {COME_BACK_SECONDS}\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n",
        StatusCode::TOO_MANY_REQUESTS,
        body.len()
    );
    [head.into_bytes(), body].concat()
});

#[cfg(test)]
mod tests {
    use super::*;

    /// A seat for one more connection from `peer`, where `10.0.0.0/8` is full of proxies.
    fn seat(clients: &Clients, peer: &str) -> Option<Seat> {
        let proxies = Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap()], ..Proxies::default() };
        clients.seat(peer.parse().unwrap(), &proxies)
    }

    #[test]
    fn a_client_has_its_seats_and_no_more_and_others_have_theirs() {
        let clients = Clients::new(2);
        let held = [seat(&clients, "192.0.2.1"), seat(&clients, "192.0.2.1")];
        assert!(held.iter().all(Option::is_some));
        assert!(seat(&clients, "192.0.2.1").is_none());
        assert!(seat(&clients, "::ffff:192.0.2.1").is_none(), "the same, in the other notation");
        assert!(seat(&clients, "192.0.2.2").is_some());
        drop(held);
        assert!(seat(&clients, "192.0.2.1").is_some());
    }

    #[test]
    fn a_network_of_the_new_kind_is_one_client() {
        let clients = Clients::new(1);
        let _held = seat(&clients, "2001:db8::1");
        assert!(seat(&clients, "2001:db8::2").is_none());
        assert!(seat(&clients, "2001:db8:0:1::1").is_some());
    }

    #[test]
    fn a_proxy_brings_many() {
        let clients = Clients::new(1);
        let held: Vec<_> = (0..100).map(|_| seat(&clients, "10.1.2.3")).collect();
        assert!(held.iter().all(Option::is_some));
    }

    #[test]
    fn of_those_who_left_nothing_is_kept() {
        let clients = Clients::new(1);
        for number in 0..200 {
            let peer = format!("192.0.2.{number}");
            let held = seat(&clients, &peer);
            assert!(held.is_some() && seat(&clients, &peer).is_none());
        }
        assert_eq!(clients.connected.lock().unwrap().len(), 0);
    }
}
