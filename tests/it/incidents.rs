//! Incidents and quarantines through the wire.

use crate::{
    ask::{self, Ask},
    support::{BEGIN, REVIEWER, TestServer, by, explain, model_name, time, version_name},
};
use prost::Message as _;
use steward_registry::proto::v1;
use tonic::{Code, Response, Status};

fn incident_name(id: &str) -> String {
    format!("{}/incidents/{id}", model_name("m"))
}

async fn version(server: &TestServer, number: u32) -> v1::Version {
    let request = v1::GetVersionRequest { name: version_name("m", number), read_at: None };
    server.versions().get_version(request).await.unwrap().into_inner()
}

async fn open(server: &TestServer, id: &str, number: u32) -> v1::Incident {
    let opened = ask::open_incident("m", id, number, "donors complain").send(&server.channel).await.unwrap();
    v1::Incident::decode(opened.as_slice()).unwrap()
}

async fn resolve(server: &TestServer, number: u32) -> Result<(), Status> {
    let selector = Some(v1::resolve_version_request::Selector::Number(number.into()));
    let request = v1::ResolveVersionRequest { model: model_name("m"), selector, ..Default::default() };
    server.versions().resolve_version(request).await.map(drop)
}

/// A server with approved versions 1 and 2 of `m`.
async fn started() -> TestServer {
    let server = TestServer::start().await;
    server.model("m").await;
    for _ in 0..2 {
        server.approved("m").await;
    }
    server
}

async fn is_refused(server: &TestServer, ask: Ask, actor: &str, reason: &str) -> Status {
    let head = server.head().await;
    let error = ask.send_as(&server.channel, Some(actor)).await.unwrap_err();
    let wanted = (Code::FailedPrecondition, reason.to_owned());
    let (code, found, _) = explain(&error);
    assert_eq!((code, found), wanted, "{}", error.message());
    assert_eq!(server.head().await, head);
    error
}

#[tokio::test]
async fn an_incident_is_read_back_as_it_was_opened_and_its_versions_know_of_it() {
    let server = started().await;
    let opened = open(&server, "nonsense", 2).await;
    let size = server.size().await;
    assert_eq!((opened.name.as_str(), opened.closing.as_ref()), (incident_name("nonsense").as_str(), None));
    let opening = opened.opening.as_ref().unwrap();
    assert_eq!((opening.actor.as_str(), opening.reason.as_str()), ("anonymous", "donors complain"));
    assert_eq!(opened.versions, [version_name("m", 2)]);
    assert_eq!((opened.audit_position, opened.create_time), (size - 1, Some(time(BEGIN + size as i64 - 1))));
    let request = v1::GetIncidentRequest { name: opened.name.clone(), read_at: None };
    assert_eq!(server.incidents().get_incident(request).await.unwrap().into_inner(), opened);

    let involved = version(&server, 2).await;
    assert_eq!(involved.open_incidents, std::slice::from_ref(&opened.name));
    assert_eq!(involved.audit_position, opened.audit_position, "one event for both");
    assert_eq!(version(&server, 1).await.open_incidents, [""; 0]);
    let again = ask::open_incident("m", "nonsense", 1, "again").send(&server.channel).await.unwrap_err();
    assert_eq!(explain(&again), (Code::AlreadyExists, "INCIDENT_EXISTS".into(), vec![]));
    server.stop().await;
}

#[tokio::test]
async fn a_closed_incident_stays_on_record_and_leaves_its_versions() {
    let server = started().await;
    let (first, second) = (open(&server, "a", 1).await, open(&server, "b", 1).await);
    let close = |name: &str| ask::close_incident(name, "mended");
    let closed = close(&first.name).send_as(&server.channel, Some("ana")).await.unwrap();
    let closed = v1::Incident::decode(closed.as_slice()).unwrap();
    let closing = closed.closing.as_ref().unwrap();
    assert_eq!((closing.actor.as_str(), closing.reason.as_str()), ("ana", "mended"));
    assert_eq!(version(&server, 1).await.open_incidents, [second.name.as_str()], "the other is still open");
    is_refused(&server, close(&first.name), "ana", "INCIDENT_CLOSED").await;
    let request = v1::ListIncidentsRequest { parent: model_name("m"), ..Default::default() };
    let listed = server.incidents().list_incidents(request).await.unwrap().into_inner().incidents;
    assert_eq!(listed, [closed, second]);
    let missing = close(&incident_name("c")).send(&server.channel).await.unwrap_err();
    assert_eq!(explain(&missing), (Code::NotFound, "INCIDENT_NOT_FOUND".into(), vec![]));
    server.stop().await;
}

