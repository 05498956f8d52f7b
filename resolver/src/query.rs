//! The door: whatever people paste to mean somebody becomes a [`Query`], once. Past here there is no `&str` handle.
//!
//! | text | means |
//! |---|---|
//! | `alice`, `@Alice`, `alice.example.com`, `münchen.example` | the handle; a Unicode host name in its ASCII form (UTS 46) |
//! | `did:plc:…`, `threads:…` | the account |
//! | `at://alice.example.com/…`, `at://did:…` | the authority of an AT URI, independent scheme |
//! | `acct:alice@<us>`, `acct:bob@example.com` | RFC 7565: the user, if the host is ours or Threads'; else the whole |
//! | `https://bsky.app/profile/…` | independent scheme |
//! | `https://www.threads.net/@…`, `threads.com` | mirror scheme |
//! | our own `/@…` and `/profile/…`, with `?scheme=` | as we would answer them |
//!
//! A URL may lack its `https://`, as people copy it without.

use idna::{
    AsciiDenyList,
    uts46::{DnsLength, Hyphens, Uts46},
};
use namesake::{AccountId, Handle, InvalidHandle, Model, Scheme};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::percent;

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
}

/// A text that asks about nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidQuery {
    /// No handle under any scheme.
    #[error(transparent)]
    Handle(#[from] InvalidHandle),
    /// A host name that UTS 46 does not allow.
    #[error("this international name cannot be written as a host name (UTS 46)")]
    InternationalName,
    /// It begins like a DID or an account and is none.
    #[error("not a valid account identifier: a DID begins with a lower-case `did:`")]
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
    /// Understands every form above; `public_url` tells which URLs are our own.
    ///
    /// # Errors
    /// [`InvalidQuery`] says what is wrong with the text.
    pub fn parse(text: &str, public_url: &Url) -> Result<Self, InvalidQuery> {
        let text = text.trim();
        if let Some(rest) = strip_scheme(text, "at://") {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
            return Self::named(authority, Some(Selector::Model(Model::Independent)));
        }
        if let Some(rest) = strip_scheme(text, "acct:") {
            return acct(rest, public_url);
        }
        if strip_scheme(text, "https://").or_else(|| strip_scheme(text, "http://")).is_some() {
            return profile_url(text, public_url);
        }
        if text.contains('/') {
            return profile_url(&format!("https://{text}"), public_url);
        }
        Self::named(text.strip_prefix('@').unwrap_or(text), None)
    }

    /// Understands a bare name or account, as in `/@{handle}` and `/profile/{handle-or-did}`.
    ///
    /// # Errors
    /// [`InvalidQuery`] says what is wrong with the name.
    pub fn named(name: &str, selector: Option<Selector>) -> Result<Self, InvalidQuery> {
        Ok(Self { subject: subject(name)?, selector })
    }

    /// The same question, under the scheme that was named beside it, if one was.
    #[must_use]
    pub fn under(self, named: Option<Selector>) -> Self {
        Self { selector: named.or(self.selector), ..self }
    }
}

/// The rest of `text` after a URI scheme, which is case-insensitive (RFC 3986 section 3.1).
fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn subject(name: &str) -> Result<Subject, InvalidQuery> {
    let name = name.trim();
    if strip_scheme(name, "did:").is_some() {
        let did = AccountId::parse(name).ok().filter(AccountId::is_did);
        return did.map(Subject::Account).ok_or(InvalidQuery::Account);
    }
    if let Some((scheme, _)) = name.split_once(':')
        && Scheme::parse(scheme).is_ok()
    {
        return AccountId::parse(name).map(Subject::Account).map_err(|_| InvalidQuery::Account);
    }
    handle(name).map(Subject::Handle)
}

