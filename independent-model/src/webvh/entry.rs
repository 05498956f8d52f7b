//! One line of a log: exactly the members that did:webvh 1.0 knows. Nothing is verified here but form.

use std::{fmt, ops::Range};

use namesake::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{
    Fault, KeyHash, MAX_ENTRY_BYTES, MAX_KEYS, Multikey, Proof, canonical,
    multikey::{is_multihash, multihash},
    read_strictly,
};

/// What a DID that is not known yet is called in its own first entry.
const PLACEHOLDER: &str = "{SCID}";
/// The longest time that a resolver may be asked to keep a document, in seconds ("ttl").
const MAX_TTL: u64 = 1 << 31;
/// Digits of a fraction of a second that are read: other verifiers compare milliseconds.
const MAX_FRACTION: usize = 3;

/// An entry of the right form ("DID Log Entry").
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the log, and the hash over it and all before it.
    pub version: VersionId,
    /// When it was made, by its author's word.
    pub time: Timestamp,
    /// What it changes about how the DID works.
    pub parameters: Parameters,
    /// The DID document, whole.
    pub state: Value,
    /// Who signed it.
    pub proof: Proof,
    /// The commitment to the key that signed it.
    pub(crate) signer: KeyHash,
    /// The entry in canonical form; and where in it its proof is, with its name and the comma, and its `versionId`.
    line: String,
    signed_at: Range<usize>,
    version_at: Range<usize>,
}

/// `<number>-<hash>` ("versionId").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionId {
    /// Its place in the log, from 1.
    pub number: u64,
    /// The entry hash.
    pub hash: String,
}

/// What an entry changes about how the DID works; what it leaves out stays as it was ("DID Method Parameters").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters {
    /// Whether `method` is there; it has one value.
    pub method: bool,
    /// The self-certifying identifier.
    pub scid: Option<String>,
    /// The keys that may sign.
    pub update_keys: Option<Vec<Multikey>>,
    /// Commitments to the keys of the next entry; by our convention the last is that to the recovery key.
    pub next_key_hashes: Option<Vec<KeyHash>>,
    /// Whether the DID may move to another host.
    pub portable: Option<bool>,
    /// Whether the DID ends here.
    pub deactivated: Option<bool>,
}

