//! Which versions may be used, and what their users should know. The clock is
//! obeyed here, at read time: no background task has to have run.

use super::{
    lifecycle::VersionState,
    refusal::{Reason, Refusal},
    time::Timestamp,
    version::Version,
};

/// Something the caller should know although the version resolves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// A stable word in UPPER_SNAKE_CASE.
    pub code: &'static str,
    /// A sentence: what, until when, what to do.
    pub message: String,
}

/// Whether a version may be used at a time, with warnings. A candidate may only
/// be asked for explicitly, not reached by an alias.
pub fn resolve(version: &Version, by_alias: bool, now: Timestamp) -> Result<Vec<Warning>, Refusal> {
    let refuse = |reason, sentence: String| {
        let replacement = version.deprecation.as_ref().and_then(|d| d.replacement());
        Err(Refusal::new(reason, &version.name, sentence).with_replacement(replacement))
    };
    match version.state {
        VersionState::Approved => Ok(Vec::new()),
        VersionState::Draft => {
            refuse(Reason::VersionDraft, "it is a DRAFT; submit it and have it approved".into())
        }
        VersionState::Candidate if by_alias => refuse(
            Reason::VersionCandidate,
            "it is a CANDIDATE, which no alias resolves; have it approved".into(),
        ),
        VersionState::Candidate => Ok(vec![Warning {
            code: "VERSION_NOT_APPROVED",
            message: "This version is a CANDIDATE: it is under review and not approved for use.".into(),
        }]),
        VersionState::Deprecated => deprecated(version, now),
        VersionState::Retired => refuse(Reason::VersionRetired, retired_sentence(version)),
        VersionState::Rejected => {
            refuse(Reason::VersionRejected, "it was refused in review; use an approved version".into())
        }
        VersionState::Archived => {
            refuse(Reason::VersionArchived, "it is archived; use an approved version".into())
        }
    }
}

fn deprecated(version: &Version, now: Timestamp) -> Result<Vec<Warning>, Refusal> {
    let Some(deprecation) = &version.deprecation else { return Ok(Vec::new()) };
    if deprecation.sunset_time <= now {
        return Err(Refusal::new(Reason::VersionRetired, &version.name, retired_sentence(version))
            .with_replacement(deprecation.replacement()));
    }
    let advice = match deprecation.replacement() {
        Some(name) => format!("Move to {name}."),
        None => "There is no replacement.".to_owned(),
    };
    let message = format!(
        "This version is DEPRECATED and stops resolving on {} ({}). {advice}",
        deprecation.sunset_time, deprecation.decision.reason
    );
    Ok(vec![Warning { code: "VERSION_DEPRECATED", message }])
}

fn retired_sentence(version: &Version) -> String {
    let Some(deprecation) = &version.deprecation else {
        return "it is out of service; use an approved version".to_owned();
    };
    let advice = match deprecation.replacement() {
        Some(name) => format!("use {name}"),
        None => "there is no replacement".to_owned(),
    };
    format!("it is out of service (sunset {}); {advice}", deprecation.sunset_time)
}
