//! `atrium-identity` leaves the DNS and HTTP to its user; `atrium-common` has the cache that goes with it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use atrium_api::types::string::Handle;
use atrium_common::{
    resolver::{CachedResolver, Resolver as _},
    types::cached::{
        CacheConfig, Cached,
        r#impl::{Cache as _, CacheImpl},
    },
};
use atrium_identity::handle::{AtprotoHandleResolver, AtprotoHandleResolverConfig, DnsTxtResolver};
use atrium_xrpc::{HttpClient, http};

use crate::{BoxError, Peer, dns::Dns};

/// What is measured.
pub(crate) const NAME: &str = "atrium-identity 0.2.0 and the cache of atrium-common, over hickory-resolver 0.26 through its DnsTxtResolver";

pub(crate) struct Atrium(CachedResolver<AtprotoHandleResolver<Txt, NoWeb>>);

impl Atrium {
    pub(crate) fn new(nameserver: SocketAddr) -> Result<Self, BoxError> {
        let resolver = AtprotoHandleResolver::new(AtprotoHandleResolverConfig {
            dns_txt_resolver: Txt(Dns::new(nameserver)?),
            http_client: Arc::new(NoWeb),
        });
        let cache = CacheConfig { max_capacity: Some(10_000), time_to_live: Some(Duration::from_secs(3600)) };
        Ok(Self(Cached::new(resolver, CacheImpl::new(cache))))
    }
}

impl Peer for Atrium {
    async fn resolve(&self, handle: &str) -> Result<String, BoxError> {
        let handle = Handle::new(handle.to_owned())?;
        Ok(self.0.resolve(&handle).await?.into())
    }
}

struct Txt(Dns);

impl DnsTxtResolver for Txt {
    async fn resolve(&self, query: &str) -> Result<Vec<String>, BoxError> {
        self.0.txt(query).await
    }
}

/// No web host has any of these names. It is asked only after the DNS has said no.
struct NoWeb;

impl HttpClient for NoWeb {
    async fn send_http(&self, _: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, BoxError> {
        Err("no such host".into())
    }
}
