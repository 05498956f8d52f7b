//! The did:web that is published beside a log ("Publishing a Parallel did:web DID").

use namesake_independent::webvh::{parallel_did_web, verify};
use serde_json::{Value, json};

use super::{
    logs::{Draft, fixed, forge, lines},
    now,
};

const HOST: &str = "u-3k7qm2xy.id.handles-demo.test";

/// The did:webvh and its did:web, of the reference document with this done to it.
fn published(change: impl Fn(&mut Draft)) -> (String, Value) {
    let mut drafts = fixed();
    drafts.iter_mut().for_each(change);
    let log = verify(lines(&forge(&drafts)).as_bytes(), now()).unwrap();
    (log.head().did.clone(), parallel_did_web(log.head()))
}

fn services(document: &Value) -> Vec<(&str, &str)> {
    let services = document["service"].as_array().unwrap().iter();
    services
        .map(|service| (service["id"].as_str().unwrap(), service["serviceEndpoint"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_port_and_a_path_lead_to_the_same_place() {
    for (place, base) in [
        ("id.handles.test", "https://id.handles.test/"),
        ("id.handles.test%3A8443", "https://id.handles.test:8443/"),
        ("id.handles.test:people:alice", "https://id.handles.test/people/alice/"),
        ("id.handles.test%3A8443:alice", "https://id.handles.test:8443/alice/"),
    ] {
        let (did, document) = published(|draft| draft.replace(HOST, place));
        let web = format!("did:web:{place}");
        assert_eq!(document["id"], web);
        assert_eq!(document["alsoKnownAs"], json!(["at://ali.handles-demo.test", did]), "{place}");
        assert_eq!(document["verificationMethod"][0]["controller"], web);
        assert_eq!(document["authentication"], json!([format!("{web}#account")]));
        assert_eq!(
            services(&document),
            [
                (format!("{web}#atproto_pds").as_str(), "https://pds.handles-demo.test"),
                ("#files", base),
                ("#whois", &format!("{base}whois.vp")),
            ]
        );
    }
}

#[test]
fn services_of_ones_own_take_the_place_of_the_implied() {
    let service =
        |id: &str| json!({ "id": id, "type": "relativeRef", "serviceEndpoint": "https://files.test" });
    let (_, document) =
        published(|draft| draft.state["service"] = json!([service("#files"), service("#whois")]));
    assert_eq!(services(&document), [("#files", "https://files.test"), ("#whois", "https://files.test")]);

    let absolute = format!("did:webvh:{{SCID}}:{HOST}#files");
    let (_, document) = published(|draft| draft.state["service"] = json!([service(&absolute)]));
    let (files, whois) = (format!("did:web:{HOST}#files"), format!("https://{HOST}/whois.vp"));
    assert_eq!(services(&document), [(files.as_str(), "https://files.test"), ("#whois", &whois)]);

    let (_, document) = published(|draft| drop(draft.state.as_object_mut().unwrap().remove("service")));
    assert_eq!(services(&document).len(), 2);
}

/// The old address of an account that moved is a did:web like the new one, and no alias comes twice.
#[test]
fn aliases_are_renamed_once() {
    let (did, document) = published(|draft| {
        let ours = format!("did:webvh:{{SCID}}:{HOST}");
        let old = "did:webvh:{SCID}:old.handles.test";
        let web = format!("did:web:{HOST}");
        draft.state["alsoKnownAs"] =
            json!(["at://ali.test", web, old, "did:web:old.handles.test", ours, "at://ali.test"]);
    });
    assert_eq!(document["alsoKnownAs"], json!(["at://ali.test", "did:web:old.handles.test", did]));

    let (did, document) = published(|draft| drop(draft.state.as_object_mut().unwrap().remove("alsoKnownAs")));
    assert_eq!(document["alsoKnownAs"], json!([did]));
}
