//! The scenarios of the rules that need no network, on the private world. The number of each is in its name.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{A, B, Bench, handle};
use namesake::{
    ErrorKind, Handle, HandleResolver as _, Lookup, Method, ProfileState, Trace, Ttl, Why, http::HttpFailure,
};
use namesake_independent::{
    Calls, DnsFailure, Faults, HandleCheck, PrivateWorld, WellKnownReply, WhyInvalid,
};
use serde_json::json;
use tokio::time::Instant;

const ALICE: &str = "alice.example.com";

#[tokio::test]
async fn a_person_is_found_with_proof_and_profile() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "hello");
    let (identity, ttl) = bench.found(ALICE).await;
    assert_eq!((identity.handle, identity.account), (handle(ALICE), A().account().clone()));
    assert_eq!((identity.proof.method, identity.proof.provisional), (Method::DNS_TXT, false));
    let ten_minutes = Ttl::For(Duration::from_secs(600));
    assert_eq!((identity.scheme.as_str(), ttl), ("independent", ten_minutes));

    let profile = bench.profile(&A()).await.unwrap().found().unwrap();
    assert_eq!(profile.handle, Some(handle(ALICE)));
    assert_eq!(profile.display_name.as_ref().unwrap().as_str(), "Alice");
    assert_eq!(profile.state, ProfileState::Current);
}

#[tokio::test]
async fn an_answer_of_the_dns_is_believed_as_long_as_its_record_lives_within_bounds() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_document(&B(), &PrivateWorld::document(&B(), ALICE));
    for (lives, believed) in [(0, 60), (59, 60), (61, 61), (599, 599), (601, 600), (u64::from(u32::MAX), 600)]
    {
        bench.world.set_ttl(Duration::from_secs(lives));
        let believed = Ttl::For(Duration::from_secs(believed));
        assert_eq!(bench.found(ALICE).await.1, believed, "{lives}");
        let model = &bench.model;
        let by_dns = model.did_of(&handle(ALICE), &Trace::OFF).await.unwrap();
        assert!(matches!(by_dns, Lookup::Found { ttl, .. } if ttl == believed), "{lives}: {by_dns:?}");
        // B's claim is refuted by the record, and for as long.
        for did in [A(), B()] {
            let checked = model.verified(&did, &Trace::OFF).await.unwrap();
            assert!(matches!(checked, Lookup::Found { ttl, .. } if ttl == believed), "{lives}: {checked:?}");
            let shown = bench.profile(&did).await.unwrap();
            assert!(matches!(shown, Lookup::Found { ttl, .. } if ttl == believed), "{lives}: {shown:?}");
        }
    }
}

#[tokio::test]
async fn a_page_asks_for_the_document_once() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    let answer = bench.model.resolve_with_profile(&handle(ALICE), &Trace::OFF).await.unwrap();
    let (identity, profile) = answer.found().unwrap();
    assert_eq!(profile.handle, Some(identity.handle));
    let calls = bench.world.calls();
    assert_eq!((calls.dns, calls.directory, calls.pds), (1, 1, 1));
}

#[tokio::test]
async fn scenario_1_two_dids_in_the_dns_fail_strictly() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_txt(ALICE, &[&format!("did={}", A()), &format!("did={}", B())]);
    bench.world.set_well_known(ALICE, 200, A().as_str());
    assert_eq!(bench.failure(ALICE).await, ErrorKind::BadAnswer);
    // Seen from the account, the claim is definitely not proved.
    let why = bench.invalid(&A()).await;
    assert!(matches!(why, WhyInvalid::Unresolvable(claim) if claim.as_str() == ALICE));
}

#[tokio::test]
async fn scenario_5_https_counts_where_the_dns_has_nothing() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.remove_txt(ALICE);
    bench.world.set_well_known(ALICE, 200, &format!("{}\r\n", A()));
    let (identity, ttl) = bench.found(ALICE).await;
    assert_eq!((identity.proof.method, identity.proof.provisional), (Method::HTTPS_WELL_KNOWN, false));
    assert_eq!(ttl, Ttl::Default);
}

