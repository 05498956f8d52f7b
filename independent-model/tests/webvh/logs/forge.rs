//! An author without scruples: hashes and signs whatever it is given, so that a log breaks the one rule it should.
//!
//! It shares no code with the verifier, and none of its opinions.

use std::sync::LazyLock;

use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// What stands for the SCID until it is known.
pub(crate) const SCID: &str = "{SCID}";

/// An entry to be: all that is hashed and signed but what follows from the entries before.
#[derive(Clone)]
pub(crate) struct Draft {
    /// The number in `versionId`.
    pub(crate) number: String,
    pub(crate) time: Value,
    pub(crate) parameters: Value,
    pub(crate) state: Value,
    /// Members that an entry does not have.
    pub(crate) more: Map<String, Value>,
    /// The seed of the key that signs.
    pub(crate) signer: u8,
    /// The proof, without its value.
    pub(crate) proof: Value,
}

impl Draft {
    pub(crate) fn new(number: usize, time: &str, parameters: Value, state: Value, signer: u8) -> Self {
        let proof = json!({
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022",
            "verificationMethod": method_of(signer),
            "created": time,
            "proofPurpose": "assertionMethod",
        });
        let (number, time) = (number.to_string(), time.into());
        Self { number, time, parameters, state, more: Map::new(), signer, proof }
    }

    /// Signed by another key, which it names.
    pub(crate) fn sign_by(&mut self, seed: u8) {
        self.signer = seed;
        self.proof["verificationMethod"] = method_of(seed).into();
    }

    /// Made at another time.
    pub(crate) fn date(&mut self, time: &str) {
        self.time = time.into();
        self.proof["created"] = time.into();
    }

    pub(crate) fn unset(&mut self, parameter: &str) {
        self.parameters.as_object_mut().unwrap().remove(parameter);
    }

    /// Changes all texts of the document, as JSON text.
    pub(crate) fn replace(&mut self, from: &str, to: &str) {
        self.state = serde_json::from_str(&self.state.to_string().replace(from, to)).unwrap();
    }

    /// The entry without its proof, with this `versionId`, for this SCID.
    fn unsigned(&self, version: &str, scid: &str) -> Value {
        let entry = json!({ "versionId": version, "versionTime": self.time, "parameters": self.parameters, "state": self.state });
        let mut entry: Value = serde_json::from_str(&entry.to_string().replace(SCID, scid)).unwrap();
        entry.as_object_mut().unwrap().extend(self.more.clone());
        entry
    }
}

/// The log of these drafts, its DID being the hash of the first.
pub(crate) fn forge(drafts: &[Draft]) -> Vec<Value> {
    let scid = multihash(&jcs(&drafts[0].unsigned(SCID, SCID)));
    forge_as(drafts, &scid)
}

/// The same under a SCID of one's choice.
pub(crate) fn forge_as(drafts: &[Draft], scid: &str) -> Vec<Value> {
    let mut previous = scid.to_owned();
    let mut log = Vec::new();
    for draft in drafts {
        let hash = multihash(&jcs(&draft.unsigned(&previous, scid)));
        previous = format!("{}-{hash}", draft.number);
        log.push(sign(draft.unsigned(&previous, scid), draft.proof.clone(), draft.signer));
    }
    log
}

/// The entry with a proof of these options, made by the key of this seed.
pub(crate) fn sign(mut entry: Value, mut proof: Value, seed: u8) -> Value {
    let digest = |value: &Value| Sha256::digest(jcs(value));
    let message = [digest(&proof), digest(&entry)].concat();
    let signature = SigningKey::from_bytes(&[seed; 32]).sign(&message);
    proof["proofValue"] = base58(&signature.to_bytes()).into();
    entry["proof"] = json!([proof]);
    entry
}

/// The file of a log: a line for each entry.
pub(crate) fn lines(log: &[Value]) -> String {
    log.iter().map(|entry| jcs(entry) + "\n").collect()
}

pub(crate) fn multikey(seed: u8) -> String {
    /// Asked for all the time, and always the same.
    static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
        (0..16)
            .map(|seed| SigningKey::from_bytes(&[seed; 32]).verifying_key())
            .map(|key| base58(&[[0xed, 0x01].as_slice(), key.as_bytes()].concat()))
            .collect()
    });
    KEYS[usize::from(seed)].clone()
}

/// The commitment to a key.
pub(crate) fn commitment(seed: u8) -> String {
    multihash(&multikey(seed))
}

pub(crate) fn multihash(text: &str) -> String {
    bs58::encode([[0x12, 0x20].as_slice(), &Sha256::digest(text)].concat()).into_string()
}

/// Multibase base58btc.
pub(crate) fn base58(bytes: &[u8]) -> String {
    format!("z{}", bs58::encode(bytes).into_string())
}

fn method_of(seed: u8) -> String {
    format!("did:key:{0}#{0}", multikey(seed))
}

fn jcs(value: &Value) -> String {
    serde_json_canonicalizer::to_string(value).unwrap()
}
