//! What a backend promises, as data: served over HTTP, and checked against what is observed.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Serialize, Serializer};

use crate::{Handle, Scheme};

/// The rules of one way of naming people.
///
/// `#[non_exhaustive]`: make one with [`Policy::new`], which promises as little as possible, and set what holds.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Policy {
    /// The backend's name.
    pub scheme: Scheme,
    /// The family it belongs to: a lookup may say `mirror` or `independent` instead of a backend's name.
    pub model: Model,
    /// The scheme in one sentence, for people.
    pub summary: String,
    /// Which handles this backend answers for.
    pub namespace: Namespace,
    /// Where a handle comes from.
    pub source: Source,
    /// Who can change it.
    pub changed_by: ChangedBy,
    /// How long after a change a lookup still may show the old handle.
    pub visible_within: Bound,
    /// What becomes of the old name after a change.
    pub old_name: OldName,
    /// How long a handle is answered while its source cannot be asked, in seconds.
    #[serde(rename = "unconfirmedForSeconds", serialize_with = "seconds")]
    pub unconfirmed_for: Option<Duration>,
    /// Where the display name comes from, and who may change it here.
    pub display_name: FieldRule,
    /// The same for the bio.
    pub bio: FieldRule,
    /// The same for the picture.
    pub picture: FieldRule,
    /// Whether an account elsewhere stands behind the handle.
    pub link: Link,
    /// What happens when somebody deletes the account and comes back.
    pub recreation: Recreation,
    /// Who makes sure that no two accounts hold one handle.
    pub uniqueness: Uniqueness,
    /// The path of a profile on this service, with `{handle}` in it.
    pub profile_path: String,
}

impl Policy {
    /// A policy that promises as little as possible, for the handles of `namespace`.
    #[must_use]
    pub fn new(scheme: Scheme, model: Model, namespace: Namespace) -> Self {
        Self {
            scheme,
            model,
            summary: String::new(),
            namespace,
            source: Source::Holder,
            changed_by: ChangedBy::Nobody,
            visible_within: Bound::Unstated,
            old_name: OldName::FreeAtOnce,
            unconfirmed_for: None,
            display_name: FieldRule::Unsupported,
            bio: FieldRule::Unsupported,
            picture: FieldRule::Unsupported,
            link: Link::None,
            recreation: Recreation::Unstated,
            uniqueness: Uniqueness::Source,
            profile_path: "/@{handle}".to_owned(),
        }
    }
}

/// The family of a scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Model {
    /// The handle is what an upstream says it is.
    Mirror,
    /// The handle is what its holder claims and can prove.
    Independent,
    /// Something else.
    Other,
}

/// The handles a backend answers for, decided by syntax alone.
///
/// It holds some of them *bare*: a name that comes without its scheme goes to the first backend that holds it. Of more it
/// may answer where it is named ([`Namespace::when_named`]).
#[derive(Clone)]
pub struct Namespace {
    words: Arc<str>,
    holds: Test,
    named: Option<Test>,
}

type Test = Arc<dyn Fn(&Handle) -> bool + Send + Sync>;

impl Namespace {
    /// A namespace described in `words`; `holds` must be pure and quick.
    pub fn new(words: impl Into<Arc<str>>, holds: impl Fn(&Handle) -> bool + Send + Sync + 'static) -> Self {
        Self { words: words.into(), holds: Arc::new(holds), named: None }
    }

    /// The same, of a backend that also answers for what `takes` takes, where it is asked by its name.
    #[must_use]
    pub fn when_named(self, takes: impl Fn(&Handle) -> bool + Send + Sync + 'static) -> Self {
        Self { named: Some(Arc::new(takes)), ..self }
    }

    /// Whether `handle` is one of its own without further words.
    #[must_use]
    pub fn holds(&self, handle: &Handle) -> bool {
        (self.holds)(handle)
    }

    /// Whether the backend answers for `handle` at all: bare, or where it is named.
    #[must_use]
    pub fn takes(&self, handle: &Handle) -> bool {
        self.holds(handle) || self.named.as_ref().is_some_and(|takes| takes(handle))
    }

    /// The description.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Namespace({})", self.words)
    }
}

impl Serialize for Namespace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.words)
    }
}

/// Where a handle comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Source {
    /// The upstream's account is called so.
    Upstream,
    /// The holder chose it.
    Holder,
    /// The operator gave it.
    Operator,
}

/// Who can change a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ChangedBy {
    /// Its holder, here or by DNS, at any time.
    Holder,
    /// Only whoever may rename the upstream's account, there.
    Upstream,
    /// The operator.
    Operator,
    /// Nobody.
    Nobody,
}

