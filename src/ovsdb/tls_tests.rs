//! A server that speaks TLS, or should, and certificates made for the purpose.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion, version::TLS12, version::TLS13,
};

use super::tls::{self, Which};
use super::{Access, Feed, Link, Watch, watch};
use crate::config;
use crate::topology::{Endpoint, TlsFiles, TlsIdentity};

/// Who signs certificates.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    der: rcgen::Certificate,
}

/// A certificate and its key.
struct Signed {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Ca {
    fn new(name: &str) -> Self {
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let der = params.self_signed(&key).expect("a certificate");
        let pem = der.pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem, der }
    }

    /// A certificate with a name that is no host's, as `ovs-pki` makes them.
    fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> Signed {
        let mut params = named("ovsdb id:3f6cbd2b-5c4b-4f4e-9d3c-2a1c7a0c1b02");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Signed { certificate, key }
    }
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A directory of PEM files.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn write(&self, name: &str, pem: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, pem).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode is set");
        path
    }

    fn trusting(&self, ca: &Ca) -> TlsFiles {
        TlsFiles {
            ca: self.write("ca.pem", &ca.pem),
            identity: None,
        }
    }

    fn identified(&self, ca: &Ca, own: &Signed) -> TlsFiles {
        let identity = TlsIdentity {
            certificate: self.write("cert.pem", &own.certificate.pem()),
            private_key: self.write("key.pem", &own.key.serialize_pem()),
        };
        TlsFiles {
            identity: Some(identity),
            ..self.trusting(ca)
        }
    }
}

/// A database that answers all who come, with one bridge; ends with this.
struct Server {
    endpoint: Endpoint,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(own: &Signed, clients: Option<&Ca>) -> Self {
        Self::start_with(own, clients, &[&TLS12, &TLS13]).await
    }

    /// `clients`: whose certificates those who come have to show.
    async fn start_with(
        own: &Signed,
        clients: Option<&Ca>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .expect("versions");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let mut roots = RootCertStore::empty();
                roots.add(ca.der.der().clone()).expect("a CA");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let key = PrivateKeyDer::try_from(own.key.serialize_der()).expect("a key");
        let config = builder
            .with_single_cert(vec![own.certificate.der().clone()], key)
            .expect("its own certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = Endpoint::Ssl(listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move {
            let mut served = Vec::new();
            loop {
                let (socket, _) = listener.accept().await.expect("a client");
                if let Ok(mut socket) = acceptor.accept(socket).await {
                    let mut asked = vec![0; 4096];
                    assert!(socket.read(&mut asked).await.expect("a request") > 0);
                    let row = json!({ "name": "br0", "datapath_id": "1", "ports": ["set", []] });
                    let result = json!({ "Bridge": { "b": { "new": row } } });
                    let answer = json!({ "id": "bridgechain", "error": null, "result": result });
                    let answer = answer.to_string();
                    socket.write_all(answer.as_bytes()).await.expect("written");
                    socket.flush().await.expect("written");
                    served.push(socket);
                }
            }
        });
        Self { endpoint, task }
    }
}

fn follow(endpoint: &Endpoint, files: &TlsFiles) -> Watch {
    watch(Access::new(endpoint.clone(), Some(files.clone())))
}

async fn wait_for(watch: &mut Watch, good: impl Fn(&Link) -> bool) -> Feed {
    let found = watch.feed.wait_for(|feed| good(&feed.link));
    let found = time::timeout(Duration::from_secs(20), found).await;
    found.expect("in time").expect("the watch goes on").clone()
}

/// What is said of a database that can not be followed, and no other the next times.
async fn refused(endpoint: &Endpoint, files: &TlsFiles) -> String {
    let mut watch = follow(endpoint, files);
    let feed = wait_for(&mut watch, |link| *link != Link::Connecting).await;
    let Link::Down(why) = feed.link else {
        panic!("it is followed");
    };
    assert!(feed.database.is_none(), "nothing is believed of it");
    // Three attempts more, in the time of two waits. News would be an event each.
    let news = time::timeout(Duration::from_millis(800), watch.feed.changed()).await;
    assert!(news.is_err(), "{:?} after {why}", watch.feed.borrow().link);
    why
}

