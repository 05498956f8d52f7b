//! Where one request ends and the next begins: whatever a client writes, it is read in one way or refused, and what may be
//! half of one request and half of another is never answered as two.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Says, Server, World};

/// A batch of nobody, in as many bytes as its length says.
const NOBODY: &str = r#"{"handles":[]}"#;
/// A request that is answered 200 wherever it is read as one.
const NEXT: &str = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";

/// The statuses of all that comes back until the server has no more to say to whoever says no more.
async fn statuses(server: &Server, sent: &[u8]) -> Vec<u16> {
    let mut stream = server.connect().await;
    // A server that refuses may hang up before it has all.
    let _ = stream.write_all(sent).await;
    let _ = stream.shutdown().await;
    let mut heard = Vec::new();
    let _ = stream.read_to_end(&mut heard).await;
    let heard = String::from_utf8_lossy(&heard).into_owned();
    heard.split("HTTP/1.").skip(1).map(|answer| answer[2..5].parse().unwrap()).collect()
}

async fn server() -> Server {
    let world = World::new();
    world.independent.say("*", Says::Absent(namesake::Why::Unknown, namesake::Ttl::Default));
    world.serve().await
}

fn post(headers: &str, body: &str) -> String {
    format!("POST /v1/resolve HTTP/1.1\r\nhost: x\r\n{headers}\r\n{body}")
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

#[tokio::test]
async fn what_is_no_length_or_more_than_one_is_refused_and_nothing_behind_it_is_read() {
    let server = server().await;
    let length = NOBODY.len();
    for (headers, body) in [
        // Lengths that are none, or two.
        ("content-length: +14\r\n", NOBODY),
        ("content-length: -14\r\n", NOBODY),
        ("content-length: 0xe\r\n", NOBODY),
        ("content-length: 14, 14\r\n", NOBODY),
        ("content-length: 14 14\r\n", NOBODY),
        ("content-length: 1_4\r\n", NOBODY),
        ("content-length: 14.0\r\n", NOBODY),
        ("content-length: \r\n", NOBODY),
        ("content-length: fourteen\r\n", NOBODY),
        ("content-length: 99999999999999999999999\r\n", NOBODY),
        ("content-length: 18446744073709551615\r\n", NOBODY),
        ("content-length: 14\r\ncontent-length: 15\r\n", NOBODY),
        ("content-length: 14\r\ncontent-length: x\r\n", NOBODY),
        // Codings that do not end in chunks, or are none.
        ("transfer-encoding: gzip\r\n", NOBODY),
        ("transfer-encoding: identity\r\n", NOBODY),
        ("transfer-encoding: chunked, gzip\r\n", NOBODY),
        ("transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n", "0\r\n\r\n"),
        ("transfer-encoding: xchunked\r\n", "0\r\n\r\n"),
        ("transfer-encoding: \"chunked\"\r\n", "0\r\n\r\n"),
        ("transfer-encoding:\r\n", "0\r\n\r\n"),
    ] {
        let sent = format!("{}{NEXT}", post(headers, body));
        let heard = statuses(&server, sent.as_bytes()).await;
        // A length beyond what is taken may be said to be too large.
        assert!(matches!(heard[..], [400 | 413 | 431]), "{headers:?} ({length}): {heard:?}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_counts_for_nothing_and_the_connection_ends() {
    let server = server().await;
    let chunks = format!("{}0\r\n\r\n", chunk(NOBODY));
    for headers in [
        "content-length: 3\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 3\r\nconnection: keep-alive\r\n",
        "Transfer-Encoding: Chunked\r\nContent-Length: 9999\r\n",
    ] {
        let sent = format!("{}{NEXT}", post(headers, &chunks));
        assert_eq!(statuses(&server, sent.as_bytes()).await, [200], "{headers:?}");
    }
    // In HTTP/1.0 there are no chunks.
    let old =
        format!("POST /v1/resolve HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{chunks}{NEXT}");
    assert_eq!(statuses(&server, old.as_bytes()).await, [400]);
}

#[tokio::test]
async fn chunks_that_are_none_end_the_connection() {
    let server = server().await;
    for body in [
        "zz\r\n".to_owned(),
        "-1\r\n\r\n".to_owned(),
        "+e\r\n".to_owned() + NOBODY + "\r\n0\r\n\r\n",
        "0xe\r\n".to_owned() + NOBODY + "\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\n".to_owned(),
        "\r\n".to_owned(),
        format!("{:x}\n{NOBODY}\n0\n\n", NOBODY.len()),
        format!("{:x}\r\n{NOBODY}0\r\n\r\n", NOBODY.len()),
        format!("{:x}\r\n{NOBODY}\r\n0\r\nbad trailer\r\n\r\n", NOBODY.len()),
        // More beside than within.
        format!("{:x};{}\r\n{NOBODY}\r\n0\r\n\r\n", NOBODY.len(), "x".repeat(20_000)),
        format!("{:x};a=\nb\r\n{NOBODY}\r\n0\r\n\r\n", NOBODY.len()),
        format!("{}0\r\nx: {}\r\n\r\n", chunk(NOBODY), "y".repeat(100_000)),
    ] {
        let sent = format!("{}{NEXT}", post("transfer-encoding: chunked\r\n", &body));
        let heard = statuses(&server, sent.as_bytes()).await;
        let shown: String = body.chars().take(40).collect();
        assert!(heard.is_empty() || heard == [400], "{shown:?}: {heard:?}");
    }
}

#[tokio::test]
async fn what_belongs_to_a_body_is_no_request() {
    let server = server().await;
    let inside = format!("{NEXT}{NEXT}");
    let length = format!("content-length: {}\r\n", inside.len());
    // Bodies that are read and make no sense, that nobody reads, and of chunks with all that may be around them.
    for (sent, expected) in [
        (post(&length, &inside), &[400, 200][..]),
        (post("transfer-encoding: chunked\r\n", &format!("{}0\r\n\r\n", chunk(&inside))), &[400, 200]),
        (
            post(
                "transfer-encoding: chunked\r\n",
                &format!("{:x};x=\"y\"\r\n{NOBODY}\r\n0\r\nx: y\r\n\r\n", NOBODY.len()),
            ),
            &[200, 200],
        ),
        (post(&format!("content-length: {0}\r\ncontent-length: {0}\r\n", NOBODY.len()), NOBODY), &[200, 200]),
        (post(&format!("content-length:{}\r\n", NOBODY.len()), NOBODY), &[200, 200]),
        (format!("GET /livez HTTP/1.1\r\nhost: x\r\n{length}\r\n{inside}"), &[200]),
        (format!("GET /nowhere HTTP/1.1\r\nhost: x\r\n{length}\r\n{inside}"), &[404]),
        (format!("GET /@nobody.example HTTP/1.1\r\nhost: x\r\n{length}\r\n{inside}"), &[404]),
    ] {
        let heard = statuses(&server, format!("{sent}{NEXT}").as_bytes()).await;
        // Behind a body that nobody read, the connection goes on only if all of the body was there to be thrown away.
        let went_on = [expected, &[200]].concat();
        assert!(heard == expected || heard == went_on, "{sent:?}: {heard:?}");
    }
}

#[tokio::test]
async fn a_head_that_can_be_read_in_two_ways_is_refused() {
    let server = server().await;
    for head in [
        // Line breaks, and lines that go on.
        "GET /livez HTTP/1.1\r\nhost: x\r\nx: a\r\n b\r\n\r\n",
        "GET /livez HTTP/1.1\r\nhost: x\r\n\tx: a\r\n\r\n",
        "GET /livez HTTP/1.1\r\nhost: x\r\nx: a\rb: c\r\n\r\n",
        "GET /livez HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n",
        "GET /livez HTTP/1.1\r\nhost: x\r\nx\0: a\r\n\r\n",
        "GET /livez HTTP/1.1\r\nhost: x\r\nx: \u{1}\r\n\r\n",
        // Names that are none.
        "GET /livez HTTP/1.1\r\nhost: x\r\ncontent-length : 0\r\n\r\n",
        "GET /livez HTTP/1.1\r\nhost: x\r\nx y: z\r\n\r\n",
        "GET /livez HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n",
        "GET /livez HTTP/1.1\r\nhost: x\r\nno colon\r\n\r\n",
        "GET /livez HTTP/1.1\r\nhost: x\r\nx(y): z\r\n\r\n",
        // Request lines.
        "GET  /livez HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /livez  HTTP/1.1\r\nhost: x\r\n\r\n",
        " GET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET\t/livez\tHTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /li vez HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /livez\0 HTTP/1.1\r\nhost: x\r\n\r\n",
        "G(T /livez HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /livez http/1.1\r\nhost: x\r\n\r\n",
        "GET /livez HTTP/1.2\r\nhost: x\r\n\r\n",
        "GET /livez HTTP/11\r\nhost: x\r\n\r\n",
        "GET /livez HTTP/2.0\r\nhost: x\r\n\r\n",
        "GET /livez\r\n\r\n",
        "GET\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}",
    ] {
        let heard = statuses(&server, format!("{head}{NEXT}").as_bytes()).await;
        assert!(heard.is_empty() || heard == [400], "{head:?}: {heard:?}");
    }
}

#[tokio::test]
async fn line_feeds_alone_end_lines_for_everybody_and_empty_lines_before_a_request_are_none() {
    let server = server().await;
    for sent in [
        "GET /livez HTTP/1.1\nhost: x\n\n",
        "\r\n\r\nGET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
        "\nGET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        assert_eq!(statuses(&server, format!("{sent}{NEXT}").as_bytes()).await, [200, 200], "{sent:?}");
    }
}

#[tokio::test]
async fn heads_have_a_size_a_number_of_lines_and_a_target_that_ends() {
    let server = server().await;
    let (many, few): (String, String) = (
        (0..500).map(|n| format!("x-{n}: y\r\n")).collect(),
        (0..90).map(|n| format!("x-{n}: y\r\n")).collect(),
    );
    for (sent, expected) in [
        (format!("GET /livez HTTP/1.1\r\nhost: x\r\n{few}\r\n"), &[200, 200][..]),
        (format!("GET /livez HTTP/1.1\r\nhost: x\r\n{many}\r\n"), &[431]),
        (format!("GET /livez HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", "a".repeat(70_000)), &[431]),
        (format!("GET /livez HTTP/1.1\r\nhost: x\r\n{}: y\r\n\r\n", "a".repeat(70_000)), &[431]),
        (format!("GET /@{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000)), &[431]),
        (format!("GET /@{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(8_000)), &[400, 200]),
        (format!("{} /livez HTTP/1.1\r\nhost: x\r\n\r\n", "A".repeat(70_000)), &[431]),
    ] {
        let heard = statuses(&server, format!("{sent}{NEXT}").as_bytes()).await;
        let shown: String = sent.chars().take(60).collect();
        let is_too_long = expected == [431] && (heard == [414] || heard.is_empty());
        assert!(heard == expected || is_too_long, "{shown:?}: {heard:?}");
    }
}

#[tokio::test]
async fn requests_one_behind_the_other_are_answered_in_turn_also_behind_a_refusal() {
    let server = server().await;
    let refused = "GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n";
    let absent = "GET /@nobody.example HTTP/1.1\r\nhost: x\r\n\r\n";
    let sent = format!("{NEXT}{refused}{absent}{absent}{}{NEXT}", post("content-length: 2\r\n", "{}"));
    assert_eq!(statuses(&server, sent.as_bytes()).await, [200, 404, 404, 404, 400, 200]);
    let last = "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(statuses(&server, format!("{NEXT}{last}{NEXT}").as_bytes()).await, [200, 200]);
    let both = "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, close\r\n\r\n";
    assert_eq!(statuses(&server, format!("{both}{NEXT}").as_bytes()).await, [200]);
}

#[tokio::test]
async fn old_versions_and_offers_to_change_the_protocol_are_answered_in_ours() {
    let server = server().await;
    let settings = "http2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n";
    for (sent, expected) in [
        ("GET /livez HTTP/1.0\r\n\r\n".to_owned(), &[200][..]),
        ("GET /livez HTTP/1.0\r\nconnection: keep-alive\r\n\r\n".to_owned(), &[200, 200]),
        (
            format!(
                "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n{settings}\r\n"
            ),
            &[200, 200],
        ),
        (
            "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".to_owned(),
            &[200, 200],
        ),
        ("CONNECT x:443 HTTP/1.1\r\nhost: x:443\r\n\r\n".to_owned(), &[405, 200]),
        ("OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), &[204, 200]),
        ("TRACE /livez HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), &[405, 200]),
        // Whoever waits for a word before it sends the body has it, or the answer.
        (post(&format!("expect: 100-continue\r\ncontent-length: {}\r\n", NOBODY.len()), NOBODY), &[200, 200]),
        (post("expect: 200-ok\r\ncontent-length: 2\r\n", "{}"), &[400, 200]),
    ] {
        let mut heard = statuses(&server, format!("{sent}{NEXT}").as_bytes()).await;
        heard.retain(|status| *status != 100);
        assert_eq!(heard, expected, "{sent:?}");
    }
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let world = World::new();
    world.independent.say("*", Says::Absent(namesake::Why::Unknown, namesake::Ttl::Default));
    world.independent.say("alice.example.com", Says::Found("did:plc:a", namesake::Ttl::Default));
    let server = world.serve().await;
    // A target that is a host alone is for tunnels.
    let tunnel = format!("GET alice.example.com HTTP/1.1\r\nhost: x\r\n\r\n{NEXT}");
    assert_eq!(statuses(&server, tunnel.as_bytes()).await, [400, 200]);
    // So that the answer is at hand.
    assert_eq!(server.get("/@alice.example.com").await.status, 200);
    let absolute = "http://x/@alice.example.com";
    for (target, hosts, version, expected) in [
        ("/@alice.example.com", "host: x\r\n", "1.1", 200),
        ("/@alice.example.com", "", "1.1", 400),
        ("/@alice.example.com", "host: x\r\nhost: x\r\n", "1.1", 400),
        ("/@alice.example.com", "host: x\r\nHost: y\r\n", "1.1", 400),
        ("/@alice.example.com", "host: x, y\r\n", "1.1", 400),
        ("/@alice.example.com", "host: u@x\r\n", "1.1", 400),
        ("/@alice.example.com", "host: x/y\r\n", "1.1", 400),
        ("/@alice.example.com", "host: x:y\r\n", "1.1", 400),
        ("/@alice.example.com", "", "1.0", 200),
        ("/@alice.example.com", "host: x\r\n", "1.0", 200),
        ("/@alice.example.com", "host: x\r\nhost: y\r\n", "1.0", 400),
        (absolute, "host: x\r\n", "1.1", 200),
        (absolute, "host: y\r\n", "1.1", 200),
        (absolute, "", "1.1", 400),
        (absolute, "host: x\r\nhost: x\r\n", "1.1", 400),
    ] {
        // At hand; by the long way; where nothing is; and where it is not taken.
        for (method, target, found) in [
            ("GET", target.to_owned(), 200),
            ("GET", target.replace("alice", "%61lice"), 200),
            ("HEAD", target.to_owned(), 200),
            ("GET", format!("{target}/nowhere"), 404),
            ("GET", target.replace("@alice.example.com", "livez"), 200),
            ("POST", target.to_owned(), 405),
            ("DELETE", target.to_owned(), 405),
        ] {
            let sent = format!("{method} {target} HTTP/{version}\r\n{hosts}connection: close\r\n\r\n");
            let expected = if expected == 200 { found } else { expected };
            assert_eq!(statuses(&server, sent.as_bytes()).await, [expected], "{sent:?}");
        }
    }
}
