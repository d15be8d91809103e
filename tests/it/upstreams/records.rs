//! The records themselves: set, read, listed, removed.

use super::*;
use crate::support::explain;

async fn get(server: &TestServer, name: &str, at: Option<u64>) -> Result<v1::Upstream, Status> {
    let read_at = at.map(v1::get_upstream_request::ReadAt::ReadPosition);
    let request = v1::GetUpstreamRequest { name: name.to_owned(), read_at };
    client(server).get_upstream(request).await.map(tonic::Response::into_inner)
}

async fn batch(
    server: &TestServer,
    requests: Vec<v1::SetUpstreamRequest>,
) -> Result<v1::BatchSetUpstreamsResponse, Status> {
    let request =
        v1::BatchSetUpstreamsRequest { parent: NAMESPACE.to_owned(), requests, ..Default::default() };
    client(server).batch_set_upstreams(request).await.map(tonic::Response::into_inner)
}

fn of(model_id: &str) -> v1::Upstream {
    v1::Upstream { model_id: model_id.to_owned(), ..ends(BEGIN + 50 * DAY) }
}

#[tokio::test]
async fn what_is_known_already_changes_nothing_and_makes_no_event() {
    let server = started().await;
    let upstream = v1::Upstream {
        channel: "azure".to_owned(),
        region: "eu~1".to_owned(),
        model_id: "a/b".to_owned(),
        not_sooner_than_time: Some(time(BEGIN)),
        replacement_model_id: "gpt-5".to_owned(),
        source_uri: "https://provider.example/ends".to_owned(),
        ..ends(BEGIN + 50 * DAY)
    };
    let first = observe(&server, upstream.clone()).await;
    let size = server.size().await;
    let record = first.upstream.clone().unwrap();
    assert!(first.changed);
    assert_eq!(record.name, format!("{NAMESPACE}/upstreams/openai~azure~eu%7E1~a%2Fb"));
    assert_eq!((record.audit_position, record.etag.clone()), (size - 1, format!("p{}", size - 1)));
    let wanted = v1::Upstream {
        name: record.name.clone(),
        create_time: record.create_time,
        update_time: record.create_time,
        etag: record.etag.clone(),
        audit_position: record.audit_position,
        ..upstream.clone()
    };
    assert_eq!(record, wanted);
    server.clock.advance(DAY);
    let again = observe(&server, upstream).await;
    assert_eq!((again.changed, again.upstream.as_ref()), (false, Some(&record)));
    assert_eq!(server.size().await, size);
    assert_eq!(get(&server, &record.name, None).await.unwrap(), record);
    server.stop().await;
}

#[tokio::test]
async fn without_a_mask_what_is_empty_stays_and_with_one_it_is_emptied() {
    let server = started().await;
    let name = observe(&server, v1::Upstream { replacement_model_id: "gpt-5".into(), ..gpt() }).await;
    let name = name.upstream.unwrap().name;
    let record = observe(&server, ends(BEGIN + 50 * DAY)).await.upstream.unwrap();
    assert_eq!(record.replacement_model_id, "gpt-5");
    let record = ask(&server, taken_back()).await.unwrap().upstream.unwrap();
    assert_eq!((record.shutdown_time, record.replacement_model_id.as_str()), (None, "gpt-5"));
    assert_eq!(get(&server, &name, None).await.unwrap(), record);
    let mask = Some(prost_types::FieldMask { paths: vec!["provider".to_owned()] });
    let refused = ask(&server, v1::SetUpstreamRequest { update_mask: mask, ..set(gpt()) }).await;
    assert_eq!(explain(&refused.unwrap_err()).2, ["update_mask"]);
    server.stop().await;
}

#[tokio::test]
async fn the_past_of_a_record_is_kept_also_after_its_removal() {
    let server = started().await;
    let record = observe(&server, gpt()).await.upstream.unwrap();
    let later = observe(&server, ends(BEGIN + 50 * DAY)).await.upstream.unwrap();
    let remove = v1::DeleteUpstreamRequest { name: record.name.clone(), ..Default::default() };
    let stale = v1::DeleteUpstreamRequest { etag: record.etag.clone(), ..remove.clone() };
    let refused = client(&server).delete_upstream(stale).await.unwrap_err();
    assert_eq!(explain(&refused).1, "ETAG_MISMATCH");
    let removed = client(&server).delete_upstream(remove.clone()).await.unwrap().into_inner();
    assert_eq!(removed.audit_position, later.audit_position + 1);
    for (at, wanted) in [(record.audit_position, &record), (later.audit_position, &later)] {
        assert_eq!(get(&server, &record.name, Some(at)).await.as_ref().unwrap(), wanted);
    }
    for at in [None, Some(removed.audit_position)] {
        let missing = explain(&get(&server, &record.name, at).await.unwrap_err());
        assert_eq!((missing.0, missing.1.as_str()), (Code::NotFound, "UPSTREAM_NOT_FOUND"));
    }
    assert_eq!(explain(&client(&server).delete_upstream(remove).await.unwrap_err()).1, "UPSTREAM_NOT_FOUND");
    server.stop().await;
}

