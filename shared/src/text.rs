//! Text from outside, made fit to be shown: cleaned on entry, and escaped for the place it is shown in.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation as _;
use url::Url;

/// Whether a character is a control, changes the direction of the text around it, or cannot be seen.
///
/// Controls and the Unicode `Bidi_Control` set (UAX #9), plus zero-width and interlinear marks, which make two
/// names look like one, plus the tag block. U+200D and U+200C (joiners) count too: handles have no use for them,
/// and display text keeps them through [`clean`].
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The most bytes that are kept for each grapheme, on the average: one can carry any number of marks.
const BYTES_PER_GRAPHEME: usize = 32;

/// Text without hidden characters, white space collapsed, cut to `graphemes` and to [`BYTES_PER_GRAPHEME`] for each.
fn clean(text: &str, graphemes: usize, keep_lines: bool) -> String {
    let cut: String = tidy(text, keep_lines)
        .graphemes(true)
        .take(graphemes)
        .scan(0, |bytes, grapheme| {
            *bytes += grapheme.len();
            (*bytes <= graphemes * BYTES_PER_GRAPHEME).then_some(grapheme)
        })
        .collect();
    cut.trim_end().to_owned()
}

/// The same, in its whole length. Joiners stay, emoji need them.
fn tidy(text: &str, keep_lines: bool) -> String {
    let spaced = text.chars().filter_map(|c| match c {
        '\n' if keep_lines => Some('\n'),
        _ if c.is_whitespace() => Some(' '),
        '\u{200c}' | '\u{200d}' => Some(c),
        _ if is_hidden(c) => None,
        _ => Some(c),
    });
    let mut cleaned = String::new();
    for c in spaced {
        let after_space = cleaned.chars().next_back().is_none_or(char::is_whitespace);
        if c == '\n' && cleaned.ends_with(' ') {
            cleaned.pop();
        }
        if c != ' ' || !after_space {
            cleaned.push(c);
        }
    }
    cleaned.trim().to_owned()
}

/// A text whose author would lose the end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub struct TextTooLong {
    /// How many characters (graphemes, UAX #29) it has.
    pub length: usize,
    /// How many are kept.
    pub most: usize,
}

impl TextTooLong {
    fn words(self) -> String {
        let Self { length, most } = self;
        match length > most {
            true => format!("it has {length} characters, and {most} are the most"),
            false => "its characters carry more marks than can be kept".to_owned(),
        }
    }
}

/// One line of text from outside, without hidden characters, at most `graphemes` long: for messages and traces.
#[must_use]
pub fn clean_line(text: &str, graphemes: usize) -> String {
    clean(text, graphemes, false)
}

/// Text made safe for a terminal: whatever could move the cursor, hide or reorder what stands beside it is shown
/// as an escape (`\u{1b}`). Joiners stay where they can join something, which nothing in ASCII is: emoji need them.
#[must_use]
pub fn escape_for_terminal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let beside = [before, characters.peek().copied()];
        let joins = matches!(c, '\u{200c}' | '\u{200d}')
            && beside.into_iter().all(|c| c.is_some_and(|c| !c.is_ascii() && !is_hidden(c)));
        if is_hidden(c) && !joins {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
        before = Some(c);
    }
    shown
}

