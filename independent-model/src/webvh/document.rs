//! DID documents of accounts that live here, and the `did:web` documents that other atproto software reads.

use serde_json::{Value, json};
use url::Url;

use super::{Head, Multikey};
use crate::Hostname;

/// The document of an account of ours, `did` being its did:webvh (or what stands for it before it is known) and `host`
/// the name it is at: one handle at most, the key `#account`, and a PDS if it has one.
#[must_use]
pub fn account_document(
    did: &str,
    host: &Hostname,
    handle: Option<&Hostname>,
    key: &Multikey,
    pds: Option<&Url>,
) -> Value {
    let method = format!("{did}#account");
    let aliases =
        handle.map(|handle| format!("at://{handle}")).into_iter().chain([format!("did:web:{host}")]);
    let mut document = json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did,
        "alsoKnownAs": aliases.collect::<Vec<_>>(),
        "verificationMethod": [
            { "id": method, "type": "Multikey", "controller": did, "publicKeyMultibase": key.as_str() },
        ],
        "authentication": [method],
        "assertionMethod": [method],
    });
    if let Some(pds) = pds {
        // An endpoint is an origin, which is written without the slash that a URL ends with.
        let endpoint = pds.as_str().trim_end_matches('/');
        document["service"] = json!([
            { "id": format!("{did}#atproto_pds"), "type": "AtprotoPersonalDataServer", "serviceEndpoint": endpoint },
        ]);
    }
    document
}

/// The `did:web` document that is published beside a log (did:webvh 1.0, "Publishing a Parallel did:web DID"): the same
/// under the other name, with the did:webvh as an alias and the services that the method implies.
#[must_use]
pub fn parallel_did_web(head: &Head) -> Value {
    let prefix = format!("did:webvh:{}:", head.scid);
    let place = head.did.strip_prefix(&prefix).unwrap_or_default();
    let web = format!("did:web:{place}");
    let mut document = renamed(&head.state, &prefix, "did:web:");
    let mut aliases = Vec::new();
    for alias in aliases_of(&document).chain([head.did.as_str()]) {
        if alias != web && !aliases.contains(&alias) {
            aliases.push(alias);
        }
    }
    document["alsoKnownAs"] = aliases.into_iter().collect();
    let base = format!("https://{}/", place.replace(':', "/").replace("%3A", ":"));
    let implied = [
        ("#files", json!({ "id": "#files", "type": "relativeRef", "serviceEndpoint": base })),
        (
            "#whois",
            json!({
                "@context": "https://identity.foundation/linked-vp/contexts/v1",
                "id": "#whois",
                "type": "LinkedVerifiablePresentation",
                "serviceEndpoint": format!("{base}whois.vp"),
            }),
        ),
    ];
    let mut services = document["service"].as_array().cloned().unwrap_or_default();
    for (id, service) in implied {
        let known = services.iter().filter_map(|service| service["id"].as_str());
        if !known.into_iter().any(|known| known.strip_prefix(web.as_str()).unwrap_or(known) == id) {
            services.push(service);
        }
    }
    document["service"] = services.into();
    document
}

fn aliases_of(document: &Value) -> impl Iterator<Item = &str> {
    document.get("alsoKnownAs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The same JSON with one text in place of another, wherever it is.
fn renamed(value: &Value, from: &str, to: &str) -> Value {
    match value {
        Value::String(text) => text.replace(from, to).into(),
        Value::Array(items) => items.iter().map(|item| renamed(item, from, to)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.replace(from, to), renamed(value, from, to))).collect()
        }
        other => other.clone(),
    }
}
