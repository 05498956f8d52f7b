//! The door: whatever people paste to mean somebody becomes a [`Query`], once. Past here there is no `&str` handle.
//!
//! | text | means |
//! |---|---|
//! | `alice`, `@Alice`, `alice.example.com`, `münchen.example` | the handle; a Unicode host name in its ASCII form (UTS 46) |
//! | `did:plc:…`, `threads:…` | the account |
//! | `at://alice.example.com/…`, `at://did:…` | the authority of an AT URI, independent scheme |
//! | `alice@<us>`, `bob@threads.net`, also as `acct:` (RFC 7565) | the user, if the host is ours or a mirrored upstream's; else the whole |
//! | `https://bsky.app/profile/…` | independent scheme |
//! | `https://www.threads.net/@…`, `https://instagram.com/…` | the user, at the mirrors of that host: see [`crate::addresses`] |
//! | our own `/@…` and `/profile/…`, with `?scheme=` | as we would answer them |
//!
//! A URL may lack its `https://`, as people copy it without. What is at the ends of a text and not seen is no part of it.

use idna::{
    AsciiDenyList,
    uts46::{DnsLength, Hyphens, Uts46},
};
use namesake::{AccountId, Handle, InvalidHandle, Model, Scheme};
use namesake_independent::{Hostname, InvalidHostname};
use namesake_mirror::{InvalidUsername, Username};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    addresses::{Addresses, AtHost},
    percent,
};

/// Whom somebody asks about, and under which scheme, if that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The handle or the account.
    pub subject: Subject,
    /// The scheme that was named, or that the form implies.
    pub selector: Option<Selector>,
}

/// The two things one can ask about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Subject {
    /// Who goes by this name?
    Handle(Handle),
    /// What is known of this account?
    Account(AccountId),
}

/// A scheme, as a caller names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// A backend by its name (or, when no backend is called so, a model by its word).
    Named(Scheme),
    /// The first backend of this model that holds the name.
    Model(Model),
    /// The mirror of the upstream at this host.
    Host(AtHost),
}

