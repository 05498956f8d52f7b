//! Meta's `signed_request`: `base64url(signature).base64url(json)`, HMAC-SHA256 over the *encoded* payload.
//!
//! Source: Meta for Developers, "Data Deletion Request Callback". Padding is tolerated.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use crate::{
    Secret, WebhookError,
    upstream::{Id, object},
};

/// The payload, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Payload {
    user_id: Id,
    #[serde(default)]
    algorithm: Option<String>,
}

/// Whose account a signed request is about: the upstream's user id.
pub(crate) fn open(signed: &str, secrets: &[Secret]) -> Result<String, WebhookError> {
    let (signature, payload) = signed.split_once('.').ok_or(WebhookError::Malformed)?;
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes());
    let signature = decode(signature).map_err(|_| WebhookError::Malformed)?;
    // The signature is over what was sent, not over what it means.
    if !is_signed(payload.as_bytes(), &signature, secrets) {
        return Err(WebhookError::Signature);
    }
    let json = decode(payload).map_err(|_| WebhookError::Malformed)?;
    let payload: Payload = object(&json).ok_or(WebhookError::Malformed)?;
    match payload.algorithm.as_deref() {
        None | Some("HMAC-SHA256") => Ok(payload.user_id.into_string()),
        Some(_) => Err(WebhookError::Malformed),
    }
}

/// Whether any of `secrets` made this signature, compared in constant time.
pub(crate) fn is_signed(text: &[u8], signature: &[u8], secrets: &[Secret]) -> bool {
    let signs = |secret: &Secret| mac(secret, text).is_some_and(|mac| mac.verify_slice(signature).is_ok());
    // Every secret is tried, so that the time does not tell which one is right.
    secrets.iter().fold(false, |signed, secret| signs(secret) | signed)
}

/// Signs as the upstream does: for the sandbox.
pub(crate) fn sign(text: &[u8], secret: &Secret) -> Vec<u8> {
    mac(secret, text).map(|mac| mac.finalize().into_bytes().to_vec()).unwrap_or_default()
}

/// HMAC takes a key of any length; an empty one is a missing setting, and signs nothing.
fn mac(secret: &Secret, text: &[u8]) -> Option<Hmac<Sha256>> {
    let key = Some(secret.expose().as_bytes()).filter(|key| !key.is_empty())?;
    Hmac::<Sha256>::new_from_slice(key).ok().map(|mac| mac.chain_update(text))
}

#[cfg(test)]
mod tests {
    use super::{open, sign};
    use crate::{Secret, WebhookError};

    const VECTOR: &str = "Mf_s6nTb38UYqioBmPqu0Ewm9souPZB9I2fIGwV729U.\
        eyJ1c2VyX2lkIjoiMCIsImFsZ29yaXRobSI6IkhNQUMtU0hBMjU2IiwiaXNzdWVkX2F0IjoxNjI0MjQ0MTU2fQ";

    #[test]
    fn a_known_request_opens_with_its_secret_and_no_other() {
        let key = || Secret::new("key");
        assert_eq!(open(VECTOR, &[key()]).unwrap(), "0");
        assert_eq!(
            open(VECTOR, &[Secret::new("new"), key()]).unwrap(),
            "0",
            "while the secret is being rotated"
        );
        assert_eq!(
            open(&format!("{VECTOR}="), &[key()]).unwrap_err().to_string(),
            WebhookError::Signature.to_string()
        );
        assert_eq!(open(&VECTOR.replacen('.', "=.", 1), &[key()]).unwrap(), "0", "padding is tolerated");
        for secrets in [vec![], vec![Secret::new("")], vec![Secret::new("other")]] {
            assert!(matches!(open(VECTOR, &secrets), Err(WebhookError::Signature)), "{secrets:?}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let key = [Secret::new("key")];
        for text in ["", ".", "a.b", "no dot", &VECTOR.replacen("Mf", "Mg", 1), &VECTOR[1..], &VECTOR[..100]]
        {
            assert!(open(text, &key).is_err(), "{text}");
        }
        let signed = |json: &str| {
            let payload = data_encoding::BASE64URL_NOPAD.encode(json.as_bytes());
            let signature = data_encoding::BASE64URL_NOPAD.encode(&sign(payload.as_bytes(), &key[0]));
            open(&format!("{signature}.{payload}"), &key)
        };
        assert_eq!(signed(r#"{"user_id":17841400000000000123}"#).unwrap(), "17841400000000000123");
        assert!(signed(r#"{"user_id":"1","algorithm":"none"}"#).is_err());
        assert!(signed(r#"{"algorithm":"HMAC-SHA256"}"#).is_err());
        assert!(signed(r#"["1"]"#).is_err(), "a list has no members");
    }
}
