//! Which backend answers for a name: pure syntax, no I/O.
//!
//! Namespaces do not overlap for a bare name: it belongs to the *first* backend, in the configured order, whose
//! namespace holds it, whatever that backend then answers. So nobody can spoil anybody's bare name, and one backend's
//! outage touches no other's answers. Where the scheme is named, a backend may take more names than it holds bare.

use std::sync::Arc;

use namesake::{AccountId, Handle, Model, Policy, Scheme};
use namesake_independent::Hostname;
use url::Url;

use crate::{
    addresses::AtHost,
    percent,
    query::{Selector, Subject},
};

/// The backends' policies, in the order in which they are asked.
#[derive(Debug)]
pub(crate) struct Directory {
    policies: Vec<Policy>,
    /// Whose names are had by linking an account, on a page of ours.
    linked: Vec<Scheme>,
    public_url: Url,
}

/// A backend's place in the [`Directory`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Seat(usize);

impl Seat {
    /// The narrower port of XRPC, which has a memory of its own.
    pub(crate) const ATPROTO: Self = Self(usize::MAX);

    /// Every seat under which answers of the backends are remembered: a backend's own, and for the independent model
    /// (whose half XRPC speaks) also [`Seat::ATPROTO`].
    pub(crate) fn all(policies: &[Policy]) -> Vec<(Scheme, Self)> {
        let own = policies.iter().enumerate().map(|(place, policy)| (policy.scheme.clone(), Self(place)));
        let independent = policies.iter().filter(|policy| policy.model == Model::Independent);
        own.chain(independent.map(|policy| (policy.scheme.clone(), Self::ATPROTO))).collect()
    }

    pub(crate) fn index(self) -> usize {
        self.0
    }
}

/// No backend answers for the name: it is nobody's, or not the one's that was named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub(crate) struct NotServed {
    /// Whether the caller named a scheme.
    pub(crate) named: bool,
    /// The host of the address that was asked about, if it decides.
    pub(crate) host: Option<String>,
    /// The ending of a host name that nobody can have, if it is one.
    pub(crate) reserved: Option<String>,
    /// Schemes whose syntax would take the name.
    pub(crate) others: Vec<Scheme>,
}

impl NotServed {
    fn words(&self) -> String {
        let kind = "no backend here answers for this kind of name";
        match (&self.host, &self.reserved) {
            (Some(host), _) if self.others.is_empty() => {
                format!("the names of {host} are not answered for here")
            }
            (Some(host), _) => format!(
                "more than one scheme here has names of {host}, and there they may be different people: say which with ?scheme="
            ),
            (None, Some(top)) => {
                format!("names below .{top} are reserved: none of them can be proved to be anybody's")
            }
            (None, None) if self.named => format!("{kind} under this scheme"),
            (None, None) => kind.to_owned(),
        }
    }
}

impl Directory {
    pub(crate) fn new(policies: Vec<Policy>, public_url: Url) -> Self {
        Self { policies, linked: Vec::new(), public_url }
    }

    /// The same, with schemes that have a page where people link their accounts.
    pub(crate) fn with_linked(self, linked: Vec<Scheme>) -> Self {
        Self { linked, ..self }
    }

    /// The policies, in the order in which the backends are asked.
    pub(crate) fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The schemes that answer for the same names as XRPC.
    pub(crate) fn atproto_schemes(&self) -> Arc<[Scheme]> {
        let independent = self.policies.iter().filter(|policy| policy.model == Model::Independent);
        independent.map(|policy| policy.scheme.clone()).collect()
    }

    /// Where this service is reached.
    pub(crate) fn public_url(&self) -> &Url {
        &self.public_url
    }

    pub(crate) fn policy(&self, seat: Seat) -> &Policy {
        &self.policies[seat.0]
    }

    /// The scheme of a backend, if its names are had by linking an account here.
    pub(crate) fn links(&self, seat: Seat) -> Option<&Scheme> {
        let scheme = &self.policy(seat).scheme;
        self.linked.iter().find(|linked| *linked == scheme)
    }

    /// The backend that is asked before all others, or before all others of a model.
    pub(crate) fn first_of(&self, model: Option<Model>) -> Option<Seat> {
        self.first(|policy| model.is_none_or(|model| policy.model == model))
    }

    /// The backend that answers for `subject`.
    pub(crate) fn route(&self, subject: &Subject, selector: Option<&Selector>) -> Result<Seat, NotServed> {
        match subject {
            Subject::Handle(handle) => self.by_handle(handle, selector),
            Subject::Account(account) => self.by_account(account),
        }
    }

