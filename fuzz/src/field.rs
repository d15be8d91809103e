//! Fields that many requests share: orders, times, spans, and update masks.

use super::choice;
use arbitrary::{Result, Unstructured};
use prost_types::Timestamp as WireTime;
use steward_registry::{
    domain::{
        check::Check as _,
        mask::{Masked, merge},
        version::VersionContent,
    },
    grpc::field::{self, Fields},
};
use tonic_types::StatusExt as _;

/// Each property draws from the whole input.
pub fn check(data: &[u8]) {
    for property in [order, span, mask] {
        let _ = property(&mut Unstructured::new(data));
    }
}

/// The fields that were refused.
fn refused(fields: Fields) -> Vec<String> {
    let Err(status) = fields.finish() else { return Vec::new() };
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    let request = status.get_error_details().bad_request().cloned().expect("a refusal names its fields");
    assert!(request.field_violations.iter().all(|violation| !violation.description.is_empty()));
    request.field_violations.into_iter().map(|violation| violation.field).collect()
}

fn order(u: &mut Unstructured<'_>) -> Result<()> {
    const ALLOWED: [&str; 2] = ["name", "create_time"];
    let text = choice::text(u, 30)?;
    let mut fields = Fields::new();
    let (order, descending) = field::order_by(&mut fields, &text, &ALLOWED);
    assert!(ALLOWED.contains(&order));
    let words: Vec<&str> = text.split_whitespace().collect();
    let understood = match words[..] {
        [] => Some((ALLOWED[0], false)),
        [name] | [name, "asc"] => Some((name, false)),
        [name, "desc"] => Some((name, true)),
        _ => None,
    };
    match understood.filter(|(name, _)| ALLOWED.contains(name)) {
        Some(understood) => {
            assert_eq!((order, descending), understood);
            assert_eq!(refused(fields), Vec::<String>::new(), "{text:?}");
        }
        None => assert_eq!(refused(fields), ["order_by"], "{text:?}"),
    }
    Ok(())
}

fn wire_time(u: &mut Unstructured<'_>) -> Result<Option<WireTime>> {
    Ok(match u.int_in_range(0..=3)? {
        0 => None,
        1 => Some(WireTime { seconds: u.arbitrary()?, nanos: u.arbitrary()? }),
        _ => Some(field::time(choice::time(u)?)),
    })
}

fn span(u: &mut Unstructured<'_>) -> Result<()> {
    let (start, end) = (wire_time(u)?, wire_time(u)?);
    let mut fields = Fields::new();
    let (from, until) = fields.span(start, end);
    let expected = match (from, until) {
        _ if start.is_some() && from.is_none() => true,
        _ if end.is_some() && until.is_none() => true,
        (Some(from), Some(until)) => until <= from,
        _ => false,
    };
    let refused = refused(fields);
    assert_eq!(!refused.is_empty(), expected, "{start:?} to {end:?}");
    assert!(refused.iter().all(|field| ["start_time", "end_time"].contains(&field.as_str())));
    Ok(())
}

fn content(u: &mut Unstructured<'_>) -> Result<VersionContent> {
    Ok(VersionContent {
        label: choice::text(u, 4)?,
        description: choice::text(u, 4)?,
        labels: [(choice::text(u, 2)?, choice::text(u, 2)?)]
            .into_iter()
            .take(u.arbitrary::<bool>()?.into())
            .collect(),
        ..VersionContent::default()
    })
}

/// A mask changes the fields that it names and no others, whether twice or once.
fn mask(u: &mut Unstructured<'_>) -> Result<()> {
    let (current, update) = (content(u)?, content(u)?);
    let mut paths = Vec::new();
    for _ in 0..u.int_in_range(0..=4)? {
        let known = u.choose(VersionContent::FIELDS)?;
        paths.push(if choice::chance(u, 1, 8)? { choice::text(u, 6)? } else { (*known).to_owned() });
    }
    if choice::chance(u, 1, 4)? {
        paths = vec!["*".to_owned()];
    }
    let all = paths == ["*"];
    let known = |path: &String| VersionContent::FIELDS.contains(&path.as_str());
    let merged = match merge(&current, &update, &paths) {
        Ok(merged) => merged,
        Err(found) => {
            assert!(!all && !paths.iter().all(known));
            assert!(found.list().iter().all(|violation| violation.field == "update_mask"));
            return Ok(());
        }
    };
    assert!(all || paths.iter().all(known));
    for field in VersionContent::FIELDS {
        let named = paths.iter().any(|path| path == field);
        let taken = all || named || (paths.is_empty() && !update.is_empty(field));
        let mut expected = merged.clone();
        expected.take(field, if taken { &update } else { &current });
        assert_eq!(expected, merged, "{field} under {paths:?}");
    }
    assert_eq!(merge(&merged, &update, &paths).as_ref(), Ok(&merged));
    // Judging it ends, whatever it holds.
    merged.check(&mut steward_registry::domain::check::Violations::new());
    Ok(())
}
