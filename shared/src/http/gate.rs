//! How much one host may be asked: calls at one time, and calls per second.
//!
//! Each host has a queue of its own, so a slow one holds up nobody who asks another; and the queue is fair by client
//! ([`crate::shares`]), so nobody holds up another who asks the same host. Whoever is held up waits within the deadline of
//! their own call, and is refused at once where that is too short.
//!
//! A host is a name. Names of strangers cost nothing: a whole zone may point at one victim. So the networks in which
//! discovered hosts live (an IPv4 /24, an IPv6 /48) have a rate of their own, which every call to any of their names takes
//! from.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ipnet::IpNet;

use crate::shares::{Client, FairQueue, QueueLimits, Refused, SHARE_PERCENT, Turn};

/// What one host is asked at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostLimits {
    /// Calls at one time.
    pub concurrent: u32,
    /// Calls begun per second, on average; as many may come at once.
    pub per_second: u32,
    /// Calls begun per second to all hosts of one network, on average; as many may come at once. `None`: any number, for
    /// hosts that an operator configured.
    pub network_per_second: Option<u32>,
    /// Calls that wait at one time.
    pub waiting: u32,
    /// The most of these that one client may take, in percent (1 to 100).
    pub share_percent: u8,
}

impl HostLimits {
    /// For hosts that strangers name.
    pub const DISCOVERED: Self = Self {
        concurrent: 16,
        per_second: 50,
        network_per_second: Some(50),
        waiting: 1000,
        share_percent: SHARE_PERCENT,
    };

    /// For hosts that an operator configured: the directory, an upstream. Far above what strangers' hosts are asked.
    pub const CONFIGURED: Self = Self {
        concurrent: 256,
        per_second: 2000,
        network_per_second: None,
        waiting: 10_000,
        share_percent: SHARE_PERCENT,
    };
}

/// The gates of all hosts and networks that were asked lately.
#[derive(Debug)]
pub(super) struct Gates {
    limits: HostLimits,
    hosts: Mutex<HashMap<Arc<str>, Gate>>,
    networks: Mutex<HashMap<IpNet, FairQueue>>,
}

/// From this many hosts or networks on, those that nobody is asking are forgotten when another is added.
const KEPT: usize = 4096;

#[derive(Debug)]
struct Gate {
    queue: FairQueue,
    /// Where the host was connected to last.
    network: Option<IpNet>,
}

impl Gates {
    pub(super) fn new(limits: HostLimits) -> Self {
        Self { limits, hosts: Mutex::default(), networks: Mutex::default() }
    }

    /// Ready when `host` may be asked once more, on behalf of [`Client::current`]. The call ends with the pass.
    pub(super) async fn pass(&self, host: &str, patience: Duration) -> Result<Turn, Refused> {
        let (queue, network) = self.gate(host);
        if let Some(network) = network {
            self.visit(network, patience).await?;
        }
        queue.turn(Client::current(), patience).await
    }

    /// Ready when `host` may be connected to at `address`. A call to where it was last has paid for that already.
    pub(super) async fn connect(
        &self,
        host: &str,
        address: IpAddr,
        patience: Duration,
    ) -> Result<(), Refused> {
        if self.limits.network_per_second.is_none() {
            return Ok(());
        }
        let network = network_of(address);
        let known = lock(&self.hosts).get(host).and_then(|gate| gate.network);
        if known == Some(network) {
            return Ok(());
        }
        self.visit(network, patience).await?;
        if let Some(gate) = lock(&self.hosts).get_mut(host) {
            gate.network = Some(network);
        }
        Ok(())
    }

    async fn visit(&self, network: IpNet, patience: Duration) -> Result<(), Refused> {
        let Some(per_second) = self.limits.network_per_second else { return Ok(()) };
        let queue = {
            let mut networks = lock(&self.networks);
            make_room(&mut networks, FairQueue::is_idle);
            // A rate alone: who is slow must not hold up its neighbours.
            let limits = QueueLimits { places: usize::MAX >> 8, ..self.queue_limits(per_second) };
            networks.entry(network).or_insert_with(|| FairQueue::new(limits)).clone()
        };
        queue.turn(Client::current(), patience).await.map(drop)
    }

    fn gate(&self, host: &str) -> (FairQueue, Option<IpNet>) {
        let mut hosts = lock(&self.hosts);
        if let Some(gate) = hosts.get(host) {
            return (gate.queue.clone(), gate.network);
        }
        make_room(&mut hosts, |gate| gate.queue.is_idle());
        let queue = FairQueue::new(self.queue_limits(self.limits.per_second));
        hosts.insert(host.into(), Gate { queue: queue.clone(), network: None });
        (queue, None)
    }