async fn is_followed(endpoint: &Endpoint, files: &TlsFiles) {
    let mut watch = follow(endpoint, files);
    let feed = wait_for(&mut watch, |link| *link != Link::Connecting).await;
    assert_eq!(feed.link, Link::Up);
    let database = feed.database.expect("what it says");
    assert!(database.bridges.contains_key("br0"));
}

#[tokio::test]
async fn a_server_is_known_by_its_ca_whatever_it_is_called() {
    let (files, ca) = (Files::new(), Ca::new("switchca"));
    let server = ca.sign(|_| ());
    let trusting = files.trusting(&ca);
    for version in [&TLS12, &TLS13] {
        let server = Server::start_with(&server, None, &[version]).await;
        is_followed(&server.endpoint, &trusting).await;
    }
    // Several CAs in one file, as while one takes the place of another.
    let other = Ca::new("other");
    let both = files.write("both.pem", &format!("{}{}", other.pem, ca.pem));
    let server = Server::start(&server, None).await;
    let both = TlsFiles {
        ca: both,
        identity: None,
    };
    is_followed(&server.endpoint, &both).await;
}

#[tokio::test]
async fn a_server_that_another_ca_has_signed_is_not_believed() {
    let (files, ca) = (Files::new(), Ca::new("switchca"));
    // It may be called the same.
    for name in ["other", "switchca"] {
        let server = Server::start(&Ca::new(name).sign(|_| ()), None).await;
        let trusting = files.trusting(&ca);
        let why = refused(&server.endpoint, &trusting).await;
        let file = trusting.ca.display();
        assert!(
            why == format!("the server's certificate is not signed by a CA in {file}")
                || why
                    == format!(
                        "the server's certificate has not the signature of the CA in {file}"
                    ),
            "{why}"
        );
    }
}

#[tokio::test]
async fn a_certificate_counts_in_its_time_only() {
    let (files, ca) = (Files::new(), Ca::new("switchca"));
    let expired = ca.sign(|params| params.not_after = date_time_ymd(2001, 2, 3));
    let server = Server::start(&expired, None).await;
    assert_eq!(
        refused(&server.endpoint, &files.trusting(&ca)).await,
        "the server's certificate, or its CA's, has expired"
    );
    let early = ca.sign(|params| params.not_before = date_time_ymd(4000, 1, 1));
    let server = Server::start(&early, None).await;
    assert_eq!(
        refused(&server.endpoint, &files.trusting(&ca)).await,
        "the server's certificate is not valid yet; is the clock of this machine right?"
    );
}

#[tokio::test]
async fn a_server_may_want_to_know_who_connects() {
    let (files, ca, clients) = (Files::new(), Ca::new("switchca"), Ca::new("controllerca"));
    let own = clients.sign(|_| ());
    let stranger = ca.sign(|_| ());
    for version in [&TLS12, &TLS13] {
        let server = ca.sign(|_| ());
        let server = Server::start_with(&server, Some(&clients), &[version]).await;
        is_followed(&server.endpoint, &files.identified(&ca, &own)).await;
        assert_eq!(
            refused(&server.endpoint, &files.trusting(&ca)).await,
            "the server wants a certificate: give `certificate` and `private_key` in `ovsdb_tls`"
        );
        let files = files.identified(&ca, &stranger);
        let why = refused(&server.endpoint, &files).await;
        assert!(
            why.starts_with("the server does not trust the certificate in /"),
            "{why}"
        );
    }
    // Where nobody asks, nothing is lost by it.
    let server = Server::start(&ca.sign(|_| ()), None).await;
    is_followed(&server.endpoint, &files.identified(&ca, &own)).await;
}

