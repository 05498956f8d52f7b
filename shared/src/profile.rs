//! What is shown for an account.

use serde::{Deserialize, Serialize};

use crate::{AccountId, AvatarUrl, Bio, DisplayName, Handle};

/// What a profile page shows. Every text in it was cleaned on entry.
///
/// Its URL is not here: which path reaches a name depends on the backends beside this one, so the resolver says it
/// (from [`crate::Policy::profile_path`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Whose profile this is.
    pub account: AccountId,
    /// The name it goes by today; `None` when it has none that can be proved.
    pub handle: Option<Handle>,
    /// The name it likes to be shown under.
    pub display_name: Option<DisplayName>,
    /// A few words about itself.
    pub bio: Option<Bio>,
    /// Where its picture is; never fetched by us.
    pub avatar: Option<AvatarUrl>,
    /// Whether the above is all there is.
    pub state: ProfileState,
}

impl Profile {
    /// An account without anything to show.
    #[must_use]
    pub const fn bare(account: AccountId) -> Self {
        let state = ProfileState::Current;
        Self { account, handle: None, display_name: None, bio: None, avatar: None, state }
    }
}

/// How complete and current a profile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileState {
    /// Everything the source has.
    Current,
    /// The source of the decoration did not answer in time; the identity stands.
    Unavailable,
    /// The source of the decoration did not answer in time: it is shown as it was before. A resolver says this, which
    /// remembers; a backend says [`Self::Unavailable`].
    Stale,
    /// The link to the upstream is dead: the owner must sign in there again before the handle returns.
    NeedsLogin,
}
