//! DID documents, read as atproto reads them (atproto DID specification, "DID Documents").
//!
//! Total: any bytes give a document or an [`UnusableDocument`]. Their number is bounded by the adapters, their depth
//! by the JSON parser.

use serde_json::Value;
use url::Url;

use crate::{Did, Hostname};

/// A document that belongs to the DID it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct DidDocument {
    /// Whose it is; equal to the document's `id`.
    pub did: Did,
    /// The handle it claims: the first syntactically valid `at://` of `alsoKnownAs`, lower-cased. A claim proves
    /// nothing by itself, and may be a reserved name.
    pub claim: Option<Hostname>,
    /// The key its repository is signed with.
    pub signing_key: Option<SigningKey>,
    /// Its personal data server, if its address is one.
    pub pds: Option<Url>,
    /// Whether it names a personal data server at all, under whatever address.
    pub names_pds: bool,
    /// The whole document, as it was sent.
    pub raw: Value,
}

/// The verification method `#atproto`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// How the key is written.
    pub form: KeyForm,
    /// The key in multibase, as the document has it.
    pub multibase: String,
}

/// The types of verification methods that atproto has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyForm {
    /// `Multikey`: the bytes say which curve.
    Multikey,
    /// `EcdsaSecp256k1VerificationKey2019`: k256, without the prefix of a multikey.
    K256,
    /// `EcdsaSecp256r1VerificationKey2019`: p256, without the prefix of a multikey.
    P256,
}

/// A text that cannot serve as the document of the DID it was fetched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableDocument {
    /// Not JSON, or nested too deeply.
    #[error("it is not JSON")]
    NotJson,
    /// JSON, but no object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// Its `id` is missing or another's.
    #[error("its `id` is not the DID it was fetched for")]
    OtherId,
}

impl DidDocument {
    /// Reads the document that was fetched for `did`.
    ///
    /// # Errors
    /// [`UnusableDocument`] says why these bytes cannot be it. Parts that are missing or malformed inside a document
    /// of the right `id` are left out, not errors.
    pub fn parse(did: &Did, bytes: &[u8]) -> Result<Self, UnusableDocument> {
        let raw: Value = serde_json::from_slice(bytes).map_err(|_| UnusableDocument::NotJson)?;
        if !raw.is_object() {
            return Err(UnusableDocument::NotAnObject);
        }
        if text(&raw, "id") != Some(did.as_str()) {
            return Err(UnusableDocument::OtherId);
        }
        let (claim, signing_key) = (claim(&raw), signing_key(did, &raw));
        let (pds, names_pds) = (endpoints(did, &raw).find_map(bare_origin), endpoints(did, &raw).count() > 0);
        Ok(Self { did: did.clone(), claim, signing_key, pds, names_pds, raw })
    }
}

/// The first syntactically valid `at://` of `alsoKnownAs`.
pub(crate) fn claim(document: &Value) -> Option<Hostname> {
    claim_among(document.get("alsoKnownAs")?)
}

/// The same, of what `alsoKnownAs` is.
pub(crate) fn claim_among(aliases: &Value) -> Option<Hostname> {
    let aliases = aliases.as_array().into_iter().flatten();
    aliases.filter_map(Value::as_str).find_map(|alias| Hostname::parse(alias.strip_prefix("at://")?).ok())
}

fn signing_key(did: &Did, document: &Value) -> Option<SigningKey> {
    entries(document, "verificationMethod").filter(|entry| has_fragment(entry, did, "#atproto")).find_map(
        |key| {
            let form = match text(key, "type")? {
                "Multikey" => KeyForm::Multikey,
                "EcdsaSecp256k1VerificationKey2019" => KeyForm::K256,
                "EcdsaSecp256r1VerificationKey2019" => KeyForm::P256,
                _ => return None,
            };
            Some(SigningKey { form, multibase: text(key, "publicKeyMultibase")?.to_owned() })
        },
    )
}

/// What the document says of where its personal data server is: it need not be an address.
fn endpoints<'a>(did: &'a Did, document: &'a Value) -> impl Iterator<Item = Option<&'a str>> {
    entries(document, "service")
        .filter(|entry| has_fragment(entry, did, "#atproto_pds"))
        .filter(|entry| text(entry, "type") == Some("AtprotoPersonalDataServer"))
        .map(|service| text(service, "serviceEndpoint"))
}

/// An endpoint must be a bare origin: what is fetched there is put after it.
fn bare_origin(endpoint: Option<&str>) -> Option<Url> {
    let url = Url::parse(endpoint?).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let plain = url.username().is_empty() && url.password().is_none() && url.has_host();
    (matches!(url.scheme(), "https" | "http") && bare && plain).then_some(url)
}

/// Whether an entry's `id` is `#fragment`, alone or after the DID.
fn has_fragment(entry: &Value, did: &Did, fragment: &str) -> bool {
    text(entry, "id").is_some_and(|id| id.strip_prefix(did.as_str()).unwrap_or(id) == fragment)
}

