//! Where things are on this machine that neither an argument nor the configuration names: as the
//! environment says, or where they usually are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::topology::Endpoint;

/// The directory of Open vSwitch's sockets, for its own tools too.
const OVS_RUNDIR: &str = "OVS_RUNDIR";

/// Where the packages of Open vSwitch have its sockets.
pub const USUAL_OVS_RUNDIR: &str = "/var/run/openvswitch";

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
    fn the_database_is_in_the_directory_of_open_vswitch() {
        let database = ovsdb_in(Path::new("/run/lab")).to_string();
        assert_eq!(database, "unix:/run/lab/db.sock");
    }
}
