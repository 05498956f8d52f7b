//! Several name servers: the next one is asked beside one that is silent, and instead of one that fails.

use std::time::Duration;

use hickory_resolver::proto::op::{Message, ResponseCode};
use namesake::http::{Addresses as _, HttpSettings};
use namesake_independent::{Dns as _, DnsFailure, adapters::HickoryDns};

use super::{
    NAME,
    scripted::{Over, Scripted, answer, bytes, dns},
    texts,
};

async fn mute() -> Scripted {
    Scripted::start(|_, _| vec![]).await
}

async fn good() -> Scripted {
    Scripted::start(|question, _| vec![bytes(&answer(question, b"did=x"))]).await
}

async fn failing(code: ResponseCode) -> Scripted {
    Scripted::start(move |question, _| {
        let mut failure = answer(question, b"");
        failure.answers.clear();
        failure.metadata.response_code = code;
        vec![bytes(&failure)]
    })
    .await
}

#[tokio::test]
async fn the_one_that_is_well_is_reached_at_the_first_lookup_wherever_it_stands() {
    for (place, servers) in [(1, 2), (0, 3), (1, 3), (2, 3), (5, 6)] {
        let (good, mute) = (good().await, mute().await);
        let mut listed = vec![&mute; servers];
        listed[place] = &good;
        let dns = dns(&listed, Duration::from_secs(2));
        assert_eq!(texts(&dns).await, [b"did=x".to_vec()], "{place} of {servers}");
        // From now on it is the first.
        let before = (mute.asked().len(), good.asked().len());
        assert_eq!(texts(&dns).await, [b"did=x".to_vec()], "{place} of {servers}");
        let after = (mute.asked().len(), good.asked().len());
        assert_eq!(after, (before.0, before.1 + 1), "{place} of {servers}");
    }
}

#[tokio::test]
async fn servers_over_tcp_are_asked_in_turn_too() {
    let (first, second, good) = (mute().await, mute().await, good().await);
    let servers = [&first, &second, &good].map(|server| format!("tcp://{}", server.address));
    let dns = HickoryDns::new(&servers, Duration::from_secs(2), &HttpSettings::default()).unwrap();
    assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
}

#[tokio::test]
async fn the_addresses_of_a_host_are_found_past_mute_servers() {
    let (first, second) = (mute().await, mute().await);
    let zone =
        [("alice.example.com.", super::Reply::Records(vec![("alice.example.com.", super::v4("192.0.2.1"))]))];
    let good = super::NameServer::start(&zone).await;
    let servers = [first.address, second.address, good.address].map(|address| address.to_string());
    let dns = HickoryDns::new(&servers, Duration::from_secs(2), &HttpSettings::default()).unwrap();
    assert_eq!(dns.addresses("alice.example.com").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_late_word_of_the_first_counts_while_the_second_is_asked() {
    let (slow, mute) = (mute().await, mute().await);
    let dns = dns(&[&slow, &mute], Duration::from_secs(2));
    let late = async {
        mute.asked_times(1).await;
        slow.say(|first| vec![bytes(&answer(first, b"did=x"))]).await;
    };
    let (found, ()) = tokio::join!(texts(&dns), late);
    assert_eq!(found, [b"did=x".to_vec()]);
}

#[tokio::test]
async fn a_failure_of_one_server_is_not_that_of_the_next() {
    for code in [ResponseCode::ServFail, ResponseCode::Refused, ResponseCode::FormErr, ResponseCode::NotAuth]
    {
        let (bad, good) = (failing(code).await, good().await);
        let dns = dns(&[&bad, &good], Duration::from_secs(20));
        assert_eq!(texts(&dns).await, [b"did=x".to_vec()], "{code}");
    }
    let gone = {
        let closed = mute().await;
        closed.address
    };
    let good = good().await;
    let servers = [gone, good.address].map(|address| address.to_string());
    let dns = HickoryDns::new(&servers, Duration::from_secs(20), &HttpSettings::default()).unwrap();
    assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
}

#[tokio::test]
async fn the_first_failure_is_told_when_nobody_says_better() {
    let (refused, broken) = (failing(ResponseCode::Refused).await, failing(ResponseCode::ServFail).await);
    let dns = dns(&[&refused, &broken], Duration::from_secs(20));
    assert_eq!(dns.txt(NAME).await, Err(DnsFailure::Refused));
    let mute = mute().await;
    let dns = super::scripted::dns(&[&mute, &broken], Duration::from_millis(200));
    assert_eq!(dns.txt(NAME).await, Err(DnsFailure::ServFail));
}

/// Somebody who guesses at the first server does not keep us from the second.
#[tokio::test]
async fn a_server_that_sends_odd_datagrams_alone_is_silent() {
    let odd = Scripted::start(|_: &Message, over| match over {
        Over::Udp => vec![b"garbage".to_vec()],
        Over::Tcp => vec![],
    })
    .await;
    let good = good().await;
    let dns = dns(&[&odd, &good], Duration::from_secs(2));
    assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
}