/// A text that asks about nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidQuery {
    /// No handle under any scheme.
    #[error(transparent)]
    Handle(#[from] InvalidHandle),
    /// A host name that breaks a rule of theirs, and is no username either.
    #[error("nobody can go by this name: {0}")]
    Hostname(#[from] InvalidHostname),
    /// A name without a dot that is no username.
    #[error("nobody can go by this name: {0}, and a host name has a dot")]
    Username(#[from] InvalidUsername),
    /// A host name that UTS 46 does not allow.
    #[error("this international name cannot be written as a host name (UTS 46)")]
    InternationalName,
    /// An address with nothing before or behind its `@`.
    #[error("an address has a name before its @ and a host behind it")]
    Address,
    /// It begins like a DID or an account and is none.
    #[error("not a valid account identifier: it begins with its scheme in lower case, a DID with `did:`")]
    Account,
    /// A URL that is nobody's profile, as far as we know.
    #[error("this URL is no profile we know: try the handle itself, like @alice.example.com")]
    ForeignUrl,
    /// Percent-encoding that is cut short, or hides bytes that are no text.
    #[error("bad percent-encoding")]
    Encoding,
    /// No scheme can be called so.
    #[error("no scheme can be called so; /v1/policies lists them")]
    Selector,
    /// Nothing was asked.
    #[error("say whom you ask about: ?handle=")]
    Missing,
}

impl InvalidQuery {
    /// Why no grammar that is known takes a handle; `None` if one does. `user@host` is left to whoever knows what it means.
    pub(crate) fn of_no_grammar(handle: &Handle) -> Option<Self> {
        let username = Username::parse(handle.as_str()).err()?;
        let host = Hostname::parse(handle.as_str()).err()?;
        match handle.as_str().rsplit_once('@') {
            Some((user, host)) => (user.is_empty() || host.is_empty()).then_some(Self::Address),
            None if handle.as_str().contains('.') => Some(host.into()),
            None => Some(username.into()),
        }
    }
}

impl Selector {
    /// Takes a scheme as a caller writes it.
    ///
    /// # Errors
    /// [`InvalidQuery::Selector`] when no scheme could have this name.
    pub fn parse(text: &str) -> Result<Self, InvalidQuery> {
        Scheme::parse(text.trim()).map(Self::Named).map_err(|_| InvalidQuery::Selector)
    }
}

impl Query {
    /// Understands every form above; `addresses` tells which hosts are ours, and which are mirrored.
    ///
    /// # Errors
    /// [`InvalidQuery`] says what is wrong with the text.
    pub fn parse(text: &str, addresses: &Addresses) -> Result<Self, InvalidQuery> {
        let text = trimmed(text);
        if let Some(rest) = strip_scheme(text, "at://") {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            return Self::addressed(authority, Some(Selector::Model(Model::Independent)), addresses);
        }
        if let Some(rest) = strip_scheme(text, "acct:") {
            return acct(rest, addresses);
        }
        if strip_scheme(text, "https://").or_else(|| strip_scheme(text, "http://")).is_some() {
            return profile_url(text, addresses);
        }
        if text.contains('/') {
            return profile_url(&format!("https://{text}"), addresses);
        }
        Self::addressed(text.strip_prefix('@').unwrap_or(text), None, addresses)
    }

    /// Understands a bare name or account, as in `/@{handle}` and `/profile/{handle-or-did}`, also as `alice@<us>`.
    ///
    /// # Errors
    /// [`InvalidQuery`] says what is wrong with the name.
    pub fn addressed(
        name: &str,
        selector: Option<Selector>,
        addresses: &Addresses,
    ) -> Result<Self, InvalidQuery> {
        match subject(name) {
            Ok(subject @ Subject::Account(_)) => Ok(Self { subject, selector }),
            _ => address(name, selector, addresses),
        }
    }

    /// Understands a bare name or account, whatever host it may name.
    ///
    /// # Errors
    /// [`InvalidQuery`] says what is wrong with the name.
    pub fn named(name: &str, selector: Option<Selector>) -> Result<Self, InvalidQuery> {
        Ok(Self { subject: subject(name)?, selector })
    }

    /// The same question, under the scheme that was named beside it, if one was. What an address says of its host stands.
    #[must_use]
    pub fn under(self, named: Option<Selector>) -> Self {
        let selector = match (self.selector, named) {
            (Some(Selector::Host(at)), Some(Selector::Named(scheme))) => {
                Some(Selector::Host(at.named(&scheme)))
            }
            (own @ Some(Selector::Host(_)), _) => own,
            (own, named) => named.or(own),
        };
        Self { selector, ..self }
    }
}

/// A text without what is at its ends and not seen: white space, and the marks by which pages keep a name apart from what
/// is written in the other direction, which come along when it is copied. Not the one that turns what follows around.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| {
        c.is_whitespace()
            || matches!(c,
                '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202d}' | '\u{2060}'..='\u{2064}'
                | '\u{2066}'..='\u{2069}' | '\u{feff}')
    })
}

/// The rest of `text` after a URI scheme, which is case-insensitive (RFC 3986 section 3.1).
fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// An account, if what is before the colon could name a scheme. That is asked in lower case: as a handle, `Threads:abc`
/// would become `threads:abc`, which is an account the next time it is read.
fn subject(name: &str) -> Result<Subject, InvalidQuery> {
    let name = trimmed(name);
    if let Some((scheme, _)) = name.split_once(':') {
        let lower = scheme.to_lowercase();
        if lower == "did" || Scheme::parse(&lower).is_ok() {
            let account = AccountId::parse(name).ok().filter(|_| scheme == lower);
            return account.map(Subject::Account).ok_or(InvalidQuery::Account);
        }
    }
    handle(name).map(Subject::Handle)
}

/// What ends a label (UTS 46 section 4).
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// A handle; a dotted name with other than ASCII characters is a host name, and is stored in its ASCII form.
fn handle(name: &str) -> Result<Handle, InvalidQuery> {
    // Checked before the conversion: UTS 46 would silently drop what cannot be seen.
    let handle = Handle::parse(name)?;
    let dotted = handle.as_str().contains(DOTS);
    if handle.as_str().is_ascii() || !dotted || handle.as_str().contains('@') {
        return Ok(handle);
    }
    let ascii = Uts46::new()
        .to_ascii(handle.as_str().as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| InvalidQuery::InternationalName)?;
    Ok(Handle::parse(&ascii)?)
}

