//! The life of a version through the wire: every verb from every state, the
//! guards, and what each step leaves behind.

use crate::support::{
    BEGIN, DAY, NAMESPACE, NOTICE, TestServer, create_version, explain, time, version_name,
};
use steward_registry::proto::v1::{
    self, VersionState, VersionState::*, deprecate_version_request::Successor,
};
use tonic::{Code, Request, Response, Status};

/// What is done to a version; `Deprecate` names no replacement.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verb {
    Submit,
    Approve,
    Reject,
    Deprecate,
    Reinstate,
    Retire,
    Archive,
}

/// Where the sunset makes no difference.
const SUNSET: i64 = BEGIN + NOTICE;

use Verb::*;

const VERBS: [Verb; 7] = [Submit, Approve, Reject, Deprecate, Reinstate, Retire, Archive];

/// The verbs that lead from creation to each state.
const WAYS: [(VersionState, &[Verb]); 7] = [
    (Draft, &[]),
    (Candidate, &[Submit]),
    (Approved, &[Submit, Approve]),
    (Deprecated, &[Submit, Approve, Deprecate]),
    (Retired, &[Submit, Approve, Deprecate, Retire]),
    (Rejected, &[Submit, Reject]),
    (Archived, &[Submit, Reject, Archive]),
];

/// Does it, as somebody and for a reason that both name the verb.
async fn apply(server: &TestServer, number: u32, verb: Verb) -> Result<v1::Version, Status> {
    let (name, reason) = (version_name("m", number), format!("{verb:?} it"));
    macro_rules! call {
        ($method:ident, $request:ident $(, $field:ident: $value:expr)*) => {{
            let request = v1::$request { name, reason, $($field: $value,)* ..Default::default() };
            let mut request = Request::new(request);
            request.metadata_mut().insert("steward-actor", format!("{verb:?}r").parse().unwrap());
            server.lifecycle().$method(request).await.map(Response::into_inner)
        }};
    }
    match verb {
        Submit => call!(submit_version, SubmitVersionRequest),
        Approve => call!(approve_version, ApproveVersionRequest),
        Reject => call!(reject_version, RejectVersionRequest),
        Deprecate => {
            let successor = Some(Successor::NoReplacementReason("the service ends".to_owned()));
            let sunset_time = Some(time(SUNSET));
            call!(deprecate_version, DeprecateVersionRequest, successor: successor, sunset_time: sunset_time)
        }
        Reinstate => call!(reinstate_version, ReinstateVersionRequest),
        Retire => call!(retire_version, RetireVersionRequest),
        Archive => call!(archive_version, ArchiveVersionRequest),
    }
}

/// A new version, led to a state.
async fn reach(server: &TestServer, state: VersionState) -> u32 {
    let name = server.version("m").await.name;
    let number = name.rsplit('/').next().unwrap().parse().unwrap();
    let (_, way) = WAYS.iter().find(|(reached, _)| *reached == state).unwrap();
    for verb in *way {
        apply(server, number, *verb).await.unwrap();
    }
    number
}

async fn read(server: &TestServer, number: u32) -> v1::Version {
    let request = v1::GetVersionRequest { name: version_name("m", number), read_at: None };
    server.versions().get_version(request).await.unwrap().into_inner()
}

async fn started() -> TestServer {
    let server = TestServer::start().await;
    server.model("m").await;
    server
}

/// What goes on record: who, why, when, and under which rules.
async fn decision(server: &TestServer, verb: Verb, at: i64) -> Option<v1::Decision> {
    let (actor, reason) = (format!("{verb:?}r"), format!("{verb:?} it"));
    let name = format!("{NAMESPACE}/policies/preview");
    let get = v1::GetPolicyRequest { name: name.clone(), ..Default::default() };
    let v1::Policy { revision, digest, .. } = server.policies().get_policy(get).await.unwrap().into_inner();
    let policy = Some(v1::PolicyReference { policy: name, revision, digest });
    Some(v1::Decision { actor, reason, time: Some(time(at)), policy, ..Default::default() })
}

