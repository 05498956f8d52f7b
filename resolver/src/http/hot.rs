//! The hot path: a question that was asked before, in the plainest form, while its answer is in memory.
//!
//! Nearly all requests are of this kind. Between hyper, which has read the head, and hyper, which writes the answer, there
//! is this file: nothing is decoded, awaited or serialised, nor logged, unless the operator wants a line of each. What it takes is in `bench warm`, beside a
//! server that returns the same bytes as a constant.
//!
//! 1. The route table says what the path means, and a name in lower-case ASCII means itself.
//! 2. The directory says which backend such a name belongs to, unless the first one is known to have it.
//! 3. Memory has a good answer, with its bytes, and nothing it is about was purged since.
//! 4. The headers are a copy of ready ones, with the answer's tag and today's age put in.
//!
//! It decides nothing by itself. Whatever is not exactly so goes to [`super::answer`], which answers the same, and which a
//! test holds it against.

use http::{Method, Request, header};
use namesake::{Handle, Model, Why};
use tokio::time::Instant;

use super::{
    Site, lookup, named_host,
    reply::{self, Reply},
    route::{Kind, Route},
    server::Door,
};
use crate::cache::Said;

/// The answer, if it is at hand.
pub(super) fn answer<B>(site: &Site, request: &Request<B>, door: Door) -> Option<Reply> {
    let begun = site.options.access_log.then(Instant::now);
    let is_ordinary = request.method() == Method::GET && door == Door::Public;
    let (uri, headers) = (request.uri(), request.headers());
    if !is_ordinary
        || !named_host::is_clear(request.method(), uri, request.version(), headers)
        || site.is_at_host(uri, headers, door)
    {
        return None;
    }
    let question = Question::of(request)?;
    let known = request.headers().get(header::IF_NONE_MATCH);
    let mut reply = match question.kind {
        Kind::ResolveHandle => {
            let answered = site.atproto.as_ref()?.did_at_hand(question.name)?;
            let prepared = answered.entry.prepared.get()?;
            reply::prepared(prepared, None, answered.freshness, known, false)
        }
        kind => {
            let implied = (kind == Kind::Profile).then_some(Model::Independent);
            let answered = site.resolver.at_hand(question.name, implied)?;
            // Its holder may want visitors of an old name to find the new one (`moved`).
            let released = matches!(answered.entry.said, Said::Absent(Why::Released));
            if released && kind != Kind::Resolve {
                return None;
            }
            let prepared = answered.entry.prepared.get()?;
            lookup::represent(prepared, answered.freshness, known, kind != Kind::Resolve)
        }
    };
    site.counters.count(question.kind, reply.status());
    if let Some(begun) = begun {
        let request_id = site.next_request_id();
        reply::identify(&mut reply, request_id);
        super::log(question.kind, reply.status(), begun, request_id);
    }
    Some(reply)
}

/// What is asked for, in one of the forms that mean what they say.
struct Question<'a> {
    kind: Kind,
    name: &'a str,
}

impl<'a> Question<'a> {
    fn of<B>(request: &'a Request<B>) -> Option<Self> {
        let Route { kind, part } = Route::of(request.uri().path());
        let name = match (kind, request.uri().query()) {
            (Kind::ResolveHandle | Kind::Resolve, Some(query)) => query.strip_prefix("handle=")?,
            (Kind::Handle | Kind::Profile, None) if takes_json(request) => part,
            _ => return None,
        };
        Handle::is_plain(name).then_some(Self { kind, name })
    }
}

/// Whether the client says that it takes JSON as gladly as anything, or says nothing.
fn takes_json<B>(request: &Request<B>) -> bool {
    let mut accepted = request.headers().get_all(header::ACCEPT).into_iter();
    let first = accepted.next();
    first.is_none_or(|first| first == "*/*" || first == "application/json") && accepted.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(target: &str, accept: &[&str]) -> Option<(Kind, String)> {
        let request =
            accept.iter().fold(Request::get(target), |request, value| request.header("accept", *value));
        let request = request.body(()).unwrap();
        Question::of(&request).map(|Question { kind, name }| (kind, name.to_owned()))
    }

    #[test]
    fn plain_questions_are_understood() {
        let xrpc = "/xrpc/com.atproto.identity.resolveHandle?handle=a-1.example.com";
        for (target, accept, kind, name) in [
            ("/@alice", &[][..], Kind::Handle, "alice"),
            ("/@alice.example.com", &["*/*"], Kind::Handle, "alice.example.com"),
            ("/profile/alice.example.com", &["application/json"], Kind::Profile, "alice.example.com"),
            ("/v1/resolve?handle=alice", &["text/html"], Kind::Resolve, "alice"),
            (xrpc, &["text/html"], Kind::ResolveHandle, "a-1.example.com"),
        ] {
            assert_eq!(question(target, accept), Some((kind, name.to_owned())), "{target}");
        }
    }

    #[test]
    fn whatever_else_it_may_mean_is_for_others() {
        for (target, accept) in [
            ("/@Alice", &[][..]),
            ("/@%61lice", &[]),
            ("/@alice?scheme=mirror", &[]),
            ("/@alice?", &[]),
            ("/@alice", &["text/html"]),
            ("/@alice", &["*/*", "text/html"]),
            ("/@alice", &["*/*;q=0.8"]),
            ("/profile/did:plc:abc", &[]),
            ("/v1/resolve", &[]),
            ("/v1/resolve?handle=%40alice", &[]),
            ("/v1/resolve?handle=@alice", &[]),
            ("/v1/resolve?handle=a+b", &[]),
            ("/v1/resolve?handle=alice&fresh=true", &[]),
            ("/v1/resolve?scheme=mirror&handle=alice", &[]),
            ("/v1/resolve?handle=threads:abc", &[]),
            ("/v1/resolve?handle=https://a/", &[]),
            ("/v1/resolve?handle=m%C3%BCller", &[]),
            ("/xrpc/com.atproto.identity.resolveDid?did=did:plc:abc", &[]),
            ("/livez", &[]),
            ("/", &[]),
        ] {
            assert_eq!(question(target, accept), None, "{target} {accept:?}");
        }
    }
}