/// A promised time, in seconds on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "bound", content = "seconds")]
#[non_exhaustive]
pub enum Bound {
    /// At once.
    Immediately,
    /// Within this long.
    Within(#[serde(serialize_with = "whole_seconds")] Duration),
    /// Not promised.
    Unstated,
}

/// What becomes of the name an account gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OldName {
    /// Anybody may have it at once.
    FreeAtOnce,
    /// Whoever controls it at its source decides; we hold nothing back.
    SourceDecides,
    /// Whoever gave it up may take it again; anybody else once this long has passed, in seconds on the wire.
    HeldFor(#[serde(serialize_with = "whole_seconds")] Duration),
    /// Nobody else ever gets it.
    NeverReused,
}

/// Where one field of a profile comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FieldRule {
    /// Always what the upstream shows.
    Upstream,
    /// Copied when the account was linked, the holder's own from then on.
    CopiedThenOwn,
    /// The holder's own.
    Own,
    /// This scheme has no such field.
    Unsupported,
}

/// Whether an account elsewhere stands behind the handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Link {
    /// None is needed.
    None,
    /// Exactly one, for good.
    OnePermanent,
}

/// What coming back after a deletion gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Recreation {
    /// A new account, under the upstream's handle of that day; nothing of the old.
    NewAccountCurrentHandle,
    /// The same identifier cannot come back.
    IdentifierIsGone,
    /// Not promised.
    Unstated,
}

/// Who makes sure that no two accounts hold one handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Uniqueness {
    /// The upstream, and our register follows the latest confirmation.
    UpstreamThenRegister,
    /// The DNS: a name has one owner.
    Dns,
    /// The DNS; and below the domains that this service gives names under, our register.
    DnsAndRegister,
    /// Our register: first come, first served.
    Register,
    /// The backend's own source.
    Source,
}

impl Source {
    /// Where a handle comes from, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Upstream => "it is what the account upstream is called",
            Self::Holder => "the holder chose it",
            Self::Operator => "the operator gave it",
        }
    }
}

impl ChangedBy {
    /// Who can change a handle, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Holder => "the holder, at any time",
            Self::Upstream => "only by renaming the account upstream; never here",
            Self::Operator => "the operator",
            Self::Nobody => "nobody",
        }
    }
}

impl Bound {
    /// The promise, in words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Immediately => "at once".to_owned(),
            Self::Within(time) => format!("within {}", span(time)),
            Self::Unstated => UNSTATED.to_owned(),
        }
    }
}

impl OldName {
    /// What becomes of an old name, in words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::FreeAtOnce => "anybody may have it at once".to_owned(),
            Self::SourceDecides => {
                "whoever controls it at its source decides; nothing is held back here".to_owned()
            }
            Self::HeldFor(time) => {
                format!("held back for {}; whoever gave it up may take it again", span(time))
            }
            Self::NeverReused => "nobody else ever gets it".to_owned(),
        }
    }
}

impl FieldRule {
    /// Where a field comes from, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Upstream => "always what the upstream shows",
            Self::CopiedThenOwn => "copied when the account is linked, the holder's own from then on",
            Self::Own => "the holder's own",
            Self::Unsupported => "this scheme has none",
        }
    }
}

impl Link {
    /// What stands behind a handle, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::None => "none is needed",
            Self::OnePermanent => "exactly one, for good",
        }
    }
}

impl Recreation {
    /// What coming back gives, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NewAccountCurrentHandle => {
                "a new account under the upstream's handle of that day; nothing of the old"
            }
            Self::IdentifierIsGone => "the same identifier cannot come back",
            Self::Unstated => UNSTATED,
        }
    }
}

impl Uniqueness {
    /// Who makes sure of it, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::UpstreamThenRegister => {
                "the upstream sees to it; our register follows the latest confirmation"
            }
            Self::Dns => "DNS sees to it: a name has one owner",
            Self::Register => "our register sees to it: first come, first served",
            Self::DnsAndRegister => {
                "DNS sees to it, and for names given here our register: one commit, one holder"
            }
            Self::Source => "the scheme's own source sees to it",
        }
    }
}

const UNSTATED: &str = "not promised";

/// A span of time in words: in the largest unit that comes out even, or in days and the rest.
#[must_use]
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let unit =
        |count: u64, unit: &str| if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") };
    match seconds {
        _ if seconds > 0 && seconds.is_multiple_of(86_400) => unit(seconds / 86_400, "day"),
        _ if seconds > 86_400 => {
            let rest = span(Duration::from_secs(seconds % 86_400));
            format!("{} and {rest}", unit(seconds / 86_400, "day"))
        }
        _ if seconds > 0 && seconds.is_multiple_of(3600) => unit(seconds / 3600, "hour"),
        _ if seconds > 0 && seconds.is_multiple_of(60) => unit(seconds / 60, "minute"),
        _ => unit(seconds, "second"),
    }
}

fn seconds<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs()).serialize(serializer)
}

fn whole_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}
