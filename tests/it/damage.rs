//! Files with flipped bits, lost sectors and cut ends under the real binary: it
//! answers what it answered before, or says what is wrong; it never leaves
//! anything out, and never falls over.

mod backup;
pub mod content;
mod lost;
pub mod numbers;
mod place;
pub mod server;

use crate::{ask::Ask, support::create_model};
use content::{End, Truth, is_refusal, make};
use place::{Damage, spread};
use server::{Server, copy, serve};
use std::{path::Path, time::Duration};
use tokio::time::timeout;
use tonic::Code;

/// Places that are damaged in each of two stores; the environment may ask for more.
fn places() -> usize {
    std::env::var("STEWARD_TEST_DAMAGE").map_or(8, |text| text.parse::<usize>().unwrap().div_ceil(2))
}

/// How a server took a damage.
#[derive(Debug, Default)]
struct Outcomes {
    refused_to_start: usize,
    refused_reads: usize,
    unaffected: usize,
    wrong: Vec<String>,
}

/// Longest that a server may take to start and answer before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(120);
/// KiB of address space: what allocates without bound ends here.
const MEMORY: &str = "8000000";

/// A server on a damaged store, with bounded memory.
async fn start(dir: &Path) -> Result<Server, String> {
    let limit = format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"");
    Server::run(serve(&["sh", "-c", &limit], dir)).await
}

/// Lines that are for people or programs to act on, not the remains of a panic.
fn raw(said: &[String]) -> Option<String> {
    let raw = |line: &&String| {
        line.contains("panicked at")
            || line.contains("stack backtrace")
            || line.contains("overflowed its stack")
    };
    said.iter().find(raw).cloned()
}

/// Whether it is said what to do.
fn helps(said: &str) -> bool {
    let last = said.lines().last().unwrap_or_default();
    let advice = ["estore the newest backup", "restore a backup", "remove the file"];
    last.starts_with("steward: ") && advice.iter().any(|words| last.contains(words))
}

async fn judge(dir: &Path, truth: &Truth, outcomes: &mut Outcomes) -> Result<(), String> {
    let server = match start(dir).await {
        Ok(server) => server,
        Err(said) => {
            outcomes.refused_to_start += 1;
            let lines: Vec<String> = said.lines().map(str::to_owned).collect();
            if let Some(line) = raw(&lines) {
                return Err(format!("raw: {line}"));
            }
            return if helps(&said) { Ok(()) } else { Err(format!("it does not say what to do: {said}")) };
        }
    };
    let (wrong, refused) = truth.against(&server.channel).await;
    match refused {
        0 => outcomes.unaffected += 1,
        _ => outcomes.refused_reads += 1,
    }
    if !wrong.is_empty() {
        return Err(format!("{} wrong answers, {refused} refusals: {:.400}", wrong.len(), wrong.join("; ")));
    }
    match Ask::from(create_model("after")).send(&server.channel).await {
        Ok(_) => {}
        Err(status) if is_refusal(status.code(), status.message()) || status.code() == Code::Unavailable => {}
        Err(status) => return Err(format!("a write: {status:?}")),
    }
    let said = server.said();
    server.kill().await;
    raw(&said).map_or(Ok(()), |line| Err(format!("raw: {line}")))
}

async fn campaign(end: End, seed: u64) {
    let temp = tempfile::tempdir().unwrap();
    let (whole, damaged) = (temp.path().join("whole"), temp.path().join("damaged"));
    let truth = make(&whole, end).await;
    let damages: Vec<Damage> = spread(&whole, places(), seed);
    let mut outcomes = Outcomes::default();
    copy(&whole, &damaged);
    judge(&damaged, &truth, &mut outcomes).await.unwrap();
    assert_eq!(outcomes.unaffected, 1, "the store is refused although nothing is wrong with it");
    std::fs::remove_dir_all(&damaged).unwrap();
    outcomes = Outcomes::default();
    for damage in &damages {
        copy(&whole, &damaged);
        damage.inflict(&damaged);
        let judged = timeout(PATIENCE, judge(&damaged, &truth, &mut outcomes)).await;
        match judged {
            Ok(Ok(())) => {}
            Ok(Err(wrong)) => outcomes.wrong.push(format!("{damage:?}: {wrong}")),
            Err(_) => outcomes.wrong.push(format!("{damage:?}: it hangs")),
        }
        std::fs::remove_dir_all(&damaged).unwrap();
    }
    let Outcomes { refused_to_start, refused_reads, unaffected, wrong } = outcomes;
    println!(
        "{end:?}: {} damages; {refused_to_start} refused to start, {refused_reads} refused reads, {unaffected} unaffected",
        damages.len()
    );
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), damages.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_that_was_closed_answers_rightly_or_says_that_it_is_damaged() {
    campaign(End::Closed, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_store_of_a_killed_server_answers_rightly_or_says_that_it_is_damaged() {
    campaign(End::Killed, 2).await;
}
