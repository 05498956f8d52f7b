//! Which names can be had below our domains, and by whom. Pure.

use std::time::Duration;

use namesake::{AccountId, Handle, Timestamp};

use super::{HostedSettings, Rejection, Rule, international, records::Row};
use crate::Hostname;

/// Names that nobody is given below any domain: those that software asks for by itself, those that certificates are
/// confirmed by (RFC 2142; CA/Browser Forum Baseline Requirements, section 3.2.2.4.4), and those that seem to speak for
/// the service.
const RESERVED: [&str; 58] = [
    "about",
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "api",
    "app",
    "assets",
    "auth",
    "autoconfig",
    "autodiscover",
    "billing",
    "blog",
    "cdn",
    "dns",
    "docs",
    "email",
    "ftp",
    "help",
    "hostmaster",
    "imap",
    "info",
    "isatap",
    "localhost",
    "login",
    "mail",
    "moderation",
    "mta-sts",
    "mx",
    "news",
    "no-reply",
    "noc",
    "noreply",
    "ns",
    "ns1",
    "ns2",
    "ns3",
    "ns4",
    "oauth",
    "official",
    "pop",
    "pop3",
    "postmaster",
    "root",
    "sales",
    "security",
    "smtp",
    "ssl",
    "staff",
    "static",
    "status",
    "support",
    "system",
    "usenet",
    "webmaster",
    "wpad",
    "www",
];

/// Where a host name lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// Nowhere near our domains.
    Elsewhere,
    /// One of our domains itself.
    Domain,
    /// One label below a domain of handles: the label.
    Name(&'a str),
    /// Further below one.
    BelowName,
    /// One label below the domain of identifiers: the label.
    Identifier(&'a str),
    /// Further below it.
    BelowIdentifier,
}

impl HostedSettings {
    /// Where `host` lies.
    pub(super) fn place<'a>(&self, host: &'a Hostname) -> Place<'a> {
        let label = |rest: &str| !rest.contains('.');
        if *host == self.id_domain || self.handle_domains.contains(host) {
            return Place::Domain;
        }
        match below(host, &self.id_domain) {
            Some(rest) if label(rest) => return Place::Identifier(rest),
            Some(_) => return Place::BelowIdentifier,
            None => {}
        }
        let mut rests = self.handle_domains.iter().filter_map(|domain| below(host, domain));
        // Of nested domains, the one that it lies one label below decides.
        let first = rests.next();
        match first.into_iter().chain(rests).find(|rest| label(rest)) {
            Some(rest) => Place::Name(rest),
            None if first.is_some() => Place::BelowName,
            None => Place::Elsewhere,
        }
    }

    /// Whether `name` is answered from the register: one label below a domain of handles.
    #[must_use]
    pub fn serves(&self, name: &Hostname) -> bool {
        matches!(self.place(name), Place::Name(_))
    }

    /// Whether `name` can be anybody's handle, whoever holds it at the moment.
    pub(super) fn is_to_be_had(&self, name: &Hostname) -> Result<(), Rejection> {
        let label = match self.place(name) {
            Place::Elsewhere if !name.is_reserved(self.allow_test_tld) => return Ok(()),
            Place::Name(label) => label,
            _ => return Err(Rejection::Refused(Rule::NoHandle)),
        };
        let handle = name.to_handle().ok_or(Rejection::Refused(Rule::NoHandle))?;
        // A name above one of our own domains would be in the way of it.
        let above = |domain: &Hostname| below(domain, name).is_some();
        let ours = self.handle_domains.iter().chain([&self.id_domain]).any(above);
        if ours || self.is_reserved(|reserved| reserved == label) {
            return Err(Rejection::Reserved(handle));
        }
        let characters = match international::is_international(label) {
            true => self.international(label, handle)?.chars().count(),
            false => label.len(),
        };
        match characters >= self.min_label {
            true => Ok(()),
            false => Err(Rejection::Refused(Rule::ShortName)),
        }
    }

    /// What an `xn--` label is read as, if it can be anybody's.
    fn international(&self, label: &str, handle: Handle) -> Result<String, Rejection> {
        let refused = |rule| Err(Rejection::Refused(rule));
        let Some(text) = international::decode(label).filter(|_| self.allow_idn) else {
            return refused(Rule::International);
        };
        if self.is_reserved(|reserved| international::passes_for(&text, reserved)) {
            return Err(Rejection::Reserved(handle));
        }
        if international::passes_for_ascii(&text) { refused(Rule::Confusable) } else { Ok(text) }
    }

    fn is_reserved(&self, is_it: impl Fn(&str) -> bool) -> bool {
        RESERVED.into_iter().chain(self.reserved.iter().map(String::as_str)).any(is_it)
    }
}

/// Whether `account` may take a name with this row at the moment `now`. Whoever gave it up may have it back at any time.
pub(super) fn is_free(row: Option<&Row>, account: &AccountId, now: Timestamp, hold: Duration) -> bool {
    match row {
        None => true,
        Some(Row::Held { account: holder }) => holder == account,
        Some(Row::Released { by, at }) => {
            by == account || at.saturating_add(hold).is_ok_and(|free| free <= now)
        }
    }
}

