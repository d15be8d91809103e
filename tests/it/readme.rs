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

/// A line without what differs from run to run: times, hashes, positions in the
/// log (what the scheduler finds takes one now and then), and the width of columns.
fn normal(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let normal_word = |(at, word): (usize, &&str)| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let before = at.checked_sub(1).map_or("", |at| words[at]);
        let next = words.get(at + 1).copied().unwrap_or_default();
        if is_moment(bare) {
            "TIME".to_owned()
        } else if is_hash(bare) {
            "HASH".to_owned()
        } else if is_number(bare) && (before == "position" || is_moment(next) || is_event(next)) {
            "POSITION".to_owned()
        } else if bare.strip_prefix('p').is_some_and(is_number) && before == "Etag:" {
            "ETAG".to_owned()
        } else {
            (*word).to_owned()
        }
    };
    words.iter().enumerate().map(normal_word).collect::<Vec<_>>().join(" ")
}

/// A time that no command of the tour chose: those lie in 2099.
fn is_moment(word: &str) -> bool {
    word.len() == 20 && word.as_bytes()[10] == b'T' && word.ends_with('Z') && !word.starts_with("2099")
}

/// A hash, or the beginning of one.
fn is_hash(word: &str) -> bool {
    let (before, hash) = word.rsplit_once(':').unwrap_or(("", word));
    (hash.len() == 64 || (hash.len() == 12 && before == "sha256"))
        && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

/// The type of an event, such as `VersionApproved`, or how many events there are.
fn is_event(word: &str) -> bool {
    word.starts_with("events") || (word.starts_with("Version") && word.len() > "Version".len())
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

#[tokio::test]
async fn the_demo_fills_a_fresh_server_and_something_in_it_wants_to_be_looked_at() {
    let server = TestServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let printed = carry_out("steward demo && echo it is done", &server, dir.path()).await;
    assert_eq!(printed.last().unwrap(), "it is done", "{printed:#?}");
    let status = carry_out("steward status", &server, dir.path()).await;
    assert!(status[0].starts_with("1 red"), "{status:#?}");
    server.stop().await;
}