    fn by_handle(&self, handle: &Handle, selector: Option<&Selector>) -> Result<Seat, NotServed> {
        // Where a host has several mirrors, none goes first: each may have somebody else of that name.
        if let Some(Selector::Host(AtHost { host, mirrors })) = selector
            && mirrors.len() != 1
        {
            let (host, others) = (Some(host.clone()), mirrors.clone());
            return Err(NotServed { named: true, host, reserved: None, others });
        }
        let takes = |policy: &Policy| policy.namespace.takes(handle);
        let seat = match selector {
            None => self.bare(handle),
            Some(Selector::Host(at)) => {
                self.first(|policy| at.mirrors.contains(&policy.scheme) && takes(policy))
            }
            Some(Selector::Model(model)) => self.first(|policy| policy.model == *model && takes(policy)),
            Some(Selector::Named(name)) => match self.model_called(name) {
                None => self.first(|policy| policy.scheme == *name && takes(policy)),
                Some(model) => self.first(|policy| policy.model == model && takes(policy)),
            },
        };
        let not_served = || NotServed {
            named: selector.is_some(),
            host: None,
            reserved: self.reserved(handle),
            others: self.others(handle, None),
        };
        seat.ok_or_else(not_served)
    }

    /// The backend that answers for a name that comes without its scheme.
    pub(crate) fn bare(&self, handle: &Handle) -> Option<Seat> {
        let seat = self.first(|policy| policy.namespace.holds(handle));
        seat.filter(|_| self.reserved(handle).is_none())
    }

    /// The ending of a host name under which nobody here can be, because it is reserved. Bare, such a name is no
    /// username either: it reads as a domain's.
    fn reserved(&self, handle: &Handle) -> Option<String> {
        let host = Hostname::parse(handle.as_str()).ok().filter(|host| host.is_reserved(false))?;
        let mut of_hosts =
            self.policies.iter().filter(|policy| policy.model == Model::Independent).peekable();
        of_hosts.peek()?;
        let nobody = of_hosts.all(|policy| !policy.namespace.takes(handle));
        nobody.then(|| host.as_str().rsplit('.').next().unwrap_or_default().to_owned())
    }

    /// A DID is the independent model's; `<scheme>:…` the backend's of that name.
    fn by_account(&self, account: &AccountId) -> Result<Seat, NotServed> {
        let scheme = account.as_str().split(':').next().unwrap_or_default();
        let answers = |policy: &Policy| match account.is_did() {
            true => policy.model == Model::Independent,
            false => policy.scheme.as_str() == scheme,
        };
        let nobodys = NotServed { named: false, host: None, reserved: None, others: Vec::new() };
        self.first(answers).ok_or(nobodys)
    }

    fn first(&self, answers: impl Fn(&Policy) -> bool) -> Option<Seat> {
        self.policies.iter().position(answers).map(Seat)
    }

    /// The model a selector's word stands for; a backend that is itself called so goes first.
    fn model_called(&self, name: &Scheme) -> Option<Model> {
        let model = match name.as_str() {
            "mirror" => Model::Mirror,
            "independent" => Model::Independent,
            _ => return None,
        };
        (!self.policies.iter().any(|policy| policy.scheme == *name)).then_some(model)
    }

    /// The schemes, except one, whose syntax would take the name too.
    pub(crate) fn others(&self, handle: &Handle, except: Option<Seat>) -> Vec<Scheme> {
        let except = except.map(|seat| &self.policy(seat).scheme);
        let takers = self.policies.iter().filter(|policy| policy.namespace.takes(handle));
        takers.map(|policy| policy.scheme.clone()).filter(|scheme| Some(scheme) != except).collect()
    }

    /// The canonical address of a profile. A name that, bare, would be another backend's says its scheme.
    pub(crate) fn profile_url(&self, seat: Seat, account: &AccountId, handle: Option<&Handle>) -> String {
        let base = self.public_url.as_str().trim_end_matches('/');
        let policy = self.policy(seat);
        let Some(handle) = handle else {
            let path = if account.is_did() { "/profile/" } else { "/v1/accounts/" };
            return format!("{base}{path}{}", percent::encode_segment(account.as_str()));
        };
        // `/profile/…` is the independent model's own address: it names the model already.
        let implied =
            policy.profile_path.starts_with("/profile/").then_some(Selector::Model(Model::Independent));
        let path = policy.profile_path.replace("{handle}", &percent::encode_segment(handle.as_str()));
        match self.by_handle(handle, implied.as_ref()) {
            Ok(bare) if bare == seat => format!("{base}{path}"),
            _ => format!("{base}{path}?scheme={}", policy.scheme),
        }
    }
}

#[cfg(test)]
mod tests {
    use namesake::Namespace;

    use super::*;

