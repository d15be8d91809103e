//! Monitors of several versions, through the wire and on the command line.

use super::{alarmed, hallucination, monitors, record, week};
use crate::{
    ask::{deprecate, retire, set_alias},
    support::{BEGIN, DAY, NAMESPACE, TestServer, explain, model_name, version_name},
};
use std::process::Output;
use steward_registry::proto::v1;
use tokio::process::Command;
use tonic::Code;

/// What each of two models has raised: `m` with two versions in service, one of them quiet,
/// and `other` with one.
async fn two_models() -> TestServer {
    let (server, _) = alarmed().await;
    server.approved("m").await;
    for at in 0..=4 {
        record(&server, 2, at, vec![hallucination(5, 100)]).await;
    }
    server.model("other").await;
    server.approved("other").await;
    for (at, k) in (0..).zip([5, 30, 30, 30]) {
        let request = week("other", 1, at, vec![hallucination(k, 100)]);
        server.evaluations().record_evaluation(request).await.unwrap();
    }
    server
}

/// The versions of the monitors that are listed, page by page.
async fn versions(server: &TestServer, parent: &str, raised_only: bool) -> Vec<String> {
    let mut versions = Vec::new();
    let mut page_token = String::new();
    loop {
        let parent = parent.to_owned();
        let request = v1::ListMonitorsRequest { parent, page_size: 1, page_token, raised_only };
        let page = monitors(server).list_monitors(request).await.unwrap().into_inner();
        let version = |monitor: v1::Monitor| monitor.name.split_once("/monitors/").unwrap().0.to_owned();
        versions.extend(page.monitors.into_iter().map(version));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return versions;
        }
    }
}

#[tokio::test]
async fn monitors_of_a_model_and_of_all_models_are_listed_as_those_of_a_version_are() {
    let server = two_models().await;
    let (first, second, other) = (version_name("m", 1), version_name("m", 2), version_name("other", 1));
    let of_m = format!("{}/versions/-", model_name("m"));
    let of_all = format!("{NAMESPACE}/models/-/versions/-");
    assert_eq!(versions(&server, &first, false).await, [first.as_str()]);
    assert_eq!(versions(&server, &of_m, false).await, [first.as_str(), &second]);
    assert_eq!(versions(&server, &of_m, true).await, [first.as_str()]);
    assert_eq!(versions(&server, &of_all, false).await, [first.as_str(), &second, &other]);
    assert_eq!(versions(&server, &of_all, true).await, [first.as_str(), &other]);
    server.stop().await;
}

#[tokio::test]
async fn what_nobody_may_use_any_more_is_listed_only_by_its_own_name() {
    let server = two_models().await;
    let name = version_name("m", 1);
    set_alias("m", "production", 2, "").send(&server.channel).await.unwrap();
    deprecate(&name, "it leaks", BEGIN + 300 * DAY).send(&server.channel).await.unwrap();
    assert_eq!(versions(&server, &format!("{}/versions/-", model_name("m")), true).await, [name.as_str()]);
    retire(&name, "nobody uses it").send(&server.channel).await.unwrap();
    let delete = v1::DeleteModelRequest { name: model_name("other"), ..Default::default() };
    server.models().delete_model(delete).await.unwrap();
    let of_all = format!("{NAMESPACE}/models/-/versions/-");
    assert_eq!(versions(&server, &of_all, false).await, [version_name("m", 2)]);
    assert_eq!(versions(&server, &name, true).await, [name]);
    server.stop().await;
}

#[tokio::test]
async fn a_parent_that_is_none_is_refused_by_its_field() {
    let server = TestServer::start().await;
    for (parent, code) in [
        (format!("{}/versions/-", model_name("m")), Code::NotFound),
        (format!("{NAMESPACE}/models/-/versions/1"), Code::NotFound),
        ("models/-/versions/-".to_owned(), Code::InvalidArgument),
        (NAMESPACE.to_owned(), Code::InvalidArgument),
    ] {
        let request = v1::ListMonitorsRequest { parent: parent.clone(), ..Default::default() };
        let status = monitors(&server).list_monitors(request).await.unwrap_err();
        let (found, _, fields) = explain(&status);
        assert_eq!(found, code, "{parent}");
        assert!(code == Code::NotFound || fields == ["parent"], "{parent}: {fields:?}");
    }
    server.stop().await;
}

async fn alarms(server: &TestServer, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    command.args(["alarm", "list"]).args(arguments);
    command.env("STEWARD_SERVER", format!("http://{}", server.address)).output().await.unwrap()
}

#[tokio::test]
async fn the_command_line_lists_what_was_raised_by_one_model_or_by_all() {
    let server = two_models().await;
    // The words in front of each line, with which the other commands go on.
    let words = async |arguments: &[&str]| -> Vec<String> {
        let output = alarms(&server, arguments).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let front = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        text.lines().filter(|line| line.contains("hallucination")).map(front).collect()
    };
    assert_eq!(words(&[]).await, ["m 1", "other 1"]);
    assert_eq!(words(&["m"]).await, ["m 1"]);
    assert_eq!(words(&["m", "2", "--raised"]).await, Vec::<String>::new());
    assert_eq!(words(&["m", "2"]).await.len(), 1);
    let refused = alarms(&server, &["nobody"]).await;
    assert_eq!(refused.status.code(), Some(3), "{}", String::from_utf8_lossy(&refused.stderr));
    server.stop().await;
}
