//! How pages and static bodies go out: packed as the client likes it, or not again.

use std::io::Read as _;

use namesake::Ttl;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    browser::{Browser, PAGE},
    support::{Reply, Says, Server, World},
};

const HTML: (&str, &str) = ("accept", "text/html");
const JSON: (&str, &str) = ("accept", "*/*");

/// An answer whose body may be packed: its head, and the bytes.
async fn ask(server: &Server, method: &str, target: &str, headers: &[(&str, &str)]) -> (Reply, Vec<u8>) {
    let mut request = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    let mut stream = server.connect().await;
    stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    (Reply::parse(&bytes[..end]), bytes.split_off(end))
}

fn unpacked(coding: &str, body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    match coding {
        "gzip" => drop(flate2::read::GzDecoder::new(body).read_to_end(&mut text).unwrap()),
        "br" => brotli::BrotliDecompress(&mut &*body, &mut text).unwrap(),
        "" => text.extend(body),
        other => panic!("{other}"),
    }
    text
}

async fn world() -> (World, Server, String) {
    let world = World::new();
    world.independent.say("alice.example.com", Says::Found("did:plc:a", Ttl::Default));
    world.mirror.say("alice", Says::Found("threads:1", Ttl::UntilPurged));
    let server = world.serve().await;
    let page = server.send("GET", "/", &[HTML], "").await.body;
    let (_, rest) = page.split_once(r#"href="/assets/"#).unwrap();
    let stylesheet = format!("/assets/{}", rest.split('"').next().unwrap());
    (world, server, stylesheet)
}

#[tokio::test]
async fn pages_and_static_bodies_go_out_as_the_client_likes_it() {
    let (_world, server, stylesheet) = world().await;
    for (target, accept) in [
        ("/", HTML),
        ("/?q=alice", HTML),
        ("/@alice", HTML),
        ("/profile/alice.example.com", HTML),
        ("/problems/handle-not-found", HTML),
        ("/compare/paper", HTML),
        ("/openapi.json", JSON),
        (&stylesheet, JSON),
    ] {
        let (plain, body) = ask(&server, "GET", target, &[accept]).await;
        let mut tags = vec![plain.header("etag").to_owned()];
        for (accepted, coding) in [
            ("gzip, deflate, br", "br"),
            ("gzip", "gzip"),
            ("br;q=0.2, gzip;q=0.7", "gzip"),
            ("br;q=0, gzip;q=0", ""),
            ("identity", ""),
        ] {
            let wishes = [accept, ("accept-encoding", accepted)];
            let (reply, packed) = ask(&server, "GET", target, &wishes).await;
            assert_eq!(
                (reply.status, reply.header("content-encoding")),
                (200, coding),
                "{target} {accepted}"
            );
            assert!(unpacked(coding, &packed) == body, "{target} {accepted}");
            assert!(coding.is_empty() || packed.len() < body.len() * 2 / 3, "{target} {accepted}");
            assert_eq!(reply.header("content-length"), packed.len().to_string(), "{target}");
            for header in ["content-type", "cache-control", "content-security-policy"] {
                assert_eq!(reply.header(header), plain.header(header), "{target} {header}");
            }
            let vary: Vec<_> = reply.header("vary").split(", ").collect();
            assert!(vary.contains(&"accept-encoding"), "{target} {vary:?}");
            tags.push(reply.header("etag").to_owned());

            let (head, nothing) = ask(&server, "HEAD", target, &wishes).await;
            assert!(nothing.is_empty());
            for header in
                ["content-length", "content-encoding", "content-type", "etag", "vary", "cache-control"]
            {
                assert_eq!(head.header(header), reply.header(header), "{target} {header}");
            }
            let again = [accept, ("accept-encoding", accepted), ("if-none-match", reply.header("etag"))];
            let (again, nothing) = ask(&server, "GET", target, &again).await;
            assert_eq!((again.status, again.header("content-encoding")), (304, ""), "{target} {accepted}");
            assert!(nothing.is_empty());
            for header in ["etag", "vary", "cache-control"] {
                assert_eq!(again.header(header), reply.header(header), "{target} {header}");
            }
        }
        let [plain, brotli, gzip, also_gzip, also_plain, ..] = &tags[..] else { panic!("{tags:?}") };
        assert!(!plain.is_empty() && plain != brotli && brotli != gzip && plain != gzip, "{target} {tags:?}");
        assert_eq!((plain, gzip), (also_plain, also_gzip), "{target}");
        // What a client has in one form is not what it would get in another.
        let other = [accept, ("accept-encoding", "br"), ("if-none-match", gzip.as_str())];
        assert_eq!(ask(&server, "GET", target, &other).await.0.status, 200, "{target}");
    }
}

#[tokio::test]
async fn the_contract_is_asked_about_again_soon_and_sent_again_only_if_it_changed() {
    let (_world, server, stylesheet) = world().await;
    for (target, kept) in [
        ("/openapi.json", "public, max-age=300"),
        ("/assets/mark.svg", "public, max-age=300"),
        (&stylesheet, "public, max-age=31536000, immutable"),
    ] {
        let reply = server.get(target).await;
        assert_eq!((reply.status, reply.header("cache-control")), (200, kept), "{target}");
        let known = [("if-none-match", reply.header("etag"))];
        let again = server.send("GET", target, &known, "").await;
        assert_eq!(
            (again.status, again.body.as_str(), again.header("cache-control")),
            (304, "", kept),
            "{target}"
        );
        assert_eq!(again.header("etag"), reply.header("etag"), "{target}");
        let other = server.send("GET", target, &[("if-none-match", "\"other\"")], "").await;
        assert_eq!((other.status, &other.body), (200, &reply.body), "{target}");
    }
}

#[tokio::test]
async fn what_is_answered_from_memory_is_packed_for_nobody() {
    let (_world, server, _) = world().await;
    for target in ["/@alice", "/@alice", "/v1/resolve?handle=alice", "/@nobody@elsewhere.example", "/livez"] {
        let headers = [JSON, ("accept-encoding", "gzip, br")];
        let (reply, _) = ask(&server, "GET", target, &headers).await;
        assert_eq!(reply.header("content-encoding"), "", "{target}");
        assert!(!reply.header("vary").contains("accept-encoding"), "{target}");
    }
}

/// A secret beside text that somebody else chose could be guessed from the length of the two packed together.
#[tokio::test]
async fn the_pages_of_an_owner_are_packed_for_nobody() {
    let (world, _) = crate::browser::world().await;
    let mut browser = Browser::new(&world);
    browser.link("dora").await;
    for target in [PAGE, "/mirror/threads?text=dora", "/mirror/threads/delete"] {
        let headers = [HTML, ("accept-encoding", "gzip, br")];
        let reply = browser.send("GET", target, &headers, "").await;
        assert!(reply.body.contains("<!DOCTYPE html>"), "{target}: {}", reply.body);
        assert_eq!(reply.header("content-encoding"), "", "{target}");
    }
    world.stop().await;
}
