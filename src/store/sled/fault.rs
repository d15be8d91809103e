//! What goes wrong inside sled, panics included.

use crate::store::engine::ReadError;
use ::sled::Error;
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Characters of a panic's words that are passed on.
const MESSAGE: usize = 120;

/// A call into sled that did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The file system failed.
    #[error("{0}")]
    Io(io::Error),
    /// What sled found in its files cannot be right.
    #[error("{0}")]
    Damaged(String),
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Io(error) => ReadError::Unavailable(error.to_string()),
            Fault::Damaged(cause) => ReadError::Damaged(cause),
        }
    }
}

/// Calls into sled, which panics where it does not like what it reads.
///
/// What a panic leaves half-done stays inside sled: after a failed write the
/// engine takes no more of them, and a read changes nothing.
pub(super) fn guarded<T>(call: impl FnOnce() -> ::sled::Result<T>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        // sled reads its own files: an end in the wrong place is their fault.
        Ok(Err(Error::Io(error))) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(Fault::Damaged(format!("one of sled's files ends too early: {error}")))
        }
        Ok(Err(Error::Io(error))) => Err(Fault::Io(as_the_system_said(error))),
        Ok(Err(Error::Corruption { .. })) => {
            Err(Fault::Damaged("one of sled's files does not match its checksum".to_owned()))
        }
        Ok(Err(error)) => Err(Fault::Damaged(error.to_string())),
        Err(panic) => Err(Fault::Damaged(message(&*panic))),
    }
}

/// What failed in sled's own threads it hands on as a text of its own making,
/// such as `Os { code: 28, … }`.
fn as_the_system_said(error: io::Error) -> io::Error {
    let text = error.to_string();
    let code = text.strip_prefix("Os { code: ").and_then(|rest| rest.split(',').next()?.parse().ok());
    code.map_or(error, io::Error::from_raw_os_error)
}

/// The beginning of what a panic says; all of it is in the log.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    let text: String = text.lines().next().unwrap_or_default().chars().take(MESSAGE).collect();
    format!("sled cannot make sense of its files ({text})")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_panic_becomes_damage_in_its_own_words() {
        let fault = guarded::<()>(|| panic!("page {} is torn", 7)).unwrap_err();
        let said = |words: &str| ReadError::Damaged(format!("sled cannot make sense of its files ({words})"));
        assert_eq!(ReadError::from(fault), said("page 7 is torn"));
        let fault = guarded::<()>(|| panic!("torn\n  left: 1\n right: 2")).unwrap_err();
        assert_eq!(ReadError::from(fault), said("torn"));
    }

    #[test]
    fn a_full_disk_is_said_in_the_words_of_the_system() {
        let full = io::Error::from_raw_os_error(28);
        let copied = io::Error::new(full.kind(), format!("{full:?}"));
        let fault = guarded::<()>(|| Err(copied.into())).unwrap_err();
        assert_eq!(fault.to_string(), full.to_string());
    }

    #[test]
    fn a_failing_disk_is_no_damage() {
        let fault = guarded::<()>(|| Err(io::Error::other("no answer").into())).unwrap_err();
        assert_eq!(ReadError::from(fault), ReadError::Unavailable("no answer".to_owned()));
    }
}
