//! `steward upstream import`, the real command against a server.

use super::*;
use serde_json::Value;
use std::{path::Path, process::Output};
use tokio::process::Command;

/// A few entries in LiteLLM's form, written by hand.
const SAMPLE: &str = include_str!("litellm.json");

async fn steward(server: &TestServer, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_steward"))
        .args(args)
        .env("STEWARD_SERVER", format!("http://{}", server.address))
        .env("STEWARD_ACTOR", "ines")
        .output()
        .await
        .unwrap()
}

/// Imports a text, and reads the report that programs get.
async fn import(server: &TestServer, text: &str, flags: &[&str]) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file.json");
    std::fs::write(&path, text).unwrap();
    report(server, &path, flags).await
}

async fn report(server: &TestServer, path: &Path, flags: &[&str]) -> Value {
    let args = [&["--output", "json", "upstream", "import", path.to_str().unwrap()], flags].concat();
    let output = steward(server, &args).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn counts(report: &Value) -> [i64; 5] {
    ["read", "mapped", "records", "changed", "unchanged"].map(|field| report[field].as_i64().unwrap())
}

const LITELLM: [&str; 2] = ["--format", "litellm"];

#[tokio::test]
async fn an_import_records_what_is_new_and_the_same_again_changes_nothing() {
    let server = started().await;
    let size = server.size().await;
    let trial = import(&server, SAMPLE, &["--format", "litellm", "--dry-run"]).await;
    assert_eq!((counts(&trial), server.size().await), ([9, 6, 5, 5, 0], size));
    let first = import(&server, SAMPLE, &LITELLM).await;
    assert_eq!((counts(&first), server.size().await), ([9, 6, 5, 5, 0], size + 5));
    let skipped: Vec<&str> =
        first["skipped"].as_array().unwrap().iter().map(|one| one["entry"].as_str().unwrap()).collect();
    assert_eq!(skipped, ["sample_spec", "winter-1"]);
    assert_eq!(first["outdone"][0]["entry"], "aurora/aurora-1");
    let again = import(&server, SAMPLE, &LITELLM).await;
    assert_eq!((counts(&again), server.size().await), ([9, 6, 5, 0, 5], size + 5));
    server.stop().await;
}

#[tokio::test]
async fn a_date_that_moved_in_the_file_moves_the_versions_that_rest_on_it() {
    let server = bot().await;
    let version = approved(&server, "bot").await;
    let first = import(&server, SAMPLE, &LITELLM).await;
    assert_eq!(first["movedVersions"], serde_json::json!([version]));
    let sunset = read(&server, &version).await.effective_sunset_time;
    let size = server.size().await;
    let moved = SAMPLE.replace("2027-02-01", "2027-03-01");
    assert_eq!(counts(&import(&server, &moved, &LITELLM).await), [9, 6, 5, 1, 4]);
    assert_eq!(server.size().await, size + 2, "the record and the version");
    let month =
        read(&server, &version).await.effective_sunset_time.unwrap().seconds - sunset.unwrap().seconds;
    assert_eq!(month, 28 * 86_400);
    server.stop().await;
}

#[tokio::test]
async fn what_somebody_wrote_beside_the_date_outlives_an_import() {
    let server = started().await;
    observe(&server, v1::Upstream { replacement_model_id: "gpt-5".to_owned(), ..gpt() }).await;
    import(&server, SAMPLE, &LITELLM).await;
    let record = observe(&server, gpt()).await.upstream.unwrap();
    assert_eq!(record.replacement_model_id, "gpt-5");
    assert!(record.shutdown_time.is_some());
    server.stop().await;
}

#[tokio::test]
async fn a_record_that_is_refused_does_not_keep_the_others_out() {
    let server = started().await;
    let promised = v1::Upstream { not_sooner_than_time: Some(time(BEGIN + 9_000 * DAY)), ..gpt() };
    observe(&server, promised).await;
    let report = import(&server, SAMPLE, &LITELLM).await;
    assert_eq!(counts(&report), [9, 6, 5, 4, 0]);
    assert_eq!(report["refused"][0]["entry"], "gpt-4o of openai");
    assert!(report["refused"][0]["why"].as_str().unwrap().contains("not_sooner_than_time"), "{report}");
    server.stop().await;
}

#[tokio::test]
async fn a_list_of_models_is_imported_by_its_shutdown_dates() {
    let server = started().await;
    let list = r#"{"object": "list", "data": [
        {"id": "gpt-4o", "shutdown_date": 1801440000}, {"id": "gpt-5", "shutdown_date": null},
        {"id": "gpt-3", "shutdown_date": "2027-02-01"}, {"id": "gpt-2", "shutdown_date": "soon"}]}"#;
    let report = import(&server, list, &["--format", "openai", "--channel", "azure"]).await;
    assert_eq!(counts(&report), [4, 2, 2, 2, 0]);
    assert_eq!(report["skipped"][0]["entry"], "gpt-2");
    for model_id in ["gpt-4o", "gpt-3"] {
        let name = format!("{NAMESPACE}/upstreams/openai~azure~~{model_id}");
        let request = v1::GetUpstreamRequest { name, read_at: None };
        let record = client(&server).get_upstream(request).await.unwrap().into_inner();
        assert_eq!(record.shutdown_time.unwrap().seconds, 1_801_440_000, "2027-02-01T00:00:00Z");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_command_line_sets_shows_lists_and_removes_a_record() {
    let server = bot().await;
    approved(&server, "bot").await;
    let model = "provider=openai,model=gpt-4o";
    let say = async |args: &[&str]| {
        let output = steward(&server, args).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let set = say(&["upstream", "set", model, "--shutdown", "2027-02-01", "--reason", "announced"]).await;
    assert!(set.contains("The end moved of version 1 of bot."), "{set}");
    let again = say(&["upstream", "set", model, "--shutdown", "2027-02-01"]).await;
    assert!(again.contains("nothing was changed"), "{again}");
    assert!(say(&["upstream", "get", model]).await.contains("2027-02-01T00:00:00Z"));
    assert!(say(&["upstream", "list", "--ends-before", "2027-02-02"]).await.contains("gpt-4o"));
    assert!(!say(&["upstream", "list", "--ends-before", "2027-02-01"]).await.contains("gpt-4o"));
    let name = format!("{NAMESPACE}/upstreams/openai~~~gpt-4o");
    assert_eq!(steward(&server, &["upstream", "delete", &name]).await.status.code(), Some(4));
    say(&["upstream", "set", &name, "--clear", "shutdown"]).await;
    assert!(!say(&["upstream", "get", &name]).await.contains("Shutdown"));
    let other = "provider=openai,model=gpt-3";
    say(&["upstream", "set", other, "--shutdown", "2027-02-01"]).await;
    say(&["upstream", "delete", other]).await;
    assert_eq!(steward(&server, &["upstream", "get", other]).await.status.code(), Some(3));
    server.stop().await;
}