#[tokio::test]
async fn every_verb_leads_from_every_state_where_the_contract_says_and_else_nowhere() {
    let server = started().await;
    for (state, _) in WAYS {
        for verb in VERBS {
            let number = reach(&server, state).await;
            let before = read(&server, number).await;
            assert_eq!(before.state(), state);
            let size = server.size().await;
            let next = match (state, verb) {
                (Draft, Submit) => Some(Candidate),
                (Candidate, Approve) => Some(Approved),
                (Candidate, Reject) => Some(Rejected),
                (Approved, Deprecate) => Some(Deprecated),
                (Deprecated, Reinstate) => Some(Approved),
                (Deprecated, Retire) => Some(Retired),
                (Retired | Rejected, Archive) => Some(Archived),
                _ => None,
            };
            let answer = apply(&server, number, verb).await;
            let Some(next) = next else {
                let word = "ILLEGAL_TRANSITION".to_owned();
                let wanted = (Code::FailedPrecondition, word.clone(), vec![word]);
                assert_eq!(explain(&answer.unwrap_err()), wanted, "{verb:?} from {state:?}");
                assert_eq!(read(&server, number).await, before);
                assert_eq!(server.size().await, size);
                continue;
            };
            let after = answer.unwrap();
            assert_eq!(after.state(), next, "{verb:?} from {state:?}");
            assert_eq!(after.audit_position, size);
            assert_eq!(read(&server, number).await, after);
        }
    }
    server.stop().await;
}

fn reminder(sunset: i64, days_before: i32) -> v1::Reminder {
    let due_time = Some(time(sunset - i64::from(days_before) * DAY));
    v1::Reminder { due_time, days_before, sent_time: None }
}

#[tokio::test]
async fn each_step_records_who_when_and_why_and_keeps_what_was_recorded() {
    let server = started().await;
    server.version("m").await;
    let mut version = read(&server, 1).await;
    for (hours, verb) in (1..).zip([Submit, Approve, Deprecate, Retire, Archive]) {
        let now = BEGIN + hours * 3_600_000_000;
        server.clock.set(now);
        let after = apply(&server, 1, verb).await.unwrap();
        version.update_time = Some(time(now));
        version.audit_position += 1;
        version.etag = format!("p{}", version.audit_position);
        let decision = decision(&server, verb, now).await;
        match verb {
            Submit => {
                version.submission = decision;
                version.content_digest = after.content_digest.clone();
                version.set_state(Candidate);
            }
            Approve => {
                version.review = decision;
                // A preview has no least life.
                version.not_sooner_than_time = Some(time(now));
                version.set_state(Approved);
            }
            Deprecate => {
                version.deprecation = Some(v1::Deprecation {
                    decision,
                    sunset_time: Some(time(SUNSET)),
                    no_replacement_reason: "the service ends".to_owned(),
                    reminders: [14, 7, 1].map(|days| reminder(SUNSET, days)).to_vec(),
                    enforcement: v1::Enforcement::Block.into(),
                    ..Default::default()
                });
                version.effective_sunset_time = Some(time(SUNSET));
                version.set_state(Deprecated);
            }
            Retire => {
                version.retirement = Some(v1::Retirement {
                    decision,
                    cause: v1::RetirementCause::Unused.into(),
                    // It was announced an hour ago.
                    notice: Some(prost_types::Duration { seconds: 3_600, nanos: 0 }),
                });
                version.effective_sunset_time = None;
                version.set_state(Retired);
            }
            _ => {
                version.archival = decision;
                version.set_state(Archived);
            }
        }
        assert_eq!(after, version, "{verb:?}");
    }
    server.version("m").await;
    apply(&server, 2, Submit).await.unwrap();
    let rejected = apply(&server, 2, Reject).await.unwrap();
    assert_eq!(rejected.review.unwrap().actor, "Rejectr");
    server.stop().await;
}

