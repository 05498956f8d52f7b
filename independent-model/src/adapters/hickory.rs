//! DNS: TXT records for the proof of handles, addresses for the guard of the HTTP client.
//!
//! Hickory's resolver, and before it, for what is plainly answered, `datagram`; no other file knows hickory. Names are
//! always absolute and search lists are dropped, so no local domain is ever appended; nothing is cached here, the
//! resolver does that; a truncated answer is asked again over TCP.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{DNSClass, Name, RData, Record, RecordType},
    },
    system_conf::read_system_conf,
};
use namesake::http::{AddressError, AddressFuture, Addresses, HttpSettings};
use tokio::time::{Instant, timeout_at};

use super::{WorldSetupError, datagram::Datagrams};
use crate::{Dns, DnsFailure, PortFuture, TxtAnswer, TxtRecord};

/// What part of the time for an answer a datagram has, before the resolver asks.
const PARTS: u32 = 4;

/// Asks name servers: the system's, or those that were configured.
#[derive(Debug, Clone)]
pub struct HickoryDns {
    datagrams: Datagrams,
    resolver: TokioResolver,
    timeout: Duration,
}

/// A setting that names no name server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name server: write 192.0.2.1, 192.0.2.1:53, tls://192.0.2.1:853#name or https://192.0.2.1/dns-query#name"
)]
pub struct InvalidNameserver(String);

impl HickoryDns {
    /// Over these name servers; none: the system's, without its search list. Those that speak TLS are judged as `http`
    /// says.
    ///
    /// # Errors
    /// [`WorldSetupError`] when a setting names no name server, or the resolver cannot be made.
    pub fn new(
        nameservers: &[String],
        timeout: Duration,
        http: &HttpSettings,
    ) -> Result<Self, WorldSetupError> {
        let servers = match nameservers {
            [] => system_nameservers(),
            named => named.iter().map(|text| nameserver(text)).collect::<Result<_, _>>()?,
        };
        let datagrams = Datagrams::new(&servers, timeout / PARTS);
        let config = ResolverConfig::from_name_servers(servers);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_tls_config(http.tls()?);
        *builder.options_mut() = options(timeout);
        let resolver = builder.build().map_err(|error| WorldSetupError::Dns(error.to_string()))?;
        Ok(Self { datagrams, resolver, timeout })
    }

    /// One question about an absolute name, within the deadline; `Err(No)` when the answer is a definite no.
    async fn ask(&self, name: &Name, kind: RecordType) -> Result<Result<Vec<Record>, No>, DnsFailure> {
        let deadline = Instant::now() + self.timeout;
        if let Some(answer) = self.datagrams.ask(name, kind).await {
            return Ok(answer);
        }
        // Boxed: few need it, and all would carry it.
        timeout_at(deadline, Box::pin(self.resolve(name, kind))).await.unwrap_or(Err(DnsFailure::Timeout))
    }

    async fn resolve(&self, name: &Name, kind: RecordType) -> Result<Result<Vec<Record>, No>, DnsFailure> {
        let error = match self.resolver.lookup(name.clone(), kind).await {
            Ok(lookup) => return Ok(Ok(lookup.answers().to_vec())),
            Err(error) => error,
        };
        let no = classify(&error)?;
        match unvouched(&error) {
            Some(last) if self.is_alias(last).await? => Err(DnsFailure::Other),
            _ => Ok(Err(no)),
        }
    }

    async fn is_alias(&self, name: &Name) -> Result<bool, DnsFailure> {
        match self.resolver.lookup(name.clone(), RecordType::CNAME).await {
            Ok(_) => Ok(true),
            Err(error) => classify(&error).map(|_| false),
        }
    }
}

/// A definite no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum No {
    Domain,
    Data,
}

fn options(timeout: Duration) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.attempts = 1;
    options.edns0 = true;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.preserve_intermediates = true;
    options
}