/// What stands before `domain` and its dot.
fn below<'a>(host: &'a Hostname, domain: &Hostname) -> Option<&'a str> {
    host.as_str().strip_suffix(domain.as_str())?.strip_suffix('.')
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use namesake::{AccountId, Timestamp};

    use super::{HostedSettings, Place, RESERVED, Rejection, Row, Rule, is_free};
    use crate::Hostname;

    fn host(name: &str) -> Hostname {
        Hostname::parse(name).unwrap()
    }

    fn settings() -> HostedSettings {
        let domains = vec![host("people.example.com"), host("sub.people.example.com")];
        let mut settings = HostedSettings::new(domains, host("id.people.example.com"));
        settings.reserved = vec!["shop".to_owned()];
        settings
    }

    #[test]
    fn places() {
        let settings = settings();
        for (name, place) in [
            ("example.com", Place::Elsewhere),
            ("alice.example.com", Place::Elsewhere),
            ("otherpeople.example.com", Place::Elsewhere),
            ("people.example.com", Place::Domain),
            ("id.people.example.com", Place::Domain),
            ("alice.people.example.com", Place::Name("alice")),
            ("alice.sub.people.example.com", Place::Name("alice")),
            ("a.b.people.example.com", Place::BelowName),
            ("u7.id.people.example.com", Place::Identifier("u7")),
            ("x.u7.id.people.example.com", Place::BelowIdentifier),
        ] {
            assert_eq!(settings.place(&host(name)), place, "{name}");
        }
    }

    #[test]
    fn names_that_nobody_is_given() {
        let refusal = |name: &str| match settings().is_to_be_had(&host(name)) {
            Ok(()) => "",
            Err(Rejection::Refused(rule)) => rule.name(),
            Err(Rejection::Reserved(_)) => "reserved",
            Err(other) => panic!("{other:?}"),
        };
        for (name, why) in [
            ("alice.people.example.com", ""),
            ("bob.people.example.com", ""),
            ("al.people.example.com", Rule::ShortName.name()),
            ("ns1.people.example.com", "reserved"),
            ("www.sub.people.example.com", "reserved"),
            ("shop.people.example.com", "reserved"),
            ("people.example.com", Rule::NoHandle.name()),
            ("a.b.people.example.com", Rule::NoHandle.name()),
            ("u7.id.people.example.com", Rule::NoHandle.name()),
            // Domains of their own: any that can be resolved.
            ("alice.example.net", ""),
            ("www.example.net", ""),
            ("alice.local", Rule::NoHandle.name()),
            ("alice.test", Rule::NoHandle.name()),
            ("handle.invalid", Rule::NoHandle.name()),
        ] {
            assert_eq!(refusal(name), why, "{name}");
        }
        let testing = HostedSettings { allow_test_tld: true, ..settings() };
        assert!(testing.is_to_be_had(&host("alice.test")).is_ok());
        // The domain above the one of identifiers would be in its way.
        let deep = HostedSettings::new(vec![host("example.com")], host("id.inner.example.com"));
        assert!(matches!(deep.is_to_be_had(&host("inner.example.com")), Err(Rejection::Reserved(_))));
    }

    #[test]
    fn international_names_are_given_to_nobody_unless_they_are_allowed_and_like_no_other() {
        let given = |settings: &HostedSettings, text: &str| {
            let label = if text.is_ascii() { text.to_owned() } else { idna::domain_to_ascii(text).unwrap() };
            match settings.is_to_be_had(&host(&format!("{label}.people.example.com"))) {
                Ok(()) => "given",
                Err(Rejection::Refused(rule)) => rule.name(),
                Err(Rejection::Reserved(_)) => "reserved",
                Err(other) => panic!("{other:?}"),
            }
        };
        let mut allowing = HostedSettings { allow_idn: true, ..settings() };
        allowing.reserved.push("xn--caf-dma".to_owned());
        for (text, allowed) in [
            ("bücher", "given"),
            ("почта", "given"),
            ("日本語", "given"),
            ("日本", Rule::ShortName.name()),
            ("аdmin", "reserved"),
            ("ѕhор", "reserved"),
            ("wwԝ", "reserved"),
            ("café", "reserved"),
            ("саfé", "reserved"),
            ("аlice", Rule::Confusable.name()),
            ("ѕсоре", Rule::Confusable.name()),
            ("xn--zzzzzz", Rule::International.name()),
            ("xn--a", Rule::International.name()),
            ("alice", "given"),
        ] {
            assert_eq!(given(&allowing, text), allowed, "{text}");
            let strictly = if text == "alice" { "given" } else { Rule::International.name() };
            assert_eq!(given(&settings(), text), strictly, "{text}");
        }
        // A domain of one's own is given by nobody here.
        assert!(settings().is_to_be_had(&host("xn--bcher-kva.example.net")).is_ok());
    }

    #[test]
    fn the_reserved_labels_are_sorted_and_labels() {
        assert!(RESERVED.is_sorted(), "so that a second one would be seen");
        for label in RESERVED {
            assert!(Hostname::parse(&format!("{label}.example.com")).is_ok(), "{label}");
        }
    }

    #[test]
    fn a_name_is_held_back_for_whoever_gave_it_up() {
        let account = |name: &str| AccountId::parse(&format!("did:web:{name}.example.com")).unwrap();
        let (alice, bob) = (account("a"), account("b"));
        let at = |second| Timestamp::from_second(second).unwrap();
        let hold = Duration::from_secs(100);
        assert!(is_free(None, &bob, at(0), hold));
        let held = Row::Held { account: alice.clone() };
        assert!(!is_free(Some(&held), &bob, at(1_000_000), hold));
        let released = Row::Released { by: alice.clone(), at: at(50) };
        assert!(is_free(Some(&released), &alice, at(50), hold));
        assert!(!is_free(Some(&released), &bob, at(149), hold));
        assert!(is_free(Some(&released), &bob, at(150), hold));
    }
}