#[tokio::test]
async fn plain_text_is_no_tls() {
    let (files, ca) = (Files::new(), Ca::new("switchca"));
    for (greeting, expected) in [
        (
            "{\"error\":null}",
            "the server does not speak TLS: one that listens with ptcp: is reached by tcp:",
        ),
        (
            "",
            "the server hangs up when it is spoken to in TLS: does it listen with pssl:?",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = Endpoint::Ssl(listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.expect("a client");
                let mut hello = [0; 4096];
                assert!(socket.read(&mut hello).await.expect("a hello") > 0);
                socket
                    .write_all(greeting.as_bytes())
                    .await
                    .expect("written");
            }
        });
        assert_eq!(refused(&endpoint, &files.trusting(&ca)).await, expected);
        server.abort();
    }
}

#[tokio::test]
async fn renewed_files_are_used_from_the_next_connection_on() {
    let (files, ca) = (Files::new(), Ca::new("switchca"));
    let server = Server::start(&ca.sign(|_| ()), None).await;
    let trusting = files.trusting(&Ca::new("old"));
    let before = Access::new(server.endpoint.clone(), Some(trusting.clone()));
    let mut watch = watch(before.clone());
    wait_for(&mut watch, |link| matches!(link, Link::Down(_))).await;
    fs::remove_file(&trusting.ca).expect("removed");
    let why = format!("cannot read {}", trusting.ca.display());
    wait_for(
        &mut watch,
        |link| matches!(link, Link::Down(reason) if reason.starts_with(&why)),
    )
    .await;
    files.trusting(&ca);
    wait_for(&mut watch, |link| *link == Link::Up).await;
    // A reload compares them with those of the start.
    let after = |files: &TlsFiles| Access::new(server.endpoint.clone(), Some(files.clone()));
    assert_ne!(after(&trusting), before);
    assert_eq!(after(&trusting), after(&trusting));
}

/// What is wrong with files, and with which.
fn unfit(files: &TlsFiles) -> Vec<(Which, String)> {
    let unfit = tls::client(files).expect_err("unfit");
    let unfit = unfit.into_iter();
    unfit
        .map(|unfit| (unfit.which, unfit.to_string()))
        .collect()
}

#[test]
fn files_that_do_not_fit_are_told_apart() {
    let (files, ca) = (Files::new(), Ca::new("switchca"));
    let (own, other) = (ca.sign(|_| ()), ca.sign(|_| ()));
    let good = files.identified(&ca, &own);
    assert!(tls::client(&good).is_ok());
    let with = |certificate: &PathBuf, private_key: &PathBuf| TlsFiles {
        ca: good.ca.clone(),
        identity: Some(TlsIdentity {
            certificate: certificate.clone(),
            private_key: private_key.clone(),
        }),
    };
    let identity = good.identity.clone().expect("given");
    let (certificate, key) = (&identity.certificate, &identity.private_key);
    let others = files.write("other.pem", &other.key.serialize_pem());
    let text = files.write("text.pem", "hello\n");
    let torn = files.write("torn.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    let nonsense = files.write(
        "nonsense.pem",
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n\
         -----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n",
    );
    let nowhere = PathBuf::from("/nowhere/x.pem");
    let trusting = |ca: &PathBuf| TlsFiles {
        ca: ca.clone(),
        identity: None,
    };
    for (files, which, expected) in [
        (
            trusting(&nowhere),
            Which::Ca,
            "cannot read /nowhere/x.pem: No such file",
        ),
        (
            trusting(&files.0.path().to_owned()),
            Which::Ca,
            "it is no regular file",
        ),
        (
            trusting(&text),
            Which::Ca,
            "has no certificate; one in PEM begins with",
        ),
        (trusting(&torn), Which::Ca, "is no good PEM"),
        (
            trusting(&nonsense),
            Which::Ca,
            "has no good certificate of a CA",
        ),
        (
            trusting(key),
            Which::Ca,
            "has no certificate; one in PEM begins with",
        ),
        (
            with(key, certificate),
            Which::Certificate,
            "has no certificate",
        ),
        (
            with(&nowhere, key),
            Which::Certificate,
            "cannot read /nowhere/x.pem",
        ),
        (
            with(&nonsense, key),
            Which::Certificate,
            "has no good certificate",
        ),
        (
            with(certificate, &nowhere),
            Which::PrivateKey,
            "cannot read /nowhere/x.pem",
        ),
        (
            with(certificate, &text),
            Which::PrivateKey,
            "has no private key; one in PEM begins",
        ),
        (
            with(certificate, &nonsense),
            Which::PrivateKey,
            "has no key that can be used",
        ),
        (
            with(certificate, &others),
            Which::PrivateKey,
            "is not that of the certificate in /",
        ),
    ] {
        let found = unfit(&files);
        let (first, message) = &found[0];
        assert_eq!(*first, which, "{message}");
        assert!(message.contains(expected), "{expected}: {message}");
    }
    let all = TlsFiles {
        ca: text.clone(),
        ..with(&text, &text)
    };
    assert_eq!(unfit(&all).len(), 3, "all at once");
}

