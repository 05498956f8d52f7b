//! What an account has claimed, from its log.

use namesake::{ErrorKind, Lookup, ResolveError};

use crate::{
    Did, DidMethod, DocumentAnswer, IndependentModel,
    plc::{self, HeldHandle, Log},
};

/// What an account has claimed, from a log that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The handles, the oldest first.
    pub handles: Vec<HeldHandle>,
    /// Whether the account was closed.
    pub deactivated: bool,
}

impl IndependentModel {
    /// The handles that `did` has claimed, from its log: of a `did:plc` the audit log, which is checked whatever the
    /// settings say; of an account that lives here its own. Nothing is said about whether the DNS confirmed a claim at
    /// its time.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for methods other than plc, temporary kinds when the directory failed,
    /// [`ErrorKind::BadAnswer`] when the log does not hold.
    pub async fn history(&self, did: &Did) -> Result<Lookup<History>, ResolveError> {
        if let Some(hosted) = self.host_of(did) {
            return self.registered_history(hosted, did).await;
        }
        let unsupported = |message| Err(ResolveError::new(ErrorKind::Unsupported, message));
        match did.method() {
            DidMethod::Plc => Ok(match self.log_of(did).await? {
                Some(log) => {
                    Lookup::known(History { handles: log.handles(), deactivated: log.is_deactivated() })
                }
                None => Lookup::unknown(),
            }),
            DidMethod::Web(_) => unsupported(
                "a did:web keeps no history: its document is what its host says today, and nobody signs or logs what \
                 it said before",
            ),
            DidMethod::Other => unsupported("only did:plc and did:web are supported"),
        }
    }

    /// The checked log of a `did:plc`, if the directory has one.
    async fn log_of(&self, did: &Did) -> Result<Option<Log>, ResolveError> {
        let Some(bytes) = self.ports.directory.log(did).await? else { return Ok(None) };
        let checked = {
            let did = did.clone();
            // Up to seconds of arithmetic, for a log of the greatest length: not on a thread that others wait for.
            tokio::task::spawn_blocking(move || plc::verify(&did, &bytes)).await
        };
        match checked {
            Ok(Ok(log)) => Ok(Some(log)),
            Ok(Err(invalid)) => {
                let message = format!("the log of {did} does not prove its document: {invalid}");
                Err(ResolveError::caused(ErrorKind::BadAnswer, message, invalid))
            }
            Err(error) => {
                Err(ResolveError::caused(ErrorKind::Internal, "the check of a log did not end", error))
            }
        }
    }

    pub(crate) async fn logged_document(&self, did: &Did) -> Result<DocumentAnswer, ResolveError> {
        Ok(match self.log_of(did).await?.as_ref().map(Log::document) {
            Some(Some(document)) => DocumentAnswer::Found(document.to_string().into()),
            Some(None) => DocumentAnswer::Deactivated,
            None => DocumentAnswer::NotFound,
        })
    }
}
