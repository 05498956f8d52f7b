//! Real `did:plc` logs for private worlds: signed, chained and named as the directory would have them.

use data_encoding::BASE64URL_NOPAD;
use k256::ecdsa::signature::Signer as _;
use namesake::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::PrivateWorld;
use crate::{
    Did, InvalidDid, base58,
    plc::{cbor, cid, key},
};

/// A rotation key that is the same every time. Not for the real world: who knows the seed has the key.
#[derive(Debug, Clone)]
pub struct PlcKey(Curve);

#[derive(Debug, Clone)]
enum Curve {
    K256(k256::ecdsa::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

#[expect(clippy::expect_used, reason = "a hash is no scalar of these curves once in 2^128")]
impl PlcKey {
    /// A key on secp256k1.
    #[must_use]
    pub fn k256(seed: &str) -> Self {
        let scalar = Sha256::digest(seed);
        Self(Curve::K256(k256::ecdsa::SigningKey::from_slice(&scalar).expect("a scalar")))
    }

    /// A key on NIST P-256.
    #[must_use]
    pub fn p256(seed: &str) -> Self {
        let scalar = Sha256::digest(seed);
        Self(Curve::P256(p256::ecdsa::SigningKey::from_slice(&scalar).expect("a scalar")))
    }
}

impl PlcKey {
    /// The public half.
    #[must_use]
    pub fn did_key(&self) -> String {
        let (prefix, point) = match &self.0 {
            Curve::K256(key) => (key::K256, key.verifying_key().to_sec1_point(true).as_bytes().to_vec()),
            Curve::P256(key) => (key::P256, key.verifying_key().to_sec1_point(true).as_bytes().to_vec()),
        };
        format!("did:key:z{}", base58::encode(&[prefix.to_vec(), point].concat()))
    }

    /// The operation with its `sig`, whatever was there before.
    #[must_use]
    pub fn sign(&self, mut operation: Value) -> Value {
        if let Some(fields) = operation.as_object_mut() {
            fields.remove("sig");
        }
        let bytes = cbor::encode(&operation).unwrap_or_default();
        let signature = match &self.0 {
            Curve::K256(key) => {
                let signature: k256::ecdsa::Signature = key.sign(&bytes);
                signature.normalize_s().to_bytes().to_vec()
            }
            Curve::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(&bytes);
                signature.normalize_s().to_bytes().to_vec()
            }
        };
        operation["sig"] = BASE64URL_NOPAD.encode(&signature).into();
        operation
    }
}

/// A log that is being written. It checks nothing: a log that does not hold can be written too.
#[derive(Debug, Clone)]
pub struct PlcLog {
    did: Did,
    entries: Vec<Value>,
}

impl PlcLog {
    /// The log that begins with this signed genesis.
    ///
    /// # Errors
    /// Never in practice: a hash always makes a DID.
    pub fn begin(genesis: &Value, at: Timestamp) -> Result<Self, InvalidDid> {
        let did = Did::parse(&cid::did(&cbor::encode(genesis).unwrap_or_default()))?;
        let mut log = Self { did, entries: Vec::new() };
        log.push(genesis, at);
        Ok(log)
    }

    /// Appends a signed operation, and strikes out what stands between it and the one it follows.
    pub fn push(&mut self, operation: &Value, at: Timestamp) {
        let prev = self.entries.iter().position(|entry| entry["cid"] == operation["prev"]);
        for struck in self.entries.iter_mut().skip(prev.map_or(usize::MAX, |place| place + 1)) {
            struck["nullified"] = true.into();
        }
        let cid = cid::cid(&cbor::encode(operation).unwrap_or_default());
        self.entries.push(json!({
            "did": self.did.as_str(),
            "operation": operation,
            "cid": cid,
            "nullified": false,
            "createdAt": at.to_string(),
        }));
    }

    /// An operation, to be signed, that claims `handle` and keeps everything at [`PrivateWorld::PDS`].
    #[must_use]
    pub fn operation(handle: &str, rotation_keys: &[&PlcKey], prev: Option<&str>) -> Value {
        json!({
            "type": "plc_operation",
            "rotationKeys": rotation_keys.iter().map(|key| key.did_key()).collect::<Vec<_>>(),
            "verificationMethods": {},
            "alsoKnownAs": [format!("at://{handle}")],
            "services": { "atproto_pds": { "type": "AtprotoPersonalDataServer", "endpoint": PrivateWorld::PDS } },
            "prev": prev,
        })
    }

    /// A tombstone, to be signed.
    #[must_use]
    pub fn tombstone(prev: &str) -> Value {
        json!({ "type": "plc_tombstone", "prev": prev })
    }

    /// Whose log it is.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// The CID of the operation at `place`; empty when there is none.
    #[must_use]
    pub fn cid(&self, place: usize) -> &str {
        self.entries.get(place).and_then(|entry| entry["cid"].as_str()).unwrap_or_default()
    }

    /// The log as the directory sends it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Array(self.entries.clone())
    }
}