fn entries<'a>(document: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    document.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object.get(field)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{DidDocument, KeyForm, UnusableDocument};
    use crate::Did;

    const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

    fn parse(mut document: Value) -> Result<DidDocument, UnusableDocument> {
        if let Some(object) = document.as_object_mut() {
            object.entry("id").or_insert_with(|| DID.into());
        }
        DidDocument::parse(&Did::parse(DID).unwrap(), document.to_string().as_bytes())
    }

    fn claim(aliases: &Value) -> Option<String> {
        parse(json!({ "alsoKnownAs": aliases })).unwrap().claim.map(|name| name.to_string())
    }

    /// Scenario 17.
    #[test]
    fn the_id_must_be_the_did_asked_for() {
        let other = json!({ "id": "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa" });
        assert_eq!(parse(other), Err(UnusableDocument::OtherId));
        assert_eq!(parse(json!({ "id": format!("{DID}#x") })), Err(UnusableDocument::OtherId));
        assert_eq!(parse(json!({ "id": 7 })), Err(UnusableDocument::OtherId));
        assert_eq!(parse(json!([])), Err(UnusableDocument::NotAnObject));
        let did = Did::parse(DID).unwrap();
        assert_eq!(DidDocument::parse(&did, b"<html>"), Err(UnusableDocument::NotJson));
        let deep = "[".repeat(60_000);
        assert_eq!(DidDocument::parse(&did, deep.as_bytes()), Err(UnusableDocument::NotJson));
    }

    /// Scenario 18.
    #[test]
    fn the_claim_is_the_first_valid_at_uri() {
        assert_eq!(
            claim(&json!([
                "https://a.example.com",
                "at://no_handle",
                "at://ALICE.example.com",
                "at://b.example.com"
            ])),
            Some("alice.example.com".to_owned())
        );
        assert_eq!(claim(&json!(["at://alice.example.com/path", 7, null, "at://"])), None);
        assert_eq!(claim(&json!(["AT://alice.example.com"])), None);
        assert_eq!(claim(&json!("at://alice.example.com")), None);
        assert_eq!(claim(&json!([])), None);
        // A reserved name is a valid claim, so that it is not passed over for the next one.
        assert_eq!(claim(&json!(["at://handle.invalid", "at://b.example.com"])).unwrap(), "handle.invalid");
    }

    #[test]
    fn members_that_are_not_used_may_be_anything() {
        for odd in [json!(null), json!(""), json!(7), json!(["x"]), json!({ "x": 1 }), json!(true)] {
            let document = parse(json!({
                "@context": odd, "controller": odd, "authentication": odd, "keyAgreement": odd, "proof": odd,
                "alsoKnownAs": [odd, "at://alice.example.com"],
                "verificationMethod": [odd, { "id": "#atproto", "type": "Multikey", "controller": odd, "publicKeyMultibase": "zQ3" }],
                "service": [
                    odd,
                    { "id": odd, "type": odd, "serviceEndpoint": odd },
                    { "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example.com", "priority": odd },
                ],
            }))
            .unwrap();
            assert!(
                document.claim.is_some() && document.signing_key.is_some() && document.pds.is_some(),
                "{odd}"
            );
        }
    }

    #[test]
    fn keys_and_services_are_read_in_both_forms() {
        for prefix in ["", DID] {
            let document = parse(json!({
                "verificationMethod": [
                    { "id": format!("{prefix}#other"), "type": "Multikey", "publicKeyMultibase": "zX" },
                    { "id": format!("{prefix}#atproto"), "type": "Multikey", "publicKeyMultibase": "zQ3" },
                ],
                "service": [
                    { "id": format!("{prefix}#atproto_labeler"), "type": "AtprotoLabeler", "serviceEndpoint": "https://l.example.com" },
                    { "id": format!("{prefix}#atproto_pds"), "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example.com" },
                ],
            }))
            .unwrap();
            let key = document.signing_key.unwrap();
            assert_eq!((key.form, key.multibase.as_str()), (KeyForm::Multikey, "zQ3"));
            assert_eq!(document.pds.unwrap().as_str(), "https://pds.example.com/");
        }
        let foreign = parse(json!({ "verificationMethod": [
            { "id": "did:web:example.com#atproto", "type": "Multikey", "publicKeyMultibase": "zX" } ] }));
        assert_eq!(foreign.unwrap().signing_key, None);
    }

    #[test]
    fn old_key_types_are_known_and_strange_ones_left_out() {
        let key = |kind: &str| {
            let method = json!({ "id": "#atproto", "type": kind, "publicKeyMultibase": "zQ3" });
            parse(json!({ "verificationMethod": [method] })).unwrap().signing_key.map(|key| key.form)
        };
        assert_eq!(key("EcdsaSecp256k1VerificationKey2019"), Some(KeyForm::K256));
        assert_eq!(key("EcdsaSecp256r1VerificationKey2019"), Some(KeyForm::P256));
        assert_eq!(key("Ed25519VerificationKey2020"), None);
    }

    #[test]
    fn an_endpoint_is_a_bare_origin() {
        let pds = |endpoint: &Value| {
            let service = json!({ "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": endpoint });
            let document = parse(json!({ "service": [service] })).unwrap();
            assert!(document.names_pds, "{endpoint}");
            document.pds
        };
        assert!(!parse(json!({})).unwrap().names_pds);
        assert!(pds(&"https://pds.example.com:8443/".into()).is_some());
        for bad in [
            json!("ftp://pds.example.com"),
            json!("https://user@pds.example.com"),
            json!("https://pds.example.com/path"),
            json!("https://pds.example.com?q"),
            json!("javascript:alert(1)"),
            json!({ "uri": "https://pds.example.com" }),
        ] {
            assert_eq!(pds(&bad), None, "{bad}");
        }
    }
}
