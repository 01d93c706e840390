//! TLS to a database, as Open vSwitch does it: the server is known by the CA that has signed its
//! certificate, not by its name.
//!
//! `ovs-pki` writes no host names or addresses into certificates, and `ovs-vsctl` looks for none: a
//! CA signs nothing but databases. Everything else of the server's certificate is verified.

use std::fmt;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::verify_server_cert_signed_by_trust_anchor;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};

use crate::topology::TlsFiles;

/// How long a file may be; room for some hundred certificates.
const LONGEST: u64 = 1 << 20;

/// One of the files, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// The CA certificates.
    Ca,
    /// The certificate that is shown to the server.
    Certificate,
    /// The key of that certificate.
    PrivateKey,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// Which one.
    pub(crate) which: Which,
    /// What is wrong with it, and what would be right.
    pub(crate) reason: String,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// Reads the files: what a client needs to connect.
///
/// # Errors
///
/// Everything that is wrong with them.
pub(crate) fn client(files: &TlsFiles) -> Result<Arc<ClientConfig>, Vec<Unfit>> {
    let mut unfit = Vec::new();
    let mut note = |which, reason| unfit.push(Unfit { which, reason });
    let roots = roots(&files.ca).map_err(|reason| note(Which::Ca, reason));
    let identity = files.identity.as_ref().map(|identity| {
        let chain = certificates(&identity.certificate);
        let chain = chain.map_err(|reason| note(Which::Certificate, reason));
        let key = private_key(&identity.private_key);
        let key = key.map_err(|reason| note(Which::PrivateKey, reason));
        Ok::<_, ()>((identity, chain?, key?))
    });
    let (Ok(roots), Ok(identity)) = (roots, identity.transpose()) else {
        return Err(unfit);
    };
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(SignedByCa::new(roots, &provider));
    let unusable = |which, reason| vec![Unfit { which, reason }];
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(Which::Ca, error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some((identity, chain, key)) = identity else {
        return Ok(Arc::new(builder.with_no_client_auth()));
    };
    let client = builder.with_client_auth_cert(chain, key);
    let client = client.map_err(|error| match error {
        Error::InconsistentKeys(_) => unusable(
            Which::PrivateKey,
            format!(
                "the key in {} is not that of the certificate in {}; the two are made together",
                identity.private_key.display(),
                identity.certificate.display()
            ),
        ),
        Error::InvalidCertificate(_) => unusable(
            Which::Certificate,
            format!(
                "{} has no good certificate: {error}",
                identity.certificate.display()
            ),
        ),
        error => unusable(
            Which::PrivateKey,
            format!(
                "{} has no key that can be used: {error}; RSA of 2048 bits or more, ECDSA on P-256 \
                 or P-384, and Ed25519 can",
                identity.private_key.display()
            ),
        ),
    })?;
    Ok(Arc::new(client))
}

/// Tells what is in the files from what was in them at another time.
pub(crate) fn fingerprint(files: &TlsFiles) -> u64 {
    let mut hasher = DefaultHasher::new();
    let identity = files.identity.iter();
    let identity = identity.flat_map(|identity| [&identity.certificate, &identity.private_key]);
    for path in std::iter::once(&files.ca).chain(identity) {
        read(path).ok().hash(&mut hasher);
    }
    hasher.finish()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let bytes = || -> io::Result<Vec<u8>> {
        // To open a pipe is to wait for whoever writes into it.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut bytes = Vec::new();
        File::open(path)?
            .take(LONGEST + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST {
            return Err(io::Error::other("it is longer than 1 MiB"));
        }
        Ok(bytes)
    };
    bytes().map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// The certificates of a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = read(path)?;
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
    let file = path.display();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(format!(
            "{file} has no certificate; one in PEM begins with -----BEGIN CERTIFICATE-----"
        )),
        Err(error) => Err(format!("{file} is no good PEM: {error}")),
    }
}

fn roots(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| {
            format!(
                "{} has no good certificate of a CA: {error}",
                path.display()
            )
        })?;
    }
    Ok(roots)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    let file = path.display();
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| match error {
        pem::Error::NoItemsFound => format!(
            "{file} has no private key; one in PEM begins with -----BEGIN PRIVATE KEY-----, and one \
             with a passphrase can not be used"
        ),
        error => format!("{file} is no good PEM: {error}"),
    })
}

/// Takes servers whose certificate is signed by a CA.
#[derive(Debug)]
struct SignedByCa {
    roots: RootCertStore,
    algorithms: WebPkiSupportedAlgorithms,
}

impl SignedByCa {
    fn new(roots: RootCertStore, provider: &CryptoProvider) -> Self {
        Self {
            roots,
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for SignedByCa {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Why a connection has failed, in the words of the configuration. The same failure has the same
/// words each time, so no clock is in them.
pub(super) fn explain(error: &Error, files: &TlsFiles) -> Option<String> {
    let ca = files.ca.display();
    let certificate = files.identity.as_ref();
    let certificate = certificate.map(|identity| identity.certificate.display());
    let explained = match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            format!("the server's certificate is not signed by a CA in {ca}")
        }
        Error::InvalidCertificate(CertificateError::BadSignature) => {
            format!("the server's certificate has not the signature of the CA in {ca}")
        }
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "the server's certificate, or its CA's, has expired".to_owned(),
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "the server's certificate is not valid yet; is the clock of this machine right?"
            .to_owned(),
        Error::InvalidMessage(_) => {
            "the server does not speak TLS: one that listens with ptcp: is reached by tcp:"
                .to_owned()
        }
        Error::AlertReceived(alert) => match (alert, certificate) {
            (AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure, None) => {
                "the server wants a certificate: give `certificate` and `private_key` in \
                  `ovsdb_tls`"
                    .to_owned()
            }
            (
                AlertDescription::UnknownCA
                | AlertDescription::BadCertificate
                | AlertDescription::DecryptError
                | AlertDescription::CertificateUnknown,
                Some(certificate),
            ) => format!("the server does not trust the certificate in {certificate}"),
            (AlertDescription::CertificateExpired, Some(certificate)) => {
                format!("the server says that the certificate in {certificate} has expired")
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(explained)
}