/// RFC 7565. The user part is percent-decoded.
fn acct(rest: &str, addresses: &Addresses) -> Result<Query, InvalidQuery> {
    let rest = percent::decode(rest).ok_or(InvalidQuery::Encoding)?;
    address(&rest, None, addresses)
}

/// A name that may say at which host: the host decides whose user it is. Somebody of ours may be written with our host more
/// than once, which then means no more than once.
fn address(name: &str, selector: Option<Selector>, addresses: &Addresses) -> Result<Query, InvalidQuery> {
    let mut name = trimmed(name);
    while let Some((user, _)) = name.rsplit_once('@').filter(|(_, host)| is_own(host, addresses.own())) {
        name = user;
    }
    let at_host = || name.rsplit_once('@').and_then(|(user, host)| Some((user, addresses.at(host)?)));
    match at_host().filter(|(_, at)| selector.is_none() && !at.mirrors.is_empty()) {
        Some((user, at)) => user_at(user, at),
        // Perhaps the whole is a name under some scheme.
        None => Query::named(name, selector),
    }
}

/// The handle that an address at one of `domains` stands for: `alice@example.com`, also as `acct:`, for
/// `alice.example.com`.
pub(crate) fn below(text: &str, domains: &[Hostname], public_url: &Url) -> Option<Handle> {
    let text = trimmed(text);
    let address = match strip_scheme(text, "acct:") {
        Some(rest) => percent::decode(rest)?,
        None => text.strip_prefix('@').unwrap_or(text).into(),
    };
    let (user, host) = address.rsplit_once('@')?;
    let host = host_of(host, public_url)?;
    let user = trimmed(user);
    let is_label = !user.is_empty() && !user.contains(['.', '@', ':', '/']);
    let ours = is_label && domains.iter().any(|domain| domain.as_str() == host.as_str());
    Handle::parse(&format!("{user}.{host}")).ok().filter(|_| ours)
}

fn is_own(host: &str, public_url: &Url) -> bool {
    let own = public_url.host_str().unwrap_or_default();
    host_of(host, public_url).is_some_and(|host| host.as_str() == own)
}

/// A host as it is kept: in lower case and ASCII, without the port if that is the one we are reached at, and without the
/// final dot of a name that is complete.
fn host_of(host: &str, public_url: &Url) -> Option<Handle> {
    let port = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let name = match host.rsplit_once(':').and_then(|(name, text)| Some((name, port(text)?))) {
        Some((name, port)) => (public_url.port_or_known_default() == Some(port)).then_some(name)?,
        None => trimmed(host),
    };
    handle(name.strip_suffix(DOTS).unwrap_or(name)).ok()
}

fn profile_url(text: &str, addresses: &Addresses) -> Result<Query, InvalidQuery> {
    let url = Url::parse(text).map_err(|_| InvalidQuery::ForeignUrl)?;
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    let mut segments = url.path_segments().into_iter().flatten();
    let (first, second) = (segments.next().unwrap_or_default(), segments.next());
    let first = percent::decode(first).ok_or(InvalidQuery::Encoding)?;
    let second = second.map(|segment| percent::decode(segment).ok_or(InvalidQuery::Encoding)).transpose()?;
    let own = Some(host) == addresses.own().host_str() && url.port() == addresses.own().port();

    match (first.strip_prefix('@'), &*first, second.as_deref()) {
        (Some(name), _, _) if own => Ok(Query::addressed(name, None, addresses)?.under(scheme_of(&url)?)),
        (None, "profile", Some(name)) if own || host == "bsky.app" => {
            Query::addressed(name, Some(Selector::Model(Model::Independent)), addresses)
        }
        (Some(name), _, _) => user_at(name, addresses.at_url(&url)),
        // Instagram's have no `@`.
        (None, name, None | Some("")) if !name.is_empty() && is_instagram(host) => {
            user_at(name, addresses.at_url(&url))
        }
        _ => Err(InvalidQuery::ForeignUrl),
    }
}

