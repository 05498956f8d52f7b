//! What the answers of DNS and HTTPS mean, alone and together (atproto handle specification, "Handle Resolution").
//!
//! Pure: [`crate::race`] asks, this file decides.

use std::time::Duration;

use namesake::{
    ErrorKind, Method, ResolveError,
    http::{HttpError, HttpFailure},
};

use crate::{Did, DnsFailure, TxtAnswer, TxtRecord, WellKnownReply, failure};

/// What the DNS says about a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DnsVerdict {
    /// Exactly one DID, and how long the record lives.
    One(Did, Duration),
    /// Definitely none.
    None(NoTxt),
    /// Different DIDs: nobody can say which.
    Ambiguous(Vec<Did>),
    /// It did not say.
    Failed(DnsFailure),
}

/// The kinds of a definite no, for the explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTxt {
    /// NXDOMAIN.
    NoDomain,
    /// No TXT record.
    NoData,
    /// TXT records, and no valid `did=` among them.
    NoDid {
        /// How many begin with `did=` and hold no DID.
        malformed: usize,
    },
    /// The name with its prefix would be too long to exist.
    TooLong,
}

/// What the web host says about a handle.
#[derive(Debug, Clone)]
pub(crate) enum WebVerdict {
    /// This DID.
    One(Did),
    /// Definitely none, and why.
    None(Miss),
    /// It did not say, or not in a way that can be trusted.
    Failed(ResolveError),
}

/// The kinds of a definite miss, for the explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Miss {
    /// The host has no address.
    NoHost,
    /// 404 or 410.
    NotFound(u16),
    /// A success whose body is not one DID: a web page, most likely.
    NotADid,
}

/// What was learned before the answer had to go out; `None` for a source that was not waited for.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    pub(crate) dns: Option<DnsVerdict>,
    pub(crate) web: Option<WebVerdict>,
}

/// What the evidence adds up to.
#[derive(Debug, Clone)]
pub(crate) enum Conclusion {
    /// The handle names this DID.
    Proved(Established),
    /// Both sources say no.
    Absent,
    /// It cannot be said.
    Failed(ResolveError),
}

/// A DID that a handle names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Established {
    pub(crate) did: Did,
    pub(crate) method: Method,
    /// The DNS was silent or failing: the failure that would stand in its place.
    pub(crate) provisional: Option<ErrorKind>,
    /// How long the record lives, where there is one.
    pub(crate) lives: Option<Duration>,
}

/// Judges what the DNS said.
///
/// The character-strings of a record are joined with nothing between (RFC 7208 section 3.3 has the custom). Records
/// that do not begin with `did=`, and those whose trimmed value is no DID, are ignored; equal DIDs count once.
pub(crate) fn judge_txt(answer: Result<TxtAnswer, DnsFailure>) -> DnsVerdict {
    let (records, ttl) = match answer {
        Ok(TxtAnswer::Records { records, ttl }) => (records, ttl),
        Ok(TxtAnswer::NoData) => return DnsVerdict::None(NoTxt::NoData),
        Ok(TxtAnswer::NoDomain) => return DnsVerdict::None(NoTxt::NoDomain),
        Err(failure) => return DnsVerdict::Failed(failure),
    };
    let (mut dids, mut malformed) = (Vec::new(), 0);
    for TxtRecord(strings) in records {
        let joined = strings.concat();
        let Some(value) = joined.trim_ascii().strip_prefix(b"did=") else { continue };
        match parse_did(value) {
            Some(did) if dids.contains(&did) => {}
            Some(did) => dids.push(did),
            None => malformed += 1,
        }
    }
    dids.sort();
    match dids.len() {
        0 => DnsVerdict::None(NoTxt::NoDid { malformed }),
        1 => DnsVerdict::One(dids.swap_remove(0), ttl),
        _ => DnsVerdict::Ambiguous(dids),
    }
}

