//! Every flipped bit of a published log of 1,000 events is found. By default some of the bits
//! are flipped, of leaves and tiles one in a few hundred; STEWARD_TEST_FLIPS=1 flips all.

use super::{grow, steward};
use crate::support::TestServer;
use std::{fs, path::Path};
use steward_registry::audit::{
    checkpoint::SignedCheckpoint,
    key::VerifierKey,
    tile::{Kind, Tile, Whole, WholeError},
};

const SIZE: u64 = 1_000;

/// Flips one bit in so many.
fn stride(default: usize) -> usize {
    std::env::var("STEWARD_TEST_FLIPS").map_or(default, |text| text.parse().unwrap())
}

/// Calls `found` with each flip of a file, on all processors; counts them.
fn flip(content: &[u8], stride: usize, found: impl Fn(&[u8]) -> bool + Sync) -> usize {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let work = &|first: usize| {
        let mut content = content.to_vec();
        let bits = (0..content.len() * 8).step_by(stride).skip(first).step_by(workers);
        let mut count = 0;
        for bit in bits {
            content[bit / 8] ^= 1 << (bit % 8);
            assert!(found(&content), "bit {bit} was flipped and nobody noticed");
            content[bit / 8] ^= 1 << (bit % 8);
            count += 1;
        }
        count
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|first| scope.spawn(move || work(first))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

fn read(dir: &Path, kind: Kind, index: u64) -> (Tile, Vec<u8>) {
    let tile = Tile::in_tree(kind, index, SIZE).unwrap();
    (tile, fs::read(dir.join(tile.to_string())).unwrap())
}

#[tokio::test]
async fn every_flipped_bit_of_a_published_log_is_found() {
    let server = TestServer::start().await;
    grow(&server, SIZE).await;
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path();
    steward(&server, &["audit", "publish", dir.to_str().unwrap()]).await.unwrap();
    let key = steward(&server, &["audit", "key"]).await.unwrap();
    let keys: Vec<VerifierKey> = vec![key.trim().parse().unwrap()];
    server.stop().await;

    let note = fs::read(dir.join("checkpoint")).unwrap();
    let is_signed =
        |note: &[u8]| SignedCheckpoint::parse(note).is_ok_and(|signed| signed.verify(&keys).is_ok());
    assert!(is_signed(&note));
    let mut flipped = flip(&note, 1, |note| !is_signed(note));

    let mut whole = Whole::default();
    for index in 0..SIZE.div_ceil(256) {
        let (bundle, leaves) = read(dir, Kind::Entries, index);
        let (_, hashes) = read(dir, Kind::Hashes { level: 0 }, index);
        let disagree = |leaves: &[u8], hashes: &[u8]| whole.clone().take(bundle, leaves, hashes).is_err();
        flipped += flip(&leaves, stride(509), |leaves| disagree(leaves, &hashes));
        flipped += flip(&hashes, stride(101), |hashes| disagree(&leaves, hashes));
        whole.take(bundle, &leaves, &hashes).unwrap();
    }
    let (above, hashes) = read(dir, Kind::Hashes { level: 1 }, 0);
    let fetch = |content: &[u8]| {
        let content = content.to_vec();
        move |tile| {
            assert_eq!(tile, above);
            Ok::<_, WholeError>(content.clone())
        }
    };
    whole.clone().finish(fetch(&hashes)).unwrap();
    flipped += flip(&hashes, 1, |hashes| whole.clone().finish(fetch(hashes)).is_err());
    println!("{flipped} bits flipped, all found");
}
