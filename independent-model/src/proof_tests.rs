//! Tables for the verdicts. The numbers are those of the scenarios the rules are shown by.

use std::time::Duration;

use namesake::{
    ErrorKind, Method, ResolveError,
    http::{HttpError, HttpFailure},
};
use proptest::prelude::*;

use super::{
    Conclusion, DnsVerdict, Established, Evidence, Miss, NoTxt, WebVerdict, conclude, disagreement,
    judge_txt, judge_web,
};
use crate::{Did, DnsFailure, TxtAnswer, TxtRecord, WellKnownReply};

const A: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const TTL: Duration = Duration::from_secs(60);

fn did(text: &str) -> Did {
    Did::parse(text).unwrap()
}

fn txt(records: &[&[&[u8]]]) -> DnsVerdict {
    let records = records.iter().map(|strings| TxtRecord(strings.iter().map(|text| text.to_vec()).collect()));
    judge_txt(Ok(TxtAnswer::Records { records: records.collect(), ttl: TTL }))
}

fn one(text: &str) -> DnsVerdict {
    DnsVerdict::One(did(text), TTL)
}

fn record(value: &str) -> Vec<u8> {
    format!("did={value}").into_bytes()
}

#[test]
fn scenario_1_different_dids_are_ambiguous_and_equal_ones_count_once() {
    let (a, b) = (record(A), record(B));
    assert_eq!(txt(&[&[&a], &[&b]]), DnsVerdict::Ambiguous(vec![did(A), did(B)]));
    assert_eq!(txt(&[&[&b], &[&a], &[&b]]), DnsVerdict::Ambiguous(vec![did(A), did(B)]));
    assert_eq!(txt(&[&[&a], &[&a]]), one(A));
    // A DID of a method we cannot resolve is a valid DID all the same.
    assert_eq!(txt(&[&[&a], &[b"did=did:key:zQ3"]]), DnsVerdict::Ambiguous(vec![did("did:key:zQ3"), did(A)]));
}

#[test]
fn scenario_2_garbage_beside_a_valid_record_is_ignored() {
    let a = record(A);
    assert_eq!(txt(&[&[b"did=garbage"], &[&a]]), one(A));
    assert_eq!(txt(&[&[&a], &[b"did=garbage"]]), one(A));
    assert_eq!(txt(&[&[b"did=garbage"], &[b"did="]]), DnsVerdict::None(NoTxt::NoDid { malformed: 2 }));
}

#[test]
fn scenario_3_strings_are_joined_and_foreign_records_ignored() {
    let a = record(A);
    let (left, right) = a.split_at(11);
    assert_eq!(txt(&[&[b"v=spf1 -all"], &[left, right], &[&[0xff, 0xfe]], &[b"did=\xff"]]), one(A));
    assert_eq!(txt(&[&[b"DID=x"], &[]]), DnsVerdict::None(NoTxt::NoDid { malformed: 0 }));
}

#[test]
fn scenario_12_white_space_at_the_ends_is_trimmed() {
    for value in [format!(" {A}"), format!("{A} \r\n"), format!("\t{A}\t")] {
        assert_eq!(txt(&[&[&record(&value)]]), one(A), "{value:?}");
    }
    for body in [format!("{A}\r\n"), format!("  {A}  "), A.to_owned()] {
        assert!(matches!(web(200, &body), WebVerdict::One(found) if found == did(A)), "{body:?}");
    }
}

#[test]
fn a_dns_no_and_a_dns_failure_are_different() {
    assert_eq!(judge_txt(Ok(TxtAnswer::NoData)), DnsVerdict::None(NoTxt::NoData));
    assert_eq!(judge_txt(Ok(TxtAnswer::NoDomain)), DnsVerdict::None(NoTxt::NoDomain));
    assert_eq!(judge_txt(Err(DnsFailure::ServFail)), DnsVerdict::Failed(DnsFailure::ServFail));
}

fn web(status: u16, body: &str) -> WebVerdict {
    judge_web(Ok(WellKnownReply { status, body: Some(body.to_owned().into()) }))
}

#[test]
fn scenario_11_only_a_success_that_is_one_did_counts() {
    for status in [200, 203, 299] {
        assert!(matches!(web(status, A), WebVerdict::One(_)), "{status}");
    }
    for body in ["<!doctype html><p>hello", "", "did=did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", &format!("{A}\n{B}")]
    {
        assert!(matches!(web(200, body), WebVerdict::None(Miss::NotADid)), "{body:?}");
    }
    let long = judge_web(Ok(WellKnownReply { status: 200, body: None }));
    assert!(matches!(long, WebVerdict::None(Miss::NotADid)));
    for (status, kind) in [
        (500, ErrorKind::Unavailable),
        (503, ErrorKind::Unavailable),
        (408, ErrorKind::Unavailable),
        (429, ErrorKind::Throttled),
        (403, ErrorKind::Unavailable),
        (302, ErrorKind::BadAnswer),
    ] {
        assert!(matches!(web(status, A), WebVerdict::Failed(error) if error.kind() == kind), "{status}");
    }
    for status in [404, 410] {
        assert!(
            matches!(web(status, A), WebVerdict::None(Miss::NotFound(found)) if found == status),
            "{status}"
        );
    }
}

