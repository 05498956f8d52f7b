//! Panics of sled as errors: what it finds in damaged files, it often panics about.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static CAUGHT_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, on this thread. A panic in it is an error that says what it said; it is printed by nobody.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let printing = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !CAUGHT_HERE.get() {
                printing(panic);
            }
        }));
    });
    let outer = CAUGHT_HERE.replace(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    CAUGHT_HERE.set(outer);
    outcome.map_err(|panic| said(&*panic))
}

/// What a panic said: one line, without what was in a buffer.
fn said(panic: &(dyn Any + Send)) -> String {
    const LONGEST: usize = 200;
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
    text.lines().next().unwrap_or_default().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::caught;

    #[test]
    fn a_panic_is_an_error_that_says_what_it_said() {
        assert_eq!(caught(|| 7), Ok(7));
        assert_eq!(caught(|| panic!("this\nand that")), Err::<(), _>("this".to_owned()));
        assert_eq!(caught(|| caught(|| panic!("{}", 1))), Ok(Err::<(), _>("1".to_owned())));
    }
}
