//! Where a store is damaged, and how.

use super::numbers::Numbers;
use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

/// One damage of one file.
#[derive(Clone, Debug)]
pub struct Damage {
    /// The file, below the directory of the store.
    pub file: PathBuf,
    pub harm: Harm,
}

#[derive(Clone, Copy, Debug)]
pub enum Harm {
    /// One bit is another one.
    Flip { at: u64, bit: u8 },
    /// The file ends here.
    Truncate { at: u64 },
    /// A sector was lost.
    Zero { at: u64 },
}

/// Bytes of a segment of sled's file, and of the part of it that is damaged more often.
const SEGMENT: u64 = 4 << 20;
const EDGE: u64 = 100 << 10;
/// Bytes of a sector.
const SECTOR: u64 = 512;

impl Damage {
    pub fn inflict(&self, dir: &Path) {
        let file = File::options().read(true).write(true).open(dir.join(&self.file)).unwrap();
        match self.harm {
            Harm::Flip { at, bit } => {
                let mut byte = [0];
                file.read_exact_at(&mut byte, at).unwrap();
                file.write_all_at(&[byte[0] ^ (1 << bit)], at).unwrap();
            }
            Harm::Truncate { at } => file.set_len(at).unwrap(),
            Harm::Zero { at } => {
                let rest = file.metadata().unwrap().len() - at;
                file.write_all_at(&vec![0; rest.min(SECTOR) as usize], at).unwrap();
            }
        }
    }
}

/// The files of a store; those of its blobs too, if it has any.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in [dir.to_owned(), dir.join("blobs")] {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.extend(entries.filter(|path| path.is_file()));
    }
    let below = |path: PathBuf| path.strip_prefix(dir).unwrap().to_owned();
    let mut files: Vec<PathBuf> = files.into_iter().map(below).collect();
    files.sort();
    files
}

/// So many damages: two thirds of them in `db`, spread evenly over its length,
/// the rest over the other files.
pub fn spread(dir: &Path, count: usize, seed: u64) -> Vec<Damage> {
    let mut numbers = Numbers::new(seed);
    let (large, small): (Vec<_>, Vec<_>) = files(dir).into_iter().partition(|file| file == Path::new("db"));
    let in_large = count - count / 3;
    let mut damages = Vec::new();
    for index in 0..count {
        let file = match index < in_large {
            true => large[0].clone(),
            false => small[index % small.len()].clone(),
        };
        let length = fs::metadata(dir.join(&file)).unwrap().len();
        // One stratum for each, so that no region is left out.
        let (strata, stratum) =
            if index < in_large { (in_large, index) } else { (count - in_large, index - in_large) };
        let (strata, stratum) = (strata as u64, stratum as u64);
        let (from, to) = (length * stratum / strata, length * (stratum + 1) / strata);
        let mut at = (from + numbers.below((to - from).max(1))).min(length - 1);
        if index < in_large && index % 2 == 1 {
            // Where a segment ends, what sled leaves out is little and easily missed.
            at = (at / SEGMENT * SEGMENT + SEGMENT).min(length) - 1 - numbers.below(EDGE);
        }
        let harm = match index % 8 {
            0 => Harm::Truncate { at },
            2 => Harm::Zero { at: at / SECTOR * SECTOR },
            _ => Harm::Flip { at, bit: numbers.below(8) as u8 },
        };
        damages.push(Damage { file, harm });
    }
    damages
}
