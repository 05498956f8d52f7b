//! The DNS adapter against a name server on loopback: no internet, no fixed port.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/authority.rs"]
mod authority;
mod datagram;
mod scripted;
mod secure;
mod server;
mod several;
mod system;

use std::time::Duration;

use hickory_resolver::proto::{op::ResponseCode, rr::RecordType};
use namesake::http::{AddressError, Addresses as _, HttpSettings};
use namesake_independent::{Dns as _, DnsFailure, TxtAnswer, adapters::HickoryDns};
use server::{NameServer, Reply, cname, txt, v4, v6};

const NAME: &str = "_atproto.alice.example.com.";
const HOST: &str = "alice.example.com.";

async fn start(replies: &[(&'static str, Reply)]) -> (NameServer, HickoryDns) {
    start_within(Duration::from_secs(20), replies).await
}

async fn start_within(timeout: Duration, replies: &[(&'static str, Reply)]) -> (NameServer, HickoryDns) {
    let server = NameServer::start(replies).await;
    let dns = HickoryDns::new(&[server.address.to_string()], timeout, &HttpSettings::default()).unwrap();
    (server, dns)
}

/// The answer with each record's strings joined, sorted.
async fn texts(dns: &HickoryDns) -> Vec<Vec<u8>> {
    match dns.txt(NAME).await.unwrap() {
        TxtAnswer::Records { records, ttl } => {
            assert_eq!(ttl, Duration::from_secs(300));
            let mut texts: Vec<_> = records.into_iter().map(|record| record.0.concat()).collect();
            texts.sort();
            texts
        }
        other => panic!("no records: {other:?}"),
    }
}

#[tokio::test]
async fn character_strings_stay_apart_and_bytes_stay_bytes() {
    let records = vec![(NAME, txt(&[b"did=did:web:", b"alice.example.com"])), (NAME, txt(&[&[0xff, 0xfe]]))];
    let (server, dns) = start(&[(NAME, Reply::Records(records))]).await;
    assert_eq!(texts(&dns).await, [b"did=did:web:alice.example.com".to_vec(), vec![0xff, 0xfe]]);
    assert_eq!(server.questions(), [(NAME.to_owned(), RecordType::TXT, false)]);
}

#[tokio::test]
async fn nothing_is_cached() {
    let (server, dns) = start(&[(NAME, Reply::Records(vec![(NAME, txt(&[b"x"]))]))]).await;
    for _ in 0..3 {
        texts(&dns).await;
    }
    assert_eq!(server.questions().len(), 3);
}

#[tokio::test]
async fn a_missing_name_and_a_name_without_data_are_definite() {
    let (server, dns) = start(&[]).await;
    assert_eq!(dns.txt(NAME).await, Ok(TxtAnswer::NoDomain));
    // Absolute, and asked once: no search list, no second attempt.
    assert_eq!(server.questions(), [(NAME.to_owned(), RecordType::TXT, false)]);
    let (_server, dns) = start(&[(NAME, Reply::Code(ResponseCode::NoError))]).await;
    assert_eq!(dns.txt(NAME).await, Ok(TxtAnswer::NoData));
    let foreign = Reply::Records(vec![("other.example.com.", txt(&[b"did=did:web:evil.example.com"]))]);
    let (_server, dns) = start(&[(NAME, foreign)]).await;
    assert_eq!(dns.txt(NAME).await, Ok(TxtAnswer::NoData), "a record of another name is not ours");
}

#[tokio::test]
async fn failures_are_no_absence() {
    for (code, failure) in [
        (ResponseCode::ServFail, DnsFailure::ServFail),
        (ResponseCode::Refused, DnsFailure::Refused),
        (ResponseCode::FormErr, DnsFailure::Other),
        (ResponseCode::NotImp, DnsFailure::Other),
    ] {
        let (_server, dns) = start(&[(NAME, Reply::Code(code))]).await;
        assert_eq!(dns.txt(NAME).await, Err(failure), "{code}");
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let (_server, dns) = start_within(Duration::from_millis(50), &[(NAME, Reply::Silence)]).await;
    assert_eq!(dns.txt(NAME).await, Err(DnsFailure::Timeout));
}

#[tokio::test]
async fn a_truncated_answer_is_asked_again_over_tcp() {
    let (server, dns) = start(&[(NAME, Reply::Truncated(vec![(NAME, txt(&[b"did=x"]))]))]).await;
    assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
    let tcp: Vec<_> = server.questions().into_iter().map(|(_, _, tcp)| tcp).collect();
    assert_eq!(tcp, [false, true]);
}

#[tokio::test]
async fn aliases_are_followed() {
    const TARGET: &str = "proof.example.net.";
    // In one answer.
    let whole = Reply::Records(vec![(NAME, cname(TARGET)), (TARGET, txt(&[b"did=x"]))]);
    let (_server, dns) = start(&[(NAME, whole)]).await;
    assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
    // By another question.
    let (server, dns) = start(&[
        (NAME, Reply::Records(vec![(NAME, cname(TARGET))])),
        (TARGET, Reply::Records(vec![(TARGET, txt(&[b"did=y"]))])),
    ])
    .await;
    assert_eq!(texts(&dns).await, [b"did=y".to_vec()]);
    assert_eq!(server.questions().len(), 2);
    // To nowhere.
    let (_server, dns) = start(&[(NAME, Reply::Records(vec![(NAME, cname(TARGET))]))]).await;
    assert_eq!(dns.txt(NAME).await, Ok(TxtAnswer::NoDomain));
    // To a zone that is broken.
    let (_server, dns) = start(&[
        (NAME, Reply::Records(vec![(NAME, cname(TARGET))])),
        (TARGET, Reply::Code(ResponseCode::ServFail)),
    ])
    .await;
    assert_eq!(dns.txt(NAME).await, Err(DnsFailure::ServFail));
}

#[tokio::test]
async fn aliases_that_never_end_are_no_absence() {
    const HOPS: [&str; 12] = [
        NAME,
        "a.example.",
        "b.example.",
        "c.example.",
        "d.example.",
        "e.example.",
        "f.example.",
        "g.example.",
        "h.example.",
        "i.example.",
        "j.example.",
        "k.example.",
    ];
    let alias = |from, to| (from, Reply::Records(vec![(from, cname(to))]));
    // In a circle, of any length: the name at which the chase is given up may be the first or another.
    for length in 1..=3 {
        let circle: Vec<_> = (0..length).map(|i| alias(HOPS[i], HOPS[(i + 1) % length])).collect();
        let (_server, dns) = start(&circle).await;
        assert_eq!(dns.txt(NAME).await, Err(DnsFailure::Other), "{length}");
        assert!(matches!(dns.addresses(NAME).await, Err(AddressError::Failed(_))), "{length}");
    }
    // In a chain that is longer than we follow, although there is a record at its end.
    let mut chain: Vec<_> = HOPS.windows(2).map(|pair| alias(pair[0], pair[1])).collect();
    chain.push((HOPS[11], Reply::Records(vec![(HOPS[11], txt(&[b"did=x"]))])));
    let (_server, dns) = start(&chain).await;
    assert_eq!(dns.txt(NAME).await, Err(DnsFailure::Other));
    // To a name without data: that is definite, also without a zone's word.
    let (_server, dns) = start(&[alias(NAME, HOPS[1]), (HOPS[1], Reply::Code(ResponseCode::NoError))]).await;
    assert_eq!(dns.txt(NAME).await, Ok(TxtAnswer::NoData));
}

#[tokio::test]
async fn addresses_are_of_both_families() {
    let records = Reply::Records(vec![(HOST, v4("192.0.2.1")), (HOST, v6("2001:db8::1"))]);
    let (server, dns) = start(&[(HOST, records)]).await;
    let mut found = dns.addresses("alice.example.com").await.unwrap();
    found.sort();
    assert_eq!(found, ["192.0.2.1".parse::<std::net::IpAddr>().unwrap(), "2001:db8::1".parse().unwrap()]);
    assert!(server.questions().iter().all(|(name, ..)| name == HOST));
}

#[tokio::test]
async fn a_host_without_address_is_not_a_host_whose_dns_is_broken() {
    let (_server, dns) = start(&[]).await;
    assert!(matches!(dns.addresses("alice.example.com").await, Err(AddressError::NoAddress)));
    let (_server, dns) = start(&[(HOST, Reply::Code(ResponseCode::ServFail))]).await;
    assert!(matches!(dns.addresses("alice.example.com").await, Err(AddressError::Failed(_))));
    assert!(matches!(dns.addresses("not a name..").await, Err(AddressError::NoAddress)));
}
