//! One step in the life of a version: carried out at once, or proposed so that
//! somebody else can agree.

use prost_types::Timestamp;

use super::{client::Session, error::Failure, name, table::version_words};
use crate::proto::v1::{
    self, Proposal, Version, deprecate_step, deprecate_version_request, emergency_retire_step, proposal,
};

/// A step and what goes with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The full name of the version.
    pub version: String,
    /// What is to happen.
    pub verb: Verb,
    /// Why.
    pub reason: String,
    /// The state of the version that the caller has seen; empty for any.
    pub etag: String,
    /// The full name of the incident that it is about; empty when there is none.
    pub incident: String,
}

/// What happens to a version.
#[derive(Clone, Debug, PartialEq)]
pub enum Verb {
    /// Hand it in for review.
    Submit,
    /// Approve it, perhaps in spite of gates that fail.
    Approve {
        /// Break-glass.
        gates_overridden: bool,
    },
    /// Refuse it.
    Reject,
    /// Announce its end.
    Deprecate {
        /// When it ends.
        sunset: Timestamp,
        /// What callers move to.
        successor: Successor,
    },
    /// Put its end off.
    Extend(Timestamp),
    /// Bring its end forward.
    Shorten(Timestamp),
    /// Take it out of service at once.
    EmergencyRetire(Successor),
    /// Bring it back for a while.
    Restore(Timestamp),
    /// Quarantine it.
    Hold,
    /// Lift the quarantine.
    Release,
    /// Take a deprecation back.
    Reinstate,
    /// Take it out of service before its sunset.
    Retire,
    /// Put it away.
    Archive,
}

/// What callers move to.
#[derive(Clone, Debug, PartialEq)]
pub enum Successor {
    /// A version, by its full name.
    Replacement(String),
    /// Nothing, and why.
    Nothing(String),
}

/// Writes the conversion of [`Successor`] into the `successor` of each message.
macro_rules! into_successor {
    ($($message:ident),*) => {$(
        impl From<Successor> for $message::Successor {
            fn from(successor: Successor) -> Self {
                match successor {
                    Successor::Replacement(version) => Self::Replacement(version),
                    Successor::Nothing(why) => Self::NoReplacementReason(why),
                }
            }
        }
    )*};
}
into_successor!(deprecate_step, deprecate_version_request, emergency_retire_step);

impl Step {
    /// Carries the step out, or with `dry_run` only asks whether it would be.
    ///
    /// # Errors
    /// Everything that stands against it.
    pub async fn carry_out(
        self,
        session: &Session,
        request_id: &str,
        dry_run: bool,
    ) -> Result<Version, Failure> {
        let Step { version, verb, reason, etag, incident } = self;
        macro_rules! send {
            ($request:ident { $($field:ident: $value:expr),* }, $method:ident) => {{
                let request = v1::$request {
                    name: version,
                    reason,
                    etag,
                    request_id: request_id.to_owned(),
                    validate_only: dry_run,
                    $($field: $value,)*
                };
                session.change(request_id, request, async |r| session.lifecycle().$method(r).await).await
            }};
        }
        match verb {
            Verb::Submit => send!(SubmitVersionRequest {}, submit_version),
            Verb::Approve { gates_overridden } => send!(
                ApproveVersionRequest { gates_overridden: gates_overridden, incident: incident },
                approve_version
            ),
            Verb::Reject => send!(RejectVersionRequest {}, reject_version),
            Verb::Deprecate { sunset, successor } => send!(
                DeprecateVersionRequest { sunset_time: Some(sunset), successor: Some(successor.into()) },
                deprecate_version
            ),
            Verb::Extend(sunset) => {
                send!(ExtendSunsetRequest { sunset_time: Some(sunset) }, extend_sunset)
            }
            Verb::Shorten(_) | Verb::EmergencyRetire(_) | Verb::Restore(_) => {
                Err(Failure::Usage("It takes two people: propose it.".into()))
            }
            Verb::Hold => send!(HoldVersionRequest { incident: incident }, hold_version),
            Verb::Release => send!(ReleaseVersionRequest {}, release_version),
            Verb::Reinstate => send!(ReinstateVersionRequest {}, reinstate_version),
            Verb::Retire => send!(RetireVersionRequest {}, retire_version),
            Verb::Archive => send!(ArchiveVersionRequest {}, archive_version),
        }
    }

    /// Proposes the step under `id`; the server draws one when it is empty.
    ///
    /// # Errors
    /// Everything that stands against it but the people who still have to agree.
    pub async fn propose(
        self,
        session: &Session,
        id: String,
        request_id: &str,
        dry_run: bool,
    ) -> Result<Proposal, Failure> {
        let Some(step) = self.verb.proposed() else {
            return Err(Failure::Usage("Nobody else is needed for this step: leave --propose out.".into()));
        };
        let request = v1::CreateProposalRequest {
            parent: self.version,
            proposal_id: id,
            proposal: Some(Proposal {
                step: Some(step),
                reason: self.reason,
                incident: self.incident,
                ..Proposal::default()
            }),
            request_id: request_id.to_owned(),
            validate_only: dry_run,
        };
        let send = async |r| session.proposals().create_proposal(r).await;
        session.change(request_id, request, send).await
    }
}

