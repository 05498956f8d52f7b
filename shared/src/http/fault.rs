//! What a failed connection means: kinds and words from the errors of libraries.

use std::{error::Error, io, iter::successors};

use rustls::{CertificateError, Error as TlsError};

use super::{HttpError, HttpFailure};

/// Finds what failed among an error and its causes: our connector's own error, TLS, or the protocol.
pub(super) fn classify(error: &(dyn Error + 'static), host: &str) -> HttpError {
    for cause in successors(Some(error), |error| inner(*error)) {
        if let Some(ours) = cause.downcast_ref::<HttpError>() {
            return ours.clone();
        }
        if let Some(tls) = cause.downcast_ref::<TlsError>() {
            return HttpError::new(HttpFailure::Tls, format!("{host} {}", words(tls))).because(tls);
        }
        if let Some(hyper) = cause.downcast_ref::<hyper::Error>()
            && hyper.is_parse()
        {
            return HttpError::new(HttpFailure::Protocol, format!("{host} does not answer in HTTP"))
                .because(chain(hyper));
        }
    }
    HttpError::new(HttpFailure::Connect, format!("the connection to {host} broke")).because(chain(error))
}

/// An error and its causes, in one line.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let all: Vec<_> = successors(Some(error), |error| inner(*error)).map(ToString::to_string).collect();
    all.join(": ")
}

/// The cause of an error. `io::Error::source` skips the error it wraps, which is where rustls hides.
fn inner<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map(|error| error as &(dyn Error + 'static)).or_else(|| error.source())
}

/// What is wrong between us and a host, as far as its owner can do something about it.
fn words(error: &TlsError) -> &'static str {
    use CertificateError as Fault;
    let TlsError::InvalidCertificate(fault) = error else { return "could not agree on a secure connection" };
    match fault {
        Fault::Expired | Fault::ExpiredContext { .. } => "has a certificate that has expired",
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => "has a certificate that is not valid yet",
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => "has a certificate for another name",
        Fault::UnknownIssuer => "has a certificate of an authority that is not trusted",
        _ => "has no acceptable certificate",
    }
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Arc};

    use rustls::{CertificateError, Error as TlsError, OtherError};

    use super::{chain, classify};
    use crate::http::HttpFailure;

    #[test]
    fn what_a_library_says_is_a_cause_and_not_a_word() {
        let odd = CertificateError::Other(OtherError(Arc::new(io::Error::other("CaUsedAsEndEntity"))));
        for (tls, words) in [
            (TlsError::InvalidCertificate(odd), "a.test has no acceptable certificate"),
            (
                TlsError::InvalidCertificate(CertificateError::Expired),
                "a.test has a certificate that has expired",
            ),
            (TlsError::DecryptError, "a.test could not agree on a secure connection"),
        ] {
            let error = classify(&io::Error::other(tls.clone()), "a.test");
            assert_eq!((error.failure, error.message.as_str()), (HttpFailure::Tls, words));
            assert_eq!(error.in_full(), format!("{words}: {tls}"));
        }
    }

    #[test]
    fn causes_are_told_in_their_order() {
        let error = io::Error::other(TlsError::DecryptError);
        assert_eq!(chain(&error), format!("{error}: {}", TlsError::DecryptError));
    }
}
