//! The route table: every path means something, if only [`Kind::Nowhere`].

use std::borrow::Cow;

use http::Method;

use crate::{pages, percent};

/// What a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route<'a> {
    pub(crate) kind: Kind,
    /// The part of the path that varies, still percent-encoded.
    pub(crate) part: &'a str,
}

macro_rules! kinds {
    ($($kind:ident $name:literal [$($method:ident)*]),* $(,)?) => {
        /// The kinds of routes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind { $($kind),* }

        impl Kind {
            /// All of them.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Its name in metrics and logs, which never carry a path.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),* }
            }

            /// The methods it takes, beside `OPTIONS`, and `HEAD` where it answers that.
            pub(crate) const fn methods(self) -> &'static [Method] {
                match self { $(Self::$kind => const { &[$(Method::$method),*] }),* }
            }
        }
    };
}

kinds! {
    Landing "landing" [GET],
    Stylesheet "stylesheet" [GET],
    Mark "mark" [GET],
    ProblemPage "problem-page" [GET],
    Handle "handle" [GET],
    Profile "profile" [GET],
    Resolve "resolve" [GET POST],
    Explain "explain" [GET],
    Account "account" [GET],
    AccountHandles "account-handles" [GET],
    Changes "changes" [GET],
    Policies "policies" [GET],
    Compare "compare" [GET],
    Paper "paper" [GET],
    Report "report" [GET],
    ResolveHandle "xrpc-resolve-handle" [GET],
    ResolveDid "xrpc-resolve-did" [GET],
    ResolveIdentity "xrpc-resolve-identity" [GET],
    RefreshIdentity "xrpc-refresh-identity" [POST],
    XrpcHealth "xrpc-health" [GET],
    XrpcUnknown "xrpc-unknown" [GET POST],
    Webfinger "webfinger" [GET],
    MirrorPage "mirror-page" [GET],
    MirrorSave "mirror-save" [POST],
    MirrorSignOut "mirror-sign-out" [POST],
    MirrorLeave "mirror-leave" [POST],
    MirrorConnect "mirror-connect" [GET],
    MirrorCallback "mirror-callback" [GET],
    MirrorWebhook "mirror-webhook" [GET POST],
    MirrorDeauthorize "mirror-deauthorize" [POST],
    MirrorDelete "mirror-delete" [GET POST],
    MirrorAccount "mirror-account" [GET PATCH DELETE],
    MirrorHandle "mirror-handle" [PUT],
    HostedAccounts "hosted-accounts" [POST],
    HostedLog "hosted-log" [GET POST],
    HostedProfile "hosted-profile" [PUT],
    AtprotoDid "atproto-did" [GET],
    DidDocument "did-document" [GET],
    DidLog "did-log" [GET],
    AtHost "at-host" [GET],
    IndependentTerms "independent-terms" [GET],
    TlsAllowed "tls-allowed" [GET],
    Openapi "openapi" [GET],
    Livez "livez" [GET],
    Readyz "readyz" [GET],
    Metrics "metrics" [GET],
    NotAtHost "not-at-host" [GET POST PUT PATCH DELETE],
    Nowhere "nowhere" [GET],
}

impl<'a> Route<'a> {
    /// What `path` means; total.
    pub(crate) fn of(path: &'a str) -> Self {
        let route = |kind| Self { kind, part: "" };
        // The busiest first; some clients escape the `@`.
        if let Some(part) = path.strip_prefix("/@").or_else(|| path.strip_prefix("/%40")) {
            return Self::segment(Kind::Handle, part);
        }
        match path {
            "/" => route(Kind::Landing),
            "/v1/resolve" => route(Kind::Resolve),
            "/v1/explain" => route(Kind::Explain),
            "/compare" => route(Kind::Compare),
            "/compare/paper" => route(Kind::Paper),
            "/v1/compare" => route(Kind::Report),
            "/v1/changes" => route(Kind::Changes),
            "/v1/policies" => route(Kind::Policies),
            "/.well-known/webfinger" => route(Kind::Webfinger),
            "/v1/independent/accounts" => route(Kind::HostedAccounts),
            "/v1/independent" => route(Kind::IndependentTerms),
            "/v1/tls-allowed" => route(Kind::TlsAllowed),
            "/openapi.json" => route(Kind::Openapi),
            "/livez" => route(Kind::Livez),
            "/readyz" => route(Kind::Readyz),
            "/metrics" => route(Kind::Metrics),
            pages::MARK_PATH => route(Kind::Mark),
            _ if path == pages::stylesheet_path() => route(Kind::Stylesheet),
            _ => Self::with_part(path),
        }
    }

