//! The plain case, one datagram each way: what is taken for the answer, and what comes after it where nothing is.

use std::{sync::Arc, time::Duration};

use hickory_resolver::proto::{
    op::{Edns, Message, MessageType, OpCode, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata::SOA},
};
use namesake::http::{AddressError, Addresses as _, HttpSettings};
use namesake_independent::{Dns as _, DnsFailure, TxtAnswer, adapters::HickoryDns};
use tokio::{net::UdpSocket, sync::Notify};

use super::{
    NAME,
    scripted::{Over, Scripted, answer, bytes, dns},
    server::{Reply, cname, txt},
    start, texts,
};

fn renamed(question: &Message, name: &Name) -> Message {
    let mut other = question.clone();
    other.queries[0].set_name(name.clone());
    other
}

#[tokio::test]
async fn what_is_not_the_answer_is_waited_past() {
    let server = Scripted::start(|question, _| {
        let with = |change: fn(&mut Message)| {
            let mut forged = answer(question, b"did=did:web:evil.example.com");
            change(&mut forged);
            bytes(&forged)
        };
        let folded = renamed(question, &question.queries[0].name().to_lowercase());
        let id = question.metadata.id.to_be_bytes();
        vec![
            with(|forged| forged.metadata.id ^= 1),
            with(|forged| forged.metadata.message_type = MessageType::Query),
            with(|forged| forged.metadata.op_code = OpCode::Status),
            with(|forged| forged.queries.clear()),
            with(|forged| forged.queries.push(forged.queries[0].clone())),
            with(|forged| {
                forged.queries[0].set_query_type(RecordType::A);
            }),
            bytes(&answer(&renamed(question, &Name::from_ascii("evil.example.com.").unwrap()), b"did=evil")),
            bytes(&answer(&folded, b"did=did:web:evil.example.com")),
            id.to_vec(),
            [id.as_slice(), b"garbage"].concat(),
            b"garbage".to_vec(),
            vec![],
            bytes(&answer(question, b"did=did:web:alice.example.com")),
        ]
    })
    .await;
    let dns = dns(&[&server], Duration::from_secs(20));
    assert_eq!(texts(&dns).await, [b"did=did:web:alice.example.com".to_vec()]);
    assert_eq!(server.asked().len(), 1);
}