/// As resolv.conf(5) has it: without one, the name server on this machine.
fn system_nameservers() -> Vec<NameServerConfig> {
    let local = || vec![NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into())];
    read_system_conf().map_or_else(|_| local(), |(config, _)| config.name_servers().to_vec())
}

fn nameserver(text: &str) -> Result<NameServerConfig, InvalidNameserver> {
    let invalid = || InvalidNameserver(text.chars().take(100).collect());
    let (scheme, rest) = text.split_once("://").unwrap_or(("dns", text));
    let (address, name) = rest.split_once('#').map_or((rest, None), |(address, name)| (address, Some(name)));
    let (address, path) = match (scheme, address.find('/')) {
        ("https", Some(at)) => (&address[..at], Some(Arc::from(&address[at..]))),
        _ => (address, None),
    };
    let (ip, port) = match (address.parse::<SocketAddr>(), address.trim_matches(['[', ']']).parse::<IpAddr>())
    {
        (Ok(socket), _) => (socket.ip(), Some(socket.port())),
        (_, Ok(ip)) => (ip, None),
        _ => return Err(invalid()),
    };
    // Without a name the certificate must be for the address.
    let name: Arc<str> = name.map_or_else(|| ip.to_string().into(), Into::into);
    let mut connections = match scheme {
        "dns" | "udp" => vec![ConnectionConfig::udp(), ConnectionConfig::tcp()],
        "tcp" => vec![ConnectionConfig::tcp()],
        "tls" => vec![ConnectionConfig::tls(name)],
        "https" => vec![ConnectionConfig::https(name, path)],
        _ => return Err(invalid()),
    };
    for connection in &mut connections {
        connection.port = port.unwrap_or(connection.port);
    }
    Ok(NameServerConfig::new(ip, true, connections))
}

/// Tells a definite no (RFC 2308) from everything else. A referral is no answer: that server does not look names up.
fn classify(error: &NetError) -> Result<No, DnsFailure> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Ok(No::Domain),
            ResponseCode::NoError if none.ns.is_none() || none.soa.is_some() => Ok(No::Data),
            _ => Err(DnsFailure::Other),
        },
        NetError::Dns(DnsError::ResponseCode(ResponseCode::ServFail)) => Err(DnsFailure::ServFail),
        NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => Err(DnsFailure::Refused),
        NetError::Timeout => Err(DnsFailure::Timeout),
        _ => Err(DnsFailure::Other),
    }
}

/// The name that was asked last, when "no data" comes without a zone's word for it (an SOA). Hickory says just that, too,
/// where it gave up on aliases in a circle or in too long a chain, which proves nothing.
fn unvouched(error: &NetError) -> Option<&Name> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none))
            if none.response_code == ResponseCode::NoError && none.soa.is_none() =>
        {
            Some(none.query.name())
        }
        _ => None,
    }
}

/// The records that belong to `name`, through the CNAMEs of the answer, and the shortest ttl on the way.
pub(super) fn belonging<'a>(name: &Name, answers: &'a [Record]) -> (Vec<&'a RData>, u32) {
    let aliased = aliased(name, answers);
    let (mut found, mut ttl) = (Vec::new(), u32::MAX);
    for record in answers {
        let belongs = record.name == *name || aliased.contains(&record.name);
        if belongs && record.dns_class == DNSClass::IN {
            ttl = ttl.min(record.ttl);
            found.push(&record.data);
        }
    }
    (found, ttl)
}

/// The names that CNAMEs of the answer lead to from `name`: mostly none.
fn aliased<'a>(name: &Name, answers: &'a [Record]) -> HashSet<&'a Name> {
    let mut names = HashSet::new();
    // A chain is as long as the answer at most, in whatever order its records come.
    for _ in answers {
        let before = names.len();
        for record in answers {
            if let RData::CNAME(target) = &record.data
                && (record.name == *name || names.contains(&record.name))
            {
                names.insert(&target.0);
            }
        }
        if names.len() == before {
            break;
        }
    }
    names
}

