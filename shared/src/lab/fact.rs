//! An observation in the terms of a policy, so that the two can be compared.

use std::time::Duration;

use super::Stage;
use crate::{
    Bound, ChangedBy, FieldRule, Handle, Link, OldName, Policy, Recreation, Source, Uniqueness, policy::span,
};

/// What was observed about a field of [`Policy`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// Where a handle comes from.
    Source(Source),
    /// Who could change it.
    ChangedBy(ChangedBy),
    /// How long after a change a lookup showed it.
    VisibleAfter(Duration),
    /// What became of the old name.
    OldName(OldName),
    /// How long the old name was kept from strangers.
    HeldBack {
        /// The last time at which it still was.
        refused: Option<Duration>,
        /// When somebody got it; `None`: not as long as anybody waited.
        taken: Option<Duration>,
    },
    /// How long a handle was answered while its source could not be asked; `None`: as long as anybody waited.
    UnconfirmedFor(Option<Duration>),
    /// Where the display name comes from.
    DisplayName(FieldRule),
    /// The same for the bio.
    Bio(FieldRule),
    /// The same for the picture.
    Picture(FieldRule),
    /// Whether an account elsewhere stands behind the handle.
    Link(Link),
    /// Who saw to it that a held name stayed its holder's.
    Unique {
        /// Whether somebody outside decides; `None`: nobody saw to it.
        by_source: Option<bool>,
    },
    /// Under which path a profile was found.
    Address {
        /// Whose.
        handle: Handle,
        /// Without the origin.
        path: String,
    },
    /// What coming back gave.
    Recreation(Recreation),
}

impl Fact {
    /// Whether a policy that says so would be telling the truth.
    #[must_use]
    pub fn agrees_with(&self, policy: &Policy) -> bool {
        match self {
            Self::Source(source) => policy.source == *source,
            Self::ChangedBy(who) => policy.changed_by == *who,
            Self::VisibleAfter(time) => match policy.visible_within {
                Bound::Immediately => time.is_zero(),
                // Seen late, as coarsely as it was looked for.
                Bound::Within(bound) if *time > Stage::COARSE_AFTER => *time <= bound + Stage::COARSE_STEP,
                Bound::Within(bound) => *time <= bound,
                Bound::Unstated => true,
            },
            Self::OldName(old) => policy.old_name == *old,
            Self::HeldBack { refused, taken } => match policy.old_name {
                OldName::HeldFor(declared) => {
                    refused.is_none_or(|refused| refused < declared)
                        && taken.is_none_or(|taken| taken >= declared)
                }
                OldName::NeverReused => taken.is_none(),
                _ => false,
            },
            Self::UnconfirmedFor(observed) => match (policy.unconfirmed_for, observed) {
                (None, _) => true,
                // It is looked at in steps: a release may be seen a step late, and is never seen early.
                (Some(declared), Some(observed)) => {
                    *observed >= declared && *observed <= declared + Self::UNCONFIRMED_STEP
                }
                (Some(_), None) => false,
            },
            Self::DisplayName(rule) => policy.display_name == *rule,
            Self::Bio(rule) => policy.bio == *rule,
            Self::Picture(rule) => policy.picture == *rule,
            Self::Unique { by_source } => {
                let here = matches!(policy.uniqueness, Uniqueness::Register);
                by_source.is_some_and(|outside| outside != here)
            }
            Self::Address { handle, path } => {
                policy.profile_path.replace("{handle}", handle.as_str()) == *path
            }
            Self::Link(link) => policy.link == *link,
            Self::Recreation(recreation) => policy.recreation == *recreation,
        }
    }

    /// What `policy` says about this field, in words.
    #[must_use]
    pub fn declared_by(&self, policy: &Policy) -> String {
        match self {
            Self::Source(_) => policy.source.words().to_owned(),
            Self::ChangedBy(_) => policy.changed_by.words().to_owned(),
            Self::VisibleAfter(_) => policy.visible_within.words(),
            Self::OldName(_) | Self::HeldBack { .. } => policy.old_name.words(),
            Self::UnconfirmedFor(_) => match policy.unconfirmed_for {
                Some(time) => format!("still answered for {}", span(time)),
                None => "not promised".to_owned(),
            },
            Self::DisplayName(_) => policy.display_name.words().to_owned(),
            Self::Bio(_) => policy.bio.words().to_owned(),
            Self::Picture(_) => policy.picture.words().to_owned(),
            Self::Unique { .. } => policy.uniqueness.words().to_owned(),
            Self::Address { .. } => policy.profile_path.clone(),
            Self::Link(_) => policy.link.words().to_owned(),
            Self::Recreation(_) => policy.recreation.words().to_owned(),
        }
    }

    /// How often a scenario looks whether an unconfirmed handle is still answered.
    pub const UNCONFIRMED_STEP: Duration = Duration::from_secs(1800);
}