    fn queue_limits(&self, per_second: u32) -> QueueLimits {
        let HostLimits { concurrent, waiting, share_percent, .. } = self.limits;
        QueueLimits {
            places: concurrent as usize,
            per_second: Some(per_second),
            waiting: waiting as usize,
            share_percent,
        }
    }
}

fn make_room<K: Hash + Eq, V>(map: &mut HashMap<K, V>, is_idle: impl Fn(&V) -> bool) {
    if map.len() >= KEPT {
        map.retain(|_, value| !is_idle(value));
    }
}

/// What one owner of addresses has at least: an IPv4 /24, an IPv6 /48 (RFC 6177).
fn network_of(address: IpAddr) -> IpNet {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new(address, bits).map_or_else(|_| IpNet::from(address), |network| network.trunc())
}

/// Nothing that can panic runs under these locks, so what they hold is whole even if poisoned.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, advance};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn gates(concurrent: u32, per_second: u32) -> Gates {
        let network_per_second = Some(20);
        Gates::new(HostLimits { concurrent, per_second, network_per_second, waiting: 100, share_percent: 50 })
    }

    fn client(number: u8) -> Client {
        Client::at([192, 0, 2, number].into())
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_with_all_places_taken_holds_up_nobody_elses_caller() {
        let gates = gates(2, 1000);
        let _held = (gates.pass("slow.test", PATIENCE).await, gates.pass("slow.test", PATIENCE).await);
        let third = tokio::time::timeout(Duration::from_secs(59), gates.pass("slow.test", PATIENCE)).await;
        assert!(third.is_err(), "the third waits for one of the two");
        drop(gates.pass("other.test", PATIENCE).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_takes_its_share_of_a_host_and_no_more() {
        let gates = gates(4, 1000);
        let pass = |number| client(number).asks(gates.pass("slow.test", Duration::ZERO));
        let held = (pass(1).await.unwrap(), pass(1).await.unwrap());
        assert!(pass(1).await.is_err(), "half of the places are its own");
        drop(pass(2).await.unwrap());
        drop(held);
        drop(pass(1).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn calls_per_second_are_counted_for_each_host() {
        let gates = gates(100, 10);
        let begun = Instant::now();
        for _ in 0..10 {
            drop(gates.pass("a.test", PATIENCE).await.unwrap());
        }
        assert_eq!(begun.elapsed(), Duration::ZERO, "a second's worth may come at once");
        for _ in 0..10 {
            drop(gates.pass("a.test", PATIENCE).await.unwrap());
        }
        let waited = begun.elapsed();
        assert!(waited > Duration::from_millis(950) && waited < Duration::from_millis(1100), "{waited:?}");
        let begun = Instant::now();
        drop(gates.pass("b.test", PATIENCE).await.unwrap());
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn the_names_of_one_network_share_its_rate() {
        let gates = gates(100, 1000);
        let ask = async |host: &str, address: &str| {
            drop(gates.pass(host, PATIENCE).await.unwrap());
            gates.connect(host, address.parse().unwrap(), PATIENCE).await.unwrap();
        };
        let begun = Instant::now();
        for number in 0..60 {
            ask(&format!("{number}.victim.test"), &format!("203.0.113.{number}")).await;
        }
        let waited = begun.elapsed();
        assert!(waited > Duration::from_millis(1900) && waited < Duration::from_millis(2100), "{waited:?}");
        // Over a connection that is open already it is the same.
        for number in 0..20 {
            drop(gates.pass(&format!("{number}.victim.test"), PATIENCE).await.unwrap());
        }
        assert!(begun.elapsed() > Duration::from_millis(2900), "{:?}", begun.elapsed());
        let begun = Instant::now();
        ask("elsewhere.test", "198.51.100.1").await;
        ask("v6.test", "2001:db8:1::1").await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[test]
    fn a_network_is_what_one_owner_has_at_least() {
        let network = |address: &str| network_of(address.parse().unwrap()).to_string();
        assert_eq!(network("203.0.113.7"), "203.0.113.0/24");
        assert_eq!(network("::ffff:203.0.113.7"), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2::3"), "2001:db8:1::/48");
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_and_networks_nobody_asks_are_forgotten() {
        let gates = gates(1, 1000);
        let ask = async |number: usize| {
            let host = format!("{number}.test");
            drop(gates.pass(&host, PATIENCE).await.unwrap());
            let address = [10, u8::try_from(number >> 8).unwrap(), u8::try_from(number & 255).unwrap(), 1];
            gates.connect(&host, address.into(), PATIENCE).await.unwrap();
        };
        for number in 0..KEPT {
            ask(number).await;
        }
        advance(Duration::from_secs(1)).await;
        ask(KEPT).await;
        assert_eq!((lock(&gates.hosts).len(), lock(&gates.networks).len()), (1, 1));
    }
}