    fn with_part(path: &'a str) -> Self {
        if let Some(method) = path.strip_prefix("/xrpc/") {
            return Self { kind: xrpc(method), part: "" };
        }
        let handles = path.strip_prefix("/v1/accounts/").and_then(|rest| rest.strip_suffix("/handles"));
        if let Some(account) = handles {
            return Self::segment(Kind::AccountHandles, account);
        }
        for (prefix, kind) in [
            ("/profile/", Kind::Profile),
            ("/v1/accounts/", Kind::Account),
            ("/problems/", Kind::ProblemPage),
        ] {
            if let Some(part) = path.strip_prefix(prefix) {
                return Self::segment(kind, part);
            }
        }
        if let Some(rest) = path.strip_prefix("/mirror/") {
            return match rest.split_once('/') {
                Some((name, action)) => Self::segment(linking(action), name),
                None => Self::segment(Kind::MirrorPage, rest),
            };
        }
        if let Some(part) = path.strip_prefix("/v1/mirror/accounts/") {
            return match part.strip_suffix("/handle") {
                Some(id) => Self::segment(Kind::MirrorHandle, id),
                None => Self::segment(Kind::MirrorAccount, part),
            };
        }
        if let Some((did, rest)) =
            path.strip_prefix("/v1/independent/accounts/").and_then(|rest| rest.split_once('/'))
        {
            return Self::segment(hosted(rest), did);
        }
        match well_known(path) {
            Some(kind) => Self { kind, part: "" },
            None => Self { kind: Kind::Nowhere, part: "" },
        }
    }

    /// What `path` means at the host of an account or of a handle; total. Below what software asks by itself nothing leads
    /// to a page: a name has no part in protocols that it did not take up.
    pub(crate) fn at_host(path: &str) -> Route<'static> {
        let path = &*percent::decode(path).unwrap_or(Cow::Borrowed(path));
        let is_below = |folder: &str| {
            path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let kind = match well_known(path) {
            Some(kind) => kind,
            None if is_below("/.well-known") || is_below("/xrpc") => Kind::NotAtHost,
            None => Kind::AtHost,
        };
        Route { kind, part: "" }
    }

    /// Exactly one segment.
    fn segment(kind: Kind, part: &'a str) -> Self {
        let one = kind != Kind::Nowhere && !part.is_empty() && !part.contains('/');
        Self { kind: if one { kind } else { Kind::Nowhere }, part: if one { part } else { "" } }
    }
}

fn linking(action: &str) -> Kind {
    match action {
        "profile" => Kind::MirrorSave,
        "sign-out" => Kind::MirrorSignOut,
        "leave" => Kind::MirrorLeave,
        "connect" => Kind::MirrorConnect,
        "callback" => Kind::MirrorCallback,
        "webhook" => Kind::MirrorWebhook,
        "deauthorize" => Kind::MirrorDeauthorize,
        "delete" => Kind::MirrorDelete,
        _ => Kind::Nowhere,
    }
}

fn hosted(what: &str) -> Kind {
    match what {
        "log" => Kind::HostedLog,
        "profile" => Kind::HostedProfile,
        _ => Kind::Nowhere,
    }
}

fn well_known(path: &str) -> Option<Kind> {
    match path.strip_prefix("/.well-known/")? {
        "atproto-did" => Some(Kind::AtprotoDid),
        "did.json" => Some(Kind::DidDocument),
        "did.jsonl" => Some(Kind::DidLog),
        _ => None,
    }
}

fn xrpc(method: &str) -> Kind {
    match method {
        "com.atproto.identity.resolveHandle" => Kind::ResolveHandle,
        "com.atproto.identity.resolveDid" => Kind::ResolveDid,
        "com.atproto.identity.resolveIdentity" => Kind::ResolveIdentity,
        "com.atproto.identity.refreshIdentity" => Kind::RefreshIdentity,
        "_health" => Kind::XrpcHealth,
        _ => Kind::XrpcUnknown,
    }
}

