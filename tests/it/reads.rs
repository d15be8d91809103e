//! Reading the past: whatever was answered once is answered again for its
//! position and its time.

use crate::support::{
    BEGIN, DAY, NAMESPACE, REVIEWER, TestServer, by, create_version, explain, model_name, time, version_name,
};
use steward_registry::proto::v1::{
    self, deprecate_version_request::Successor, resolve_version_request::Selector,
};
use tonic::{Code, Response, Status};

const SECOND: i64 = 1_000_000;
/// When version 1 of the script ends.
const SUNSET: i64 = BEGIN + 30 * DAY;

/// When to read.
#[derive(Clone, Copy, Debug)]
enum At {
    Present,
    Time(i64),
    Position(u64),
}

/// An answer, or code and reason word of a refusal.
type Answer<T> = Result<T, (Code, String)>;

fn answer<T>(response: Result<Response<T>, Status>) -> Answer<T> {
    response.map(Response::into_inner).map_err(|status| {
        let (code, reason, _) = explain(&status);
        (code, reason)
    })
}

fn missing<T>(word: &str) -> Answer<T> {
    Err((Code::NotFound, word.to_owned()))
}

/// Everything that can be read of the script's resources at one moment.
#[derive(Clone, Debug, PartialEq)]
struct Snapshot {
    namespace: Answer<v1::Namespace>,
    model: Answer<v1::Model>,
    versions: Vec<Answer<v1::Version>>,
    alias: Answer<v1::Alias>,
    evaluation: Answer<v1::Evaluation>,
    resolved: Vec<Answer<v1::ResolveVersionResponse>>,
}

/// Calls a Get with the `read_at` of its request.
macro_rules! get {
    ($server:ident.$client:ident().$method:ident, $request:ident, $read_at:ident, $name:expr, $at:expr) => {{
        let read_at = match $at {
            At::Present => None,
            At::Time(micros) => Some(v1::$read_at::ReadAt::ReadTime(time(micros))),
            At::Position(position) => Some(v1::$read_at::ReadAt::ReadPosition(position)),
        };
        answer($server.$client().$method(v1::$request { name: $name, read_at }).await)
    }};
}

async fn resolve(server: &TestServer, selector: Selector, at: At) -> Answer<v1::ResolveVersionResponse> {
    use v1::resolve_version_request::ReadAt;
    let read_at = match at {
        At::Present => None,
        At::Time(micros) => Some(ReadAt::ReadTime(time(micros))),
        At::Position(position) => Some(ReadAt::ReadPosition(position)),
    };
    let (model, selector) = (model_name("m"), Some(selector));
    let request = v1::ResolveVersionRequest { model, selector, consumer: String::new(), read_at };
    answer(server.versions().resolve_version(request).await)
}

async fn version(server: &TestServer, number: u32, at: At) -> Answer<v1::Version> {
    get!(server.versions().get_version, GetVersionRequest, get_version_request, version_name("m", number), at)
}

async fn alias(server: &TestServer, at: At) -> Answer<v1::Alias> {
    let name = format!("{}/aliases/production", model_name("m"));
    get!(server.aliases().get_alias, GetAliasRequest, get_alias_request, name, at)
}

async fn snapshot(server: &TestServer, at: At) -> Snapshot {
    let evaluation = format!("{}/evaluations/e", version_name("m", 1));
    let selectors = [
        Selector::Alias("production".to_owned()),
        Selector::Number(1),
        Selector::Number(2),
        Selector::Label("1.0".to_owned()),
    ];
    let mut resolved = Vec::new();
    for selector in selectors {
        resolved.push(resolve(server, selector, at).await);
    }
    Snapshot {
        namespace: get!(
            server.namespaces().get_namespace,
            GetNamespaceRequest,
            get_namespace_request,
            NAMESPACE.to_owned(),
            at
        ),
        model: get!(server.models().get_model, GetModelRequest, get_model_request, model_name("m"), at),
        versions: vec![version(server, 1, at).await, version(server, 2, at).await],
        alias: alias(server, at).await,
        evaluation: get!(
            server.evaluations().get_evaluation,
            GetEvaluationRequest,
            get_evaluation_request,
            evaluation,
            at
        ),
        resolved,
    }
}

