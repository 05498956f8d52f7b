//! The words of an explanation, and what a holder should change.
//!
//! Text from outside that gets in here is cleaned; whoever shows it still escapes it for the place.

use namesake::{Advice, Method, Record, ResolveError, StepOutcome, Trace, Why, clean_line, http::HttpCause};

use crate::{
    Did, DidDocument, Hostname, IndependentSettings,
    proof::{Conclusion, DnsVerdict, Evidence, Miss, NoTxt, WebVerdict, conclude, disagreement},
};

/// What the DNS said, and for how long that is believed.
pub(crate) fn dns(verdict: &DnsVerdict, settings: &IndependentSettings) -> String {
    match verdict {
        DnsVerdict::One(did, lives) => format!(
            "{did} (the record's TTL is {} s; an answer is believed for {} s)",
            lives.as_secs(),
            settings.believed(*lives).as_secs()
        ),
        DnsVerdict::None(NoTxt::NoDomain) => "no such name".to_owned(),
        DnsVerdict::None(NoTxt::NoData) => "no TXT record there".to_owned(),
        DnsVerdict::None(NoTxt::NoDid { malformed: 0 }) => {
            "TXT records, but none begins with did=".to_owned()
        }
        DnsVerdict::None(NoTxt::NoDid { malformed }) => {
            format!("TXT records, but no valid DID: {malformed} began with did= and went on wrongly")
        }
        DnsVerdict::None(NoTxt::TooLong) => "the name with its prefix would be too long".to_owned(),
        DnsVerdict::Ambiguous(dids) => format!("different DIDs: {}", list(dids)),
        DnsVerdict::Failed(failure) => failure.to_string(),
    }
}

/// What the web host said; `cause` says to the operator why it said nothing.
pub(crate) fn web(trace: &Trace, verdict: &WebVerdict, cause: Option<&HttpCause>) -> String {
    match verdict {
        WebVerdict::One(did) => did.to_string(),
        WebVerdict::None(Miss::NoHost) => trace.with_cause("the host has no address", cause),
        WebVerdict::None(Miss::NotFound(status)) => format!("there is no such file ({status})"),
        WebVerdict::None(Miss::NotADid) => "an answer that is not a DID and nothing else".to_owned(),
        WebVerdict::Failed(error) => failure(trace, error),
    }
}

/// Why a source could not be asked.
pub(crate) fn failure(trace: &Trace, error: &ResolveError) -> String {
    clean_line(&trace.words(error), 300)
}

/// The file that proves a handle by HTTPS.
pub(crate) fn well_known_url(host: &Hostname) -> String {
    format!("https://{host}/.well-known/atproto-did")
}

/// The verdict on a handle's forward look-up, and the advice that follows.
pub(crate) fn forward(trace: &Trace, host: &Hostname, evidence: &Evidence) {
    if !trace.is_on() {
        return;
    }
    if let Some((dns, web)) = disagreement(evidence) {
        trace.step(
            "verdict",
            || host.to_string(),
            StepOutcome::Note,
            || format!("ambiguous: DNS says {dns}, HTTPS says {web}; DNS wins"),
        );
        trace.advise(|| Advice {
            text: format!(
                "DNS and {} name different accounts. DNS wins; correct or remove the file.",
                well_known_url(host)
            ),
            record: Some(file(host, dns.as_str())),
        });
    }
    let (outcome, words) = match conclude(evidence) {
        Conclusion::Proved(established) if established.provisional.is_some() => (
            StepOutcome::Found,
            format!("{} by {}, provisionally: the DNS did not answer", established.did, established.method),
        ),
        Conclusion::Proved(established) => {
            (StepOutcome::Found, format!("{} by {}", established.did, established.method))
        }
        Conclusion::Absent => (StepOutcome::Absent, "neither DNS nor HTTPS names an account".to_owned()),
        Conclusion::Failed(error) => (StepOutcome::Failed, clean_line(error.message(), 300)),
    };
    trace.step("verdict", || host.to_string(), outcome, || words);
    advise_on_dns(trace, host, evidence);
}

