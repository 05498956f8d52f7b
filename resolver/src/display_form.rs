//! The Unicode form of an internationalised handle, where it is safe to show.
//!
//! A handle is stored, answered and compared in ASCII (`xn--…`). Its Unicode form is for people's eyes only, and people
//! can be fooled: it is offered only if each label is written in one script (UTS 39 section 5.1), of characters meant for
//! identifiers (section 3), and could not be taken for an ASCII name (section 4: its skeleton is not all ASCII).

use unicode_security::{GeneralSecurityProfile as _, MixedScript as _, confusable_detection::skeleton};

/// How `handle` may be shown; `None` when only as it is.
pub(crate) fn display_form(handle: &str) -> Option<String> {
    if !handle.split('.').any(|label| label.starts_with("xn--")) {
        return None;
    }
    let (shown, valid) = idna::domain_to_unicode(handle);
    valid.ok()?;
    shown.split('.').all(is_safe).then_some(shown)
}

fn is_safe(label: &str) -> bool {
    // An ASCII label that still begins with `xn--` could not be decoded.
    if label.is_ascii() {
        return !label.starts_with("xn--");
    }
    let for_identifiers = label.chars().all(|c| c == '-' || c.identifier_allowed());
    for_identifiers && label.is_single_script() && !skeleton(label).all(|c| c.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::display_form;

    fn of(unicode: &str) -> Option<String> {
        display_form(&idna::domain_to_ascii(unicode).unwrap())
    }

    #[test]
    fn plain_names_have_no_other_form() {
        assert_eq!(display_form("alice.example.com"), None);
    }

    #[test]
    fn one_script_is_shown() {
        for name in ["bücher.example.com", "例え.example.com", "почта.example.com", "straße-süd.example.com"]
        {
            assert_eq!(of(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_could_be_taken_for_another_name_is_not() {
        for (name, why) in [
            ("аррӏе.com", "Cyrillic that reads apple"),
            ("gооgle.com", "Latin and Cyrillic mixed"),
            ("ѕсоре.example", "Cyrillic that reads scope"),
            ("αlpha.example", "Greek and Latin mixed"),
        ] {
            assert_eq!(of(name), None, "{why}");
        }
        assert_eq!(display_form("xn--a.example"), None, "not decodable");
    }
}
