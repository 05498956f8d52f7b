//! One operation: what it says, the bytes that were signed, and its CID.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

use super::{Fault, MAX_OPERATION_BYTES, cbor, cid};

/// An operation of the right form; nothing is known about its signature.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) body: Body,
    /// The CID of the operation it follows.
    pub(crate) prev: Option<String>,
    pub(crate) signature: [u8; 64],
    /// What was signed: the operation without `sig`.
    pub(crate) signed: Vec<u8>,
    pub(crate) cid: String,
    /// The DID it would be the genesis of.
    pub(crate) did: String,
}

/// What an operation makes of its DID.
#[derive(Debug)]
pub(crate) enum Body {
    /// This, whole: an operation replaces everything.
    State(State),
    /// The same, in the form that was retired; only a genesis may have it.
    Legacy(State),
    /// Nothing, for good.
    Tombstone,
}

/// All there is to a DID, but for its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// As `did:key`, the mightiest first.
    pub(crate) rotation_keys: Vec<String>,
    pub(crate) verification_methods: BTreeMap<String, String>,
    pub(crate) also_known_as: Vec<String>,
    pub(crate) services: BTreeMap<String, Service>,
}

/// A service of a DID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Service {
    /// Its kind: `AtprotoPersonalDataServer`.
    pub(crate) kind: String,
    /// Its address.
    pub(crate) endpoint: String,
}

impl Operation {
    /// Reads the operation of an entry. Exactly the fields of its kind: one that nobody knows may mean something.
    pub(crate) fn read(value: &Value) -> Result<Self, Fault> {
        let whole = cbor::encode(value).ok_or(Fault::Form)?;
        if whole.len() > MAX_OPERATION_BYTES {
            return Err(Fault::TooLarge);
        }
        let mut unsigned = value.clone();
        let Some(Value::String(sig)) = unsigned.as_object_mut().and_then(|fields| fields.remove("sig"))
        else {
            return Err(Fault::Form);
        };
        let fields = unsigned.as_object().ok_or(Fault::Form)?;
        let (body, prev) = read_body(fields).ok_or(Fault::Form)?;
        let signature = BASE64URL_NOPAD.decode(sig.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        Ok(Self {
            body,
            prev,
            signature: signature.ok_or(Fault::SignatureForm)?,
            signed: cbor::encode(&unsigned).ok_or(Fault::Form)?,
            cid: cid::cid(&whole),
            did: cid::did(&whole),
        })
    }

    /// What it makes of its DID; `None` for a tombstone.
    pub(crate) fn state(&self) -> Option<&State> {
        match &self.body {
            Body::State(state) | Body::Legacy(state) => Some(state),
            Body::Tombstone => None,
        }
    }
}

fn read_body(fields: &Map<String, Value>) -> Option<(Body, Option<String>)> {
    let text = |name: &str| Some(fields.get(name)?.as_str()?.to_owned());
    let prev = match fields.get("prev")? {
        Value::Null => None,
        prev => Some(prev.as_str()?.to_owned()),
    };
    match (fields.get("type")?.as_str()?, fields.len()) {
        ("plc_operation", 6) => {
            let state = State {
                rotation_keys: texts(fields.get("rotationKeys")?)?,
                verification_methods: map(fields.get("verificationMethods")?, |key| {
                    Some(key.as_str()?.to_owned())
                })?,
                also_known_as: texts(fields.get("alsoKnownAs")?)?,
                services: map(fields.get("services")?, read_service)?,
            };
            Some((Body::State(state), prev))
        }
        ("plc_tombstone", 2) if prev.is_some() => Some((Body::Tombstone, prev)),
        ("create", 6) => {
            let state = legacy(text("signingKey")?, text("recoveryKey")?, &text("handle")?, text("service")?);
            Some((Body::Legacy(state), prev))
        }
        _ => None,
    }
}

fn read_service(value: &Value) -> Option<Service> {
    let fields = value.as_object().filter(|fields| fields.len() == 2)?;
    let text = |name: &str| Some(fields.get(name)?.as_str()?.to_owned());
    Some(Service { kind: text("type")?, endpoint: text("endpoint")? })
}

/// The retired form, in terms of today's: the recovery key ranks above the signing key.
fn legacy(signing_key: String, recovery_key: String, handle: &str, service: String) -> State {
    let alias = match handle.starts_with("at://") {
        true => handle.to_owned(),
        false => format!("at://{}", handle.replacen("http://", "", 1).replacen("https://", "", 1)),
    };
    let bare = !service.starts_with("http://") && !service.starts_with("https://");
    let endpoint = if bare { format!("https://{service}") } else { service };
    let pds = Service { kind: "AtprotoPersonalDataServer".to_owned(), endpoint };
    State {
        rotation_keys: vec![recovery_key, signing_key.clone()],
        verification_methods: BTreeMap::from([("atproto".to_owned(), signing_key)]),
        also_known_as: vec![alias],
        services: BTreeMap::from([("atproto_pds".to_owned(), pds)]),
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| Some(item.as_str()?.to_owned())).collect()
}

fn map<T>(value: &Value, read: impl Fn(&Value) -> Option<T>) -> Option<BTreeMap<String, T>> {
    value.as_object()?.iter().map(|(key, value)| Some((key.clone(), read(value)?))).collect()
}
