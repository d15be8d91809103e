//! The layout against the words of C2SP tlog-tiles, and proofs out of tiles against
//! proofs out of the tree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::audit::{
    merkle::{Frontier, Hash, leaf_hash},
    node::tree_root,
    proof::{ProofError, prove_consistency, prove_inclusion, verify_consistency, verify_inclusion},
};
use proptest::prelude::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

fn tile(path: &str) -> Tile {
    path.parse().unwrap()
}

#[derive(Debug, PartialEq, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Content(#[from] ContentError),
    #[error(transparent)]
    Proof(#[from] ProofError),
    #[error("{0} is not there")]
    Missing(Tile),
}

/// A log in memory as it would lie in a folder.
#[derive(Clone, Default, PartialEq, Debug)]
struct Folder {
    size: u64,
    files: BTreeMap<String, Vec<u8>>,
}

fn leaf(index: u64) -> Vec<u8> {
    format!("leaf {index}").into_bytes()
}

impl Folder {
    fn of(size: u64) -> Self {
        let mut folder = Self::default();
        folder.grow(size);
        folder
    }

    fn grow(&mut self, size: u64) {
        for tile in grown(self.size, size) {
            let content = match tile.kind() {
                Kind::Entries => {
                    let leaves: Vec<_> = tile.range().map(leaf).collect();
                    bundle(leaves.iter().map(Vec::as_slice)).unwrap()
                }
                Kind::Hashes { .. } => compute(tile, |below| self.fetch(below)).unwrap(),
            };
            self.files.insert(tile.to_string(), content);
        }
        self.size = size;
    }

    fn fetch(&self, tile: Tile) -> Result<Vec<u8>, Failed> {
        self.files.get(&tile.to_string()).cloned().ok_or(Failed::Missing(tile))
    }

    fn root(&self) -> Result<Hash, Failed> {
        let mut reader = TileReader::new(self.size, |tile| self.fetch(tile));
        tree_root(self.size, |node| reader.hash(node))
    }
}

fn frontier(size: u64) -> Frontier {
    let mut frontier = Frontier::empty();
    (0..size).for_each(|index| frontier.append(leaf_hash(&leaf(index))));
    frontier
}

