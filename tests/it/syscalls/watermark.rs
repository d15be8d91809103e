//! The note beside the store cannot be written: that harms nothing, and it is
//! written as soon as it can be.

use super::{
    run::{Cell, Phase, Struck, mutate, mutations},
    tracer::{Fault, Tracer, struck_once},
    verdict::{health_becomes, the_store_is_whole},
};
use crate::crash::process::Process;
use std::path::Path;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::health_check_response::ServingStatus;

/// The calls that write a note, on files below the data directory.
const CALLS: [(&str, &str); 4] = [
    ("write", "watermark.json.new"),
    ("fsync", "watermark.json.new"),
    ("rename", "watermark.json.new"),
    ("fsync", ""),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs strace: run tests/faults/run"]
async fn a_note_that_cannot_be_written_ends_no_writes_and_is_tried_again() {
    for fault in [Fault::Eio, Fault::Enospc] {
        for (call, file) in CALLS {
            let cell =
                Cell { phase: Phase::Mutation(1), call: call.to_owned(), file: file.to_owned(), nth: 1 };
            let temp = tempfile::tempdir().unwrap();
            fails_once(&cell, fault, &temp.path().join("store")).await;
        }
        println!("{fault:?} at {} calls of the note: whole each time", CALLS.len());
    }
}

async fn fails_once(cell: &Cell, fault: Fault, dir: &Path) {
    let server = Process::start(dir).await.unwrap();
    let mut tracer = Tracer::fail(server.id(), &cell.target(dir), fault).await;
    let mut answered = mutate(&server, 2).await;
    tracer.struck(&CancellationToken::new()).await;
    assert!(struck_once(&tracer.detach().await), "{cell:?} was not reached");
    // Nothing has to be written in between for the note to be tried again.
    let mut tracer = Tracer::watch(server.id()).await;
    assert!(tracer.until(&["watermark.json\""]).await, "the note was not written again: {cell:?}");
    tracer.detach().await;
    health_becomes(&server.channel, ServingStatus::Serving).await;
    let ask = mutations().remove(2);
    let answer = ask.send(&server.channel).await.unwrap();
    answered.push((ask, answer));
    server.kill().await;
    the_store_is_whole(cell, Struck { answered, ..Struck::default() }, dir).await;
}
