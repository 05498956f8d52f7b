//! A certificate authority of one test, and what servers need of it.

use std::{path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: tempfile::NamedTempFile,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut authority = CertificateParams::new(vec![]).expect("parameters");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("issuer");
        let pem = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(pem.path(), issuer.pem()).expect("written");
        Self { issuer, pem }
    }

    /// The file for `extra_root_ca`.
    pub(crate) fn path(&self) -> &Path {
        self.pem.path()
    }

    /// A server with a certificate for these names that speaks these protocols (ALPN).
    pub(crate) fn acceptor(&self, names: &[&str], protocols: &[&str]) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let leaf =
            CertificateParams::new(names).expect("parameters").signed_by(&key, &self.issuer).expect("leaf");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("a certificate");
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}
