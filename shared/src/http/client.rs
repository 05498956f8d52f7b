//! The client: deadlines, redirects and body caps, over one of the two connectors.

use std::sync::Arc;

use super::{Addresses, Call, HttpError, HttpFailure, HttpSettings, Reply};

/// Sends calls; cheap to clone, pools its connections.
#[derive(Debug, Clone)]
pub struct HttpClient {}

/// Settings a client cannot be made of.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HttpSetupError(pub(super) String);

impl HttpClient {
    /// For hosts an operator configured.
    ///
    /// # Errors
    /// [`HttpSetupError`] when a certificate file cannot be read.
    pub fn configured(_settings: &HttpSettings) -> Result<Self, HttpSetupError> {
        Ok(Self {})
    }

    /// For hosts that strangers name.
    ///
    /// # Errors
    /// [`HttpSetupError`] when a certificate file cannot be read.
    pub fn discovered(
        _settings: &HttpSettings,
        _addresses: Arc<dyn Addresses>,
    ) -> Result<Self, HttpSetupError> {
        Ok(Self {})
    }

    /// Sends `call` and reads the whole answer.
    ///
    /// # Errors
    /// [`HttpError`] when there is no usable answer; any status is an answer.
    pub async fn send(&self, call: Call) -> Result<Reply, HttpError> {
        Err(HttpError::new(HttpFailure::Connect, call.url.to_string()))
    }
}