/// Judges what the web host said: any 2xx, content type not looked at, the whole trimmed body is one DID.
pub(crate) fn judge_web(answer: Result<WellKnownReply, HttpError>) -> WebVerdict {
    let reply = match answer {
        Ok(reply) => reply,
        Err(error) => return judge_web_failure(error),
    };
    match reply.status {
        200..=299 => match reply.body.as_deref().and_then(parse_did) {
            Some(did) => WebVerdict::One(did),
            None => WebVerdict::None(Miss::NotADid),
        },
        404 | 410 => WebVerdict::None(Miss::NotFound(reply.status)),
        429 => failed(ErrorKind::Throttled, "the web host asks to slow down (429)".to_owned()),
        status @ 300..=399 => failed(ErrorKind::BadAnswer, format!("the web host leads nowhere ({status})")),
        // Also a 403: hosts ward off clients so for a while, and what they served before still stands.
        status => failed(ErrorKind::Unavailable, format!("the web host answers {status}")),
    }
}

fn failed(kind: ErrorKind, message: String) -> WebVerdict {
    WebVerdict::Failed(ResolveError::new(kind, message))
}

/// Only a host without an address is a definite miss.
fn judge_web_failure(error: HttpError) -> WebVerdict {
    match error.failure {
        HttpFailure::NoAddress => WebVerdict::None(Miss::NoHost),
        HttpFailure::TooLarge => WebVerdict::None(Miss::NotADid),
        _ => WebVerdict::Failed(failure::at_stranger(error)),
    }
}

fn parse_did(bytes: &[u8]) -> Option<Did> {
    let text = std::str::from_utf8(bytes).ok()?;
    Did::parse(text.trim()).ok()
}

/// Adds the evidence up: DNS wins; HTTPS counts where the DNS definitely has nothing, and provisionally where the
/// DNS is silent or failing; a failure is never absence.
pub(crate) fn conclude(evidence: &Evidence) -> Conclusion {
    match (&evidence.dns, &evidence.web) {
        (Some(DnsVerdict::One(did, lives)), _) => Conclusion::Proved(Established {
            did: did.clone(),
            method: Method::DNS_TXT,
            provisional: None,
            lives: Some(*lives),
        }),
        (Some(DnsVerdict::Ambiguous(dids)), _) => Conclusion::Failed(ResolveError::new(
            ErrorKind::BadAnswer,
            format!("the handle has TXT records for {} different DIDs", dids.len()),
        )),
        (Some(DnsVerdict::None(_)), Some(WebVerdict::One(did))) => proved_by_web(did, None),
        (Some(DnsVerdict::Failed(failure)), Some(WebVerdict::One(did))) => {
            proved_by_web(did, Some(dns_kind(*failure)))
        }
        (None, Some(WebVerdict::One(did))) => proved_by_web(did, Some(ErrorKind::Timeout)),
        (Some(DnsVerdict::None(_)), Some(WebVerdict::None(_))) => Conclusion::Absent,
        (Some(DnsVerdict::Failed(failure)), _) => {
            Conclusion::Failed(ResolveError::caused(dns_kind(*failure), format!("DNS: {failure}"), *failure))
        }
        (Some(DnsVerdict::None(_)), Some(WebVerdict::Failed(error))) => {
            let message =
                format!("there is no TXT record, and the web host could not be used: {}", error.message());
            Conclusion::Failed(match error.causes() {
                Some(cause) => ResolveError::caused(error.kind(), message, cause),
                None => ResolveError::new(error.kind(), message),
            })
        }
        // Reached only by a caller that asked nobody; a timeout is the honest word.
        (None, _) | (Some(DnsVerdict::None(_)), None) => {
            Conclusion::Failed(ResolveError::new(ErrorKind::Timeout, "the sources have not answered yet"))
        }
    }
}

/// The DID of the other source, when both answered and disagree.
pub(crate) fn disagreement(evidence: &Evidence) -> Option<(&Did, &Did)> {
    match (&evidence.dns, &evidence.web) {
        (Some(DnsVerdict::One(dns, _)), Some(WebVerdict::One(web))) if dns != web => Some((dns, web)),
        _ => None,
    }
}

fn proved_by_web(did: &Did, provisional: Option<ErrorKind>) -> Conclusion {
    let (did, method) = (did.clone(), Method::HTTPS_WELL_KNOWN);
    Conclusion::Proved(Established { did, method, provisional, lives: None })
}

/// What a caller can do about a DNS failure.
pub(crate) fn dns_kind(failure: DnsFailure) -> ErrorKind {
    match failure {
        DnsFailure::Timeout => ErrorKind::Timeout,
        DnsFailure::ServFail | DnsFailure::Refused | DnsFailure::Other => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
