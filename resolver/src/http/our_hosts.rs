//! Whether a request came to the host of an account that lives here, or of a handle: pure, and the same for everybody
//! else's requests.

use http::{HeaderMap, Uri, header};
use namesake_independent::{Hostname, hosted::HostedSettings};
use url::Url;

/// The domains below which hosts are not the service's own.
#[derive(Debug)]
pub(crate) struct OurHosts {
    domains: Vec<String>,
    /// The service's own host, wherever it lies.
    own: String,
}

impl OurHosts {
    pub(crate) fn new(settings: &HostedSettings, public_url: &Url) -> Self {
        let domains = settings.handle_domains.iter().chain([&settings.id_domain]);
        Self {
            domains: domains.map(ToString::to_string).collect(),
            own: public_url.host_str().unwrap_or_default().to_ascii_lowercase(),
        }
    }

    /// The host a request came to, if that is below a domain of ours and not the service's own. Every request pays for
    /// this: it compares endings, and writes nothing. The text may still be no host name.
    pub(crate) fn below<'a>(&self, uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
        let host = host_of(uri, headers)?;
        (self.domains.iter().any(|domain| is_below(host, domain)) && !host.eq_ignore_ascii_case(&self.own))
            .then_some(host)
    }
}

/// What a certificate or a request is for, as a name: in lower case, without a final dot.
pub(crate) fn name_of(host: &str) -> Option<Hostname> {
    Hostname::parse(without_dot(host)).ok()
}

/// The host without its port: of an absolute request target, which counts before the header (RFC 9112 section 3.2.2),
/// or of the one `Host`.
fn host_of<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let authority = match uri.authority() {
        Some(authority) => authority.as_str(),
        None => {
            let mut hosts = headers.get_all(header::HOST).into_iter();
            hosts.next().filter(|_| hosts.next().is_none())?.to_str().ok()?
        }
    };
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    Some(without_dot(host))
}

fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// By label: `alice.example.com` is below `example.com`, `badexample.com` is not.
fn is_below(host: &str, domain: &str) -> bool {
    let Some(before) = host.len().checked_sub(domain.len() + 1) else { return false };
    let (host, domain) = (host.as_bytes(), domain.as_bytes());
    host[before] == b'.' && host[before + 1..].eq_ignore_ascii_case(domain)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn hosts() -> OurHosts {
        let domain = |name| Hostname::parse(name).unwrap();
        let settings = HostedSettings::new(vec![domain("example.com")], domain("id.example.net"));
        OurHosts::new(&settings, &Url::parse("https://App.example.com:8443").unwrap())
    }

    /// What [`OurHosts::below`] says of a request with this target and these `Host` headers.
    fn below(target: &str, named: &[&str]) -> Option<String> {
        let request = named.iter().fold(Request::get(target), |request, host| request.header("host", *host));
        let request = request.body(()).unwrap();
        hosts().below(request.uri(), request.headers()).map(ToOwned::to_owned)
    }

    #[test]
    fn hosts_below_our_domains_are_told_from_all_others() {
        for (host, expected) in [
            ("alice.example.com", Some("alice.example.com")),
            ("ALICE.Example.Com:443", Some("ALICE.Example.Com")),
            ("alice.example.com.", Some("alice.example.com")),
            ("alice.example.com.:80", Some("alice.example.com")),
            ("a.b.example.com", Some("a.b.example.com")),
            ("u2.id.example.net", Some("u2.id.example.net")),
            // No host name, and still not the service's.
            ("a_b.example.com", Some("a_b.example.com")),
            (".example.com", Some(".example.com")),
            ("example.com", None),
            ("id.example.net", None),
            ("badexample.com", None),
            ("app.example.com", None),
            ("APP.example.com:1", None),
            ("example.com.evil.test", None),
            ("alice.example.com:x", None),
            ("alice.example.com..", None),
            ("127.0.0.1:8080", None),
            ("[::1]:8080", None),
            ("", None),
            (":80", None),
        ] {
            assert_eq!(below("/", &[host]).as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn an_absolute_target_counts_and_two_hosts_do_not() {
        assert_eq!(below("http://a.example.com/", &["x"]).as_deref(), Some("a.example.com"));
        assert_eq!(below("http://x/", &["a.example.com"]), None);
        assert_eq!(below("/", &["a.example.com", "a.example.com"]), None);
        assert_eq!(below("/", &[]), None);
    }

    #[test]
    fn names_are_read_strictly() {
        assert_eq!(name_of("Alice.Example.com.").unwrap().as_str(), "alice.example.com");
        for text in ["", ".", "a_b.example.com", ".example.com", "a.example.com..", "[::1]", "a b.c"] {
            assert!(name_of(text).is_none(), "{text}");
        }
    }
}
