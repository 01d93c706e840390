//! The files that a configuration names, for whoever is going to use them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::raw::Config;
use super::report::Report;
use crate::ovsdb::tls::{self, Which};

/// Whether others than the owner and the group of a file may read it.
pub(crate) fn is_exposed(path: &Path) -> bool {
    let mode = fs::metadata(path).map(|metadata| metadata.permissions().mode());
    mode.is_ok_and(|mode| mode & 0o004 != 0)
}

/// Reports the files that can not be read or used, each where it is named.
pub(super) fn check(config: &Config, report: &mut Report<'_>) {
    for tls in config
        .hosts
        .iter()
        .filter_map(|host| host.ovsdb_tls.as_ref())
    {
        let identity = tls.identity.as_ref();
        for unfit in tls::client(&tls.files()).err().into_iter().flatten() {
            let at = match (unfit.which, identity) {
                (Which::Certificate, Some(identity)) => identity.certificate.at,
                (Which::PrivateKey, Some(identity)) => identity.private_key.at,
                _ => tls.ca.at,
            };
            report.mistake(at, unfit.to_string());
        }
        let key = identity.map(|identity| &identity.private_key);
        if let Some(key) = key.filter(|key| is_exposed(&key.value)) {
            let file = key.value.display();
            report.warning(
                key.at,
                format!("everybody on this machine can read the key in {file}: chmod o-r"),
            );
        }
    }
}