impl Kind {
    /// Whether its errors have the shape of XRPC.
    pub(crate) const fn is_xrpc(self) -> bool {
        matches!(
            self,
            Self::ResolveHandle
                | Self::ResolveDid
                | Self::ResolveIdentity
                | Self::RefreshIdentity
                | Self::XrpcHealth
                | Self::XrpcUnknown
        )
    }

    /// Whether any origin may read it: what is public is, an owner's account is not.
    pub(crate) const fn is_public(self) -> bool {
        !matches!(
            self,
            Self::MirrorPage
                | Self::MirrorSave
                | Self::MirrorSignOut
                | Self::MirrorLeave
                | Self::MirrorConnect
                | Self::MirrorCallback
                | Self::MirrorWebhook
                | Self::MirrorDeauthorize
                | Self::MirrorDelete
                | Self::MirrorAccount
                | Self::MirrorHandle
                | Self::Metrics
        )
    }

    /// Whether it takes `method`.
    pub(crate) fn takes(self, method: &Method) -> bool {
        self.methods().contains(method) || method == Method::HEAD && self.takes_head()
    }

    /// Where it takes `GET`, unless that begins or ends something: looking is no sign-in.
    fn takes_head(self) -> bool {
        let signs_in = matches!(self, Self::MirrorConnect | Self::MirrorCallback);
        !signs_in && self.methods().contains(&Method::GET)
    }

