//! `atproto-identity` is given a hickory resolver, which can be aimed. It has a cache of documents, but none of handles: what is
//! remembered is the DNS answer, in hickory. It always waits for the web host too.

use std::{net::SocketAddr, sync::Arc};

use atproto_identity::resolve::{HickoryDnsResolver, resolve_handle};
use hickory_resolver_025::{
    TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig},
    name_server::TokioConnectionProvider,
    proto::xfer::Protocol,
};
use reqwest::{
    Client,
    dns::{Name, Resolve, Resolving},
};

use crate::{BoxError, Peer};

/// What is measured.
pub(crate) const NAME: &str = "atproto-identity 0.14.5 over hickory-resolver 0.25, in which DNS answers are cached: it has no cache of handles";

pub(crate) struct Atproto {
    dns: HickoryDnsResolver,
    http: Client,
}

impl Atproto {
    pub(crate) fn new(nameserver: SocketAddr) -> Result<Self, BoxError> {
        let mut config = ResolverConfig::new();
        config.add_name_server(NameServerConfig::new(nameserver, Protocol::Udp));
        let mut builder = TokioResolver::builder_with_config(config, TokioConnectionProvider::default());
        let options = builder.options_mut();
        options.edns0 = true;
        options.use_hosts_file = ResolveHosts::Never;
        // The default is 32, fewer than there are names.
        options.cache_size = 10_000;
        let http = Client::builder().no_proxy().dns_resolver(Arc::new(NoWeb)).build()?;
        Ok(Self { dns: HickoryDnsResolver::new(builder.build()), http })
    }
}

impl Peer for Atproto {
    async fn resolve(&self, handle: &str) -> Result<String, BoxError> {
        Ok(resolve_handle(&self.http, &self.dns, handle).await?)
    }
}

/// No web host has any of these names.
struct NoWeb;

impl Resolve for NoWeb {
    fn resolve(&self, _: Name) -> Resolving {
        Box::pin(async { Err("no such host".into()) })
    }
}
