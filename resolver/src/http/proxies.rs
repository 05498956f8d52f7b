//! From whom a request came, where proxies stand in front.
//!
//! A proxy that is trusted adds the address it was called from to one header, behind what was there before. So the
//! list is read from its end: what our own proxies wrote is true, and the first address that is no proxy's is the
//! client. What stands before it, and every other header, the client wrote itself.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use namesake::shares::Client;

/// The proxies in front of the service.
#[derive(Debug, Clone)]
pub struct Proxies {
    /// Networks whose connections are proxies'.
    pub trusted: Vec<IpNet>,
    /// The header in which they tell from whom a request came: `x-forwarded-for`, `x-real-ip`, `forwarded` (RFC 7239) …
    pub header: HeaderName,
}

impl Default for Proxies {
    fn default() -> Self {
        Self { trusted: Vec::new(), header: HeaderName::from_static("x-forwarded-for") }
    }
}

impl Proxies {
    /// Whether a connection from `address` is a proxy's, which brings many clients.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The client whose request came from `peer` with these headers.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        if self.trusted.is_empty() || !self.trusts(peer) {
            return Client::at(peer);
        }
        let lines = headers.get_all(&self.header).into_iter().rev();
        let told = lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        let mut nearest = peer;
        for text in told {
            // Behind what cannot be read nothing can be believed.
            let Some(address) = self.address(text) else { break };
            nearest = address;
            if !self.trusts(address) {
                break;
            }
        }
        Client::at(nearest)
    }

    /// One element of the list: an address, perhaps with a port.
    fn address(&self, text: &str) -> Option<IpAddr> {
        let text = match self.header == http::header::FORWARDED {
            true => forwarded_for(text)?,
            false => text.trim(),
        };
        let text = text.trim_matches('"');
        let socket = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
        let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
        text.parse().ok().or_else(socket).or_else(bracketed)
    }
}

/// The `for` of one element of `Forwarded` (RFC 7239 section 4).
fn forwarded_for(element: &str) -> Option<&str> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| name.eq_ignore_ascii_case("for")).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn proxies(header: &'static str) -> Proxies {
        let trusted = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        Proxies { trusted: trusted.into(), header: HeaderName::from_static(header) }
    }

    fn client(proxies: &Proxies, peer: &str, lines: &[(&'static str, &'static str)]) -> Client {
        let headers = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            });
        proxies.client(peer.parse().unwrap(), &headers)
    }

    #[test]
    fn the_last_address_that_is_no_proxys_is_the_client() {
        let proxies = proxies("x-forwarded-for");
        for (peer, told, expected) in [
            ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
            ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
            ("127.0.0.1", "198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
            ("::ffff:127.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
            ("fd00::1", "[2001:db8:1::5]:443", "2001:db8:1::"),
            ("127.0.0.1", "10.0.0.9", "10.0.0.9"),
            ("127.0.0.1", "", "127.0.0.1"),
            ("127.0.0.1", "203.0.113.7, unknown", "127.0.0.1"),
            ("127.0.0.1", "unknown, 10.0.0.9", "10.0.0.9"),
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ] {
            let seen = client(&proxies, peer, &[("x-forwarded-for", told)]);
            assert_eq!(seen, Client::at(expected.parse().unwrap()), "{peer} {told}");
        }
    }

    #[test]
    fn lines_are_one_list_and_other_headers_are_the_clients_own() {
        let seen = client(
            &proxies("x-forwarded-for"),
            "127.0.0.1",
            &[
                ("x-forwarded-for", "198.51.100.1"),
                ("x-forwarded-for", "203.0.113.7"),
                ("x-real-ip", "192.0.2.1"),
                ("forwarded", "for=192.0.2.2"),
            ],
        );
        assert_eq!(seen, Client::at("203.0.113.7".parse().unwrap()));
        let seen = client(&proxies("x-real-ip"), "127.0.0.1", &[("x-forwarded-for", "198.51.100.1")]);
        assert_eq!(seen, Client::at("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn the_standard_header_is_read_too() {
        let proxies = proxies("forwarded");
        for (told, expected) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("for=198.51.100.1, For=\"[2001:db8:cafe::17]:4711\";proto=https", "2001:db8:cafe::"),
            ("for=192.0.2.1, for=_hidden", "127.0.0.1"),
        ] {
            let seen = client(&proxies, "127.0.0.1", &[("forwarded", told)]);
            assert_eq!(seen, Client::at(expected.parse().unwrap()), "{told}");
        }
    }

    #[test]
    fn without_proxies_every_header_is_the_clients_own() {
        let seen = client(&Proxies::default(), "127.0.0.1", &[("x-forwarded-for", "203.0.113.7")]);
        assert_eq!(seen, Client::at("127.0.0.1".parse().unwrap()));
    }
}
