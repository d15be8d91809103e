//! The inputs that fuzzing kept, through the same properties as `fuzz/run` tries on new
//! ones: what was mended once stays mended without a fuzzer.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use fuzz::{Check, TARGETS};
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

/// Names of the files in a folder, without their endings.
fn names(name: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder(name)).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The kept inputs of one target, each through its property.
fn keep_their_properties(target: &str, check: Check) {
    let mut tried = 0;
    for entry in fs::read_dir(folder("corpus").join(target)).unwrap() {
        let path = entry.unwrap().path();
        // Says which input it was, should the property panic.
        println!("{}", path.display());
        check(&fs::read(path).unwrap());
        tried += 1;
    }
    assert!(tried > 0, "nothing is kept for {target}");
}

/// A test for each target, so that they run beside each other and fail by name.
macro_rules! kept {
    ($($target:ident)*) => {
        mod kept {
            $(
                #[test]
                fn $target() {
                    super::keep_their_properties(stringify!($target), super::fuzz::$target::check);
                }
            )*
            pub const ALL: &[&str] = &[$(stringify!($target)),*];
        }
    };
}
kept!(
    argument canonical command_line config drawn_request evaluation_file event_filter export field filter
    filter_tree fold key leaf name otlp page record request resource time token
);

#[test]
fn every_property_has_its_program_and_its_corpus() {
    assert!(TARGETS.iter().map(|(name, _)| name).eq(kept::ALL));
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
    assert!(names("dictionaries").is_subset(&targets));
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for target in targets {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target} is not built");
    }
}
