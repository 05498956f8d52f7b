//! Name servers as they are written: in our settings, and in resolv.conf(5).

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs as _},
    sync::Arc,
};

/// Where a name server is, and what it is asked by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameServer {
    pub(super) address: SocketAddr,
    pub(super) speaks: Speaks,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Speaks {
    /// And TCP, where a datagram does not do.
    Datagrams,
    Tcp,
    Tls {
        /// Of the certificate.
        name: Arc<str>,
    },
    Https {
        name: Arc<str>,
        path: Option<Arc<str>>,
    },
}

/// A setting that names no name server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name server: write 192.0.2.1, 192.0.2.1:53, tls://192.0.2.1:853#name or https://192.0.2.1/dns-query#name"
)]
pub struct InvalidNameserver(String);

impl NameServer {
    /// As it is written in a setting.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidNameserver> {
        let invalid = || InvalidNameserver(text.chars().take(100).collect());
        let (scheme, rest) = text.split_once("://").unwrap_or(("dns", text));
        let (address, name) =
            rest.split_once('#').map_or((rest, None), |(address, name)| (address, Some(name)));
        let (address, path) = match (scheme, address.find('/')) {
            ("https", Some(at)) => (&address[..at], Some(Arc::from(&address[at..]))),
            _ => (address, None),
        };
        let port = match scheme {
            "dns" | "udp" | "tcp" => 53,
            "tls" => 853,
            "https" => 443,
            _ => return Err(invalid()),
        };
        let address = address_of(address, port).ok_or_else(invalid)?;
        // Without a name the certificate must be for the address.
        let name: Arc<str> = name.map_or_else(|| address.ip().to_string().into(), Into::into);
        let speaks = match scheme {
            "tcp" => Speaks::Tcp,
            "tls" => Speaks::Tls { name },
            "https" => Speaks::Https { name, path },
            _ => Speaks::Datagrams,
        };
        Ok(Self { address, speaks })
    }

    /// Nobody on the way can read the question.
    pub(super) fn is_asked_in_secret(&self) -> bool {
        matches!(self.speaks, Speaks::Tls { .. } | Speaks::Https { .. })
    }
}

/// The address in a text: with a port, or with that one.
pub(super) fn address_of(text: &str, port: u16) -> Option<SocketAddr> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, number)) if host.ends_with(']') || !host.contains(':') => (host, number.parse().ok()?),
        _ => (text, port),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match host.split_once('%') {
        Some((address, interface)) => scoped(address.parse().ok()?, interface, port),
        None => Some(SocketAddr::new(host.parse::<IpAddr>().ok()?, port)),
    }
}

/// An IPv6 address behind an interface (RFC 4007 section 11), which says nothing where the address is the same on all.
fn scoped(address: Ipv6Addr, interface: &str, port: u16) -> Option<SocketAddr> {
    if !address.is_unicast_link_local() {
        return Some(SocketAddr::new(address.into(), port));
    }
    if let Ok(index) = interface.parse() {
        return Some(SocketAddrV6::new(address, port, 0, index).into());
    }
    // No name is looked up: the text is an address, and only its interface has to be found.
    (format!("{address}%{interface}"), port).to_socket_addrs().ok()?.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> String {
        NameServer::parse(text).unwrap().address.to_string()
    }

    #[test]
    fn name_servers_are_addresses() {
        assert_eq!(address("192.0.2.1"), "192.0.2.1:53");
        assert_eq!(address("192.0.2.1:5353"), "192.0.2.1:5353");
        assert_eq!(address("tcp://192.0.2.1"), "192.0.2.1:53");
        assert_eq!(address("2001:db8::1"), "[2001:db8::1]:53");
        assert_eq!(address("[2001:db8::1]"), "[2001:db8::1]:53");
        assert_eq!(address("[2001:db8::1]:5353"), "[2001:db8::1]:5353");
        assert_eq!(address("tls://192.0.2.1#dns.example.com"), "192.0.2.1:853");
        assert_eq!(address("tls://192.0.2.1:8853#dns.example.com"), "192.0.2.1:8853");
        assert_eq!(address("https://192.0.2.1#dns.example.com"), "192.0.2.1:443");
        assert_eq!(address("https://192.0.2.1:8443/resolve#dns.example.com"), "192.0.2.1:8443");
        for text in [
            "",
            "dns.example.com",
            "dns.example.com%lo",
            "192.0.2.1%lo",
            "ftp://192.0.2.1",
            "192.0.2.1:99999",
            "192.0.2.1:x",
            "[192.0.2.1",
            "192.0.2.1/resolve",
            "tls://192.0.2.1/resolve#dns.example.com",
            "fe80::1%no-such-interface",
        ] {
            assert!(NameServer::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_link_local_address_is_behind_an_interface() {
        assert_eq!(address("fe80::1%7"), "[fe80::1%7]:53");
        assert_eq!(address("[fe80::1%7]:5353"), "[fe80::1%7]:5353");
        let loopback = address("fe80::1%lo");
        assert!(loopback.starts_with("[fe80::1%") && loopback != "[fe80::1%0]:53", "{loopback}");
        assert_eq!(address("2001:db8::1%lo"), "[2001:db8::1]:53");
    }

    #[test]
    fn a_name_server_that_is_asked_in_secret_is_known_by_a_name() {
        let speaks = |text| NameServer::parse(text).unwrap().speaks;
        assert_eq!(speaks("tls://192.0.2.1"), Speaks::Tls { name: "192.0.2.1".into() });
        assert_eq!(speaks("tls://192.0.2.1#dns.example.com"), Speaks::Tls { name: "dns.example.com".into() });
        let https = Speaks::Https { name: "dns.example.com".into(), path: Some("/resolve".into()) };
        assert_eq!(speaks("https://192.0.2.1/resolve#dns.example.com"), https);
    }
}
