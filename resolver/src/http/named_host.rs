//! Whether a request says once, and in a form that can be read, for which host it is (RFC 9112 section 3.2): two readers of
//! the same bytes may otherwise take it for two hosts'.

use http::{HeaderMap, HeaderValue, Method, Uri, Version, header};

/// Whether it is clear to which host a request is. Clients older than HTTP/1.1 may leave `Host` out. Whoever names the host
/// in the request's target, too, sends one nevertheless.
pub(super) fn is_clear(method: &Method, uri: &Uri, version: Version, headers: &HeaderMap) -> bool {
    // A target that is a host and nothing else is for tunnels (RFC 9112 section 3.2.3).
    if uri.authority().is_some() && uri.scheme().is_none() && method != Method::CONNECT {
        return false;
    }
    let mut hosts = headers.get_all(header::HOST).into_iter();
    match hosts.next() {
        Some(host) => hosts.next().is_none() && is_host(host),
        None => version < Version::HTTP_11,
    }
}

/// `uri-host [ ":" port ]`; empty where the target has no authority (RFC 9110 section 7.2).
fn is_host(value: &HeaderValue) -> bool {
    let text = value.as_bytes();
    let ends = |part: &u8| matches!(part, b':' | b'[' | b']');
    let port = match text.strip_prefix(b"[") {
        Some(literal) => {
            let Some(end) = literal.iter().position(|byte| *byte == b']') else { return false };
            let (address, port) = literal.split_at(end);
            if !address.iter().all(|byte| byte.is_ascii_alphanumeric() || b":.".contains(byte)) {
                return false;
            }
            port.get(1..).unwrap_or_default()
        }
        None => {
            let (name, port) = text.split_at(text.iter().position(ends).unwrap_or(text.len()));
            if !name.iter().all(|byte| NAME[usize::from(*byte)]) {
                return false;
            }
            port
        }
    };
    port.is_empty() || port.strip_prefix(b":").is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

/// What a host's name is made of (RFC 3986 section 3.2.2): a table, since every request is held against it.
const NAME: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], b'!');
    while byte <= b'~' {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'!' | b'$' | b'%' | b'&'..=b'.' | b';' | b'=' | b'_' | b'~');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn clear(version: Version, hosts: &[&str]) -> bool {
        let request = hosts.iter().fold(Request::get("/"), |request, host| request.header("host", *host));
        let request = request.body(()).unwrap();
        is_clear(request.method(), request.uri(), version, request.headers())
    }

    #[test]
    fn a_target_that_is_a_host_alone_is_for_tunnels() {
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("x"))]);
        for (method, target, expected) in [
            (Method::GET, "a.example", false),
            (Method::POST, "a.example:80", false),
            (Method::CONNECT, "a.example:443", true),
            (Method::GET, "http://a.example/", true),
            (Method::OPTIONS, "*", true),
        ] {
            let is_clear = is_clear(&method, &target.parse().unwrap(), Version::HTTP_11, &headers);
            assert_eq!(is_clear, expected, "{method} {target}");
        }
    }

    #[test]
    fn a_request_names_its_host_once() {
        for (version, hosts, is_clear) in [
            (Version::HTTP_11, &["a.example"][..], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["a.example", "b.example"], false),
            (Version::HTTP_11, &["a.example", "a.example"], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_10, &["a.example"], true),
            (Version::HTTP_10, &["a.example", "b.example"], false),
        ] {
            assert_eq!(clear(version, hosts), is_clear, "{version:?} {hosts:?}");
        }
    }

    #[test]
    fn in_a_form_that_can_be_read() {
        for host in [
            "a.example",
            "A_b.example.",
            "a.example:80",
            "a.example:",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:80",
            "%41",
            "",
            ":80",
            "a,b",
        ] {
            assert!(clear(Version::HTTP_11, &[host]), "{host}");
        }
        for host in [
            "a b",
            "a.example, b.example",
            "user@a.example",
            "a.example/x",
            "a?x",
            "a#x",
            "http://a.example",
            "a.example:x",
            "a:1:2",
            "::1",
            "[::1",
            "::1]",
            "[::1]x",
            "[::1]:x",
            "[a/b]",
            "a\\b",
            "a\"b",
            "m\u{fc}ller.example",
        ] {
            assert!(!clear(Version::HTTP_11, &[host]), "{host}");
        }
    }
}