#[test]
fn paths_are_written_as_the_specification_has_them() {
    let hashes = |level, index, width| Tile { kind: Kind::Hashes { level }, index, width };
    let entries = |index, width| Tile { kind: Kind::Entries, index, width };
    let golden = [
        (hashes(0, 0, 256), "tile/0/000"),
        (hashes(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (hashes(1, 1_234_067, 255), "tile/1/x001/x234/067.p/255"),
        (hashes(63, 999, 1), "tile/63/999.p/1"),
        (hashes(2, 1000, 256), "tile/2/x001/000"),
        (entries(273, 112), "tile/entries/273.p/112"),
        (entries(1_000_000, 256), "tile/entries/x001/x000/000"),
        (entries(u64::MAX, 256), "tile/entries/x018/x446/x744/x073/x709/x551/615"),
    ];
    for (tile, path) in golden {
        assert_eq!(tile.to_string(), path);
        assert_eq!(path.parse(), Ok(tile));
    }
}

#[test]
fn a_path_that_is_written_in_another_way_is_refused() {
    let refused = [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile//000",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/1000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/256/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/0/+00",
        "tile/0/-01",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/x000/001",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/X001/000",
        "tile/0/x1/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/+1",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/x001.p/1/000",
        "tile/data/000",
        "tile/Entries/000",
        "tile/8/0/000",
        "tile/entries/x018/x446/x744/x073/x709/x551/616",
        "tile/entries/x999/x999/x999/x999/x999/x999/999",
        "tile/0/٠٠٠",
        "tile/0/000 ",
        "tile/0/000\n",
        "tile/0/../000",
        "checkpoint",
    ];
    for path in refused {
        let error = path.parse::<Tile>().expect_err(path);
        assert!(error.to_string().contains("is not the path of a tile"), "{error}");
    }
    let long = "9".repeat(100_000).parse::<Tile>().unwrap_err();
    assert!(long.to_string().len() < 500);
}

static LONGER: LazyLock<Folder> = LazyLock::new(|| Folder::of(768));

/// The tiles of a tree, from the sentence in the specification: the partial tile at
/// level l of a tree of size s has `floor(s / 256**l) mod 256` entries.
fn defined(size: u64) -> BTreeSet<Tile> {
    let mut tiles = BTreeSet::new();
    let kinds = [(Kind::Entries, 0)].into_iter();
    for (kind, level) in kinds.chain((0..7).map(|level| (Kind::Hashes { level }, u32::from(level)))) {
        let count = size / 256_u64.pow(level);
        tiles.extend((0..count / 256).map(|index| Tile { kind, index, width: 256 }));
        if !count.is_multiple_of(256) {
            tiles.insert(Tile { kind, index: count / 256, width: u16::try_from(count % 256).unwrap() });
        }
    }
    tiles
}

#[test]
fn a_tree_of_70000_leaves_has_the_tiles_of_the_example() {
    let tiles: Vec<_> = grown(0, 70_000).collect();
    let of = |kind| tiles.iter().filter(move |tile| tile.kind() == kind);
    let level = |level| of(Kind::Hashes { level }).map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(of(Kind::Hashes { level: 0 }).filter(|tile| tile.is_full()).count(), 273);
    assert_eq!(level(0).last().unwrap(), "tile/0/273.p/112");
    assert_eq!(level(1), ["tile/1/000", "tile/1/001.p/17"]);
    assert_eq!(level(2), ["tile/2/000.p/1"]);
    assert!(level(3).is_empty());
    let of_256: Vec<_> = grown(0, 256).map(|tile| tile.to_string()).collect();
    assert_eq!(of_256, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(grown(0, 0).count() + grown(9, 9).count() + grown(9, 8).count(), 0);
}

#[test]
fn an_entry_bundle_has_the_length_before_each_leaf() {
    let content = bundle([&b"a"[..], b"", &[7; 258]]).unwrap();
    assert_eq!(&content[..8], b"\x00\x01a\x00\x00\x01\x02\x07");
    let entries = tile("tile/entries/000.p/3");
    assert_eq!(leaves(entries, &content).unwrap(), [&b"a"[..], b"", &[7; 258]]);
    let longest = vec![1; 65_535];
    assert_eq!(bundle([longest.as_slice()]).unwrap()[..3], [255, 255, 1]);
    let longer = vec![1; 65_536];
    assert_eq!(bundle([longer.as_slice()]), Err(ContentError::LeafTooLong(65_536)));
}

#[test]
fn content_that_is_cut_or_goes_on_is_refused() {
    let entries = tile("tile/entries/000.p/2");
    let content = bundle([&b"ab"[..], b"c"]).unwrap();
    for end in 0..content.len() {
        let refused = leaves(entries, &content[..end]).unwrap_err();
        assert_eq!(refused, ContentError::Truncated { tile: entries, leaf: u16::from(end >= 4) });
    }
    let longer = [&content[..], b"\0\0"].concat();
    assert_eq!(leaves(entries, &longer), Err(ContentError::Trailing { tile: entries, left: 2 }));
    let two = tile("tile/0/000.p/2");
    for length in [0, 1, 32, 63, 65, 96] {
        let refused = hashes(two, &vec![0; length]).unwrap_err();
        assert_eq!(refused, ContentError::Length { tile: two, expected: 64, given: length });
    }
    let said = hashes(two, &[0; 65]).unwrap_err().to_string();
    assert_eq!(said, "tile/0/000.p/2 must have 64 bytes, 2 hashes of 32, but has 65");
    let said = leaves(entries, &longer).unwrap_err().to_string();
    assert_eq!(
        said,
        "tile/entries/000.p/2 must hold 2 leaves and nothing else, but 2 bytes follow on the last"
    );
}

#[test]
fn hashes_are_not_taken_for_leaves_or_the_other_way_round() {
    let (entries, two) = (tile("tile/entries/000.p/2"), tile("tile/0/000.p/2"));
    assert_eq!(leaves(two, &[0; 64]), Err(ContentError::Kind { tile: two }));
    assert_eq!(hashes(entries, &[0; 64]), Err(ContentError::Kind { tile: entries }));
    let computed = compute(entries, |_| Ok::<_, ContentError>(Vec::new()));
    assert_eq!(computed.unwrap_err().to_string(), "tile/entries/000.p/2 holds leaves, not hashes");
}

#[test]
fn proofs_out_of_tiles_are_those_of_the_tree() {
    let folder = Folder::of(66_000);
    let root = frontier(66_000).root();
    let mut reader = TileReader::new(66_000, |tile| folder.fetch(tile));
    for index in [0, 1, 255, 256, 511, 65_535, 65_536, 65_790, 65_999] {
        let proof = prove_inclusion(index, 66_000, |node| reader.hash(node)).unwrap();
        verify_inclusion(&leaf_hash(&leaf(index)), index, 66_000, &proof, &root).unwrap();
    }
    for old in [1, 2, 255, 256, 257, 300, 65_535, 65_536, 65_537, 65_999, 66_000] {
        let proof = prove_consistency(old, 66_000, |node| reader.hash(node)).unwrap();
        verify_consistency(old, 66_000, &proof, &frontier(old).root(), &root).unwrap();
    }
}

#[test]
fn a_reader_asks_for_each_tile_once_and_for_nothing_outside_the_tree() {
    let folder = Folder::of(1000);
    let mut asked = Vec::new();
    let mut reader = TileReader::new(1000, |tile| {
        asked.push(tile.to_string());
        folder.fetch(tile)
    });
    for _ in 0..3 {
        prove_inclusion(999, 1000, |node| reader.hash(node)).unwrap();
    }
    for node in [(0, 1000), (3, 125), (9, 1), (63, 0), (63, 1), (64, 0), (255, u64::MAX), (0, u64::MAX)] {
        let (level, index) = node;
        let refused = reader.hash(crate::audit::node::Node { level, index }).unwrap_err();
        assert!(matches!(refused, Failed::Proof(ProofError::NoSuchLeaf { size: 1000, .. })), "{refused}");
    }
    asked.sort();
    assert_eq!(asked, ["tile/0/003.p/232", "tile/1/000.p/3"]);
}

#[test]
fn every_flipped_bit_of_the_tiles_that_make_the_root_changes_it() {
    let folder = Folder::of(300);
    let root = folder.root().unwrap();
    assert_eq!(root, frontier(300).root());
    for path in ["tile/0/001.p/44", "tile/1/000.p/1"] {
        for bit in 0..folder.files[path].len() * 8 {
            let mut bad = folder.clone();
            bad.files.get_mut(path).unwrap()[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(bad.root().unwrap(), root, "bit {bit} of {path}");
        }
    }
}

#[test]
fn a_flipped_bit_anywhere_in_a_bundle_or_a_full_tile_changes_what_is_computed_from_it() {
    let folder = Folder::of(256);
    for path in ["tile/0/000", "tile/1/000.p/1"] {
        let computed = compute(tile(path), |below| folder.fetch(below)).unwrap();
        assert_eq!(computed, folder.files[path]);
        let below = tile(path).below().next().unwrap().to_string();
        // A prime step: over the bundle and the 256 hashes it meets every part of each.
        for bit in (0..folder.files[&below].len() * 8).step_by(127) {
            let mut bad = folder.files[&below].clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let changed = compute(tile(path), |_| Ok::<_, ContentError>(bad.clone()));
            assert_ne!(changed.ok().as_ref(), Some(&computed), "bit {bit} of {below}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn growing_writes_exactly_what_the_older_tree_did_not_have(old in 0_u64..200_000, more in 0_u64..70_000) {
        let (before, after) = (defined(old), defined(old + more));
        let written: Vec<_> = grown(old, old + more).collect();
        let expected: BTreeSet<_> = after.difference(&before).copied().collect();
        prop_assert_eq!(written.iter().copied().collect::<BTreeSet<_>>(), expected);
        prop_assert!(written.is_sorted_by_key(|tile| (tile.kind(), tile.index())));
    }

    #[test]
    fn however_a_log_grows_its_files_are_the_same(steps in proptest::collection::vec(0_u64..400, 1..6)) {
        let mut folder = Folder::default();
        for step in steps {
            folder.grow(folder.size + step);
            prop_assert_eq!(folder.root().unwrap(), frontier(folder.size).root());
        }
        for (path, content) in Folder::of(folder.size).files {
            prop_assert_eq!(&folder.files[&path], &content, "{}", path);
        }
    }

    #[test]
    fn a_partial_tile_is_the_beginning_of_its_full_one(size in 1_u64..600) {
        let folder = Folder::of(size);
                for (path, content) in &folder.files {
            let full = tile(path).full();
            if full.kind() != (Kind::Hashes { level: 1 }) {
                prop_assert!(LONGER.files[&full.to_string()].starts_with(content));
            }
        }
    }

}

proptest! {
    #[test]
    fn every_path_is_read_back(kind in 0_u8..=64, index: u64, width in 1_u16..=256) {
        let kind = if kind == 64 { Kind::Entries } else { Kind::Hashes { level: kind } };
        let tile = Tile { kind, index, width };
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
    }

    #[test]
    fn any_text_is_a_path_or_refused(text in "(tile/)?(entries|[0-9]{0,3})/(x?[0-9]{0,4}/){0,3}[0-9]{0,4}(\\.p/[0-9]{0,4})?|.*") {
        if let Ok(tile) = text.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), text);
            let _ = (tile.range(), tile.below().take(3).count());
        }
    }

    #[test]
    fn any_bytes_are_a_bundle_or_refused(bytes: Vec<u8>, width in 1_u16..4) {
        let entries = Tile { kind: Kind::Entries, index: 0, width };
        if let Ok(leaves) = leaves(entries, &bytes) {
            prop_assert_eq!(bundle(leaves).unwrap(), bytes);
        }
    }
}
