//! Somebody removed our app at the upstream, or asked there for their data to be deleted.
//!
//! Source: Meta for Developers, "Deauthorize callback" and "Data Deletion Request Callback": a form with a
//! `signed_request`; a deletion is answered with a page to look at and a code.

use data_encoding::BASE64URL_NOPAD;
use namesake::{
    AccountId, Timestamp,
    store::{Commit, Key},
};
use serde::{Serialize, Serializer};
use url::{Url, form_urlencoded};

use crate::{
    MirrorModel, RegisterError, WebhookError,
    records::{Deletion, ForeignKey},
    register::{ATTEMPTS, Outcome},
    secret::hash,
    signed_request::{self, Signed},
};

/// The answer to a data-deletion request, in the shape Meta asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeletionReceipt {
    /// Where a person can see what became of it: `<public_url>/mirror/<scheme>/delete?code=…`.
    #[serde(serialize_with = "as_text")]
    pub url: Url,
    /// The code to ask with.
    pub confirmation_code: String,
}

impl MirrorModel {
    /// The person removed our app: the link is cut and the name released at once. Unknown people are fine.
    ///
    /// # Errors
    /// [`WebhookError`] when the form is not from the upstream, or cannot be honoured now.
    pub async fn deauthorize(&self, form: &[u8]) -> Result<(), WebhookError> {
        if let Some(account) = self.subject(&self.signed(form)?).await? {
            self.unlink(&account).await?;
        }
        Ok(())
    }

    /// The person wants their data deleted: it is, at once. Unknown people get a code as well. A request that comes again
    /// gets its own code again, and deletes nothing that is there since.
    ///
    /// # Errors
    /// [`WebhookError`] when the form is not from the upstream, or cannot be honoured now.
    pub async fn delete_requested(&self, form: &[u8]) -> Result<DeletionReceipt, WebhookError> {
        let signed = self.signed(form)?;
        // The signature is a secret of those who made or saw the request, and so is what is made of it.
        let confirmation_code = hash(&BASE64URL_NOPAD.encode(&signed.signature));
        let key = self.register.keys.deletion(&confirmation_code).map_err(RegisterError::from)?;
        if self.register.read::<Deletion>(key.clone()).await?.value().is_none() {
            if let Some(account) = self.subject(&signed).await? {
                self.erase(&account).await?;
            }
            self.note_deletion(key).await?;
        }
        let mut url = self.settings.public("delete");
        url.query_pairs_mut().append_pair("code", &confirmation_code);
        Ok(DeletionReceipt { url, confirmation_code })
    }

    async fn note_deletion(&self, key: Key) -> Result<(), RegisterError> {
        for _ in 0..ATTEMPTS {
            let slot = self.register.read::<Deletion>(key.clone()).await?;
            if slot.value().is_some() {
                return Ok(());
            }
            let commit = slot.put(Commit::new(), &Deletion { at: self.clock.now() })?;
            if self.register.commit(commit).await? == Outcome::Done {
                return Ok(());
            }
        }
        Err(RegisterError::Contended)
    }

    /// When a deletion that was asked for was done. Nothing else of it is remembered, and that only for
    /// [`MirrorSettings::deletion_record_ttl`](crate::MirrorSettings::deletion_record_ttl).
    ///
    /// # Errors
    /// [`WebhookError::NoSuchRequest`] when no such code was given out.
    pub async fn deletion_status(&self, code: &str) -> Result<Timestamp, WebhookError> {
        let key = self.register.keys.deletion(code).map_err(RegisterError::from)?;
        let slot = self.register.read::<Deletion>(key).await?;
        slot.value().map(|deletion| deletion.at).ok_or(WebhookError::NoSuchRequest)
    }

    /// The request in a form, if the upstream issued it, and lately.
    fn signed(&self, form: &[u8]) -> Result<Signed, WebhookError> {
        let signed = form_urlencoded::parse(form)
            .find_map(|(field, value)| (field == "signed_request").then_some(value))
            .ok_or(WebhookError::Malformed)?;
        let settings = &self.settings;
        signed_request::open(
            &signed,
            &settings.webhook_secrets,
            // By the upstream's clock it was issued.
            self.running.wall(),
            settings.signed_request_ttl,
        )
    }

    /// The account a request is about, if it is here.
    async fn subject(&self, signed: &Signed) -> Result<Option<AccountId>, RegisterError> {
        let foreign = ForeignKey { source: self.upstream.source().clone(), id: signed.user.clone() };
        Ok(self.register.foreign(&foreign).await?.into_value())
    }
}

fn as_text<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(url.as_str())
}
