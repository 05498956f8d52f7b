//! What a failed exchange means to whoever asked, and what they may read about it.
//!
//! A host that a stranger named is named back. Where a host is that the operator configured is for the log alone.

use namesake::{
    ErrorKind, ResolveError,
    http::{HttpError, HttpFailure},
};

/// A host that a stranger named did not answer.
pub(crate) fn at_stranger(error: HttpError) -> ResolveError {
    let HttpError { failure, message, cause } = error;
    if let HttpFailure::Busy(refused) = failure {
        return refused.into();
    }
    match cause {
        Some(cause) => ResolveError::caused(kind(failure), message, cause),
        None => ResolveError::new(kind(failure), message),
    }
}

/// A host of the operator's did not answer; strangers know it as `who`.
pub(crate) fn at_ours(who: &str, error: HttpError) -> ResolveError {
    if let HttpFailure::Busy(refused) = error.failure {
        return refused.into();
    }
    let message = format!("{who} {}", error.failure.as_words());
    ResolveError::caused(kind(error.failure), message, error)
}

fn kind(failure: HttpFailure) -> ErrorKind {
    match failure {
        HttpFailure::Timeout => ErrorKind::Timeout,
        HttpFailure::Busy(refused) => refused.whose.kind(),
        // A certificate that is not accepted may be an attack or a lapse, so it counts as temporary.
        HttpFailure::AddressUnknown | HttpFailure::Connect | HttpFailure::Tls | HttpFailure::NoAddress => {
            ErrorKind::Unavailable
        }
        // Where a host leads us is its owner's to mend.
        HttpFailure::Refused | HttpFailure::Redirect | HttpFailure::TooLarge | HttpFailure::Protocol => {
            ErrorKind::BadAnswer
        }
    }
}

#[cfg(test)]
mod tests {
    use namesake::http::{HttpError, HttpFailure};

    use super::{at_ours, at_stranger};

    const CAUSE: &str = "127.0.0.1:15380: Connection refused (os error 111)";

    #[test]
    fn where_we_are_configured_to_ask_is_for_the_log() {
        let error = HttpError::new(HttpFailure::Connect, "localhost takes no connection").because(CAUSE);
        let error = at_ours("the directory", error);
        assert_eq!(error.message(), "the directory takes no connection");
        assert_eq!(error.causes().unwrap(), format!("localhost takes no connection: {CAUSE}"));
    }

    #[test]
    fn a_stranger_hears_of_their_own_host_and_no_address() {
        let error = HttpError::new(HttpFailure::Connect, "a.example takes no connection").because(CAUSE);
        let error = at_stranger(error);
        assert_eq!(error.message(), "a.example takes no connection");
        assert_eq!(error.causes().unwrap(), CAUSE);
        let late = at_stranger(HttpError::new(HttpFailure::Timeout, "a.example is too slow"));
        assert_eq!((late.message(), late.causes()), ("a.example is too slow", None));
    }
}
