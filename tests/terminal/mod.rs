//! A terminal with a command on it, as a person has it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};

/// How long to wait for anything; only a failure takes that long.
const LIMIT: Duration = Duration::from_secs(20);

/// A command and what it shows.
pub(crate) struct Terminal {
    child: Child,
    screen: File,
    /// All that was shown.
    pub(crate) seen: String,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Terminal {
    /// Starts a command with all its streams on a terminal, but for those that it has set already.
    pub(crate) fn run(mut command: Command, stdout: Option<Stdio>) -> Self {
        let size = Winsize {
            ws_row: 50,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).unwrap();
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
        }
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let child = command
            .env("TERM", "xterm")
            .stdin(end())
            .stdout(stdout.unwrap_or_else(end))
            .stderr(end())
            .spawn()
            .unwrap();
        // The ends that are left are those of the command when this one of it is dropped.
        drop(command);
        Self {
            child,
            screen: File::from(pty.master),
            seen: String::new(),
        }
    }

    /// Types this.
    pub(crate) fn enter(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for what is shown from now on to be such.
    pub(crate) fn wait_for(&mut self, what: &str, is_there: impl Fn(&str) -> bool) {
        let (start, deadline) = (self.seen.len(), Instant::now() + LIMIT);
        while !is_there(&self.seen[start..]) {
            assert!(self.read(deadline), "no {what} in {:?}", self.seen);
        }
    }

    /// Waits for the end of the command: its exit status.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + LIMIT;
        while self.read(deadline) {}
        self.child.wait().unwrap().code()
    }

    /// Reads more; false where there is no more.
    fn read(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut ready = [PollFd::new(self.screen.as_fd(), PollFlags::POLLIN)];
        let number = poll(&mut ready, PollTimeout::try_from(left).unwrap()).unwrap();
        assert!(number > 0, "nothing more is shown after {:?}", self.seen);
        let mut part = [0; 1024];
        match self.screen.read(&mut part) {
            Ok(length @ 1..) => {
                self.seen
                    .push_str(&String::from_utf8_lossy(&part[..length]));
                true
            }
            // A terminal that nobody has any more is an error to read.
            _ => false,
        }
    }
}
