//! Who a question is asked for.

use std::{
    future::Future,
    net::{IpAddr, Ipv6Addr},
};

/// Somebody whose questions share one part of what this service can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// The service itself: polls, sweeps, the command line, an embedder.
    Ours,
    /// An IPv4 address, or the first address of an IPv6 /64, the least that a provider gives a customer (RFC 6177).
    Network(IpAddr),
}

tokio::task_local! {
    static ON_BEHALF_OF: Client;
}

impl Client {
    /// The client at `address`.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self::Network(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        })
    }

    /// The client on whose behalf the running task asks; [`Client::Ours`] where nobody said.
    #[must_use]
    pub fn current() -> Self {
        ON_BEHALF_OF.try_with(|client| *client).unwrap_or(Self::Ours)
    }

    /// Runs `question` on behalf of this client.
    ///
    /// Queues below ask [`Client::current`], since the contract and the ports between here and there have no use for it.
    pub fn asks<F: Future>(self, question: F) -> impl Future<Output = F::Output> {
        ON_BEHALF_OF.scope(self, question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_ipv4_address_or_an_ipv6_network() {
        let client = |address: &str| Client::at(address.parse().unwrap());
        assert_eq!(client("192.0.2.1"), client("::ffff:192.0.2.1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:2"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
    }

    #[tokio::test]
    async fn a_question_knows_for_whom_it_is_asked() {
        let client = Client::at("192.0.2.1".parse().unwrap());
        assert_eq!(client.asks(async { Client::current() }).await, client);
        assert_eq!(Client::current(), Client::Ours);
    }
}
