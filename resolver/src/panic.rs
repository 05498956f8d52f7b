//! What a panic said.

use std::any::Any;

/// More than this is no longer about the panic, but about what it was about.
const LONGEST: usize = 200;

/// The first line of its text, if it has one.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let line = text.unwrap_or("a panic without a text").lines().next().unwrap_or_default();
    &line[..line.floor_char_boundary(LONGEST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_in_one_line_that_ends() {
        assert_eq!(message(&"a bug\nleft: 1"), "a bug");
        assert_eq!(message(&format!("a bug of {}", 7)), "a bug of 7");
        assert_eq!(message(&7), "a panic without a text");
        assert_eq!(message(&"ü".repeat(101)), "ü".repeat(100));
    }
}