impl Dns for HickoryDns {
    fn txt<'a>(&'a self, name: &'a str) -> PortFuture<'a, TxtAnswer, DnsFailure> {
        Box::pin(async move {
            let name = absolute(name).ok_or(DnsFailure::Other)?;
            let answers = match self.ask(&name, RecordType::TXT).await? {
                Ok(answers) => answers,
                Err(No::Domain) => return Ok(TxtAnswer::NoDomain),
                Err(No::Data) => return Ok(TxtAnswer::NoData),
            };
            let (found, ttl) = belonging(&name, &answers);
            let records: Vec<_> = found
                .into_iter()
                .filter_map(|data| match data {
                    RData::TXT(txt) => {
                        Some(TxtRecord(txt.txt_data.iter().map(|text| text.to_vec()).collect()))
                    }
                    _ => None,
                })
                .collect();
            if records.is_empty() {
                return Ok(TxtAnswer::NoData);
            }
            Ok(TxtAnswer::Records { records, ttl: Duration::from_secs(ttl.into()) })
        })
    }
}

impl Addresses for HickoryDns {
    fn addresses<'a>(&'a self, host: &'a str) -> AddressFuture<'a> {
        Box::pin(async move {
            let name = absolute(host).ok_or(AddressError::NoAddress)?;
            let (v6, v4) = tokio::join!(self.ask(&name, RecordType::AAAA), self.ask(&name, RecordType::A));
            let mut failure = None;
            let mut found = Vec::new();
            for answer in [v6, v4] {
                match answer {
                    Ok(Ok(answers)) => {
                        found.extend(belonging(&name, &answers).0.into_iter().filter_map(address));
                    }
                    Ok(Err(No::Domain | No::Data)) => {}
                    Err(reason) => failure = Some(reason),
                }
            }
            match failure {
                Some(reason) if found.is_empty() => Err(AddressError::Failed(reason.to_string())),
                None if found.is_empty() => Err(AddressError::NoAddress),
                _ => Ok(found),
            }
        })
    }
}

fn address(data: &RData) -> Option<IpAddr> {
    match data {
        RData::A(a) => Some(a.0.into()),
        RData::AAAA(aaaa) => Some(aaaa.0.into()),
        _ => None,
    }
}

/// A name that no search list applies to.
fn absolute(text: &str) -> Option<Name> {
    let labels = text.strip_suffix('.').unwrap_or(text).split('.');
    let mut name = Name::from_labels(labels.map(str::as_bytes)).ok()?;
    name.set_fqdn(true);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::nameserver;

    #[test]
    fn name_servers_are_addresses() {
        let ports = |text| -> Vec<u16> {
            nameserver(text).unwrap().connections.iter().map(|connection| connection.port).collect()
        };
        assert_eq!(ports("192.0.2.1"), [53, 53]);
        assert_eq!(ports("192.0.2.1:5353"), [5353, 5353]);
        assert_eq!(ports("2001:db8::1"), [53, 53]);
        assert_eq!(ports("[2001:db8::1]:5353"), [5353, 5353]);
        assert_eq!(ports("tls://192.0.2.1#dns.example.com"), [853]);
        assert_eq!(ports("tls://192.0.2.1:8853#dns.example.com"), [8853]);
        assert_eq!(ports("https://192.0.2.1#dns.example.com"), [443]);
        assert_eq!(ports("https://192.0.2.1:8443/resolve#dns.example.com"), [8443]);
        for text in [
            "",
            "dns.example.com",
            "ftp://192.0.2.1",
            "192.0.2.1:99999",
            "192.0.2.1:x",
            "192.0.2.1/resolve",
            "tls://192.0.2.1/resolve#dns.example.com",
        ] {
            assert!(nameserver(text).is_err(), "{text:?}");
        }
    }
}
