//! Looking ahead through the wire, and living through what was seen.

use crate::{
    ask::{approve_proposal, deprecate, open_incident, propose, set_alias},
    stream::reader::export,
    support::{
        BEGIN, DAY, NAMESPACE, REVIEWER, TestServer, by, create_model, explain, model_name, time,
        version_name,
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use steward_registry::{
    proto::v1::{
        self, calendar_service_client::CalendarServiceClient, proposal::Step,
        resolve_version_request::Selector, upstream_service_client::UpstreamServiceClient,
    },
    store::memory::MemoryEngine,
};
use tonic::{Code, Response, Status};

const MINUTE: i64 = 60_000_000;
/// Models of the portfolio whose year is looked at.
const MODELS: u32 = 36;
const YEAR: i64 = 365 * DAY;

/// A year's rules: reminders, two brownouts, a rehearsal each quarter.
fn policy() -> v1::CreatePolicyRequest {
    let brownout = |days_before, minutes| v1::BrownoutRule { days_before, minutes };
    let policy = v1::Policy {
        notice_days: 30,
        reminder_days: vec![30, 7, 1],
        brownouts: vec![brownout(14, 60), brownout(7, 480)],
        upstream_margin_days: 10,
        approvals: 1,
        evidence_max_age_days: 90,
        rollback_min_days: 5,
        drill_max_age_days: 90,
        ..Default::default()
    };
    v1::CreatePolicyRequest {
        parent: NAMESPACE.to_owned(),
        policy_id: "year".to_owned(),
        policy: Some(policy),
        reason: "the year's rules".to_owned(),
        ..Default::default()
    }
}

/// Numbers that look random and are the same each time.
fn draw(number: u32, salt: u32, below: u32) -> i64 {
    i64::from((number * 7_919 + salt * 104_729 + number * salt * 31) % below)
}

fn id(number: u32) -> String {
    format!("m{number}")
}

/// A model with two approved versions, of which the first was in production before
/// the second; some are reviewed, some rest on a provider's model.
async fn register(server: &TestServer, number: u32) {
    let mut request = create_model(&id(number));
    if let Some(model) = &mut request.model {
        if number.is_multiple_of(2) {
            model.policy = format!("{NAMESPACE}/policies/year");
        }
        let review_time =
            number.is_multiple_of(3).then(|| time(BEGIN + draw(number, 1, 400) * DAY + 7 * MINUTE));
        model.card = Some(v1::ModelCard { review_time, ..Default::default() });
    }
    server.models().create_model(request).await.unwrap();
    for version in 1..=2 {
        if version == 2 && number.is_multiple_of(5) {
            rented(server, number).await;
        } else {
            server.approved(&id(number)).await;
        }
        set_alias(&id(number), "production", version, "").send(&server.channel).await.unwrap();
    }
}

/// Its second version is somebody else's, who ends it within the year.
async fn rented(server: &TestServer, number: u32) {
    let reference = v1::UpstreamReference {
        provider: "openai".to_owned(),
        model_id: format!("gpt-{number}"),
        ..Default::default()
    };
    shut_down(server, number, BEGIN + (100 + draw(number, 2, 250)) * DAY + 13 * MINUTE).await;
    let version = v1::Version { upstream: Some(reference), ..Default::default() };
    let parent = model_name(&id(number));
    let create = v1::CreateVersionRequest { parent, version: Some(version), ..Default::default() };
    let name = server.versions().create_version(create).await.unwrap().into_inner().name;
    let reason = "ready".to_owned();
    let submit =
        v1::SubmitVersionRequest { name: name.clone(), reason: reason.clone(), ..Default::default() };
    server.lifecycle().submit_version(submit).await.unwrap();
    let approve = v1::ApproveVersionRequest { name, reason, ..Default::default() };
    server.lifecycle().approve_version(by(REVIEWER, approve)).await.unwrap();
}

/// Its provider says when it ends.
async fn shut_down(server: &TestServer, number: u32, end: i64) {
    let upstream = v1::Upstream {
        provider: "openai".to_owned(),
        model_id: format!("gpt-{number}"),
        shutdown_time: Some(time(end)),
        ..Default::default()
    };
    let parent = NAMESPACE.to_owned();
    let set = v1::SetUpstreamRequest { parent, upstream: Some(upstream), ..Default::default() };
    UpstreamServiceClient::new(server.channel.clone()).set_upstream(set).await.unwrap();
}

/// Version 1 sends its callers to version 2, whose provider then ends it before that.
async fn replace_by_what_ends_first(server: &TestServer, number: u32) {
    shut_down(server, number, BEGIN + 300 * DAY).await;
    let request = v1::DeprecateVersionRequest {
        name: version_name(&id(number), 1),
        reason: "there is a better one".to_owned(),
        sunset_time: Some(time(BEGIN + 250 * DAY)),
        successor: Some(v1::deprecate_version_request::Successor::Replacement(version_name(&id(number), 2))),
        ..Default::default()
    };
    server.lifecycle().deprecate_version(request).await.unwrap();
    shut_down(server, number, BEGIN + 200 * DAY).await;
}

/// A program that uses version 1 and is known.
async fn use_first(server: &TestServer, number: u32) {
    let contact = Some(v1::Contact { display_name: "Web team".to_owned(), ..Default::default() });
    let consumer = Some(v1::Consumer { owner: "web".to_owned(), contact, ..Default::default() });
    let (parent, consumer_id) = (model_name(&id(number)), "web".to_owned());
    let request = v1::CreateConsumerRequest { parent, consumer_id, consumer, ..Default::default() };
    server.consumers().create_consumer(request).await.unwrap();
    let (model, consumer) = (model_name(&id(number)), "web".to_owned());
    let selector = Some(Selector::Number(1));
    let request = v1::ResolveVersionRequest { model, selector, consumer, read_at: None };
    server.versions().resolve_version(request).await.unwrap();
}

/// What people do at the beginning: they announce ends, open incidents, propose.
async fn announce(server: &TestServer, number: u32) {
    let (model, first) = (id(number), version_name(&id(number), 1));
    if number.is_multiple_of(10) {
        replace_by_what_ends_first(server, number).await;
    } else if number % 4 != 3 {
        let sunset = BEGIN + (31 + draw(number, 3, 300)) * DAY + i64::from(number) * 11 * MINUTE;
        if number.is_multiple_of(3) {
            use_first(server, number).await;
            deprecate_together(server, &first, sunset).await;
        } else {
            deprecate(&first, "there is a better one", sunset).send(&server.channel).await.unwrap();
        }
    }
    if number.is_multiple_of(8) {
        open_incident(&model, "i", 1, "complaints").send(&server.channel).await.unwrap();
    }
    if number % 4 != 3 && number.is_multiple_of(7) {
        let step = Step::ShortenSunsetTime(time(BEGIN + 20 * DAY));
        propose(&first, "soon", "it costs too much", step, "").send(&server.channel).await.unwrap();
    }
}

/// What somebody uses takes a second person to end.
async fn deprecate_together(server: &TestServer, version: &str, sunset: i64) {
    let step = v1::DeprecateStep {
        sunset_time: Some(time(sunset)),
        successor: Some(v1::deprecate_step::Successor::NoReplacementReason("the service ends".to_owned())),
    };
    let proposed = propose(version, "end", "there is a better one", Step::Deprecate(step), "");
    proposed.send(&server.channel).await.unwrap();
    let agreed = approve_proposal(&format!("{version}/proposals/end"), "agreed");
    agreed.send(&server.channel).await.unwrap();
}

async fn portfolio() -> TestServer {
    let server = TestServer::unwatched(Arc::new(MemoryEngine::default())).await;
    server.policies().create_policy(policy()).await.unwrap();
    for number in 1..=MODELS {
        register(&server, number).await;
        announce(&server, number).await;
    }
    server.clock.advance(MINUTE);
    server.carry_out_all().await;
    server
}

fn request(start: Option<i64>, end: i64, page_size: i32) -> v1::SimulateCalendarRequest {
    let parent = NAMESPACE.to_owned();
    let (start_time, end_time) = (start.map(time), Some(time(end)));
    v1::SimulateCalendarRequest { parent, start_time, end_time, page_size, page_token: String::new() }
}

async fn page(
    server: &TestServer,
    request: v1::SimulateCalendarRequest,
) -> Result<v1::SimulateCalendarResponse, Status> {
    let mut client = CalendarServiceClient::new(server.channel.clone());
    client.simulate_calendar(request).await.map(Response::into_inner)
}

/// All entries, page by page, and the proposals of the first page.
async fn look(server: &TestServer, start: Option<i64>, end: i64) -> v1::SimulateCalendarResponse {
    let mut whole = page(server, request(start, end, 50)).await.unwrap();
    while !whole.next_page_token.is_empty() {
        let page_token = std::mem::take(&mut whole.next_page_token);
        let next = page(server, v1::SimulateCalendarRequest { page_token, ..request(start, end, 50) });
        let next = next.await.unwrap();
        assert_eq!(next.needed_approvals, [], "the first page told");
        whole.entries.extend(next.entries);
        whole.next_page_token = next.next_page_token;
    }
    whole
}

/// When, what, and to what.
type Line = (i64, String, String);

fn micros(time: prost_types::Timestamp) -> i64 {
    time.seconds * 1_000_000 + i64::from(time.nanos) / 1_000
}

fn foreseen(answer: &v1::SimulateCalendarResponse) -> Vec<Line> {
    let line = |entry: &v1::CalendarEntry| {
        (micros(entry.event_time.unwrap()), entry.r#type.clone(), entry.subject.clone())
    };
    answer.entries.iter().map(line).collect()
}

/// The events of the log from a position on.
async fn lived(server: &TestServer, from: u64) -> Vec<Line> {
    let events = export(server).await.into_iter().filter(|event| event.position >= from);
    let line = |event: v1::AuditEvent| {
        let leaf: serde_json::Value = serde_json::from_slice(&event.leaf).unwrap();
        let then = leaf["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_microsecond();
        (then, event.r#type, event.subject)
    };
    events.map(line).collect()
}

/// To the millisecond, because the times of a log rise by a microsecond at least.
fn sorted(lines: Vec<Line>) -> Vec<Line> {
    let mut lines: Vec<Line> =
        lines.into_iter().map(|(then, kind, subject)| (then / 1_000, kind, subject)).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn what_was_simulated_is_what_a_server_does_over_the_same_year() {
    let server = portfolio().await;
    let (now, before) = (BEGIN + MINUTE, server.size().await);
    let answer = look(&server, None, now + YEAR).await;
    let after = server.size().await;
    assert!(after <= before + u64::from(MODELS), "only who used what was noted down");
    let foreseen = foreseen(&answer);
    assert!(foreseen.is_sorted_by_key(|(then, ..)| *then));
    // The clock is looked at whenever something was foreseen, and every fifth day besides.
    let mut looks: BTreeSet<i64> = foreseen.iter().map(|(then, ..)| *then).collect();
    looks.extend((0..73).map(|fifth| now + fifth * 5 * DAY));
    for look in looks {
        server.clock.set(look);
        server.carry_out_all().await;
    }
    let lived = lived(&server, after).await;
    let mut kinds = BTreeMap::new();
    lived.iter().for_each(|(_, kind, _)| *kinds.entry(kind.clone()).or_insert(0) += 1);
    println!("{} events foreseen, {} lived through in a year: {kinds:?}", foreseen.len(), lived.len());
    assert_eq!(sorted(foreseen), sorted(lived));
    assert_eq!(kinds.len(), 9, "{kinds:?}");
    server.stop().await;
}

#[tokio::test]
async fn who_breaks_and_who_has_to_agree_is_in_the_calendar() {
    let server = portfolio().await;
    let answer = look(&server, None, BEGIN + YEAR).await;
    let name = version_name(&id(6), 1);
    let of = |kind: &str| {
        let kind = format!("steward.v1.{kind}");
        answer.entries.iter().find(|entry| entry.subject == name && entry.r#type == kind).unwrap()
    };
    let retired = of("VersionRetired");
    assert_eq!(retired.description, "it does not resolve any more; it has no replacement");
    assert_eq!(retired.consumers.len(), 1);
    assert_eq!(retired.consumers[0].consumer, format!("{}/consumers/web", model_name(&id(6))));
    assert!(!retired.consumers[0].acknowledged);
    let brownout = of("VersionBrownoutBegan");
    assert_eq!(brownout.consumers, retired.consumers);
    let length = micros(brownout.end_time.unwrap()) - micros(brownout.event_time.unwrap());
    assert_eq!(length, 60 * MINUTE);
    assert_eq!(of("VersionReminded").consumers, []);

    let [needed, ..] = answer.needed_approvals.as_slice() else { panic!("nobody is needed") };
    assert_eq!(needed.proposal, format!("{}/proposals/soon", version_name(&id(14), 1)));
    let [missing] = needed.descriptions.as_slice() else { panic!("{needed:?}") };
    assert!(missing.contains("takes 2 people, and there is 1"), "{missing}");
    assert_eq!(answer.needed_approvals.len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn a_span_is_a_part_of_the_whole_and_changes_nothing() {
    let server = portfolio().await;
    let whole = foreseen(&look(&server, None, BEGIN + YEAR).await);
    let size = server.size().await;
    let (start, end) = (BEGIN + 60 * DAY, BEGIN + 200 * DAY);
    let part = foreseen(&look(&server, Some(start), end).await);
    let expected: Vec<Line> = whole.into_iter().filter(|(then, ..)| (start..end).contains(then)).collect();
    assert!(part.len() > 10);
    assert_eq!(part, expected);
    assert_eq!(server.size().await, size);
    server.stop().await;
}

#[tokio::test]
async fn a_span_that_is_over_or_a_foreign_page_is_refused() {
    let server = TestServer::start().await;
    for (start, end) in [(None, BEGIN), (None, BEGIN - DAY), (Some(BEGIN + DAY), BEGIN + DAY)] {
        let error = page(&server, request(start, end, 0)).await.unwrap_err();
        assert_eq!(
            explain(&error),
            (Code::InvalidArgument, "INVALID_FIELDS".into(), vec!["end_time".into()])
        );
    }
    let missing = v1::SimulateCalendarRequest { end_time: None, ..request(None, 0, 0) };
    let (code, _, fields) = explain(&page(&server, missing).await.unwrap_err());
    assert_eq!((code, fields), (Code::InvalidArgument, vec!["end_time".to_owned()]));
    let forged = v1::SimulateCalendarRequest { page_token: "AAAA".into(), ..request(None, BEGIN + DAY, 0) };
    let (code, _, fields) = explain(&page(&server, forged).await.unwrap_err());
    assert_eq!((code, fields), (Code::InvalidArgument, vec!["page_token".to_owned()]));
    server.stop().await;
}