#[tokio::test]
async fn the_state_in_an_event_is_the_record_as_it_is_read() {
    let server = started().await;
    let record = observe(&server, v1::Upstream { channel: "azure".to_owned(), ..ends(BEGIN + DAY) }).await;
    let mut record = record.upstream.unwrap();
    let request = v1::ListAuditEventsRequest {
        parent: NAMESPACE.to_owned(),
        order_by: "position".to_owned(),
        ..Default::default()
    };
    let events = server.audit().list_audit_events(request).await.unwrap().into_inner().audit_events;
    let leaf: serde_json::Value = serde_json::from_slice(&events.last().unwrap().leaf).unwrap();
    let pool = prost_reflect::DescriptorPool::decode(steward_registry::proto::DESCRIPTOR_SET).unwrap();
    let kind = pool.get_message_by_name("steward.v1.Upstream").unwrap();
    let state =
        prost_reflect::DynamicMessage::deserialize(kind, &leaf["data"]["changes"][0]["after"]).unwrap();
    (record.etag, record.audit_position) = (String::new(), 0);
    assert_eq!(state.transcode_to::<v1::Upstream>().unwrap(), record);
    server.stop().await;
}

#[tokio::test]
async fn a_stale_etag_changes_nothing_and_one_of_no_record_finds_none() {
    let server = started().await;
    let with = |etag: &str, shutdown| v1::Upstream { etag: etag.to_owned(), ..ends(shutdown) };
    let none = ask(&server, set(with("p1", BEGIN + DAY))).await.unwrap_err();
    assert_eq!(explain(&none).1, "UPSTREAM_NOT_FOUND");
    let old = observe(&server, ends(BEGIN + DAY)).await.upstream.unwrap().etag;
    let new = observe(&server, ends(BEGIN + 2 * DAY)).await.upstream.unwrap().etag;
    let size = server.size().await;
    let stale = ask(&server, set(with(&old, BEGIN + 3 * DAY))).await.unwrap_err();
    assert_eq!((explain(&stale).0, server.size().await), (Code::Aborted, size));
    assert!(observe(&server, with(&new, BEGIN + 3 * DAY)).await.changed);
    server.stop().await;
}

#[tokio::test]
async fn what_a_record_cannot_be_is_named_with_its_field() {
    let server = started().await;
    let early = v1::Upstream { not_sooner_than_time: Some(time(BEGIN + 2 * DAY)), ..ends(BEGIN + DAY) };
    let misnamed = v1::Upstream { name: format!("{NAMESPACE}/upstreams/openai~~~gpt-5"), ..gpt() };
    for (upstream, field) in [
        (v1::Upstream { provider: String::new(), ..gpt() }, "upstream.provider"),
        (v1::Upstream { model_id: "x".repeat(251), ..gpt() }, "upstream.model_id"),
        (v1::Upstream { source_uri: "somewhere".to_owned(), ..gpt() }, "upstream.source_uri"),
        (early, "upstream.shutdown_time"),
        (misnamed, "upstream.name"),
    ] {
        let (code, _, fields) = explain(&ask(&server, set(upstream)).await.unwrap_err());
        assert_eq!((code, fields), (Code::InvalidArgument, vec![field.to_owned()]));
    }
    let named = v1::Upstream { name: format!("{NAMESPACE}/upstreams/openai~~~gpt-4o"), ..gpt() };
    assert!(observe(&server, named).await.changed);
    server.stop().await;
}

#[tokio::test]
async fn a_batch_makes_events_of_what_is_new_only_and_answers_in_order() {
    let server = started().await;
    observe(&server, of("b")).await;
    let size = server.size().await;
    let answer = batch(&server, ["c", "b", "a"].map(of).map(set).to_vec()).await.unwrap();
    let told: Vec<(bool, String)> = answer
        .responses
        .into_iter()
        .map(|response| (response.changed, response.upstream.unwrap().model_id))
        .collect();
    assert_eq!(told, [(true, "c".into()), (false, "b".into()), (true, "a".into())]);
    assert_eq!((answer.audit_position, server.size().await), (size + 1, size + 2));
    let again = batch(&server, ["c", "b", "a"].map(of).map(set).to_vec()).await.unwrap();
    assert!(again.responses.iter().all(|response| !response.changed));
    assert_eq!((again.audit_position, server.size().await), (0, size + 2));
    server.stop().await;
}

