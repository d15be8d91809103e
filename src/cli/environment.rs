//! The client's own clock and ids. The server's are injected; a client has no
//! history that would have to be repeatable.
#![expect(clippy::disallowed_methods, reason = "the one place of the command line that reads them")]

use jiff::Timestamp;
use uuid::Uuid;

/// The present time of this machine.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// A request id that nobody has used before.
pub fn fresh_request_id() -> String {
    Uuid::new_v4().to_string()
}

/// The name of the operating system's user, where the environment tells it.
pub fn os_user() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .filter_map(|key| std::env::var(key).ok())
        .find(|user| !user.trim().is_empty())
}