    /// The value of `Allow`.
    pub(crate) fn allow(self) -> String {
        let methods = self.methods();
        let head = self.takes_head().then_some("HEAD");
        let listed: Vec<&str> = methods.iter().map(Method::as_str).chain(head).chain(["OPTIONS"]).collect();
        listed.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_means_what_the_table_says() {
        for (path, kind, part) in [
            ("/", Kind::Landing, ""),
            ("/@alice", Kind::Handle, "alice"),
            ("/%40alice", Kind::Handle, "alice"),
            ("/@", Kind::Nowhere, ""),
            ("/@alice/", Kind::Nowhere, ""),
            ("/profile/did:plc:abc", Kind::Profile, "did:plc:abc"),
            ("/profile/", Kind::Nowhere, ""),
            ("/v1/resolve", Kind::Resolve, ""),
            ("/compare", Kind::Compare, ""),
            ("/compare/paper", Kind::Paper, ""),
            ("/compare/", Kind::Nowhere, ""),
            ("/v1/compare", Kind::Report, ""),
            ("/v1/resolve/", Kind::Nowhere, ""),
            ("/v1/changes", Kind::Changes, ""),
            ("/v1/accounts/did%3Aplc%3Aabc", Kind::Account, "did%3Aplc%3Aabc"),
            ("/v1/accounts/did:plc:abc/handles", Kind::AccountHandles, "did:plc:abc"),
            ("/v1/accounts/handles", Kind::Account, "handles"),
            ("/v1/accounts//handles", Kind::Nowhere, ""),
            ("/xrpc/com.atproto.identity.resolveHandle", Kind::ResolveHandle, ""),
            ("/xrpc/_health", Kind::XrpcHealth, ""),
            ("/xrpc/com.atproto.server.createSession", Kind::XrpcUnknown, ""),
            ("/mirror/threads/connect", Kind::MirrorConnect, "threads"),
            ("/mirror/threads/delete", Kind::MirrorDelete, "threads"),
            ("/mirror/threads/x/delete", Kind::Nowhere, ""),
            ("/mirror/threads", Kind::MirrorPage, "threads"),
            ("/mirror/threads/profile", Kind::MirrorSave, "threads"),
            ("/mirror/threads/sign-out", Kind::MirrorSignOut, "threads"),
            ("/mirror/threads/leave", Kind::MirrorLeave, "threads"),
            ("/mirror/threads/", Kind::Nowhere, ""),
            ("/mirror/", Kind::Nowhere, ""),
            ("/mirror//connect", Kind::Nowhere, ""),
            ("/v1/mirror/accounts/threads:abc", Kind::MirrorAccount, "threads:abc"),
            ("/v1/mirror/accounts/threads:abc/handle", Kind::MirrorHandle, "threads:abc"),
            ("/v1/mirror/accounts/threads:abc/x", Kind::Nowhere, ""),
            ("/v1/independent/accounts", Kind::HostedAccounts, ""),
            ("/v1/independent/accounts/did:web:a.b/log", Kind::HostedLog, "did:web:a.b"),
            ("/v1/independent/accounts/did%3Aweb%3Aa.b/profile", Kind::HostedProfile, "did%3Aweb%3Aa.b"),
            ("/v1/independent/accounts/", Kind::Nowhere, ""),
            ("/v1/independent/accounts/did:web:a.b", Kind::Nowhere, ""),
            ("/v1/independent/accounts//log", Kind::Nowhere, ""),
            ("/v1/independent/accounts/did:web:a.b/log/", Kind::Nowhere, ""),
            ("/v1/independent", Kind::IndependentTerms, ""),
            ("/v1/independent/", Kind::Nowhere, ""),
            ("/v1/tls-allowed", Kind::TlsAllowed, ""),
            ("/.well-known/atproto-did", Kind::AtprotoDid, ""),
            ("/.well-known/did.json", Kind::DidDocument, ""),
            ("/.well-known/did.jsonl", Kind::DidLog, ""),
            ("/.well-known/", Kind::Nowhere, ""),
            ("/problems/handle-not-found", Kind::ProblemPage, "handle-not-found"),
            (pages::stylesheet_path(), Kind::Stylesheet, ""),
            ("/openapi.json", Kind::Openapi, ""),
            ("/metrics", Kind::Metrics, ""),
            ("", Kind::Nowhere, ""),
            ("*", Kind::Nowhere, ""),
            ("//", Kind::Nowhere, ""),
            ("/../etc/passwd", Kind::Nowhere, ""),
        ] {
            assert_eq!(Route::of(path), Route { kind, part }, "{path}");
        }
    }

    #[test]
    fn at_the_host_of_a_handle_a_path_is_a_well_known_nothing_or_leads_to_the_profile() {
        for (path, kind) in [
            ("/.well-known/atproto-did", Kind::AtprotoDid),
            ("/.well-known/did.json", Kind::DidDocument),
            ("/.well-known/did.jsonl", Kind::DidLog),
            ("/", Kind::AtHost),
            ("/@alice", Kind::AtHost),
            ("/livez", Kind::AtHost),
            ("/.well-known/webfinger", Kind::NotAtHost),
            ("/.well-known/acme-challenge/token", Kind::NotAtHost),
            ("/.well-known/atproto-did/", Kind::NotAtHost),
            ("/.well-known/", Kind::NotAtHost),
            ("/.well-known", Kind::NotAtHost),
            ("/%2ewell-known/webfinger", Kind::NotAtHost),
            ("/%2ewell-known/atproto%2Ddid", Kind::AtprotoDid),
            ("/%", Kind::AtHost),
            ("/.well-knowns", Kind::AtHost),
            ("/xrpc/com.atproto.identity.resolveHandle", Kind::NotAtHost),
            ("/xrpc/_health", Kind::NotAtHost),
            ("/xrpc", Kind::NotAtHost),
            ("/xrpcs", Kind::AtHost),
            ("/a/.well-known/webfinger", Kind::AtHost),
            ("", Kind::AtHost),
        ] {
            assert_eq!(Route::at_host(path), Route { kind, part: "" }, "{path}");
        }
    }

    #[test]
    fn allow_lists_what_is_taken() {
        assert_eq!(Kind::Resolve.allow(), "GET, POST, HEAD, OPTIONS");
        assert_eq!(Kind::RefreshIdentity.allow(), "POST, OPTIONS");
        assert_eq!(Kind::MirrorCallback.allow(), "GET, OPTIONS");
        assert!(!Kind::MirrorCallback.takes(&Method::HEAD) && !Kind::MirrorConnect.takes(&Method::HEAD));
        assert!(Kind::Handle.takes(&Method::HEAD) && !Kind::Handle.takes(&Method::POST));
    }

    #[test]
    fn names_are_distinct() {
        let names: std::collections::HashSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
    }
}
