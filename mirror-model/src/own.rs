//! One's own profile: seen, edited, deleted. The handle and the picture are not one's own here.

use namesake::{
    AccountId, Bio, DisplayName, Profile, Timestamp,
    store::{Commit, Slot},
};
use serde_json::{Map, Value};

use crate::{
    MirrorModel, OwnError, RegisterError, SessionToken,
    records::{Account, FormerHandle, Row},
    register::ATTEMPTS,
};

/// What its owner sees of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnProfile {
    /// What everybody sees.
    pub profile: Profile,
    /// Since when it goes by its name, or by none.
    pub handle_since: Timestamp,
    /// Names it held before, the newest last.
    pub former_handles: Vec<FormerHandle>,
    /// When it was first linked.
    pub linked_at: Timestamp,
}

/// A change of one's own texts. `None` leaves a field as it is; an empty text clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// The new display name.
    pub display_name: Option<String>,
    /// The new bio.
    pub bio: Option<String>,
}

impl Edit {
    /// Reads a JSON merge patch (RFC 7396) of `displayName` and `description`.
    ///
    /// # Errors
    /// [`OwnError`] for a field that is mirrored, one that does not exist, and a value that is no text.
    pub fn from_json(body: &[u8], model: &MirrorModel) -> Result<Self, OwnError> {
        let fields: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|_| OwnError::Malformed("a JSON object of fields to change is needed".to_owned()))?;
        let mut edit = Self::default();
        for (field, value) in fields {
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text,
                _ => return Err(OwnError::Malformed("a field is a text, or null to clear it".to_owned())),
            };
            edit.set(&field, text, model)?;
        }
        Ok(edit)
    }

    /// Takes the fields of a form, named as those of the merge patch; an empty one clears.
    ///
    /// # Errors
    /// As [`Edit::from_json`].
    pub fn from_form<'a>(
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
        model: &MirrorModel,
    ) -> Result<Self, OwnError> {
        let mut edit = Self::default();
        for (field, text) in fields {
            edit.set(field, text.to_owned(), model)?;
        }
        Ok(edit)
    }

    fn set(&mut self, field: &str, text: String, model: &MirrorModel) -> Result<(), OwnError> {
        let place = match field {
            "displayName" => &mut self.display_name,
            "description" | "bio" => &mut self.bio,
            "handle" => return Err(model.handle_is_mirrored()),
            "avatar" | "picture" => return Err(OwnError::PictureIsMirrored),
            _ => {
                return Err(OwnError::Malformed(
                    "only displayName and description can be changed".to_owned(),
                ));
            }
        };
        match place.replace(text) {
            // Two would leave open which of them counts.
            Some(_) => Err(OwnError::Malformed(format!("the field {field} is there twice"))),
            None => Ok(()),
        }
    }
}

impl MirrorModel {
    /// The answer to every attempt to write a handle, whoever makes it.
    #[must_use]
    pub fn handle_is_mirrored(&self) -> OwnError {
        OwnError::HandleIsMirrored { within_seconds: self.shows_within().as_secs() }
    }

    /// One's own profile.
    ///
    /// # Errors
    /// [`OwnError`]; without a sign-in for this account nothing is said about it.
    pub async fn own(&self, account: &AccountId, token: &SessionToken) -> Result<OwnProfile, OwnError> {
        let (_, stored) = self.authorize(account, token).await?;
        self.own_of(&stored).await
    }

    /// Changes one's own texts, cleaned as every text from outside is. What would be cut is refused: its author is there to
    /// shorten it.
    ///
    /// # Errors
    /// [`OwnError`]; nothing was changed then.
    pub async fn edit(
        &self,
        account: &AccountId,
        token: &SessionToken,
        edit: Edit,
    ) -> Result<OwnProfile, OwnError> {
        for _ in 0..ATTEMPTS {
            let (slot, mut next) = self.authorize(account, token).await?;
            if let Some(name) = &edit.display_name {
                let whole = DisplayName::whole(name);
                next.display_name = whole.map_err(|why| OwnError::TooLong { what: "display name", why })?;
            }
            if let Some(bio) = &edit.bio {
                next.bio = Bio::whole(bio).map_err(|why| OwnError::TooLong { what: "bio", why })?;
            }
            if slot.value() == Some(&next) {
                return self.own_of(&next).await;
            }
            let commit = slot.put(Commit::new(), &next).map_err(RegisterError::from)?;
            if self.finish(commit, account, next.handle.as_ref()).await? {
                return self.own_of(&next).await;
            }
        }
        Err(RegisterError::Contended.into())
    }

    /// Deletes everything here: the account, its names, its link, its sign-in, its token. Coming back makes a new
    /// account.
    ///
    /// # Errors
    /// [`OwnError`]; nothing was deleted then.
    pub async fn delete(&self, account: &AccountId, token: &SessionToken) -> Result<(), OwnError> {
        self.authorize(account, token).await?;
        Ok(self.erase(account).await?)
    }

    /// Deletes an account in one commit. None is fine: it is gone.
    pub(crate) async fn erase(&self, account: &AccountId) -> Result<(), RegisterError> {
        for _ in 0..ATTEMPTS {
            let slot = self.register.account(account).await?;
            let gone = match slot.value() {
                Some(stored) => {
                    let commit = self.erasure(&slot, stored).await?;
                    self.finish(commit, account, stored.handle.as_ref()).await?
                }
                None => true,
            };
            if gone {
                self.schedule.forget(account);
                self.freshness.forget(account);
                return Ok(());
            }
        }
        Err(RegisterError::Contended)
    }

    async fn erasure(&self, slot: &Slot<Account>, account: &Account) -> Result<Commit, RegisterError> {
        let keys = &self.register.keys;
        let mut commit = slot.clear(Commit::new());
        let link = self.register.foreign(&account.foreign).await?;
        commit = link.clear(commit);
        if let Some(session) = &account.session {
            commit = self.register.read::<AccountId>(keys.session(&session.hash)?).await?.clear(commit);
        }
        // Its name, and every name it left that nobody has taken since.
        let mut names: Vec<_> =
            account.former.iter().map(|former| &former.handle).chain(&account.handle).collect();
        names.sort();
        names.dedup();
        for name in names {
            let row = self.register.row(name).await?;
            let its = match row.value() {
                Some(Row::Held { account: by, .. } | Row::Released { by, .. }) => *by == account.account,
                None => false,
            };
            if its {
                commit = row.clear(commit);
            }
        }
        Ok(commit)
    }

    async fn own_of(&self, account: &Account) -> Result<OwnProfile, OwnError> {
        Ok(OwnProfile {
            profile: self.profile_of(account).await?,
            handle_since: account.handle_since,
            former_handles: account.former.clone(),
            linked_at: account.linked_at,
        })
    }
}
