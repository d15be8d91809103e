//! `steward evaluation import`, the real command against a server.

use super::started;
use crate::support::{TestServer, version_name};
use serde_json::Value;
use std::{path::Path, process::Stdio};
use steward_registry::proto::v1;
use tokio::{io::AsyncWriteExt as _, process::Command};

const HEADER: &str = "from,to,evaluator,metric,type,k,n,slice,note,evaluation\n";

/// A line of one measurement.
fn line(day: u32, rest: &str) -> String {
    format!("2026-01-{day:02},2026-01-{:02},nightly@1,accuracy,rate,{rest}\n", day + 1)
}

fn command(server: &TestServer, file: &str, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    command
        .args(["--output", "json", "evaluation", "import", "m", "1", file])
        .args(flags)
        .env("STEWARD_SERVER", format!("http://{}", server.address))
        .env("STEWARD_ACTOR", "ines");
    command
}

/// Imports a text; the report, and the exit code.
async fn import(server: &TestServer, text: &str, flags: &[&str]) -> (Value, i32) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.csv");
    std::fs::write(&path, text).unwrap();
    report(server, &path, flags).await
}

async fn report(server: &TestServer, path: &Path, flags: &[&str]) -> (Value, i32) {
    let output = command(server, path.to_str().unwrap(), flags).output().await.unwrap();
    let report = serde_json::from_slice(&output.stdout);
    (
        report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr))),
        output.status.code().unwrap(),
    )
}

/// How many were read, recorded, recorded before, and refused.
fn counts(report: &Value) -> [i64; 4] {
    ["read", "recorded", "existing", "refused"].map(|field| report[field].as_i64().unwrap())
}

fn refused(report: &Value) -> Vec<(i64, String)> {
    let one = |one: &Value| (one["line"].as_i64().unwrap(), one["field"].as_str().unwrap().to_owned());
    report["refusedLines"].as_array().unwrap().iter().map(one).collect()
}

#[tokio::test]
async fn a_file_is_recorded_but_for_the_lines_that_are_reported() {
    let server = started().await;
    let size = server.size().await;
    let text = [
        HEADER,
        &line(1, "9,10,,,"),
        &line(2, "11,10,,,"),
        &line(3, "9,10,region=east,,"),
        &line(4, "nine,10,,,"),
        &line(5, "9,10,,ask jane@example.org,"),
        &line(6, "9,10,region=north,,"),
    ]
    .concat();
    let wanted = [(3, "points[0].rate.k"), (4, "CODE_NOT_DECLARED"), (5, "k"), (6, "note")]
        .map(|(l, f)| (l, f.to_owned()));
    let (trial, code) = import(&server, &text, &["--dry-run"]).await;
    assert_eq!((counts(&trial), code, server.size().await), ([6, 2, 0, 4], 4, size));
    let (first, code) = import(&server, &text, &[]).await;
    assert_eq!((counts(&first), code, server.size().await), ([6, 2, 0, 4], 4, size + 2));
    assert_eq!((refused(&first), refused(&trial)), (wanted.to_vec(), wanted.to_vec()));
    assert!(!first.to_string().contains("jane@example.org"), "{first}");
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_was_corrected_or_cut_off_is_imported_again_without_repeats() {
    let server = started().await;
    let size = server.size().await;
    let whole: Vec<String> = (1..=20).map(|day| line(day, "9,10,,,")).collect();
    let part = format!("{HEADER}{}", whole[..7].concat());
    assert_eq!(counts(&import(&server, &part, &[]).await.0), [7, 7, 0, 0]);
    let broken = format!("{HEADER}{}", whole.concat()).replace("2026-01-20,2026-01-21", "2026-01-20,soon");
    assert_eq!(counts(&import(&server, &broken, &[]).await.0), [20, 12, 7, 1]);
    let whole = format!("{HEADER}{}", whole.concat());
    assert_eq!(counts(&import(&server, &whole, &[]).await.0), [20, 1, 19, 0]);
    assert_eq!(server.size().await, size + 20);
    // The very same batch is answered from memory, as after a lost answer.
    server.clock.advance(1_000_000);
    assert_eq!(counts(&import(&server, &part, &[]).await.0), [7, 7, 0, 0]);
    assert_eq!(server.size().await, size + 20);
    server.stop().await;
}

#[tokio::test]
async fn lines_with_one_id_become_one_evaluation() {
    let server = started().await;
    let north = line(1, "9,10,region=north,,day-1");
    let text = format!("{HEADER}{}{north}{}", line(1, "19,20,,,day-1"), line(2, "9,10,,,"));
    let (report, code) = import(&server, &text, &[]).await;
    assert_eq!((counts(&report), code), ([2, 2, 0, 0], 0));
    let name = format!("{}/evaluations/day-1", version_name("m", 1));
    let get = v1::GetEvaluationRequest { name, read_at: None };
    let kept = server.evaluations().get_evaluation(get).await.unwrap().into_inner();
    assert_eq!(kept.points.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn json_lines_come_through_standard_input_and_in_any_number() {
    let server = started().await;
    let size = server.size().await;
    let lines: u64 =
        std::env::var("STEWARD_TEST_IMPORT_LINES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_200);
    let mut child = command(&server, "-", &["--format", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = |n: u64| {
        let seconds = 1_700_000_000 + n;
        let (k, n) = if n == 700 { (9, 5) } else { (4, 5) };
        format!(
            r#"{{"windowStartTime":"2023-01-01T00:00:00Z","windowEndTime":"{}","evaluator":{{"name":"j"}},"points":[{{"metric":"grounded","rate":{{"k":{k},"n":{n}}}}}]}}"#,
            prost_types::Timestamp { seconds: seconds as i64, nanos: 0 }
        ) + "\n"
    };
    for n in 1..=lines {
        stdin.write_all(text(n).as_bytes()).await.unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(refused(&report), [(700, "points[0].rate.k".to_owned())]);
    assert_eq!(server.size().await, size + lines - 1);
    server.stop().await;
}