/// A change of the script.
enum Step {
    CreateModel,
    RenameModel(&'static str),
    DeleteModel,
    UndeleteModel,
    CreateVersion(&'static str),
    LabelVersion(&'static str),
    Submit(u32),
    Approve(u32),
    Deprecate,
    Reinstate,
    Retire,
    Archive,
    SetAlias(u32),
    DeleteAlias,
    Evaluate,
    /// Something else, which changes none of what is read.
    Elsewhere(&'static str),
}

/// A life of a model with two versions, an alias that comes, goes and comes
/// back, and everything that can happen to them.
fn script() -> Vec<Step> {
    use Step::*;
    vec![
        CreateModel,
        CreateVersion(""),
        LabelVersion("1.0"),
        Elsewhere("a"),
        Evaluate,
        Submit(1),
        Approve(1),
        SetAlias(1),
        RenameModel("Donor chatbot"),
        CreateVersion(""),
        Submit(2),
        Approve(2),
        DeleteAlias,
        Elsewhere("b"),
        SetAlias(2),
        SetAlias(1),
        Deprecate,
        Reinstate,
        Deprecate,
        SetAlias(2),
        DeleteAlias,
        DeleteModel,
        UndeleteModel,
        SetAlias(2),
        Retire,
        Archive,
        RenameModel("Chatbot"),
    ]
}

async fn carry_out(server: &TestServer, step: &Step) {
    let reason = || "as the script says".to_owned();
    let version = |number| version_name("m", number);
    let alias = || format!("{}/aliases/production", model_name("m"));
    macro_rules! verb {
        (approve_version, $request:ident, $number:expr) => {{
            let (name, reason) = (version($number), reason());
            let request = v1::$request { name, reason, ..Default::default() };
            server.lifecycle().approve_version(by(REVIEWER, request)).await.map(drop)
        }};
        ($method:ident, $request:ident, $number:expr $(, $field:ident: $value:expr)*) => {{
            let (name, reason) = (version($number), reason());
            let request = v1::$request { name, reason, $($field: $value,)* ..Default::default() };
            server.lifecycle().$method(request).await.map(drop)
        }};
    }
    let done = match *step {
        Step::CreateModel => return drop(server.model("m").await),
        Step::Elsewhere(id) => return drop(server.model(id).await),
        Step::RenameModel(display_name) => {
            let display_name = display_name.to_owned();
            let model = Some(v1::Model { name: model_name("m"), display_name, ..Default::default() });
            server
                .models()
                .update_model(v1::UpdateModelRequest { model, ..Default::default() })
                .await
                .map(drop)
        }
        Step::DeleteModel => {
            let request = v1::DeleteModelRequest { name: model_name("m"), ..Default::default() };
            server.models().delete_model(request).await.map(drop)
        }
        Step::UndeleteModel => {
            let request = v1::UndeleteModelRequest { name: model_name("m"), ..Default::default() };
            server.models().undelete_model(request).await.map(drop)
        }
        Step::CreateVersion(label) => {
            let mut request = create_version("m");
            request.version.as_mut().unwrap().label = label.to_owned();
            server.versions().create_version(request).await.map(drop)
        }
        Step::LabelVersion(label) => {
            let version =
                Some(v1::Version { name: version(1), label: label.to_owned(), ..Default::default() });
            let request = v1::UpdateVersionRequest { version, ..Default::default() };
            server.versions().update_version(request).await.map(drop)
        }
        Step::Submit(number) => verb!(submit_version, SubmitVersionRequest, number),
        Step::Approve(number) => verb!(approve_version, ApproveVersionRequest, number),
        Step::Deprecate => verb!(
            deprecate_version,
            DeprecateVersionRequest,
            1,
            sunset_time: Some(time(SUNSET)),
            successor: Some(Successor::Replacement(version(2)))
        ),
        Step::Reinstate => verb!(reinstate_version, ReinstateVersionRequest, 1),
        Step::Retire => verb!(retire_version, RetireVersionRequest, 1),
        Step::Archive => verb!(archive_version, ArchiveVersionRequest, 1),
        Step::SetAlias(number) => {
            let alias = Some(v1::Alias { name: alias(), version: version(number), ..Default::default() });
            server.aliases().set_alias(v1::SetAliasRequest { alias, ..Default::default() }).await.map(drop)
        }
        Step::DeleteAlias => {
            let request = v1::DeleteAliasRequest { name: alias(), ..Default::default() };
            server.aliases().delete_alias(request).await.map(drop)
        }
        Step::Evaluate => {
            let evaluation_id = "e".to_owned();
            let request = v1::RecordEvaluationRequest { evaluation_id, ..crate::evaluations::record("m", 1) };
            server.evaluations().record_evaluation(request).await.map(drop)
        }
    };
    done.unwrap();
}

/// The script carried out, an event a second, with what could be read after each
/// (nothing of a step's second event is in it): entry n belongs to position n and second n.
async fn played(server: &TestServer) -> Vec<Snapshot> {
    let mut snapshots = vec![snapshot(server, At::Present).await];
    for step in script() {
        server.clock.set(BEGIN + snapshots.len() as i64 * SECOND);
        carry_out(server, &step).await;
        let now = snapshot(server, At::Present).await;
        let size = server.size().await as usize;
        assert!((1..=2).contains(&(size - snapshots.len())), "an event a step, and one of its monitors");
        snapshots.resize(size, now);
    }
    snapshots
}

#[tokio::test]
async fn every_position_answers_what_was_answered_then() {
    let server = TestServer::start().await;
    let snapshots = played(&server).await;
    server.clock.set(SUNSET + 365 * DAY);
    for (position, wanted) in (0..).zip(&snapshots) {
        assert_eq!(&snapshot(&server, At::Position(position)).await, wanted, "at position {position}");
    }
    server.stop().await;
}

#[tokio::test]
async fn every_time_answers_what_was_answered_then_also_between_two_events() {
    let server = TestServer::start().await;
    let snapshots = played(&server).await;
    server.clock.set(SUNSET + 365 * DAY);
    for (second, wanted) in (0..).zip(&snapshots) {
        for offset in [0, 1, SECOND / 2, SECOND - 1] {
            let at = At::Time(BEGIN + second * SECOND + offset);
            assert_eq!(&snapshot(&server, at).await, wanted, "{at:?}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn the_past_is_the_same_for_a_server_that_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = TestServer::start_in(dir.path()).await;
    let snapshots = played(&server).await;
    server.stop().await;
    let server = TestServer::start_in(dir.path()).await;
    server.clock.set(SUNSET);
    for (position, wanted) in (0..).zip(&snapshots) {
        assert_eq!(&snapshot(&server, At::Position(position)).await, wanted, "at position {position}");
    }
    server.stop().await;
}

#[tokio::test]
async fn before_its_creation_and_after_its_deletion_nothing_is_found() {
    let server = TestServer::start().await;
    played(&server).await;
    server.clock.set(SUNSET);
    let early = snapshot(&server, At::Position(0)).await;
    assert_eq!(early.model, missing("MODEL_NOT_FOUND"));
    assert_eq!(early.versions, vec![missing("VERSION_NOT_FOUND"), missing("VERSION_NOT_FOUND")]);
    assert_eq!(early.evaluation, missing("EVALUATION_NOT_FOUND"));
    assert_eq!(early.resolved, vec![missing("MODEL_NOT_FOUND"); 4]);
    let before = snapshot(&server, At::Time(BEGIN - 1)).await;
    assert_eq!(before.namespace, missing("NAMESPACE_NOT_FOUND"));

    // Position 14 deleted the alias, position 16 set it again.
    for position in [14, 15] {
        assert_eq!(alias(&server, At::Position(position)).await, missing("ALIAS_NOT_FOUND"));
        let resolved = resolve(&server, Selector::Alias("production".to_owned()), At::Position(position));
        assert_eq!(resolved.await, missing("ALIAS_NOT_FOUND"));
    }
    let deleted = alias(&server, At::Position(13)).await.unwrap();
    assert_eq!(
        (deleted.version, deleted.etag.as_str(), deleted.audit_position),
        (version_name("m", 1), "p9", 9)
    );
    let back = alias(&server, At::Position(16)).await.unwrap();
    assert_eq!((back.previous_version.as_str(), back.audit_position), ("", 16));
    server.stop().await;
}

#[tokio::test]
async fn a_past_state_carries_the_etag_and_position_of_the_event_that_made_it() {
    let server = TestServer::start().await;
    played(&server).await;
    server.clock.set(SUNSET);
    for (read_at, made_at) in [(2, 2), (3, 3), (5, 3), (6, 6), (7, 7), (17, 7), (18, 18), (19, 19), (25, 20)]
    {
        let version = version(&server, 1, At::Position(read_at)).await.unwrap();
        assert_eq!((version.audit_position, version.etag), (made_at, format!("p{made_at}")));
    }
    server.stop().await;
}

#[tokio::test]
async fn the_sunset_is_judged_by_the_clock_of_the_time_that_is_read() {
    let server = TestServer::start().await;
    played(&server).await;
    // After position 20 nothing happened to version 1 until it was retired at 26.
    server.clock.set(SUNSET + 365 * DAY);
    let first = || Selector::Number(1);
    let then = resolve(&server, first(), At::Position(20)).await.unwrap();
    assert_eq!(then.warnings[0].code, "VERSION_DEPRECATED");

    let server = TestServer::start().await;
    server.model("m").await;
    for _ in 0..2 {
        server.approved("m").await;
    }
    carry_out(&server, &Step::Deprecate).await;
    server.clock.set(SUNSET + DAY);
    let retired = Err((Code::FailedPrecondition, "VERSION_RETIRED".to_owned()));
    resolve(&server, first(), At::Time(SUNSET - 1)).await.expect("one microsecond before its sunset");
    assert_eq!(resolve(&server, first(), At::Time(SUNSET)).await, retired);
    assert_eq!(resolve(&server, first(), At::Present).await, retired);
    server.stop().await;
}

#[tokio::test]
async fn what_was_read_of_a_time_stays_true_when_more_is_written() {
    let server = TestServer::start().await;
    server.model("m").await;
    server.clock.advance(SECOND);
    let at = At::Time(BEGIN + SECOND - 1);
    let before = snapshot(&server, at).await;
    carry_out(&server, &Step::RenameModel("Later")).await;
    server.version("m").await;
    assert_eq!(snapshot(&server, at).await, before);
    server.stop().await;
}
