//! Hickory's resolver for one name server: what is asked over a connection, by TCP, TLS or HTTPS.

use std::{io, net::SocketAddr, pin::Pin, time::Duration};

use hickory_resolver::{
    Resolver as Hickory,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{
        DnsError, NetError,
        runtime::{RuntimeProvider, TokioRuntimeProvider},
    },
    proto::{
        op::ResponseCode,
        rr::{Name, RecordType},
    },
};

use super::{
    nameserver::{NameServer, Speaks},
    question::{No, Said, records},
    servers::Reach,
};
use crate::{DnsFailure, adapters::WorldSetupError};

/// One name server, over connections that are kept.
#[derive(Debug, Clone)]
pub(super) struct Resolver(Hickory<Scoped>);

impl Resolver {
    pub(super) fn new(server: &NameServer, reach: &Reach) -> Result<Self, WorldSetupError> {
        let mut connection = match &server.speaks {
            Speaks::Datagrams | Speaks::Tcp => ConnectionConfig::tcp(),
            Speaks::Tls { name } => ConnectionConfig::tls(name.clone()),
            Speaks::Https { name, path } => ConnectionConfig::https(name.clone(), path.clone()),
        };
        connection.port = server.address.port();
        let config = NameServerConfig::new(server.address.ip(), true, vec![connection]);
        let provider = Scoped { tokio: TokioRuntimeProvider::default(), server: server.address };
        let config = ResolverConfig::from_name_servers(vec![config]);
        let mut builder = Hickory::builder_with_config(config, provider).with_tls_config(reach.http.tls()?);
        *builder.options_mut() = options(reach.timeout);
        builder.build().map(Self).map_err(|error| WorldSetupError::Dns(error.to_string()))
    }

    /// What the server says about an absolute name. Aliases are followed.
    pub(super) async fn ask(&self, name: &Name, kind: RecordType) -> Result<Said, DnsFailure> {
        let error = match self.0.lookup(name.clone(), kind).await {
            Ok(lookup) => {
                let found = records(name, kind, lookup.answers().to_vec());
                return Ok(found.unwrap_or(Said::No(No::Data)));
            }
            Err(error) => error,
        };
        let no = classify(&error)?;
        match unvouched(&error) {
            Some(last) if self.is_alias(last).await? => Err(DnsFailure::Other),
            _ => Ok(Said::No(no)),
        }
    }

    async fn is_alias(&self, name: &Name) -> Result<bool, DnsFailure> {
        match self.0.lookup(name.clone(), RecordType::CNAME).await {
            Ok(_) => Ok(true),
            Err(error) => classify(&error).map(|_| false),
        }
    }
}

fn options(timeout: Duration) -> ResolverOpts {
    let mut options = ResolverOpts::default();
    options.timeout = timeout;
    options.attempts = 1;
    // It is for datagrams, and a server that does not understand it refuses the question over TCP, too.
    options.edns0 = false;
    options.case_randomization = true;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.preserve_intermediates = true;
    options
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

/// Connects to the one server there is, by its whole address: hickory's has no interface, which link-local ones need.
#[derive(Clone)]
struct Scoped {
    tokio: TokioRuntimeProvider,
    server: SocketAddr,
}

impl RuntimeProvider for Scoped {
    type Handle = <TokioRuntimeProvider as RuntimeProvider>::Handle;
    type Timer = <TokioRuntimeProvider as RuntimeProvider>::Timer;
    type Udp = <TokioRuntimeProvider as RuntimeProvider>::Udp;
    type Tcp = <TokioRuntimeProvider as RuntimeProvider>::Tcp;

    fn create_handle(&self) -> Self::Handle {
        self.tokio.create_handle()
    }

    fn connect_tcp(
        &self,
        _: SocketAddr,
        local: Option<SocketAddr>,
        timeout: Option<Duration>,
    ) -> Pin<Box<dyn Future<Output = io::Result<Self::Tcp>> + Send>> {
        self.tokio.connect_tcp(self.server, local, timeout)
    }

    fn bind_udp(
        &self,
        local: SocketAddr,
        _: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Self::Udp>> + Send>> {
        self.tokio.bind_udp(local, self.server)
    }
}
