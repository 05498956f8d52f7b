//! A sign-in under way. It lives in the browser that began it, sealed, and nowhere here: whoever only asks writes nothing.
//!
//! What is here of it is the mark that it was used, which the commit of the link leaves, for as long as the browser could
//! bring it back.

use data_encoding::BASE64URL_NOPAD;
use namesake::{AccountId, Randomness, Timestamp};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::{RegisterError, Secret, TokenSealer, records::Keys, upstream::SignIn};

/// What the browser brings back, once it is opened.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pending {
    /// What the upstream has to send back with the browser.
    state: String,
    /// The PKCE verifier, which the upstream must be told at the end and nobody before.
    verifier: String,
    /// Who was signed in there.
    pub(crate) signed_in: Option<AccountId>,
    pub(crate) expires: Timestamp,
}

impl Pending {
    pub(crate) fn new(sign_in: &SignIn, signed_in: Option<AccountId>, expires: Timestamp) -> Self {
        let verifier = sign_in.verifier().expose().to_owned();
        Self { state: sign_in.state.clone(), verifier, signed_in, expires }
    }

    /// The text of the cookie: it opens at this mirror alone, and tells its bearer nothing.
    pub(crate) fn seal(
        &self,
        keys: &Keys,
        sealer: &TokenSealer,
        randomness: &dyn Randomness,
    ) -> Result<String, RegisterError> {
        let open = serde_json::to_string(self).map_err(|_| RegisterError::Sealing)?;
        let sealed = sealer.seal(&keys.sign_in(), &Secret::new(open), randomness);
        let sealed = sealed.map_err(|_| RegisterError::Sealing)?;
        Ok(BASE64URL_NOPAD.encode(&serde_json::to_vec(&sealed).map_err(|_| RegisterError::Sealing)?))
    }

    /// The sign-in that a cookie holds, if this mirror sealed it.
    pub(crate) fn open(cookie: &str, keys: &Keys, sealer: &TokenSealer) -> Option<Self> {
        let sealed = serde_json::from_slice(&BASE64URL_NOPAD.decode(cookie.as_bytes()).ok()?).ok()?;
        let open = sealer.open(&keys.sign_in(), &sealed).ok()?;
        serde_json::from_str(open.expose()).ok()
    }

    /// Whether the browser comes back from where this sign-in sent it, compared in constant time.
    pub(crate) fn is_of(&self, state: &str) -> bool {
        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }

    /// What the upstream is told at the end.
    pub(crate) fn resume(self, redirect: url::Url) -> SignIn {
        SignIn::resume(redirect, self.state, Secret::new(self.verifier))
    }
}

/// The mark of a sign-in that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Used {
    /// Until when the browser could bring it back.
    pub(crate) expires: Timestamp,
    /// Random: whoever made a commit that ended in doubt knows its own mark.
    pub(crate) by: String,
}