#[tokio::test]
async fn a_batch_is_taken_whole_or_not_at_all() {
    let server = started().await;
    let size = server.size().await;
    let bad = v1::Upstream { source_uri: "somewhere".to_owned(), ..of("b") };
    let mask = Some(prost_types::FieldMask { paths: vec!["name".to_owned()] });
    let masked = v1::SetUpstreamRequest { update_mask: mask, ..set(of("b")) };
    let reasoned = v1::SetUpstreamRequest { reason: "mine".to_owned(), ..set(of("b")) };
    let elsewhere = v1::SetUpstreamRequest { parent: "namespaces/other".to_owned(), ..set(of("b")) };
    for (second, field) in [
        (set(bad), "requests[1].upstream.source_uri"),
        (masked, "requests[1].update_mask"),
        (reasoned, "requests[1].reason"),
        (elsewhere, "requests[1].parent"),
        (set(of("a")), "requests[1].upstream"),
    ] {
        let refused = explain(&batch(&server, vec![set(of("a")), second]).await.unwrap_err());
        assert_eq!(refused.2, [field]);
    }
    let many: Vec<_> = (0..1_001).map(|number| set(of(&number.to_string()))).collect();
    for requests in [Vec::new(), many.clone()] {
        assert_eq!(explain(&batch(&server, requests).await.unwrap_err()).2, ["requests"]);
    }
    assert_eq!(server.size().await, size);
    let most = batch(&server, many[1..].to_vec()).await.unwrap();
    assert_eq!((most.responses.len(), server.size().await), (1_000, size + 1_000));
    server.stop().await;
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_a_trial_changes_nothing() {
    let server = bot().await;
    let version = approved(&server, "bot").await;
    let size = server.size().await;
    let trial = v1::SetUpstreamRequest { validate_only: true, ..set(ends(BEGIN + 50 * DAY)) };
    let tried = ask(&server, trial).await.unwrap();
    assert_eq!((tried.changed, tried.moved_versions), (true, vec![version]));
    assert_eq!(server.size().await, size);
    let once = v1::SetUpstreamRequest { request_id: "once".to_owned(), ..set(ends(BEGIN + 50 * DAY)) };
    let first = ask(&server, once.clone()).await.unwrap();
    observe(&server, ends(BEGIN + 60 * DAY)).await;
    assert_eq!(ask(&server, once).await.unwrap(), first);
    server.stop().await;
}

#[tokio::test]
async fn a_list_holds_those_of_a_provider_that_end_before_a_time() {
    let server = started().await;
    let of = |provider: &str, model_id: &str, days: Option<i64>| v1::Upstream {
        provider: provider.to_owned(),
        model_id: model_id.to_owned(),
        shutdown_time: days.map(|days| time(BEGIN + days * DAY)),
        ..Default::default()
    };
    let all = [
        of("acme", "a", Some(1)),
        of("acme", "b", None),
        of("openai", "a", Some(2)),
        of("openai", "b", Some(3)),
    ];
    batch(&server, all.map(set).to_vec()).await.unwrap();
    let list = async |provider: &str, before: Option<i64>, page_token: String, page_size| {
        let request = v1::ListUpstreamsRequest {
            parent: NAMESPACE.to_owned(),
            provider: provider.to_owned(),
            shutdown_before_time: before.map(|days| time(BEGIN + days * DAY)),
            page_size,
            page_token,
        };
        let answer = client(&server).list_upstreams(request).await.unwrap().into_inner();
        let names: Vec<String> =
            answer.upstreams.iter().map(|one| format!("{}/{}", one.provider, one.model_id)).collect();
        (names, answer.next_page_token)
    };
    for (provider, before, wanted) in [
        ("", None, vec!["acme/a", "acme/b", "openai/a", "openai/b"]),
        ("openai", None, vec!["openai/a", "openai/b"]),
        ("", Some(3), vec!["acme/a", "openai/a"]),
        ("acme", Some(9), vec!["acme/a"]),
        ("open", None, vec![]),
    ] {
        assert_eq!(
            list(provider, before, String::new(), 0).await,
            (wanted.into_iter().map(String::from).collect(), String::new())
        );
    }
    let (first, token) = list("", None, String::new(), 3).await;
    assert_eq!((first.len(), list("", None, token, 3).await.0), (3, vec!["openai/b".to_owned()]));
    server.stop().await;
}