#[test]
fn only_a_host_without_an_address_is_a_definite_miss() {
    let verdict = |failure| judge_web(Err(HttpError::new(failure, "no")));
    assert!(matches!(verdict(HttpFailure::NoAddress), WebVerdict::None(Miss::NoHost)));
    for (failure, kind) in [
        (HttpFailure::AddressUnknown, ErrorKind::Unavailable),
        (HttpFailure::Connect, ErrorKind::Unavailable),
        (HttpFailure::Tls, ErrorKind::Unavailable),
        (HttpFailure::Timeout, ErrorKind::Timeout),
        (HttpFailure::Refused, ErrorKind::BadAnswer),
        (HttpFailure::Redirect, ErrorKind::BadAnswer),
        (HttpFailure::Protocol, ErrorKind::BadAnswer),
    ] {
        assert!(matches!(verdict(failure), WebVerdict::Failed(error) if error.kind() == kind), "{failure:?}");
    }
}

/// What a conclusion comes to, in a word: the DID's first letter and `?` when provisional, or the kind of no.
fn word(dns: Option<DnsVerdict>, web: Option<WebVerdict>) -> String {
    match conclude(&Evidence { dns, web }) {
        Conclusion::Proved(Established { did, method, provisional, lives }) => {
            let by = if method == Method::DNS_TXT { "dns" } else { "https" };
            assert_eq!(lives, (by == "dns").then_some(TTL), "only a record says how long it lives");
            format!("{} by {by}{}", &did.as_str()[8..9], provisional.map_or("", |_| "?"))
        }
        Conclusion::Absent => "absent".to_owned(),
        Conclusion::Failed(error) => error.kind().as_str().to_owned(),
    }
}

#[test]
fn the_evidence_adds_up() {
    let dns_one = || Some(one(A));
    let dns_none = || Some(DnsVerdict::None(NoTxt::NoDomain));
    let dns_failed = |failure| Some(DnsVerdict::Failed(failure));
    let ambiguous = || Some(DnsVerdict::Ambiguous(vec![did(A), did(B)]));
    let web_one = |text| Some(WebVerdict::One(did(text)));
    let web_none = || Some(WebVerdict::None(Miss::NotFound(404)));
    let web_failed = |kind| Some(WebVerdict::Failed(ResolveError::new(kind, "x")));
    for (dns, web, expected) in [
        // 8, 10: the DNS answers, whatever HTTPS says or does not say.
        (dns_one(), None, "a by dns"),
        (dns_one(), web_one(B), "a by dns"),
        (dns_one(), web_none(), "a by dns"),
        (dns_one(), web_failed(ErrorKind::Timeout), "a by dns"),
        // 1: strictly, even where HTTPS answers.
        (ambiguous(), None, "bad-answer"),
        (ambiguous(), web_one(A), "bad-answer"),
        // 5, 9: HTTPS counts, provisionally when the DNS is silent or failing.
        (dns_none(), web_one(B), "b by https"),
        (dns_failed(DnsFailure::Timeout), web_one(B), "b by https?"),
        (dns_failed(DnsFailure::ServFail), web_one(B), "b by https?"),
        (None, web_one(B), "b by https?"),
        // 6: absent only when both say so.
        (dns_none(), web_none(), "absent"),
        // 7: a failure is never absence.
        (dns_failed(DnsFailure::ServFail), web_none(), "unavailable"),
        (dns_failed(DnsFailure::Refused), web_none(), "unavailable"),
        (dns_failed(DnsFailure::Timeout), web_none(), "timeout"),
        (dns_none(), web_failed(ErrorKind::Throttled), "throttled"),
        (dns_none(), web_failed(ErrorKind::BadAnswer), "bad-answer"),
        (dns_failed(DnsFailure::Other), web_failed(ErrorKind::BadAnswer), "unavailable"),
        (None, web_none(), "timeout"),
        (dns_none(), None, "timeout"),
    ] {
        assert_eq!(word(dns.clone(), web.clone()), expected, "{dns:?} {web:?}");
    }
}

#[test]
fn scenario_10_a_disagreement_is_noticed() {
    let evidence = |dns, web| Evidence { dns: Some(one(dns)), web: Some(WebVerdict::One(did(web))) };
    assert_eq!(disagreement(&evidence(A, B)), Some((&did(A), &did(B))));
    assert_eq!(disagreement(&evidence(A, A)), None);
}

proptest! {
    /// No input panics, and nothing but a `did=` record ever yields a DID.
    #[test]
    fn any_records_and_any_body_are_judged(
        records in prop::collection::vec(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4), 0..6),
        status in 100u16..600,
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let begins = records.iter().any(|strings| strings.concat().trim_ascii().starts_with(b"did="));
        let records = records.into_iter().map(TxtRecord).collect();
        let verdict = judge_txt(Ok(TxtAnswer::Records { records, ttl: TTL }));
        let none = matches!(verdict, DnsVerdict::None(NoTxt::NoDid { malformed: 0 }));
        prop_assert!(begins || none);
        let _ = judge_web(Ok(WellKnownReply { status, body: Some(body.into()) }));
    }
}
