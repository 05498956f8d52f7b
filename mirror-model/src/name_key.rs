//! The key under which names and upstream ids are hashed into keys of the store.
//!
//! The store keeps the key of what was deleted, in its feed of changes, for ever (rule S9), and all keys of one commit
//! stand together there. A name in it would tell for ever what somebody was called who wanted to be forgotten; a plain
//! hash of it, too, for whoever tries all names. Under a secret key it tells nothing.
//!
//! The key is random, made when the register is first used, and stored sealed like a token: whoever has the store alone
//! has no use for it. So the key file belongs to the store: without it, nobody's name is found.

use std::fmt;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use namesake::{
    Randomness,
    store::{Key, KeyError},
};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    Secret, Username,
    records::{ForeignKey, Keys},
    upstream::UpstreamSource,
};

const BYTES: usize = 32;

/// Makes the keys of the rows that are found by something about a person.
#[derive(Clone)]
pub(crate) struct NameKey(Hmac<Sha256>);

impl NameKey {
    /// Takes the secret as it is stored sealed. `None`: it is none of ours.
    pub(crate) fn new(secret: &Secret) -> Option<Self> {
        let bits = Zeroizing::new(BASE64.decode(secret.expose().as_bytes()).ok()?);
        (bits.len() == BYTES).then(|| Hmac::new_from_slice(&bits).ok().map(Self)).flatten()
    }

    /// A new secret.
    pub(crate) fn mint(randomness: &dyn Randomness) -> Secret {
        let mut bits = Zeroizing::new([0; BYTES]);
        randomness.fill(bits.as_mut());
        Secret::new(BASE64.encode(bits.as_ref()))
    }

    /// The place of a name.
    pub(crate) fn handle(&self, keys: &Keys, username: &Username) -> Result<Key, KeyError> {
        Key::new(keys.handles() + &self.digest(&["handle", username.as_str()]))
    }

    /// The place of an upstream's user.
    pub(crate) fn foreign(&self, keys: &Keys, foreign: &ForeignKey) -> Result<Key, KeyError> {
        let UpstreamSource { kind, origin, client } = &foreign.source;
        Key::new(keys.foreigners() + &self.digest(&["foreign", kind, origin, client, &foreign.id]))
    }

    /// HMAC-SHA256 (RFC 2104), each part preceded by its length, so that no two are spelt alike; base64url.
    fn digest(&self, parts: &[&str]) -> String {
        let update =
            |mac: Hmac<Sha256>, part: &&str| mac.chain_update(part.len().to_be_bytes()).chain_update(part);
        BASE64URL_NOPAD.encode(&parts.iter().fold(self.0.clone(), update).finalize().into_bytes())
    }
}

impl fmt::Debug for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameKey")
    }
}

#[cfg(test)]
mod tests {
    use namesake::{Scheme, SeededRandomness};

    use super::NameKey;
    use crate::{
        Username,
        records::{ForeignKey, Keys},
        upstream::UpstreamSource,
    };

    #[test]
    fn keys_differ_in_every_part_and_with_the_secret() {
        let keys = Keys::new(&Scheme::parse("threads").unwrap());
        let names = |seed| NameKey::new(&NameKey::mint(&SeededRandomness::new(seed))).unwrap();
        let (names, others) = (names(1), names(2));
        let foreign = |kind: &str, origin: &str, client: &str, id: &str| {
            let source = UpstreamSource { kind: kind.into(), origin: origin.into(), client: client.into() };
            ForeignKey { source, id: id.into() }
        };
        let one = foreign("threads", "https://graph.threads.net", "1", "23");
        let key = |foreign: &ForeignKey| names.foreign(&keys, foreign).unwrap();
        assert_eq!(key(&one), key(&one.clone()));
        for other in [
            foreign("instagram", "https://graph.threads.net", "1", "23"),
            foreign("threads", "https://graph.threads.com", "1", "23"),
            foreign("threads", "https://graph.threads.net", "12", "3"),
            foreign("threads", "https://graph.threads.net", "1", "24"),
        ] {
            assert_ne!(key(&one), key(&other));
        }
        assert_ne!(key(&one), others.foreign(&keys, &one).unwrap());

        let alice = Username::parse("alice").unwrap();
        let place = names.handle(&keys, &alice).unwrap();
        assert!(
            place.to_string().starts_with("mirror/threads/handle/") && !place.to_string().contains("alice")
        );
        assert_ne!(place, names.handle(&keys, &Username::parse("alicia").unwrap()).unwrap());
        assert_ne!(place, others.handle(&keys, &alice).unwrap());
    }
}