#[tokio::test]
async fn scenario_6_absent_is_a_definite_no_on_both_sides() {
    let bench = Bench::new();
    assert_eq!(bench.absent(ALICE).await, Why::Unknown);
    bench.world.set_well_known(ALICE, 404, "");
    assert_eq!(bench.absent(ALICE).await, Why::Unknown);
    bench.world.set_txt_records(ALICE, vec![]);
    assert_eq!(bench.absent(ALICE).await, Why::Unknown);
}

#[tokio::test]
async fn scenario_7_a_failing_dns_is_not_absence() {
    let bench = Bench::new();
    bench.world.set_well_known(ALICE, 404, "");
    for (failure, kind) in [
        (DnsFailure::ServFail, ErrorKind::Unavailable),
        (DnsFailure::Refused, ErrorKind::Unavailable),
        (DnsFailure::Timeout, ErrorKind::Timeout),
    ] {
        bench.world.set_faults(Faults { dns: Some(failure), ..Faults::default() });
        assert_eq!(bench.failure(ALICE).await, kind);
    }
}

#[tokio::test(start_paused = true)]
async fn scenario_8_a_dead_web_host_costs_nothing() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_faults(Faults {
        dns_delay: Duration::from_millis(5),
        https_delay: Faults::FOREVER,
        ..Faults::default()
    });
    let begun = Instant::now();
    let (identity, _) = bench.found(ALICE).await;
    assert_eq!(identity.proof.method, Method::DNS_TXT);
    assert!(begun.elapsed() < Duration::from_millis(10), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn scenario_9_https_goes_out_after_the_grace_and_says_so() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_well_known(ALICE, 200, A().as_str());
    bench.world.set_faults(Faults {
        dns_delay: Faults::FOREVER,
        https_delay: Duration::from_millis(50),
        ..Faults::default()
    });
    let begun = Instant::now();
    let (identity, ttl) = bench.found(ALICE).await;
    assert_eq!((identity.proof.method, identity.proof.provisional), (Method::HTTPS_WELL_KNOWN, true));
    assert_eq!(ttl, Ttl::For(Duration::from_secs(30)));
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(350) && took < Duration::from_millis(360), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn the_dns_wins_within_the_grace() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_well_known(ALICE, 200, B().as_str());
    bench.world.set_faults(Faults { dns_delay: Duration::from_millis(299), ..Faults::default() });
    let (identity, _) = bench.found(ALICE).await;
    assert_eq!((identity.proof.method, identity.account), (Method::DNS_TXT, A().account().clone()));
}

/// How a flight hears the DNS's own word after a provisional answer.
#[tokio::test(start_paused = true)]
async fn a_listener_waits_beyond_the_grace() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_well_known(ALICE, 200, A().as_str());
    bench.world.set_faults(Faults { dns_delay: Duration::from_secs(2), ..Faults::default() });
    assert!(bench.found(ALICE).await.0.proof.provisional);
    let answer = bench.model.resolve(&handle(ALICE), &Trace::on()).await.unwrap();
    let proof = answer.found().unwrap().proof;
    assert_eq!((proof.method, proof.provisional), (Method::DNS_TXT, false));
}

/// Silencing the DNS must not choose the holder, nor take a handle away.
#[tokio::test(start_paused = true)]
async fn a_silent_dns_decides_against_nobody() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_well_known(ALICE, 200, B().as_str());
    bench.world.set_document(&B(), &PrivateWorld::document(&B(), "bob.example.com"));
    bench.world.set_faults(Faults { dns_delay: Faults::FOREVER, ..Faults::default() });
    assert_eq!(bench.failure(ALICE).await, ErrorKind::Timeout);
    let verified = bench.model.verified(&A(), &Trace::OFF).await.unwrap().found().unwrap();
    assert!(matches!(verified.handle, HandleCheck::Unchecked { .. }), "{:?}", verified.handle);
    assert_eq!(bench.profile(&A()).await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn scenario_10_a_listener_hears_of_the_ambiguity() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_well_known(ALICE, 200, B().as_str());
    let trace = Trace::on();
    let answer = bench.model.resolve(&handle(ALICE), &trace).await.unwrap();
    assert_eq!(answer.found().unwrap().account, A().account().clone());
    let (steps, advice) = trace.finish();
    assert!(steps.iter().any(|step| step.detail.contains("ambiguous")), "{steps:?}");
    let sources: Vec<_> = steps.iter().map(|step| step.source.as_str()).collect();
    assert!(
        sources.contains(&"dns") && sources.contains(&"https") && sources.contains(&"directory"),
        "{sources:?}"
    );
    let record = advice[0].record.as_ref().unwrap();
    assert_eq!((record.kind.as_str(), record.value.as_str()), ("file", A().as_str()));
}

