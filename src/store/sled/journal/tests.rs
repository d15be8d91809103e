//! The log of sled's file, damaged under sled's eyes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use crate::store::engine::{Engine, Head, Pairs, ReadError, Write};
use crate::store::sled::{OpenError, SledEngine, SledOptions};
use bytes::Bytes;
use std::path::PathBuf;
use tempfile::TempDir;

const LOG: &str = "default";
const OPTIONS: SledOptions = SledOptions { cache_bytes: 64 << 20 };
/// Keys, and bytes of a value: each is written several times, by two openings of the store,
/// and never in the order of the keys. That fills some segments.
const KEYS: u64 = 3_000;
const VALUE: usize = 2_000;
const BATCH: u64 = 100;

fn head(size: u64) -> Head {
    Head {
        log_id: [7; 16],
        epoch: 0,
        size,
        root: [size as u8; 32],
        frontier: Vec::new(),
        batch_id: [size as u8; 16],
        time: 0,
        previous_size: 0,
        previous_frontier: Vec::new(),
    }
}

fn put(n: u64, round: u8) -> Write {
    let key = [&b"k"[..], &(n * 1_237 % KEYS).to_be_bytes()].concat();
    Write::Put(key.into(), vec![round; VALUE].into())
}

/// Writes every key once.
async fn fill(engine: &SledEngine, round: u8) {
    for batch in 0..KEYS / BATCH {
        let size = u64::from(round) * KEYS / BATCH + batch + 1;
        let writes = (batch * BATCH..(batch + 1) * BATCH).map(|n| put(n, round)).collect();
        let before = (size > 1).then(|| head(size - 1));
        engine.commit(LOG, before.as_ref(), writes, head(size)).await.unwrap();
    }
}

async fn pairs(engine: &SledEngine) -> Result<Pairs, ReadError> {
    let all = Bytes::from_static(&[1])..Bytes::from_static(&[0xff]);
    Ok(engine.scan(LOG, all, usize::MAX, false, 0).await?.value)
}

/// The files of a store whose server was killed: what it had written since it
/// opened the store has to be replayed.
async fn of_a_killed_server(dir: &Path, rounds: u8) -> Vec<(PathBuf, Vec<u8>)> {
    let engine = SledEngine::open(dir, OPTIONS).unwrap();
    fill(&engine, 0).await;
    engine.close().await.unwrap();
    let engine = SledEngine::open(dir, OPTIONS).unwrap();
    for round in 1..=rounds {
        fill(&engine, round).await;
    }
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files.map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap())).collect()
}

fn restore(files: &[(PathBuf, Vec<u8>)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files.iter().filter(|(name, _)| name != Path::new("watermark.json")) {
        fs::write(dir.path().join(name), content).unwrap();
    }
    dir
}

#[tokio::test]
async fn damage_in_the_midst_of_what_is_replayed_is_refused_and_leaves_nothing_out() {
    let origin = tempfile::tempdir().unwrap();
    let mut files = of_a_killed_server(origin.path(), 2).await;
    let whole = pairs(&SledEngine::open(restore(&files).path(), OPTIONS).unwrap()).await.unwrap();
    assert!(whole.len() as u64 == KEYS && whole.iter().all(|(_, value)| value[..] == [2; VALUE]));
    let database = files.iter().position(|(name, _)| name == Path::new("db")).unwrap();
    let segments = files[database].1.len() / SEGMENT_BYTES;
    assert!(segments >= 4, "{segments} segments");
    let mut refused = 0;
    // Some places of each segment but the newest two, which the watermark guards.
    for place in 0..3 * segments {
        let at = place / 3 * SEGMENT_BYTES + [7, SEGMENT_BYTES / 2, SEGMENT_BYTES * 15 / 16][place % 3];
        files[database].1[at] ^= 0x10;
        let dir = restore(&files);
        match SledEngine::open(dir.path(), OPTIONS) {
            Err(OpenError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("byte {at}: {other}"),
            Ok(engine) => {
                let size = engine.head(LOG).await.unwrap().unwrap().size;
                let cut = size < 3 * KEYS / BATCH;
                // What is damaged may also be refused when it is read.
                let wrong = pairs(&engine).await.is_ok_and(|read| read != whole);
                assert!(cut || !wrong, "byte {at}: something is missing without a word");
            }
        }
        files[database].1[at] ^= 0x10;
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn a_file_that_ends_in_the_midst_of_what_is_replayed_is_refused() {
    let origin = tempfile::tempdir().unwrap();
    // So often that segments are used again, and the end of the file is not that of the log.
    let mut files = of_a_killed_server(origin.path(), 4).await;
    let from = files.iter().map(|(name, _)| snapshot_position(name)).max().unwrap() / SEGMENT;
    let database = files.iter().position(|(name, _)| name == Path::new("db")).unwrap();
    let whole = std::mem::take(&mut files[database].1);
    let number = |at| segment_header(&whole[at..]).map(|header| header.position / SEGMENT);
    let begins = || (0..whole.len()).step_by(SEGMENT_BYTES);
    // Half of the newest may be all there is of it.
    let newest = begins().filter_map(number).max().unwrap();
    let mut refused = 0;
    for at in begins().filter(|at| number(*at).is_some_and(|number| (from..newest).contains(&number))) {
        let length = at + SEGMENT_BYTES / 2;
        files[database].1 = whole[..length].to_vec();
        match SledEngine::open(restore(&files).path(), OPTIONS) {
            Err(OpenError::Damaged { .. }) => refused += 1,
            Err(other) => panic!("{length} bytes: {other}"),
            // The watermark, which is not there, would have refused it.
            Ok(engine) => {
                let size = engine.head(LOG).await.unwrap().unwrap().size;
                assert!(size < 5 * KEYS / BATCH, "{length} bytes: something is missing without a word");
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn the_checksum_is_the_usual_one() {
    assert_eq!(checksum(&[b"123456789"]), 0xcbf4_3926);
    assert_eq!(checksum(&[b"1", b"2345678", b"9"]), 0xcbf4_3926);
    assert_eq!(checksum(&[]), 0);
}

#[test]
fn numbers_have_one_to_nine_bytes() {
    let read = |bytes: &[u8]| {
        let mut rest = bytes;
        number(&mut rest).map(|number| (number, rest.len()))
    };
    assert_eq!(read(&[240, 7]), Some((240, 1)));
    assert_eq!(read(&[241, 1]), Some((241, 0)));
    assert_eq!(read(&[248, 255]), Some((2_287, 0)));
    assert_eq!(read(&[249, 0, 1]), Some((2_289, 0)));
    assert_eq!(read(&[250, 1, 2, 3]), Some((0x03_02_01, 0)));
    assert_eq!(read(&[255, 255, 255, 255, 255, 255, 255, 255, 255]), Some((u64::MAX, 0)));
    assert_eq!(read(&[249, 0]), None);
    assert_eq!(read(&[]), None);
}
