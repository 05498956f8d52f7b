//! What a resolv.conf(5) says about name servers. Pure, and lenient.
//!
//! Whatever else is in it concerns others: our names are absolute, so no search list applies, and `[dns] timeout_ms` is the
//! time for everything. So a line that is not understood never costs the name servers of the others.

use super::nameserver::{NameServer, Speaks, address_of};

/// Of a name server that says no other.
pub(super) const PORT: u16 = 53;

/// The name servers of a file, in its order: all of them, not three as in the C library.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ResolvConf {
    pub(super) servers: Vec<NameServer>,
    /// What is said to be a name server, and is none.
    pub(super) not_understood: Vec<String>,
}

impl ResolvConf {
    pub(super) fn read(file: &[u8]) -> Self {
        let (mut addresses, mut not_understood) = (Vec::new(), Vec::new());
        let mut speaks = Speaks::Datagrams;
        for line in String::from_utf8_lossy(file).trim_start_matches('\u{feff}').lines() {
            let mut words = line.split([';', '#']).next().unwrap_or_default().split_whitespace();
            let keyword = words.next();
            if keyword == Some("options") && words.clone().any(|option| option == "use-vc") {
                speaks = Speaks::Tcp;
            }
            let named = words.next().filter(|_| keyword == Some("nameserver"));
            match named.map(|word| address_of(word, PORT).ok_or(word)) {
                Some(Ok(address)) if addresses.contains(&address) => {}
                Some(Ok(address)) => addresses.push(address),
                Some(Err(word)) => not_understood.push(word.chars().take(100).collect()),
                None => {}
            }
        }
        let servers = addresses.into_iter().map(|address| NameServer { address, speaks: speaks.clone() });
        Self { servers: servers.collect(), not_understood }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(file: &str) -> Vec<String> {
        let servers = ResolvConf::read(file.as_bytes()).servers;
        servers.iter().map(|server| server.address.to_string()).collect()
    }

    #[test]
    fn all_name_servers_count_in_their_order() {
        let file = "nameserver 192.0.2.4\nnameserver 2001:db8::1\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n\
                    nameserver 192.0.2.4\nnameserver 192.0.2.3";
        let expected = ["192.0.2.4:53", "[2001:db8::1]:53", "192.0.2.1:53", "192.0.2.2:53", "192.0.2.3:53"];
        assert_eq!(servers(file), expected);
    }

    #[test]
    fn what_else_is_in_the_file_costs_no_name_server() {
        for around in [
            "search .corp.test",
            "search corp..test example.com",
            "search",
            "domain corp..test",
            "domain .",
            "search -- lan Speedport_000 \u{fc}ber.test",
            "options ndots:99999999999 timeout:x attempts:-1 no-such-option edns0 trust-ad rotate",
            "sortlist 130.155.160.0/255.255.240.0 nonsense",
            "lookup file bind",
            "family inet6 inet4",
            "nameserver",
            "nameserver dns.example.com",
            "nameserver 192.0.2",
            "nameserver fe80::1%no-such-interface",
            "# nameserver 192.0.2.9",
            "; nameserver 192.0.2.9",
            "nonsense",
            "\0\0\0",
        ] {
            assert_eq!(
                servers(&format!("{around}\nnameserver 192.0.2.1\n{around}\n")),
                ["192.0.2.1:53"],
                "{around}"
            );
        }
        let bytes = [b"search \xff\xfe\n".as_slice(), b"nameserver 192.0.2.1\n"].concat();
        assert_eq!(ResolvConf::read(&bytes).servers.len(), 1);
    }

    #[test]
    fn a_line_may_be_written_in_many_ways() {
        for line in [
            "nameserver 192.0.2.1\r\n",
            "nameserver\t192.0.2.1",
            "  nameserver   192.0.2.1   ",
            "nameserver 192.0.2.1 # the router",
            "nameserver 192.0.2.1;the router",
            "nameserver 192.0.2.1 192.0.2.2",
            "\u{feff}nameserver 192.0.2.1",
        ] {
            assert_eq!(servers(line), ["192.0.2.1:53"], "{line:?}");
        }
        assert_eq!(servers("nameserver [2001:db8::1]:5353"), ["[2001:db8::1]:5353"]);
        assert_eq!(servers("nameserver fe80::1%7"), ["[fe80::1%7]:53"]);
    }

    #[test]
    fn what_is_no_name_server_is_told() {
        let read = ResolvConf::read(b"nameserver dns.example.com\nnameserver 192.0.2.1");
        assert_eq!((read.servers.len(), read.not_understood), (1, vec!["dns.example.com".to_owned()]));
    }

    #[test]
    fn tcp_where_the_file_says_so() {
        for (options, speaks) in [
            ("options use-vc", Speaks::Tcp),
            ("options edns0 use-vc ndots:2", Speaks::Tcp),
            ("options edns0", Speaks::Datagrams),
            ("# options use-vc", Speaks::Datagrams),
        ] {
            let file = format!("nameserver 192.0.2.1\n{options}\nnameserver 192.0.2.2");
            let read = ResolvConf::read(file.as_bytes()).servers;
            assert!(read.iter().all(|server| server.speaks == speaks) && read.len() == 2, "{options}");
        }
    }
}
