//! DNS: TXT records for the proof of handles, addresses for the guard of the HTTP client.
//!
//! ```text
//!   nameserver, resolv_conf, system   who is asked
//!   servers                           in turn, each with a head start
//!     server                          one of them: in a datagram, and where that does not do, over a connection
//!       datagram                      the plain case
//!       resolver                      hickory's, over TCP, TLS or HTTPS
//!   question                          what is asked, and what an answer means      pure
//! ```
//!
//! No other file knows hickory. Names are always absolute, so no local domain is ever appended; nothing is cached here.
//!
//! A resolver does more for a question (it measures its servers, and asks several), and that takes five times what the
//! plain case needs: so hickory's is for what a datagram does not answer.

mod datagram;
mod nameserver;
mod question;
mod resolv_conf;
mod resolver;
mod server;
mod servers;
mod system;

use std::{net::IpAddr, path::Path, sync::Arc, time::Duration};

use hickory_resolver::proto::rr::{Name, RData, RecordType};
use namesake::http::{AddressError, AddressFuture, Addresses, HttpSettings};

use self::{
    nameserver::NameServer,
    question::{No, Said},
    servers::{Reach, Servers},
    system::System,
};
use super::WorldSetupError;
use crate::{Dns, DnsFailure, PortFuture, TxtAnswer, TxtRecord, WorldSettings};

pub use nameserver::InvalidNameserver;

/// Asks name servers: the system's, or those that were configured.
#[derive(Debug, Clone)]
pub struct HickoryDns(Who);

#[derive(Debug, Clone)]
enum Who {
    Configured(Arc<Servers>),
    System(Arc<System>),
}

impl HickoryDns {
    /// Over the name servers of these settings: those that are named there, or the system's.
    ///
    /// # Errors
    /// [`WorldSetupError`] when a setting names no name server, or the resolver cannot be made.
    pub fn of(settings: &WorldSettings) -> Result<Self, WorldSetupError> {
        let WorldSettings { nameservers, resolv_conf, dns_timeout, http, .. } = settings;
        match nameservers.as_slice() {
            [] => Self::system(resolv_conf, *dns_timeout, http),
            named => Self::new(named, *dns_timeout, http),
        }
    }

    /// Over these name servers, each question within `timeout`. Those that speak TLS are judged as `http` says.
    ///
    /// # Errors
    /// [`WorldSetupError`] when a setting names no name server, or the resolver cannot be made.
    pub fn new(
        nameservers: &[String],
        timeout: Duration,
        http: &HttpSettings,
    ) -> Result<Self, WorldSetupError> {
        let named: Vec<_> =
            nameservers.iter().map(|text| NameServer::parse(text)).collect::<Result<_, _>>()?;
        let servers = Servers::new(&named, &Reach { timeout, http: http.clone() })?;
        Ok(Self(Who::Configured(Arc::new(servers))))
    }

    /// Over the system's name servers, which are in this resolv.conf(5); it is looked at again when it changed.
    ///
    /// # Errors
    /// [`WorldSetupError`] when the resolver cannot be made. A file that is not there is none: it may come.
    pub fn system(
        resolv_conf: &Path,
        timeout: Duration,
        http: &HttpSettings,
    ) -> Result<Self, WorldSetupError> {
        let system = System::new(resolv_conf.to_owned(), Reach { timeout, http: http.clone() })?;
        Ok(Self(Who::System(Arc::new(system))))
    }

    async fn ask(&self, name: &Name, kind: RecordType) -> Result<Said, DnsFailure> {
        match &self.0 {
            Who::Configured(servers) => servers.ask(name, kind).await,
            Who::System(system) => system.servers().ask(name, kind).await,
        }
    }
}

impl Dns for HickoryDns {
    fn txt<'a>(&'a self, name: &'a str) -> PortFuture<'a, TxtAnswer, DnsFailure> {
        Box::pin(async move {
            let name = absolute(name).ok_or(DnsFailure::Other)?;
            let (data, ttl) = match self.ask(&name, RecordType::TXT).await? {
                Said::Records { data, ttl } => (data, ttl),
                Said::No(No::Domain) => return Ok(TxtAnswer::NoDomain),
                Said::No(No::Data) => return Ok(TxtAnswer::NoData),
            };
            let records = data.into_iter().filter_map(|data| match data {
                RData::TXT(txt) => Some(TxtRecord(txt.txt_data.iter().map(|text| text.to_vec()).collect())),
                _ => None,
            });
            Ok(TxtAnswer::Records { records: records.collect(), ttl: Duration::from_secs(ttl.into()) })
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
                    Ok(Said::Records { data, .. }) => found.extend(data.iter().filter_map(address)),
                    Ok(Said::No(No::Domain | No::Data)) => {}
                    Err(reason) => failure = Some(reason),
                }
            }
            match failure {
                Some(reason) if found.is_empty() => Err(AddressError::Failed(reason.to_string())),
                Some(reason) => Err(AddressError::Partly { found, reason: reason.to_string() }),
                None if found.is_empty() => Err(AddressError::NoAddress),
                None => Ok(found),
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
