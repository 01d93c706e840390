//! A file is replaced as a whole, or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::etag::{Etag, Precondition};
use crate::config;

/// How long others may take for their change.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
/// Wait before the next try.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Why a file was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It is not the one that was seen.
    #[error("the file has changed meanwhile")]
    Changed(Etag),
    /// The system does not let us.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Puts a text in the place of that of the file at `path`, or at the end of the symbolic links there,
/// if it is as expected. The file has either text at any moment, also when the machine goes down; its
/// mode and owner stay.
///
/// The look and the change are one step for all who use this function: they take turns by a lock on
/// the directory. An editor does not, so what it writes in just that moment is not seen.
///
/// # Errors
///
/// Why that was not done; the file is as it was.
pub fn replace(path: &Path, expected: &Precondition, text: &[u8]) -> Result<(), WriteError> {
    let path = fs::canonicalize(path)?;
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::from(io::ErrorKind::InvalidFilename).into());
    };
    let directory_file = File::open(directory)?;
    lock(&directory_file, directory)?;
    let tag = Etag::of(&config::read(&path)?);
    if !expected.allows(tag) {
        return Err(WriteError::Changed(tag));
    }
    let before = fs::metadata(&path)?;
    let mut new = tempfile::Builder::new()
        .prefix(&format!(".{}.", name.to_string_lossy()))
        .tempfile_in(directory)?;
    new.write_all(text)?;
    let file = new.as_file();
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (before.uid(), before.gid()) {
        fchown(file, Some(before.uid()), Some(before.gid()))
            .map_err(|error| not_given(&error, before.uid(), before.gid()))?;
    }
    file.set_permissions(before.permissions())?;
    file.sync_all()?;
    new.persist(&path).map_err(|error| error.error)?;
    directory_file.sync_all()?;
    Ok(())
}

/// A new file can not be made that of whoever has the old one.
fn not_given(error: &io::Error, uid: u32, gid: u32) -> io::Error {
    let message = format!(
        "it belongs to user {uid}, group {gid}, and what replaces it can not be given to them: \
         {error}; the file and the process that writes it are to be of one user, and this user is to \
         be in that group, or the process is to run as root"
    );
    io::Error::new(error.kind(), message)
}

/// Takes the lock on a directory. Anybody who may read the directory can hold it, so it is not waited
/// for without end.
fn lock(file: &File, directory: &Path) -> io::Result<()> {
    let deadline = Instant::now() + LOCK_LIMIT;
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if Instant::now() < deadline => thread::sleep(LOCK_PAUSE),
            Err(Errno::WOULDBLOCK) => {
                let message = format!(
                    "another process holds the lock on {} and does not let go",
                    directory.display()
                );
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn mode_and_links_stay_and_nothing_is_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (
            directory.path().join("real.yaml"),
            directory.path().join("a.yaml"),
        );
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real.yaml", &link).unwrap();
        let seen = Precondition::Is(vec![Etag::of(b"old")]);
        replace(&link, &seen, b"new").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("real.yaml"));
        let mode = fs::metadata(&real).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640);

        let refused = replace(&link, &seen, b"newer");
        assert!(matches!(refused, Err(WriteError::Changed(tag)) if tag == Etag::of(b"new")));
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(names(directory.path()), ["a.yaml", "real.yaml"]);
    }

    #[test]
    fn who_can_not_be_given_a_file_is_named() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = not_given(&denied, 0, 996);
        assert_eq!(error.kind(), denied.kind());
        let said = error.to_string();
        assert!(
            said.starts_with("it belongs to user 0, group 996"),
            "{said}"
        );
        assert!(said.contains("permission denied; the file and"), "{said}");
    }

    #[test]
    fn of_writers_that_have_seen_the_same_one_wins() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        fs::write(&path, "0").unwrap();
        let count = |path: &Path| fs::read_to_string(path).unwrap().parse::<u32>().unwrap();
        // Each adds one, as often as it takes: none is lost.
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        loop {
                            let old = fs::read(&path).unwrap();
                            let number: u32 = String::from_utf8_lossy(&old).parse().unwrap();
                            let new = (number + 1).to_string();
                            let seen = Precondition::Is(vec![Etag::of(&old)]);
                            match replace(&path, &seen, new.as_bytes()) {
                                Ok(()) => break,
                                Err(WriteError::Changed(_)) => {}
                                Err(error) => panic!("{error}"),
                            }
                        }
                    }
                });
            }
        });
        assert_eq!(count(&path), 100);
    }
}
