//! Connections for protocols that begin as HTTP and go on as something else.

use std::sync::Arc;

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service as _;
use url::Url;

use super::{
    HttpError, HttpFailure, HttpSettings, HttpSetupError, connector::Tls, fault::classify, gate::Gates,
};

/// Opens connections to hosts an operator configured, as [`super::HttpClient::configured`] does, and hands them over.
#[derive(Debug, Clone)]
pub struct Dialer(Tls);

impl Dialer {
    /// With the connector and the roots of `settings`.
    ///
    /// # Errors
    /// [`HttpSetupError`] when a certificate file cannot be read.
    pub fn configured(settings: &HttpSettings) -> Result<Self, HttpSetupError> {
        let gates = Arc::new(Gates::new(settings.upstream_limits));
        Tls::new(settings, None, gates).map(Self)
    }

    /// A connection to the host of `url`: with TLS for `https` and `wss`, without for `http` and `ws`.
    ///
    /// # Errors
    /// [`HttpError`] when there is no connection.
    pub async fn dial(
        &self,
        url: &Url,
    ) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static, HttpError> {
        let scheme = match url.scheme() {
            "ws" => "http",
            "wss" => "https",
            other => other,
        };
        let host = url.host_str().unwrap_or_default();
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query("/").build();
        let uri = uri.map_err(|error| {
            HttpError::new(HttpFailure::Protocol, format!("{host} cannot be connected to")).because(error)
        })?;
        let connection = self.0.clone().call(uri).await;
        connection.map(TokioIo::new).map_err(|error| classify(&*error, host))
    }
}
