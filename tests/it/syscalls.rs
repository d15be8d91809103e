//! The real binary under strace: every call that brings something to the disk,
//! killed in front of or made to fail, one at a time. `tests/faults/run` runs
//! these; they need strace, which `cargo test` does not.

mod left;
mod run;
mod tracer;
mod verdict;
mod watermark;

use left::{Left, cells};
use run::{Cell, Phase, strike};
use std::collections::BTreeMap;
use tracer::Fault;

/// Mutations whose calls are made to fail in the short form; in the long one all are.
const SAMPLE: [usize; 3] = [0, 6, 12];

/// Whether every call of every mutation is wanted.
fn every_call() -> bool {
    std::env::var("STEWARD_TEST_SYSCALLS").is_ok_and(|text| text == "all")
}

fn is_wanted(cell: &Cell) -> bool {
    match cell.phase {
        Phase::Mutation(n) => every_call() || SAMPLE.contains(&n),
        _ => true,
    }
}

/// How many calls of each kind were failed in each phase.
fn summary(cells: &[Cell]) -> String {
    let mut counts = BTreeMap::<_, usize>::new();
    for cell in cells {
        let phase = match cell.phase {
            Phase::Mutation(_) => "mutations".to_owned(),
            phase => format!("{phase:?}").to_lowercase(),
        };
        *counts.entry((phase, cell.call.clone())).or_default() += 1;
    }
    let counts: Vec<_> =
        counts.into_iter().map(|((phase, call), count)| format!("{phase} {count} {call}")).collect();
    counts.join(", ")
}

async fn every_call_struck_by(fault: Fault) {
    let temp = tempfile::tempdir().unwrap();
    let left = Left::by_a_killed_server(temp.path().join("left")).await;
    let dir = temp.path().join("store");
    let all = cells(&dir, &left).await;
    let wanted: Vec<_> = all.iter().filter(|cell| is_wanted(cell)).cloned().collect();
    let (mut struck_at, mut reads) = (Vec::new(), verdict::Reads::default());
    for cell in &wanted {
        // The last line of a run that fails says where.
        println!("{fault:?} at {cell:?}");
        let Some(mut struck) = strike(cell, fault, &dir, &left).await else {
            assert!(!cell.is_certain(), "{cell:?} was not reached");
            continue;
        };
        assert!(!struck.has_panicked(), "{struck:?}");
        if fault != Fault::Kill && cell.is_commit() {
            let some = verdict::it_refuses_writes_and_serves_reads(cell, &struck, fault).await;
            reads.tried += some.tried;
            reads.refused += some.refused;
        }
        if let Some(server) = struck.server.take() {
            verdict::end(server).await;
        }
        verdict::the_store_is_whole(cell, struck, &dir).await;
        struck_at.push(cell.clone());
    }
    assert!(
        struck_at.len() * 10 >= wanted.len() * 9,
        "{} of {} calls were reached",
        struck_at.len(),
        wanted.len()
    );
    let (struck, calls, what) = (struck_at.len(), all.len(), summary(&struck_at));
    println!("{fault:?} at {struck} of {calls} calls ({what}): whole each time");
    if fault != Fault::Kill {
        println!(
            "{fault:?}: {} of {} reads behind it were refused with the cause",
            reads.refused, reads.tried
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs strace: run tests/faults/run"]
async fn a_kill_in_front_of_any_call_leaves_a_whole_store() {
    every_call_struck_by(Fault::Kill).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs strace: run tests/faults/run"]
async fn a_device_that_fails_at_any_call_ends_writes_and_leaves_a_whole_store() {
    every_call_struck_by(Fault::Eio).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs strace: run tests/faults/run"]
async fn a_device_that_is_full_at_any_call_ends_writes_and_leaves_a_whole_store() {
    every_call_struck_by(Fault::Enospc).await;
}
