//! The check of an id token (OpenID Connect Core section 3.1.3.7; RFC 7515 for its signature).
//!
//! Only the claims that are checked are read, so no other one can be wrong.

use data_encoding::BASE64URL_NOPAD;
use namesake::{Timestamp, clean_line};
use openidconnect::{
    JsonWebKey as _, SignatureVerificationError,
    core::{CoreJsonWebKey, CoreJwsSigningAlgorithm as Algorithm},
};
use subtle::ConstantTimeEq as _;

use super::{super::members::Members, TOKEN, UpstreamError, carrier::nonsense, provider::Keys};

const ID_TOKEN: &str = "an id token";

/// How an id token may be signed. Not with the client secret, which is a password, and not at all.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

/// What an id token may call itself (`typ`): an access token is another kind of thing.
const TYPES: [&str; 4] = ["jwt", "application/jwt", "jose", "application/jose"];

/// What must be true of an id token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    /// For whom it may be beside us, where it was made for us.
    pub(super) trusted_audiences: &'a [String],
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// Why an id token does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// No key that is known may have signed it: there may be a new one.
    UnknownKey,
    /// Anything else.
    Wrong(UpstreamError),
}

impl From<UpstreamError> for Fault {
    fn from(error: UpstreamError) -> Self {
        Self::Wrong(error)
    }
}

impl From<Fault> for UpstreamError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::UnknownKey => wrong("is signed with a key that the provider does not list"),
            Fault::Wrong(error) => error,
        }
    }
}

/// Whom an id token is about, if it holds.
pub(super) fn subject(token: &str, keys: &Keys, expected: Expected<'_>) -> Result<String, Fault> {
    let mut parts = token.split('.');
    let (Some(head), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong("is not of three parts").into());
    };
    let signed = token.get(..head.len() + 1 + claims.len()).unwrap_or_default();
    verify(&part(head)?, signed.as_bytes(), &part(signature)?, keys)?;
    Ok(check(&Members::parse(ID_TOKEN, &part(claims)?)?, expected)?)
}

/// Whether a key of the provider made this signature.
fn verify(head: &[u8], signed: &[u8], signature: &[u8], keys: &Keys) -> Result<(), Fault> {
    let head = Members::parse(ID_TOKEN, head)?;
    // What `crit` lists must be understood, and here nothing of it is (RFC 7515 section 4.1.11).
    if let Some(name) = ["crit", "cty"].into_iter().find(|name| head.has(name)) {
        return Err(wrong(&format!("has a `{name}`, which is not understood")).into());
    }
    if head.text("typ")?.is_some_and(|kind| !TYPES.contains(&kind.to_ascii_lowercase().as_str())) {
        return Err(wrong("has the `typ` of another kind of token").into());
    }
    let name = head.needed("alg")?;
    let algorithm = serde_json::from_value::<Algorithm>(name.into()).ok();
    let Some(algorithm) = algorithm.filter(|algorithm| ALGORITHMS.contains(algorithm)) else {
        return Err(wrong(&format!("is signed by the `alg` {}", clean_line(name, 30))).into());
    };
    let id = head.text("kid")?;
    let named =
        |key: &&CoreJsonWebKey| id.is_none_or(|id| key.key_id().is_some_and(|other| other.as_str() == id));
    let mut known = false;
    for key in keys.keys().iter().filter(named) {
        match key.verify_signature(&algorithm, signed, signature) {
            Ok(()) => return Ok(()),
            // For another kind of signature, or for none.
            Err(SignatureVerificationError::InvalidKey(_)) => {}
            Err(_) => known = true,
        }
    }
    if known {
        Err(wrong("has a signature that is not the provider's").into())
    } else {
        Err(Fault::UnknownKey)
    }
}

/// Whom the claims are about, if they are for us, now, and of this sign-in.
fn check(claims: &Members, expected: Expected<'_>) -> Result<String, UpstreamError> {
    let Expected { issuer, client_id, trusted_audiences, nonce, now } = expected;
    if claims.needed("iss")? != issuer {
        return Err(claims.wrong("iss", "is another issuer"));
    }
    let audiences = claims.only_texts("aud")?;
    if !audiences.contains(&client_id) {
        return Err(claims.wrong("aud", "does not name our client id"));
    }
    let party = claims.text("azp")?;
    if party.is_some_and(|party| party != client_id) {
        return Err(claims.wrong("azp", "is another client"));
    }
    for other in audiences.into_iter().filter(|audience| *audience != client_id) {
        if !trusted_audiences.iter().any(|trusted| trusted == other) {
            return Err(claims.wrong("aud", &format!("names {other} too, which is no trusted audience")));
        }
        if party.is_none() {
            return Err(claims.wrong("azp", "is missing, and `aud` names others too"));
        }
    }
    let expires = claims.seconds("exp")?.ok_or_else(|| claims.wrong("exp", "is missing"))?;
    if i64::try_from(expires).is_ok_and(|expires| expires <= now.as_second()) {
        return Err(claims.wrong("exp", "is over"));
    }
    if !bool::from(claims.needed("nonce")?.as_bytes().ct_eq(nonce.as_bytes())) {
        return Err(claims.wrong("nonce", "is of another sign-in"));
    }
    claims.id("sub")
}

fn part(text: &str) -> Result<Vec<u8>, UpstreamError> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| wrong("is not base64url"))
}

fn wrong(why: &str) -> UpstreamError {
    nonsense(TOKEN, &format!("gave an id token that {why}"))
}