#[tokio::test]
async fn an_incident_is_about_versions_of_its_own_model_that_exist() {
    let server = started().await;
    server.model("other").await;
    let other = server.approved("other").await.name;
    let open = async |versions: Vec<String>| {
        let incident = v1::Incident { title: "nonsense".to_owned(), versions, ..Default::default() };
        let request = v1::OpenIncidentRequest {
            parent: model_name("m"),
            incident_id: "i".to_owned(),
            incident: Some(incident),
            reason: "donors complain".to_owned(),
            ..Default::default()
        };
        server.incidents().open_incident(request).await.map(Response::into_inner)
    };
    let one = || version_name("m", 1);
    for (versions, field) in [
        (vec![], "incident.versions"),
        (vec![one(), one()], "incident.versions[1]"),
        (vec![one(), other], "incident.versions[1]"),
        (vec!["m/1".to_owned()], "incident.versions[0]"),
    ] {
        let wanted = (Code::InvalidArgument, "INVALID_FIELDS".to_owned(), vec![field.to_owned()]);
        assert_eq!(explain(&open(versions).await.unwrap_err()), wanted);
    }
    let missing = open(vec![version_name("m", 9)]).await.unwrap_err();
    assert_eq!(explain(&missing), (Code::NotFound, "VERSION_NOT_FOUND".into(), vec![]));
    open(vec![one(), version_name("m", 2)]).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_version_on_hold_resolves_for_nobody_until_somebody_else_lifts_it() {
    let server = started().await;
    let name = version_name("m", 1);
    resolve(&server, 1).await.unwrap();
    ask::hold(&name, "it answers nonsense").send_as(&server.channel, Some("ana")).await.unwrap();
    let hold = version(&server, 1).await.hold.unwrap();
    assert_eq!(hold.decision.unwrap().actor, "ana");
    let error = resolve(&server, 1).await.unwrap_err();
    assert_eq!(explain(&error).1, "VERSION_ON_HOLD");
    assert!(error.message().contains("it answers nonsense"), "{}", error.message());
    resolve(&server, 2).await.expect("the others are not concerned");
    is_refused(&server, ask::hold(&name, "twice"), "ben", "VERSION_ON_HOLD").await;
    is_refused(&server, ask::set_alias("m", "production", 1, ""), "ben", "VERSION_ON_HOLD").await;

    is_refused(&server, ask::release(&name, "never mind"), "ana", "APPROVAL_REQUIRED").await;
    ask::release(&name, "it was the prompt").send_as(&server.channel, Some("ben")).await.unwrap();
    let released = version(&server, 1).await;
    assert_eq!(released.hold, None);
    let release = released.release.unwrap();
    assert_eq!((release.actor.as_str(), release.reason.as_str()), ("ben", "it was the prompt"));
    resolve(&server, 1).await.unwrap();
    is_refused(&server, ask::release(&name, "once more"), "ben", "VERSION_NOT_HELD").await;
    server.stop().await;
}

#[tokio::test]
async fn a_hold_says_where_to_go_back_to_or_that_there_is_nowhere() {
    let server = started().await;
    for number in [1, 2] {
        ask::set_alias("m", "production", number, "").send(&server.channel).await.unwrap();
    }
    ask::hold(&version_name("m", 2), "nonsense").send(&server.channel).await.unwrap();
    assert_eq!(version(&server, 2).await.hold.unwrap().way_back, version_name("m", 1));
    let error = resolve(&server, 2).await.unwrap_err();
    assert!(error.message().contains(&version_name("m", 1)), "{}", error.message());
    ask::hold(&version_name("m", 1), "nonsense too").send(&server.channel).await.unwrap();
    assert_eq!(version(&server, 1).await.hold.unwrap().way_back, "");
    server.stop().await;
}

#[tokio::test]
async fn a_candidate_on_hold_is_not_approved() {
    let server = started().await;
    let name = server.version("m").await.name;
    ask::submit(&name, "ready").send(&server.channel).await.unwrap();
    ask::hold(&name, "the data leaked").send_as(&server.channel, Some("ana")).await.unwrap();
    is_refused(&server, ask::approve(&name, "fine"), REVIEWER, "VERSION_ON_HOLD").await;
    ask::release(&name, "it did not").send_as(&server.channel, Some("ben")).await.unwrap();
    let (name, reason) = (name, "fine".to_owned());
    let approve = v1::ApproveVersionRequest { name, reason, ..Default::default() };
    server.lifecycle().approve_version(by(REVIEWER, approve)).await.unwrap();
    server.stop().await;
}
