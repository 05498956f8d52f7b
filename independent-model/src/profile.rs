//! Profile records (lexicon `app.bsky.actor.profile`, read through `com.atproto.repo.getRecord`).

use namesake::{AvatarUrl, Bio, DisplayName, Handle, Profile, ProfileState};
use serde_json::Value;
use url::Url;

use crate::Did;

/// The collection and key of the record.
pub(crate) const COLLECTION: &str = "app.bsky.actor.profile";
pub(crate) const RECORD_KEY: &str = "self";

/// A profile without decoration, in this state.
pub(crate) fn bare(did: &Did, handle: Option<Handle>, state: ProfileState) -> Profile {
    let account = did.account().clone();
    Profile { account, handle, display_name: None, bio: None, avatar: None, state }
}

/// The profile that an answer of `getRecord` describes; every text is cleaned. An answer that is no such record
/// decorates nothing, and says so.
pub(crate) fn from_record(did: &Did, handle: Option<Handle>, pds: &Url, answer: &[u8]) -> Profile {
    let record = serde_json::from_slice::<Value>(answer).ok().and_then(|mut answer| {
        let value = answer.get_mut("value")?.take();
        (value.get("$type")?.as_str()? == COLLECTION).then_some(value)
    });
    let Some(record) = record else {
        return bare(did, handle, ProfileState::Unavailable);
    };
    let text = |field: &str| record.get(field).and_then(Value::as_str);
    Profile {
        display_name: text("displayName").and_then(DisplayName::clean),
        bio: text("description").and_then(Bio::clean),
        avatar: blob_id(record.get("avatar")).and_then(|cid| avatar(did, pds, cid)),
        ..bare(did, handle, ProfileState::Current)
    }
}

/// The CID of a blob (atproto data model, "Blob Type"), also in its first form.
fn blob_id(blob: Option<&Value>) -> Option<&str> {
    let blob = blob?;
    let link = blob.get("ref").and_then(|link| link.get("$link")).or_else(|| blob.get("cid"))?.as_str()?;
    let plausible = (8..=256).contains(&link.len()) && link.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plausible.then_some(link)
}

fn avatar(did: &Did, pds: &Url, cid: &str) -> Option<AvatarUrl> {
    let mut url = pds.join("/xrpc/com.atproto.sync.getBlob").ok()?;
    url.query_pairs_mut().append_pair("did", did.as_str()).append_pair("cid", cid);
    AvatarUrl::clean(url.as_str())
}

#[cfg(test)]
mod tests {
    use namesake::{Handle, Profile, ProfileState};
    use serde_json::{Value, json};
    use url::Url;

    use super::from_record;
    use crate::Did;

    fn read(pds: &str, value: &Value) -> Profile {
        let did = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap();
        let handle = Handle::parse("alice.example.com").ok();
        from_record(&did, handle, &Url::parse(pds).unwrap(), json!({ "value": value }).to_string().as_bytes())
    }

    fn record() -> Value {
        json!({
            "$type": "app.bsky.actor.profile",
            "displayName": "Ali\u{202e}ce ",
            "description": "one\ntwo",
            "avatar": { "$type": "blob", "ref": { "$link": "bafkreiabcdefgh" }, "mimeType": "image/png", "size": 1 },
        })
    }

    #[test]
    fn a_record_is_cleaned_and_its_avatar_linked() {
        let profile = read("https://pds.example.com", &record());
        assert_eq!(profile.state, ProfileState::Current);
        assert_eq!(profile.display_name.unwrap().as_str(), "Alice");
        assert_eq!(profile.bio.unwrap().as_str(), "one\ntwo");
        assert_eq!(
            profile.avatar.unwrap().as_str(),
            "https://pds.example.com/xrpc/com.atproto.sync.getBlob?did=did%3Aplc%3Aewvi7nxzyoun6zhxrhs64oiz\
             &cid=bafkreiabcdefgh"
        );
    }

    #[test]
    fn avatars_need_https_and_a_plausible_cid() {
        assert_eq!(read("http://pds.example.com", &record()).avatar, None);
        let mut strange = record();
        strange["avatar"]["ref"]["$link"] = "../../x?y=".into();
        assert_eq!(read("https://pds.example.com", &strange).avatar, None);
        strange["avatar"] = json!({ "cid": "bafkreiabcdefgh", "mimeType": "image/png" });
        assert!(read("https://pds.example.com", &strange).avatar.is_some());
    }

    #[test]
    fn members_that_are_not_used_may_be_anything() {
        for odd in [json!(null), json!(""), json!(7), json!(["x"]), json!({ "x": 1 }), json!(true)] {
            let mut strange = record();
            for name in
                ["createdAt", "labels", "banner", "pinnedPost", "joinedViaStarterPack", "pronouns", "website"]
            {
                strange[name] = odd.clone();
            }
            for name in ["$type", "mimeType", "size"] {
                strange["avatar"][name] = odd.clone();
            }
            let answer = json!({ "uri": odd, "cid": odd, "value": strange });
            let did = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap();
            let pds = Url::parse("https://pds.example.com").unwrap();
            let profile = from_record(&did, None, &pds, answer.to_string().as_bytes());
            assert_eq!(profile.state, ProfileState::Current, "{odd}");
            assert!(profile.display_name.is_some() && profile.avatar.is_some(), "{odd}");
        }
    }

    #[test]
    fn nonsense_decorates_nothing() {
        for value in [json!(null), json!([]), json!({ "$type": "app.bsky.feed.post", "displayName": "x" })] {
            let profile = read("https://pds.example.com", &value);
            assert_eq!((profile.state, profile.display_name), (ProfileState::Unavailable, None), "{value}");
        }
        let odd = json!({ "$type": "app.bsky.actor.profile", "displayName": 7, "avatar": "x" });
        assert_eq!(read("https://pds.example.com", &odd).state, ProfileState::Current);
    }
}