/// A handle; a dotted name with other than ASCII characters is a host name, and is stored in its ASCII form.
fn handle(name: &str) -> Result<Handle, InvalidQuery> {
    // Checked before the conversion: UTS 46 would silently drop what cannot be seen.
    let handle = Handle::parse(name)?;
    let dotted = handle.as_str().contains(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']);
    if handle.as_str().is_ascii() || !dotted || handle.as_str().contains('@') {
        return Ok(handle);
    }
    let ascii = Uts46::new()
        .to_ascii(handle.as_str().as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| InvalidQuery::InternationalName)?;
    Ok(Handle::parse(&ascii)?)
}

/// RFC 7565. The user part is percent-decoded; the host decides whose user it is.
fn acct(rest: &str, public_url: &Url) -> Result<Query, InvalidQuery> {
    let rest = percent::decode(rest).ok_or(InvalidQuery::Encoding)?;
    match rest.rsplit_once('@') {
        Some((user, host)) if is_threads(host) => Query::named(user, Some(Selector::Model(Model::Mirror))),
        Some((user, host)) if is_own(host, public_url) => Query::named(user, None),
        _ => Query::named(&rest, None),
    }
}

fn is_threads(host: &str) -> bool {
    let host = host.strip_prefix("www.").unwrap_or(host);
    host.eq_ignore_ascii_case("threads.net") || host.eq_ignore_ascii_case("threads.com")
}

fn is_own(host: &str, public_url: &Url) -> bool {
    let own = public_url.host_str().unwrap_or_default();
    let own_with_port = public_url.port().map(|port| format!("{own}:{port}"));
    host.eq_ignore_ascii_case(own) || own_with_port.is_some_and(|own| host.eq_ignore_ascii_case(&own))
}

fn profile_url(text: &str, public_url: &Url) -> Result<Query, InvalidQuery> {
    let url = Url::parse(text).map_err(|_| InvalidQuery::ForeignUrl)?;
    let host = url.host_str().unwrap_or_default();
    let mut segments = url.path_segments().into_iter().flatten();
    let (first, second) = (segments.next().unwrap_or_default(), segments.next());
    let first = percent::decode(first).ok_or(InvalidQuery::Encoding)?;
    let second = second.map(|segment| percent::decode(segment).ok_or(InvalidQuery::Encoding)).transpose()?;
    let own = url.host() == public_url.host() && url.port() == public_url.port();

    match (first.strip_prefix('@'), &*first, second) {
        (Some(name), _, _) if is_threads(host) => Query::named(name, Some(Selector::Model(Model::Mirror))),
        (Some(name), _, _) if own => Ok(Query::named(name, None)?.under(scheme_of(&url)?)),
        (None, "profile", Some(name)) if own || host == "bsky.app" => {
            Query::named(&name, Some(Selector::Model(Model::Independent)))
        }
        _ => Err(InvalidQuery::ForeignUrl),
    }
}

fn scheme_of(url: &Url) -> Result<Option<Selector>, InvalidQuery> {
    let named = url.query_pairs().find(|(key, _)| key == "scheme");
    named.map(|(_, scheme)| Selector::parse(&scheme)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, String), InvalidQuery> {
        let query = Query::parse(text, &Url::parse("https://names.example:8443").unwrap())?;
        let subject = match query.subject {
            Subject::Handle(handle) => format!("@{handle}"),
            Subject::Account(account) => account.to_string(),
        };
        let selector = match query.selector {
            None => String::new(),
            Some(Selector::Named(scheme)) => scheme.to_string(),
            Some(Selector::Model(model)) => format!("{model:?}"),
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
            ("did:plc:ewvi7nxzyoun6zhxrhs64oiz", "did:plc:ewvi7nxzyoun6zhxrhs64oiz", ""),
            ("@did:web:Example.com", "did:web:Example.com", ""),
            ("threads:abc", "threads:abc", ""),
            ("at://alice.example.com", "@alice.example.com", "Independent"),
            ("AT://alice.example.com/app.bsky.feed.post/3k", "@alice.example.com", "Independent"),
            ("at://did:plc:abc", "did:plc:abc", "Independent"),
            ("acct:alice@names.example", "@alice", ""),
            ("acct:alice@names.example:8443", "@alice", ""),
            ("acct:alice@threads.net", "@alice", "Mirror"),
            ("acct:bob@elsewhere.example", "@bob@elsewhere.example", ""),
            ("https://bsky.app/profile/alice.example.com/post/3k", "@alice.example.com", "Independent"),
            ("https://bsky.app/profile/did%3Aplc%3Aabc", "did:plc:abc", "Independent"),
            ("https://www.threads.net/@alice", "@alice", "Mirror"),
            ("www.threads.com/@alice/post/x?y=z", "@alice", "Mirror"),
            ("https://names.example:8443/@alice", "@alice", ""),
            ("https://names.example:8443/@jane.art?scheme=threads", "@jane.art", "threads"),
            ("https://names.example:8443/profile/did:web:a.b", "did:web:a.b", "Independent"),
        ] {
            assert_eq!(parse(text), Ok((subject.to_owned(), selector.to_owned())), "{text}");
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
            "handle.invalid",
            "@HANDLE.invalid",
            "did:",
            "DID:plc:abc",
            "at://",
            "at://@alice.example.com",
            "https://example.com/alice",
            "https://names.example/@alice",
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