#[tokio::test]
async fn scenarios_11_and_13_pages_and_long_bodies_prove_nothing() {
    let bench = Bench::new();
    bench.world.set_document(&A(), &PrivateWorld::document(&A(), ALICE));
    bench.world.set_well_known(ALICE, 200, "<!doctype html>");
    assert_eq!(bench.absent(ALICE).await, Why::Unknown);
    bench.world.set_well_known(ALICE, 200, &format!("{}{}", A(), " ".repeat(WellKnownReply::CAP)));
    assert_eq!(bench.absent(ALICE).await, Why::Unknown);
    bench.world.set_well_known(ALICE, 404, A().as_str());
    assert_eq!(bench.absent(ALICE).await, Why::Unknown);
    bench.world.set_well_known(ALICE, 500, A().as_str());
    assert_eq!(bench.failure(ALICE).await, ErrorKind::Unavailable);
}

#[tokio::test]
async fn scenario_15_a_bad_certificate_fails_the_method() {
    let bench = Bench::new();
    bench.world.set_faults(Faults { https: Some(HttpFailure::Tls), ..Faults::default() });
    assert_eq!(bench.failure(ALICE).await, ErrorKind::Unavailable);
    bench.world.add_person(&A(), ALICE, "Alice", "");
    assert_eq!(bench.found(ALICE).await.0.proof.method, Method::DNS_TXT);
}

#[tokio::test]
async fn scenario_16_what_is_not_ours_passes_without_io() {
    let bench = Bench::new();
    for name in [
        "alice",
        "bob@example.com",
        "a_b.example.com",
        "alice.example.com.",
        "alice.test",
        "alice.local",
        "alice.onion",
        "alice.invalid",
        "alice.localhost",
        "alice.internal",
        "127.0.0.1",
        "bücher.de",
    ] {
        let handle = Handle::parse(name).unwrap();
        assert_eq!(bench.model.resolve(&handle, &Trace::OFF).await.unwrap(), Lookup::Pass, "{name}");
        assert!(!bench.model.policy().namespace.takes(&handle), "{name}");
    }
    for name in ["alice.local", "alice.test", "bob@example.com"] {
        assert_eq!(bench.model.did_of(&handle(name), &Trace::OFF).await.unwrap(), Lookup::Pass, "{name}");
    }
    assert_eq!(bench.world.calls(), Calls::default());
}

#[tokio::test]
async fn a_name_that_is_not_read_as_a_domain_bare_is_a_handle_all_the_same() {
    let bench = Bench::new();
    for name in ["co.uk", "github.io", "dan.peers.zz"] {
        bench.world.add_person(&A(), name, "Dan", "");
        assert_eq!(bench.found(name).await.0.account, A().account().clone());
        assert_eq!(bench.profile(&A()).await.unwrap().found().unwrap().handle, Some(handle(name)));
        let namespace = &bench.model.policy().namespace;
        assert!(namespace.takes(&handle(name)) && !namespace.holds(&handle(name)), "{name}");
    }
}

#[tokio::test]
async fn xrpc_asks_about_every_host_name() {
    let bench = Bench::new();
    bench.world.set_txt("github.io", &[&format!("did={}", A())]);
    let proved = bench.model.did_of(&handle("github.io"), &Trace::OFF).await.unwrap().found().unwrap();
    assert_eq!(proved.did, A());
    assert_eq!(bench.world.calls().directory, 0);
}

