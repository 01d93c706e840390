//! Which controller runs on a file, if any: who puts its changes in force.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::Context;
use bridgechain::{config, environment};

use super::client::{self, Client};
use super::source::Source;

/// Who runs on a file.
pub(super) enum Running {
    /// This controller does.
    Here(Client),
    /// None does; how that is said.
    No(String),
}

/// Looks for the controller that runs on `file`, where its `controller.api` says. That none does is
/// known where nobody listens there, or one that tells of another file. Who does not answer may be
/// the one, so that is a failure.
pub(super) fn on(file: &Path) -> anyhow::Result<Running> {
    let name = file.display();
    look(file).with_context(|| {
        format!("{name} is left alone, as it is not known whether a controller runs on it")
    })
}

fn look(file: &Path) -> anyhow::Result<Running> {
    let name = file.display().to_string();
    let none = || format!("no controller runs on {name}");
    let text = config::read(file).with_context(|| format!("cannot read {name}"))?;
    let Ok((topology, _)) = config::parse(&name, &text) else {
        // Where to look is not known; but a file with mistakes is not changed by anybody.
        return Ok(Running::No(none()));
    };
    let endpoint = environment::api_of(&topology.controller)?;
    if !client::is_there(&endpoint)? {
        return Ok(Running::No(format!(
            "{} (nobody answers at {endpoint})",
            none()
        )));
    }
    let source = Source::Api(Client::of(&topology.controller)?);
    let theirs = source.see()?.file;
    let is_same = is_same(Path::new(&theirs), file)
        .with_context(|| format!("the controller at {endpoint} runs on {theirs}"))?;
    match (source, is_same) {
        (Source::Api(client), true) => Ok(Running::Here(client)),
        _ => Ok(Running::No(format!(
            "the controller at {endpoint} runs on {theirs}, none on {name}"
        ))),
    }
}

/// Whether what a controller calls `theirs` is our file `ours`, which is there.
pub(super) fn is_same(theirs: &Path, ours: &Path) -> io::Result<bool> {
    match fs::canonicalize(theirs) {
        Ok(theirs) => Ok(theirs == fs::canonicalize(ours)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_known_by_whatever_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("lab.yaml"), "").unwrap();
        fs::write(path("copy.yaml"), "").unwrap();
        symlink(path("lab.yaml"), path("link.yaml")).unwrap();
        let same = |theirs: &str| is_same(&path(theirs), &path("lab.yaml")).ok();
        assert_eq!(same("link.yaml"), Some(true));
        assert_eq!(same("copy.yaml"), Some(false));
        assert_eq!(same("gone.yaml"), Some(false));
        assert_eq!(same("copy.yaml/x"), None, "it can not be looked at");
    }
}
