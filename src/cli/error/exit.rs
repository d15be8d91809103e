//! Exit codes: what a script learns of how a command ended.

use std::process::ExitCode;

/// The exit codes of `steward`, as its `--help` documents them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// It worked.
    Ok = 0,
    /// Something failed that should not.
    Internal = 1,
    /// The command itself is not well-formed.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// A rule forbids it in the present state (FAILED_PRECONDITION).
    Refused = 4,
    /// Somebody else was first: a stale etag, or it exists already.
    Conflict = 5,
    /// A value is not allowed, whatever the state (INVALID_ARGUMENT, OUT_OF_RANGE).
    BadInput = 6,
    /// The server did not answer, or not in time.
    Unavailable = 7,
    /// The caller may not do this.
    Permission = 8,
    /// What was verified is not right.
    Unproven = 9,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