#[tokio::test]
async fn a_version_without_an_artifact_digest_or_an_upstream_cannot_be_submitted() {
    let server = started().await;
    let create = async |version: v1::Version| {
        let request = v1::CreateVersionRequest { version: Some(version), ..create_version("m") };
        server.versions().create_version(request).await.unwrap();
    };
    create(v1::Version::default()).await;
    let artifact = v1::Artifact { uri: "s3://m".to_owned(), ..Default::default() };
    create(v1::Version { artifacts: vec![artifact], ..Default::default() }).await;
    for number in [1, 2] {
        let error = apply(&server, number, Submit).await.unwrap_err();
        assert_eq!(explain(&error).1, "CONTENT_INCOMPLETE");
    }
    let upstream = v1::UpstreamReference {
        provider: "openai".to_owned(),
        model_id: "gpt".to_owned(),
        ..Default::default()
    };
    create(v1::Version { upstream: Some(upstream), ..Default::default() }).await;
    apply(&server, 3, Submit).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn content_gets_its_digest_at_submission_and_is_frozen_from_then_on() {
    let server = started().await;
    let change = |number| v1::UpdateVersionRequest {
        version: Some(v1::Version {
            name: version_name("m", number),
            description: "changed".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut digests = Vec::new();
    for (state, _) in WAYS {
        let number = reach(&server, state).await;
        let answer = server.versions().update_version(change(number)).await;
        if state == Draft {
            assert_eq!(answer.unwrap().into_inner().content_digest, "");
            continue;
        }
        let word = "VERSION_FROZEN".to_owned();
        let wanted = (Code::FailedPrecondition, word.clone(), vec![word]);
        assert_eq!(explain(&answer.unwrap_err()), wanted, "{state:?}");
        digests.push(read(&server, number).await.content_digest);
    }
    assert!(digests[0].starts_with("sha256:") && digests[0].len() == 71, "{}", digests[0]);
    assert!(digests.iter().all(|digest| *digest == digests[0]), "the same content has the same digest");
    let changed = apply(&server, 1, Submit).await.unwrap().content_digest;
    assert_ne!(changed, digests[0], "other content has another");
    server.stop().await;
}

/// Deprecates version 1 with this sunset and successor.
async fn deprecate(server: &TestServer, sunset: i64, successor: Successor) -> Result<v1::Version, Status> {
    deprecate_number(server, 1, sunset, successor).await
}

async fn deprecate_number(
    server: &TestServer,
    number: u32,
    sunset: i64,
    successor: Successor,
) -> Result<v1::Version, Status> {
    let request = v1::DeprecateVersionRequest {
        name: version_name("m", number),
        reason: "old".to_owned(),
        sunset_time: Some(time(sunset)),
        successor: Some(successor),
        ..Default::default()
    };
    server.lifecycle().deprecate_version(request).await.map(Response::into_inner)
}

fn replacement(number: u32) -> Successor {
    Successor::Replacement(version_name("m", number))
}

#[tokio::test]
async fn a_sunset_lies_in_the_future_by_the_notice_at_least() {
    let server = started().await;
    reach(&server, Approved).await;
    server.clock.advance(DAY);
    let none = || Successor::NoReplacementReason("none".to_owned());
    for sunset in [BEGIN, BEGIN + DAY - 1, BEGIN + DAY] {
        let error = deprecate(&server, sunset, none()).await.unwrap_err();
        assert_eq!(explain(&error).1, "SUNSET_NOT_IN_FUTURE");
    }
    let earliest = BEGIN + DAY + 14 * DAY;
    for sunset in [BEGIN + DAY + 1, earliest - 1] {
        let error = deprecate(&server, sunset, none()).await.unwrap_err();
        assert_eq!(explain(&error).1, "NOTICE_TOO_SHORT");
        assert!(error.message().contains("2026-03-16T00:00:00Z"), "{}", error.message());
    }
    deprecate(&server, earliest, none()).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_replacement_exists_and_is_approved_and_is_another_version() {
    let server = started().await;
    reach(&server, Approved).await;
    let sunset = SUNSET;
    let word = async |successor| explain(&deprecate(&server, sunset, successor).await.unwrap_err()).1;
    assert_eq!(word(replacement(99)).await, "REPLACEMENT_MISSING");
    assert_eq!(word(replacement(1)).await, "REPLACEMENT_CIRCLE");
    for state in [Draft, Candidate, Deprecated, Retired, Rejected, Archived] {
        let number = reach(&server, state).await;
        assert_eq!(word(replacement(number)).await, "REPLACEMENT_NOT_APPROVED", "{state:?}");
    }
    server.model("other").await;
    let other = server.approved("other").await.name;
    let deprecated = deprecate(&server, sunset, Successor::Replacement(other.clone())).await.unwrap();
    assert_eq!(deprecated.deprecation.unwrap().replacement, other, "of any model in the namespace");
    server.stop().await;
}

#[tokio::test]
async fn replacements_make_no_circle_also_by_a_detour() {
    let server = started().await;
    for _ in 0..3 {
        reach(&server, Approved).await;
    }
    let sunset = SUNSET;
    deprecate_number(&server, 1, sunset, replacement(2)).await.unwrap();
    deprecate_number(&server, 2, sunset, replacement(3)).await.unwrap();
    let error = deprecate_number(&server, 3, sunset, replacement(1)).await.unwrap_err();
    assert_eq!(explain(&error).1, "REPLACEMENT_CIRCLE");
    // Once the first one is back in service, nothing leads from it to the third.
    apply(&server, 1, Reinstate).await.unwrap();
    deprecate_number(&server, 3, sunset, replacement(1)).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn reinstating_voids_the_sunset_and_another_may_follow() {
    let server = started().await;
    let number = reach(&server, Deprecated).await;
    let back = apply(&server, number, Reinstate).await.unwrap();
    assert_eq!((back.state(), back.deprecation), (Approved, None));
    assert!(back.review.is_some());
    server.clock.advance(30 * DAY);
    assert_eq!(read(&server, number).await.state(), Approved);
    reach(&server, Approved).await;
    let again = deprecate(&server, BEGIN + 60 * DAY, replacement(2)).await.unwrap();
    let deprecation = again.deprecation.unwrap();
    assert_eq!(deprecation.sunset_time, Some(time(BEGIN + 60 * DAY)));
    assert_eq!(
        (deprecation.replacement, deprecation.no_replacement_reason),
        (version_name("m", 2), String::new())
    );
    server.stop().await;
}

#[tokio::test]
async fn a_verb_on_what_does_not_exist_is_not_found() {
    let server = started().await;
    for verb in VERBS {
        let error = apply(&server, 1, verb).await.unwrap_err();
        assert_eq!(explain(&error), (Code::NotFound, "VERSION_NOT_FOUND".into(), vec![]), "{verb:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn without_a_name_the_caller_is_anonymous_and_a_name_may_be_percent_encoded() {
    let server = started().await;
    let anonymous = server.approved("m").await.review.unwrap();
    assert_eq!(anonymous.actor, "anonymous");
    server.version("m").await;
    let name = version_name("m", 2);
    let request = v1::SubmitVersionRequest { name, reason: "Está lista".to_owned(), ..Default::default() };
    let mut request = Request::new(request);
    request.metadata_mut().insert("steward-actor", "Mar%C3%ADa".parse().unwrap());
    let submission =
        server.lifecycle().submit_version(request).await.unwrap().into_inner().submission.unwrap();
    assert_eq!((submission.actor.as_str(), submission.reason.as_str()), ("María", "Está lista"));
    server.stop().await;
}