/// JSON made safe for a terminal: the same value, in which whatever could move the cursor, hide or reorder what stands
/// beside it is written as an escape (`\u202e`). A JSON writer escapes the controls of ASCII itself, and nothing else.
#[must_use]
pub fn escape_json_for_terminal(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for c in json.chars() {
        // Whatever is not ASCII is within a string, and so is a delete.
        if c >= '\u{7f}' && is_hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

macro_rules! display_text {
    ($(#[$doc:meta])* $name:ident, $graphemes:expr, $keep_lines:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// The most graphemes (UAX #29) that are kept.
            pub const MAX_GRAPHEMES: usize = $graphemes;

            /// The most bytes that are kept.
            pub const MAX_BYTES: usize = $graphemes * BYTES_PER_GRAPHEME;

            /// How many graphemes a text has, once it is cleaned.
            #[must_use]
            pub fn length(text: &str) -> usize {
                tidy(text, $keep_lines).graphemes(true).count()
            }

            /// Cleans text whose author is there to shorten it; `None` when nothing to show is left.
            ///
            /// # Errors
            /// [`TextTooLong`] where [`Self::clean`] would cut.
            pub fn whole(text: &str) -> Result<Option<Self>, TextTooLong> {
                let length = Self::length(text);
                if length > $graphemes || tidy(text, $keep_lines).len() > Self::MAX_BYTES {
                    return Err(TextTooLong { length, most: $graphemes });
                }
                Ok(Self::clean(text))
            }

            /// Cleans text from outside; `None` when nothing to show is left.
            #[must_use]
            pub fn clean(text: &str) -> Option<Self> {
                let cleaned = clean(text, $graphemes, $keep_lines);
                (!cleaned.is_empty()).then(|| Self(cleaned.into()))
            }

            /// The cleaned text; still to be escaped for the place it is shown in.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

display_text! {
    /// The name somebody likes to be shown under: one line of at most 64 graphemes.
    DisplayName, 64, false
}

display_text! {
    /// A few words about oneself: at most 256 graphemes; line breaks stay.
    Bio, 256, true
}

/// Where a picture is: `https`, at most 2048 bytes, without credentials. Never fetched by us.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AvatarUrl(Box<str>);

impl AvatarUrl {
    /// The longest URL that is kept, in bytes.
    pub const MAX_BYTES: usize = 2048;

    /// Keeps an address that is safe to put into a page; `None` for any other.
    #[must_use]
    pub fn clean(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
        (plain && url.as_str().len() <= Self::MAX_BYTES).then(|| Self(url.as_str().into()))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AvatarUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{AvatarUrl, Bio, DisplayName, TextTooLong, escape_for_terminal, escape_json_for_terminal};

    #[test]
    fn names_lose_controls_and_bidi_overrides_and_keep_emoji() {
        let name = DisplayName::clean(" Alice\u{202e}\u{1b}[31m \t Example\n👩\u{200d}💻 ").unwrap();
        assert_eq!(name.as_str(), "Alice[31m Example 👩\u{200d}💻");
        assert_eq!(DisplayName::clean("\u{200b}\u{0}"), None);
    }

    #[test]
    fn lengths_are_in_graphemes_and_bounded_in_bytes() {
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(DisplayName::clean(&family.repeat(70)).unwrap().as_str(), family.repeat(64));
        let zalgo = format!("a{}", "\u{301}".repeat(100_000));
        assert_eq!(DisplayName::clean(&zalgo), None);
    }

    #[test]
    fn a_bio_keeps_its_lines() {
        assert_eq!(Bio::clean("one \r\ntwo\u{2028}three").unwrap().as_str(), "one\ntwo three");
    }

    #[test]
    fn pictures_are_https_only() {
        assert!(AvatarUrl::clean("https://cdn.example/a.jpg").is_some());
        for text in
            ["http://cdn.example/a", "javascript:alert(1)", "data:image/png,x", "https://u:p@x.example/", "x"]
        {
            assert_eq!(AvatarUrl::clean(text), None, "{text}");
        }
        assert_eq!(AvatarUrl::clean(&format!("https://x.example/{}", "a".repeat(2048))), None);
    }

    #[test]
    fn a_terminal_is_never_driven_by_a_name() {
        assert_eq!(escape_for_terminal("a\u{1b}[2Jb\u{202e}"), "a\\u{1b}[2Jb\\u{202e}");
        for hidden in
            ["\u{0}", "\u{7f}", "\u{9b}", "\u{200b}", "\u{2066}", "\u{2069}", "\u{feff}", "\u{e0041}"]
        {
            let shown = escape_for_terminal(&format!("a{hidden}b"));
            assert!(shown.is_ascii() && !shown.contains(hidden), "{shown:?}");
        }
        assert_eq!(escape_for_terminal("👩\u{200d}💻"), "👩\u{200d}💻");
        assert_eq!(escape_for_terminal("ali\u{200d}ce\u{200c}"), "ali\\u{200d}ce\\u{200c}");
    }

    #[test]
    fn json_for_a_terminal_is_the_same_value() {
        let text =
            "\u{0}\u{1b}[2J\u{7f}\u{9b}31m\u{200b}\u{202e}\u{2066}\u{feff}\u{e0041}\n\"\\ å 👩\u{200d}💻";
        let value = serde_json::json!({ text: [text, 1, null] });
        for json in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let shown = escape_json_for_terminal(&json);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
            assert!(!shown.chars().any(|c| c != '\n' && super::is_hidden(c)), "{shown:?}");
            assert!(shown.contains("\\udb40\\udc41") && shown.contains("\\u009b31m") && shown.contains('å'));
        }
    }

    #[test]
    fn what_would_be_cut_is_refused_where_its_author_can_shorten_it() {
        let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
        assert_eq!(DisplayName::whole(&family.repeat(64)).unwrap(), DisplayName::clean(&family.repeat(64)));
        assert_eq!(DisplayName::whole(" \u{202e} ").unwrap(), None);
        // White space and what is hidden do not count.
        let spaced = format!("  {} \u{200b}", "a  ".repeat(32));
        assert_eq!((DisplayName::length(&spaced), DisplayName::whole(&spaced).is_ok()), (63, true));
        let long = DisplayName::whole(&"a".repeat(65)).unwrap_err();
        assert_eq!(long, TextTooLong { length: 65, most: 64 });
        assert_eq!(long.to_string(), "it has 65 characters, and 64 are the most");
        let marks = Bio::whole(&format!("e{}", "\u{301}".repeat(5000))).unwrap_err();
        assert_eq!((marks.length, marks.to_string().contains("marks")), (1, true));
        assert_eq!(Bio::length("one\r\ntwo"), 7);
    }
}
