//! A private world in which one policy is lived, and what can be done and asked in it.

use std::{fmt, sync::Arc, time::Duration};

use super::{LabError, LabFuture};
use crate::{AccountId, ErrorKind, Handle, HandleResolver, Lookup, Policy, Profile, Timestamp, Trace, Why};

/// Somebody in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Person {
    /// Whom the question is about.
    Ann,
    /// Somebody else, who means well.
    Ben,
    /// A stranger, who wants somebody's name.
    Eve,
}

/// A part of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The display name.
    DisplayName,
    /// The bio.
    Bio,
    /// The picture, as an `https` URL.
    Picture,
}

/// The verbs of life. Names are wishes, such as `ann`: a subject makes its own kind of handle of them.
///
/// `#[non_exhaustive]`: a subject answers a verb it does not know with [`NotPlayed::UNKNOWN`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each verb says what its fields mean")]
pub enum Act {
    /// Somebody signs up, and goes by this name.
    Join { who: Person, wish: &'static str },
    /// Somebody signs up without an account anywhere else.
    JoinUnlinked { who: Person, wish: &'static str },
    /// Somebody with an account ties it to one more account elsewhere.
    LinkAnother { who: Person },
    /// Somebody changes their name in whatever way this scheme has, wherever that is.
    Rename { who: Person, wish: &'static str },
    /// Somebody asks *this service* to change their name.
    RenameHere { who: Person, wish: &'static str },
    /// Two people exchange their names.
    Swap { one: Person, other: Person },
    /// Hints of changes (webhooks, events) are lost from now on, or arrive again.
    LoseHints { lost: bool },
    /// Somebody edits a field of their profile where their name comes from.
    EditAtSource { who: Person, field: Field, text: &'static str },
    /// Somebody edits a field of their profile here.
    EditHere { who: Person, field: Field, text: &'static str },
    /// Somebody deletes their account here.
    Leave { who: Person },
    /// Somebody who left signs up again, as the same person, under the name they would have today.
    ComeBack { who: Person },
    /// Somebody tries to get a name by the scheme's ordinary means, whoever has or had it.
    Take { who: Person, wish: &'static str },
    /// Whoever controls a name where it comes from (the upstream, the owner of the domain) gives it to somebody.
    GiveAtSource { wish: &'static str, to: Person },
    /// Somebody asks for a name of two letters.
    TakeShort { who: Person },
    /// What names are asked of (the upstream, the DNS) is down from now on, or is back.
    SourceDown { down: bool },
    /// The registration of what carries a name (a domain, an upstream's account) ends; nobody renews it.
    Lapse { wish: &'static str },
    /// Somebody gets hold of what proves a name, without leave: the DNS, the registrar, the upstream's login.
    Hijack { wish: &'static str, by: Person },
    /// Whoever it was taken from gets it back.
    Recover { wish: &'static str, who: Person },
    /// Somebody moves from a name of the platform to a name of their own.
    MoveToOwnName { who: Person, wish: &'static str },
    /// Somebody asks for a name that looks like another to the eye.
    TakeConfusable { who: Person, of: &'static str },
    /// The upstream, or whoever runs this service where there is no upstream, bans somebody.
    BanUser { who: Person },
    /// The upstream bans this service.
    BanService,
    /// Somebody does nothing at all for so long.
    Dormant { who: Person, days: u32 },
    /// Somebody loses their password, key or device.
    LoseKey { who: Person },
    /// Somebody loses the mailbox they signed up with.
    LoseMail { who: Person },
    /// A name that somebody's employer controls is taken back by the employer.
    LeaveEmployer { who: Person, wish: &'static str },
    /// Somebody wants a name they once had to be shown nowhere any more.
    ForgetOldName { who: Person },
    /// Somebody wants everything about them erased.
    Erase { who: Person },
    /// A court orders that a name be taken from whoever has it and given to somebody else.
    Order { wish: &'static str, to: Person },
    /// A third party checks who goes by a name, without trusting this service.
    VerifyWithoutUs { who: Person },
    /// Somebody leaves this service for another and takes their name along.
    LeaveWithName { who: Person },
    /// The operator moves somebody to the opposite policy.
    ReversePolicy { who: Person },
}

/// What became of an [`Act`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, in these steps of whoever did it: each one thing that a person does.
    Done {
        /// The steps.
        steps: Vec<String>,
    },
    /// It cannot be done under this policy, or is refused, for this reason.
    Impossible {
        /// The reason.
        why: String,
    },
}

/// The error of an act that cannot be played in this world: what would happen depends on somebody who is not in it. The
/// cell is then not observed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotPlayed(pub String);

impl NotPlayed {
    /// For a verb that a subject does not know.
    pub const UNKNOWN: &str = "this column does not know it";

    /// As the error of an act.
    pub fn because<T>(why: impl Into<String>) -> Result<T, LabError> {
        Err(Box::new(Self(why.into())))
    }
}

/// What a lookup of a name said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Somebody goes by it.
    Held {
        /// Who.
        account: AccountId,
        /// Whether the answer is from memory because its source cannot be asked.
        stale: bool,
    },
    /// Nobody does.
    Nobody(Why),
    /// That could not be found out.
    Failed(ErrorKind),
}

/// What a lookup of an account said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Its profile.
    Profile(Box<Profile>),
    /// There is no such account any more.
    Nobody(Why),
    /// That could not be found out.
    Failed(ErrorKind),
}

/// A private world in which one policy is lived by real code. Its clock moves only when it is told to.
pub trait Subject: Send + Sync {
    /// What the policy of this column declares.
    fn policy(&self) -> &Policy;

    /// The handle that a wish becomes under this policy.
    fn handle(&self, wish: &str) -> Handle;

    /// Who somebody is here, if they have an account.
    fn account(&self, who: Person) -> Option<AccountId>;

    /// Does something, and waits until everything that follows from it at once has happened. [`NotPlayed`] is the
    /// error of what cannot be tried here; every other error is a fault of the lab.
    fn act<'a>(&'a mut self, act: &'a Act) -> LabFuture<'a, Outcome>;

    /// The way lookups go: as they come in from the network, cache and all.
    fn front(&self) -> Arc<dyn Front>;

    /// The time in this world.
    fn now(&self) -> Timestamp;

    /// Lets time pass, and happen what is due in it.
    fn pass(&mut self, time: Duration) -> LabFuture<'_, ()>;
}

/// How a subject's lookups are answered.
pub trait Front: Send + Sync {
    /// Who goes by a name?
    fn who<'a>(&'a self, handle: &'a Handle) -> LabFuture<'a, Seen>;

    /// What is shown for an account?
    fn shown<'a>(&'a self, account: &'a AccountId) -> LabFuture<'a, Shown>;

    /// Where is the profile of whoever goes by a name, without the origin?
    fn address<'a>(&'a self, handle: &'a Handle) -> LabFuture<'a, Option<String>>;
}

/// A backend without a cache in front of it.
impl<R: HandleResolver + ?Sized> Front for R {
    fn who<'a>(&'a self, handle: &'a Handle) -> LabFuture<'a, Seen> {
        Box::pin(async move {
            Ok(match self.resolve(handle, &Trace::OFF).await {
                Ok(Lookup::Found { value, .. }) => Seen::Held { account: value.account, stale: false },
                Ok(Lookup::Absent { why, .. }) => Seen::Nobody(why),
                Ok(Lookup::Pass) => Seen::Nobody(Why::Unknown),
                Err(error) => Seen::Failed(error.kind()),
            })
        })
    }

    fn shown<'a>(&'a self, account: &'a AccountId) -> LabFuture<'a, Shown> {
        Box::pin(async move {
            Ok(match self.profile(account, &Trace::OFF).await {
                Ok(Lookup::Found { value, .. }) => Shown::Profile(Box::new(Profile::clone(&value))),
                Ok(Lookup::Absent { why, .. }) => Shown::Nobody(why),
                Ok(Lookup::Pass) => Shown::Nobody(Why::Unknown),
                Err(error) => Shown::Failed(error.kind()),
            })
        })
    }

    fn address<'a>(&'a self, handle: &'a Handle) -> LabFuture<'a, Option<String>> {
        Box::pin(async move {
            let held = self.who(handle).await?.is_held();
            Ok(held.then(|| self.policy().profile_path.replace("{handle}", handle.as_str())))
        })
    }
}

impl Outcome {
    /// It was done in these steps.
    pub fn done<S: Into<String>>(steps: impl IntoIterator<Item = S>) -> Self {
        Self::Done { steps: steps.into_iter().map(Into::into).collect() }
    }

    /// It cannot be done.
    pub fn impossible(why: impl Into<String>) -> Self {
        Self::Impossible { why: why.into() }
    }

    /// Whether it was done.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

impl Seen {
    /// Whether this account goes by the name.
    #[must_use]
    pub fn is(&self, wanted: &AccountId) -> bool {
        matches!(self, Self::Held { account, .. } if account == wanted)
    }

    /// Whether anybody does.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }
}

impl Act {
    /// A person's part in it, in words for a transcript.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Join { who, wish } => format!("{who} signs up as {wish}"),
            Self::JoinUnlinked { who, wish } => {
                format!("{who} signs up as {wish}, without an account anywhere else")
            }
            Self::LinkAnother { who } => format!("{who} ties their account to a second account elsewhere"),
            Self::Rename { who, wish } => format!("{who} becomes {wish}"),
            Self::RenameHere { who, wish } => format!("{who} asks this service to be called {wish}"),
            Self::Swap { one, other } => format!("{one} and {other} exchange their names"),
            Self::LoseHints { lost: true } => "hints of changes are lost from now on".to_owned(),
            Self::LoseHints { lost: false } => "hints of changes arrive again".to_owned(),
            Self::EditAtSource { who, field, .. } => format!("{who} edits {field} where the name comes from"),
            Self::EditHere { who, field, .. } => format!("{who} edits {field} here"),
            Self::Leave { who } => format!("{who} deletes the account"),
            Self::ComeBack { who } => format!("{who} comes back"),
            Self::Take { who, wish } => format!("{who} tries to get {wish}"),
            Self::GiveAtSource { wish, to } => {
                format!("whoever controls {wish} at its source gives it to {to}")
            }
            Self::TakeShort { who } => format!("{who} asks for a name of two letters"),
            Self::SourceDown { down: true } => "what names are asked of goes down".to_owned(),
            Self::SourceDown { down: false } => "what names are asked of is back".to_owned(),
            Self::Lapse { wish } => format!("what carries {wish} lapses"),
            Self::Hijack { wish, by } => format!("{by} gets hold of what proves {wish}"),
            Self::Recover { wish, who } => format!("{who} gets back what proves {wish}"),
            Self::MoveToOwnName { who, wish } => format!("{who} moves to the own name {wish}"),
            Self::TakeConfusable { who, of } => format!("{who} asks for a name that looks like {of}"),
            Self::BanUser { who } => format!("{who} is banned"),
            Self::BanService => "the upstream bans this service".to_owned(),
            Self::Dormant { who, days } => format!("{who} does nothing for {days} days"),
            Self::LoseKey { who } => format!("{who} loses key and password"),
            Self::LoseMail { who } => format!("{who} loses the mailbox"),
            Self::LeaveEmployer { who, wish } => format!("the employer takes {wish} back from {who}"),
            Self::ForgetOldName { who } => format!("{who} wants the old name to be forgotten"),
            Self::Erase { who } => format!("{who} asks to be erased"),
            Self::Order { wish, to } => format!("a court orders that {wish} be given to {to}"),
            Self::VerifyWithoutUs { who } => format!("a third party checks {who}'s name without trusting us"),
            Self::LeaveWithName { who } => format!("{who} leaves for another service with the name"),
            Self::ReversePolicy { who } => format!("{who} is moved to the opposite policy"),
        }
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ann => "Ann",
            Self::Ben => "Ben",
            Self::Eve => "Eve",
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DisplayName => "the display name",
            Self::Bio => "the bio",
            Self::Picture => "the picture",
        })
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { account, stale: false } => write!(f, "{account}"),
            Self::Held { account, stale: true } => write!(f, "{account}, marked stale"),
            Self::Nobody(why) => write!(f, "nobody ({})", why.as_str()),
            Self::Failed(kind) => write!(f, "no answer ({})", kind.as_str()),
        }
    }
}

impl Field {
    /// What a profile shows in this field.
    #[must_use]
    pub fn of(self, profile: &Profile) -> Option<String> {
        match self {
            Self::DisplayName => profile.display_name.as_ref().map(ToString::to_string),
            Self::Bio => profile.bio.as_ref().map(ToString::to_string),
            Self::Picture => profile.avatar.as_ref().map(|avatar| avatar.as_str().to_owned()),
        }
    }
}
