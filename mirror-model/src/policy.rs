//! What a mirror promises.

use namesake::{Bound, ChangedBy, FieldRule, Link, Model, OldName, Policy, Recreation, Source, Uniqueness};

use crate::{MirrorSettings, Username};

/// The policy of a mirror with these settings: the times in it are the configured ones.
pub(crate) fn policy(settings: &MirrorSettings) -> Policy {
    let mut policy = Policy::new(settings.scheme.clone(), Model::Mirror, Username::namespace());
    policy.summary = "A handle is whatever the linked upstream account is called.".to_owned();
    policy.source = Source::Upstream;
    policy.changed_by = ChangedBy::Upstream;
    policy.visible_within = Bound::Within(settings.poll_interval);
    policy.old_name = OldName::SourceDecides;
    policy.unconfirmed_for = Some(settings.max_unconfirmed);
    policy.display_name = FieldRule::CopiedThenOwn;
    policy.bio = FieldRule::CopiedThenOwn;
    policy.picture = FieldRule::Upstream;
    policy.link = Link::OnePermanent;
    policy.recreation = Recreation::NewAccountCurrentHandle;
    policy.uniqueness = Uniqueness::UpstreamThenRegister;
    "/@{handle}".clone_into(&mut policy.profile_path);
    policy
}
