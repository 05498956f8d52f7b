//! Somebody removed our app at the upstream, or asked there for their data to be deleted.
//!
//! Source: Meta for Developers, "Deauthorize callback" and "Data Deletion Request Callback": a form with a
//! `signed_request`; a deletion is answered with a page to look at and a code.

use namesake::{AccountId, Timestamp, store::Commit};
use serde::{Serialize, Serializer};
use url::{Url, form_urlencoded};

use crate::{
    MirrorModel, RegisterError, WebhookError,
    records::{Deletion, ForeignKey},
    register::Outcome,
    secret::random_text,
    signed_request,
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
        if let Some(account) = self.subject(form).await? {
            self.unlink(&account).await?;
        }
        Ok(())
    }

    /// The person wants their data deleted: it is, at once. Unknown people get a code as well.
    ///
    /// # Errors
    /// [`WebhookError`] when the form is not from the upstream, or cannot be honoured now.
    pub async fn delete_requested(&self, form: &[u8]) -> Result<DeletionReceipt, WebhookError> {
        if let Some(account) = self.subject(form).await? {
            self.erase(&account).await?;
        }
        let confirmation_code = random_text(&*self.randomness);
        let key = self.register.keys.deletion(&confirmation_code).map_err(RegisterError::from)?;
        let slot = self.register.read::<Deletion>(key).await?;
        let commit =
            slot.put(Commit::new(), &Deletion { at: self.clock.now() }).map_err(RegisterError::from)?;
        if self.register.commit(commit).await? != Outcome::Done {
            return Err(RegisterError::Contended.into());
        }
        let mut url = self.settings.public("delete");
        url.query_pairs_mut().append_pair("code", &confirmation_code);
        Ok(DeletionReceipt { url, confirmation_code })
    }

    /// When a deletion that was asked for was done. Nothing else of it is remembered.
    ///
    /// # Errors
    /// [`WebhookError::NoSuchRequest`] when no such code was given out.
    pub async fn deletion_status(&self, code: &str) -> Result<Timestamp, WebhookError> {
        let key = self.register.keys.deletion(code).map_err(RegisterError::from)?;
        let slot = self.register.read::<Deletion>(key).await?;
        slot.value().map(|deletion| deletion.at).ok_or(WebhookError::NoSuchRequest)
    }

    /// The account a form is about, if it is ours.
    async fn subject(&self, form: &[u8]) -> Result<Option<AccountId>, WebhookError> {
        let signed = form_urlencoded::parse(form)
            .find_map(|(field, value)| (field == "signed_request").then_some(value))
            .ok_or(WebhookError::Malformed)?;
        let id = signed_request::open(&signed, &self.settings.webhook_secrets)?;
        let foreign = ForeignKey { source: self.upstream.source().clone(), id };
        Ok(self.register.foreign(&foreign).await?.value().cloned())
    }
}

fn as_text<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(url.as_str())
}
