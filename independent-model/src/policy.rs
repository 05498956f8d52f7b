//! What this scheme promises, as data.

use namesake::{
    Bound, ChangedBy, FieldRule, Handle, Link, Model, Namespace, OldName, Policy, Recreation, Source,
    Uniqueness,
};

use crate::{Hostname, IndependentSettings, hosted::HostedSettings};

/// The policy of the independent model over the world, which is that of domains of one's own.
#[must_use]
pub(crate) fn policy(settings: &IndependentSettings) -> Policy {
    let mut policy =
        Policy::new(settings.scheme.clone(), Model::Independent, namespace(settings.allow_test_tld));
    "A handle is a domain name its holder controls; DNS or the domain's web host names the account, and the account \
     names the handle back."
        .clone_into(&mut policy.summary);
    policy.source = Source::Holder;
    policy.changed_by = ChangedBy::Holder;
    policy.visible_within = Bound::Within(settings.visible_within);
    policy.old_name = OldName::SourceDecides;
    policy.unconfirmed_for = Some(settings.max_stale);
    policy.display_name = FieldRule::Own;
    policy.bio = FieldRule::Own;
    policy.picture = FieldRule::Own;
    policy.link = Link::None;
    policy.recreation = Recreation::IdentifierIsGone;
    policy.uniqueness = Uniqueness::Dns;
    "/profile/{handle}".clone_into(&mut policy.profile_path);
    policy
}

/// The same where accounts live here. It changes where names are given here too.
#[must_use]
pub(crate) fn policy_with(settings: &IndependentSettings, hosted: &HostedSettings) -> Policy {
    let mut policy = policy(settings);
    if hosted.handle_domains.is_empty() {
        return policy;
    }
    let domains: Vec<_> = hosted.handle_domains.iter().map(Hostname::as_str).collect();
    let domains = domains.join(" or ");
    policy.summary += &format!(
        " A name below {domains} is given here, to whoever asks first, and one signed entry changes it."
    );
    policy.old_name = OldName::HeldFor(hosted.hold);
    policy.uniqueness = Uniqueness::DnsAndRegister;
    let words = format!("{}, and names one label below {domains}", policy.namespace.words());
    let (world, hosted) = (policy.namespace.clone(), hosted.clone());
    let wide = world.clone();
    let is_here =
        move |handle: &Handle| Hostname::parse(handle.as_str()).is_ok_and(|name| hosted.serves(&name));
    policy.namespace = Namespace::new(words, move |handle: &Handle| world.holds(handle) || is_here(handle))
        .when_named(move |handle: &Handle| wide.takes(handle));
    policy
}

/// What holds for names below our domains alone: nobody outside is asked about them.
#[cfg(feature = "lab")]
#[must_use]
pub(crate) fn policy_of_names_here(settings: &IndependentSettings, hosted: &HostedSettings) -> Policy {
    let mut policy = policy_with(settings, hosted);
    policy.visible_within = Bound::Immediately;
    policy.unconfirmed_for = None;
    policy.uniqueness = Uniqueness::Register;
    policy
}

fn namespace(allow_test_tld: bool) -> Namespace {
    let words = if allow_test_tld {
        "host names below a public suffix, or below `test`"
    } else {
        "host names below a public suffix"
    };
    Namespace::new(words, move |handle: &Handle| {
        Hostname::parse(handle.as_str()).is_ok_and(|name| name.is_in_namespace(allow_test_tld))
    })
    // A name under an unknown ending, or an ending itself, can be proved like any other.
    .when_named(move |handle: &Handle| {
        Hostname::parse(handle.as_str()).is_ok_and(|name| !name.is_reserved(allow_test_tld))
    })
}
