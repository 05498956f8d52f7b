//! International names: what an `xn--` label is written for, and what it could be taken for. Pure.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_security::confusable_detection::skeleton;

/// Whether a label is the ASCII form of another text, or looks like one.
pub(super) fn is_international(label: &str) -> bool {
    label.starts_with("xn--")
}

/// What an `xn--` label is written for: text that UTS 46 allows, and that is written so and in no other way.
pub(super) fn decode(label: &str) -> Option<String> {
    let uts46 = Uts46::new();
    let (text, valid) = uts46.to_unicode(label.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    valid.ok()?;
    let again = uts46.to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify);
    (again.ok()? == label && !text.is_ascii()).then(|| text.into_owned())
}

/// Whether a text could be taken for a name in ASCII, whoever has that (UTS 39, section 4).
pub(super) fn passes_for_ascii(text: &str) -> bool {
    skeleton(text).all(|c| c.is_ascii())
}

/// Whether a text could be taken for `label`, which may be an `xn--` label itself (UTS 39, section 4).
pub(super) fn passes_for(text: &str, label: &str) -> bool {
    let decoded = decode(label);
    skeleton(text).eq(skeleton(decoded.as_deref().unwrap_or(label)))
}

#[cfg(test)]
mod tests {
    use super::{decode, is_international, passes_for, passes_for_ascii};

    fn encoded(text: &str) -> String {
        idna::domain_to_ascii(text).unwrap()
    }

    #[test]
    fn what_is_written_for_a_text_in_one_way_is_decoded() {
        for text in ["bücher", "почта", "例え", "straße", "💩", "ひ"] {
            let label = encoded(text);
            assert!(is_international(&label), "{label}");
            assert_eq!(decode(&label).as_deref(), Some(text));
        }
        for (label, why) in [
            ("xn--", "nothing"),
            ("xn--a", "no punycode"),
            ("xn--zzzzzz", "no punycode"),
            ("xn--alice-", "an ASCII name"),
            ("xn--bcher-KVA", "capital letters"),
            (&format!("xn--{}", "a".repeat(59)), "a character beyond the last"),
        ] {
            assert_eq!(decode(label), None, "{label}: {why}");
        }
        for (text, why) in [
            ("bu\u{308}cher", "not composed"),
            ("B\u{fc}cher", "capital letters"),
            ("ad\u{200d}min", "a joiner where nothing joins"),
            ("ad\u{202e}min", "a mark that reverses text"),
            ("\u{5d0}admin", "two directions"),
            ("\u{301}a", "a mark on nothing"),
        ] {
            let label = format!("xn--{}", idna::punycode::encode_str(text).unwrap());
            assert_eq!(decode(&label), None, "{label}: {why}");
        }
    }

    #[test]
    fn what_could_be_taken_for_ascii() {
        for text in ["аррӏе", "аdmin", "ѕсоре", "αdmin"] {
            assert!(passes_for_ascii(text), "{text}");
        }
        for text in ["bücher", "почта", "例え", "straße"] {
            assert!(!passes_for_ascii(text), "{text}");
        }
        assert!(passes_for("аdmin", "admin") && !passes_for("bücher", "bucher"));
        assert!(passes_for("büсher", &encoded("bücher")), "a reserved name may be international itself");
    }

    /// Otherwise a name in ASCII could be passed for by a text whose skeleton is not ASCII.
    #[test]
    fn names_in_ascii_have_skeletons_in_ascii() {
        for byte in (b'a'..=b'z').chain(b'0'..=b'9').chain([b'-']) {
            assert!(passes_for_ascii(&char::from(byte).to_string()), "{}", char::from(byte));
        }
    }
}