#[tokio::test]
async fn scenario_17_a_document_of_another_is_rejected() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_document(&A(), &PrivateWorld::document(&B(), ALICE));
    assert_eq!(bench.failure(ALICE).await, ErrorKind::BadAnswer);
}

#[tokio::test]
async fn scenario_19_a_claim_that_does_not_hold_is_no_handle() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.add_person(&B(), "bob.example.com", "Bob", "");
    // Alice's document claims Bob's handle.
    bench.world.set_document(&A(), &PrivateWorld::document(&A(), "bob.example.com"));
    assert_eq!(bench.absent(ALICE).await, Why::Unproven);
    assert!(matches!(bench.invalid(&A()).await, WhyInvalid::HeldBy { holder, .. } if holder == B()));
    assert_eq!(bench.profile(&A()).await.unwrap().found().unwrap().handle, None);
    // No claim at all.
    bench.world.set_document(&A(), &json!({ "id": A().as_str() }));
    assert_eq!(bench.absent(ALICE).await, Why::Unproven);
    assert_eq!(bench.invalid(&A()).await, WhyInvalid::NoClaim);
    // A reserved claim, and the placeholder.
    for name in ["alice.local", "handle.invalid"] {
        bench.world.set_document(&A(), &PrivateWorld::document(&A(), name));
        let before = bench.world.calls().dns;
        assert!(matches!(bench.invalid(&A()).await, WhyInvalid::Reserved(claim) if claim.as_str() == name));
        assert_eq!(bench.world.calls().dns, before, "a reserved name is not asked about");
    }
}

#[tokio::test]
async fn scenario_20_the_directorys_answers() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.deactivate(&A());
    assert_eq!(bench.absent(ALICE).await, Why::Deactivated);
    assert!(matches!(bench.profile(&A()).await, Ok(Lookup::Absent { why: Why::Deactivated, .. })));
    bench.world.remove_document(&A());
    assert_eq!(bench.absent(ALICE).await, Why::Unknown);
    for kind in [ErrorKind::Throttled, ErrorKind::Unavailable, ErrorKind::Timeout] {
        bench.world.set_faults(Faults { directory: Some(kind), ..Faults::default() });
        assert_eq!(bench.failure(ALICE).await, kind);
    }
}