impl Entry {
    /// Reads an entry.
    ///
    /// # Errors
    /// The [`Fault`] it has.
    pub fn read(line: &[u8]) -> Result<Self, Fault> {
        if line.len() > MAX_ENTRY_BYTES {
            return Err(Fault::TooLarge);
        }
        let mut value = read_strictly(line)?;
        let members =
            value.as_object_mut().filter(|members| members.len() == 5).ok_or(Fault::EntryMembers)?;
        let mut take = |name: &str| members.remove(name).ok_or(Fault::EntryMembers);
        let (id, written) = (take("versionId")?, take("versionTime")?);
        let (changes, state, proofs) = (take("parameters")?, take("state")?, take("proof")?);
        let (Value::String(id), Value::String(written), Value::Object(members), Value::Object(_)) =
            (&id, &written, &changes, &state)
        else {
            return Err(Fault::EntryMembers);
        };
        let version = id.parse()?;
        let time = read_time(written).ok_or(Fault::VersionTime)?;
        let proof = Proof::read(&proofs)?;
        let parameters = Parameters::read(members, &proof.key)?;
        // Members are sorted, and a version and a time have nothing in them that needs an escape.
        let before = [r#"{"parameters":"#, &canonical(&changes), ","].concat();
        let signed = [r#""proof":"#, &canonical(&proofs), ","].concat();
        let between = [r#""state":"#, &canonical(&state), r#","versionId":""#].concat();
        let line = [&before, &signed, &between, id, r#"","versionTime":""#, written, r#""}"#].concat();
        let signed_at = before.len()..before.len() + signed.len();
        let version_at = signed_at.end + between.len()..signed_at.end + between.len() + id.len();
        let signer = proof.key.hash();
        Ok(Self { version, time, parameters, state, proof, signer, line, signed_at, version_at })
    }

    /// The entry in canonical form (RFC 8785), without a line break: what is stored and served.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// The two hashes over the entry without its proof: the entry hash, for which it stands after an entry of this
    /// `versionId` or after the SCID, and that of the entry as it is, which the proof is over.
    pub(super) fn hashes(&self, previous: &str) -> (String, [u8; 32]) {
        // They differ only near the end.
        let [parameters, state, time] = self.unsigned();
        let before = Sha256::new().chain_update(parameters).chain_update(state);
        let with = |version: &str| before.clone().chain_update(version).chain_update(time).finalize();
        (multihash(with(previous)), with(&self.line[self.version_at.clone()]).into())
    }

    /// The identifier that this entry makes as the first of a log: the hash of itself, with a placeholder wherever the
    /// identifier is ("SCID Generation and Verification").
    pub(super) fn scid(&self, scid: &str) -> Result<String, Fault> {
        let [parameters, state, time] = self.unsigned();
        // It could stand for itself or for the identifier, so that two first entries would make one identifier.
        if parameters.contains(PLACEHOLDER) || state.contains(PLACEHOLDER) {
            return Err(Fault::ScidHash);
        }
        let known = [parameters, state, PLACEHOLDER, time].concat().replace(scid, PLACEHOLDER);
        // The name of a member may hold the identifier too, and be sorted elsewhere under the placeholder.
        Ok(multihash(Sha256::digest(canonical(&read_strictly(known.as_bytes())?))))
    }

    /// The entry in canonical form, without its proof and the value of `versionId`: the parameters; the state; the time.
    fn unsigned(&self) -> [&str; 3] {
        let (signed, version) = (&self.signed_at, &self.version_at);
        [&self.line[..signed.start], &self.line[signed.end..version.start], &self.line[version.end..]]
    }
}

/// A time as RFC 3339 writes it, in UTC, capital letters, down to milliseconds ("versionTime").
pub(super) fn read_time(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let clock = rest.strip_suffix('Z').or_else(|| rest.strip_suffix("+00:00"))?;
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, part)| (clock, Some(part)));
    let shaped = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                other => byte == other,
            })
    };
    let fraction_is_good = fraction.is_none_or(|digits| {
        (1..=MAX_FRACTION).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    // A leap second has two spellings.
    let good = shaped(date, "0000-00-00") && shaped(clock, "00:00:00") && !clock.ends_with("60");
    if good && fraction_is_good { text.parse().ok() } else { None }
}

impl std::str::FromStr for VersionId {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let (number, hash) = text.split_once('-').ok_or(Fault::VersionId)?;
        let canonical = !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| canonical).ok_or(Fault::VersionId)?;
        is_multihash(hash).then(|| Self { number, hash: hash.to_owned() }).ok_or(Fault::VersionId)
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.number, self.hash)
    }
}

impl TryFrom<String> for VersionId {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<VersionId> for String {
    fn from(version: VersionId) -> Self {
        version.to_string()
    }
}

impl Parameters {
    /// `signer` is a key that was read already, and most often is shown here as well.
    fn read(members: &Map<String, Value>, signer: &Multikey) -> Result<Self, Fault> {
        let key = |text: &str| match text == signer.as_str() {
            true => Ok(signer.clone()),
            false => Multikey::parse(text),
        };
        let mut read = Self::default();
        for (name, value) in members {
            match name.as_str() {
                "method" if value == "did:webvh:1.0" => read.method = true,
                "method" => return Err(Fault::Method),
                "scid" => {
                    let scid = text(value)?;
                    read.scid =
                        Some(is_multihash(scid).then(|| scid.to_owned()).ok_or(Fault::ParameterForm)?);
                }
                "updateKeys" => read.update_keys = Some(list(value, key)?),
                "nextKeyHashes" => read.next_key_hashes = Some(list(value, KeyHash::parse)?),
                "portable" => read.portable = Some(value.as_bool().ok_or(Fault::ParameterForm)?),
                "deactivated" => read.deactivated = Some(value.as_bool().ok_or(Fault::ParameterForm)?),
                "ttl" if value.as_u64().is_some_and(|seconds| seconds <= MAX_TTL) => {}
                "ttl" => return Err(Fault::ParameterForm),
                "watchers" => drop(list(value, |watcher| Ok(watcher.to_owned()))?),
                "witness" => match value.as_object() {
                    Some(none) if none.is_empty() => {}
                    Some(_) => return Err(Fault::Witness),
                    None => return Err(Fault::ParameterForm),
                },
                _ => return Err(Fault::UnknownParameter),
            }
        }
        Ok(read)
    }
}

fn list<T>(value: &Value, read: impl Fn(&str) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
    let items = value.as_array().filter(|items| items.len() <= MAX_KEYS).ok_or(Fault::ParameterForm)?;
    items.iter().map(|item| read(text(item)?)).collect()
}

fn text(value: &Value) -> Result<&str, Fault> {
    value.as_str().ok_or(Fault::ParameterForm)
}
