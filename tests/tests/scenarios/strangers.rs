//! What strangers learn from an answer: of their own hosts what failed, of the inside and of ours nothing.

use namesake_tests::atproto::{ALICE, Answer, BOB, Certificate, Page, Reply, World, document};
use serde_json::{Value, json};

/// What an answer must not have in it, whoever failed.
const OURS: [&str; 6] = ["127.0.0.1", "127.77.", "localhost", "os error", "Error", "10.0.0.1"];

fn tells_nothing_of_ours(answer: &Answer) {
    let text = answer.json.to_string();
    // The names of XRPC's errors are no library's.
    let text = text.replace("InternalServerError", "");
    for ours in OURS {
        assert!(!text.contains(ours), "{ours}: {text}");
    }
}

pub(crate) async fn x_words() {
    let mut world = World::new().await;
    world.directory.ends().await;
    for (answer, detail) in [
        (world.resolve(ALICE).await, "The directory takes no connection."),
        (world.explain(ALICE).await, ""),
        (world.resolve_did(ALICE).await, ""),
        (world.resolve_identity(ALICE).await, ""),
    ] {
        tells_nothing_of_ours(&answer);
        if !detail.is_empty() {
            assert_eq!((answer.status, answer.text("detail")), (503, detail));
        }
    }
    for (number, (certificate, said)) in [
        (Certificate::Expired, "has a certificate that has expired"),
        (Certificate::SelfSigned, "has no acceptable certificate"),
        (Certificate::OtherName, "has a certificate for another name"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("a{number}.example.com");
        world.host_with(&name, certificate);
        let (answer, explained) = (world.resolve(&name).await, world.explain(&name).await);
        assert!(answer.text("detail").contains(&format!("{name} {said}")), "{answer:?}");
        tells_nothing_of_ours(&answer);
        tells_nothing_of_ours(&explained);
    }
    // A port that nobody allowed.
    world.dns.say("b.example.com", Reply::addresses(&[&world.web.ip()]));
    world.proof_by_https("c.example.com", Page::redirect("https://b.example.com:1/"));
    let answer = world.resolve("c.example.com").await;
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(answer.text("detail").contains("b.example.com is not connected to at port 1"), "{answer:?}");
    tells_nothing_of_ours(&answer);
}

/// A picture is a link for whoever looks at the profile: nobody here follows it.
pub(crate) async fn z_pictures() {
    const PDS: &str = "pds.example.com";
    let world = World::new().await;
    world.host(PDS);
    let mut document = document(ALICE, &["at://alice.example.com"]);
    document["service"] = json!([{ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
        "serviceEndpoint": format!("https://{PDS}") }]);
    world.dns.proof("alice.example.com", &[&format!("did={ALICE}")]);
    world.directory.say(ALICE, Page::ok(document.to_string()));
    let record = json!({ "value": { "$type": "app.bsky.actor.profile", "displayName": "Alice",
        "avatar": { "ref": { "$link": "bafkreiabcdefgh" } } } });
    let did = ALICE.replace(':', "%3A");
    let path =
        format!("/xrpc/com.atproto.repo.getRecord?repo={did}&collection=app.bsky.actor.profile&rkey=self");
    world.web.page(PDS, &path, Page::ok(record.to_string()));
    let shown = world.resolve("alice.example.com").await;
    let avatar = shown.text("profile/avatar");
    assert!(avatar.starts_with(&format!("https://{PDS}/xrpc/com.atproto.sync.getBlob?")), "{shown:?}");
    assert_eq!(world.web.asked(PDS), 1, "for the record, and for nothing else");
}

pub(crate) async fn y_inside() {
    const INSIDE: &str = "inside.example.com";
    const ABSENT: &str = "absent.example.com";
    let world = World::new().await;
    let addresses = ["10.0.0.1", "127.0.0.1", "169.254.169.254", "fd00::1", "::ffff:10.0.0.1"];
    world.dns.say(INSIDE, Reply::addresses(&addresses));
    let dids = [ALICE, BOB];
    for (did, (name, host)) in dids.into_iter().zip([("a.example.com", INSIDE), ("b.example.com", ABSENT)]) {
        let mut document = document(did, &[&format!("at://{name}")]);
        document["service"] = json!([{ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": format!("https://{host}") }]);
        world.dns.proof(name, &[&format!("did={did}")]);
        world.directory.say(did, Page::ok(document.to_string()));
    }
    // Twice: what is remembered of one is what is remembered of the other.
    for _ in 0..2 {
        let told = async |host: &str, holder: &str, did: &str| {
            let answers = [
                world.resolve(host).await,
                world.resolve_handle(host).await,
                world.resolve(&format!("did:web:{host}")).await,
                world.resolve_did(&format!("did:web:{host}")).await,
                world.resolve(holder).await,
            ];
            answers.map(|answer| {
                let text = answer
                    .json
                    .to_string()
                    .replace(host, "HOST")
                    .replace(holder, "HOLDER")
                    .replace(did, "DID");
                (answer.status, answer.header("cache-control").to_owned(), text)
            })
        };
        assert_eq!(
            told(INSIDE, "a.example.com", dids[0]).await,
            told(ABSENT, "b.example.com", dids[1]).await
        );
    }
    let detail = async |host: &str| {
        let explained = world.explain(host).await;
        let steps = explained.json["steps"].as_array().unwrap().clone();
        let web = steps.into_iter().find(|step| step["source"] == "https").unwrap();
        [web["outcome"].clone(), web["detail"].clone(), explained.json["verdict"].clone()]
            .map(|value: Value| value.to_string().replace(host, "HOST"))
    };
    assert_eq!(detail(INSIDE).await, detail(ABSENT).await);
}
