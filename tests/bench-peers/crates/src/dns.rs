//! hickory-resolver, as Namesake uses it: over one name server, and nothing remembered.

use std::net::SocketAddr;

use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::RData,
};

use crate::BoxError;

/// For the crates that bring no resolver that can be aimed.
pub(crate) struct Dns(TokioResolver);

impl Dns {
    pub(crate) fn new(nameserver: SocketAddr) -> Result<Self, BoxError> {
        let mut server = NameServerConfig::udp_and_tcp(nameserver.ip());
        server.connections.iter_mut().for_each(|connection| connection.port = nameserver.port());
        let config = ResolverConfig::from_name_servers(vec![server]);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let options = builder.options_mut();
        options.attempts = 1;
        options.edns0 = true;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        Ok(Self(builder.build()?))
    }

    /// The TXT records of a name, each in one piece.
    pub(crate) async fn txt(&self, name: &str) -> Result<Vec<String>, BoxError> {
        // The whole name, and no search list.
        let name = format!("{}.", name.trim_end_matches('.'));
        let found = self.0.txt_lookup(name).await?;
        let records = found.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(txt) => Some(String::from_utf8_lossy(&txt.txt_data.concat()).into_owned()),
            _ => None,
        });
        Ok(records.collect())
    }
}