#[tokio::test]
async fn scenario_21_reserved_did_web_hosts_are_not_asked() {
    let bench = Bench::new();
    for text in ["did:web:intranet.local", "did:web:alice.test", "did:web:localhost%3A3000"] {
        let answer = bench.model.document_of(&common::did(text), &Trace::OFF).await.unwrap();
        assert!(matches!(answer, Lookup::Absent { why: Why::Unknown, .. }), "{text}");
    }
    let other = bench.model.document_of(&common::did("did:key:zQ3"), &Trace::OFF).await;
    assert_eq!(other.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(bench.world.calls(), Calls::default());
}

#[tokio::test]
async fn scenario_22_did_web_is_found_missing_or_failing() {
    let bench = Bench::new();
    let did = common::did("did:web:carol.example.com");
    assert!(matches!(
        bench.model.document_of(&did, &Trace::OFF).await,
        Ok(Lookup::Absent { why: Why::Unknown, .. })
    ));
    bench.world.add_person(&did, "carol.example.com", "Carol", "");
    assert_eq!(bench.found("carol.example.com").await.0.account, did.account().clone());
    bench.world.set_faults(Faults { directory: Some(ErrorKind::Timeout), ..Faults::default() });
    assert_eq!(bench.failure("carol.example.com").await, ErrorKind::Timeout);
    assert_eq!(bench.world.calls().directory, 0);
}

#[tokio::test]
async fn scenario_26_a_handle_moves() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.add_person(&B(), "bob.example.com", "Bob", "");
    bench.world.rename(&B(), ALICE);
    assert_eq!(bench.found(ALICE).await.0.account, B().account().clone());
    assert!(matches!(bench.invalid(&A()).await, WhyInvalid::HeldBy { holder, .. } if holder == B()));
    assert_eq!(bench.absent("bob.example.com").await, Why::Unknown);
    assert_eq!(bench.profile(&B()).await.unwrap().found().unwrap().handle, Some(handle(ALICE)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_pds_never_fails_a_lookup() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_faults(Faults { pds_delay: Faults::FOREVER, ..Faults::default() });
    let begun = Instant::now();
    let profile = bench.profile(&A()).await.unwrap().found().unwrap();
    assert_eq!((profile.state, profile.handle.clone()), (ProfileState::Unavailable, Some(handle(ALICE))));
    assert!(begun.elapsed() <= Duration::from_millis(1010), "{:?}", begun.elapsed());
    bench.world.set_faults(Faults { pds: Some(ErrorKind::Unavailable), ..Faults::default() });
    assert_eq!(bench.profile(&A()).await.unwrap().found().unwrap().state, ProfileState::Unavailable);
}

#[tokio::test]
async fn a_temporary_failure_of_the_check_is_marked_not_judged() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_faults(Faults { dns: Some(DnsFailure::ServFail), ..Faults::default() });
    let verified = bench.model.verified(&A(), &Trace::OFF).await.unwrap().found().unwrap();
    match verified.handle {
        HandleCheck::Unchecked { claim, error } => {
            assert_eq!((claim.as_str(), error.kind()), (ALICE, ErrorKind::Unavailable));
        }
        other => panic!("{other:?}"),
    }
    bench.world.set_faults(Faults::everything_down());
    assert!(bench.model.verified(&A(), &Trace::OFF).await.unwrap_err().kind().is_temporary());
}

#[tokio::test]
async fn accounts_of_others_pass() {
    let bench = Bench::new();
    let profile = async |id: &str| {
        let account = namesake::AccountId::parse(id).unwrap();
        bench.model.profile(&account, &Trace::OFF).await.unwrap()
    };
    for id in ["threads:abcdef", "did:key:zQ3", "did:x1:abc"] {
        assert_eq!(profile(id).await, Lookup::Pass, "{id}");
    }
    // These are ours to say no to.
    for id in ["did:plc:short", "did:web:host.example:path"] {
        assert!(matches!(profile(id).await, Lookup::Absent { why: Why::Unknown, .. }), "{id}");
    }
    assert_eq!(bench.world.calls(), Calls::default());
}

#[tokio::test]
async fn an_explanation_says_exactly_what_to_change() {
    let bench = Bench::new();
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_document(&A(), &PrivateWorld::document(&A(), "alice.bsky.social"));
    let trace = Trace::on();
    assert!(matches!(
        bench.model.resolve(&handle(ALICE), &trace).await,
        Ok(Lookup::Absent { why: Why::Unproven, .. })
    ));
    let (_, advice) = trace.finish();
    let records: Vec<_> = advice.iter().filter_map(|advice| advice.record.as_ref()).collect();
    assert!(records.iter().any(|record| record.value == "at://alice.example.com"), "{advice:?}");

    let trace = Trace::on();
    assert!(matches!(
        bench.model.resolve(&handle("nobody.example.com"), &trace).await,
        Ok(Lookup::Absent { .. })
    ));
    let (_, advice) = trace.finish();
    let record = advice[0].record.as_ref().unwrap();
    assert_eq!((record.kind.as_str(), record.name.as_str()), ("TXT", "_atproto.nobody.example.com."));
    assert!(record.value.starts_with("did="));
}

/// R8: a call that is dropped half way harms no later one.
#[tokio::test(start_paused = true)]
async fn a_dropped_call_leaves_nothing_behind() {
    let bench = Arc::new(Bench::new());
    bench.world.add_person(&A(), ALICE, "Alice", "");
    bench.world.set_faults(Faults { dns_delay: Duration::from_secs(1), ..Faults::default() });
    let cut = tokio::time::timeout(Duration::from_millis(10), bench.found(ALICE)).await;
    assert!(cut.is_err());
    assert_eq!(bench.found(ALICE).await.0.account, A().account().clone());
}
