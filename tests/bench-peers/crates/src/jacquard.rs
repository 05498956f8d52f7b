//! `jacquard-identity` has two ways to the DNS. Its own resolver (feature `dns`) cannot be told a server, and in 0.12.2 has none
//! at all: it is made of hickory's default configuration, which became empty in hickory 0.26. Without the feature it asks a DoH
//! service for JSON through the HTTP client it is given; so ours answers that from the name server, without any HTTP.

use std::{error::Error, net::SocketAddr, time::Duration};

use jacquard_common::{http_client::HttpClient, types::string::Handle};
use jacquard_identity::{
    CacheConfig, JacquardResolver,
    resolver::{IdentityResolver as _, ResolverOptions},
};
use serde_json::json;

use crate::{BoxError, Peer, dns::Dns};

/// What is measured.
pub(crate) const NAME: &str = "jacquard-identity 0.12.2 with its cache, over hickory-resolver 0.26 in place of a DoH service: its own DNS cannot be aimed";

pub(crate) struct Jacquard(JacquardResolver<Doh>);

impl Jacquard {
    pub(crate) fn new(nameserver: SocketAddr) -> Result<Self, BoxError> {
        let resolver = JacquardResolver::new(Doh(Dns::new(nameserver)?), ResolverOptions::default());
        // As large as the others'.
        let cache = CacheConfig::default().with_handle_cache(10_000, Duration::from_secs(3600));
        Ok(Self(resolver.with_cache_config(cache)))
    }
}

impl Peer for Jacquard {
    async fn resolve(&self, handle: &str) -> Result<String, BoxError> {
        let handle: Handle<&str> = Handle::new(handle)?;
        Ok(self.0.resolve_handle(&handle).await?.to_string())
    }
}

struct Doh(Dns);

impl HttpClient for Doh {
    type Error = Refused;

    async fn send_http(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, Refused> {
        let query = request.uri().query().and_then(|query| query.strip_prefix("name="));
        let name = query.and_then(|query| query.strip_suffix("&type=TXT")).ok_or(Refused)?;
        let records = self.0.txt(name).await.map_err(|_| Refused)?;
        let answers: Vec<_> = records
            .iter()
            .map(|text| json!({ "name": name, "type": 16, "TTL": 300, "data": format!("\"{text}\"") }))
            .collect();
        Ok(http::Response::new(json!({ "Status": 0, "Answer": answers }).to_string().into_bytes()))
    }
}

/// No web host has any of these names, and nothing but questions for TXT records reaches the DNS.
#[derive(Debug)]
struct Refused;

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no such host or name")
    }
}

impl Error for Refused {}
