//! What the web host says.

use std::time::Duration;

use namesake_tests::atproto::{ALICE, BOB, Body, CAROL, Certificate, Page, Reply, World};

const NAME: &str = "alice.example.com";

pub(crate) async fn s05_found_by_https() {
    let world = World::new().await;
    world.proof_by_https(NAME, Page::ok(ALICE));
    world.directory.claim(ALICE, NAME);
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
    let answer = world.resolve(NAME).await;
    assert_eq!((answer.did(), answer.method().as_str()), (ALICE, "https-well-known"));
    assert_eq!(answer.max_age(), Some(600));
}

pub(crate) async fn s11_no_did() {
    let world = World::new().await;
    let miss = (400, "HandleNotFound");
    let failure = (502, "UpstreamFailure");
    for (number, (page, expected)) in [
        (Page::ok(format!("<html><body>{ALICE}</body></html>")).header("content-type", "text/html"), miss),
        (Page::ok(format!("{ALICE}\n{BOB}")), miss),
        (Page::ok(""), miss),
        (Page::new(404, ALICE), miss),
        (Page::new(410, ALICE), miss),
        (Page::new(500, ALICE), failure),
        (Page::new(429, ALICE), failure),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("a{number}.example.com");
        world.proof_by_https(&name, page.clone());
        assert_eq!(world.resolve_handle(&name).await.error(), expected, "{page:?}");
    }
}

pub(crate) async fn s12_white_space() {
    let world = World::new().await;
    world.proof_by_https(NAME, Page::ok(format!(" \t{ALICE} \r\n\r\n")));
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
    world.dns.proof("bob.example.com", &[&format!("did= {BOB} \r\n")]);
    assert_eq!(world.resolve_handle("bob.example.com").await.did(), BOB);
}

pub(crate) async fn s13_endless_body() {
    const CHUNK: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                         0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let world = World::new().await;
    world.proof_by_https(NAME, Page::coming(Body::Endless(CHUNK)));
    let begun = tokio::time::Instant::now();
    assert_eq!(world.resolve_handle(NAME).await.error(), (400, "HandleNotFound"));
    assert!(begun.elapsed() < Duration::from_secs(15), "it was not read until the deadline");
    // 2 KiB were read; what was under way by then went on a little.
    assert!(world.web.sent() < 256 * 1024, "{} bytes were taken", world.web.sent());
}

pub(crate) async fn s14_redirects() {
    let world = World::new().await;
    world.host("other.example.com");
    world.web.page("other.example.com", "/third", Page::ok(ALICE));
    world.proof_by_https(NAME, Page::redirect("/second"));
    world.web.page(NAME, "/second", Page::redirect("https://other.example.com/third"));
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);

    for (hops, found) in [(5, true), (6, false)] {
        let name = format!("hops{hops}.example.com");
        world.proof_by_https(&name, Page::redirect("/1"));
        for hop in 1..hops {
            world.web.page(&name, &format!("/{hop}"), Page::redirect(&format!("/{}", hop + 1)));
        }
        world.web.page(&name, &format!("/{hops}"), Page::ok(CAROL));
        assert_eq!(world.resolve_handle(&name).await.status == 200, found, "{hops} hops");
    }

    let (tls_port, private) = (world.web.port(), "private.example.net");
    world.dns.say(private, Reply::addresses(&["10.0.0.1", "::ffff:192.168.0.1", "fd00::1"]));
    for (number, target) in [
        "/.well-known/atproto-did", // a loop
        "http://other.example.com/third",
        "ftp://other.example.com/third",
        "data:text/plain,did:plc:aaaaaaaaaaaaaaaaaaaaaaaa",
        &format!("https://127.0.0.1:{tls_port}/"),
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0.0.0.0/",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("a{number}.example.com");
        world.proof_by_https(&name, Page::redirect(target));
        assert_eq!(world.resolve_handle(&name).await.error(), (502, "UpstreamFailure"), "{target}");
    }

    // A handle whose own host has a private address, or leads to one, is one whose host is not there.
    world.dns.say("b.example.com", Reply::addresses(&["192.168.0.1"]));
    assert_eq!(world.resolve_handle("b.example.com").await.error(), (400, "HandleNotFound"));
    world.proof_by_https("c.example.com", Page::redirect(&format!("https://{private}/")));
    assert_eq!(world.resolve_handle("c.example.com").await.error(), (400, "HandleNotFound"));
}

pub(crate) async fn s15_certificates() {
    let world = World::new().await;
    for (number, certificate) in
        [Certificate::Expired, Certificate::SelfSigned, Certificate::OtherName].into_iter().enumerate()
    {
        let name = format!("a{number}.example.com");
        world.host_with(&name, certificate);
        world.web.proof(&name, Page::ok(ALICE));
        assert_eq!(world.resolve_handle(&name).await.error(), (502, "UpstreamFailure"), "{certificate:?}");
        assert_eq!(world.web.asked(&name), 0, "no request before the certificate is accepted");
    }
}

pub(crate) async fn e_body_cap() {
    let world = World::new().await;
    let padded = |length: usize| format!("{ALICE}{}", " ".repeat(length - ALICE.len()));
    world.proof_by_https("fits.example.com", Page::ok(padded(2048)));
    assert_eq!(world.resolve_handle("fits.example.com").await.did(), ALICE);
    world.proof_by_https("over.example.com", Page::ok(padded(2049)));
    assert_eq!(world.resolve_handle("over.example.com").await.error(), (400, "HandleNotFound"));
}

pub(crate) async fn f_any_success() {
    let world = World::new().await;
    for status in [200, 201, 203, 206, 299] {
        let name = format!("a{status}.example.com");
        world.proof_by_https(&name, Page::new(status, ALICE).header("content-type", "application/x-odd"));
        assert_eq!(world.resolve_handle(&name).await.did(), ALICE, "{status}");
    }
}

pub(crate) async fn s_rebinding() {
    let world = World::new().await;
    let public = world.web.ip();
    // Looked up once a connection: what was judged is what is used, and the second answer is never asked for.
    world.host("once.example.com");
    world.web.proof("once.example.com", Page::ok(ALICE));
    let then_private = vec![Reply::addresses(&[&public]), Reply::addresses(&["127.0.0.1"])];
    world.dns.script("once.example.com", then_private.clone());
    assert_eq!(world.resolve_handle("once.example.com").await.did(), ALICE);
    assert_eq!(world.dns.addresses_asked("once.example.com"), 2, "A and AAAA, once each");
    // The next connection is judged anew.
    assert_eq!(world.resolve_afresh("once.example.com").await.status, 404);

    // A redirect to the same name, which has moved meanwhile.
    world.host("twice.example.com");
    world.web.proof("twice.example.com", Page::redirect("https://twice.example.com/moved"));
    world.web.page("twice.example.com", "/moved", Page::ok(ALICE));
    world.dns.script("twice.example.com", then_private);
    assert_eq!(world.resolve_handle("twice.example.com").await.error(), (400, "HandleNotFound"));
}
