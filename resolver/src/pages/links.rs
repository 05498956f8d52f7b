//! Addresses on this service, and which addresses from outside may become links.

use std::fmt::Write as _;

use url::Url;

/// The path of a handle's profile, optionally under one scheme: `/@alice?scheme=threads`.
#[must_use]
pub fn handle_path(handle: &str, scheme: Option<&str>) -> String {
    let mut path = format!("/@{}", encode(handle));
    if let Some(scheme) = scheme {
        let _ = write!(path, "?scheme={}", encode(scheme));
    }
    path
}

/// The path of a mirror's page: what linking means, and one's own profile.
#[must_use]
pub fn mirror_path(name: &str) -> String {
    format!("/mirror/{}", encode(name))
}

/// The path that explains a handle's answer, optionally under one scheme.
#[must_use]
pub fn explain_path(handle: &str, scheme: Option<&str>) -> String {
    let mut path = format!("/v1/explain?handle={}", encode(handle));
    if let Some(scheme) = scheme {
        let _ = write!(path, "&scheme={}", encode(scheme));
    }
    path
}

/// An address that may be a link: `http` or `https`, without credentials; nothing that runs when it is followed.
pub(super) fn safe(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let plain =
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    plain.then(|| url.into())
}

/// The host of an address.
pub(super) fn host_of(address: &str) -> Option<String> {
    Url::parse(address).ok()?.host_str().map(str::to_owned)
}

/// Percent-encodes all but the unreserved characters (RFC 3986 section 2.3): right in a path and in a query.
fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::{explain_path, handle_path, safe};

    #[test]
    fn a_handle_cannot_leave_its_place_in_a_path() {
        assert_eq!(handle_path("a/../b?c#d", None), "/@a%2F..%2Fb%3Fc%23d");
        assert_eq!(
            handle_path("bob@example.com", Some("third party")),
            "/@bob%40example.com?scheme=third%20party"
        );
        assert_eq!(explain_path("ü&x=1", Some("m")), "/v1/explain?handle=%C3%BC%26x%3D1&scheme=m");
    }

    #[test]
    fn only_addresses_that_do_nothing_but_open_are_links() {
        assert!(safe("https://example.com/@a").is_some());
        for address in ["javascript:alert(1)", "data:text/html,x", "https://u:p@example.com/", "//x", ""] {
            assert_eq!(safe(address), None, "{address}");
        }
    }
}
