//! The README's tour, run as its reader would: each command against a fresh
//! server, and what it prints against what the README shows.

use crate::support::TestServer;
use std::path::Path;
use tokio::process::Command;

/// A command of the tour and what it prints.
struct Step {
    command: String,
    shown: Vec<String>,
}

fn tour() -> Vec<Step> {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let mut steps: Vec<Step> = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step { command: command.to_owned(), shown: Vec::new() }),
                None => steps.last_mut().unwrap().shown.push(normal(line)),
            }
        }
    }
    steps
}

/// A line without what differs from run to run: times, hashes, and the width
/// of columns.
fn normal(line: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let hash = bare.rsplit(':').next().unwrap_or_default();
        if bare.starts_with("2026-11-2") || bare.starts_with("2026-03-0") {
            "TIME".to_owned()
        } else if hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            "HASH".to_owned()
        } else {
            word.to_owned()
        }
    };
    line.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

async fn carry_out(command: &str, server: &TestServer, dir: &Path) -> Vec<String> {
    let binaries = Path::new(env!("CARGO_BIN_EXE_steward")).parent().unwrap();
    let output = Command::new("sh")
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(dir)
        .env("PATH", format!("{}:/usr/bin:/bin", binaries.display()))
        .env("STEWARD_SERVER", format!("http://{}", server.address))
        .env("STEWARD_ACTOR", "ines")
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(normal).collect()
}

#[tokio::test]
async fn every_command_of_the_tour_prints_what_the_readme_shows() {
    let server = TestServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let steps = tour();
    assert!(steps.len() >= 8, "the README has a tour");
    for step in steps {
        let printed = carry_out(&step.command, &server, dir.path()).await;
        assert_eq!(printed, step.shown, "$ {}", step.command);
    }
    server.stop().await;
}