    fn directory() -> Directory {
        let policy = |name: &str, model, path: &str, holds: fn(&Handle) -> bool| {
            let mut policy = Policy::new(Scheme::parse(name).unwrap(), model, Namespace::new("test", holds));
            policy.profile_path = path.to_owned();
            policy
        };
        let dotted: fn(&Handle) -> bool =
            |handle| handle.as_str().contains('.') && !handle.as_str().contains('@');
        let user: fn(&Handle) -> bool = |handle| !handle.as_str().contains('@');
        Directory::new(
            vec![
                policy("independent", Model::Independent, "/profile/{handle}", dotted),
                policy("threads", Model::Mirror, "/@{handle}", user),
                policy("insta", Model::Mirror, "/@{handle}", user),
            ],
            Url::parse("https://names.example/").unwrap(),
        )
    }

    fn scheme(text: &str, selector: Option<&str>) -> Result<String, NotServed> {
        let directory = directory();
        let subject = match AccountId::parse(text) {
            Ok(account) => Subject::Account(account),
            Err(_) => Subject::Handle(Handle::parse(text).unwrap()),
        };
        let selector = selector.map(|name| Selector::parse(name).unwrap());
        directory.route(&subject, selector.as_ref()).map(|seat| directory.policy(seat).scheme.to_string())
    }

    #[test]
    fn a_bare_name_is_the_first_backends_whose_syntax_takes_it() {
        for (text, selector, expected) in [
            ("alice.example.com", None, "independent"),
            ("alice", None, "threads"),
            ("jane.art", None, "independent"),
            ("jane.art", Some("mirror"), "threads"),
            ("jane.art", Some("insta"), "insta"),
            ("jane.art", Some("independent"), "independent"),
            ("did:plc:abc", None, "independent"),
            ("insta:abc", None, "insta"),
        ] {
            assert_eq!(scheme(text, selector).as_deref(), Ok(expected), "{text} {selector:?}");
        }
    }

    #[test]
    fn what_nobody_takes_says_who_would() {
        assert_eq!(scheme("bob@example.com", None).unwrap_err().others, []);
        let refused = scheme("alice", Some("independent")).unwrap_err();
        assert_eq!(refused.others.iter().map(Scheme::as_str).collect::<Vec<_>>(), ["threads", "insta"]);
        assert!(scheme("alice", Some("nobody")).is_err());
        assert!(scheme("nobody:abc", None).is_err());
    }

    #[test]
    fn an_address_is_answered_by_the_mirror_of_its_host_and_by_no_other() {
        let directory = directory();
        let route = |mirrors: &[&str], name: &str| {
            let mirrors = mirrors.iter().map(|name| Scheme::parse(name).unwrap()).collect();
            let selector = Selector::Host(AtHost { host: "host.example".to_owned(), mirrors });
            let seat = directory.route(&Subject::Handle(Handle::parse(name).unwrap()), Some(&selector));
            seat.map(|seat| directory.policy(seat).scheme.to_string())
        };
        assert_eq!(route(&["insta"], "alice").as_deref(), Ok("insta"));
        assert_eq!(route(&["insta"], "jane.art").as_deref(), Ok("insta"));
        let nobody = route(&[], "alice").unwrap_err();
        assert_eq!(nobody.others, []);
        assert_eq!(nobody.to_string(), "the names of host.example are not answered for here");
        let several = route(&["threads", "insta"], "alice").unwrap_err();
        assert_eq!(several.others.iter().map(Scheme::as_str).collect::<Vec<_>>(), ["threads", "insta"]);
        assert!(several.to_string().ends_with("say which with ?scheme="), "{several}");
    }

    #[test]
    fn a_canonical_url_leads_back_to_the_same_backend() {
        let directory = directory();
        let url = |seat, handle: Option<&str>| {
            let account = AccountId::parse(if seat == 0 { "did:plc:a" } else { "threads:a" }).unwrap();
            directory.profile_url(
                Seat(seat),
                &account,
                handle.map(|name| Handle::parse(name).unwrap()).as_ref(),
            )
        };
        assert_eq!(url(0, Some("jane.art")), "https://names.example/profile/jane.art");
        assert_eq!(url(1, Some("alice")), "https://names.example/@alice");
        assert_eq!(url(1, Some("jane.art")), "https://names.example/@jane.art?scheme=threads");
        assert_eq!(url(2, Some("alice")), "https://names.example/@alice?scheme=insta");
        assert_eq!(url(0, None), "https://names.example/profile/did:plc:a");
        assert_eq!(url(1, None), "https://names.example/v1/accounts/threads:a");
        assert_eq!(url(1, Some("a/b")), "https://names.example/@a%2Fb");
    }
}
