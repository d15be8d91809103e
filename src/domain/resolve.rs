//! Which versions may be used, and what their users should know. The clock is
//! obeyed here, at read time: no background task has to have run.

use super::{
    lifecycle::{Deprecation, Hold, VersionState},
    name::VersionName,
    policy::Enforcement,
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

/// What is known of who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asker {
    /// Nobody said.
    #[default]
    Unknown,
    /// A program that nobody registered.
    Unregistered,
    /// A registered consumer.
    Consumer {
        /// Whether it asked for this version before.
        has_used: bool,
        /// Whether it is spared this version's brownouts.
        is_exempt: bool,
    },
}

/// Whether a version may be used at a time, with warnings. A candidate may only
/// be asked for explicitly, not reached by an alias.
pub fn resolve(
    version: &Version,
    by_alias: bool,
    asker: Asker,
    now: Timestamp,
) -> Result<Vec<Warning>, Refusal> {
    let refuse = |reason, sentence: String| Err(refusal(version, reason, sentence));
    if let (true, Some(hold)) = (version.state.is_alive(), &version.hold) {
        return Err(on_hold(version, hold));
    }
    let mut warnings = match version.state {
        VersionState::Approved if version.is_over(now) => return Err(retired(version)),
        VersionState::Approved => ends_upstream(version).into_iter().collect(),
        VersionState::Draft => {
            return refuse(Reason::VersionDraft, "it is a DRAFT; submit it and have it approved".into());
        }
        VersionState::Candidate if by_alias => {
            let sentence = "it is a CANDIDATE, which no alias resolves; have it approved".into();
            return refuse(Reason::VersionCandidate, sentence);
        }
        VersionState::Candidate => vec![Warning {
            code: "VERSION_NOT_APPROVED",
            message: "This version is a CANDIDATE: it is under review and not approved for use.".into(),
        }],
        VersionState::Deprecated => deprecated(version, asker, now)?,
        VersionState::Retired => return Err(retired(version)),
        VersionState::Rejected => {
            return refuse(
                Reason::VersionRejected,
                "it was refused in review; use an approved version".into(),
            );
        }
        VersionState::Archived => {
            return refuse(Reason::VersionArchived, "it is archived; use an approved version".into());
        }
    };
    if asker == Asker::Unregistered {
        let message =
            "Nobody registered this consumer, so nobody can tell it when the version goes: register it.";
        warnings.push(Warning { code: "CONSUMER_NOT_REGISTERED", message: message.to_owned() });
    }
    Ok(warnings)
}

/// Where calls for a version that is out of service are led, if its policy says so.
pub fn redirect_of(version: &Version) -> Option<&VersionName> {
    let deprecation = version.deprecation.as_ref()?;
    deprecation.replacement().filter(|_| deprecation.enforcement == Enforcement::Redirect)
}

/// Whether a replacement may answer in place of another version: it has passed the
/// gates of the same policy.
pub fn may_stand_in(replacement: &Version, version: &Version) -> bool {
    let policy = |version: &Version| Some(version.review.as_ref()?.policy.as_ref()?.name.clone());
    replacement.state == VersionState::Approved && policy(replacement) == policy(version)
}

/// What a caller is told who asked for a version and is given its replacement.
pub fn redirected(version: &Version, replacement: &Version) -> Warning {
    let message = format!(
        "{} is out of service; this is its replacement, {}. Ask for that.",
        version.name, replacement.name
    );
    Warning { code: "VERSION_REDIRECTED", message }
}

fn refusal(version: &Version, reason: Reason, sentence: String) -> Refusal {
    let replacement = version.deprecation.as_ref().and_then(|d| d.replacement());
    Refusal::new(reason, &version.name, sentence).with_replacement(replacement)
}

fn on_hold(version: &Version, hold: &Hold) -> Refusal {
    let advice = match &hold.way_back {
        Some(name) => format!("go back to {name}"),
        None => "there is no version to go back to".to_owned(),
    };
    let sentence = format!("it is on hold since {} ({}); {advice}", hold.decision.time, hold.decision.reason);
    let way_back = hold.way_back.as_ref();
    let replacement = version.deprecation.as_ref().and_then(|d| d.replacement());
    Refusal::new(Reason::VersionOnHold, &version.name, sentence).with_replacement(way_back.or(replacement))
}

/// An approved version whose provider has announced its end.
fn ends_upstream(version: &Version) -> Option<Warning> {
    let end = version.upstream_end.as_ref()?;
    let message = format!(
        "Its provider shuts this version down on {}; it stops resolving on {}. Have a replacement approved.",
        end.shutdown_time, end.latest_time
    );
    Some(Warning { code: "UPSTREAM_ENDS", message })
}

fn deprecated(version: &Version, asker: Asker, now: Timestamp) -> Result<Vec<Warning>, Refusal> {
    if version.is_over(now) {
        return Err(retired(version));
    }
    let Some(deprecation) = &version.deprecation else { return Ok(Vec::new()) };
    if let Asker::Consumer { has_used: false, .. } = asker {
        let sentence = format!(
            "it is DEPRECATED, and this consumer has not used it before; {}",
            use_instead(deprecation)
        );
        return Err(refusal(version, Reason::NewConsumerRefused, sentence));
    }
    let is_exempt = matches!(asker, Asker::Consumer { is_exempt: true, .. });
    let is_quiet = is_exempt || version.restoration.is_some() || !version.open_incidents.is_empty();
    if let Some(brownout) = deprecation.schedule.brownout_at(now).filter(|_| !is_quiet) {
        let sentence = format!(
            "it is in a brownout until {}, announced with its sunset: so its callers notice in time that it goes; {}",
            brownout.end_time,
            use_instead(deprecation)
        );
        let refusal = refusal(version, Reason::VersionBrownout, sentence);
        return Err(refusal.with("window_end_time", brownout.end_time));
    }
    let end = version.effective_sunset().unwrap_or(deprecation.sunset_time);
    let message = match &version.restoration {
        Some(restoration) => format!(
            "This version was RETIRED and is back until {end} ({}). {}.",
            restoration.decision.reason,
            capitalized(&use_instead(deprecation))
        ),
        None => format!(
            "This version is DEPRECATED and stops resolving on {end} ({}). {}.",
            deprecation.decision.reason,
            capitalized(&use_instead(deprecation))
        ),
    };
    Ok(vec![Warning { code: "VERSION_DEPRECATED", message }])
}

fn use_instead(deprecation: &Deprecation) -> String {
    match deprecation.replacement() {
        Some(name) => format!("move to {name}"),
        None => "there is no replacement".to_owned(),
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn retired(version: &Version) -> Refusal {
    let sentence = match (&version.deprecation, version.effective_sunset()) {
        (None, None) => "it is out of service; use an approved version".to_owned(),
        (None, Some(sunset)) => format!("it is out of service (sunset {sunset}); use an approved version"),
        (Some(deprecation), sunset) => {
            let sunset = sunset.unwrap_or(deprecation.sunset_time);
            format!("it is out of service (sunset {sunset}); {}", use_instead(deprecation))
        }
    };
    refusal(version, Reason::VersionRetired, sentence)
}
