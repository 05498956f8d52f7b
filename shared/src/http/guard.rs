//! Which addresses a discovered host may have: public ones, and the networks an operator allowed.
//!
//! The tables are the IANA special-purpose address registries (RFC 6890 and its updates). An IPv6 address that
//! carries an IPv4 one (mapped, NAT64, 6to4) is judged by what it carries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Whether a connection to `address` may be made.
pub(super) fn is_allowed(address: IpAddr, allow_networks: &[IpNet]) -> bool {
    let address = address.to_canonical();
    is_in(address, allow_networks) || is_public(address)
}

/// Whether `address` is in a network the operator named.
pub(super) fn is_in(address: IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(&address.to_canonical()))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)               // this network, private, loopback, multicast, reserved, broadcast
        | (100, 64..=127, _)                     // carrier-grade NAT (RFC 6598)
        | (169, 254, _)                          // link-local, and the metadata services of the clouds
        | (172, 16..=31, _) | (192, 168, _)      // private (RFC 1918)
        | (192, 0, 0 | 2) | (192, 88, 99)        // protocol assignments, documentation, 6to4 relays
        | (198, 18 | 19, _)                      // benchmarking (RFC 2544)
        | (198, 51, 100) | (203, 0, 113) // documentation (RFC 5737)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low), // NAT64 (RFC 6052)
        [0x2002, high, low, ..] => embedded(high, low),               // 6to4 (RFC 3056)
        [0x2001, 0..=0x01ff, ..] => false, // Teredo, ORCHID, benchmarking, other protocol assignments (RFC 2928)
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => false, // documentation (RFC 3849, RFC 9637)
        [first, ..] => first & 0xe000 == 0x2000, // all that is global unicast (RFC 4291 section 2.4)
    }
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn special_purpose_addresses_are_refused_in_every_spelling() {
        let refused = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:0a00:0001::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "3fff::1",
            "100::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ];
        for text in refused {
            assert!(!is_allowed(text.parse().unwrap(), &[]), "{text} must be refused");
        }
    }

    #[test]
    fn public_addresses_are_allowed() {
        for text in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "198.17.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "64:ff9b::1.1.1.1",
            "::ffff:8.8.8.8",
            "2002:0808:0808::1",
            "2001:4860:4860::8888",
        ] {
            assert!(is_allowed(text.parse().unwrap(), &[]), "{text} must be allowed");
        }
    }

    #[test]
    fn an_operator_can_open_a_network() {
        let loopback = ["127.0.0.0/8".parse().unwrap()];
        assert!(is_allowed("127.0.0.1".parse().unwrap(), &loopback));
        assert!(is_allowed("::ffff:127.0.0.1".parse().unwrap(), &loopback), "mapped is the same address");
        assert!(!is_allowed("10.0.0.1".parse().unwrap(), &loopback));
    }
}