impl Verb {
    /// The step as a proposal has it; none for what never takes a second person.
    fn proposed(self) -> Option<proposal::Step> {
        match self {
            Verb::Approve { gates_overridden } => {
                Some(proposal::Step::Approve(v1::ApproveStep { gates_overridden }))
            }
            Verb::Deprecate { sunset, successor } => Some(proposal::Step::Deprecate(v1::DeprecateStep {
                sunset_time: Some(sunset),
                successor: Some(successor.into()),
            })),
            Verb::Extend(sunset) => Some(proposal::Step::ExtendSunsetTime(sunset)),
            Verb::Shorten(sunset) => Some(proposal::Step::ShortenSunsetTime(sunset)),
            Verb::EmergencyRetire(successor) => {
                Some(proposal::Step::EmergencyRetire(v1::EmergencyRetireStep {
                    successor: Some(successor.into()),
                }))
            }
            Verb::Restore(until) => Some(proposal::Step::RestoreUntilTime(until)),
            Verb::Release => Some(proposal::Step::Release(())),
            Verb::Reinstate => Some(proposal::Step::Reinstate(())),
            Verb::Submit | Verb::Reject | Verb::Hold | Verb::Retire | Verb::Archive => None,
        }
    }

    /// Whether it takes two people wherever it is, so that it can only be proposed.
    pub fn takes_two(&self) -> bool {
        matches!(self, Verb::Shorten(_) | Verb::EmergencyRetire(_) | Verb::Restore(_))
    }

    /// What happened to the version, behind its name in a sentence.
    pub fn outcome(&self, version: &Version) -> String {
        use super::{table::time, version_view::state_word};
        let state = state_word(version);
        let until = match time(version.effective_sunset_time) {
            none if none.is_empty() => String::new(),
            end => format!(" until {end}"),
        };
        match self {
            Verb::Hold => format!("is on hold and does not resolve{}", way_back_words(version)),
            Verb::Release => format!("is released; it is {state}"),
            Verb::Restore(_) => format!("is back as {state}{until}; then it retires by itself"),
            Verb::Extend(_) => format!("now ends later: it is {state}{until}"),
            Verb::Shorten(_) => format!("now ends earlier: it is {state}{until}"),
            Verb::Deprecate { .. } => format!("is now {state}{until}"),
            _ => format!("is now {state}"),
        }
    }
}

/// What to do now that a version is on hold.
fn way_back_words(version: &Version) -> String {
    let model = name::id(name::parent(&version.name));
    match version.hold.as_ref().map(|hold| hold.way_back.as_str()) {
        None | Some("") => "; if production points to it, there is no safe version to go back to".to_owned(),
        Some(target) => {
            format!("; `steward alias rollback {model} production` goes back to {}", version_words(target))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const NEW_YEAR: Timestamp = Timestamp { seconds: 1_767_225_600, nanos: 0 };

    fn approved() -> Version {
        Version {
            name: "namespaces/n/models/m/versions/2".into(),
            state: v1::VersionState::Approved.into(),
            ..Version::default()
        }
    }

    #[test]
    fn a_step_is_told_by_the_state_that_it_leads_to() {
        assert_eq!(Verb::Approve { gates_overridden: false }.outcome(&approved()), "is now APPROVED");
        let deprecated = Version {
            state: v1::VersionState::Deprecated.into(),
            effective_sunset_time: Some(NEW_YEAR),
            ..approved()
        };
        let verb = Verb::Deprecate { sunset: NEW_YEAR, successor: Successor::Nothing("no need".into()) };
        assert_eq!(verb.outcome(&deprecated), "is now DEPRECATED until 2026-01-01T00:00:00Z");
    }

    #[test]
    fn a_hold_names_the_way_back_or_says_that_there_is_none() {
        assert!(Verb::Hold.outcome(&approved()).contains("no safe version"));
        let way_back = "namespaces/n/models/m/versions/1".to_owned();
        let held = Version { hold: Some(v1::Hold { way_back, ..Default::default() }), ..approved() };
        assert!(
            Verb::Hold
                .outcome(&held)
                .contains("`steward alias rollback m production` goes back to version 1 of m")
        );
    }

    #[test]
    fn what_never_takes_a_second_person_cannot_be_proposed() {
        for verb in [Verb::Submit, Verb::Reject, Verb::Hold, Verb::Retire, Verb::Archive] {
            assert_eq!(verb.proposed(), None);
        }
        assert_eq!(Verb::Release.proposed(), Some(proposal::Step::Release(())));
        assert_eq!(Verb::Extend(NEW_YEAR).proposed(), Some(proposal::Step::ExtendSunsetTime(NEW_YEAR)));
    }
}
