//! Where things are on this machine that neither an argument nor the configuration names: as the
//! environment says, or where they usually are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::topology::{Controller, Endpoint};

/// The directory of Open vSwitch's sockets, for its own tools too.
const OVS_RUNDIR: &str = "OVS_RUNDIR";

/// Where the packages of Open vSwitch have its sockets.
pub const USUAL_OVS_RUNDIR: &str = "/var/run/openvswitch";

/// The endpoint of the controller's API.
const API: &str = "BRIDGECHAIN_API";

/// Where the API is otherwise.
const USUAL_API: &str = "/run/bridgechain/api.sock";

/// The variable for the API says no such thing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{API} is {0:?}, which is not unix:PATH, such as unix:{USUAL_API}; an API over TCP, which takes a \
     token, is named by --api or in the configuration"
)]
pub struct ApiVariable(String);

/// Where the API of a controller with these settings is: where they say, or else what
/// `BRIDGECHAIN_API` says, or else where it usually is.
///
/// # Errors
///
/// The variable says something else than a Unix socket.
pub fn api_of(settings: &Controller) -> Result<Endpoint, ApiVariable> {
    match &settings.api {
        Some(endpoint) => Ok(endpoint.clone()),
        None => api(std::env::var_os(API)),
    }
}

/// Where Open vSwitch has its sockets: what `OVS_RUNDIR` says, or else [`USUAL_OVS_RUNDIR`].
pub fn ovs_rundir() -> PathBuf {
    ovs_rundir_of(std::env::var_os(OVS_RUNDIR))
}

/// Where Open vSwitch serves its database, in [`ovs_rundir`].
pub fn ovsdb() -> Endpoint {
    ovsdb_in(&ovs_rundir())
}

/// Where Open vSwitch that has its sockets in this directory serves its database.
pub fn ovsdb_in(rundir: &Path) -> Endpoint {
    Endpoint::Unix(rundir.join("db.sock"))
}

fn api(variable: Option<OsString>) -> Result<Endpoint, ApiVariable> {
    let Some(value) = set(variable) else {
        return Ok(Endpoint::Unix(PathBuf::from(USUAL_API)));
    };
    let path = value.to_str().and_then(|value| value.strip_prefix("unix:"));
    match path {
        Some(path) if !path.is_empty() => Ok(Endpoint::Unix(PathBuf::from(path))),
        _ => Err(ApiVariable(value.to_string_lossy().into_owned())),
    }
}

fn ovs_rundir_of(variable: Option<OsString>) -> PathBuf {
    set(variable).map_or_else(|| PathBuf::from(USUAL_OVS_RUNDIR), PathBuf::from)
}

/// A variable without a value is as good as none.
fn set(variable: Option<OsString>) -> Option<OsString> {
    variable.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_set_names_the_directory_of_open_vswitch() {
        let rundir = |value: &str| ovs_rundir_of(Some(value.into()));
        assert_eq!(rundir("/run/lab"), Path::new("/run/lab"));
        assert_eq!(rundir(""), Path::new(USUAL_OVS_RUNDIR));
        assert_eq!(ovs_rundir_of(None), Path::new(USUAL_OVS_RUNDIR));
    }

    #[test]
    fn a_variable_that_is_set_names_the_socket_of_the_api() {
        let api = |value: &str| api(Some(value.into()));
        assert_eq!(api("unix:/run/x"), Ok(Endpoint::Unix("/run/x".into())));
        assert_eq!(api(""), Ok(Endpoint::Unix(USUAL_API.into())));
        for wrong in ["/run/x", "unix:", "tcp:127.0.0.1:1"] {
            assert_eq!(api(wrong), Err(ApiVariable(wrong.to_owned())));
        }
    }

    #[test]
    fn the_database_is_in_the_directory_of_open_vswitch() {
        let database = ovsdb_in(Path::new("/run/lab")).to_string();
        assert_eq!(database, "unix:/run/lab/db.sock");
    }
}