/// A server that does not keep the letters, or somebody who guesses: both hear nothing in plain letters.
#[tokio::test]
async fn after_odd_datagrams_alone_the_question_goes_over_tcp_and_its_letters_stay_random() {
    let folded = |question: &Message| renamed(question, &question.queries[0].name().to_lowercase());
    for odd in [
        (|_, folded| bytes(&answer(folded, b"did=did:web:evil.example.com")))
            as fn(&Message, &Message) -> Vec<u8>,
        |_, _| b"garbage".to_vec(),
        |question, _| question.metadata.id.to_be_bytes().to_vec(),
    ] {
        let server = Scripted::start(move |question, over| {
            let told = folded(question);
            match over {
                Over::Udp => vec![odd(question, &told)],
                Over::Tcp => vec![bytes(&answer(&told, b"did=did:web:alice.example.com"))],
            }
        })
        .await;
        let dns = dns(&[&server], Duration::from_secs(2));
        assert_eq!(texts(&dns).await, [b"did=did:web:alice.example.com".to_vec()]);
        let asked = server.asked();
        let overs: Vec<_> = asked.iter().map(|(_, over)| *over).collect();
        assert_eq!(overs, [Over::Udp, Over::Tcp]);
        for (question, over) in &asked {
            assert_ne!(question.queries[0].name().to_ascii(), NAME, "{over:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_loses_the_letters_is_asked_over_tcp_from_then_on() {
    let server = Scripted::start(|question, _| {
        let folded = renamed(question, &question.queries[0].name().to_lowercase());
        vec![bytes(&answer(&folded, b"did=x"))]
    })
    .await;
    let dns = dns(&[&server], Duration::from_secs(2));
    for _ in 0..3 {
        assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
    }
    let overs: Vec<_> = server.asked().iter().map(|(_, over)| *over).collect();
    assert_eq!(overs, [Over::Udp, Over::Tcp, Over::Tcp, Over::Tcp]);
}

#[tokio::test]
async fn nobody_is_believed_who_answers_in_other_letters_again_and_again() {
    let server = Scripted::start(|question, over| match over {
        Over::Udp => {
            let folded = renamed(question, &question.queries[0].name().to_lowercase());
            vec![bytes(&answer(&folded, b"did=did:web:evil.example.com"))]
        }
        Over::Tcp => vec![],
    })
    .await;
    let dns = dns(&[&server], Duration::from_millis(200));
    assert_eq!(dns.txt(NAME).await, Err(DnsFailure::Timeout));
    assert!(server.asked().iter().all(|(question, _)| question.queries[0].name().to_ascii() != NAME));
}

#[tokio::test]
async fn a_late_word_counts_while_the_question_goes_over_tcp() {
    let over_tcp = Arc::new(Notify::new());
    let come = Arc::clone(&over_tcp);
    let server = Scripted::start(move |_, over| match over {
        Over::Udp => vec![b"garbage".to_vec()],
        Over::Tcp => {
            come.notify_one();
            vec![]
        }
    })
    .await;
    let dns = dns(&[&server], Duration::from_secs(2));
    let late = async {
        over_tcp.notified().await;
        server.say(|first| vec![bytes(&answer(first, b"did=x"))]).await;
    };
    let (found, ()) = tokio::join!(texts(&dns), late);
    assert_eq!(found, [b"did=x".to_vec()]);
}

#[tokio::test]
async fn a_question_that_may_be_lost_is_sent_again_as_it_was() {
    let server = Scripted::start(|_, _| vec![]).await;
    let dns = dns(&[&server], Duration::from_secs(2));
    let answering = async {
        server.asked_times(2).await;
        server.say(|first| vec![bytes(&answer(first, b"did=x"))]).await;
    };
    let (found, ()) = tokio::join!(texts(&dns), answering);
    assert_eq!(found, [b"did=x".to_vec()]);
    let asked: Vec<_> = server.asked().iter().map(|(question, _)| bytes(question)).collect();
    assert!(asked.windows(2).all(|pair| pair[0] == pair[1]), "{asked:?}");
}

#[tokio::test]
async fn a_server_that_does_not_know_edns_is_asked_without_it() {
    for (code, repeats_the_question) in [
        (ResponseCode::FormErr, true),
        (ResponseCode::FormErr, false),
        (ResponseCode::NotImp, true),
        (ResponseCode::BADVERS, true),
    ] {
        let server = Scripted::start(move |question, _| {
            let mut complaint = Message::error_msg(question.metadata.id, OpCode::Query, code);
            if repeats_the_question {
                complaint.add_queries(question.queries.clone());
            }
            // Without it no more than four bits of a code can be said.
            if code == ResponseCode::BADVERS {
                complaint.set_edns(Edns::new());
            }
            vec![bytes(&if question.edns.is_some() { complaint } else { answer(question, b"did=x") })]
        })
        .await;
        let dns = dns(&[&server], Duration::from_secs(20));
        assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
        assert_eq!(server.asked().len(), 2);
        assert!(server.asked().iter().all(|(question, _)| question.queries[0].name().to_ascii() != NAME));
    }
}

#[tokio::test]
async fn a_long_answer_of_a_server_that_does_not_know_edns_comes_over_tcp() {
    let server = Scripted::start(|question, over| {
        let mut said = answer(question, b"did=x");
        if question.edns.is_some() {
            said.answers.clear();
            said.metadata.response_code = ResponseCode::FormErr;
        } else if over == Over::Udp {
            said.answers.clear();
            said.metadata.truncation = true;
        }
        vec![bytes(&said)]
    })
    .await;
    let dns = dns(&[&server], Duration::from_secs(20));
    assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
    let asked: Vec<_> =
        server.asked().iter().map(|(question, over)| (question.edns.is_some(), *over)).collect();
    assert_eq!(asked, [(true, Over::Udp), (false, Over::Udp), (false, Over::Tcp)]);
}

#[tokio::test]
async fn half_of_the_addresses_is_told_as_half() {
    let server = Scripted::start(|question, _| {
        let mut answer = answer(question, b"");
        answer.answers.clear();
        let query = &question.queries[0];
        match query.query_type() {
            RecordType::A => {
                let address = RData::A("192.0.2.1".parse().unwrap());
                answer.add_answer(Record::from_rdata(query.name().clone(), 60, address));
            }
            _ => answer.metadata.response_code = ResponseCode::ServFail,
        }
        vec![bytes(&answer)]
    })
    .await;
    let dns = dns(&[&server], Duration::from_secs(2));
    let half = dns.addresses("alice.example.com").await.unwrap_err();
    let AddressError::Partly { found, .. } = half else { panic!("{half:?}") };
    assert_eq!(found, ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()]);
}

#[tokio::test]
async fn special_names_do_not_leave_the_machine() {
    let server = Scripted::start(|question, _| vec![bytes(&answer(question, b"did=x"))]).await;
    let dns = dns(&[&server], Duration::from_secs(20));
    for name in ["secret.onion", "handle.invalid"] {
        assert!(dns.addresses(name).await.is_err(), "{name}");
    }
    assert_eq!(dns.addresses("localhost").await.unwrap().len(), 2);
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn every_question_has_letters_and_an_id_of_its_own() {
    let server = Scripted::start(|question, _| vec![bytes(&answer(question, b"did=x"))]).await;
    let dns = dns(&[&server], Duration::from_secs(20));
    for _ in 0..4 {
        texts(&dns).await;
    }
    let asked: Vec<_> = server.asked().into_iter().map(|(question, _)| question).collect();
    let written: Vec<_> = asked.iter().map(|question| question.queries[0].name().to_ascii()).collect();
    assert!(written.iter().all(|name| name.eq_ignore_ascii_case(NAME)));
    assert!(written.windows(2).all(|pair| pair[0] != pair[1]), "{written:?}");
    assert!(asked.windows(2).any(|pair| pair[0].metadata.id != pair[1].metadata.id));
}

#[tokio::test]
async fn a_datagram_from_elsewhere_is_not_heard() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap().to_string();
    let dns = HickoryDns::new(&[address], Duration::from_secs(20), &HttpSettings::default()).unwrap();
    let answering = async {
        let mut buffer = [0; 1500];
        let (length, from) = server.recv_from(&mut buffer).await.unwrap();
        let question = Message::from_vec(&buffer[..length]).unwrap();
        let forged = answer(&question, b"did=did:web:evil.example.com").to_vec().unwrap();
        stranger.send_to(&forged, from).await.unwrap();
        let true_one = answer(&question, b"did=did:web:alice.example.com").to_vec().unwrap();
        server.send_to(&true_one, from).await.unwrap();
    };
    let (found, ()) = tokio::join!(texts(&dns), answering);
    assert_eq!(found, [b"did=did:web:alice.example.com".to_vec()]);
}

#[tokio::test]
async fn a_zones_no_and_an_alias_with_its_target_take_one_question() {
    let no_data = Scripted::start(|question, _| {
        let mut answer = answer(question, b"");
        answer.answers.clear();
        let root = || Name::root();
        let soa = RData::SOA(SOA::new(root(), root(), 1, 1, 1, 1, 1));
        answer.add_authority(Record::from_rdata(Name::from_ascii("example.com.").unwrap(), 300, soa));
        vec![bytes(&answer)]
    })
    .await;
    let found = dns(&[&no_data], Duration::from_secs(20)).txt(NAME).await;
    assert_eq!((found, no_data.asked().len()), (Ok(TxtAnswer::NoData), 1));

    const TARGET: &str = "proof.example.net.";
    let whole = Reply::Records(vec![(NAME, cname(TARGET)), (TARGET, txt(&[b"did=x"]))]);
    let (server, dns) = start(&[(NAME, whole)]).await;
    assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
    assert_eq!(server.questions().len(), 1);
}
