//! Meta's `signed_request`: `base64url(signature).base64url(json)`, HMAC-SHA256 over the *encoded* payload.
//!
//! Source: Meta for Developers, "Data Deletion Request Callback". Padding is tolerated.
//!
//! Whoever saw one can send it again, so it is good for a while only after it was issued.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use namesake::Timestamp;
use serde::Deserialize;
use sha2::Sha256;

use crate::{
    Secret, WebhookError,
    budget::after,
    upstream::{Id, object},
};

/// By how much the upstream's clock may be ahead of ours.
const CLOCK_AHEAD: Duration = Duration::from_secs(60);

/// The payload, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Payload {
    user_id: Id,
    /// In seconds since 1970.
    issued_at: i64,
    #[serde(default)]
    algorithm: Option<String>,
}

/// A request that the upstream signed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    /// Whose account it is about: the upstream's user id.
    pub(crate) user: String,
    /// Its signature, which no other request has.
    pub(crate) signature: Vec<u8>,
}

/// Opens a request that one of `secrets` signed, if it was issued no longer than `good_for` before `now`.
pub(crate) fn open(
    signed: &str,
    secrets: &[Secret],
    now: Timestamp,
    good_for: Duration,
) -> Result<Signed, WebhookError> {
    let (signature, payload) = signed.split_once('.').ok_or(WebhookError::Malformed)?;
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes());
    let signature = decode(signature).map_err(|_| WebhookError::Malformed)?;
    // The signature is over what was sent, not over what it means.
    if !is_signed(payload.as_bytes(), &signature, secrets) {
        return Err(WebhookError::Signature);
    }
    let json = decode(payload).map_err(|_| WebhookError::Malformed)?;
    let payload: Payload = object(&json).ok_or(WebhookError::Malformed)?;
    if payload.algorithm.as_deref().is_some_and(|algorithm| algorithm != "HMAC-SHA256") {
        return Err(WebhookError::Malformed);
    }
    let issued = Timestamp::from_second(payload.issued_at).map_err(|_| WebhookError::Outdated)?;
    if after(issued, good_for) < now || issued > after(now, CLOCK_AHEAD) {
        return Err(WebhookError::Outdated);
    }
    Ok(Signed { user: payload.user_id.into_string(), signature })
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
    use std::time::Duration;

    use namesake::Timestamp;

    use super::{Signed, sign};
    use crate::{Secret, WebhookError};

    const VECTOR: &str = "Mf_s6nTb38UYqioBmPqu0Ewm9souPZB9I2fIGwV729U.\
        eyJ1c2VyX2lkIjoiMCIsImFsZ29yaXRobSI6IkhNQUMtU0hBMjU2IiwiaXNzdWVkX2F0IjoxNjI0MjQ0MTU2fQ";
    const ISSUED: i64 = 1_624_244_156;
    const HOUR: i64 = 3600;

    /// As it is opened at a time.
    fn at(seconds: i64, text: &str, secrets: &[Secret]) -> Result<Signed, WebhookError> {
        super::open(text, secrets, Timestamp::from_second(seconds).unwrap(), Duration::from_secs(3600))
    }

    fn open(text: &str, secrets: &[Secret]) -> Result<String, WebhookError> {
        at(ISSUED, text, secrets).map(|signed| signed.user)
    }

    fn signed(json: &str, key: &Secret) -> String {
        let payload = data_encoding::BASE64URL_NOPAD.encode(json.as_bytes());
        let signature = data_encoding::BASE64URL_NOPAD.encode(&sign(payload.as_bytes(), key));
        format!("{signature}.{payload}")
    }

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
        let request = |json: &str| open(&signed(json, &key[0]), &key);
        let big = format!(r#"{{"user_id":17841400000000000123,"issued_at":{ISSUED}}}"#);
        assert_eq!(request(&big).unwrap(), "17841400000000000123");
        for json in [
            format!(r#"{{"user_id":"1","issued_at":{ISSUED},"algorithm":"none"}}"#),
            format!(r#"{{"issued_at":{ISSUED},"algorithm":"HMAC-SHA256"}}"#),
            r#"{"user_id":"1"}"#.to_owned(),
            r#"{"user_id":"1","issued_at":null}"#.to_owned(),
            r#"{"user_id":"1","issued_at":"now"}"#.to_owned(),
            format!(r#"["1",{ISSUED}]"#),
        ] {
            assert!(matches!(request(&json), Err(WebhookError::Malformed)), "{json}");
        }
        assert!(matches!(
            request(r#"{"user_id":"1","issued_at":9223372036854775807}"#),
            Err(WebhookError::Outdated)
        ));
    }

    #[test]
    fn a_request_is_good_for_its_time_and_for_no_longer() {
        let key = [Secret::new("key")];
        for (now, good) in [
            (ISSUED, true),
            (ISSUED + HOUR, true),
            (ISSUED + HOUR + 1, false),
            (ISSUED + 365 * 24 * HOUR, false),
            // The upstream's clock may be a little ahead of ours.
            (ISSUED - 60, true),
            (ISSUED - 61, false),
            (ISSUED - HOUR, false),
            (0, false),
        ] {
            let opened = at(now, VECTOR, &key);
            assert_eq!(opened.is_ok(), good, "{} s after it was issued: {opened:?}", now - ISSUED);
            assert!(good || matches!(opened, Err(WebhookError::Outdated)), "{opened:?}");
        }
        // Whoever cannot sign learns nothing about times.
        let others = at(ISSUED + 2 * HOUR, VECTOR, &[Secret::new("other")]);
        assert!(matches!(others, Err(WebhookError::Signature)), "{others:?}");
    }
}
