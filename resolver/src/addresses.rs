//! Hosts in addresses, and whose names are meant there: who the host is decides, never the order of backends.
//!
//! Somebody who pastes `https://www.threads.net/@alice` means the alice of Threads. A mirror of another upstream may have
//! an alice, too; she is somebody else.

use namesake::Scheme;
use url::Url;

/// The hosts whose addresses are understood: this service's own, and those of the upstreams that are mirrored.
#[derive(Debug, Clone)]
pub struct Addresses {
    own: Url,
    upstreams: Vec<(Scheme, Site)>,
}

/// Where names are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Site {
    /// In ASCII and lower case, without `www.` and without a final dot.
    host: String,
    /// `None`: that of HTTPS.
    port: Option<u16>,
}

/// The mirrors whose upstream is at a host that an address named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtHost {
    /// The host, for people.
    pub host: String,
    /// The mirrors: more than one, and the address alone does not say whom it means; none, and it means nobody here.
    pub mirrors: Vec<Scheme>,
}

impl Addresses {
    /// Addresses of a service that is reached at `own` and mirrors nobody.
    #[must_use]
    pub fn new(own: Url) -> Self {
        Self { own, upstreams: Vec::new() }
    }

    /// The same, with a mirror and the hosts (`example.com`, `example.com:8443`) of its upstream.
    #[must_use]
    pub fn and(mut self, mirror: &Scheme, hosts: impl IntoIterator<Item = String>) -> Self {
        let sites = hosts.into_iter().filter_map(|host| Site::of(&at(&host)?));
        self.upstreams.extend(sites.map(|site| (mirror.clone(), site)));
        self
    }

    /// Where this service is reached.
    pub(crate) fn own(&self) -> &Url {
        &self.own
    }

    /// Whose names are meant at a host, perhaps with a port; `None` if it is no host.
    pub(crate) fn at(&self, host: &str) -> Option<AtHost> {
        at(host.trim_end()).map(|url| self.at_url(&url))
    }

    /// Whose names are meant at a URL.
    pub(crate) fn at_url(&self, url: &Url) -> AtHost {
        let site = Site::of(url);
        let means = |known: &Site| {
            site.as_ref().is_some_and(|site| {
                site.host == known.host && (site.port.is_none() || site.port == known.port)
            })
        };
        let mut mirrors: Vec<Scheme> = Vec::new();
        for (mirror, _) in self.upstreams.iter().filter(|(_, known)| means(known)) {
            if !mirrors.contains(mirror) {
                mirrors.push(mirror.clone());
            }
        }
        AtHost { host: site.map_or_else(String::new, |site| site.host), mirrors }
    }
}

impl AtHost {
    /// The same, if a scheme was named beside the address: a mirror that is not of this host is no answer to it.
    #[must_use]
    pub fn named(mut self, scheme: &Scheme) -> Self {
        // The word for all of them leaves open which is meant; a backend that is itself called so goes first.
        let is_word = scheme.as_str() == "mirror" && !self.mirrors.contains(scheme);
        if !is_word {
            self.mirrors.retain(|mirror| mirror == scheme);
        }
        self
    }
}

impl Site {
    fn of(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let host = host.strip_suffix('.').unwrap_or(host);
        let host = host.strip_prefix("www.").unwrap_or(host);
        Some(Self { host: host.to_owned(), port: url.port() })
    }
}

/// A host, perhaps with a port, as the URL parser understands it: Unicode in its ASCII form, in lower case.
fn at(host: &str) -> Option<Url> {
    if host.is_empty() || host.contains(['/', '\\', '?', '#', '@']) {
        return None;
    }
    Url::parse(&format!("https://{host}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        let scheme = |name| Scheme::parse(name).unwrap();
        let hosts = |hosts: &[&str]| hosts.iter().map(|host| (*host).to_owned()).collect::<Vec<_>>();
        Addresses::new("https://names.example".parse().unwrap())
            .and(&scheme("staff"), hosts(&["login.example"]))
            .and(&scheme("threads"), hosts(&["threads.net", "threads.com"]))
            .and(&scheme("guests"), hosts(&["WWW.Login.Example.:8443"]))
            .and(&scheme("local"), hosts(&["127.0.0.1:9000"]))
            .and(&scheme("umlaut"), hosts(&["b\u{fc}cher.example"]))
    }

    #[test]
    fn the_host_says_whose_names_are_meant() {
        for (host, expected) in [
            ("threads.net", &["threads"][..]),
            ("www.Threads.COM", &["threads"]),
            ("threads.net.", &["threads"]),
            ("threads.net:443", &["threads"]),
            ("threads.net:8443", &[]),
            ("m.threads.net", &[]),
            ("threads.net.evil.example", &[]),
            ("xn--bcher-kva.example", &["umlaut"]),
            ("B\u{dc}CHER.example", &["umlaut"]),
            // Both are at this host; where a port is named it has to be the upstream's.
            ("login.example", &["staff", "guests"]),
            ("www.login.example", &["staff", "guests"]),
            ("login.example:8443", &["guests"]),
            ("127.0.0.1", &["local"]),
            ("127.0.0.1:9000", &["local"]),
            ("127.0.0.1:9001", &[]),
        ] {
            let mirrors = addresses().at(host).unwrap().mirrors;
            assert_eq!(mirrors.iter().map(Scheme::as_str).collect::<Vec<_>>(), expected, "{host}");
        }
        for host in ["", "a b", "a/b", "a@b", "[", "threads.net:99999"] {
            assert_eq!(addresses().at(host), None, "{host}");
        }
    }

    #[test]
    fn a_scheme_named_beside_an_address_chooses_among_its_mirrors_and_no_others() {
        let at = |mirrors: &[&str]| AtHost {
            host: "login.example".to_owned(),
            mirrors: mirrors.iter().map(|name| Scheme::parse(name).unwrap()).collect(),
        };
        for (named, expected) in [
            ("staff", &["staff"][..]),
            ("guests", &["guests"]),
            ("mirror", &["staff", "guests"]),
            ("threads", &[]),
            ("independent", &[]),
        ] {
            assert_eq!(
                at(&["staff", "guests"]).named(&Scheme::parse(named).unwrap()),
                at(expected),
                "{named}"
            );
        }
        assert_eq!(at(&["staff", "mirror"]).named(&Scheme::parse("mirror").unwrap()), at(&["mirror"]));
    }
}
