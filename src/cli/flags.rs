//! Groups of flags that many commands share.

use clap::Args;
use prost_types::FieldMask;

use super::{
    argument::{At, parse_at},
    environment::fresh_request_id,
    error::Failure,
};
use crate::proto::v1;

/// Largest page that a server gives.
const MAX_PAGE: usize = 1_000;

/// Flags of every command that changes something.
#[derive(Args, Debug, Clone, Default)]
pub struct ChangeFlags {
    /// Check everything and show every refusal, but change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Identifies this request: a repeat with the same id within 24 hours is not done twice. A new
    /// id is drawn when absent
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
}

impl ChangeFlags {
    /// The id to send. A dry run without a given one sends none: nothing has to
    /// be remembered.
    pub fn request_id(&self) -> String {
        match &self.request_id {
            Some(id) => id.clone(),
            None if self.dry_run => String::new(),
            None => fresh_request_id(),
        }
    }
}

/// The flag of every command that changes something that exists.
#[derive(Args, Debug, Clone, Default)]
pub struct EtagFlag {
    /// Change it only if its etag is still this one, so that nobody else's change is overwritten
    #[arg(long, value_name = "ETAG", default_value = "", hide_default_value = true)]
    pub etag: String,
}

/// The flag of changes that may be explained.
#[derive(Args, Debug, Clone, Default)]
pub struct ReasonFlag {
    /// Why, in a sentence; it is kept in the audit log
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
}

/// The flag of changes that have to be explained.
#[derive(Args, Debug, Clone)]
pub struct NeededReason {
    /// Why, in a sentence; it is kept in the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// The flag of every command that reads one resource.
#[derive(Args, Debug, Clone, Default)]
pub struct PastFlag {
    /// Read the past: the state at a time (`2026-03-01`, `2026-03-01T09:30:00Z`) or after an audit
    /// position (`123` or `'#123'`)
    #[arg(long, value_name = "TIME|POSITION", value_parser = parse_at)]
    pub at: Option<At>,
}

/// Writes the conversion of [`At`] into the `read_at` of each request.
macro_rules! into_read_at {
    ($($request:ident),*) => {$(
        impl From<At> for v1::$request::ReadAt {
            fn from(at: At) -> Self {
                match at {
                    At::Time(time) => Self::ReadTime(time),
                    At::Position(position) => Self::ReadPosition(position),
                }
            }
        }
    )*};
}
into_read_at!(
    get_alias_request,
    get_consumer_request,
    get_evaluation_request,
    get_incident_request,
    get_monitor_request,
    get_model_request,
    get_namespace_request,
    get_policy_request,
    get_proposal_request,
    get_retraining_request,
    get_subscription_request,
    get_upstream_request,
    get_version_request,
    resolve_version_request
);

impl PastFlag {
    /// The `read_at` of a request.
    pub fn read_at<R: From<At>>(&self) -> Option<R> {
        self.at.clone().map(R::from)
    }
}

/// Flags of every command that lists.
#[derive(Args, Debug, Clone)]
pub struct PageFlags {
    /// Show at most this many
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// Show all of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,

    /// Go on where a preceding list stopped
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    page_token: String,
}

impl PageFlags {
    /// Reads pages until there are enough entries or no more; gives them with
    /// the token of what follows. A page may be short, even empty, before the end.
    pub async fn collect<T>(
        &self,
        mut fetch: impl AsyncFnMut(i32, String) -> Result<(Vec<T>, String), Failure>,
    ) -> Result<(Vec<T>, String), Failure> {
        let wanted = if self.all { usize::MAX } else { self.limit as usize };
        let mut entries = Vec::new();
        let mut token = self.page_token.clone();
        loop {
            let size = i32::try_from((wanted - entries.len()).min(MAX_PAGE)).unwrap_or(i32::MAX);
            let (page, next) = fetch(size, token).await?;
            entries.extend(page);
            if next.is_empty() || entries.len() >= wanted {
                return Ok((entries, next));
            }
            token = next;
        }
    }
}

/// The mask of an update: fields that were given, then fields to empty.
///
/// # Errors
/// When a field is both given and emptied, or nothing is to be changed.
pub fn mask_of(
    given: impl IntoIterator<Item = &'static str>,
    cleared: impl IntoIterator<Item = &'static str>,
) -> Result<FieldMask, Failure> {
    let mut paths: Vec<&'static str> = given.into_iter().collect();
    for path in cleared {
        if paths.contains(&path) {
            return Err(Failure::Usage(format!("{path} is both given and cleared.")));
        }
        paths.push(path);
    }
    if paths.is_empty() {
        return Err(Failure::Usage("There is nothing to change: give at least one field.".to_owned()));
    }
    Ok(FieldMask { paths: paths.into_iter().map(str::to_owned).collect() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn pages(limit: u32, all: bool) -> PageFlags {
        PageFlags { limit, all, page_token: String::new() }
    }

    /// Three entries in pages of one, with an empty page before the last.
    async fn fetch(_size: i32, token: String) -> Result<(Vec<u8>, String), Failure> {
        Ok(match token.as_str() {
            "" => (vec![1], "b".into()),
            "b" => (vec![2], "c".into()),
            "c" => (vec![], "d".into()),
            _ => (vec![3], String::new()),
        })
    }

    #[tokio::test]
    async fn a_list_reads_on_over_an_empty_page() {
        assert_eq!(pages(100, false).collect(fetch).await.unwrap(), (vec![1, 2, 3], String::new()));
    }

    #[tokio::test]
    async fn a_list_stops_at_its_limit_and_says_where_it_goes_on() {
        assert_eq!(pages(2, false).collect(fetch).await.unwrap(), (vec![1, 2], "c".to_owned()));
        assert_eq!(pages(1, true).collect(fetch).await.unwrap().0.len(), 3);
    }

    #[test]
    fn a_dry_run_needs_no_request_id() {
        let dry = ChangeFlags { dry_run: true, request_id: None };
        assert_eq!(dry.request_id(), "");
        assert_eq!(ChangeFlags::default().request_id().len(), 36);
        let given = ChangeFlags { dry_run: true, request_id: Some("x".into()) };
        assert_eq!(given.request_id(), "x");
    }
}