fn advise_on_dns(trace: &Trace, host: &Hostname, evidence: &Evidence) {
    match (&evidence.dns, &evidence.web) {
        (Some(DnsVerdict::Ambiguous(dids)), _) => trace.advise(|| Advice {
            text: format!("The name has TXT records for {}. Keep the one for your account and delete the others.", list(dids)),
            record: None,
        }),
        (Some(DnsVerdict::None(NoTxt::NoDid { malformed: 1.. })), _) => trace.advise(|| Advice {
            text: "Your TXT record begins with did= but what follows is not a DID. Write the DID in full, without \
                   quotes or spaces."
                .to_owned(),
            record: Some(txt(host, "<the account's DID>")),
        }),
        (Some(DnsVerdict::None(_)), Some(WebVerdict::None(_))) => trace.advise(|| Advice {
            text: "Nothing names an account for this handle. Its holder adds this TXT record with the account's DID \
                   (a provider's form often adds the domain by itself), or serves the DID at the well-known address."
                .to_owned(),
            record: Some(txt(host, "<the account's DID>")),
        }),
        (Some(DnsVerdict::Failed(_)), _) => trace.advise(|| Advice {
            text: "The DNS could not be asked. If this lasts, check the domain's name servers and, where it is \
                   signed, its DNSSEC chain."
                .to_owned(),
            record: None,
        }),
        _ => {}
    }
}

/// The handle names an account that is not there.
pub(crate) fn no_account(trace: &Trace, host: &Hostname, did: &Did, why: Why) {
    let what = if why == Why::Deactivated { "was deactivated" } else { "does not exist" };
    trace.step(
        "verdict",
        || host.to_string(),
        StepOutcome::Absent,
        || format!("{host} names {did}, which {what}"),
    );
    trace.advise(|| Advice {
        text: format!(
            "{host} names {did}, but that account {what}. Let the record name the account you use now."
        ),
        record: Some(txt(host, "<the account's DID>")),
    });
}

/// What is wrong between a handle that names an account, by `method`, and that account's document.
pub(crate) fn unproven(trace: &Trace, host: &Hostname, method: &Method, document: &DidDocument) {
    let did = &document.did;
    let claims = match &document.claim {
        Some(claim) => format!("says {claim}"),
        None => "names no handle".to_owned(),
    };
    let by_dns = *method == Method::DNS_TXT;
    let record = if by_dns { "TXT record".to_owned() } else { format!("file at {}", well_known_url(host)) };
    trace.step(
        "verdict",
        || host.to_string(),
        StepOutcome::Absent,
        || format!("the {record} of {host} says {did}, but the document of {did} {claims}"),
    );
    trace.advise(|| Advice {
        text: format!(
            "Your {record} says {did}, and the DID document of {did} {claims}: change one. To be {host}, choose it as \
             the handle of that account (in your app's settings, or at your PDS), so that its document lists this first:"
        ),
        record: Some(Record {
            kind: "alias".to_owned(),
            name: format!("alsoKnownAs of {did}"),
            value: format!("at://{host}"),
        }),
    });
    trace.advise(|| Advice {
        text: format!(
            "Or, if {host} is to be another account's, let the {record} name that one (its document must say {host} \
             too); and if it is to be nobody's, delete it."
        ),
        record: Some(if by_dns { txt(host, "<the other account's DID>") } else { file(host, "<the other account's DID>") }),
    });
}

/// What is wrong with the claim of an account's document, seen from the account.
pub(crate) fn claim_is_anothers(trace: &Trace, claim: &Hostname, did: &Did, holder: Option<&Did>) {
    let found = holder.map_or_else(|| "no account".to_owned(), Did::to_string);
    trace.step(
        "verdict",
        || claim.to_string(),
        StepOutcome::Absent,
        || format!("the document of {did} claims {claim}, but {claim} names {found}"),
    );
    trace.advise(|| Advice {
        text: format!(
            "The account's document says {claim}, and {claim} names {found}: change one. To keep the handle, set the \
             TXT record to this value; otherwise choose another handle for the account."
        ),
        record: Some(txt(claim, did.as_str())),
    });
}

fn txt(host: &Hostname, did: &str) -> Record {
    Record { kind: "TXT".to_owned(), name: format!("_atproto.{host}."), value: format!("did={did}") }
}

fn file(host: &Hostname, did: &str) -> Record {
    Record { kind: "file".to_owned(), name: well_known_url(host), value: did.to_owned() }
}

fn list(dids: &[Did]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = dids.iter().take(SHOWN).map(|did| clean_line(did.as_str(), 100)).collect();
    match dids.len().saturating_sub(SHOWN) {
        0 => shown.join(" and "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
