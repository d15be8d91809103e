//! The directory on the disk: written with the change that needs it, taken along by
//! those who want it, and gone from a store that is made without it.

use super::{AUTHOR, CONTACTS, erase, found, list, named_model, send};
use crate::{
    ask::{Ask, person::name_of},
    crash::process::{Process, path, steward},
    stream::reader::export_over,
    support::{NAMESPACE, create_model},
};
use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::Path};
use tokio::process::Command;

const EVERYBODY: [&str; 5] = [AUTHOR, CONTACTS[0], CONTACTS[1], CONTACTS[2], CONTACTS[3]];

/// Which of these texts stand in a file of a directory.
fn found_below(dir: &Path, texts: &[&'static str]) -> BTreeSet<&'static str> {
    let mut all = BTreeSet::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(found_below(&path, texts)),
            false => all.extend(found(texts, &fs::read(path).unwrap())),
        }
    }
    all
}

async fn rebuild(dir: &Path, log: &Path, persons: Option<&Path>) -> String {
    let mut arguments = vec!["rebuild", "--data-dir", path(dir), "--from", path(log)];
    arguments.extend(persons.into_iter().flat_map(|persons| ["--persons", path(persons)]));
    steward(&arguments).await
}

async fn texts(server: &Process) -> BTreeSet<String> {
    list(&server.channel, NAMESPACE).await.into_iter().map(|person| person.text).collect()
}

#[tokio::test]
async fn a_rebuild_knows_the_persons_it_is_given_but_nobody_who_was_erased_since() {
    let temp = tempfile::tempdir().unwrap();
    let at = |name: &str| temp.path().join(name);
    let server = Process::start(&at("store")).await.unwrap();
    let asked = named_model().with_request_id("named");
    let answer = send(&server.channel, &asked).await.unwrap();
    let export =
        ["--server", &server.url, "export", "--file", path(&at("early")), "--persons", path(&at("all"))]
            .map(str::to_owned);
    steward(&export.each_ref().map(String::as_str)).await;
    assert_eq!(fs::metadata(at("all")).unwrap().permissions().mode() & 0o777, 0o600);
    erase(&server.channel, CONTACTS[1]).await.unwrap();
    steward(&["--server", &server.url, "export", "--file", path(&at("log"))]).await;
    server.stop().await;
    // What docs/audit-log.md says of sled: the old bytes are still there.
    assert!(found_below(&at("store"), &EVERYBODY).contains(CONTACTS[1]));

    let without = rebuild(&at("without"), &at("log"), None).await;
    assert!(without.contains("pseudonyms"), "{without}");
    assert_eq!(found_below(&at("without"), &EVERYBODY), BTreeSet::new());
    let server = Process::start(&at("without")).await.unwrap();
    assert_eq!(texts(&server).await, BTreeSet::new());
    server.stop().await;

    // The copy is older than the erasure; the log says what has to stay forgotten.
    let with = rebuild(&at("with"), &at("log"), Some(&at("all"))).await;
    assert!(with.contains("4 persons"), "{with}");
    assert_eq!(found_below(&at("with"), &[CONTACTS[1]]), BTreeSet::new());
    let server = Process::start(&at("with")).await.unwrap();
    let left = EVERYBODY.into_iter().filter(|text| *text != CONTACTS[1]).map(str::to_owned).collect();
    assert_eq!(texts(&server).await, left);
    assert_eq!(name_of(&server.channel, NAMESPACE, CONTACTS[1]).await, None);
    // The secret is back too: a repeat is still known as one.
    let events = export_over(&server.channel).await.len();
    assert_ne!(send(&server.channel, &asked).await.unwrap(), answer, "one of the contacts is erased");
    assert_eq!(export_over(&server.channel).await.len(), events);
    server.stop().await;

    let early = rebuild(&at("early store"), &at("early"), Some(&at("all"))).await;
    assert!(early.contains("5 persons"), "{early}");
}

#[tokio::test]
async fn a_copy_of_another_directory_or_with_a_lie_in_it_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let at = |name: &str| temp.path().join(name);
    let server = Process::start(&at("store")).await.unwrap();
    send(&server.channel, &named_model()).await.unwrap();
    steward(&["--server", &server.url, "export", "--file", path(&at("log")), "--persons", path(&at("all"))])
        .await;
    server.stop().await;
    let all = fs::read_to_string(at("all")).unwrap();
    let (heading, _) = all.split_once('\n').unwrap();
    let heading: serde_json::Value = serde_json::from_str(heading).unwrap();
    let log_id = heading["log_id"].as_str().unwrap();
    for (name, lie, said) in [
        (
            "other",
            all.replace(log_id, &"0".repeat(32)),
            "line 1 of the persons: this is the directory of the log",
        ),
        ("lie", all.replace(CONTACTS[0], "Somebody else"), "is not the pseudonym of its text and salt"),
        ("broken", all.replace("\"text\"", "\"name\""), "line 2 of the persons"),
    ] {
        fs::write(at(name), lie).unwrap();
        let refused = Command::new(crate::crash::process::STEWARD)
            .args(["rebuild", "--data-dir", path(&at("new")), "--from", path(&at("log"))])
            .args(["--persons", path(&at(name))])
            .output()
            .await
            .unwrap();
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && stderr.contains(said), "{name}: {stderr}");
        assert!(!at("new").exists());
    }
}

/// A name and the change that needs it are in one batch: whatever the death of the
/// server leaves of one, it leaves of both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_knows_everybody_whom_its_log_names() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let server = Process::start(dir.path()).await.unwrap();
        let calls: Vec<_> = (0..64)
            .map(|n| {
                let channel = server.channel.clone();
                let ask = Ask::from(create_model(&format!("m-{round}-{n}")));
                tokio::spawn(async move { ask.send_as(&channel, Some(&format!("Person {round} {n}"))).await })
            })
            .collect();
        let mut calls = calls.into_iter();
        calls.next().unwrap().await.unwrap().unwrap();
        server.kill().await;
        for call in calls {
            let _ = call.await.unwrap();
        }
    }
    let server = Process::start(dir.path()).await.unwrap();
    let events = export_over(&server.channel).await;
    assert!(events.len() > 3);
    for event in &events {
        assert!(!event.actor.starts_with("person:"), "{} is by {}", event.subject, event.actor);
    }
    let known = texts(&server).await;
    let named: BTreeSet<String> =
        events.iter().map(|event| event.actor.clone()).filter(|actor| actor != "steward").collect();
    assert_eq!(known, named, "nobody is known whom the log does not name");
    server.stop().await;
}