#[test]
fn what_is_wrong_with_files_is_said_where_they_are_named() {
    let (files, ca) = (Files::new(), Ca::new("switchca"));
    let good = files.identified(&ca, &ca.sign(|_| ()));
    let identity = good.identity.expect("given");
    let text = |endpoint: &str| {
        format!(
            "hosts:\n  h:\n    bridges: {{ local: l, uplink: u }}\n    ovsdb: {endpoint}\n    \
             ovsdb_tls:\n      ca: {}\n      certificate: {}\n      private_key: {}\nnetworks: {{ native: {{ vlan: 0 }} }}\n",
            good.ca.display(),
            identity.certificate.display(),
            identity.private_key.display(),
        )
    };
    let ssl = text("ssl:127.0.0.1:6640");
    let (topology, warnings) = config::parse_with_files("x.yaml", &ssl).expect("good");
    assert_eq!(warnings, []);
    let host = &topology.hosts["h"];
    assert_eq!(
        host.ovsdb.as_ref().map(ToString::to_string).as_deref(),
        Some("ssl:127.0.0.1:6640")
    );
    let used = host.ovsdb_tls.as_ref().expect("given");
    assert_eq!(
        (&used.ca, used.identity.as_ref()),
        (&good.ca, Some(&identity))
    );

    let shared = fs::Permissions::from_mode(0o644);
    fs::set_permissions(&identity.private_key, shared).expect("its mode is set");
    let (_, warnings) = config::parse_with_files("x.yaml", &ssl).expect("good");
    let [warning] = &warnings[..] else {
        panic!("{warnings:?}");
    };
    assert!(
        warning
            .to_string()
            .contains("x.yaml:8:20: warning: hosts.h.ovsdb_tls.private_key: everybody"),
        "{warning}"
    );

    files.write("ca.pem", "");
    files.write("cert.pem", "");
    fs::remove_file(&identity.private_key).expect("removed");
    let mistakes = config::parse_with_files("x.yaml", &ssl).expect_err("bad files");
    let mistakes = mistakes.to_string();
    for expected in [
        "x.yaml:6:11: hosts.h.ovsdb_tls.ca: ",
        "x.yaml:7:20: hosts.h.ovsdb_tls.certificate: ",
        "x.yaml:8:20: hosts.h.ovsdb_tls.private_key: cannot read ",
    ] {
        assert!(mistakes.contains(expected), "{expected}\n{mistakes}");
    }
    // Who only looks at the text may be on another machine.
    assert!(config::parse("x.yaml", &ssl).is_ok());
    // Files that are not used may be anything.
    let (topology, warnings) =
        config::parse_with_files("x.yaml", text("tcp:127.0.0.1:6640")).expect("good");
    assert!(topology.hosts["h"].ovsdb_tls.is_none());
    assert!(
        warnings[0].to_string().contains("ovsdb_tls: has no effect"),
        "{warnings:?}"
    );
}
