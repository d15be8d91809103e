//! Bad input: each kind gets its code, its reason word and the paths of its
//! fields, and leaves the log exactly as it was.

mod batch;
mod content;
mod evaluation;
mod limit;
mod list;
mod name;
mod preview;
mod stale;

use crate::support::{TestServer, explain};
use std::fmt::Debug;
use tonic::{Code, Status};

/// Code, reason word, and the fields or guards that a refusal names.
pub type Refusal<'a> = (Code, &'a str, &'a [&'a str]);

/// Makes a call that has to be refused, and sees that it changed nothing.
pub async fn refused<T: Debug>(
    server: &TestServer,
    case: &str,
    call: impl Future<Output = Result<T, Status>>,
    (code, reason, named): Refusal<'_>,
) {
    let head = server.head().await;
    let status = call.await.expect_err(case);
    let named: Vec<String> = named.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(explain(&status), (code, reason.to_owned(), named), "{case}: {}", status.message());
    assert_eq!(server.head().await, head, "{case} changes nothing");
}

/// The same for a request that is wrong by itself in these fields.
pub async fn invalid<T: Debug>(
    server: &TestServer,
    case: &str,
    call: impl Future<Output = Result<T, Status>>,
    fields: &[&str],
) {
    refused(server, case, call, (Code::InvalidArgument, "INVALID_FIELDS", fields)).await;
}
