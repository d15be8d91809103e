//! The real binary, killed at any moment: what was answered is there, once, and
//! whoever follows the log gets all of it, once.

mod campaign;
mod follower;
pub mod load;
pub mod log;
pub mod process;
mod tally;

use crate::{ask::Ask, support::create_model};
use campaign::Campaign;
use process::Process;
use std::{fs, path::Path};

/// Deaths; the environment may ask for more.
fn kills() -> usize {
    std::env::var("STEWARD_TEST_KILLS").map_or(5, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_any_moment_has_every_answered_write_once_and_its_subscribers_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut campaign = Campaign::over(dir.path());
    for round in 0..kills() {
        campaign.one_death(round).await;
    }
    println!("{}", campaign.end().await);
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_refuses_to_start() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::start(dir.path()).await.unwrap();
    let said = Process::start(dir.path()).await.err().unwrap();
    assert!(said.contains("is in use by another process; stop that one first"), "{said}");
    Ask::from(create_model("m")).send(&first.channel).await.unwrap();
    first.stop().await;
    Process::start(dir.path()).await.unwrap().stop().await;
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).unwrap();
        }
    }
}

#[tokio::test]
async fn a_server_whose_store_is_older_than_its_watermark_refuses_to_start() {
    let dir = tempfile::tempdir().unwrap();
    let (store, backup) = (dir.path().join("store"), dir.path().join("backup"));
    let server = Process::start(&store).await.unwrap();
    Ask::from(create_model("m")).send(&server.channel).await.unwrap();
    server.stop().await;
    copy(&store, &backup);
    let server = Process::start(&store).await.unwrap();
    Ask::from(create_model("n")).send(&server.channel).await.unwrap();
    server.stop().await;
    // The backup comes back under the watermark of what was acknowledged.
    fs::copy(store.join("watermark.json"), backup.join("watermark.json")).unwrap();
    let said = Process::start(&backup).await.err().unwrap();
    assert!(said.contains("is older than what was already acknowledged"), "{said}");
    assert!(said.contains("it has 2 events, but 3 had been acknowledged"), "{said}");
    // As it says: if going back is intended, the note is removed.
    fs::remove_file(backup.join("watermark.json")).unwrap();
    Process::start(&backup).await.unwrap().stop().await;
}
