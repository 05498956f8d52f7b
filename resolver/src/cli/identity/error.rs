//! Why a command about an identity did not do its work.

use std::{io, path::Path};

use namesake_independent::webvh::Fault;

use super::Outcome;

#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum IdentityError {
    /// What was typed, or what is in a file that was named.
    #[error("{0}")]
    Input(String),
    /// A definite no.
    #[error("{0}")]
    Refused(String),
    /// Another time it may work.
    #[error("{0}")]
    Temporary(String),
    /// An entry that no server would take.
    #[error("this entry cannot be made: {fault} ({})", fault.rule())]
    Entry { fault: Fault },
    #[error("{what}")]
    File { what: String, source: io::Error },
}

impl IdentityError {
    pub(super) fn file(verb: &str, path: &Path, source: io::Error) -> Self {
        Self::File { what: format!("cannot {verb} {}", path.display()), source }
    }

    pub(in crate::cli) fn outcome(&self) -> Outcome {
        match self {
            Self::Input(_) => Outcome::BadInput,
            Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound => Outcome::BadInput,
            Self::Refused(_) | Self::Entry { .. } => Outcome::NotFound,
            Self::Temporary(_) | Self::File { .. } => Outcome::Failed,
        }
    }
}

impl From<Fault> for IdentityError {
    fn from(fault: Fault) -> Self {
        Self::Entry { fault }
    }
}
