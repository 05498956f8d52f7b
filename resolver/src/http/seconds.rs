//! Numbers of seconds as headers and bodies have them. They are in every answer and differ from one second to the next; the
//! small ones, which are nearly all, are written once.

use std::{borrow::Cow, sync::LazyLock};

use http::HeaderValue;

/// From here on, a number is written when it is needed.
const READY: u64 = 1024;

struct Ready {
    text: &'static str,
    number: HeaderValue,
    max_age: HeaderValue,
}

/// Static text, so that a copy of a header's value shares no counter with those of other threads.
static ALL_READY: LazyLock<Vec<Ready>> = LazyLock::new(|| {
    let ready = |number: u64| {
        let max_age: &'static str = format!("max-age={number}").leak();
        let text = max_age.trim_start_matches("max-age=");
        Ready { text, number: HeaderValue::from_static(text), max_age: HeaderValue::from_static(max_age) }
    };
    (0..READY).map(ready).collect()
});

fn ready(number: u64) -> Option<&'static Ready> {
    ALL_READY.get(usize::try_from(number).ok()?)
}

/// A number, as text.
pub(super) fn text(number: u64) -> Cow<'static, str> {
    ready(number).map_or_else(|| number.to_string().into(), |ready| ready.text.into())
}

/// A number, as a header's value.
pub(super) fn number(number: u64) -> HeaderValue {
    ready(number).map_or_else(|| number.into(), |ready| ready.number.clone())
}

/// `max-age=` a number.
pub(super) fn max_age(number: u64) -> HeaderValue {
    let written = || HeaderValue::try_from(format!("max-age={number}"));
    ready(number).map_or_else(
        || written().unwrap_or(HeaderValue::from_static("no-cache")),
        |ready| ready.max_age.clone(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_as_itself() {
        for seconds in (0..2 * READY).chain([86_400, u64::MAX]) {
            let digits = seconds.to_string();
            assert_eq!(text(seconds), digits);
            assert_eq!(number(seconds), digits.as_str());
            assert_eq!(max_age(seconds), format!("max-age={digits}").as_str());
        }
    }
}