/// A user of another host: whatever their name looks like, it is no account of ours.
fn user_at(name: &str, at: AtHost) -> Result<Query, InvalidQuery> {
    Ok(Query { subject: Subject::Handle(handle(name)?), selector: Some(Selector::Host(at)) })
}

fn is_instagram(host: &str) -> bool {
    host.strip_prefix("www.").unwrap_or(host) == "instagram.com"
}

fn scheme_of(url: &Url) -> Result<Option<Selector>, InvalidQuery> {
    let named = url.query_pairs().find(|(key, _)| key == "scheme");
    named.map(|(_, scheme)| Selector::parse(&scheme)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, String), InvalidQuery> {
        let mirror = |name| Scheme::parse(name).unwrap();
        let addresses = Addresses::new(Url::parse("https://names.example:8443").unwrap())
            .and(&mirror("staff"), ["login.example".to_owned()])
            .and(&mirror("threads"), ["threads.net".to_owned(), "threads.com".to_owned()])
            .and(&mirror("insta"), ["instagram.com".to_owned()])
            .and(&mirror("guests"), ["login.example".to_owned()]);
        let query = Query::parse(text, &addresses)?;
        let subject = match query.subject {
            Subject::Handle(handle) => format!("@{handle}"),
            Subject::Account(account) => account.to_string(),
        };
        let selector = match query.selector {
            None => String::new(),
            Some(Selector::Named(scheme)) => scheme.to_string(),
            Some(Selector::Model(model)) => format!("{model:?}"),
            Some(Selector::Host(at)) => {
                let mirrors: Vec<_> = at.mirrors.iter().map(Scheme::as_str).collect();
                format!("{} [{}]", at.host, mirrors.join(" "))
            }
        };
        Ok((subject, selector))
    }

    #[test]
    fn every_form_means_what_the_table_says() {
        for (text, subject, selector) in [
            ("alice", "@alice", ""),
            (" @Alice\n", "@alice", ""),
            ("alice.example.com", "@alice.example.com", ""),
            ("@Bücher.Example", "@xn--bcher-kva.example", ""),
            ("bücher。example", "@xn--bcher-kva.example", ""),
            ("müller", "@müller", ""),
            ("bob@example.com", "@bob@example.com", ""),
            ("\u{202a}@alice.example.com\u{202c}", "@alice.example.com", ""),
            ("@\u{2068}alice\u{2069}\u{200b} ", "@alice", ""),
            ("\u{feff}did:plc:abc\u{200f}", "did:plc:abc", ""),
            ("at://\u{202a}alice.example.com\u{202c}", "@alice.example.com", "Independent"),
            ("acct:\u{2068}alice\u{2069}@names.example\u{2069}", "@alice", ""),
            (
                "https://bsky.app/profile/\u{2068}alice.example.com\u{2069}",
                "@alice.example.com",
                "Independent",
            ),
            ("\u{202a}www.threads.net/@alice\u{202c}", "@alice", "threads.net [threads]"),
            ("\u{202d}b\u{00fc}cher.example\u{202c}", "@xn--bcher-kva.example", ""),
            ("did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did:plc:ewvi7nxzyoun6zhxrhs64oiz", ""),
            ("@did:web:Example.com", "did:web:Example.com", ""),
            ("threads:abc", "threads:abc", ""),
            ("at://alice.example.com", "@alice.example.com", "Independent"),
            ("AT://alice.example.com/app.bsky.feed.post/3k", "@alice.example.com", "Independent"),
            ("at://did:plc:abc", "did:plc:abc", "Independent"),
            ("acct:alice@names.example", "@alice", ""),
            ("acct:alice@names.example:8443", "@alice", ""),
            ("acct:ALICE@NAMES.example.:8443", "@alice", ""),
            ("acct:alice@names.example.", "@alice", ""),
            ("acct:m%C3%BCller@names%2Eexample", "@müller", ""),
            ("acct:did:plc:abc@names.example", "did:plc:abc", ""),
            ("@alice@names.example", "@alice", ""),
            ("alice@Names.Example:8443", "@alice", ""),
            ("@alice.example.com@names.example", "@alice.example.com", ""),
            ("https://names.example:8443/@alice@names.example", "@alice", ""),
            ("https://names.example.:8443/@alice", "@alice", ""),
            ("acct:alice@threads.net", "@alice", "threads.net [threads]"),
            ("ACCT:%61lice@WWW.threads.com", "@alice", "threads.com [threads]"),
            ("@alice@threads.net", "@alice", "threads.net [threads]"),
            ("@alice@threads.net@names.example", "@alice", "threads.net [threads]"),
            ("alice@instagram.com ", "@alice", "instagram.com [insta]"),
            ("acct:alice@login.example", "@alice", "login.example [staff guests]"),
            ("acct:alice@threads.net.evil.example", "@alice@threads.net.evil.example", ""),
            ("at://alice@threads.net", "@alice@threads.net", "Independent"),
            // Other ports and other hosts are not ours, and a name that is wholly an account is that.
            ("acct:alice@names.example:443", "@alice@names.example:443", ""),
            ("alice@names.example:99999", "@alice@names.example:99999", ""),
            ("alice@notnames.example", "@alice@notnames.example", ""),
            ("threads:a@names.example", "threads:a@names.example", ""),
            ("acct:bob@elsewhere.example", "@bob@elsewhere.example", ""),
            ("https://bsky.app/profile/alice.example.com/post/3k", "@alice.example.com", "Independent"),
            ("https://bsky.app/profile/did%3Aplc%3Aabc", "did:plc:abc", "Independent"),
            ("https://www.threads.net/@alice", "@alice", "threads.net [threads]"),
            ("www.threads.com/@alice/post/x?y=z", "@alice", "threads.com [threads]"),
            ("https://threads.net/@staff:abc", "@staff:abc", "threads.net [threads]"),
            ("http://instagram.com/alice/?hl=en", "@alice", "instagram.com [insta]"),
            ("https://www.instagram.com/@alice", "@alice", "instagram.com [insta]"),
            ("https://login.example/@alice?scheme=staff", "@alice", "login.example [staff guests]"),
            ("https://elsewhere.example/@alice", "@alice", "elsewhere.example []"),
            ("https://names.example/@alice", "@alice", "names.example []"),
            ("https://threads.net:8443/@alice", "@alice", "threads.net []"),
            ("https://alice@threads.net@elsewhere.example/@bob", "@bob", "elsewhere.example []"),
            ("https://names.example:8443/@alice", "@alice", ""),
            ("https://names.example:8443/@jane.art?scheme=threads", "@jane.art", "threads"),
            ("https://names.example:8443/profile/did:web:a.b", "did:web:a.b", "Independent"),
        ] {
            assert_eq!(parse(text), Ok((subject.to_owned(), selector.to_owned())), "{text}");
        }
    }

    #[test]
    fn our_own_host_is_known_however_it_is_written() {
        let public_url = Url::parse("https://Münchən.example").unwrap();
        let addresses = Addresses::new(public_url.clone());
        let asked = |text: &str| Query::parse(text, &addresses).unwrap().subject;
        let alice = Subject::Handle(Handle::parse("alice").unwrap());
        let ascii = public_url.host_str().unwrap();
        for host in [
            ascii,
            "münchən.example",
            "MÜNCHƏN.EXAMPLE",
            "münchən。example",
            "münchən.example.",
            "münchən。example。",
            "münchən.example:443",
            &format!("{ascii}.:443"),
            &ascii.to_uppercase(),
        ] {
            for form in ["acct:alice", "ACCT:alice", "@alice", "alice"] {
                assert_eq!(asked(&format!("{form}@{host}")), alice, "{form}@{host}");
            }
            assert_eq!(asked(&format!("https://{host}/@alice")), alice, "{host}");
        }
        for host in ["munchən.example", "münchən.example:80", "münchən.example:8443", "x.münchən.example"]
        {
            assert_ne!(asked(&format!("acct:alice@{host}")), alice, "{host}");
        }
        let v6 = Addresses::new(Url::parse("http://[::1]:8080").unwrap());
        for text in ["acct:alice@[::1]", "acct:alice@[::1]:8080"] {
            assert_eq!(Query::parse(text, &v6).unwrap().subject, alice, "{text}");
        }
    }

    #[test]
    fn an_address_at_a_domain_of_names_is_a_name_below_it() {
        let domains = ["example.com", "xn--mnchen-3ya.example"].map(|name| Hostname::parse(name).unwrap());
        let public_url = Url::parse("https://names.example").unwrap();
        let below = |text: &str| below(text, &domains, &public_url).map(|handle| handle.to_string());
        for (text, handle) in [
            ("acct:alice@example.com", Some("alice.example.com")),
            ("@Alice@EXAMPLE.com.", Some("alice.example.com")),
            ("alice@example.com:443", Some("alice.example.com")),
            ("acct:alice@münchen.example", Some("alice.xn--mnchen-3ya.example")),
            ("acct:a%6cice@example.com", Some("alice.example.com")),
            ("\u{2068}alice\u{2069}@example.com\u{202c}", Some("alice.example.com")),
            ("alice.example.com", None),
            ("acct:alice", None),
            ("acct:@example.com", None),
            ("acct:a.b@example.com", None),
            ("acct:a@b@example.com", None),
            ("alice@example.com:8443", None),
            ("alice@www.example.com", None),
            ("a b@example.com", None),
            ("acct:%zz@example.com", None),
        ] {
            assert_eq!(below(text).as_deref(), handle, "{text}");
        }
    }

    #[test]
    fn a_scheme_named_beside_an_address_never_overrules_its_host() {
        let at = |mirrors: &[&str]| {
            let mirrors = mirrors.iter().map(|name| Scheme::parse(name).unwrap()).collect();
            Some(Selector::Host(AtHost { host: "login.example".to_owned(), mirrors }))
        };
        for (named, mirrors) in [(None, &["a", "b"][..]), (Some("b"), &["b"]), (Some("c"), &[])] {
            let query = Query::named("alice", at(&["a", "b"])).unwrap();
            let named = named.map(|name| Selector::parse(name).unwrap());
            assert_eq!(query.under(named).selector, at(mirrors));
        }
    }

    #[test]
    fn a_name_of_no_grammar_says_which_rule_it_breaks() {
        for (name, rule) in [
            ("a..b", "no empty label"),
            ("alice.example.com.", "no empty label"),
            ("-a.test", "begins or ends with a hyphen"),
            ("a-.test", "begins or ends with a hyphen"),
            ("a-b.1", "begins with a letter"),
            ("al!ce.example.com", "a-z, 0-9, hyphens and dots"),
            ("an_underscore.in.a.long.name.com", "a-z, 0-9, hyphens and dots"),
            (&format!("{}.com", "a".repeat(64)), "at most 63"),
            ("alice@", "behind it"),
            ("alice@bob@", "behind it"),
            ("alice-b", "a username has"),
            ("m\u{fc}ller", "a username has"),
        ] {
            let broken = InvalidQuery::of_no_grammar(&Handle::parse(name).unwrap());
            assert!(
                broken.as_ref().is_some_and(|rule_of| rule_of.to_string().contains(rule)),
                "{name}: {broken:?}"
            );
        }
        for name in
            ["alice", "a_b", "alice.example", "alice-b.example.com", "127.0.0.1", "bob@example.com", "a..b@c"]
        {
            assert_eq!(InvalidQuery::of_no_grammar(&Handle::parse(name).unwrap()), None, "{name}");
        }
    }

    #[test]
    fn what_asks_about_nobody_is_refused() {
        for text in [
            "",
            " ",
            "@",
            "@@alice",
            "a b",
            "alice\u{202e}",
            "alice\u{200b}.example.com",
            "al\u{2069}ice",
            "\u{202a}\u{202c}",
            "handle.invalid",
            "@HANDLE.invalid",
            "did:",
            "DID:plc:abc",
            "Threads:abc",
            "\u{212a}:abc",
            "at://",
            "at://@alice.example.com",
            "https://example.com/alice",
            "https://instagram.com/",
            "https://instagram.com/p/abc",
            "https://threads.net/alice",
            "https://bsky.app/profile",
            "https://bsky.app/profile/%zz",
            "a/b",
            "http://[",
            "-ü.example",
            &"a".repeat(254),
            &format!("{}.example", "ü".repeat(90)),
        ] {
            assert!(parse(text).is_err(), "{text:?} gave {:?}", parse(text));
        }
    }
}
