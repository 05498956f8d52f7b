//! Rotation keys, and signatures by them.

use k256::ecdsa::signature::Verifier as _;

use crate::base58;

/// The multicodec prefixes of compressed public keys (did:key method, "Signature Method Creation Algorithm").
pub(crate) const K256: [u8; 2] = [0xe7, 0x01];
pub(crate) const P256: [u8; 2] = [0x80, 0x24];

/// A key that may sign operations: of one of two curves.
#[derive(Debug)]
pub(crate) enum RotationKey {
    K256(k256::ecdsa::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
}

/// What a key has to do with a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Signed,
    /// It made it, and the signature is the other of its two forms.
    HighS,
    No,
}

impl RotationKey {
    /// Reads a `did:key`; `None` when it is none of these curves, of which no signature can be good.
    pub(crate) fn parse(did_key: &str) -> Option<Self> {
        let bytes: [u8; 35] = did_key.strip_prefix("did:key:z").and_then(base58::decode)?;
        let (prefix, point) = bytes.split_first_chunk::<2>()?;
        match *prefix {
            K256 => k256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::K256),
            P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::P256),
            _ => None,
        }
    }

    /// Whether it signed `message`: ECDSA over SHA-256, `r` and `s` in 32 bytes each, `s` in the lower half.
    pub(super) fn check(&self, message: &[u8], signature: &[u8; 64]) -> Match {
        let (good, low) = match self {
            Self::K256(key) => match k256::ecdsa::Signature::from_slice(signature) {
                Ok(signature) => {
                    let low = signature.normalize_s();
                    (key.verify(message, &low).is_ok(), low == signature)
                }
                Err(_) => return Match::No,
            },
            Self::P256(key) => match p256::ecdsa::Signature::from_slice(signature) {
                Ok(signature) => {
                    let low = signature.normalize_s();
                    (key.verify(message, &low).is_ok(), low == signature)
                }
                Err(_) => return Match::No,
            },
        };
        match (good, low) {
            (true, true) => Match::Signed,
            (true, false) => Match::HighS,
            (false, _) => Match::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RotationKey;

    #[test]
    fn keys_of_two_curves_and_no_other() {
        // did:key method, test vectors: secp256k1, P-256, then Ed25519 and P-384.
        let secp256k1 = "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme";
        let p256 = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169";
        assert!(matches!(RotationKey::parse(secp256k1), Some(RotationKey::K256(_))));
        assert!(matches!(RotationKey::parse(p256), Some(RotationKey::P256(_))));
        for text in [
            "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
            "did:key:z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9",
            "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme",
            "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBm",
            "did:key:z0OIl",
            "did:key:z",
            "",
        ] {
            assert!(RotationKey::parse(text).is_none(), "{text}");
        }
        assert!(RotationKey::parse(&format!("did:key:z{}", "2".repeat(100_000))).is_none());
    }
}
