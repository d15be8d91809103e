//! The house rules of ARCHITECTURE.md, read off the source: which room may
//! import which, what a room must never name, how long a file may be.

mod rooms;
mod source;

use source::Source;
use std::{fs, path::Path};

const LONGEST: usize = 400;

/// Every file below the given top-level folders with one of these endings.
fn files(folders: &[&str], endings: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<_> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| endings.iter().any(|one| ending == *one)) {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            found.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// Where our own code lives.
const LIVES_IN: [&str; 5] = ["src", "tests", "benches", "fuzz/src", "fuzz/fuzz_targets"];

/// The program's own source, without tests.
fn sources() -> Vec<Source> {
    let files = files(&["src"], &["rs"]);
    assert!(files.len() > 3, "no source was found to judge");
    let tests = source::test_modules(&files);
    let judged = files.iter().filter(|(name, _)| !tests.iter().any(|test| name.starts_with(test)));
    judged.map(|(name, text)| Source::read(name, text)).collect()
}

fn none(rule: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{rule}:\n  {}", offenders.join("\n  "));
}

#[test]
fn rooms_import_only_what_the_design_allows() {
    let offenders: Vec<_> = sources().iter().flat_map(rooms::forbidden_imports).collect();
    none("arrows point inwards only (ARCHITECTURE.md, rooms)", &offenders);
}

#[test]
fn rooms_never_name_what_is_not_theirs() {
    let offenders: Vec<_> = sources().iter().flat_map(rooms::forbidden_names).collect();
    none("a room named what it must never name (ARCHITECTURE.md, rooms)", &offenders);
}

#[test]
fn every_file_lives_in_a_room() {
    let stray = |source: &&Source| rooms::of(&source.file).is_none();
    let offenders: Vec<_> = sources().iter().filter(stray).map(|source| source.file.clone()).collect();
    none("give each of these a room, or the lobby", &offenders);
}

#[test]
fn only_its_own_file_names_sled() {
    let offenders: Vec<_> = sources().iter().flat_map(rooms::names_of_sled).collect();
    none("sled stays behind the engine trait, in src/store/sled*", &offenders);
}

#[test]
fn nothing_unwraps_or_panics_outside_tests() {
    let offenders: Vec<_> = sources().iter().flat_map(Source::panics).collect();
    none("return an error instead", &offenders);
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let long = |(name, text): &(String, String)| {
        let lines = text.lines().count();
        (lines > LONGEST).then(|| format!("{name}: {lines} lines"))
    };
    let offenders: Vec<_> = files(&LIVES_IN, &["rs", "py"]).iter().filter_map(long).collect();
    none("split these along their subjects", &offenders);
}

#[test]
fn nothing_is_called_util_common_helpers_or_manager() {
    const VAGUE: [&str; 6] = ["util", "utils", "common", "helper", "helpers", "manager"];
    let vague = |name: &String| {
        let mut parts = name.split('/').map(|part| part.split('.').next().unwrap_or(part));
        parts.any(|part| VAGUE.contains(&part))
    };
    let mut names: Vec<_> = files(&LIVES_IN, &["rs", "py"]).into_iter().map(|file| file.0).collect();
    names.retain(vague);
    none("name these after what they decide", &names);
}

#[test]
fn every_file_begins_by_saying_what_it_is_for() {
    let silent = |(name, text): &(String, String)| {
        let opening = if name.ends_with(".py") { "\"\"\"" } else { "//!" };
        let first = text.lines().find(|line| !line.starts_with("#!/"));
        (!first.is_some_and(|line| line.starts_with(opening))).then(|| name.clone())
    };
    let files = files(&[&LIVES_IN[..], &["build.rs"]].concat(), &["rs", "py"]);
    let offenders: Vec<_> = files.iter().filter_map(silent).collect();
    none("begin these with `//!` (or a docstring)", &offenders);
}

#[test]
fn what_a_test_reads_from_its_environment_is_documented() {
    let documented = include_str!("../../docs/testing.md");
    let files = files(&["src", "tests"], &["rs"]);
    let words = files.iter().flat_map(|file| file.1.split(|c: char| !c.is_ascii_uppercase() && c != '_'));
    let mut named: Vec<_> =
        words.filter(|word| word.starts_with("STEWARD_TEST_")).map(str::to_owned).collect();
    named.sort();
    named.dedup();
    assert!(named.len() > 10, "no variable was found to judge");
    named.retain(|name| name != "STEWARD_TEST_" && !documented.contains(name.as_str()));
    none("say in docs/testing.md what these change", &named);
}
