//! Text that strangers have us show: one pass makes it fit, and a second changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use namesake::{AvatarUrl, Bio, DisplayName, clean_line, escape_for_terminal};

fuzz_target!(|text: &str| {
    if let Some(name) = DisplayName::clean(text) {
        check(name.as_str(), DisplayName::MAX_GRAPHEMES);
        assert!(!name.as_str().contains('\n'));
        assert_eq!(DisplayName::clean(name.as_str()), Some(name));
    }
    if let Some(bio) = Bio::clean(text) {
        check(bio.as_str(), Bio::MAX_GRAPHEMES);
        assert_eq!(Bio::clean(bio.as_str()), Some(bio));
    }
    let line = clean_line(text, 40);
    check(&line, 40);
    assert_eq!(clean_line(&line, 40), line);

    let escaped = escape_for_terminal(text);
    assert!(!escaped.contains(|c: char| c.is_control() || is_bidi(c)));
    assert_eq!(escape_for_terminal(&escaped), escaped);

    if let Some(picture) = AvatarUrl::clean(text) {
        assert!(picture.as_str().starts_with("https://") && picture.as_str().len() <= AvatarUrl::MAX_BYTES);
        assert!(picture.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        assert_eq!(AvatarUrl::clean(picture.as_str()), Some(picture));
    }
});

fn check(shown: &str, graphemes: usize) {
    assert!(shown.len() <= graphemes * 32);
    assert_eq!(shown, shown.trim());
    assert!(!shown.contains(|c: char| (c.is_control() && c != '\n') || is_bidi(c)), "{shown:?}");
    assert!(!shown.contains("  "));
}

/// The marks that turn the text around them (UAX #9, `Bidi_Control`).
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
