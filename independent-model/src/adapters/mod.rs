//! The I/O: one file for each way to the outside, each behind a port of the same name.
//!
//! * `dns`: TXT records, and the addresses the HTTP guard checks;
//! * `web`: hosts that strangers name, for `/.well-known/atproto-did` and `did:web`;
//! * `directory`: the configured directory of `did:plc`;
//! * `pds`: profile records;
//! * `firehose`, `cursor_file`: the events of a configured host, and the place in their stream.

mod cursor_file;
mod directory;
mod dns;
mod firehose;
mod pds;
mod web;

use std::sync::Arc;

use namesake::{
    ErrorKind, ResolveError,
    http::{HttpClient, HttpSetupError},
};

pub use cursor_file::CursorFile;
pub use directory::PlcDirectory;
pub use dns::{HickoryDns, InvalidNameserver};
pub use firehose::Firehose;
pub use pds::PdsHttp;
pub use web::WebHosts;

use crate::{Ports, WorldSettings};

impl Ports {
    /// The real world.
    ///
    /// # Errors
    /// [`WorldSetupError`] when the settings cannot be used.
    pub fn world(settings: &WorldSettings) -> Result<Self, WorldSetupError> {
        let dns = Arc::new(HickoryDns::of(settings)?);
        let discovered = HttpClient::discovered(&settings.http, dns.clone())?;
        let configured = HttpClient::configured(&settings.http)?;
        let web = Arc::new(WebHosts::new(discovered.clone()));
        Ok(Self {
            dns,
            well_known: web.clone(),
            directory: Arc::new(PlcDirectory::new(configured, settings.plc_url.clone())?),
            did_web: web,
            pds: Arc::new(PdsHttp::new(discovered)),
        })
    }
}

/// Settings the world cannot be reached with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorldSetupError {
    /// A name server setting that is none.
    #[error(transparent)]
    Nameserver(#[from] InvalidNameserver),
    /// The resolver of DNS names cannot be made.
    #[error("the DNS cannot be used: {0}")]
    Dns(String),
    /// The HTTP client cannot be made.
    #[error(transparent)]
    Http(#[from] HttpSetupError),
    /// `plc_url` is no base of paths.
    #[error("the directory's URL must be http or https, without query")]
    Directory,
    /// The URL of events is no stream's.
    #[error("the URL of events must be ws or wss, without query")]
    Events,
}

/// What a caller can do about a status that is neither a success nor a definite no: a redirect is against the rules,
/// everything else may pass (also a 403, by which hosts and directories ward off a client for a while).
fn odd_status(who: &str, status: http::StatusCode) -> ResolveError {
    let kind = match status.as_u16() {
        429 => ErrorKind::Throttled,
        300..=399 => ErrorKind::BadAnswer,
        _ => ErrorKind::Unavailable,
    };
    ResolveError::new(kind, format!("{who} answers {}", status.as_u16()))
}
